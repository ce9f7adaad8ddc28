"""The timeline of a recording names the people present and the actions of officers, by ids."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import ClassVar

from broker.control.recorder_client import start_order
from broker.control.timeline_events import TimelineEvents, acknowledgements, action, attention, people_change
from broker.kernel.clock import Instant
from broker.kernel.ids import PersonId, Side, SiteId, UserId
from broker.presence.quorum import Watcher
from broker.presence.reasons import Left, Why
from broker.session import events as ev
from broker.session.parts.check_in import Acknowledgement, CheckIn
from broker.session.parts.processes import Processes, Recorder
from broker.session.state import Session
from config.check_in import Manner
from config.pack_loader import load_pack
from tests.support.control.making import slot

ONE, TWO = PersonId("prs_1"), PersonId("prs_2")
AT = Instant(datetime(2026, 3, 2, 1, tzinfo=UTC), 50_000.0)
LI = Watcher(UserId("li"), SiteId("panlong"))
BEFORE = Session(
    slot(), processes=Processes(recorder=Recorder.WRITING, recorded=True), check_in=CheckIn(frozenset({TWO, ONE}))
)
WATCHED = replace(BEFORE, processes=replace(BEFORE.processes, watchers=frozenset({LI})))


def test_the_first_fragment_brings_those_who_are_present_already():
    event = people_change(BEFORE, BEFORE, ev.RecorderFlushed())
    assert event == {"kind": "people", "checked_in": ["prs_1", "prs_2"], "watchers": []}


def test_a_change_of_people_is_an_event_and_any_other_step_is_not():
    event = people_change(BEFORE, WATCHED, ev.WatchersChanged(frozenset({LI}))) or {}
    assert event["watchers"] == [{"user": "li", "site": "panlong"}]
    assert people_change(WATCHED, WATCHED, ev.TimePassed()) is None


def test_an_officer_who_left_is_named_with_the_reasons_and_the_side():
    for side in Side:
        gone = Left(UserId("li"), BEFORE.slot.place(side).site, (Why.TOO_SMALL, Why.COVERED))
        event = people_change(WATCHED, BEFORE, ev.WatchersChanged(frozenset(), frozenset({gone}))) or {}
        named = {"user": "li", "site": gone.site, "side": str(side), "why": ["too_small", "covered"]}
        assert (event["watchers"], event["left"]) == ([], [named])


def test_a_recorder_that_is_back_gets_all_people_again():
    for fact in (ev.RecorderReady(), ev.RecorderFlushed()):
        assert (people_change(WATCHED, WATCHED, fact) or {})["watchers"] == [{"user": "li", "site": "panlong"}]


def test_an_attention_check_and_its_answer_are_events():
    li, site = UserId("li"), SiteId("panlong")
    event = {"kind": "attention", "user": "li", "site": "panlong"}
    assert attention(ev.AttentionAsked(li, site, "att_1")) == event | {"what": "AttentionAsked"}
    answered = event | {"what": "AttentionAnswered", "seconds": 4.2}
    assert attention(ev.AttentionAnswered(li, site, "att_1", 4.2)) == answered
    assert attention(ev.RecorderReady()) is None


def test_before_a_recording_there_are_no_events_of_people():
    assert people_change(replace(BEFORE, processes=Processes()), Session(slot()), ev.TimePassed()) is None


def test_an_order_is_an_event_with_article_author_and_note():
    event = action(ev.HoldOrdered(UserId("li"), SiteId("panlong"), "YN-16-2", "隐语"))
    assert event == {
        "kind": "action", "what": "HoldOrdered", "by": "li", "site": "panlong", "article": "YN-16-2", "note": "隐语",
        "shown": None,
    }  # fmt: skip
    assert (action(ev.ResumeOrdered(UserId("li"), SiteId("panlong"), "已纠正")) or {})["note"] == "已纠正"
    assert action(ev.RecorderFlushed()) is None


class TestRules:
    """Yunnan 12, Guangdong 24: the recording says when and how each room has acknowledged the rules."""

    SAID = Acknowledgement("trm_1", AT.wall, "yunnan-notice", "zh", Manner.TOUCH)
    EVENT: ClassVar = {
        "kind": "rules_acknowledged",
        "side": "prison",
        "since": "2026-03-02T01:00:00+00:00",
        "terminal": "trm_1",
        "text": "yunnan-notice",
        "language": "zh",
        "manner": "touch",
    }

    def acknowledged(self, before):
        return replace(before, check_in=replace(before.check_in, rules={Side.PRISON: self.SAID}))

    def told(self, before, written):
        """Return the events that the recorder gets of an acknowledgement."""
        noted = []
        events = TimelineEvents(lambda session, event, now: noted.append((event, now)))
        fact = ev.RulesAcknowledged(Side.PRISON, "trm_1", "yunnan-notice", "zh", Manner.TOUCH)
        after = self.acknowledged(before)
        events.record_step(before, after, fact, AT, written)
        events.record_step(after, after, ev.TimePassed(), AT, written)
        return noted

    def test_what_was_acknowledged_is_in_the_order_to_record(self):
        order = start_order(self.acknowledged(BEFORE), load_pack("yunnan"), None, AT)
        assert order.rules == (self.EVENT,) == tuple(acknowledgements(self.acknowledged(BEFORE)))
        assert start_order(BEFORE, load_pack("yunnan"), None, AT).rules == ()

    def test_before_the_order_it_is_not_told_twice(self):
        assert self.told(replace(BEFORE, processes=Processes()), written=False) == []

    def test_after_the_order_it_is_told_once(self):
        assert self.told(BEFORE, written=True) == [(self.EVENT, AT)]
