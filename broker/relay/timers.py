"""Timers of a worker: the moment when the next gate shuts, and the regular work of each session."""

import asyncio
from collections.abc import Callable
from math import inf

from broker.ipc.relay_messages import MediaReport, RelayFact, TapLost
from broker.kernel.clock import monotonic
from broker.relay.fanout import Fanout
from broker.relay.session import RelaySession
from broker.relay.sessions import RelaySessions
from broker.relay.tap import Tap

TICK = 0.05  # seconds between looks for requests and retransmissions that are due
OBSERVE = 0.09  # seconds at least between looks at who sends and receives: every second TICK
REPORT = 1.0  # seconds between reports to publishers and to the broker
SLICE = 0.001  # seconds of regular work before packets have their turn


class Timers:
    """Runs the regular work of `sessions`; `report` sends a fact to the broker. `shed` has an overloaded worker leave
    out what it cannot do; `sweep` removes what has ended, once a second."""

    def __init__(
        self,
        sessions: RelaySessions,
        fanout: Fanout,
        shed: Callable[[float], object],
        sweep: Callable[[], object],
        tap: Tap,
        report: Callable[[RelayFact], None],
    ) -> None:
        self._sessions, self._fanout, self._tap, self._report = sessions, fanout, tap, report
        self._shed, self._sweep = shed, sweep
        self._timer: asyncio.TimerHandle | None = None
        self._lost_before = 0

    def schedule(self) -> None:
        """Wake up exactly when the next gate shuts; the hot loop compares with the same moment."""
        self._schedule(self._sessions.next_expiry())

    def _schedule(self, moment: float) -> None:
        self._fanout.next_expiry = moment
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if moment < inf:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(0.0, moment - monotonic()), self._expire)

    def _expire(self) -> None:
        self._schedule(self._sessions.expire(monotonic()))

    async def run(self) -> None:
        """Work every TICK and every REPORT, until cancelled."""
        reported_at = monotonic()
        while True:
            await asyncio.sleep(TICK)
            began = now = monotonic()
            self._shed(now)
            self._tap.flush()  # what waits for the recorder does not wait for the next packet
            for session in self._sessions:
                now = monotonic()
                if now - began > SLICE:
                    await asyncio.sleep(0)
                    began = now = monotonic()
                if self._sessions.get(session.session) is session:
                    self._tick(session, now)
            if now - reported_at >= REPORT:
                reported_at = now
                self._sweep()
                self._report_tap()

    def _tick(self, session: RelaySession, now: float) -> None:
        try:
            if now - session.observed_at >= OBSERVE:
                session.observed_at = now
                session.observe(now)
            session.send_requests(now)
            if now - session.reported_at >= REPORT:  # each at its own moment: forty at once would delay packets
                session.reported_at = now
                session.send_receiver_reports(now)
                sides, subscriptions = session.counts(), session.subscription_reports(now)
                self._report(MediaReport(session=session.session, sides=sides, subscriptions=subscriptions))
        except Exception:
            self._sessions.fail(session)

    def _report_tap(self) -> None:
        """Report the records that the recorder did not take: what crossed must be on disk."""
        lost, self._lost_before = self._tap.lost - self._lost_before, self._tap.lost
        if lost:
            recorded = [
                session.session
                for session in self._sessions
                if any(track.tap is not None for track in session.all_tracks())
            ]
            self._report(TapLost(sessions=tuple(recorded), records=lost))
