"""Checkpoints of the journal in the archive: signed, numbered, chained, and made by whichever process is first."""

import json
import os
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from multiprocessing import get_context

import pytest

from broker.kernel.hash_chain import GENESIS, digest
from recorder.evidence import checkpoints as checkpoints_module
from recorder.evidence.checkpoints import (
    FOLDER,
    INSTALLATION,
    KEPT,
    NAME,
    CheckpointChain,
    checkpoint_in,
    installation_id,
)
from recorder.evidence.signing import installed, trusted

AT = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


@pytest.fixture
def keys_dir(tmp_path):
    return tmp_path / "keys"


@pytest.fixture
def chain(tmp_path, keys_dir):
    return made_chain(tmp_path)


def made_chain(folder):
    signer = installed(folder / "keys", folder / "archive")
    return CheckpointChain(folder / "archive", folder / "keys", signer)


def head(seq):
    return digest(str(seq).encode())


class TestACheckpoint:
    def test_says_where_the_journal_ended_and_is_genuine(self, chain, keys_dir):
        made = chain.append(5, head(5), AT, "start")
        assert (made.number, made.seq, made.head, made.before) == (1, 5, head(5), GENESIS)
        assert made.installation == installation_id(keys_dir)
        (line,) = chain.path.read_bytes().splitlines()
        assert trusted(keys_dir).vouch(json.loads(line)) == "" and checkpoint_in(line) == made

    def test_names_the_one_before_it(self, chain):
        first, second = chain.append(5, head(5), AT, "start"), chain.append(9, head(9), AT, "stop")
        assert (second.number, second.before) == (2, first.digest) and chain.last() == second
        assert [point.seq for point in chain.points()] == [5, 9]

    def test_is_made_once_of_the_same_head(self, chain):
        assert chain.append(5, head(5), AT, "start") == chain.append(5, head(5), AT + timedelta(hours=1), "stop")
        assert len(chain.points()) == 1

    def test_a_clock_that_was_set_back_does_not_matter(self, chain):
        chain.append(5, head(5), AT, "start")
        assert chain.append(6, head(6), AT - timedelta(days=400), "interval").number == 2

    def test_has_the_same_installation_after_each_start(self, chain, tmp_path):
        first = chain.append(5, head(5), AT, "start")
        assert made_chain(tmp_path).append(6, head(6), AT, "start").installation == first.installation


def append_many(folder, count):
    chain = made_chain(folder)
    for seq in range(1, count + 1):
        chain.append(seq, head(seq), AT, "interval")


class TestTheFile:
    def test_two_processes_that_write_at_once_leave_one_chain(self, chain, tmp_path):
        workers = [get_context("spawn").Process(target=append_many, args=(tmp_path, 20)) for _ in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
            assert worker.exitcode == 0
        found = chain.points()
        assert [point.number for point in found] == list(range(1, len(found) + 1))
        assert all(later.before == earlier.digest for earlier, later in pairwise(found))

    def test_a_line_that_a_crash_has_cut_off_is_removed(self, chain):
        first = chain.append(5, head(5), AT, "start")
        with chain.path.open("ab") as file:
            file.write(b'{"at":"2026')
        second = chain.append(6, head(6), AT, "start")
        assert (second.number, second.before) == (2, first.digest) and len(chain.path.read_bytes().splitlines()) == 2

    def test_a_full_disk_leaves_it_as_it_was(self, chain, monkeypatch):
        chain.append(5, head(5), AT, "start")
        before = chain.path.read_bytes()
        write = os.write
        monkeypatch.setattr(checkpoints_module.os, "write", lambda fd, data: write(fd, data[:50]))
        with pytest.raises(OSError, match="No space"):
            chain.append(6, head(6), AT, "interval")
        assert chain.path.read_bytes() == before
        monkeypatch.undo()
        assert chain.append(6, head(6), AT, "interval").number == 2

    def test_one_that_was_removed_goes_on_under_the_next_number(self, chain):
        chain.append(5, head(5), AT, "start")
        second = chain.append(6, head(6), AT, "interval")
        chain.path.unlink()
        third = chain.append(7, head(7), AT, "interval")
        assert (third.number, third.before) == (3, second.digest)

    def test_a_line_that_cannot_be_read_does_not_stop_it(self, chain):
        chain.append(5, head(5), AT, "start")
        with chain.path.open("ab") as file:
            file.write(b"this is no checkpoint\n")
        assert chain.append(6, head(6), AT, "interval").number == 2

    @pytest.mark.parametrize("count", [1, 3, 400])
    def test_gives_what_is_new_whether_its_end_or_all_of_it_is_asked_for(self, chain, count, monkeypatch):
        monkeypatch.setattr(checkpoints_module.os, "fsync", lambda fd: None)
        for seq in range(1, count + 1):
            chain.append(seq, head(seq), AT, "interval")
        lines = chain.path.read_bytes().splitlines()
        for number in {0, 1, count // 2, count - 1, count}:
            assert chain.lines_after(number) == lines[number:]

    def test_lies_where_the_archive_has_no_recordings(self, chain, tmp_path, keys_dir):
        chain.append(5, head(5), AT, "start")
        assert chain.path == tmp_path / "archive" / FOLDER / NAME
        assert (keys_dir / KEPT).exists() and (keys_dir / INSTALLATION).exists()


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"{",
        b"[" * 100_000,
        b'{"kind":"checkpoint"}',
        b'{"at":"x","before":"","head":"","installation":"","kind":"checkpoint","number":1,"seq":1}',
    ],
)
def test_what_is_no_checkpoint_is_refused(line):
    with pytest.raises(ValueError, match=r".*"):
        checkpoint_in(line)
