"""Actions of officers before the recorder writes are on the timeline, too, with the time at which they happened."""

from dataclasses import replace
from datetime import timedelta

import pytest

from broker.control.timeline_events import MOST_KEPT, TimelineEvents
from broker.kernel.clock import Instant
from broker.kernel.ids import AlertId, Side, SiteId, UserId
from broker.session import events as ev
from broker.session.effects import AlertKind, AlertOver, AlertRaised
from broker.session.parts.alerts import Alert, Alerts
from broker.session.parts.processes import Processes
from broker.session.state import Session, State
from tests.support.control.fixtures import TEN
from tests.support.control.making import slot

NOW = Instant(TEN, 1000.0)
LATER = NOW.after(timedelta(minutes=5))
NOTE = ev.NoteMade(UserId("li"), SiteId("panlong"), "记")
WAITING = replace(Session(slot()), state=State.READY)
WRITTEN = Processes(recorded=True)
RECORDED = replace(WAITING, state=State.LIVE, processes=WRITTEN)


@pytest.fixture
def events():
    return []


@pytest.fixture
def timeline(events):
    return TimelineEvents(lambda session, event, now: events.append((event.get("what", event["kind"]), now)))


def test_an_action_waits_for_the_first_fragment_and_keeps_its_time(timeline, events):
    timeline.record_step(WAITING, WAITING, NOTE, NOW, False)
    assert events == []
    timeline.record_step(RECORDED, RECORDED, ev.RecorderFlushed(), LATER, True)
    assert events == [("NoteMade", NOW), ("people", LATER)]
    timeline.record_step(RECORDED, RECORDED, NOTE, LATER, True)
    assert events[2:] == [("NoteMade", LATER)]


def test_no_event_is_added_twice(timeline, events):
    timeline.record_step(WAITING, WAITING, NOTE, NOW, False)
    for _ in range(2):
        timeline.record_step(RECORDED, RECORDED, ev.TimePassed(), LATER, True)
    assert events == [("NoteMade", NOW)]


def test_an_end_before_the_first_fragment_adds_what_was_kept_and_itself(timeline, events):
    timeline.record_step(WAITING, replace(WAITING, processes=WRITTEN), NOTE, NOW, False)
    ended = replace(RECORDED, state=State.ENDED)
    end = ev.EndOrdered(UserId("li"), SiteId("panlong"), "YN-17-8")
    timeline.record_step(replace(WAITING, processes=WRITTEN), ended, end, LATER, False)
    assert events == [("NoteMade", NOW), ("EndOrdered", LATER), ("state", LATER)]


def test_a_visit_that_is_never_recorded_leaves_nothing_behind(timeline, events):
    timeline.record_step(WAITING, WAITING, NOTE, NOW, False)
    timeline.record_step(WAITING, replace(WAITING, state=State.ENDED), ev.TimePassed(), LATER, False)
    assert events == [("state", LATER)]
    timeline.record_step(RECORDED, RECORDED, ev.TimePassed(), LATER, True)
    assert len(events) == 1


def test_the_number_of_kept_events_is_limited(timeline, events):
    for _ in range(MOST_KEPT + 5):
        timeline.record_step(WAITING, WAITING, NOTE, NOW, False)
    timeline.record_step(RECORDED, RECORDED, ev.TimePassed(), LATER, True)
    assert len(events) == MOST_KEPT


def test_all_that_happens_to_an_alert_is_on_the_timeline_with_author_and_time():
    events = []
    timeline = TimelineEvents(lambda session, event, now: events.append((event, now)))
    alert = Alert(AlertId("alt_1"), AlertKind.BLACK, Side.VISITOR, "", TEN)
    called = replace(RECORDED, alerts=Alerts(raised=1, open=(alert,)))
    raised = AlertRaised(alert.id, alert.kind, alert.side, "")
    timeline.record_step(WAITING, WAITING, ev.TimePassed(), NOW, False, (raised,))
    taken = ev.AlertTaken(alert.id, UserId("li"), SiteId("panlong"))
    timeline.record_step(called, called, taken, LATER, True)
    over = AlertOver(alert.id, alert.kind, alert.side, "gone")
    timeline.record_step(called, RECORDED, ev.TimePassed(), LATER, True, (over,))
    about = {"kind": "alert", "of": "black", "side": "visitor", "alert": "alt_1"}
    assert events == [
        (about | {"what": "AlertRaised", "detail": ""}, NOW),
        (about | {"what": "AlertTaken", "by": "li", "site": "panlong"}, LATER),
        (about | {"what": "AlertOver", "why": "gone"}, LATER),
    ]
