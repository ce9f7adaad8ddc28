"""Invariants of a session that hold for any sequence of facts, waits, wall clock steps and restarts."""

import json
from dataclasses import replace
from datetime import timedelta

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from broker.booking.slot import Slot
from broker.kernel.clock import Instant
from broker.kernel.errors import VisitError
from broker.kernel.ids import ApprovalId, PersonId, SessionId, Side, SiteId, UserId
from broker.presence.quorum import Watcher
from broker.session import events as ev
from broker.session.effects import Effect, FinishRecording, LeaseGate, Reason, StartRecording
from broker.session.events import Fact
from broker.session.parts.check_in import required
from broker.session.snapshot import from_json, to_json
from broker.session.state import Session, State
from broker.session.transitions import wakes_at
from config.check_in import Manner, Tick
from tests.support.session_story import DEMO, PREPARED, SITES, SLOT, START, TESTED, PretendRelay, Visit, at

LEASE = 3.0  # the promise, not the constant in the code
SHORT = replace(SLOT, ends_at=START + timedelta(minutes=3))
STEPS, MOST, TIMES = (20.0, 40.0), 60.0, 2
RESERVED = replace(
    DEMO,
    slot_reserve=timedelta(seconds=20),
    hard_limit=timedelta(seconds=90),
    extension=replace(
        DEMO.extension,
        times=TIMES,
        steps=tuple(timedelta(seconds=step) for step in STEPS),
        most=timedelta(seconds=MOST),
    ),
)
OFFICERS = [Watcher(UserId(f"{side[0]}-{number}"), SITES[side]) for side in Side for number in (1, 2, 3)]
STRANGERS = [Watcher(UserId(f"s-{number}"), SiteId("prison-2")) for number in (1, 2)]
PEOPLE = [(person.side, person.id) for person in SLOT.people] + [(Side.PRISON, PersonId("stranger"))]

sides = st.sampled_from(list(Side))
ticks = st.sampled_from(list(Tick))
facts: st.SearchStrategy[Fact] = st.one_of(
    st.builds(ev.RoomMedia, sides, st.booleans()),
    st.builds(ev.RoomReceiving, sides, st.booleans()),
    st.builds(ev.WatchersChanged, st.frozensets(st.sampled_from(OFFICERS + STRANGERS))),
    st.sampled_from([ev.RelayReady(), ev.RelayLost("died"), ev.TimePassed()]),
    st.builds(ev.StorageChanged, st.booleans()),
    st.sampled_from([ev.RecorderReady(), ev.RecorderFlushed(), ev.RecorderLost("stalled")]),
    st.builds(ev.SelfTested, sides, st.booleans(), st.just("terminal"), st.just({"camera": "passed"})),
    st.sampled_from(PEOPLE).map(lambda who: ev.PersonCheckedIn(*who, UserId("p-1"), tuple(Tick))),
    st.builds(
        lambda who, tick, on: ev.Ticked(*who, tick, on, UserId("p-1")), st.sampled_from(PEOPLE), ticks, st.booleans()
    ),
    st.builds(ev.SeatReady, sides, st.booleans(), st.just(UserId("p-1"))),
    st.builds(
        ev.RulesAcknowledged,
        sides,
        st.sampled_from(["trm_1", "trm_2"]),
        st.sampled_from([DEMO.rules_text.id, DEMO.rules_text.id, "guangdong-letter"]),
        st.sampled_from(["zh", "en"]),
        st.sampled_from(list(Manner)),
    ),
    st.sampled_from(PEOPLE).map(lambda who: ev.PersonAbsent(*who, UserId("p-1"))),
    st.sampled_from(list(SITES.values())).map(lambda site: ev.HoldOrdered(UserId("o"), site, "YN-16-2")),
    st.sampled_from(list(SITES.values())).map(lambda site: ev.ResumeOrdered(UserId("o"), site)),
)
mostly = st.integers(0, 9).map(lambda n: n < 9)
approvals: st.SearchStrategy[ev.ExtensionApproved] = st.builds(
    lambda id, own, there, may, seconds, known, says: ev.ExtensionApproved(
        ApprovalId(id),
        SLOT.session if own else SessionId("session_2"),
        UserId("warden"),
        SITES[Side.PRISON if there else Side.VISITOR],
        "approver" if may else "supervisor",
        timedelta(seconds=seconds),
        "YN-14-FAMILY" if known else "YN-16-2",
        "家庭变故" if says else " ",
    ),
    st.sampled_from(["apr_1", "apr_2", "apr_3"]),
    mostly,
    mostly,
    mostly,
    st.sampled_from([*STEPS, *STEPS, *STEPS, 0.0, -20.0, 3600.0]),
    mostly,
    mostly,
)
"""Approvals, most of them lawful, and some that no warden may make."""
last_words: st.SearchStrategy[Fact] = st.one_of(
    st.just(ev.SlotCancelled("clerk")),
    st.sampled_from(["YN-17-8", "END-COMPLETED"]).map(
        lambda code: ev.EndOrdered(UserId("o"), SITES[Side.PRISON], code)
    ),
)
pauses = st.floats(0, 5) | st.sampled_from([1.0, LEASE, 10.0, 30.0])
rarely = st.integers(0, 5).map(lambda n: n == 5)
waits = pauses | st.sampled_from([60.0, 120.0, 600.0]) | st.floats(0, 3600)


