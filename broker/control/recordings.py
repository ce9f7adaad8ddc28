"""The recordings of all sessions as the control process knows them: what pages show of them, what was lost on the way
to the disk, and the end of each.

One lost record is a fact that is counted and kept: the picture heals with the next keyframe, and the sound at once. A
burst, or losses in one second after another, mean that what crosses is not on disk, and then nothing may cross."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import structlog
from pyee.asyncio import AsyncIOEventEmitter

from broker.control.recorder_client import RecorderClient
from broker.control.session_runner import SessionRunner
from broker.kernel.clock import Clock
from broker.kernel.errors import NotFound, VisitError
from broker.kernel.ids import SessionId
from broker.session import events as ev
from broker.session.parts.processes import Recorder
from broker.session.state import State

log = structlog.get_logger()
BURST = 30
"""Records within a second: about a tenth of what one visit sends."""
IN_A_ROW = 2.5
"""Seconds within which another report of losses is one too many; they are reported once a second."""
CALM = 2.0
"""Seconds without any loss after which the recorder is asked again."""


@dataclass(slots=True)
class _Losses:
    """The losses of one session. Moments are monotonic seconds."""

    last: float = float("-inf")
    held: bool = False
    overflow: int = 0
    """What the writer reported last."""


class PacketLossWatch:
    """Decides when losses hold a visit, and when it may go on. Pure."""

    def __init__(self) -> None:
        self._sessions: dict[SessionId, _Losses] = {}

    def lost(self, session: SessionId, records: int, now: float) -> bool:
        """Take losses in, and return whether the visit must be held for them."""
        losses = self._sessions.setdefault(session, _Losses())
        again, losses.last = now - losses.last <= IN_A_ROW, now
        losses.held = losses.held or again or records >= BURST
        return losses.held

    def overflowed(self, session: SessionId, overflow: int) -> int:
        """Return how many more records a part's queue could not take than at the last report; a new part counts from
        nought."""
        losses = self._sessions.setdefault(session, _Losses())
        before, losses.overflow = losses.overflow, overflow
        return overflow - before if overflow >= before else overflow

    def calm(self, session: SessionId, now: float) -> bool:
        """Whether a visit that was held for losses may go on; true once."""
        losses = self._sessions.get(session)
        if losses is None or not losses.held or now - losses.last < CALM:
            return False
        losses.held = False
        return True

    def forget(self, session: SessionId) -> None:
        """Drop the losses of a session that is over."""
        self._sessions.pop(session, None)


class Recordings:
    """Keeps the recording of each session in `sessions` up to date for the pages, holds visits for losses, and has
    recordings finished."""

    def __init__(
        self,
        sessions: Mapping[SessionId, SessionRunner],
        recorder: RecorderClient,
        clock: Clock,
        bus: AsyncIOEventEmitter,
    ) -> None:
        self._sessions, self._recorder, self._clock, self._bus = sessions, recorder, clock, bus
        self._losses = PacketLossWatch()

    def show(self, runner: SessionRunner, **changes: Any) -> None:
        """Change what pages show of a session's recording."""
        runner.recording = replace(runner.recording, **changes)
        self._bus.emit("session", runner.session.id)

    def announce_archived(self, session: SessionId) -> None:
        """Tell listeners that a recording is archived, also of a session that is not here any more."""
        self._bus.emit("archived", session)

    def recorder_lost(self, runner: SessionRunner, why: str) -> None:
        """Nothing of this session is being written any more."""
        if runner.session.state is State.ENDED or runner.session.processes.recorder is Recorder.ABSENT:
            return
        if runner.recording.state in ("starting", "writing"):
            self.show(runner, state="lost")
        runner.take(ev.RecorderLost(why))

    def records_lost(self, session: SessionId, records: int, where: str) -> None:
        """Put what crossed and is not on disk on journal and timeline; more than a little holds the visit."""
        runner, now = self._sessions.get(session), self._clock.now()
        if runner is None or runner.session.state is State.ENDED:
            return
        if runner.session.processes.recorded:
            self._recorder.add_event(session, {"kind": "lagging", "records": records, "where": where}, now)
        runner.take(ev.RecorderLagging(records, where))
        if self._losses.lost(session, records, now.mono) and runner.session.processes.recorder is Recorder.WRITING:
            self.recorder_lost(runner, f"lagging: {where}")

    def progressed(self, runner: SessionRunner, seconds: float, overflow: int) -> None:
        """Take a report of the writer. Pages get the seconds with the next change, not each second."""
        runner.recording = replace(runner.recording, seconds=seconds)
        more = self._losses.overflowed(runner.session.id, overflow)
        if more:
            self.records_lost(runner.session.id, more, "writer")

    def resume_when_calm(self, runner: SessionRunner) -> None:
        """Let a visit that was held for losses go on: the recorder has to prove anew that it writes."""
        calm = self._losses.calm(runner.session.id, self._clock.now().mono)
        if calm and self._recorder.ready and runner.session.state is not State.ENDED:
            runner.take(ev.RecorderReady())

    def forget(self, session: SessionId) -> None:
        """Drop the losses of a session whose ports are closed."""
        self._losses.forget(session)

    async def finish(self, runner: SessionRunner) -> None:
        """Have a recording closed and archived; a recorder that is away is asked again when it is back."""
        session = runner.session
        self.show(runner, state="finalizing")
        end = session.end
        reason: dict[str, str | None] = {}
        if end is not None:
            reason = {"reason": str(end.reason), "article": end.article, "cause": end.cause}
        try:
            await self._recorder.finish(session.id, reason)
        except NotFound:
            self.show(runner, state="failed")
        except VisitError as error:
            log.error("recorder not asked to finish; it will be when it is back", session=session.id, why=error.code)
