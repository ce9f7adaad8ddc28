"""The parts of the TLS process: listener, handshakes, negotiated connections and the way to ingress."""

import asyncio
import socket
from collections.abc import Callable

import structlog

from broker.kernel.errors import ControlUnavailable
from broker.kernel.tasks import Tasks
from signaling.ingress.counters import Counters
from signaling.ingress.fairness import FairSet, prefix_of
from signaling.ingress.incoming import refuse
from signaling.ingress.listener import Listener
from signaling.tls.handshakes import Handshake, HandshakeLimits, Handshakes
from signaling.tls.link import IngressLink
from signaling.tls.pump import Pump
from signaling.tls.redirect import NotOverTls
from signaling.tls.watch import LOOK_SECONDS, CertificateWatch

log = structlog.get_logger("signaling")
TICK_SECONDS = 0.5
READING_SECONDS = 10.0  # between two looks at how answers are read
SPARE = 256  # descriptors for the listener, the link and handshakes
MOST = 6000
"""Negotiated connections: those of control, those of ingress, and those that only take the rest of their answer."""
RESTS = 512
"""Connections whose client has only to take the rest; one more, and the oldest of the place that has most is closed."""


class Terminator:
    """All TLS connections of this process."""

    def __init__(self, watch: CertificateWatch, limits: HandshakeLimits, most: int, make_link: "MakeLink") -> None:
        self.counters = Counters("TLS connections refused")
        self.handshakes = Handshakes(
            limits,
            self.counters,
            lambda: watch.pair.context,
            self._negotiated,
            lambda plain: refuse(plain, NotOverTls()),
        )
        self.link = make_link(self.handshakes.known.learn)
        self.listener = Listener(self.handshakes.accept, lambda: self.counters.count("refused_no_descriptor"))
        self._watch, self._most = watch, most
        self._pumps: set[Pump] = set()
        self._rests: FairSet[Pump] = FairSet()
        self._tasks = Tasks()
        self._loop = asyncio.get_running_loop()

    def __len__(self) -> int:
        return len(self._pumps)

    def start(self) -> None:
        """Begin what runs until `close`."""
        self._tasks.spawn(self.link.run())
        self._tasks.spawn(self._tick())
        self._tasks.spawn(self._look_at_readers())
        self._tasks.spawn(self._look_at_files())

    async def close(self) -> None:
        """Close all connections and end what `start` began."""
        self.listener.close()
        self.handshakes.close()
        for pump in list(self._pumps):
            pump.abort()
        await self._tasks.close()

    # ---- negotiated connections --------------------------------------------------------------------------------

    def _negotiated(self, handshake: Handshake) -> None:
        """Give ingress its end of a connection."""
        if len(self._pumps) >= self._most and not handshake.first:
            self.counters.count("refused_full")
            return handshake.socket.close()
        assert handshake.tls is not None
        try:
            ours, theirs = socket.socketpair()
        except OSError:  # known senders are not refused where there is no room
            self.counters.count("refused_no_descriptor")
            return handshake.socket.close()
        ours.setblocking(False)
        try:
            self.link.hand_over(theirs, handshake.peer)
        except ControlUnavailable:
            self.counters.count("refused_ingress")
            for each in (ours, theirs, handshake.socket):
                each.close()
            return
        pump = Pump(
            handshake.tls,
            handshake.incoming,
            handshake.outgoing,
            on_ended=lambda: self._only_rests(pump, prefix_of(handshake.peer)),
            on_lost=lambda: self._forget(pump),
        )
        self._pumps.add(pump)
        self._tasks.spawn(self._open(pump, handshake.socket, ours))

    async def _open(self, pump: Pump, client: socket.socket, ours: socket.socket) -> None:
        try:
            await pump.open(client, ours)
        except OSError:  # the client has gone meanwhile
            client.close()
            ours.close()
            self._forget(pump)

    def _only_rests(self, pump: Pump, place: str) -> None:
        if pump not in self._pumps:
            return
        self._rests.add(pump, place)
        if len(self._rests) > RESTS and (oldest := self._rests.oldest_of_largest()) is not None:
            self._rests.discard(oldest)
            oldest.abort()

    def _forget(self, pump: Pump) -> None:
        self._pumps.discard(pump)
        self._rests.discard(pump)

    # ---- time --------------------------------------------------------------------------------------------------

    async def _tick(self) -> None:
        """Close what is too slow and report the counters, twice a second until cancelled."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            now = self._loop.time()
            self.handshakes.tick(now)
            levels = {"handshakes": len(self.handshakes), "open": len(self._pumps)}
            counts = {f"tls_{name}": value for name, value in self.counters.report(levels).items()}
            self.link.report(counts | self._watch.counts())
            self.counters.log_line(now, lambda levels=levels: levels)  # type: ignore[misc]

    async def _look_at_readers(self) -> None:
        while True:
            await asyncio.sleep(READING_SECONDS)
            for pump in list(self._pumps):
                pump.look()

    async def _look_at_files(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self._watch.look()


MakeLink = Callable[[Callable[..., None]], IngressLink]
