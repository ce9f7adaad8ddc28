"""What the facts of the recorder mean: facts for the sessions concerned, entries of the journal, and news for pages."""

import asyncio
import logging
from collections.abc import Mapping

import structlog

from broker.control.journal.journal import Journal
from broker.control.recorder_client import RecorderClient
from broker.control.recordings import Recordings
from broker.control.relay_pool import RelayPool
from broker.control.session_runner import SessionRunner
from broker.ipc import recorder_messages as messages
from broker.ipc.relay_messages import RequestKeyframe
from broker.kernel.errors import VisitError
from broker.kernel.ids import SessionId
from broker.kernel.tasks import Tasks
from broker.session import events as ev
from broker.session.state import State

log = structlog.get_logger()


class RecorderFacts:
    """Handles each fact of the recorder by the method that `handlers` names. `disk_low` is whether there is too little
    room for recordings."""

    def __init__(
        self,
        sessions: Mapping[SessionId, SessionRunner],
        journal: Journal,
        recorder: RecorderClient,
        recordings: Recordings,
        relays: RelayPool,
        tasks: Tasks,
    ) -> None:
        self.disk_low = False
        self._sessions, self._journal, self._recorder = sessions, journal, recorder
        self._recordings, self._relays, self._tasks = recordings, relays, tasks
        self._alarms: set[tuple[str, str]] = set()
        self._noting_differences = asyncio.Lock()
        self.handlers = dict(
            (
                messages.FragmentFlushed.handled_by(self.handle_fragment_flushed),
                messages.WritingProgress.handled_by(self.handle_writing_progress),
                messages.WritingStalled.handled_by(self.handle_writing_stalled),
                messages.WritingFailed.handled_by(self.handle_writing_failed),
                messages.FilmUnusable.handled_by(self.handle_film_unusable),
                messages.FilmUsable.handled_by(self.handle_film_usable),
                messages.KeyframeWanted.handled_by(self.handle_keyframe_wanted),
                messages.RecordingArchived.handled_by(self.handle_recording_archived),
                messages.ArchivingFailed.handled_by(self.handle_archiving_failed),
                messages.DiskReport.handled_by(self.handle_disk_report),
                messages.ArchiveAlarm.handled_by(self.handle_archive_alarm),
                messages.DifferencesFound.handled_by(self.handle_differences_found),
            )
        )

    def received(self, fact: messages.RecorderFact) -> None:
        """Take a fact of the recorder."""
        self.handlers[type(fact)](fact)

    # --- the recorder itself -------------------------------------------------------------------------------------

    def recorder_up(self) -> None:
        """Ask the recorder for all sessions: to record those that go on, to finish those that are over."""
        for runner in list(self._sessions.values()):
            if runner.session.state is not State.ENDED:
                runner.take(ev.RecorderReady())
            elif runner.session.processes.recorded and runner.recording.state not in ("archived", "failed"):
                self._tasks.spawn(self._recordings.finish(runner))

    def recorder_down(self, why: str) -> None:
        """Hold all sessions that are being recorded."""
        for runner in list(self._sessions.values()):
            self._recordings.recorder_lost(runner, why)

    def handle_disk_report(self, fact: messages.DiskReport) -> None:
        """Note that room for recordings is short, or that there is enough again."""
        if fact.low == self.disk_low:
            return
        self.disk_low = fact.low
        room = {"free": fact.free, "reserve": fact.reserve, "claimed": fact.claimed}
        self._journal.note("DiskLow" if fact.low else "DiskEnough", None, "recorder", room)
        log.log(logging.ERROR if fact.low else logging.INFO, "disk of the archive", low=fact.low, **room)
        for runner in list(self._sessions.values()):
            runner.take(ev.RecorderDisk(fact.low))

    def handle_archive_alarm(self, fact: messages.ArchiveAlarm) -> None:
        """Note an alarm once: the recorder repeats it at each connection."""
        if (fact.kind, fact.site) in self._alarms:
            return
        self._alarms.add((fact.kind, fact.site))
        alarm: dict[str, str | int] = {"kind": fact.kind, "site": fact.site}
        if fact.seconds is not None:
            alarm["seconds"] = fact.seconds
        self._journal.note("ArchiveAlarm", None, "recorder", alarm)
        log.error("archive alarm", **alarm)

    def handle_differences_found(self, fact: messages.DifferencesFound) -> None:
        """Note what intents, files and catalog do not agree on."""
        self._tasks.spawn(self.note_differences())

    async def note_differences(self) -> None:
        """Ask the recorder for its differences and journal each once."""
        async with self._noting_differences:
            try:
                while differences := await self._recorder.differences():
                    for found in differences:
                        self._journal.note("ArchiveDiffers", found.session, "recorder", {"kind": found.kind})
                    await self._journal.flush_own()
                    await self._recorder.acknowledge_differences(differences[-1].number)
            except VisitError as error:
                log.warning("differences not noted; the recorder reports them again", why=error.code)

    # --- one recording -------------------------------------------------------------------------------------------

    def handle_fragment_flushed(self, fact: messages.FragmentFlushed) -> None:
        """The recorder writes: the gate of the session may open."""
        if (runner := self._runner(fact)) is not None:
            self._recordings.show(runner, state="writing")
            runner.take(ev.RecorderFlushed())

    def handle_writing_progress(self, fact: messages.WritingProgress) -> None:
        """Note how long a part is, and what its queue could not take."""
        if (runner := self._runner(fact)) is not None:
            self._recordings.progressed(runner, fact.seconds, fact.overflow)

    def handle_writing_stalled(self, fact: messages.WritingStalled) -> None:
        """Hold a session whose packets are not being written."""
        if (runner := self._runner(fact)) is not None:
            self._recordings.recorder_lost(runner, f"stalled: {fact.reason}")

    def handle_writing_failed(self, fact: messages.WritingFailed) -> None:
        """Hold a session whose part has ended with an error."""
        if (runner := self._runner(fact)) is not None:
            self._recordings.recorder_lost(runner, f"failed: {fact.reason}")

    def handle_film_unusable(self, fact: messages.FilmUnusable) -> None:
        """Hold a session of which one side's film could not be watched."""
        if (runner := self._runner(fact)) is not None:
            runner.take(ev.FilmUnusable(fact.side, fact.fault))

    def handle_film_usable(self, fact: messages.FilmUsable) -> None:
        """Let a session go on whose film can be watched again."""
        if (runner := self._runner(fact)) is not None:
            runner.take(ev.FilmUsable(fact.side))

    def handle_keyframe_wanted(self, fact: messages.KeyframeWanted) -> None:
        """Ask the publishers for keyframes."""
        if (runner := self._runner(fact)) is not None:
            for side in fact.sides:
                self._relays.post(RequestKeyframe(session=runner.session.id, side=side))

    def handle_recording_archived(self, fact: messages.RecordingArchived) -> None:
        """Note the hash of the evidence, and then let the recorder forget it."""
        self._tasks.spawn(self._archived(fact))

    async def _archived(self, fact: messages.RecordingArchived) -> None:
        kept = ("path", "sha256", "bytes", "seconds", "packets", "lost", "manifest_sha256", "head")
        self._journal.note("Archived", fact.session, "recorder", {name: getattr(fact, name) for name in kept})
        await self._acknowledge(fact.session)
        self._recordings.announce_archived(fact.session)
        runner = self._sessions.get(fact.session)
        if runner is not None:
            seconds = max(fact.seconds or [0.0])
            self._recordings.show(runner, state="archived", seconds=seconds, path=fact.path, sha256=fact.sha256)

    def handle_archiving_failed(self, fact: messages.ArchivingFailed) -> None:
        """Note a recording that could not be archived."""
        runner = self._runner(fact)
        if runner is not None:
            self._journal.note("ArchiveFailed", fact.session, "recorder", {"reason": str(fact.reason)})
            self._recordings.show(runner, state="failed")
            self._tasks.spawn(self._acknowledge(fact.session))

    async def _acknowledge(self, session: SessionId) -> None:
        """Let the recorder stop reporting the end of a recording, once it is on disk here."""
        try:
            await self._journal.flush_own()
            await self._recorder.acknowledge(session)
        except VisitError as error:
            log.warning("recording not acknowledged; the recorder reports it again", why=error.code)

    def _runner(
        self,
        fact: messages.FragmentFlushed
        | messages.WritingProgress
        | messages.WritingStalled
        | messages.WritingFailed
        | messages.FilmUnusable
        | messages.FilmUsable
        | messages.KeyframeWanted
        | messages.ArchivingFailed,
    ) -> SessionRunner | None:
        runner = self._sessions.get(fact.session)
        if runner is None:
            log.info("the recorder reports on a session that is not here", fact=type(fact).__name__)
        return runner