class Desk:
    """Model of the checks that staff have made."""

    def __init__(self) -> None:
        self.ticks: dict[PersonId, set[Tick]] = {}
        self.absent: set[PersonId] = set()
        self.seats: set[Side] = set()
        self.informed: set[Side] = set()

    def take(self, fact: Fact) -> None:
        """Make a check, or take it back."""
        match fact:
            case ev.PersonCheckedIn(_, person, _, ticks):
                self._of(person).update(ticks)
                self.absent.discard(person)
            case ev.Ticked(_, person, tick, True):
                self._of(person).add(tick)
                self.absent.discard(person)
            case ev.Ticked(_, person, tick, False):
                self._of(person).discard(tick)
            case ev.PersonAbsent(_, person):
                self._of(person).clear()
                self.absent.add(person)
            case ev.SeatReady(side, on):
                (self.seats.add if on else self.seats.discard)(side)
            case ev.RulesAcknowledged(side):
                self.informed.add(side)

    def _of(self, person: PersonId) -> set[Tick]:
        return self.ticks.setdefault(person, set())

    def done(self) -> bool:
        """Whether each listed person has every check or is away, each side has a person there, the seats are ready, and
        both rooms have acknowledged the rules."""
        here = {
            one.id
            for one in SLOT.people
            if one.id not in self.absent and self._of(one.id) >= set(required(one, DEMO.check_in))
        }
        noted = all(one.id in here | self.absent for one in SLOT.people)
        somebody = all(any(one.id in here for one in SLOT.people_of(side)) for side in Side)
        return noted and somebody and self.seats == self.informed == set(Side)


class World:
    """Model of the world, kept apart from what the session believes."""

    def __init__(self, desk: Desk | None = None) -> None:
        self.desk = desk or Desk()
        self.relay = self.writing = self.held = False
        self.storage = True
        self.media: set[Side] = set()
        self.receiving: set[Side] = set()
        self.watchers: frozenset[Watcher] = frozenset()

    def take(self, fact: Fact) -> None:
        """Let a fact be true in the world."""
        self.desk.take(fact)
        match fact:
            case ev.RoomMedia(side, flowing):
                (self.media.add if flowing else self.media.discard)(side)
            case ev.RoomReceiving(side, receiving):
                (self.receiving.add if receiving else self.receiving.discard)(side)
            case ev.WatchersChanged(watchers):
                self.watchers = watchers
            case ev.RelayReady():
                self.relay = True
            case ev.RelayLost():
                self.relay, self.media, self.receiving, self.watchers = False, set(), set(), frozenset()
            case ev.RecorderFlushed():
                self.writing = True
            case ev.RecorderLost():
                self.writing = False
            case ev.StorageChanged(works):
                self.storage = works
            case ev.HoldOrdered():
                self.held = True
            case ev.ResumeOrdered():
                self.held = False

    def allows_crossing(self) -> bool:
        """Whether the law lets media cross, but for the time."""
        present = {side: {w.user for w in self.watchers if w.site == SITES[side]} for side in Side}
        watched = all(len(users) >= DEMO.min_supervisors for users in present.values())
        there = self.relay and self.writing and self.media == self.receiving == set(Side)
        return there and watched and self.storage and not self.held


