"""A journal held against its checkpoints: whatever was done to entries that one covers is found and located."""

from dataclasses import dataclass, replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from broker.control.journal.comparison import MOST, Comparison
from broker.control.journal.entry import Entry, digest_of
from broker.kernel.hash_chain import GENESIS


@dataclass(frozen=True)
class Point:
    number: int
    seq: int
    head: str
    at: str = "2026-03-02T01:01:00+00:00"


def chained(contents, seq=0, before=GENESIS):
    """Return a chain of entries with these contents; where the numbers go on is seq."""
    entries = []
    for content in contents:
        seq += 1
        entry = Entry(seq, f"2026-03-02T01:00:{seq % 60:02}.000000+00:00", None, "tick", "broker", content, before, "")
        entry = replace(entry, hash=digest_of(entry))
        entries.append(entry)
        before = entry.hash
    return entries


def points(entries, every):
    marks = [entry for entry in entries if entry.seq % every == 0]
    return [Point(number, entry.seq, entry.hash) for number, entry in enumerate(marks, 1)]


def compare(entries, checkpoints):
    comparison = Comparison(checkpoints)
    for entry in entries:
        comparison.take(entry)
    return comparison.finish()


def rehashed(entries):
    """Return the entries as one would write them who makes numbers and hashes anew."""
    made, before = [], GENESIS
    for seq, entry in enumerate(entries, 1):
        entry = replace(entry, seq=seq, prev_hash=before, hash="")
        entry = replace(entry, hash=digest_of(entry))
        made.append(entry)
        before = entry.hash
    return made


TEN = [str(number) for number in range(10)]


class TestAWholeJournal:
    def test_fits(self):
        entries = chained(TEN)
        result = compare(entries, points(entries, 4))
        assert result.whole and (result.entries, result.covered, result.checkpoints) == (10, 8, 2)
        assert result.uncovered == (9, 10) and result.head == entries[-1].hash

    def test_without_checkpoints_is_uncovered(self):
        result = compare(chained(TEN), [])
        assert result.whole and result.uncovered == (1, 10)

    def test_that_is_empty_is_whole(self):
        assert compare([], []).uncovered is None


class TestWhatIsSaid:
    """The row of the journal whose rows were deleted, triggers dropped and hashes made anew."""

    def found(self, entries, checkpoints):
        (finding,) = compare(entries, checkpoints).findings
        return finding

    def test_an_end_that_was_removed(self):
        entries = chained(TEN)
        finding = self.found(entries[:7], points(entries, 4))
        assert (finding.kind, finding.first, finding.last) == ("end_removed", 8, 8)
        assert (finding.fits, finding.unfit) == (1, 2)

    def test_a_middle_that_was_removed(self):
        entries = chained(TEN)
        finding = self.found(entries[:4] + entries[6:], points(entries, 4))
        assert (finding.kind, finding.first, finding.last) == ("removed", 5, 6)

    def test_a_middle_that_was_removed_with_all_hashes_made_anew(self):
        entries = chained(TEN)
        result = compare(rehashed(entries[:4] + entries[6:]), points(entries, 4))
        assert [found.kind for found in result.findings] == ["rewritten"] or result.findings[-1].kind == "end_removed"
        first = result.findings[0]
        assert (first.kind, first.first, first.last, first.fits, first.unfit) == ("rewritten", 5, 8, 1, 2)

    def test_an_entry_that_was_changed_with_all_hashes_made_anew(self):
        entries = chained(TEN)
        changed = rehashed([replace(entry, author="x") if entry.seq == 6 else entry for entry in entries])
        finding = self.found(changed, points(entries, 2))
        assert (finding.kind, finding.first, finding.last) == ("rewritten", 5, 6)
        assert (finding.fits, finding.unfit, finding.until) == (2, 3, 5)

    def test_checkpoints_that_were_made_after_the_rewriting_end_the_stretch(self):
        entries = chained(TEN)
        changed = rehashed([replace(entry, author="x") if entry.seq == 3 else entry for entry in entries])
        later = Point(9, 10, changed[-1].hash)
        result = compare(changed, [*points(entries, 4), later])
        (finding,) = result.findings
        assert (finding.first, finding.last, finding.unfit, finding.until) == (1, 4, 1, 2) and result.covered == 10

    def test_an_entry_that_was_changed_in_its_place(self):
        entries = chained(TEN)
        entries[4] = replace(entries[4], author="x")
        finding = self.found(entries, points(entries, 4))
        assert (finding.kind, finding.first) == ("changed", 5)

    def test_an_entry_that_was_replaced_with_its_hash(self):
        entries = chained(TEN)
        other = replace(entries[4], author="x", hash="")
        entries[4] = replace(other, hash=digest_of(other))
        finding = self.found(entries, points(entries, 4))
        assert (finding.kind, finding.first) == ("unlinked", 6)

    def test_a_first_entry_that_was_removed(self):
        entries = chained(TEN)
        finding = self.found(entries[1:], points(entries, 4))
        assert (finding.kind, finding.first, finding.last) == ("removed", 1, 1)

    def test_two_checkpoints_of_one_entry_cannot_both_be_right(self):
        entries = chained(TEN)
        result = compare(entries, [*points(entries, 4), Point(7, 8, "f" * 64)])
        assert [found.kind for found in result.findings] == ["rewritten"]

    def test_everything_replaced_is_not_listed_entry_by_entry(self):
        entries = [replace(entry, author="x") for entry in chained([str(number) for number in range(500)])]
        result = compare(entries, [])
        assert len(result.findings) == MOST and result.more == 400

    def test_an_entry_that_cannot_be_read(self):
        entries = chained(TEN)
        comparison = Comparison(points(entries, 4))
        for entry in entries:
            if entry.seq == 6:
                comparison.take_illegible(6)
            else:
                comparison.take(entry)
        (finding,) = comparison.finish().findings
        assert (finding.kind, finding.first) == ("changed", 6)


