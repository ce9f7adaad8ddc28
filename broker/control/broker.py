"""The broker: the one place that has all sessions of the running service. Signaling asks it; EffectRunner does what
follows, RelayFacts and RecorderFacts take what comes from the other processes, SessionPersistence writes it down."""

import json
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

import structlog
from pyee.asyncio import AsyncIOEventEmitter

from broker.booking.identity import Document
from broker.booking.rebooking import rebooking_of
from broker.booking.slot import Slot
from broker.control.capacity.line_tests import LineTests
from broker.control.capacity.session_cost import UNMEASURED, SessionCost
from broker.control.effects import EffectRunner
from broker.control.journal.journal import Journal
from broker.control.persistence import SessionPersistence, differs, this_boot
from broker.control.presence_tracker import PresenceTracker
from broker.control.recorder_client import RecorderClient
from broker.control.recorder_facts import RecorderFacts
from broker.control.recordings import Recordings
from broker.control.recovery.row_watch import RowWatch, agree
from broker.control.recovery.take_up import KEPT, found_sessions
from broker.control.relay_facts import RelayFacts
from broker.control.relay_pool import RelayPool
from broker.control.rules.clock_watch import ClockWatch, recall
from broker.control.rules.follow_ups import FollowUps
from broker.control.rules.session_rules import SessionRules
from broker.control.session_runner import RecordingView, SessionRunner
from broker.control.statistics import Figures, Statistics
from broker.control.store.store import Store
from broker.control.timeline_events import TimelineEvents, publisher
from broker.ipc.relay_messages import (
    DropResource,
    MediaOffer,
    MediaReply,
    Publish,
    PublishTalkback,
    RestartIce,
    Subscribe,
    SubscribeTalkback,
)
from broker.kernel.agreed_time import AgreedClock
from broker.kernel.clock import Clock, discipline
from broker.kernel.errors import Forbidden, NotFound, VisitError
from broker.kernel.ids import PersonId, ResourceId, SessionId, SlotId
from broker.kernel.tasks import Tasks
from broker.presence.presence import PresenceStatus, Report
from broker.presence.quorum import Watcher
from broker.session import events as ev
from broker.session.effects import Effect
from broker.session.events import Fact
from broker.session.parts import extension
from broker.session.parts.processes import Processes
from broker.session.refusals import check_cancellation, check_extension
from broker.session.snapshot import from_json
from broker.session.state import Session, State
from broker.session.take_up import OnRecord
from broker.session.transitions import TRANSITIONS
from config.policy import Policy

log = structlog.get_logger()
RESOURCE_KINDS = {Publish: "publish", Subscribe: "watch", PublishTalkback: "voice", SubscribeTalkback: "listen"}
"""What the journal calls a resource."""


