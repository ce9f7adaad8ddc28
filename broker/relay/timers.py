"""Looks after a worker's sessions: shuts each gate at its moment, does what is due every so often, and ends a session
in which something broke, whatever else of it is broken, so that its neighbours do not notice."""

import asyncio
from collections.abc import Callable
from typing import Any

import structlog

from broker.kernel.clock import monotonic
from broker.kernel.ids import SessionId
from broker.kernel.tasks import Tasks
from broker.relay.fanout import Fanout
from broker.relay.session import RelaySession
from broker.relay.tap import Tap
from broker.relay.track import CLOCK, Track
from broker.relay.transport.demux import Demux
from broker.relay.transport.peer import Peer

log = structlog.get_logger()
TICK = 0.05  # seconds between looks at repairs and keyframes
OBSERVE = 0.09  # seconds at least between looks at who sends and receives: every second TICK
REPORT = 1.0  # seconds between reports to publishers and to the broker
SLICE = 0.001  # seconds that looking around may take before packets have their turn


class Timers:
    """`rooms` are the worker's sessions; `tell` sends a fact to the broker."""

    def __init__(
        self, rooms: dict[SessionId, RelaySession], fanout: Fanout, doorway: Demux, tap: Tap, tell: Callable[..., None]
    ) -> None:
        self._rooms, self._fanout, self._doorway, self._tap, self._tell = rooms, fanout, doorway, tap, tell
        fanout.on_expiry, fanout.on_failure = self.expire, self.fail_with
        self._goodbyes = Tasks()
        self._timer: asyncio.TimerHandle | None = None
        self._lost_before = 0

    # --- the gates' own clock ------------------------------------------------------------------------------------

    def schedule(self) -> None:
        """Wake up exactly when the next gate shuts; the hot loop looks at the same moment too."""
        moments = [room.gate.shuts_at for room in self._rooms.values() if room.open_now]
        self._fanout.next_expiry = min(moments, default=float("inf"))
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if moments:
            loop = asyncio.get_running_loop()
            delay = max(0.0, self._fanout.next_expiry - monotonic())
            self._timer = loop.call_later(delay, lambda: self.expire(monotonic()))

    def expire(self, now: float) -> None:
        """Shut what has run out; one gate that cannot even shut does not keep the others open."""
        for room in list(self._rooms.values()):
            try:
                room.expire(now)
            except Exception:
                self.fail(room)
        self.schedule()

    def shut(self, now: float, why: str) -> None:
        """Shut every gate, whatever is broken in one of the sessions."""
        for room in list(self._rooms.values()):
            try:
                room.shut(now, why)
            except Exception:
                self.fail(room)

    # --- regular work --------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Every TICK and every second, until cancelled."""
        counted = monotonic()
        while True:
            await asyncio.sleep(TICK)
            began = now = monotonic()
            for room in list(self._rooms.values()):
                now = monotonic()
                if now - began > SLICE:
                    await asyncio.sleep(0)
                    began = now = monotonic()
                if self._rooms.get(room.session) is room:
                    self._look_after(room, now)
            if now - counted >= REPORT:
                counted = now
                self._doorway.counts()
                self._tell_tap()

    def _look_after(self, room: RelaySession, now: float) -> None:
        try:
            if now - room.observed >= OBSERVE:
                room.observed = now
                room.observe(now)
            room.ask(now)
            if now - room.reported >= REPORT:  # each room at its own moment: forty at once would keep packets waiting
                room.reported = now
                room.report(now)
                self._tell("quality", session=room.session, sides=counts(room), watchers=room.presences(now))
        except Exception:
            self.fail(room)

    def _tell_tap(self) -> None:
        """Records that the recorder did not take are a fact: what crossed must be on disk."""
        lost, self._lost_before = self._tap.lost - self._lost_before, self._tap.lost
        if lost:
            sessions = [r.session for r in self._rooms.values() if any(t.tap is not None for t in r.all_tracks())]
            self._tell("tap_lost", sessions=sessions, records=lost)

    # --- what broke ----------------------------------------------------------------------------------------------

    def fail_with(self, peer: Peer | None) -> None:
        """Something broke over a packet of `peer`; to be called from an except clause."""
        for room in list(self._rooms.values()):
            if peer is not None and peer in room.peers():
                self.fail(room)
                return
        log.exception("the relay could not read a datagram")

    def fail(self, room: RelaySession) -> None:
        """An error in one session ends that session, at once; to be called from an except clause."""
        log.exception("session failed in the relay", session=room.session)
        self._rooms.pop(room.session, None)
        room.gate.shut()
        for track in room.all_tracks():
            track.plan = []  # nothing more is sent, whatever goes wrong below
        peers = room.peers()
        for peer in peers:
            self._end(peer)
        self._tell("failed", session=room.session)
        self._goodbyes.spawn(_say_goodbye(peers))

    def _end(self, peer: Peer) -> None:
        try:
            peer.end()
        except Exception:
            log.exception("client of a failed session could not be ended", resource=peer.resource)


async def _say_goodbye(peers: list[Peer]) -> None:
    await asyncio.gather(*(peer.goodbye() for peer in peers), return_exceptions=True)


def counts(room: RelaySession) -> dict[str, Any]:
    """Counts of each side since the session began, which the broker turns into rates, and its packets' present jitter
    on their way to us (s)."""
    return {
        side: {
            kind: _counts(track, [one for one in room.streams[side] if one.kind == kind])
            for kind, track in tracks.items()
        }
        for side, tracks in room.tracks.items()
    }


def _counts(best: Track, streams: list[Track]) -> dict[str, Any]:
    """Of one kind; a picture may come in several encodings, of which most get the best. Nobody misses a packet of one
    that nobody gets, nor is it asked for again."""
    known = [track.arrivals for track in streams if track.arrivals is not None and not track.unused]
    return {
        "packets": sum(track.packets for track in streams),
        "octets": sum(track.octets for track in streams),
        "frames": best.frames,
        "jitter": best.arrivals.jitter / CLOCK[best.kind] if best.arrivals else 0.0,
        "lost": sum(max(0, one.expected - one.received) for one in known),
        "crossed": sum(track.crossed for track in streams),
    }
