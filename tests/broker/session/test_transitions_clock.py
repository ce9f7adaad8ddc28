"""Steps of the wall clock before the gate first opens: they neither open a visit early nor end or forfeit it, and a
step back keeps none waiting. The machine's clock is read through the agreed time, as the control process does."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.kernel.agreed_time import SLEW, TOLERANCE, AgreedClock
from broker.kernel.clock import Instant
from broker.kernel.errors import Conflict
from broker.session import events as ev
from broker.session.effects import AlertKind, AlertOver, AlertRaised, OpenPorts
from broker.session.state import Session, State
from broker.session.transitions import step, wakes_at
from tests.support.session_story import PREPARED, SLOT, START, TESTED, YUNNAN, at

LATE_GRACE = YUNNAN.late_grace


class Room:
    """A visit that is run as the control process runs it, on a machine whose wall clock is moved. `true` is the time
    that a right clock shows."""

    def __init__(self, minutes: float) -> None:
        self.true, self.wrong = at(minutes), timedelta(0)
        self.clock = AgreedClock(self)
        self.session = Session(SLOT)
        self.opened: list[Instant] = []

    def now(self) -> Instant:
        """What the machine's clocks show."""
        return Instant(self.true.wall + self.wrong, self.true.mono)

    def tell(self, *facts: ev.Fact) -> None:
        for fact in facts:
            if self.session.state is State.ENDED:
                return
            before = self.session.state
            try:
                self.session, effects = step(self.session, fact, self.clock.now(), YUNNAN)
            except Conflict:  # an order that comes too early or too late
                continue
            if before is State.SCHEDULED and OpenPorts() in effects:
                assert self.true.wall >= START - YUNNAN.check_in_lead - self.slack, "check-in opened early"
            if self.session.state is State.LIVE and before is not State.LIVE:
                self.opened.append(self.true)

    @property
    def slack(self) -> timedelta:
        """What a followed correction may amount to in so short a time."""
        return timedelta(seconds=SLEW * 7200)

    def wait(self, seconds: float) -> None:
        """Let time pass; the runner wakes when it asked to, and looks again after half a minute at the latest."""
        until = self.true.mono + round(seconds, 3)
        while self.true.mono < until and self.session.state is not State.ENDED:
            now = self.clock.now()
            due = wakes_at(self.session, now, YUNNAN)
            pause = min(30.0 if due is None else due - now.mono, 30.0, until - self.true.mono)
            self.true = self.true.after(timedelta(seconds=max(pause, 0.001)))
            self.tell(ev.TimePassed())


steps = st.floats(-90_000, 90_000).filter(lambda seconds: abs(seconds) > TOLERANCE.total_seconds())
moves = st.lists(st.tuples(st.floats(0, 600), steps), max_size=12)


class TestAnySteps:
    @given(moves)
    @settings(max_examples=150, deadline=None)
    def test_open_no_gate_before_the_true_start(self, story: list[tuple[float, float]]) -> None:
        room = Room(-45)
        for seconds, wrong in story:
            room.wait(seconds)
            room.wrong = timedelta(seconds=wrong)
            room.tell(*PREPARED, *TESTED)
            if room.session.processes.recorded:
                room.tell(ev.RecorderFlushed())
            assert not room.opened or room.opened[0].wall >= START - room.slack
            assert room.true.wall >= START - room.slack or room.session.state is not State.ENDED, (
                "ended before its time"
            )

    @given(moves)
    @settings(max_examples=150, deadline=None)
    def test_end_no_visit_before_the_true_late_grace_and_none_after_it(self, story: list[tuple[float, float]]) -> None:
        room = Room(-20)
        for seconds, wrong in story:
            room.wait(seconds)
            room.wrong = timedelta(seconds=wrong)
        over = START + LATE_GRACE
        if room.session.state is State.ENDED:
            assert room.true.wall >= over - room.slack
        room.wait(3 * 3600)
        end = room.session.end
        assert end is not None and abs(end.at - over) <= room.slack, "a step back keeps nobody waiting either"

    @given(moves)
    @settings(max_examples=100, deadline=None)
    def test_let_a_visit_that_is_ready_begin_at_its_true_start_and_last_its_slot(
        self, story: list[tuple[float, float]]
    ) -> None:
        room = Room(-3)
        room.tell(*PREPARED, *TESTED)
        for seconds, wrong in story:
            room.wait(min(seconds, 10))
            room.wrong = timedelta(seconds=wrong)
        room.wait(max(0.0, at(0, 1).mono - room.true.mono))
        room.tell(*TESTED, ev.RecorderFlushed())
        assert room.opened and abs(room.opened[0].wall - START) <= timedelta(seconds=120)
        stop = room.session.gate.hard_stop
        assert stop is not None and abs(stop - at(40).mono) <= SLEW * 7200


@pytest.mark.parametrize("state", [State.CHECK_IN, State.READY])
class TestTheAlert:
    """Supervisors are called as long as the clock can begin or end their visit."""

    def room(self, state: State) -> Room:
        room = Room(-10)
        room.tell(ev.TimePassed(), *(PREPARED if state is State.READY else []))
        assert room.session.state is state
        return room

    def calls(self, room: Room, fact: ev.Fact) -> list[tuple[type, AlertKind]]:
        room.session, effects = step(room.session, fact, room.clock.now(), YUNNAN)
        return [(type(each), each.kind) for each in effects if isinstance(each, AlertRaised | AlertOver)]

    def test_is_raised_once_and_says_by_how_much(self, state: State) -> None:
        room = self.room(state)
        assert self.calls(room, ev.ClockStepped(3600)) == [(AlertRaised, AlertKind.CLOCK)]
        assert [alert.detail for alert in room.session.alerts.open] == ["+3600"]
        assert self.calls(room, ev.ClockStepped(3600)) == []

    def test_is_over_when_the_clock_is_right_again_or_agreed_on(self, state: State) -> None:
        room = self.room(state)
        room.tell(ev.ClockStepped(-60), ev.ClockStepped(0))
        room.wait(YUNNAN.alerts.clear.total_seconds() + 0.1)
        assert room.session.alerts.open == ()

    def test_is_over_when_the_gate_opens(self, state: State) -> None:
        room = self.room(state)
        room.tell(ev.ClockStepped(60), *PREPARED)
        room.wait(at(0, 1).mono - room.true.mono)
        room.tell(*TESTED, ev.RecorderFlushed())
        room.wait(YUNNAN.alerts.clear.total_seconds() + 1)
        assert room.opened and room.session.alerts.open == ()
