"""Measures how long packets wait in a worker and what time it spends on them, and has its sessions leave out what it
cannot do (`overload`). What is left out is logged."""

import structlog

from broker.relay.congestion.overload import Level, Overload
from broker.relay.session import RelaySession
from broker.relay.sessions import RelaySessions
from broker.relay.stats import Latency
from broker.relay.transport.demux import Demux
from broker.relay.transport.poller import BusyTime

log = structlog.get_logger()
INTERVAL = 0.1  # seconds between two measurements: sockets hold what comes in twenty of them
SAMPLES = 3  # waits of which the shortest says how long every packet waited
LONGEST = 0.5  # seconds in which so many must have come: where fewer come, packets are not what a worker is busy with


class LoadShedding:
    """Sheds the load of one worker. `latency` samples how long packets wait, `busy` is the time spent on them."""

    def __init__(self, sessions: RelaySessions, demux: Demux, latency: Latency, busy: BusyTime) -> None:
        self._sessions, self._demux, self._latency, self._busy = sessions, demux, latency, busy
        self.overload = Overload()
        self._waits: list[float] = []
        self._waits_since = self._measured_at = self._busy_before = 0.0
        self._sheds = False
        """Whether sessions leave out something."""

    def tick(self, now: float) -> None:
        """Measure, decide, and apply; called every twentieth of a second or so."""
        if now - self._measured_at >= INTERVAL:
            self._measure(now)
        level = self.overload.level
        self._demux.rations_feedback = level >= Level.RATIONED
        if self._sheds or level:
            self._sheds = False
            for session in self._sessions:
                self._shed(session, now)

    def _shed(self, session: RelaySession, now: float) -> None:
        try:
            sheds = session.shed(now, self.overload.level >= Level.RATIONED, self.overload.share)
            self._sheds = self._sheds or sheds
        except Exception:
            self._sessions.fail(session)

    def _measure(self, now: float) -> None:
        busy = (self._busy.seconds - self._busy_before) / (now - self._measured_at)
        self._measured_at, self._busy_before = now, self._busy.seconds
        before, wait = self.overload.level, self._wait(now)
        self.overload.update(now, busy, wait)
        if self.overload.level is not before:
            log.warning(
                "relay overloaded" if self.overload.level else "relay no longer overloaded",
                leaves_out=self.overload.level.name.lower(),
                busy=round(busy, 2),
                wait_ms=None if wait is None else round(wait * 1000, 1),
            )

    def _wait(self, now: float) -> float | None:
        """Return the seconds that every packet waited lately, or None where too few came."""
        self._waits += self._latency.take_waits()
        wait = min(self._waits) if len(self._waits) >= SAMPLES else None
        if wait is not None or now - self._waits_since > LONGEST:
            self._waits, self._waits_since = [], now
        return wait