class Broker:
    """All sessions of this Huijian. Use it as `async with Broker(...) as broker`."""

    def __init__(
        self,
        store: Store,
        journal: Journal,
        clock: Clock,
        run_dir: Path,
        workers: int,
        demo: bool = False,
        worker_sessions: int | None = None,
        session_cost: float = UNMEASURED,
    ) -> None:
        """`session_cost` is what was measured on this machine, in cores of a relay worker; `worker_sessions` is how
        many sessions one takes at most, however little they cost."""
        self.store, self.journal = store, journal
        self.clock = clock = clock if isinstance(clock, AgreedClock) else AgreedClock(clock)
        self.bus = AsyncIOEventEmitter()
        self._demo = demo
        self._runners: dict[SessionId, SessionRunner] = {}
        self._resources: dict[ResourceId, SessionId] = {}
        self._tasks, self._statistics = Tasks(), Statistics()
        self.follow_ups = FollowUps(self._runners, store, journal, self.bus)
        self._rules = SessionRules(store, lambda kind, session, data: journal.note(kind, session, "broker", data))
        self._persistence = SessionPersistence(store, journal, clock, self._storage_changed, self.follow_ups.stored)
        self._relays = RelayPool(run_dir, workers, SessionCost(session_cost), worker_sessions, clock)
        self.line_tests = LineTests(self._relays, self._tasks)
        self._recorder = RecorderClient(run_dir)
        self._timeline = TimelineEvents(self._recorder.add_event)
        self._recordings = Recordings(self._runners, self._recorder, clock, self.bus)
        self._presence = PresenceTracker(self._runners, journal, clock, self.bus)
        self.handovers = self._presence.handovers
        self._rows = RowWatch(store, clock, self._runners)
        self._relay_facts = RelayFacts(
            self._runners,
            self._resources,
            journal,
            clock,
            self.bus,
            self._presence,
            self._recorder,
            self._recordings,
        )
        self.clock_watch = ClockWatch(clock, self._runners, journal, discipline, this_boot())
        self._recorder_facts = RecorderFacts(
            self._runners, journal, self._recorder, self._recordings, self._relays, self._tasks
        )
        self._effects = EffectRunner(
            self._relays, self._recorder, self._recordings, self._tasks, clock, journal, self._relay_facts.forget
        )

    async def __aenter__(self) -> "Broker":
        await recall(self.store.engine, self.clock, this_boot())
        await self._take_up()
        for work in (
            self._relays.run(self._relay_facts),
            self._recorder.run(self._recorder_facts),
            self._persistence.save_changes(),
            self._persistence.watch_journal(),
            self._presence.run(),
            self.clock_watch.run(),
            self._rows.run(),
        ):
            self._tasks.spawn(work)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop the work of the broker. Sessions stay as they are in the store; the relays shut their gates when no
        lease comes."""
        await self._tasks.close()
        await self._persistence.save_all()

    # --- what signaling calls ------------------------------------------------------------------------------------

    def live(self, session: SessionId) -> SessionRunner:
        """Return the runner of a session. Raises NotFound."""
        live = self._runners.get(session)
        if live is None:
            raise NotFound("There is no such session.", "没有该会见。")
        return live

    def sessions(self) -> Iterable[SessionRunner]:
        """Return the sessions that are not over, and those that ended within KEPT."""
        oldest = self.clock.now().wall - KEPT
        for session, live in list(self._runners.items()):
            end = live.session.end
            if end is not None and live.session.state is State.ENDED and end.at < oldest:
                del self._runners[session]
        return list(self._runners.values())

    def tell(self, session: SessionId, fact: Fact) -> None:
        """Give a fact to a session. Raises NotFound or Conflict."""
        self.live(session).take(fact)

    async def add_slot(
        self,
        slot: Slot,
        by: str,
        rebooks: str | None = None,
        documents: Mapping[PersonId, Document] | None = None,
    ) -> SessionId:
        """Store an approved slot and wait for its time; with `rebooks` it keeps that re-booking request. `documents`:
        what officers are shown of its people's. Raises what Store.add_slot raises."""
        policy = self._rules.in_force(slot.policy)
        if policy.demo and not self._demo:
            raise Forbidden("The demo pack's rules are for `huijian demo` only.", "演示规则仅用于演示。")
        await self.store.add_slot(slot, rebooks, by, documents)
        kept = {} if rebooks is None else {"rebooks": rebooks}
        self.journal.note("SlotApproved", slot.session, by, {"slot": slot.id, "article": slot.article, **kept})
        if rebooks is not None:
            await self.follow_ups.rebooked(rebooks)
        self._begin(Session(slot, processes=Processes(storage=self._persistence.works)), policy)
        return slot.session

    async def cancel_slot(self, slot_id: SlotId, by: str, article: str = "", note: str = "") -> None:
        """Withdraw the approval of a slot, under a code and with a reason where a person is checked in. Raises
        NotFound, or what check_cancellation raises."""
        slot, fact, now = await self.store.slot(slot_id), ev.SlotCancelled(by, article, note), self.clock.now()
        session, policy = await self._known(slot)
        check_cancellation(session, fact, now, policy)
        code = policy.intervention(article)
        again = code is not None and code.technical and not slot.drill
        request = rebooking_of(slot, note, now.wall, policy) if again else None
        await self.store.cancel_slot(slot_id, by, article, note, request)
        live = self._runners.get(slot.session)
        if live is None:  # far in the future: no session yet to note it
            self.journal.note("SlotCancelled", slot.session, by, ev.data(fact))
        elif ev.SlotCancelled in TRANSITIONS[live.session.state]:
            live.take(fact)
        else:  # it began, or its rows were read, while the row was being written
            await self.rows_changed()
        await self.follow_ups.reopened(slot_id, self.sessions())

    async def rules_of(self, slot: Slot) -> Policy:
        """Return the rules of the slot's session: the pack that it froze, or the one in force."""
        return (await self._known(slot))[1]

    def rules_in_force(self, pack: str) -> Policy:
        """Return the rules that are in force where sites have this pack. Raises PackError or LooserThanLaw."""
        return self._rules.in_force(pack)

    async def _known(self, slot: Slot) -> tuple[Session, Policy]:
        """Return a slot's session as it is or was last saved, with its rules."""
        if (live := self._runners.get(slot.session)) is not None:
            return live.session, live.policy
        kept = await self.store.snapshot(slot.session)
        if kept is None:
            return Session(slot), self._rules.in_force(slot.policy)
        return await self._rules.found(from_json(slot, kept.data, self.clock.now(), this_boot()))

    # --- what stands on record -------------------------------------------------------------------------------------

    async def approve_second(self, slot_id: SlotId, by: str, article: str, author: str) -> Slot:
        """Store the approval of the visitor side's institution, and let its session know. Raises NotFound or
        Conflict."""
        slot = await self.store.approve_second(slot_id, by, article)
        self.journal.note("SlotApproved", slot.session, author, {"slot": slot.id, "article": article, "second": True})
        await self.rows_changed()
        return slot

    async def rows_changed(self) -> None:
        """Read anew what stands on record: an interface has written what sessions depend on. Raises
        StorageUnavailable."""
        await self._rows.read()

    async def extend(self, approval: ev.ExtensionApproved) -> None:
        """Make a visit longer by an approval, which is stored before the session gets it. Raises what
        broker/session/refusals.py refuses, and Conflict or StorageUnavailable."""
        live = self.live(approval.session)
        check_extension(live.session, approval, self.clock.now(), live.policy)
        await self.store.add_extension(approval)
        await self._extend(live, approval)

    async def _extend(self, live: SessionRunner, approval: ev.ExtensionApproved) -> None:
        if extension.same_approval(live.session.extensions, approval) is not None:
            return  # sent again: journal and timeline have it once
        try:
            live.take(approval)
        except VisitError as error:  # the limit, or another approval, came while this one was being stored
            await self.store.refuse_extension(approval.id, error.code)
            raise

    async def negotiate(self, offer: MediaOffer, author: str) -> MediaReply:
        """Answer the offer of a publication or subscription. `author` made it, by the name that the journal uses.
        Raises VisitError."""
        reply = await self._relays.call(offer)
        self._resources[reply.resource] = offer.session
        side = {} if isinstance(offer, PublishTalkback) or offer.side is None else {"side": str(offer.side)}
        opened = {"resource": reply.resource, "kind": RESOURCE_KINDS[type(offer)], **side}
        self.journal.note("ResourceOpened", offer.session, author, opened)
        if isinstance(offer, Publish):
            self._note_publisher(offer, author)
        return reply

    def _note_publisher(self, offer: Publish, author: str) -> None:
        runner = self._runners.get(offer.session)
        if runner is not None and runner.session.state is not State.ENDED:
            event = publisher(offer.side, author.partition(":")[2])
            self._timeline.note(offer.session, event, self.clock.now(), _writes(runner))

    async def restart(self, resource: ResourceId, fragment: str) -> str:
        """Answer the ICE restart of a publication or subscription. Raises VisitError; then it goes on as it was."""
        session = self._session_of(resource)
        return (await self._relays.call(RestartIce(session=session, resource=resource, fragment=fragment))).fragment

    async def drop(self, resource: ResourceId) -> None:
        """End a publication or subscription. Raises NotFound or RelayUnavailable; after that it may still live."""
        # The relay's fact that it has gone comes with the reply.
        await self._relays.call(DropResource(session=self._session_of(resource), resource=resource))

    def _session_of(self, resource: ResourceId) -> SessionId:
        session = self._resources.get(resource)
        if session is None:
            raise NotFound()
        return session

    # --- presence of officers ------------------------------------------------------------------------------------

    def page_report(self, watcher: Watcher, page: str, report: Report) -> None:
        """Take what a page of an officer reports to be seen in it."""
        self._presence.page_report(watcher, page, report)

    def answer(self, watcher: Watcher, prompt: str) -> None:
        """Take an officer's answer to an attention check. Raises NotFound where none is open."""
        self._presence.answer(watcher, prompt)

    def standing(self, watcher: Watcher) -> PresenceStatus:
        """Return for which sessions an officer counts as present, and why not for others."""
        return self._presence.standing(watcher)

    def figures(self) -> Figures:
        """Return the service in numbers; those of the workers are two seconds old at most."""
        clock = self.clock_watch.status()
        return Figures(
            workers=self._relays.workers(),
            waiting=len(self._effects.waiting),
            holds=dict(self._statistics.holds),
            ends=dict(self._statistics.ends),
            gate_seconds=self._statistics.gate_seconds(self.clock.now().mono),
            recorder=self._recorder.ready,
            storage=self._persistence.works,
            alerts=dict(self._statistics.alerts),
            clock_moved=clock.moved.total_seconds() if clock.moved is not None else 0.0,
            clock_steps=clock.steps,
        )

    # --- the start -----------------------------------------------------------------------------------------------

    async def _take_up(self) -> None:
        """Begin the sessions that are scheduled, and go on with those of an earlier control process, each as far as
        what is on record now allows."""
        async for session, record in found_sessions(self.store, self.clock.now(), this_boot()):
            await self._take_over(session, record)
            await self._recall_extensions(session.id)
            await self._recall_archive(session.id)
            await self.follow_ups.recall(session.id)

    async def _recall_extensions(self, session: SessionId) -> None:
        """Apply approvals that were stored while their session was not saved any more, if there still is time."""
        live = self._runners.get(session)
        if live is None or live.session.state is State.ENDED:
            return
        for approval in await self.store.extensions_of(session):
            try:
                await self._extend(live, approval)
            except VisitError as error:
                log.warning("an approval came too late", session=session, why=error.code)

    async def _recall_archive(self, session: SessionId) -> None:
        """Find in the journal a recording that was archived before this start."""
        live = self._runners.get(session)
        if live is None or not live.session.processes.recorded:
            return
        for entry in reversed(await self.journal.entries(session)):
            if entry.kind == "Archived":
                data = json.loads(entry.data)
                seconds = max(data["seconds"] or [0.0])
                live.recording = RecordingView("archived", seconds, data["path"], data["sha256"])
                return

    async def _take_over(self, session: Session, record: OnRecord) -> None:
        try:
            session, policy = await self._rules.found(session)
        except ValueError as error:
            log.error("a session whose pack cannot be read is left alone", session=session.id, error=error)
            return
        if policy.demo and not self._demo and session.state is not State.ENDED:
            log.error("a demonstration's session is left alone outside --demo", session=session.id)
            return
        agree(self._begin(session, policy), record)

    def _begin(self, session: Session, policy: Policy) -> SessionRunner:
        in_force = partial(self._rules.in_force, session.slot.policy)
        live = SessionRunner(session, policy, self.clock, self._effects.perform, self._handle_step, in_force)
        self._runners[session.id] = live
        if session.processes.recorded:
            live.recording = RecordingView("finalizing" if session.state is State.ENDED else "lost")
        if self._relays.any_ready:
            live.take(ev.RelayReady())
        if self._recorder.ready:
            live.take(ev.RecorderReady())
        if self._recorder_facts.disk_low:
            live.take(ev.RecorderDisk(True))
        self._tasks.spawn(live.run())
        self.bus.emit("session", session.id)
        return live

    # --- steps ---------------------------------------------------------------------------------------------------

    def _handle_step(self, runner: SessionRunner, before: Session, fact: Fact, effects: tuple[Effect, ...]) -> None:
        after, now = runner.session, self.clock.now()
        self._persistence.record_step(before, after, fact, effects, runner.policy)
        self._statistics.record_step(before, after, effects, runner.policy, now.mono)
        self._timeline.record_step(before, after, fact, now, _writes(runner), effects)
        if differs(before, after):
            self.bus.emit("session", after.id)

    def _storage_changed(self, works: bool) -> None:
        for runner in self.sessions():
            runner.take(ev.StorageChanged(works))


def _writes(runner: SessionRunner) -> bool:
    """Whether the recorder has begun to write the session's film."""
    return runner.recording.state not in ("none", "starting")
