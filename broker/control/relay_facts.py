"""What relays and recorder say, turned into facts for the sessions concerned and words for the pages."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import structlog
from pyee.asyncio import AsyncIOEventEmitter

from broker.control.journal.journal import Journal
from broker.control.packet_loss_watch import PacketLossWatch
from broker.control.presence_tracker import PresenceTracker
from broker.control.rates import Rates
from broker.control.recorder_client import RecorderClient
from broker.control.session_runner import RecordingView, SessionRunner
from broker.control.viewers import viewer_of
from broker.kernel.clock import Clock
from broker.kernel.errors import VisitError
from broker.kernel.ids import ResourceId, SessionId, Side
from broker.kernel.tasks import Tasks
from broker.session import events as ev
from broker.session.parts.processes import Recorder
from broker.session.state import State

log = structlog.get_logger()
Told = dict[str, Any]
ENDS_SPEECH = frozenset({"no microphone", "microphone gone"})
"""Why a relay ends a speech without having been told to."""


class Hearing:
    """`from_relay` and `from_recorder` take what was said; everything else follows from it."""

    def __init__(
        self,
        live: dict[SessionId, SessionRunner],
        resources: dict[ResourceId, SessionId],
        journal: Journal,
        clock: Clock,
        bus: AsyncIOEventEmitter,
        tasks: Tasks,
        attendance: PresenceTracker,
    ) -> None:
        self._live, self._resources, self._journal = live, resources, journal
        self._clock, self._bus, self._tasks = clock, bus, tasks
        self._attendance, self._rates, self._lagging = attendance, Rates(), PacketLossWatch()
        self.disk_low = False
        """Room for recordings is short."""
        self._alarms: set[tuple[str, str]] = set()
        self._noting = asyncio.Lock()
        self.recorders: RecorderClient | None = None
        self.finish: Callable[[SessionRunner], Any] | None = None
        self.want_keyframe: Callable[[SessionId, Side], None] = lambda session, side: None

    def forget(self, session: SessionId) -> None:
        """A session's ports are closed: nobody watches it, nothing belongs to it."""
        self._attendance.forget(session)
        self._rates.forget(session)
        self._lagging.forget(session)
        self._no_viewers(session)
        for resource in [one for one, of in self._resources.items() if of == session]:
            del self._resources[resource]

    def _no_viewers(self, session: SessionId) -> None:
        if (live := self._live.get(session)) is not None:
            live.viewers = {}

    # --- relays --------------------------------------------------------------------------------------------------

    def from_relay(self, name: str, told: Told) -> None:
        """A fact of a relay worker."""
        session = told.get("session", "")
        match name:
            case "up":
                for live in [one for one in self._live.values() if not one.session.processes.relay]:
                    live.take(ev.RelayReady())
            case "down":
                for lost in told["sessions"]:
                    self._attendance.forget(lost)
                    self._no_viewers(lost)
                    self._take(lost, ev.RelayLost("worker gone"))
            case "media":
                self._attendance.sends(session, Side(told["side"]), bool(told["on"]))
                self._media(session, Side(told["side"]), bool(told["on"]))
            case "watching":
                self._watching(told)
            case "crossed":
                self._take(session, ev.Crossed(float(told["mono"])))
            case "gate":
                self._gate_moved(session, told)
            case "extended":
                self._extended(session, told)
            case "floor":
                self._floor_moved(session, told)
            case "gone":
                self._resource_gone(session, told)
            case "quality":
                self._quality(session, told)
            case "tap_lost":
                for one in told["sessions"]:
                    self._lagging_by(one, int(told["records"]), "tap")
            case "failed":
                self._failed(session)

    def _media(self, session: SessionId, side: Side, on: bool) -> None:
        """A room is there with picture and sound, or no longer. Which of them comes alone changes nothing here."""
        live = self._live.get(session)
        if live is not None and on != (side in live.session.processes.media):
            live.take(ev.RoomMedia(side, on))

    def _watching(self, told: Told) -> None:
        if (live := self._live.get(told["session"])) is not None:
            live.viewers[told["resource"]] = viewer_of(told)
        self._attendance.relay_says(told)

    def _gate_moved(self, session: SessionId, told: Told) -> None:
        moved = {"mono": told["mono"], "why": told["why"]}
        self._journal.note("GateOpened" if told["open"] else "GateShut", session, "relay", moved)
        if self.recorders is not None:
            self.recorders.note(session, {"kind": "gate", "open": told["open"], **moved}, self._clock.now())

    def _extended(self, session: SessionId, told: Told) -> None:
        """A relay's own word that its limit has moved."""
        moved = {name: told[name] for name in ("mono", "limit", "stop")}
        self._journal.note("LimitMoved", session, "relay", moved)
        if self.recorders is not None:
            self.recorders.note(session, {"kind": "limit", **moved}, self._clock.now())

    def _floor_moved(self, session: SessionId, told: Told) -> None:
        """The exact moments of a speech; one that ended by itself, as its microphone is gone, is over here too."""
        moved = {name: told[name] for name in ("sides", "mono", "why")}
        self._journal.note("FloorOpened" if told["open"] else "FloorShut", session, "relay", moved)
        if self.recorders is not None:
            self.recorders.note(session, {"kind": "floor", "open": told["open"], **moved}, self._clock.now())
        if not told["open"] and told["why"] in ENDS_SPEECH:
            self._take(session, ev.SpeechEnded("relay", told["why"]))

    def _resource_gone(self, session: SessionId, told: Told) -> None:
        self._resources.pop(told["resource"], None)
        if (live := self._live.get(session)) is not None:
            live.viewers.pop(told["resource"], None)
        self._journal.note("ResourceClosed", session, "relay", {name: told[name] for name in ("resource", "why")})
        self._bus.emit("gone", told["resource"])

    def _failed(self, session: SessionId) -> None:
        """The relay ended all of its connections, without a word for each."""
        for resource in [one for one, of in self._resources.items() if of == session]:
            self._resource_gone(session, {"resource": resource, "why": "internal error"})
        self._attendance.forget(session)
        self._take(session, ev.RelayLost("internal error"))

    def _quality(self, session: SessionId, told: Told) -> None:
        live = self._live.get(session)
        if live is not None:
            live.counts = told["sides"]
            live.quality = self._rates.of(session, told["sides"], self._clock.now().mono)
            live.viewers = {ResourceId(one["resource"]): viewer_of(one) for one in told["watchers"]}
            self._bus.emit("quality", session, live.quality)
            there = self.recorders is not None and self.recorders.ready
            if self._lagging.calm(session, self._clock.now().mono) and there:
                self._recorder_is_back(live)  # it is asked anew, and has to prove anew that it writes

    # --- the recorder --------------------------------------------------------------------------------------------

    def from_recorder(self, name: str, told: Told) -> None:
        """A fact of the recorder."""
        live = self._live.get(told.get("session", ""))
        match name:
            case "up":
                for one in list(self._live.values()):
                    self._recorder_is_back(one)
            case "down":
                for one in list(self._live.values()):
                    self._recorder_lost(one, told["why"])
            case "disk":
                self._disk(told)
            case "alarm":
                self._alarm(told)
            case "differ":
                self._tasks.spawn(self._differ())
            case "archived":
                self._tasks.spawn(self._archived(told))
            case _ if live is None:
                log.info("the recorder speaks of a session that is not here", fact=name)
            case "flushed":
                self._show(live, state="writing")
                live.take(ev.RecorderFlushed())
            case "writing":
                self._writing(live, told)
            case "stalled" | "failed":
                self._recorder_lost(live, f"{name}: {told.get('reason', '')}")
            case "archive_failed":
                self._journal.note("ArchiveFailed", live.session.id, "recorder", {"reason": str(told.get("reason"))})
                self._show(live, state="failed")
                self._tasks.spawn(self._acknowledge(live.session.id))
            case "keyframe":
                for side in told["sides"]:
                    self.want_keyframe(live.session.id, Side(side))

    def _writing(self, live: SessionRunner, told: Told) -> None:
        """Shown with the next change: every page anew each second would be a lot of noise."""
        live.recording = replace(live.recording, seconds=float(told["seconds"]))
        more = self._lagging.overflowed(live.session.id, int(told.get("overflow", 0)))
        if more:
            self._lagging_by(live.session.id, more, "writer")

    def _lagging_by(self, session: SessionId, records: int, where: str) -> None:
        """What crossed and is not on disk: on the journal and the timeline; more than a little holds the visit."""
        live, now = self._live.get(session), self._clock.now()
        if live is None or live.session.state is State.ENDED:
            return
        if self.recorders is not None and live.session.processes.recorded:
            self.recorders.note(session, {"kind": "lagging", "records": records, "where": where}, now)
        live.take(ev.RecorderLagging(records, where))
        if self._lagging.lost(session, records, now.mono) and live.session.processes.recorder is Recorder.WRITING:
            self._recorder_lost(live, f"lagging: {where}")

    def _disk(self, told: Told) -> None:
        """Room for recordings is short, or is there again: an alarm that has to be found later, too."""
        low = bool(told.get("low"))
        if low != self.disk_low:
            self.disk_low = low
            room = {name: told.get(name) for name in ("free", "reserve", "claimed")}
            self._journal.note("DiskLow" if low else "DiskEnough", None, "recorder", room)
            log.log(40 if low else 20, "disk of the archive", low=low, **room)
            for live in list(self._live.values()):
                live.take(ev.RecorderDisk(low))

    def _alarm(self, told: Told) -> None:
        """The archive is not as it should be. The recorder says so at each connection; one entry is enough."""
        facts = {name: value for name, value in told.items() if isinstance(value, str | int | float)}
        known = (str(facts.get("kind")), str(facts.get("site")))
        if known not in self._alarms:
            self._alarms.add(known)
            self._journal.note("ArchiveAlarm", None, "recorder", facts)
            log.error("archive alarm", **facts)

    def _recorder_is_back(self, live: SessionRunner) -> None:
        if live.session.state is not State.ENDED:
            live.take(ev.RecorderReady())
        elif (
            live.session.processes.recorded
            and live.recording.state not in ("archived", "failed")
            and self.finish is not None
        ):
            self._tasks.spawn(self.finish(live))

    def _recorder_lost(self, live: SessionRunner, why: str) -> None:
        if live.session.state is State.ENDED or live.session.processes.recorder is Recorder.ABSENT:
            return
        if live.recording.state in ("starting", "writing"):
            self._show(live, state="lost")
        live.take(ev.RecorderLost(why))

    def _show(self, live: SessionRunner, **changes: Any) -> None:
        live.recording = replace(live.recording, **changes)
        self._bus.emit("session", live.session.id)

    async def _archived(self, told: Told) -> None:
        """The evidence is safe: note its hash before the recorder may stop telling us."""
        session = SessionId(told["session"])
        kept = ("path", "sha256", "bytes", "seconds", "packets", "lost", "manifest_sha256", "head")
        self._journal.note("Archived", session, "recorder", {name: told.get(name) for name in kept})
        await self._acknowledge(session)
        live = self._live.get(session)
        if live is not None:
            longest = max(told.get("seconds") or [0.0])
            live.recording = RecordingView("archived", longest, told["path"], told["sha256"])
            self._bus.emit("session", session)

    async def _differ(self) -> None:
        """What intents, files and catalog do not agree on: into the journal, each once."""
        async with self._noting:
            try:
                while self.recorders is not None and (found := await self.recorders.differences()):
                    for one in found:
                        self._journal.note("ArchiveDiffers", str(one["session"]), "recorder", {"kind": one["kind"]})
                    await self._journal.flush()
                    await self.recorders.noted(int(found[-1]["number"]))
            except VisitError as error:
                log.warning("differences not noted; the recorder tells again", why=error.code)

    async def _acknowledge(self, session: SessionId) -> None:
        """Let the recorder stop telling, once what it told is on disk here."""
        try:
            await self._journal.flush()
            if self.recorders is not None:
                await self.recorders.acknowledge(session)
        except VisitError as error:
            log.warning("recording not acknowledged; the recorder tells again", why=error.code)

    def _take(self, session: SessionId, fact: ev.Fact) -> None:
        live = self._live.get(session)
        if live is not None:
            live.take(fact)
