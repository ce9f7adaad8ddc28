"""The watch over the machine's clock: a step is written down once and calls the officers; it is believed by order, or
by itself where a time service made it and no visit would notice; and a restart of the service forgets nothing of
it."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from broker.control.journal.journal import Journal
from broker.control.journal.reader import entries
from broker.control.rules.clock_watch import KIND, ClockWatch, concerns, recall
from broker.control.session_runner import SessionRunner
from broker.control.store.store import Store
from broker.kernel.agreed_time import AgreedClock
from broker.kernel.clock import Discipline, Instant
from broker.kernel.errors import Conflict
from broker.session import events as ev
from broker.session.effects import AlertKind
from broker.session.state import Session, State
from tests.support.control.live_visit import JournalDouble
from tests.support.session_story import PREPARED, SLOT, START, YUNNAN, at

HOUR = timedelta(hours=1)
SYNCHRONISED, ALONE = Discipline(True, 0.0, 0.01), Discipline(False, 0.0, 16.0)


class Machine:
    """The machine's clocks, so many minutes after the slot's start, and its time service."""

    def __init__(self, minutes: float) -> None:
        self.instant, self.kept = at(minutes), ALONE

    def now(self) -> Instant:
        return self.instant

    def forward(self, seconds: float) -> None:
        self.instant = self.instant.after(timedelta(seconds=seconds))

    def set(self, delta: timedelta) -> None:
        self.instant = Instant(self.instant.wall + delta, self.instant.mono)


class Watched:
    """One visit, its machine and the watch."""

    def __init__(self, minutes: float = -10) -> None:
        self.machine, self.journal = Machine(minutes), JournalDouble()
        self.clock = AgreedClock(self.machine)
        self.facts: list[ev.Fact] = []
        self.runner = SessionRunner(Session(SLOT), YUNNAN, self.clock, lambda *_: None, self._changed)
        self.runner.take(ev.TimePassed())
        journal: Any = self.journal
        sessions = {SLOT.session: self.runner}
        self.watch = ClockWatch(self.clock, sessions, journal, lambda: self.machine.kept, "boot-1")
        self.watch.look()

    def _changed(self, _runner: Any, _before: Any, fact: ev.Fact, _effects: Any) -> None:
        self.facts.append(fact)

    def look(self, seconds: float = 1.0) -> None:
        self.machine.forward(seconds)
        self.watch.look()

    def noted(self, kind: str) -> list[dict[str, Any]]:
        return [data for name, _, _, data in self.journal.entries if name == kind]

    @property
    def alerts(self) -> list[AlertKind]:
        return [alert.kind for alert in self.runner.session.alerts.open]


class TestAStep:
    @pytest.mark.parametrize("step", [HOUR, -HOUR])
    def test_is_noted_once_with_its_size_and_calls_the_officers(self, step: timedelta) -> None:
        visit = Watched()
        visit.machine.set(step)
        for _ in range(100):
            visit.look()
        assert visit.noted("ClockStepped") == [{"seconds": step.total_seconds(), "steps": 1}]
        assert visit.facts.count(ev.ClockStepped(int(step.total_seconds()))) == 1
        assert visit.alerts == [AlertKind.CLOCK]
        status = visit.watch.status()
        assert (status.moved, status.steps) == (step, 1) and status.machine - status.agreed == step

    def test_neither_begins_nor_ends_the_visit(self) -> None:
        visit = Watched()
        visit.machine.set(HOUR)
        visit.look()
        visit.runner.take(ev.TimePassed())
        assert visit.runner.session.state is State.CHECK_IN

    def test_that_is_taken_back_is_over(self) -> None:
        visit = Watched()
        visit.machine.set(HOUR)
        visit.look()
        visit.machine.set(-HOUR)
        visit.look()
        assert visit.facts[-1] == ev.ClockStepped(0) and visit.watch.status().moved is None
        assert len(visit.noted("ClockStepped")) == len(visit.noted("ClockStepOver")) == 1

    def test_again_and_again_does_not_flood_the_journal(self) -> None:
        visit = Watched()
        for number in range(600):
            visit.machine.set(HOUR if number % 2 else -HOUR)
            visit.look()
        assert visit.watch.status().steps > 200
        assert 5 <= len(visit.noted("ClockStepped")) <= 11 and len(visit.noted("ClockStepOver")) <= 11
        assert sum(isinstance(fact, ev.ClockStepped) for fact in visit.facts) <= 22
        visit.machine.set(HOUR)
        visit.look(120)
        assert visit.facts[-1] == ev.ClockStepped(int(visit.watch.status().moved.total_seconds())), "the last is told"

    def test_calls_the_officers_of_a_visit_whose_check_in_opens_later(self) -> None:
        visit = Watched(minutes=-40)
        assert visit.runner.session.state is State.SCHEDULED
        visit.machine.set(HOUR)
        visit.look()
        assert visit.facts[-1] == ev.TimePassed()
        visit.machine.forward(11 * 60)
        visit.runner.take(ev.TimePassed())
        visit.look()
        assert visit.facts[-1] == ev.ClockStepped(3600) and visit.alerts == [AlertKind.CLOCK]


class TestTheNewTime:
    def test_is_believed_when_an_admin_has_compared_it(self) -> None:
        visit = Watched(minutes=-10)
        visit.machine.set(timedelta(minutes=15))
        visit.look()
        status = visit.watch.agree("user:shen")
        assert status.moved is None and status.agreed == status.machine
        assert visit.noted(KIND)[-1]["seconds"] == 900.0
        assert [author for kind, _, author, _ in visit.journal.entries if kind == KIND][-1] == "user:shen"
        assert ev.ClockStepped(0) in visit.facts
        visit.look()
        assert visit.watch.status().moved is None

    def test_cannot_be_agreed_on_where_nothing_was_moved(self) -> None:
        with pytest.raises(Conflict):
            Watched().watch.agree("user:shen")

    def test_of_a_time_service_is_believed_where_no_visit_would_notice(self) -> None:
        visit = Watched(minutes=-300)
        visit.machine.kept = SYNCHRONISED
        visit.machine.set(HOUR)
        visit.look()
        assert visit.watch.status().moved is None and visit.watch.status().steps == 1
        assert visit.noted("ClockStepped") == [{"seconds": 3600.0, "steps": 1}]

    @pytest.mark.parametrize("minutes", [-300, -10])
    def test_of_nobody_is_never_believed_by_itself(self, minutes: float) -> None:
        visit = Watched(minutes)
        visit.machine.set(HOUR)
        visit.look()
        assert visit.watch.status().moved == HOUR

    @pytest.mark.parametrize(
        ("minutes", "step"),
        [(-10, HOUR), (-10, -HOUR), (-300, timedelta(hours=6)), (-300, timedelta(hours=4, minutes=31)), (60, -HOUR)],
    )
    def test_of_a_time_service_waits_where_it_touches_a_visit(self, minutes: float, step: timedelta) -> None:
        session = Session(SLOT)
        now = at(minutes).wall
        assert concerns(session, YUNNAN, now, now + step)

    def test_does_not_wait_for_a_visit_that_has_begun(self) -> None:
        visit = Watched(minutes=-10)
        visit.machine.kept = SYNCHRONISED
        for fact in PREPARED:
            visit.runner.take(fact)
        visit.machine.forward(600)
        visit.runner.take(ev.RecorderFlushed())
        assert visit.runner.session.state is State.LIVE
        visit.machine.set(HOUR)
        visit.look()
        assert visit.watch.status().moved is None and visit.runner.session.state is State.LIVE


class TestARestart:
    """What was agreed on stands in the journal."""

    async def written(self, store: Store, machine: Any, boot: str) -> None:
        clock = AgreedClock(machine)
        async with Journal(store.engine, clock) as journal:
            ClockWatch(clock, {}, journal, lambda: None, boot).look()

    async def test_on_the_same_run_of_the_machine_sees_a_step_in_between(self, store: Store) -> None:
        machine = Machine(-60)
        await self.written(store, machine, "boot-1")
        machine.forward(120)
        machine.set(HOUR)
        clock = AgreedClock(machine)
        await recall(store.engine, clock, "boot-1")
        assert clock.moved == HOUR and clock.now().wall == machine.now().wall - HOUR

    async def test_after_a_start_of_the_machine_its_clock_is_believed(self, store: Store) -> None:
        await self.written(store, Machine(-60), "boot-1")
        machine = Machine(-30)
        machine.instant = Instant(machine.instant.wall, 12.0)
        clock = AgreedClock(machine)
        await recall(store.engine, clock, "boot-2")
        assert clock.moved is None and clock.now() == machine.now()

    async def test_after_a_start_of_the_machine_no_time_before_the_last_entry_is_believed(self, store: Store) -> None:
        await self.written(store, Machine(-60), "boot-1")
        machine = Machine(-60)
        machine.instant = Instant(datetime(1970, 1, 1, tzinfo=START.tzinfo), 12.0)
        clock = AgreedClock(machine)
        await recall(store.engine, clock, "boot-2")
        assert clock.now().wall == at(-60).wall and clock.moved is not None

    async def test_with_an_empty_journal_the_machine_is_believed(self, store: Store) -> None:
        machine = Machine(-60)
        clock = AgreedClock(machine)
        await recall(store.engine, clock, "boot-1")
        assert clock.now() == machine.now()

    async def test_is_not_needed_for_an_entry_a_second(self, store: Store) -> None:
        machine = Machine(-60)
        clock = AgreedClock(machine)
        async with Journal(store.engine, clock) as journal:
            watch = ClockWatch(clock, {}, journal, lambda: None, "boot-1")
            for _ in range(1000):
                machine.forward(1)
                watch.look()
        found = [entry for entry in await entries(store.engine) if entry.kind == KIND]
        assert len(found) == 1 and set(json.loads(found[0].data)) == {"boot", "mono", "wall"}
