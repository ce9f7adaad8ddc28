"""Effects become orders to relays and recorder. Orders that must be instant are posted; the others run in the
background, so that a cut never queues behind a disk."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import structlog
from pyee.asyncio import AsyncIOEventEmitter

from broker.control.journal.journal import Journal
from broker.control.recorder_client import RecorderClient
from broker.control.relay_pool import RelayPool
from broker.control.session_runner import SessionRunner
from broker.kernel.clock import Clock
from broker.kernel.errors import Conflict, NotFound, VisitError
from broker.kernel.ids import SessionId
from broker.kernel.tasks import Tasks
from broker.presence.quorum import Watcher, name_of
from broker.session import events as ev
from broker.session.effects import (
    ClosePorts,
    Effect,
    ExtendLimit,
    FinishRecording,
    Forfeit,
    Hush,
    LeaseGate,
    LetSpeak,
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
    """Carries out what a session's steps demand."""

    def __init__(
        self,
        relays: RelayPool,
        recorders: RecorderClient,
        tasks: Tasks,
        clock: Clock,
        bus: AsyncIOEventEmitter,
        journal: Journal,
        on_closed: Callable[[SessionId], None],
    ) -> None:
        self._relays, self._recorders, self._tasks = relays, recorders, tasks
        self._clock, self._bus, self._journal, self._on_closed = clock, bus, journal, on_closed
        self.waiting: set[SessionId] = set()
        """Sessions for which no relay worker had room."""

    def perform(self, live: SessionRunner, effect: Effect) -> None:
        """Start an effect; never wait for it."""
        session = live.session.id
        match effect:
            case LeaseGate(until, deadline, limit, muted, crossed):
                lease = {"until": until, "deadline": deadline, "limit": limit.total_seconds(), "crossed": crossed}
                self._relays.post(session, "lease", **lease, muted=sorted(muted))
            case ExtendLimit(made, limit, deadline):
                seconds = limit.total_seconds()
                self._relays.post(session, "extend", made=made, limit=seconds, deadline=deadline)
                self._recorders.post("extend", session=session, made=made, minutes=seconds / 60, deadline_mono=deadline)
            case ShutGate(why):
                self._relays.post(session, "shut", why=str(why))
            case LetSpeak(by, site, sides):
                self._relays.post(session, "voice", who=name_of(Watcher(by, site), ""), sides=sorted(sides))
            case Hush():
                self._relays.post(session, "voice", sides=[], why="ordered")
            case SetDeadline(deadline):
                self._relays.post(session, "deadline", deadline=deadline)
                self._recorders.post("deadline", session=session, deadline_mono=deadline)
            case OpenPorts():
                self._tasks.spawn(self._open_ports(live))
            case StartRecording():
                self._tasks.spawn(self._start_recording(live))
            case FinishRecording():
                self._tasks.spawn(self.finish_recording(live))
            case ClosePorts():
                self._tasks.spawn(self._close_ports(session))
            case RequestRebooking():
                log.warning("technical break, priority re-booking requested", session=session)
            case Forfeit(side, consequence):  # the session's end, as it is saved, is what booking goes by
                log.info("visit given up", session=session, side=str(side), lost=str(consequence))

    async def _open_ports(self, live: SessionRunner) -> None:
        session = live.session.id
        try:
            await self._relays.admit(session)
        except VisitError as error:
            await self._not_admitted(live, error)
            return
        try:
            if live.session.state is State.ENDED:  # while the workers were still settling
                await self._relays.close(session)
            elif live.session.processes.recorder in (Recorder.STARTING, Recorder.WRITING):
                await self._relays.record(session, True)
        except VisitError as error:
            log.warning("session neither tapped nor closed by the relay", session=session, why=error.code)

    async def _not_admitted(self, live: SessionRunner, error: VisitError) -> None:
        """The session lacks a relay, says so, and is tried again when some worker has room."""
        session = live.session.id
        log.warning("session not admitted by the relay", session=session, why=error.code)
        live.take(ev.RelayLost(error.code))
        if session in self.waiting:
            return
        self.waiting.add(session)
        try:
            while live.session.state is not State.ENDED and not live.session.processes.relay:
                await asyncio.sleep(RELAY_RETRY)
                if self._relays.has_room and not live.session.processes.relay:
                    live.take(ev.RelayReady())
        finally:
            self.waiting.discard(session)

    async def _close_ports(self, session: SessionId) -> None:
        self._on_closed(session)
        try:
            self._journal.note("MediaCounted", session, "relay", await self._relays.close(session))
        except VisitError as error:
            log.info("relay had nothing to close", session=session, why=error.code)

    async def _start_recording(self, live: SessionRunner) -> None:
        session = live.session
        live.recording = replace(live.recording, state="starting")
        try:
            await self._recorders.start(session, live.policy, session.gate.stop_at, self._clock.now())
            await self._relays.record(session.id, True)
        except VisitError as error:
            await self._not_recording(live, error)

    async def _not_recording(self, live: SessionRunner, error: VisitError) -> None:
        log.error("recording not started", session=live.session.id, why=error.code)
        live.recording = replace(live.recording, state="lost")
        live.take(ev.RecorderLost(error.code))
        if isinstance(error, Conflict):
            return  # this session's recording is finished for good: the grace will end the session
        await asyncio.sleep(RECORDER_RETRY)
        if self._recorders.ready:
            live.take(ev.RecorderReady())

    async def finish_recording(self, live: SessionRunner) -> None:
        """Have the recording closed and archived; a recorder that is away is asked again when it is back."""
        session = live.session
        live.recording = replace(live.recording, state="finalizing")
        self._bus.emit("session", session.id)
        end = session.end
        reason = {"reason": str(end.reason), "article": end.article, "cause": end.cause} if end else {}
        try:
            await self._recorders.finish(session, reason)
        except NotFound:
            live.recording = replace(live.recording, state="failed")
            self._bus.emit("session", session.id)
        except VisitError as error:
            log.error("recorder not told of the end; it will be when it is back", session=session.id, why=error.code)
