"""Facts of the recorder raise alerts in every session, and no alert stays open in a session that breaks."""

from broker.ipc.recorder_messages import DiskReport
from broker.kernel.ids import Side
from broker.session import events as ev
from broker.session.effects import AlertKind, AlertOver
from broker.session.parts.alerts import Why
from broker.session.state import State
from tests.support.control.live_visit import LiveVisit


def open_in(visit: LiveVisit) -> list[tuple[AlertKind, str]]:
    return [(alert.kind, alert.detail) for alert in visit.runner.session.alerts.open]


def later(visit: LiveVisit, seconds: float) -> None:
    visit.clock.second += seconds
    visit.runner.take(ev.TimePassed())


class TestARecorderInTrouble:
    def test_without_room_raises_an_alert_until_there_is_room_again(self) -> None:
        visit = LiveVisit()
        visit.recording(DiskReport(low=True, free=1, reserve=2, claimed=0))
        visit.recording(DiskReport(low=True, free=1, reserve=2, claimed=0))
        later(visit, 1)
        assert open_in(visit) == [(AlertKind.RECORDER, "disk")]
        assert visit.facts.count(ev.RecorderDisk(True)) == 1
        visit.recording(DiskReport(low=False, free=9, reserve=2, claimed=0))
        later(visit, 3)
        assert open_in(visit) == []

    def test_that_loses_records_raises_an_alert_though_the_visit_goes_on(self) -> None:
        visit = LiveVisit()
        visit.lose(2)
        later(visit, 1)
        assert visit.state is State.LIVE and open_in(visit) == [(AlertKind.RECORDER, "lagging")]


def test_a_session_that_breaks_leaves_no_alert_open() -> None:
    visit = LiveVisit()
    visit.runner.take(ev.QuorumWavers(frozenset({Side.PRISON})))
    assert open_in(visit) == [(AlertKind.QUORUM_AT_RISK, "unanswered")]
    visit.runner._end_by_error()
    alerts = visit.runner.session.alerts
    assert alerts.open == () and [alert.why for alert in alerts.done] == [Why.SESSION_OVER]
    assert any(isinstance(effect, AlertOver) for effect in visit.effects)