@st.composite
def journals(draw):
    """A journal, its checkpoints, and the number of the last entry that they cover."""
    contents = draw(st.lists(st.text("ab", max_size=2), min_size=4, max_size=40))
    entries = chained(contents)
    marks = sorted(draw(st.sets(st.integers(1, len(entries)), min_size=1, max_size=6)))
    made = [Point(number, seq, entries[seq - 1].hash) for number, seq in enumerate(marks, 1)]
    return entries, made, marks[-1]


def mutated(entries, covered, draw):
    """Return the entries after one act upon those that are covered, and the first that it touches."""
    place = draw(st.integers(0, covered - 1))
    act = draw(st.sampled_from(["delete", "insert", "change", "reorder", "cut"]))
    new = list(entries)
    if act == "delete":
        del new[place : place + draw(st.integers(1, 3))]
    elif act == "insert":
        new.insert(place, replace(entries[place], data="new"))
    elif act == "change":
        new[place] = replace(entries[place], data=entries[place].data + "x")
    elif act == "reorder":
        other = draw(st.integers(0, covered - 1))
        assume(entries[place].data != entries[other].data)
        place, other = sorted((place, other))
        new[place], new[other] = new[other], new[place]
    else:
        del new[place:]
    return new, place + 1


def located(result, place):
    """Whether a finding names a stretch with this entry in it; where the end is missing, what remains behind the last
    fitting checkpoint is said to be uncovered."""
    first, last = result.uncovered or (0, -1)
    ends = any(found.kind == "end_removed" for found in result.findings)
    return any(found.first <= place <= found.last for found in result.findings) or (ends and first <= place <= last)


class TestWhateverIsDone:
    """Deletion, insertion, change and reordering of any stretch that is covered, with and without new hashes."""

    @given(st.data())
    def test_with_all_hashes_made_anew_it_is_found_and_located(self, data):
        entries, made, covered = data.draw(journals())
        new, place = mutated(entries, covered, data.draw)
        result = compare(rehashed(new), made)
        assert not result.whole and located(result, place)

    @given(st.data())
    def test_with_numbers_and_hashes_left_it_is_found_and_located(self, data):
        entries, made, covered = data.draw(journals())
        new, place = mutated(entries, covered, data.draw)
        new = sorted({entry.seq: entry for entry in new}.values(), key=lambda entry: entry.seq)
        assume(new != entries)
        result = compare(new, made)
        assert not result.whole and (located(result, place) or located(result, place + 1))

    @given(st.data())
    def test_what_lies_behind_the_last_checkpoint_is_said_to_be_uncovered(self, data):
        entries, made, covered = data.draw(journals())
        result = compare(entries, made)
        assert result.whole and result.covered == covered
        assert result.uncovered == (None if covered == len(entries) else (covered + 1, len(entries)))

    @given(st.data())
    def test_an_honest_journal_that_has_grown_still_fits(self, data):
        entries, made, _ = data.draw(journals())
        more = chained(["later"] * 5, len(entries), entries[-1].hash)
        assert compare([*entries, *more], made).whole


@pytest.mark.parametrize("count", [1, 7])
def test_a_walk_that_begins_behind_a_checkpoint_checks_what_follows(count):
    entries = chained(TEN)
    walk = Comparison(seq=3, head=entries[2].hash)
    for entry in entries[3 : 3 + count]:
        walk.take(entry)
    assert walk.finish().whole
    walk = Comparison(seq=3, head="0" * 64)
    walk.take(entries[3])
    assert [found.kind for found in walk.finish().findings] == ["unlinked"]
