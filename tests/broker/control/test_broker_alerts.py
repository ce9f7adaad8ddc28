"""Alerts in the running broker: the recorder's trouble reaches every session, and none stays open when one breaks."""

from broker.kernel.ids import Side
from broker.session import events as ev
from broker.session.effects import AlertKind, AlertOver
from broker.session.parts.alerts import Why
from broker.session.state import State
from tests.broker.control.test_packet_loss_watch import House


def open_in(house: House) -> list[tuple[AlertKind, str]]:
    return [(one.kind, one.detail) for one in house.live.session.alerts.open]


def later(house: House, seconds: float) -> None:
    house.clock.second += seconds
    house.live.take(ev.TimePassed())


class TestARecorderInTrouble:
    def test_short_of_room_calls_in_every_session_until_there_is_room_again(self) -> None:
        house = House()
        house.recorder("disk", low=True, free=1, reserve=2, claimed=0)
        house.recorder("disk", low=True, free=1, reserve=2, claimed=0)
        later(house, 1)
        assert open_in(house) == [(AlertKind.RECORDER, "disk")]
        assert house.facts.count(ev.RecorderDisk(True)) == 1
        house.recorder("disk", low=False, free=9, reserve=2, claimed=0)
        later(house, 3)
        assert open_in(house) == []

    def test_that_loses_records_calls_though_the_visit_goes_on(self) -> None:
        house = House()
        house.lose(2)
        later(house, 1)
        assert house.state is State.LIVE and open_in(house) == [(AlertKind.RECORDER, "lagging")]


def test_a_session_that_breaks_leaves_no_alert_open() -> None:
    house = House()
    house.live.take(ev.QuorumWavers(frozenset({Side.PRISON})))
    assert open_in(house) == [(AlertKind.QUORUM_AT_RISK, "unanswered")]
    house.live._end_by_error()
    known = house.live.session.alerts
    assert known.open == () and [one.why for one in known.done] == [Why.SESSION_OVER]
    assert any(isinstance(one, AlertOver) for one in house.effects)