class WatchedVisit(Visit):
    """A visit whose invariants are checked after every step, and before each, when only time has moved."""

    def __init__(self, now: Instant, slot: Slot) -> None:
        self.world = World()
        self.opened_at: float | None = None
        self.opened_until: float | None = None
        self.recording = False
        self.finished = 0
        self.approved: dict[str, float] = {}
        self.crossed: float | None = None
        super().__init__(now, slot=slot, policy=RESERVED)

    def tell(self, *facts: Fact) -> tuple[Effect, ...]:
        """Take facts as the runner does: each is a step of its own, and a refused order changes nothing."""
        effects: list[Effect] = []
        stepped = False
        for fact in facts:
            self.check()
            before, told_now = self.session, ()
            try:
                if before.state is not State.ENDED:
                    self.recording |= fact == ev.RecorderFlushed()
                if isinstance(fact, ev.Crossed):
                    self.crossed = fact.mono if self.crossed is None else min(self.crossed, fact.mono)
                if isinstance(fact, ev.RelayLost) and self.crossed is None and before.begun:
                    self.crossed = self.opened_at  # it may have died with the report
                lawful = self.lawful(fact) if isinstance(fact, ev.ExtensionApproved) else True
                told_now, stepped = super().tell(fact), True
                assert lawful, "an approval was taken that nobody may give"
                if isinstance(fact, ev.ExtensionApproved):
                    self.approved.setdefault(fact.id, fact.added.total_seconds())
                self.world.take(fact)
            except VisitError:
                assert self.session is before
            if before.state is State.ENDED:
                assert self.session == before and not told_now, "ENDED is final"
            effects += told_now
            self.check()
        if stepped:  # else the runner has not asked again since the wall clock was set
            self.check_wake()
        return tuple(effects)

    @property
    def limit(self) -> float:
        """Seconds that may pass after the first crossing, by the slot, the rules and what was approved."""
        slot = self.session.slot
        return min(90.0, slot.minutes * 60.0) + sum(self.approved.values())

    def lawful(self, fact: ev.ExtensionApproved) -> bool:
        """Whether this approval may be taken now, written out once more (Yunnan 14, 27(3))."""
        if fact.session == SLOT.session and fact.id in self.approved:
            return self.approved[fact.id] == fact.added.total_seconds()  # the same object, which counts once
        over = self.state is State.ENDED or (self.crossed is not None and self.now.mono >= self.crossed + self.limit)
        over = over or (self.opened_until is not None and self.now.mono >= self.opened_until)
        author = (fact.session, fact.site, fact.role) == (SLOT.session, SITES[Side.PRISON], "approver")
        says = fact.article == "YN-14-FAMILY" and bool(fact.reason.strip())
        seconds = fact.added.total_seconds()
        within = len(self.approved) < TIMES and seconds in STEPS and sum(self.approved.values()) + seconds <= MOST
        return author and says and within and not over

    def check_wake(self) -> None:
        """A runner that is a little late and asks again learns that it is due, or the moment would be missed."""
        if self.wake is not None:
            late = self.now.after(timedelta(seconds=max(self.wake - self.now.mono, 0) + 0.01))
            due = wakes_at(self.session, late, self.policy)
            assert due is not None and due <= late.mono, "a moment was slept through"

    def settled(self, effects: tuple[Effect, ...]) -> None:
        """Account for the effects of one step."""
        for effect in effects:
            self.recording |= effect == StartRecording()
            self.finished += isinstance(effect, FinishRecording)
            if isinstance(effect, LeaseGate):
                self._leased(effect)

    def _leased(self, lease: LeaseGate) -> None:
        if self.opened_until is None:
            end = self.session.slot.ends_at
            assert self.session.slot.starts_at <= self.now.wall < end, "opened outside the slot"
            self.opened_at = self.now.mono
            self.opened_until = self.now.mono + (end + RESERVED.slot_reserve - self.now.wall).total_seconds()
        assert lease.until <= lease.deadline and lease.until <= self.now.mono + LEASE
        assert lease.deadline <= self.opened_until + 1e-6

    def check(self) -> None:
        """Check the invariants at this moment."""
        if self.crossing():
            assert self.opened_until is not None and self.now.mono < self.opened_until + 1e-6
            assert self.world.allows_crossing()
            assert self.crossed is None or self.now.mono < self.crossed + self.limit + 1e-6, "media beyond the limit"
        assert len(self.approved) <= TIMES and sum(self.approved.values()) <= MOST
        assert {one.id for one in self.session.extensions} == set(self.approved), "an approval lost or made up"
        assert not self.session.gate_open or self.state is State.LIVE
        assert self.state not in (State.READY, State.LIVE, State.HELD) or self.world.desk.done(), "opened unchecked"
        ended = self.state is State.ENDED
        assert (self.session.end is not None) == ended, "a reason for every end, and for nothing else"
        assert self.finished == (ended and self.recording), "every recording is finished, once, at the end"
        assert (self.wake is None) == ended, "until the end there is always a next moment"
        if self.crossed is not None and not ended:
            assert self.session.gate.deadline == self.crossed + self.limit


