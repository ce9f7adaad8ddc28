"""The runner of effects: turns them into commands for relay workers and recorder. What must be instant is posted; the
rest runs in the background, so that a cut never queues behind a disk."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import structlog
from msgspec import to_builtins

from broker.booking.language import is_signed
from broker.control.journal.journal import Journal
from broker.control.recorder_client import RecorderClient
from broker.control.recordings import Recordings
from broker.control.relay_pool import RelayPool
from broker.control.session_runner import SessionRunner
from broker.ipc import recorder_messages, relay_messages
from broker.kernel.clock import Clock
from broker.kernel.errors import Conflict, VisitError
from broker.kernel.ids import SessionId
from broker.kernel.tasks import Tasks
from broker.presence.quorum import Watcher, name_of
from broker.session import events as ev
from broker.session.effects import (
    ClosePorts,
    Effect,
    ExtendLimit,
    FinishRecording,
    Hush,
    LeaseGate,
    LetSpeak,
    NoteAbsence,
    OpenPorts,
    RequestRebooking,
    SetDeadline,
    ShutGate,
    StartRecording,
)
from broker.session.parts.processes import Recorder
from broker.session.state import State

log = structlog.get_logger()
RECORDER_RETRY = 2.0  # seconds until a recorder that refused (no disk) is asked again
RELAY_RETRY = 1.0  # seconds between looks for a worker with room


class EffectRunner:
    """Starts the effects of all sessions. `on_closed` is called when the ports of a session close."""

    def __init__(
        self,
        relays: RelayPool,
        recorder: RecorderClient,
        recordings: Recordings,
        tasks: Tasks,
        clock: Clock,
        journal: Journal,
        on_closed: Callable[[SessionId], None],
    ) -> None:
        self._relays, self._recorder, self._recordings, self._tasks = relays, recorder, recordings, tasks
        self._clock, self._journal, self._on_closed = clock, journal, on_closed
        self.waiting: set[SessionId] = set()
        """Sessions for which no relay worker had room."""

    def perform(self, runner: SessionRunner, effect: Effect) -> None:
        """Start an effect; never wait for it."""
        session = runner.session.id
        match effect:
            case OpenPorts():
                self._tasks.spawn(self._open_ports(runner))
            case StartRecording():
                self._tasks.spawn(self._start_recording(runner))
            case FinishRecording():
                self._tasks.spawn(self._recordings.finish(runner))
            case ClosePorts():
                self._tasks.spawn(self._close_ports(session))
            case RequestRebooking() | NoteAbsence():  # stored with the end of the session (`persistence.py`)
                log.info(ev.kind(effect), session=session)
            case _:
                self._post(session, effect)

    def _post(self, session: SessionId, effect: Effect) -> None:
        """Post what must be instant."""
        match effect:
            case LeaseGate(until, deadline, limit, muted, crossed):
                self._relays.post(
                    relay_messages.LeaseGate(
                        session=session,
                        until=until,
                        deadline=deadline,
                        limit=limit.total_seconds(),
                        muted=muted,
                        crossed=crossed,
                    )
                )
            case ShutGate(why):
                self._relays.post(relay_messages.ShutGate(session=session, why=str(why)))
            case LetSpeak(by, site, sides):
                publisher = name_of(Watcher(by, site), "")
                self._relays.post(relay_messages.OpenTalkback(session=session, publisher=publisher, sides=sides))
            case Hush():
                self._relays.post(relay_messages.CloseTalkback(session=session, why="ordered"))
            case ExtendLimit(made, limit, deadline):
                self._extend(session, made, limit.total_seconds(), deadline)
            case SetDeadline(deadline):
                self._relays.post(relay_messages.SetDeadline(session=session, deadline=deadline))
                self._recorder.post(recorder_messages.SetRecordingDeadline(session=session, deadline_mono=deadline))

    def _extend(self, session: SessionId, made: float, seconds: float, deadline: float) -> None:
        self._relays.post(relay_messages.ExtendLimit(session=session, made=made, limit=seconds, deadline=deadline))
        self._recorder.post(
            recorder_messages.ExtendRecording(session=session, made=made, minutes=seconds / 60, deadline_mono=deadline)
        )

    async def _open_ports(self, runner: SessionRunner) -> None:
        session = runner.session.id
        try:
            await self._relays.admit(session, _picture_floor(runner))
        except VisitError as error:
            await self._not_admitted(runner, error)
            return
        try:
            if runner.session.state is State.ENDED:  # while the workers were still settling
                await self._relays.close(session)
            elif runner.session.processes.recorder in (Recorder.STARTING, Recorder.WRITING):
                await self._relays.tap(session)
        except VisitError as error:
            log.warning("session neither tapped nor closed by the relay", session=session, why=error.code)

    async def _not_admitted(self, runner: SessionRunner, error: VisitError) -> None:
        """Give the session the fact that it has no relay, and ask again when some worker has room."""
        session = runner.session.id
        log.warning("session not admitted by the relay", session=session, why=error.code, detail=error.detail_en)
        runner.take(ev.RelayLost(error.code))
        if session in self.waiting:
            return
        self.waiting.add(session)
        try:
            while runner.session.state is not State.ENDED and not runner.session.processes.relay:
                await asyncio.sleep(RELAY_RETRY)
                if self._relays.has_room and not runner.session.processes.relay:
                    runner.take(ev.RelayReady())
        finally:
            self.waiting.discard(session)

    async def _close_ports(self, session: SessionId) -> None:
        self._on_closed(session)
        try:
            counts = await self._relays.close(session)
            self._journal.note("MediaCounted", session, "relay", to_builtins(counts))
        except VisitError as error:
            log.info("relay had nothing to close", session=session, why=error.code)

    async def _start_recording(self, runner: SessionRunner) -> None:
        session = runner.session
        runner.recording = replace(runner.recording, state="starting")
        try:
            await self._recorder.start(session, runner.policy, session.gate.stop_at, self._clock.now())
            if runner.session.state is State.ENDED:  # its end overtook the start, and found nothing to finish
                await self._recordings.finish(runner)
                return
            await self._relays.tap(session.id)
        except VisitError as error:
            await self._not_recording(runner, error)

    async def _not_recording(self, runner: SessionRunner, error: VisitError) -> None:
        log.error("recording not started", session=runner.session.id, why=error.code)
        runner.recording = replace(runner.recording, state="lost")
        runner.take(ev.RecorderLost(error.code))
        if isinstance(error, Conflict):
            return  # this session's recording is finished for good: the grace will end the session
        await asyncio.sleep(RECORDER_RETRY)
        if self._recorder.ready:
            runner.take(ev.RecorderReady())


def _picture_floor(runner: SessionRunner) -> int:
    """Return the bit/s that pictures of the session get before sound does: those of a visit in sign language."""
    return 1000 * runner.policy.sign_kbits if is_signed(runner.session.slot.language) else 0
