"""Who was there and what officers did is written into the recording: by ids, as it happens."""

from dataclasses import replace

from broker import events as ev
from broker.ids import PersonId, SiteId, UserId
from broker.live.keeping import action, people
from broker.quorum import Watcher
from broker.session import Recorder, Session
from tests.live.making import slot

ONE, TWO = PersonId("prs_1"), PersonId("prs_2")
LI = Watcher(UserId("li"), SiteId("panlong"))
BEFORE = replace(Session(slot()), recorder=Recorder.WRITING, recorded=True, checked=frozenset({TWO, ONE}))
WATCHED = replace(BEFORE, watchers=frozenset({LI}))


def test_the_first_fragment_says_who_is_there_already():
    told = people(BEFORE, BEFORE, ev.RecorderFlushed())
    assert told == {"kind": "people", "checked_in": ["prs_1", "prs_2"], "watchers": []}


def test_a_change_is_told_and_anything_else_is_not():
    assert (people(BEFORE, WATCHED, ev.WatchersChanged(WATCHED.watchers)) or {})["watchers"] == ["li"]
    assert people(WATCHED, WATCHED, ev.TimePassed()) is None


def test_before_a_recording_there_is_nobody_to_tell():
    assert people(replace(BEFORE, recorded=False), replace(WATCHED, recorded=False), ev.TimePassed()) is None


def test_an_order_is_told_with_article_author_and_words():
    told = action(ev.HoldOrdered(UserId("li"), SiteId("panlong"), "YN-16-2", "隐语"))
    assert told == {
        "kind": "action", "what": "HoldOrdered", "by": "li", "site": "panlong", "article": "YN-16-2", "note": "隐语",
    }  # fmt: skip
    assert (action(ev.ResumeOrdered(UserId("li"), SiteId("panlong"), "已纠正")) or {})["note"] == "已纠正"
    assert action(ev.RecorderFlushed()) is None