class LifeOfAVisit(RuleBasedStateMachine):
    """Any facts in any order, with any waits and restarts."""

    visit: WatchedVisit

    @initialize(
        how_far=st.sampled_from(["crossing", "live", "held", "prepared", "bare"]),
        minutes=st.sampled_from([-1, -5, -29, -40]),
        approved=st.sampled_from([1, 30]),
    )
    def begin(self, how_far: str, minutes: int, approved: int) -> None:
        """Begin a visit that was approved. Most begin prepared, as chance would hardly ever open a gate."""
        self.visit = visit = WatchedVisit(at(minutes), replace(SHORT, minutes=approved))
        if how_far != "bare":
            visit.tell(*PREPARED)
        if how_far in ("crossing", "live", "held"):
            visit.wait_until(0)
            visit.tell(*TESTED, ev.StorageChanged(True), *PREPARED, ev.RecorderFlushed())
        if how_far in ("crossing", "held"):
            visit.tell(ev.Crossed(visit.now.mono))
        if how_far == "held":
            visit.tell(ev.HoldOrdered(UserId("o"), SITES[Side.PRISON], "YN-16-2"))

    @rule(events=st.lists(facts, min_size=1, max_size=4))
    def something_happens(self, events: list[Fact]) -> None:
        """Tell several facts at the same moment."""
        self.visit.tell(*events)

    @rule(approval=approvals)
    def a_longer_visit_is_approved(self, approval: ev.ExtensionApproved) -> None:
        """Approve an extension, by an author who may or may not have the right role."""
        self.visit.tell(approval)

    @precondition(lambda self: self.visit.state is not State.ENDED)
    @rule()
    def the_relay_worker_is_another_one(self) -> None:
        """Replace the relay worker by one that knows nothing of the visit yet."""
        self.visit.tell(ev.RelayLost("died"))
        self.visit.relay = PretendRelay()

    @precondition(lambda self: self.visit.state is not State.ENDED)
    @rule()
    def all_is_well_again(self) -> None:
        """Mend every condition that can be mended."""
        hold = self.visit.session.hold
        resume = [ev.ResumeOrdered(UserId("o"), hold.site)] if hold else []
        self.visit.tell(*PREPARED, *resume, ev.StorageChanged(True))
        if StartRecording() in self.visit.effects:
            self.visit.tell(ev.RecorderFlushed())
        self.visit.wait(2)

    @precondition(lambda self: self.visit.state is not State.ENDED)
    @rule(fact=last_words, really=rarely)
    def somebody_ends_it(self, fact: Fact, really: bool) -> None:
        """End the visit, rarely, as stories would be short otherwise."""
        if really:
            self.visit.tell(fact)

    @precondition(lambda self: self.visit.crossing())
    @rule(ago=st.floats(0, 2))
    def media_crosses(self, ago: float) -> None:
        """Report the first crossing, perhaps late, and perhaps not the earliest first."""
        opened = next(e.until - LEASE for e in self.visit.effects if isinstance(e, LeaseGate))
        self.visit.tell(ev.Crossed(max(opened, self.visit.now.mono - ago)))

    @rule(seconds=pauses)
    def a_little_time_passes(self, seconds: float) -> None:
        """Wait a little, as most stories would be over at once after long waits."""
        self.visit.wait(seconds)

    @precondition(lambda self: self.visit.state in (State.SCHEDULED, State.CHECK_IN, State.ENDED))
    @rule(seconds=waits)
    def time_passes(self, seconds: float) -> None:
        """Check that the runner was woken whenever `wakes_at` asked for it."""
        self.visit.wait(seconds)

    @rule(minutes=st.sampled_from([-60, -1, 1, 60]), really=rarely)
    def the_wall_clock_is_set(self, minutes: int, really: bool) -> None:
        """Set the wall clock, as NTP or a person does. The runner sleeps half a minute at most, and then asks again."""
        if really:
            self.visit.step_wall_clock(timedelta(minutes=minutes))
            self.visit.wake = wakes_at(self.visit.session, self.visit.now, self.visit.policy)

    @precondition(lambda self: self.visit.state is not State.ENDED)
    @rule(away=st.floats(LEASE, 20), reboot=rarely, really=rarely)
    def the_control_process_restarts(self, away: float, reboot: bool, really: bool) -> None:
        """Restart the control process: reports of living processes are forgotten, and the lease has run out."""
        if not really:
            return
        before, visit = self.visit.session, self.visit
        visit.pass_to(visit.now.mono + away)
        visit.session = restarted(before, visit.now, reboot)
        if reboot:
            visit.relay, visit.crossed = PretendRelay(), None
        elif visit.crossed is None:
            visit.crossed = visit.opened_at  # the relay may have died meanwhile, with its report
        held = visit.world.held
        visit.world = World(visit.world.desk)
        visit.world.held = held
        visit.wake = wakes_at(visit.session, visit.now, visit.policy)
        begun = before.state in (State.LIVE, State.HELD)
        assert begun == (visit.session.state is State.HELD)
        assert visit.session.hold == before.hold and visit.session.processes.recorded == before.processes.recorded
        assert visit.session.extensions == before.extensions
        if reboot and begun:
            self.ends_by_itself(Reason.TECHNICAL)
        else:
            assert visit.session.gate.stop_at == before.gate.stop_at, "a restart never forgets when media stops"
            if visit.session.gate.limit_due:
                assert visit.wake is not None and visit.wake <= visit.now.mono, "the minutes run on without an end"
                Visit.tell(visit, ev.TimePassed())  # the runner's first step

    def ends_by_itself(self, reason: Reason) -> None:
        """Reboot the machine: the next step, whichever it is, ends the visit."""
        visit = self.visit
        effects = Visit.tell(visit, ev.TimePassed())
        assert visit.session.end is not None and visit.session.end.reason is reason
        assert not any(isinstance(effect, LeaseGate) for effect in effects)

    @invariant()
    def the_law_holds(self) -> None:
        """The invariants hold at every moment."""
        if hasattr(self, "visit"):
            self.visit.check()

    def teardown(self) -> None:
        """A visit that is left alone ends."""
        if hasattr(self, "visit"):
            self.visit.wait(100 * 3600)  # the wall clock may have been set back again and again
            assert self.visit.state is State.ENDED


