"""A journal whose beginning was removed: what explains it, and what does not."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from broker.control.journal.entry import digest_of
from broker.control.journal.removal import LEAST, REMOVED, Removal, explains, removal_in
from tests.broker.control.journal.test_comparison import TEN, chained, compare, points

LATER = "2026-10-02T01:00:00.000000+00:00"


def noted(entries, through=4, checkpoint=1, at=LATER, **changes):
    """Return a chain with an entry at its end that says that it was removed up to `through`."""
    data = {"through": through, "head": entries[through - 1].hash, "checkpoint": checkpoint, **changes}
    entry = chained([json.dumps(data)], entries[-1].seq, entries[-1].hash)[0]
    entry = replace(entry, kind=REMOVED, at=at, hash="")
    return [*entries, replace(entry, hash=digest_of(entry))]


class TestABeginningThatWasRemovedByRule:
    def test_is_no_finding_and_the_rest_is_proven(self):
        entries = noted(chained(TEN))
        result = compare(entries[4:], points(entries, 4))
        assert result.whole and (result.removed, result.entries, result.covered) == (4, 11, 8)

    def test_may_have_been_broken_off(self):
        entries = noted(chained(TEN))
        result = compare(entries[2:], points(entries, 4))
        assert result.whole and result.removed == 2

    def test_does_not_hide_a_change_in_the_rest(self):
        entries = noted(chained(TEN))
        changed = [replace(entry, author="x") if entry.seq == 6 else entry for entry in entries[4:]]
        (finding,) = compare(changed, points(entries, 4)).findings
        assert (finding.kind, finding.first) == ("changed", 6)

    def test_is_read_without_checkpoints_by_its_own_word_alone(self):
        entries = noted(chained(TEN))
        assert compare(entries[4:], []).whole

    def test_is_the_beginning_of_the_next_removal(self):
        entries = noted(noted(chained(TEN)), through=8, checkpoint=2)
        result = compare(entries[8:], points(entries, 4))
        assert result.whole and result.removed == 8


class TestABeginningThatIsMissingOtherwise:
    def missing(self, entries, checkpoints, first):
        result = compare(entries[first - 1 :], checkpoints)
        return [(found.kind, found.first, found.last) for found in result.findings if found.kind == "removed"]

    def test_without_any_word(self):
        entries = chained(TEN)
        assert self.missing(entries, points(entries, 4), 5) == [("removed", 1, 4)]

    def test_beyond_the_word(self):
        entries = noted(chained(TEN))
        assert self.missing(entries, points(entries, 4), 6) == [("removed", 1, 5)]

    def test_on_the_word_of_a_checkpoint_that_does_not_exist(self):
        entries = noted(chained(TEN), checkpoint=7)
        assert self.missing(entries, points(entries, 4), 5) == [("removed", 1, 4)]

    def test_on_the_word_of_a_checkpoint_of_another_entry(self):
        entries = noted(chained(TEN), through=6)
        assert self.missing(entries, points(entries, 4), 7) == [("removed", 1, 6)]

    def test_too_soon(self):
        """Yunnan 13: nothing goes before six months."""
        entries = noted(chained(TEN), at="2026-08-29T01:00:00.000000+00:00")
        assert self.missing(entries, points(entries, 4), 5) == [("removed", 1, 4)]

    def test_with_another_entry_before_the_first_one_that_is_left(self):
        entries = noted(chained(TEN))
        removal = removal_in(entries[-1])
        assert removal is not None and removal.at - LEAST > removal.at - LEAST - timedelta(seconds=1)
        assert explains(removal, 5, entries[3].hash, points(entries, 4))
        assert not explains(removal, 5, "f" * 64, points(entries, 4))


@pytest.mark.parametrize("data", ["", "[]", "{}", '{"through": "x", "head": "", "checkpoint": 1}', '{"through": null}'])
def test_an_entry_that_says_nothing_removes_nothing(data):
    entry = replace(chained([data])[0], kind=REMOVED)
    assert removal_in(entry) is None


def test_another_kind_of_entry_removes_nothing():
    entry = noted(chained(TEN))[-1]
    assert isinstance(removal_in(entry), Removal) and removal_in(replace(entry, kind="tick")) is None
