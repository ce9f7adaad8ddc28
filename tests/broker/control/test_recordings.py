"""Records that are lost on their way to the disk are facts, and more than a few of them hold the visit."""

from broker.control.recordings import BURST, CALM, IN_A_ROW, PacketLossWatch
from broker.ipc.recorder_messages import FragmentFlushed, WritingProgress
from broker.kernel.ids import SessionId
from broker.session import events as ev
from broker.session.effects import HoldReason, StartRecording
from broker.session.parts.processes import Recorder
from broker.session.readiness import hold_reasons
from broker.session.state import State
from tests.support.control.live_visit import LiveVisit
from tests.support.session_story import MONO_AT_START, SLOT, YUNNAN

ONE, TWO = SessionId("s"), SessionId("t")


class TestPacketLossWatch:
    def test_a_single_lost_record_is_no_reason_to_hold(self) -> None:
        assert not PacketLossWatch().lost(ONE, 1, 100.0)

    def test_a_burst_is(self) -> None:
        assert PacketLossWatch().lost(ONE, BURST, 100.0)

    def test_a_second_in_a_row_is_however_few(self) -> None:
        watch = PacketLossWatch()
        assert [watch.lost(ONE, 1, at) for at in (100.0, 100.0 + IN_A_ROW)] == [False, True]

    def test_a_loss_now_and_then_is_not(self) -> None:
        watch = PacketLossWatch()
        assert not any(watch.lost(ONE, 3, 100.0 + n * (IN_A_ROW + 0.1)) for n in range(10))

    def test_of_one_session_are_not_those_of_another(self) -> None:
        watch = PacketLossWatch()
        assert not watch.lost(ONE, 1, 100.0) and not watch.lost(TWO, 1, 101.0)

    def test_hold_until_none_has_come_for_a_while_and_calm_is_reported_once(self) -> None:
        watch = PacketLossWatch()
        watch.lost(ONE, BURST, 100.0)
        watch.lost(ONE, 1, 101.0)
        seen = [watch.calm(ONE, at) for at in (101.1, 101.0 + CALM - 0.1, 101.0 + CALM, 110.0)]
        assert seen == [False, False, True, False]
        assert not watch.calm(TWO, 100.0)

    def test_of_a_writer_are_reported_as_a_sum_that_begins_anew_with_each_part(self) -> None:
        watch = PacketLossWatch()
        assert [watch.overflowed(ONE, sum_) for sum_ in (0, 5, 5, 12, 3, 3)] == [0, 5, 0, 7, 3, 0]


def progress(seconds: float, overflow: int) -> WritingProgress:
    return WritingProgress(session=SLOT.session, part=1, seconds=seconds, bytes=1000, overflow=overflow)


class TestAVisit:
    def test_goes_on_over_a_lost_record_and_that_is_a_fact_on_its_timeline(self) -> None:
        visit = LiveVisit()
        assert visit.state is State.LIVE and MONO_AT_START
        visit.lose(2)
        assert visit.state is State.LIVE
        assert visit.facts[-1] == ev.RecorderLagging(2, "tap")
        assert visit.recorder.events[-1] == {"kind": "lagging", "records": 2, "where": "tap"}

    def test_is_held_at_a_burst_and_asks_for_a_new_part_when_it_is_over(self) -> None:
        visit = LiveVisit()
        visit.lose(BURST)
        assert visit.state is State.HELD
        assert HoldReason.RECORDER_LOST in hold_reasons(visit.runner.session, YUNNAN)
        visit.effects.clear()
        visit.second()
        assert visit.state is State.HELD
        visit.second()
        assert StartRecording() in visit.effects and visit.runner.session.processes.recorder is Recorder.STARTING
        visit.recording(FragmentFlushed(session=visit.id, part=2, mono=61.0))
        assert visit.state is State.HELD
        visit.clock.second += 2.0
        visit.runner.take(ev.TimePassed())
        assert visit.state is State.LIVE

    def test_is_held_when_a_few_are_lost_in_one_second_after_another(self) -> None:
        visit = LiveVisit()
        visit.lose(1)
        visit.clock.second += 1.0
        visit.lose(1)
        assert visit.state is State.HELD

    def test_is_held_when_the_writer_cannot_take_what_comes(self) -> None:
        visit = LiveVisit()
        visit.recording(progress(1.0, 0))
        assert visit.state is State.LIVE
        visit.recording(progress(2.0, BURST))
        assert visit.state is State.HELD and ev.RecorderLagging(BURST, "writer") in visit.facts

    def test_waits_for_a_recorder_that_is_gone(self) -> None:
        visit = LiveVisit()
        visit.lose(BURST)
        visit.recorder.ready = False
        visit.effects.clear()
        for _ in range(4):
            visit.second()
        assert visit.effects == [] and visit.state is State.HELD
