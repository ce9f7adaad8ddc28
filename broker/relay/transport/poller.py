"""Decides when the hot loop reads which sockets, as network drivers moderate interrupts: while there is little to do,
each packet is read at once; the more there is, the longer packets wait to be taken together, up to LONGEST. Then a
wake-up, which costs as much as forwarding a packet, serves many, and those for one destination leave together.

Clients come first, each in its turn, until none has a packet left; after TURN the event loop does what is due (gates,
commands), and reading goes on at once. What comes from unknown addresses is read in a part of the time only: a
flood fills the shared socket, and takes nothing from those who are known."""

import asyncio
from itertools import count

from broker.kernel.clock import monotonic
from broker.relay.fanout import BATCH, Fanout
from broker.relay.transport.connected import ConnectedPorts, SharedPort

QUIET, BUSY = 0.1, 0.7  # parts of the time spent on packets: up to the first none waits, from the second for LONGEST
SHORTEST, LONGEST = 0.001, 0.003  # seconds between the starts of two turns; with a turn's work far from the 10 promised
MEMORY = 0.05  # seconds over which that part is measured: what comes in a pause between pictures is no change of load
TURN = 0.004  # seconds of reading after which timers and commands have their turn
MOST_EACH = 16  # datagrams of one socket in a pass, so that none has to wait for another for long
SHARE = 0.3  # part of the time in which unknown addresses are read and answered
MOST = 0.003  # seconds of that at once: thirty checks of new clients
SLICE = 8  # datagrams of unknown addresses between two looks at the clock: under a millisecond of checks


class TimeShare:
    """A part of the time, `share` of 1, to spend on something; unspent time is kept up to `most` seconds. Pure."""

    __slots__ = ("_at", "_most", "_share", "left")

    def __init__(self, share: float, most: float) -> None:
        self._share, self._most = share, most
        self.left, self._at = most, 0.0

    def gain(self, now: float) -> bool:
        """Add what the time since the last call allows, and return whether there is any left."""
        self.left = min(self._most, self.left + max(0.0, now - self._at) * self._share)
        self._at = now
        return self.left > 0

    def spend(self, seconds: float) -> bool:
        """Note that so much was spent, and return whether there is any left."""
        self.left -= seconds
        return self.left > 0


class BusyTime:
    """Adds up the `seconds` that a worker spends on packets, also those between two turns of which the second follows
    at once. Pure."""

    __slots__ = ("_since", "seconds")

    def __init__(self) -> None:
        self.seconds = 0.0
        self._since: float | None = None

    def spent(self, began: float, ended: float, more: bool) -> None:
        """Note a turn between these moments (monotonic s); `more` when another follows at once."""
        self.seconds += ended - (began if self._since is None else self._since)
        self._since = ended if more else None


class Moderation:
    """Measures the part of the time that turns take, and says how long packets are to wait. Pure."""

    __slots__ = ("_ended", "share")

    def __init__(self) -> None:
        self.share = self._ended = 0.0

    def spent(self, began: float, ended: float) -> None:
        """Note a turn between these moments (monotonic s)."""
        passed = max(ended - self._ended, ended - began, 1e-6)
        self.share += ((ended - began) / passed - self.share) * min(1.0, passed / MEMORY)
        self._ended = ended

    @property
    def interval(self) -> float:
        """The seconds from the beginning of one turn to that of the next; 0 is at the next packet."""
        if self.share < QUIET:
            return 0.0
        return SHORTEST + (LONGEST - SHORTEST) * min(1.0, (self.share - QUIET) / (BUSY - QUIET))


class Poller:
    """Reads the connected sockets and the shared ones while packets arrive at any of them, and counts the time that
    this takes as `busy`."""

    def __init__(self, fanout: Fanout, connected: ConnectedPorts, busy: BusyTime) -> None:
        self._fanout, self._connected, self._busy = fanout, connected, busy
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.Handle | None = None
        self._share, self._moderation = TimeShare(SHARE, MOST), Moderation()
        self._wait()

    @property
    def waits(self) -> bool:
        """Whether the next packet is read at once."""
        return self._timer is None

    def _wait(self) -> None:
        self._loop.add_reader(self._connected.fileno(), self._handle_readable)

    def _handle_readable(self) -> None:
        self._loop.remove_reader(self._connected.fileno())
        self._turn()

    def _turn(self) -> None:
        began, found, more, held = monotonic(), True, False, False
        self._timer = None
        try:
            try:
                found, more, shared = self._read_clients(began)
            finally:
                self._fanout.flush()
            for port in shared:
                if port.filtered:
                    held = self._read_strangers(port) or held
                else:
                    found = self._read_all(port) or found
        finally:  # also after an error: a worker that stops reading would fail all its sessions
            self._go_on(began, found, more, held)

    def _read_clients(self, began: float) -> tuple[bool, bool, list[SharedPort]]:
        """Read the connected sockets by turns, until none has anything. Return whether one had, whether one may still
        have, and the shared sockets that can be read.

        The first pass reads one datagram each, which is usually all. Later ones read more: where that much has come at
        once, more will be there, and what comes from one client goes to the same destinations."""
        for passes in count():
            ready, shared = self._connected.ready()
            if not ready:
                return passes > 0, False, shared
            self._fanout.read(ready, MOST_EACH if passes else 1)
            if monotonic() - began > TURN:
                break
        return True, True, shared

    def _read_strangers(self, port: SharedPort) -> bool:
        """Read what unknown addresses have sent. Return whether the rest has to wait, as their time is used up."""
        began = monotonic()
        if not self._share.gain(began):
            return True
        read = SLICE
        while read == SLICE:
            read = self._fanout.drain(port, SLICE)
            began, ended = monotonic(), began
            if not self._share.spend(began - ended):
                return True
        return False

    def _read_all(self, port: SharedPort) -> bool:
        """Read a socket that clients share with strangers."""
        began, read, found = monotonic(), BATCH, False
        while read == BATCH and monotonic() - began < TURN:
            read = self._fanout.drain(port)
            found = found or read > 0
        return found

    def _go_on(self, began: float, found: bool, more: bool, held: bool) -> None:
        ended = monotonic()
        self._moderation.spent(began, ended)
        self._busy.spent(began, ended, more)
        interval = self._moderation.interval if found else 0.0
        if more:
            self._timer = self._loop.call_soon(self._turn)
        elif interval or held:
            self._timer = self._loop.call_at(began + max(interval, SHORTEST), self._turn)
        else:
            self._wait()

    def close(self) -> None:
        """Stop reading the sockets, for good."""
        self._loop.remove_reader(self._connected.fileno())
        if self._timer is not None:
            self._timer.cancel()
