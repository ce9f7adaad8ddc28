"""A pretend visit for stories: an approved slot, its people, a pretend relay, and time that only the story moves."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from broker.booking.slot import Person, Place, Slot
from broker.kernel.clock import Instant
from broker.kernel.ids import PersonId, RoomId, SessionId, Side, SiteId, SlotId, UserId
from broker.presence.quorum import Watcher
from broker.session import events as ev
from broker.session.effects import AlertOver, AlertRaised, Effect, ExtendLimit, LeaseGate, SetDeadline, ShutGate
from broker.session.events import Fact
from broker.session.parts.check_in import required
from broker.session.state import Session, State
from broker.session.transitions import step, wakes_at
from config.check_in import Manner
from config.pack_loader import load_pack
from config.policy import Policy

YUNNAN, GUANGDONG, DEMO = load_pack("yunnan"), load_pack("guangdong"), load_pack("demo")
PRISON, VISITOR = Side.PRISON, Side.VISITOR
SITES = {PRISON: SiteId("prison-1"), VISITOR: SiteId("bureau-1")}
START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
MONO_AT_START = 50_000.0
INMATE, KIN, CHILD = PersonId("inmate"), PersonId("kin"), PersonId("child")
OFFICER = UserId("p-1")

SLOT = Slot(
    id=SlotId("slot_1"),
    session=SessionId("session_1"),
    prison=Place(SITES[PRISON], RoomId("prison-room")),
    visitor=Place(SITES[VISITOR], RoomId("bureau-room")),
    starts_at=START,
    ends_at=START + timedelta(minutes=40),
    minutes=30,
    people=(
        Person(INMATE, PRISON, "甲"),
        Person(KIN, VISITOR, "乙", "mother"),
        Person(CHILD, VISITOR, "丙", "son"),
    ),
    approved_by="warden",
    article="云南 第八条",
    policy="yunnan",
)


def at(minutes: float = 0, seconds: float = 0) -> Instant:
    """The moment so long after the slot's start (negative: before it), on clocks that agree."""
    return Instant(START, MONO_AT_START).after(timedelta(minutes=minutes, seconds=seconds))


def officers(prison: int = 2, visitor: int = 2) -> frozenset[Watcher]:
    """Watchers, so many officers of each site."""
    return frozenset(
        Watcher(UserId(f"{side[0]}-{number}"), SITES[side])
        for side, count in ((PRISON, prison), (VISITOR, visitor))
        for number in range(1, count + 1)
    )


def here(*people: PersonId) -> list[Fact]:
    """Facts by which staff of their side check in these listed people."""
    return [
        ev.PersonCheckedIn(person.side, person.id, OFFICER, required(person, YUNNAN.check_in))
        for person in SLOT.people
        if person.id in people
    ]


def acknowledging(side: Side, policy: Policy = YUNNAN) -> ev.RulesAcknowledged:
    """The fact by which the room of a side acknowledges the rules."""
    return ev.RulesAcknowledged(side, f"trm_{side}", policy.rules_text.id, "zh", Manner.TOUCH)


CALLS = (AlertRaised, AlertOver)
CHECKED_IN = here(INMATE, KIN, CHILD)
SEATED: list[Fact] = [ev.SeatReady(side, True, OFFICER) for side in Side]
ACKNOWLEDGED: list[Fact] = [acknowledging(side) for side in Side]
TESTED: list[Fact] = [ev.SelfTested(side, True, "terminal", {"camera": "passed"}) for side in Side]
PUBLISHING: list[Fact] = [ev.RoomMedia(side, True) for side in Side]
RECEIVING: list[Fact] = [ev.RoomReceiving(side, True) for side in Side]
WATCHED = ev.WatchersChanged(officers())
PREPARED: list[Fact] = [
    ev.RelayReady(),
    ev.RecorderReady(),
    *CHECKED_IN,
    *SEATED,
    *ACKNOWLEDGED,
    *TESTED,
    *PUBLISHING,
    *RECEIVING,
    WATCHED,
]
"""The facts before the gate may open, except for the time and the recorder's first fragment."""