def restarted(session: Session, now: Instant, reboot: bool) -> Session:
    """The session from its JSON, as a new process finds it."""
    kept = json.loads(json.dumps(to_json(session, "boot-1")))
    return from_json(session.slot, kept, now, "boot-2" if reboot else "boot-1")


TestLifeOfAVisit = LifeOfAVisit.TestCase
TestLifeOfAVisit.settings = settings(
    max_examples=120, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)


class TestSnapshot:
    """`to_json` and `from_json` of sessions after any story."""

    @given(st.lists(st.one_of(facts, approvals, last_words, waits), max_size=25), st.booleans(), st.booleans())
    @settings(max_examples=100, deadline=None)
    def test_a_restored_session_is_never_live_and_keeps_what_was_decided(
        self, story: list[Fact | float], opened: bool, reboot: bool
    ) -> None:
        visit = WatchedVisit(at(-1), SHORT)
        visit.tell(*PREPARED)
        if opened:
            visit.wait(60)
            visit.tell(ev.RecorderFlushed(), ev.Crossed(visit.now.mono))
        for part in story:
            visit.wait(part) if isinstance(part, float) else visit.tell(part)
        before, after = visit.session, restarted(visit.session, visit.now, reboot)
        assert after.state is not State.LIVE and not after.gate_open
        assert after.hold == before.hold and after.extensions == before.extensions
        lost = {"equipment": {}, "tested": {}} if reboot else {}
        assert after.check_in == replace(before.check_in, **lost)
        assert after.processes.recorded == before.processes.recorded
        assert (after.state is State.ENDED) == (before.state is State.ENDED)
        if before.state is State.ENDED:
            assert after.end == before.end
        if not reboot:
            assert (after.gate.crossed, after.gate.deadline) == (before.gate.crossed, before.gate.deadline)
            assert after.gate.stop_at == before.gate.stop_at
        assert (wakes_at(after, visit.now, DEMO) is None) == (before.state is State.ENDED)

    def test_a_snapshot_of_a_version_without_ticks_has_the_three_of_that_version(self) -> None:
        visit = Visit(at(-20))
        visit.tell(*PREPARED)
        kept = to_json(visit.session, "boot")
        former = {name: value for name, value in kept.items() if name not in ("ticks", "seats", "equipment", "rules")}
        visit.session = from_json(SLOT, former, visit.now, "boot")
        visit.tell(ev.TimePassed())
        assert visit.state is State.CHECK_IN and visit.session.check_in.checked == {"inmate"}, (
            "the others' telephones are open"
        )

    def test_people_who_meet_already_stay_checked_in(self) -> None:
        visit = Visit(at(-20))
        visit.tell(*PREPARED)
        visit.wait_until(0)
        visit.tell(ev.RecorderFlushed())
        kept = {name: value for name, value in to_json(visit.session, "boot").items() if name != "ticks"}
        before, visit.session = visit.session, from_json(SLOT, kept, visit.now, "boot")
        visit.tell(ev.TimePassed())
        assert visit.session.check_in.checked == before.check_in.checked

    @given(st.lists(facts | approvals, max_size=20), st.floats(0, 100))
    @settings(max_examples=60, deadline=None)
    def test_the_snapshot_of_a_restored_session_is_the_same(self, story: list[Fact], seconds: float) -> None:
        visit = WatchedVisit(at(-1), SHORT)
        visit.tell(*PREPARED)
        visit.wait(seconds)
        visit.tell(*story)
        assume(visit.state is not State.LIVE)
        kept = to_json(visit.session, "boot")
        if kept["crossed"] is None:  # what crossed may not be reported yet: it counts from the opening
            kept["crossed"] = kept["opened_at"]
        assert to_json(from_json(SHORT, kept, visit.now, "boot"), "boot") == kept
