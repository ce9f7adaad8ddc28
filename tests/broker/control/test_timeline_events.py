"""Who was there and what officers did is written into the recording: by ids, as it happens."""

from dataclasses import replace

from broker.control.timeline_events import action, attention, people_change
from broker.kernel.ids import PersonId, SiteId, UserId
from broker.presence.quorum import Watcher
from broker.session import events as ev
from broker.session.parts.check_in import CheckIn
from broker.session.parts.processes import Processes, Recorder
from broker.session.state import Session
from tests.support.control.making import slot

ONE, TWO = PersonId("prs_1"), PersonId("prs_2")
LI = Watcher(UserId("li"), SiteId("panlong"))
BEFORE = Session(
    slot(), processes=Processes(recorder=Recorder.WRITING, recorded=True), check_in=CheckIn(frozenset({TWO, ONE}))
)
WATCHED = replace(BEFORE, processes=replace(BEFORE.processes, watchers=frozenset({LI})))


def test_the_first_fragment_says_who_is_there_already():
    told = people_change(BEFORE, BEFORE, ev.RecorderFlushed())
    assert told == {"kind": "people", "checked_in": ["prs_1", "prs_2"], "watchers": []}


def test_a_change_is_told_and_anything_else_is_not():
    told = people_change(BEFORE, WATCHED, ev.WatchersChanged(frozenset({LI}))) or {}
    assert told["watchers"] == [{"user": "li", "site": "panlong"}]
    assert people_change(WATCHED, WATCHED, ev.TimePassed()) is None


def test_a_recorder_that_is_back_hears_everything_again():
    for fact in (ev.RecorderReady(), ev.RecorderFlushed()):
        assert (people_change(WATCHED, WATCHED, fact) or {})["watchers"] == [{"user": "li", "site": "panlong"}]


def test_a_question_and_what_came_of_it_is_told():
    li, site = UserId("li"), SiteId("panlong")
    told = {"kind": "attention", "user": "li", "site": "panlong"}
    assert attention(ev.AttentionAsked(li, site, "att_1")) == told | {"what": "AttentionAsked"}
    answered = told | {"what": "AttentionAnswered", "seconds": 4.2}
    assert attention(ev.AttentionAnswered(li, site, "att_1", 4.2)) == answered
    assert attention(ev.RecorderReady()) is None


def test_before_a_recording_there_is_nobody_to_tell():
    assert people_change(replace(BEFORE, processes=Processes()), Session(slot()), ev.TimePassed()) is None


def test_an_order_is_told_with_article_author_and_words():
    told = action(ev.HoldOrdered(UserId("li"), SiteId("panlong"), "YN-16-2", "隐语"))
    assert told == {
        "kind": "action", "what": "HoldOrdered", "by": "li", "site": "panlong", "article": "YN-16-2", "note": "隐语",
    }  # fmt: skip
    assert (action(ev.ResumeOrdered(UserId("li"), SiteId("panlong"), "已纠正")) or {})["note"] == "已纠正"
    assert action(ev.RecorderFlushed()) is None
