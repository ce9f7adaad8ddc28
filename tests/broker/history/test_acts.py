"""What the journal says of a visit is counted as the history shows it."""

import json
from datetime import UTC, datetime
from types import SimpleNamespace

from broker.history.acts import acts_in, code_or_nothing
from broker.history.visit import Intervention

AT = datetime(2026, 3, 2, 2, 0, tzinfo=UTC).isoformat()


def entry(kind, author="broker", **data):
    return SimpleNamespace(kind=kind, author=author, at=AT, data=json.dumps(data))


def test_interventions_are_counted_by_kind_and_article():
    acts = acts_in(
        [
            entry("WarningGiven", "user:li", article="YN-16-1"),
            entry("WarningGiven", "user:li", article="YN-16-1"),
            entry("MuteOrdered", "user:li", article="YN-16-2", on=True),
            entry("MuteOrdered", "user:li", article="YN-16-2", on=False),
            entry("NoteMade", "user:zhou", text="x"),
        ]
    )
    assert acts.interventions == (
        Intervention("mute", "YN-16-2", 1),
        Intervention("note", "", 1),
        Intervention("warning", "YN-16-1", 2),
    )
    assert acts.acted == {"li", "zhou"}


def test_an_officer_who_asked_for_a_longer_visit_was_on_duty_and_its_approver_was_not():
    acts = acts_in(
        [
            entry("ExtensionRequested", "user:li", added=300.0, article="YN-14-FAMILY"),
            entry("ExtensionDeclined", "user:warden", reason="x"),
        ]
    )
    assert (acts.acted, acts.extended, acts.interventions) == ({"li"}, 0.0, ())


def test_officers_who_counted_and_viewers_of_the_recording_are_told_apart():
    watchers = [{"user": "li", "site": "a"}, {"user": "zhou", "site": "b"}]
    acts = acts_in(
        [
            entry("WatchersChanged", watchers=watchers),
            entry("WatchersChanged", watchers=[]),
            entry("RecordingPlayed", "user:auditor", copy="view"),
            entry("RecordingSeen", "user:other"),
        ]
    )
    assert (acts.present, acts.viewers, acts.acted) == ({"li", "zhou"}, {"auditor"}, frozenset())


def test_the_first_crossing_the_end_the_pack_and_longer_time_are_read():
    acts = acts_in(
        [
            entry("PackFrozen", name="yunnan", version="1", sha256="ab"),
            entry("Crossed", mono=5.0),
            entry("ExtensionApproved", "user:warden", added=300.0),
            entry("StateChanged", to="held"),
            entry(
                "StateChanged", **{"from": "held", "to": "ended", "reason": "technical", "article": "", "cause": "x y"}
            ),
        ]
    )
    assert acts.began_at is not None and acts.pack == "ab" and acts.extended == 300.0
    assert acts.ending is not None and (acts.ending.code, acts.ending.cause) == ("technical", "")
    assert acts.entries == 5


def test_words_of_an_officer_are_no_cause():
    assert code_or_nothing("power_lost") == "power_lost"
    assert code_or_nothing("张三 is ill") == ""
