"""The check of checkpoints themselves: what was removed, forged, begun anew, or is missing in one place only."""

import json
import shutil

import pytest

from broker.kernel import canonical_json
from recorder.evidence.checkpoint_check import check_archive, compare_sources, kept_beside, read_source
from recorder.evidence.report import Report
from recorder.evidence.signing import sign, trusted
from tests.recorder.evidence.test_checkpoints import AT, chain, head, keys_dir, made_chain  # noqa: F401


@pytest.fixture
def five(chain):  # noqa: F811
    for seq in range(1, 6):
        chain.append(seq * 10, head(seq), AT, "interval")
    return chain


@pytest.fixture
def keys(five, keys_dir):  # noqa: F811
    return trusted(keys_dir)


@pytest.fixture
def copy(five, tmp_path):
    return shutil.copy(five.path, tmp_path / "copy.jsonl")


def edit(path, act):
    lines = path.read_bytes().splitlines()
    path.write_bytes(b"".join(line + b"\n" for line in act(lines)))


def faults(path, keys, *others, kept=None):
    sources = [read_source(path, keys, archive=True), *(read_source(other, keys) for other in others)]
    compare_sources(sources, *([kept] if kept else []))
    return [(fault.kind, fault.first, fault.last) for source in sources for fault in source.faults]


class TestTheArchive:
    def test_that_is_whole_has_no_fault(self, five, keys, copy, keys_dir):  # noqa: F811
        assert faults(five.path, keys, copy, kept=kept_beside(keys_dir)) == []

    def test_a_wrong_signature(self, five, keys):
        edit(five.path, lambda lines: [line.replace(b'"seq":30', b'"seq":31') for line in lines])
        assert faults(five.path, keys) == [("signature", 3, 3), ("missing", 3, 3)]

    def test_one_that_another_key_has_signed(self, five, keys, tmp_path):
        other = made_chain(tmp_path / "other")

        def forge(lines):
            value = {**json.loads(lines[2]), "head": head(99)}
            return [*lines[:2], canonical_json.sorted_utf8(sign(value, other._signer)), *lines[3:]]

        edit(five.path, forge)
        assert faults(five.path, keys) == [("signature", 3, 3), ("missing", 3, 3)]

    def test_one_that_is_missing_though_later_ones_exist(self, five, keys):
        edit(five.path, lambda lines: [*lines[:1], *lines[3:]])
        assert faults(five.path, keys) == [("missing", 2, 3)]

    def test_the_first_ones_missing(self, five, keys):
        edit(five.path, lambda lines: lines[2:])
        assert faults(five.path, keys) == [("missing", 1, 2)]

    def test_an_end_that_was_cut_off_shows_by_what_is_kept_beside_the_key(self, five, keys, keys_dir):  # noqa: F811
        edit(five.path, lambda lines: lines[:3])
        assert faults(five.path, keys) == []
        assert faults(five.path, keys, kept=kept_beside(keys_dir)) == [("removed", 4, 5)]

    def test_an_end_that_was_cut_off_shows_by_a_copy(self, five, keys, copy):
        edit(five.path, lambda lines: lines[:3])
        assert faults(five.path, keys, copy) == [("removed", 4, 5)]

    def test_a_chain_that_was_begun_anew_with_the_key_shows_by_a_copy(self, five, keys, copy, tmp_path, keys_dir):  # noqa: F811
        five.path.unlink()
        (keys_dir / "checkpoints.json").unlink()
        anew = made_chain(tmp_path)
        for seq in range(1, 4):
            anew.append(seq * 10, head(seq + 100), AT, "interval")
        assert faults(five.path, keys, copy) == [("removed", 4, 5), ("differs", 1, 3)]

    def test_other_orders_and_spellings(self, five, keys):
        edit(five.path, lambda lines: [lines[1], lines[0], *lines[2:]])
        assert ("order", 1, 1) in faults(five.path, keys)
        edit(five.path, lambda lines: [lines[1], lines[0], lines[2].replace(b'","', b'", "', 1), *lines[3:]])
        assert ("spelled", 3, 3) in faults(five.path, keys)

    def test_a_line_that_is_no_checkpoint(self, five, keys):
        edit(five.path, lambda lines: [*lines, b"something else"])
        assert faults(five.path, keys) == [("unreadable", 6, 6)]

    def test_of_rotated_keys_is_whole_where_both_are_trusted(self, five, keys_dir, tmp_path):  # noqa: F811
        old = trusted(keys_dir)
        (keys_dir / "trusted").mkdir()
        for key in old.by_id.values():
            (keys_dir / "trusted" / f"{key.id}.pem").write_bytes(key.pem())
        (keys_dir / "archive-ed25519.pem").unlink()
        made_chain(tmp_path).append(60, head(6), AT, "start")
        assert faults(five.path, trusted(keys_dir)) == []
        assert faults(five.path, old) == [("signature", 6, 6)]


class TestACopy:
    def test_may_begin_late_and_end_early(self, five, keys, copy):
        edit(copy, lambda lines: lines[1:4])
        assert faults(five.path, keys, copy) == []

    def test_may_have_a_checkpoint_twice_and_a_line_cut_off(self, five, keys, copy):
        edit(copy, lambda lines: [*lines[:2], lines[2][:50], *lines[1:]])
        assert faults(five.path, keys, copy) == []

    def test_lacks_one_in_the_middle(self, five, keys, copy):
        edit(copy, lambda lines: [*lines[:2], *lines[3:]])
        assert faults(five.path, keys, copy) == [("missing", 3, 3)]

    def test_may_be_a_syslog_with_other_lines_and_other_installations(self, five, keys, copy, tmp_path):
        other = made_chain(tmp_path / "other")
        other.append(1, head(1), AT, "start")
        foreign = other.path.read_bytes().splitlines()[0]
        head_ = b"<109>1 2026-03-02T02:00:00.000+00:00 host huijian 7 checkpoint - "
        edit(copy, lambda lines: [b"Mar 2 sshd: hello", head_ + foreign, *(head_ + line for line in lines)])
        assert faults(five.path, keys, copy) == []
        assert len(read_source(copy, keys).checkpoints) == 5


class TestTheVerifierOfTheArchive:
    def test_finds_nothing_where_all_is_whole_and_names_what_is_not(self, five, keys, tmp_path):
        report = Report()
        check_archive(tmp_path / "archive", keys, report)
        assert report.damages == []
        edit(five.path, lambda lines: [*lines[:2], *lines[3:]])
        check_archive(tmp_path / "archive", keys, report)
        assert [(one.kind, one.detail) for one in report.damages] == [("checkpoint", "checkpoint 3: missing")]
