"""Holds, ends, alerts and open gates, counted."""

from dataclasses import replace

from broker.control.statistics import Statistics
from broker.kernel.ids import AlertId
from broker.session.effects import AlertKind, AlertOver, AlertRaised, ClosePorts, Reason
from broker.session.parts.processes import Processes
from broker.session.state import End, Session, State
from config.pack_loader import load_pack
from tests.support.control.fixtures import TEN
from tests.support.control.making import slot

YUNNAN = load_pack("yunnan")


class TestTheTally:
    def test_adds_up_the_time_of_open_gates_those_that_are_open_included(self):
        tally, ready = Statistics(), Session(slot(), State.READY)
        live, held = replace(ready, state=State.LIVE), replace(ready, state=State.HELD)
        tally.stepped(ready, live, YUNNAN, 10.0)
        tally.stepped(live, live, YUNNAN, 11.0)
        assert tally.gate_seconds(15.0) == 5.0
        tally.stepped(live, held, YUNNAN, 20.0)
        tally.stepped(held, live, YUNNAN, 30.0)
        tally.stepped(live, held, YUNNAN, 31.0)
        assert tally.gate_seconds(100.0) == 11.0

    def test_counts_each_hold_once_under_its_first_reason(self):
        tally, live = Statistics(), Session(slot(), State.LIVE, processes=Processes(relay=True))
        held = replace(live, state=State.HELD, processes=Processes())
        tally.stepped(live, held, YUNNAN, 1.0)
        tally.stepped(held, replace(held, processes=Processes(storage=False)), YUNNAN, 2.0)
        assert tally.holds == {"relay_lost": 1}

    def test_counts_each_end_under_its_reason(self):
        tally, live = Statistics(), Session(slot(), State.LIVE)
        ended = replace(live, state=State.ENDED, end=End(Reason.TIME_LIMIT, TEN))
        tally.stepped(live, ended, YUNNAN, 1.0)
        tally.stepped(ended, ended, YUNNAN, 2.0)
        assert tally.ends == {"time_limit": 1}

    def test_counts_alerts_by_kind_when_they_are_raised(self):
        tally, id = Statistics(), AlertId("alt_1")
        tally.called([AlertRaised(id, kind, None, "") for kind in (AlertKind.BLACK, AlertKind.HEADS)])
        tally.called([AlertOver(id, AlertKind.BLACK, None, "gone"), ClosePorts()])
        tally.called([AlertRaised(id, AlertKind.BLACK, None, "")])
        assert tally.alerts == {"black": 2, "heads": 1}