class PretendRelay:
    """Relay that takes the effects: its gate is open only while a lease, a deadline and a limit allow."""

    def __init__(self) -> None:
        self.lease: LeaseGate | None = None
        self.crossed: float | None = None
        self.stop = float("inf")
        self.limit: float | None = None

    def take(self, effect: Effect) -> None:
        """Do what one effect orders."""
        if isinstance(effect, LeaseGate):
            self.lease, self.stop = effect, min(self.stop, effect.deadline)
            self.limit = self.limit or effect.limit.total_seconds()
            if effect.crossed is not None:
                self.crosses(effect.crossed)
        elif isinstance(effect, ExtendLimit):
            if effect.made < self.end:
                self.limit, self.stop = effect.limit.total_seconds(), effect.deadline
        elif isinstance(effect, SetDeadline):
            self.stop = min(self.stop, effect.deadline)
        elif isinstance(effect, ShutGate):
            self.lease = None

    def crosses(self, mono: float) -> None:
        """Note that a packet crossed at this moment, perhaps not for the first time."""
        self.crossed = mono if self.crossed is None else min(self.crossed, mono)

    @property
    def end(self) -> float:
        """The monotonic second at which it stops by itself, even if leases go on."""
        if self.crossed is None or self.limit is None:
            return self.stop
        return min(self.stop, self.crossed + self.limit)

    def open(self, mono: float) -> bool:
        """Whether a packet crosses at this monotonic moment."""
        return self.lease is not None and mono < min(self.lease.until, self.end)


class Visit:
    """One session with its runner: facts are taken at once, TimePassed comes exactly when `wakes_at` asked for it. The
    effects of alerts are kept apart, in `calls`."""

    def __init__(
        self, now: Instant, *, slot: Slot = SLOT, policy: Policy = YUNNAN, session: Session | None = None
    ) -> None:
        self.session, self.policy, self.now = session or Session(slot), policy, now
        self.relay = PretendRelay()
        self.effects: list[Effect] = []
        self.calls: list[Effect] = []
        self.wake = wakes_at(self.session, now, policy)
        self.tell(ev.TimePassed())

    @property
    def state(self) -> State:
        """The present state of the session."""
        return self.session.state

    def tell(self, *facts: Fact) -> tuple[Effect, ...]:
        """Tell the session facts, all at this moment. Returns their effects, without those of alerts."""
        found: list[Effect] = []
        for fact in facts:
            if isinstance(fact, ev.RulesAcknowledged) and fact in ACKNOWLEDGED:
                fact = acknowledging(fact.side, self.policy)  # a room acknowledges what its visit shows
            if isinstance(fact, ev.Crossed):
                self.relay.crosses(fact.mono)
            self.session, effects = step(self.session, fact, self.now, self.policy)
            for effect in effects:
                self.relay.take(effect)
            self.settled(effects)
            self.calls += [one for one in effects if isinstance(one, CALLS)]
            found += [one for one in effects if not isinstance(one, CALLS)]
        self.effects += found
        self.wake = wakes_at(self.session, self.now, self.policy)
        return tuple(found)

    def settled(self, effects: tuple[Effect, ...]) -> None:
        """Hook after every single step; a test that checks every moment overrides it."""

    def wait(self, seconds: float) -> tuple[Effect, ...]:
        """Let time pass as the runner does: awake at every moment asked for, and at no other one."""
        until, found = self.now.mono + seconds, []
        for _ in range(20_000):
            if self.wake is None or self.wake > until:
                self.pass_to(until)
                return tuple(found)
            self.pass_to(max(self.wake, self.now.mono))
            found += self.tell(ev.TimePassed())
        raise AssertionError(f"{self.state} asks to be woken again and again without getting anywhere")

    def wait_until(self, minutes: float, seconds: float = 0) -> tuple[Effect, ...]:
        """Wait until so long after the slot's start, on the monotonic clock."""
        return self.wait(at(minutes, seconds).mono - self.now.mono)

    def pass_to(self, mono: float) -> None:
        """Move both clocks on without a fact."""
        self.now = Instant(self.now.wall + timedelta(seconds=mono - self.now.mono), mono)

    def step_wall_clock(self, delta: timedelta) -> None:
        """Set the wall clock; the monotonic clock goes on as before."""
        self.now = replace(self.now, wall=self.now.wall + delta)

    def crossing(self) -> bool:
        """Whether media crosses at this moment."""
        return self.relay.open(self.now.mono)


def prepared(minutes: float = -10, **kw: object) -> Visit:
    """A visit for which every condition but time is met."""
    visit = Visit(at(minutes), **kw)  # type: ignore[arg-type]
    visit.tell(*PREPARED)
    return visit


def live(**kw: object) -> Visit:
    """A visit whose gate opened at the slot's start, and media crossed at once."""
    visit = prepared(**kw)
    visit.wait_until(0)
    visit.tell(ev.RecorderFlushed(), ev.Crossed(visit.now.mono))
    assert visit.state is State.LIVE
    return visit
