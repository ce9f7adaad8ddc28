"""Records that are lost on their way to the disk: a fact, and more than a little of them holds the visit."""

from pyee.asyncio import AsyncIOEventEmitter

from broker.control.packet_loss_watch import BURST, CALM, IN_A_ROW, PacketLossWatch
from broker.control.relay_facts import Hearing
from broker.control.session_runner import SessionRunner
from broker.kernel.ids import Side
from broker.session import events as ev
from broker.session.effects import HoldReason, StartRecording
from broker.session.parts.processes import Recorder
from broker.session.readiness import hold_reasons
from broker.session.state import Session, State
from tests.support.session_story import MONO_AT_START, PREPARED, SLOT, YUNNAN, at


class TestLosses:
    def test_a_single_lost_record_is_no_reason_to_hold(self) -> None:
        assert not PacketLossWatch().lost("s", 1, 100.0)

    def test_a_burst_is(self) -> None:
        assert PacketLossWatch().lost("s", BURST, 100.0)

    def test_a_second_in_a_row_is_however_few(self) -> None:
        lagging = PacketLossWatch()
        assert [lagging.lost("s", 1, at) for at in (100.0, 100.0 + IN_A_ROW)] == [False, True]

    def test_a_loss_now_and_then_is_not(self) -> None:
        lagging = PacketLossWatch()
        assert not any(lagging.lost("s", 3, 100.0 + n * (IN_A_ROW + 0.1)) for n in range(10))

    def test_of_one_session_are_not_those_of_another(self) -> None:
        lagging = PacketLossWatch()
        assert not lagging.lost("s", 1, 100.0) and not lagging.lost("t", 1, 101.0)

    def test_hold_until_none_was_heard_of_for_a_while_and_that_is_said_once(self) -> None:
        lagging = PacketLossWatch()
        lagging.lost("s", BURST, 100.0)
        lagging.lost("s", 1, 101.0)
        seen = [lagging.calm("s", at) for at in (101.1, 101.0 + CALM - 0.1, 101.0 + CALM, 110.0)]
        assert seen == [False, False, True, False]
        assert not lagging.calm("unknown", 100.0)

    def test_of_a_writer_are_told_as_a_sum_that_begins_anew_with_each_part(self) -> None:
        lagging = PacketLossWatch()
        assert [lagging.overflowed("s", sum_) for sum_ in (0, 5, 5, 12, 3, 3)] == [0, 5, 0, 7, 3, 0]


class StandingClock:
    """Moved by the test."""

    def __init__(self) -> None:
        self.second = 60.0

    def now(self):
        return at(seconds=self.second)


class Notes:
    """The journal's and the recorder's ears."""

    ready = True

    def __init__(self) -> None:
        self.told: list = []

    def note(self, *what) -> None:
        self.told.append(what)


class House:
    """A visit that is live, and the ear for relays and recorder."""

    def __init__(self) -> None:
        self.clock, self.notes, self.effects = StandingClock(), Notes(), []
        self.live = SessionRunner(
            Session(SLOT), YUNNAN, self.clock, lambda _, effect: self.effects.append(effect), self._changed
        )
        self.facts: list[ev.Fact] = []
        for fact in (ev.TimePassed(), *PREPARED, ev.RecorderFlushed()):
            self.live.take(fact)
        self.hearing = Hearing({SLOT.session: self.live}, {}, self.notes, self.clock, AsyncIOEventEmitter(), None, None)  # type: ignore[arg-type]
        self.hearing.recorders = self.notes  # type: ignore[assignment]

    def _changed(self, _live, _before, fact, _effects) -> None:
        self.facts.append(fact)

    @property
    def state(self) -> State:
        return self.live.session.state

    def relay(self, name: str, **told) -> None:
        self.hearing.from_relay(name, {"session": SLOT.session, **told})

    def recorder(self, name: str, **told) -> None:
        self.hearing.from_recorder(name, {"session": SLOT.session, **told})

    def lose(self, records: int) -> None:
        self.relay("tap_lost", sessions=[SLOT.session], records=records)

    def second(self) -> None:
        """A second in which nothing is lost."""
        self.clock.second += 1.0
        self.relay("quality", sides={str(side): {} for side in Side}, watchers=[])


class TestAVisit:
    def test_goes_on_over_a_lost_record_and_that_is_a_fact_on_its_timeline(self) -> None:
        house = House()
        assert house.state is State.LIVE and MONO_AT_START
        house.lose(2)
        assert house.state is State.LIVE
        assert house.facts[-1] == ev.RecorderLagging(2, "tap")
        assert house.notes.told[-1][1] == {"kind": "lagging", "records": 2, "where": "tap"}

    def test_is_held_at_a_burst_and_asks_for_a_new_part_when_it_is_over(self) -> None:
        house = House()
        house.lose(BURST)
        assert house.state is State.HELD
        assert HoldReason.RECORDER_LOST in hold_reasons(house.live.session, YUNNAN)
        house.effects.clear()
        house.second()
        assert house.state is State.HELD
        house.second()
        assert StartRecording() in house.effects and house.live.session.processes.recorder is Recorder.STARTING
        house.recorder("flushed")
        assert house.state is State.LIVE

    def test_is_held_when_a_few_are_lost_in_one_second_after_another(self) -> None:
        house = House()
        house.lose(1)
        house.clock.second += 1.0
        house.lose(1)
        assert house.state is State.HELD

    def test_is_held_when_the_writer_cannot_take_what_comes(self) -> None:
        house = House()
        house.recorder("writing", seconds=1.0, overflow=0)
        assert house.state is State.LIVE
        house.recorder("writing", seconds=2.0, overflow=BURST)
        assert house.state is State.HELD and ev.RecorderLagging(BURST, "writer") in house.facts

    def test_waits_for_a_recorder_that_is_gone(self) -> None:
        house = House()
        house.lose(BURST)
        house.notes.ready = False
        house.effects.clear()
        for _ in range(4):
            house.second()
        assert house.effects == [] and house.state is State.HELD
