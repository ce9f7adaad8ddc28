"""Counts of holds, ends, alerts and open gates, and rates from the counts of the relays."""

from dataclasses import replace

from broker.control.statistics import Rates, Statistics
from broker.ipc.relay_messages import SideCounts, StreamCounts
from broker.kernel.ids import AlertId, SessionId, Side
from broker.session.effects import AlertKind, AlertOver, AlertRaised, ClosePorts, Reason
from broker.session.parts.processes import Processes
from broker.session.state import End, Session, State
from config.pack_loader import load_pack
from tests.support.control.fixtures import TEN
from tests.support.control.making import slot

YUNNAN = load_pack("yunnan")


class TestStatistics:
    def test_adds_up_the_time_of_open_gates_those_that_are_open_included(self):
        statistics, ready = Statistics(), Session(slot(), State.READY)
        live, held = replace(ready, state=State.LIVE), replace(ready, state=State.HELD)
        statistics.record_step(ready, live, (), YUNNAN, 10.0)
        statistics.record_step(live, live, (), YUNNAN, 11.0)
        assert statistics.gate_seconds(15.0) == 5.0
        statistics.record_step(live, held, (), YUNNAN, 20.0)
        statistics.record_step(held, live, (), YUNNAN, 30.0)
        statistics.record_step(live, held, (), YUNNAN, 31.0)
        assert statistics.gate_seconds(100.0) == 11.0

    def test_counts_each_hold_once_under_its_first_reason(self):
        statistics, live = Statistics(), Session(slot(), State.LIVE, processes=Processes(relay=True))
        held = replace(live, state=State.HELD, processes=Processes())
        statistics.record_step(live, held, (), YUNNAN, 1.0)
        statistics.record_step(held, replace(held, processes=Processes(storage=False)), (), YUNNAN, 2.0)
        assert statistics.holds == {"relay_lost": 1}

    def test_counts_each_end_under_its_reason(self):
        statistics, live = Statistics(), Session(slot(), State.LIVE)
        ended = replace(live, state=State.ENDED, end=End(Reason.TIME_LIMIT, TEN))
        statistics.record_step(live, ended, (), YUNNAN, 1.0)
        statistics.record_step(ended, ended, (), YUNNAN, 2.0)
        assert statistics.ends == {"time_limit": 1}

    def test_counts_alerts_by_kind_when_they_are_raised(self):
        statistics, id, live = Statistics(), AlertId("alt_1"), Session(slot(), State.LIVE)
        raised = [AlertRaised(id, kind, None, "") for kind in (AlertKind.BLACK, AlertKind.HEADS)]
        over = [AlertOver(id, AlertKind.BLACK, None, "gone"), ClosePorts()]
        for effects in (raised, over, raised[:1]):
            statistics.record_step(live, live, effects, YUNNAN, 1.0)
        assert statistics.alerts == {"black": 2, "heads": 1}


SESSION = SessionId("s")
NONE = StreamCounts()
SECOND = StreamCounts(packets=90, octets=100_000, frames=25, jitter=0.004, lost=10)


def both_sides(counts):
    return {side: SideCounts(audio=counts, video=counts) for side in Side}


class TestRates:
    def test_are_those_since_the_last_counts(self):
        rates = Rates()
        rates.measured(SESSION, both_sides(NONE), 10.0)
        prison = rates.measured(SESSION, both_sides(SECOND), 12.0)[Side.PRISON]
        assert prison["video"] == {"bitrate": 400_000, "loss": 0.1, "jitter_ms": 4.0, "fps": 12.5}
        assert "fps" not in prison["audio"]

    def test_are_not_negative_when_the_counts_begin_anew(self):
        rates = Rates()
        rates.measured(SESSION, both_sides(SECOND), 10.0)
        assert rates.measured(SESSION, both_sides(NONE), 11.0)[Side.VISITOR]["video"]["loss"] == 0
