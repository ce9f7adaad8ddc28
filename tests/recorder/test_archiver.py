"""The fact that a recording is archived, of rows that recovery made of manifests from other programs, too."""

from typing import Any

import pytest
from msgspec import to_builtins

from broker.ipc.recorder_messages import RECORDER, ArchivingFailed, Gap, RecordingArchived
from recorder.archiver import end_fact

GAP = {"track": 1, "start": 2.5, "seconds": 0.5, "cause": "lost", "packets": 3}


def row(**changes: Any) -> dict[str, Any]:
    """Return the row of an archived recording, with some values changed."""
    good: dict[str, Any] = {
        "state": "archived", "session": "ses_1", "path": "a/2026/03/02/ses_1", "sha256": "ab", "bytes": 1,
        "reason": None, "seconds": [20.0, 20], "packets": 3, "lost": 0, "gaps": [GAP],
        "manifest_sha256": "cd", "head": "1:ef",
        "started_at": "2026-03-02T10:00:00+08:00", "ended_at": "2026-03-02T10:30:00+08:00",
    }  # fmt: skip
    return {**good, **changes}


def received(changes: dict[str, Any]) -> RecordingArchived:
    """Return the fact of a row as the control process decodes it."""
    fact = RECORDER.fact(to_builtins(end_fact(row(**changes))))
    assert isinstance(fact, RecordingArchived)
    return fact


class TestARow:
    def test_of_this_version_is_sent_whole(self) -> None:
        fact = received({})
        assert (fact.seconds, fact.packets, fact.lost, fact.gaps) == ((20.0, 20.0), 3, 0, (Gap(**GAP),))

    @pytest.mark.parametrize(
        "gap",
        [
            {**GAP, "start": "2.5"},
            {**GAP, "seconds": float("nan")},
            {"track": 1},
            None,
            [1, 2],
        ],
    )
    def test_with_a_strange_gap_is_sent_without_it(self, gap: Any) -> None:
        fact = received({"gaps": [gap, GAP]})
        assert (fact.gaps, fact.gaps_in_all) == ((Gap(**GAP),), 2)

    def test_with_a_further_member_in_a_gap_is_sent_with_that_gap(self) -> None:
        assert received({"gaps": [{**GAP, "of_another_version": True}]}).gaps == (Gap(**GAP),)

    @pytest.mark.parametrize("name", ["seconds", "packets", "lost"])
    @pytest.mark.parametrize("value", ["many", [None], {"a": 1}, [float("inf")], 0.5])
    def test_with_strange_numbers_is_sent_without_them(self, name: str, value: Any) -> None:
        assert getattr(received({name: value}), name) is None

    def test_that_failed_is_sent_with_its_reason(self) -> None:
        fact = end_fact(row(state="failed", reason="unreadable", path=None))
        assert fact == ArchivingFailed(session="ses_1", reason="unreadable", path=None)
