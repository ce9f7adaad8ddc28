"""What the scan of a part finds in its file, when its metadata, index or header are damaged."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from broker.kernel import atomic_files
from broker.media.tap_format import RTP, TapRecord
from recorder.evidence.verify import verify
from recorder.mp4.fragments import FragmentFile, chain_of
from recorder.mp4.scan import scan, whole_fragments
from recorder.pipeline.writer import Writer
from tests.support import probe
from tests.support.recording.archives import archived, make_work
from tests.support.recording.feed import BEGIN, Feed, instant, record
from tests.support.rtp import Stream


def without_index(film: Path) -> None:
    """Cut the index off, as a power cut does that spares the header."""
    film.write_bytes(film.read_bytes()[: scan(film).end])


def torn_index(film: Path) -> None:
    film.write_bytes(film.read_bytes()[:-100])


def without_last_blocks(film: Path) -> None:
    """Cut the file before the end that its header names."""
    film.write_bytes(film.read_bytes()[: scan(film).end - 5000])


def zeros_for_the_index(film: Path) -> None:
    data, end = film.read_bytes(), scan(film).end
    film.write_bytes(data[:end] + bytes(len(data) - end))


def zeros_in_the_index(film: Path) -> None:
    """Replace the index by zeros, except its own header."""
    data, end = film.read_bytes(), scan(film).end
    film.write_bytes(data[: end + 64] + bytes(len(data) - end - 64))


def zeros_for_the_last_samples(film: Path) -> None:
    without_index(film)
    data = film.read_bytes()
    film.write_bytes(data[:-3000] + bytes(3000))


def fragments_written(film: Path) -> int:
    """Return how many fragments were written, with any content."""
    return film.read_bytes().count(b"moof")


def write(folder: Path, seconds: float, records: list[TapRecord] | None = None) -> Writer:
    """Return the writer of a part that is not finished yet."""
    writer, records = Writer(folder, 1), records or Feed(seconds).records()
    for step in range(1, round(seconds * 10) + 1):
        batch = [record for record in records if step - 1 <= (record.arrival_ns / 1e9 - BEGIN) * 10 < step]
        writer.work(batch, instant(BEGIN + step / 10))
    return writer


class TestAPart:
    def test_that_is_finished_says_so(self, tmp_path: Path) -> None:
        outcome = record(tmp_path, Feed(2.0).records(), 2.0)
        found, chain = scan(outcome.film), outcome.metadata["chain"]
        assert found.indexed and (found.start, found.end, found.fragments) == (
            chain["start"], chain["end"], chain["fragments"],
        )  # fmt: skip

    def test_that_is_not_finished_has_its_whole_fragments(self, tmp_path: Path) -> None:
        writer = write(tmp_path, 2.0)
        found = scan(tmp_path / "part-1.mp4")
        assert not found.indexed and found.fragments >= 6
        assert len(found.head) == found.start < found.end
        writer.abandon()

    @pytest.mark.parametrize("content", [b"", b"x" * 500, b"\0\0\0\x1cftypiso5" + bytes(300)])
    def test_that_never_was_one_has_nothing(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "part-1.mp4").write_bytes(content)
        assert whole_fragments(tmp_path / "part-1.mp4") == 0

    def test_writes_the_index_to_the_disk_before_the_header_that_points_at_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        done: list[str] = []
        put, sync = FragmentFile._put, os.fdatasync

        def spy(self: FragmentFile, data: bytes, position: int) -> None:
            done.append("append" if position == self._flushed else "header")
            put(self, data, position)

        monkeypatch.setattr(FragmentFile, "_put", spy)
        monkeypatch.setattr(os, "fdatasync", lambda file: (done.append("sync"), sync(file))[1])
        record(tmp_path, Feed(1.0).records(), 1.0)
        assert done[-4:] == ["append", "sync", "header", "sync"]


class TestADamagedEnd:
    @pytest.mark.parametrize("damage", [
        without_index, torn_index, without_last_blocks, zeros_for_the_index, zeros_in_the_index,
        zeros_for_the_last_samples,
    ])  # fmt: skip
    @pytest.mark.parametrize("metadata", ["clean", "none"])
    def test_costs_no_more_than_what_is_not_there(
        self, tmp_path: Path, damage: Callable[[Path], None], metadata: str
    ) -> None:
        root = tmp_path / "archive"
        work = make_work(root)
        damage(work / "part-1.mp4")
        if metadata == "none":
            for file in work.glob("part-1.*json"):
                file.unlink()
        done = archived(work, root)
        assert done["state"] == "archived" and min(done["seconds"]) > 2.5
        assert probe.complaints(root / done["path"]) == ""
        assert verify(None, root).ok

    @pytest.mark.parametrize("lost", [512, 4096, 20_000])
    @pytest.mark.parametrize("before", [0, 700])
    def test_in_blocks_of_zeros_is_never_played(self, tmp_path: Path, lost: int, before: int) -> None:
        """The size of the file reached the disk, but some of its last blocks did not."""
        root = tmp_path / "archive"
        film = make_work(root) / "part-1.mp4"
        data = film.read_bytes()[: scan(film).end]
        block = (len(data) - lost) // 512 * 512 - before // 512 * 512
        film.write_bytes(data[:block] + bytes(min(lost, len(data) - block)) + data[block + lost :])
        done = archived(film.parent, root)
        assert min(done["seconds"]) > 2.0 and probe.complaints(root / done["path"]) == ""

    def test_that_is_padded_with_zeros_by_its_sender_is_no_lost_block(self, tmp_path: Path) -> None:
        """Opus at a constant rate ends its packets in zeros (RFC 6716 3.2.5)."""
        feed = Feed(3.0)
        padded = b"\xfb\x41\x28" + b"\xff\xfe" + bytes(40)
        records = [record for record in feed.records() if record.track != 3]
        stream = Stream(48_000, ssrc=13)
        for index in range(150):
            at = round((BEGIN + 0.02 + index / 50) * 1e9)
            records.append(TapRecord(1, 3, RTP, at, stream.packet(padded, index / 50)))
        writer = write(tmp_path, 3.0, sorted(records, key=lambda record: record.arrival_ns))
        writer.abandon()
        film = tmp_path / "part-1.mp4"
        assert scan(film).fragments == fragments_written(film)

    @pytest.mark.parametrize("name", ["part-1.json", "part-1.begun.json"])
    @pytest.mark.parametrize("content", [b"", b"\0" * 400, b'{"part": 1}', None])
    def test_of_the_metadata_costs_nothing(self, tmp_path: Path, name: str, content: bytes | None) -> None:
        root = tmp_path / "archive"
        work = make_work(root)
        if content is None:
            (work / name).unlink()
        else:
            (work / name).write_bytes(content)
        done = archived(work, root)
        assert done["state"] == "archived" and min(done["seconds"]) > 2.9
        assert verify(None, root).ok

    def test_without_any_metadata_the_hashes_are_still_those_of_what_was_written(self, tmp_path: Path) -> None:
        root = tmp_path / "archive"
        work = make_work(root)
        chain = (atomic_files.read_json(work / "part-1.json") or {})["chain"]
        for file in work.glob("part-1.*json"):
            file.unlink()
        film = root / archived(work, root)["path"]
        written = atomic_files.read_json(film.with_name("manifest.json")) or {}
        assert written["chain"] == chain == chain_of(film, chain["start"], chain["end"]).to_json()

    def test_from_which_nothing_can_be_read_is_kept_and_is_not_called_empty(self, tmp_path: Path) -> None:
        root = tmp_path / "archive"
        work = make_work(root)
        (work / "part-1.mp4").write_bytes((work / "part-1.mp4").read_bytes()[:1500])
        done = archived(work, root)
        assert (done["state"], done["reason"]) == ("failed", "unreadable")
        assert (root / done["path"] / "part-1.mp4").stat().st_size == 1500
        assert '"part_unreadable","file":"part-1.mp4"' in (root / done["path"] / "timeline.jsonl").read_text()
        assert verify(None, root).ok


class TestAFullDisk:
    def test_that_has_no_room_for_the_index_keeps_every_fragment(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Overwriting still succeeds on a full disk; the header must not be changed all the same."""
        root = tmp_path / "archive"
        work = make_work(root)
        for file in work.glob("part-1*"):
            file.unlink()
        writer, put = write(work, 3.0), FragmentFile._put

        def full(self: FragmentFile, data: bytes, position: int) -> None:
            if position == self._flushed:
                raise OSError(errno.ENOSPC, "No space left on device")
            put(self, data, position)

        with monkeypatch.context() as patch:
            patch.setattr(FragmentFile, "_put", full)
            with pytest.raises(OSError, match="No space"):
                writer.close(BEGIN + 3.0, instant(BEGIN + 3.0))
            writer.abandon()
        assert not scan(work / "part-1.mp4").indexed
        done = archived(work, root)
        assert min(done["seconds"]) > 2.4 and probe.complaints(root / done["path"]) == ""

    def test_that_once_could_not_sync_the_index_gets_no_header_however_often_it_is_asked(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Linux reports a failed write once; the next sync succeeds, though the index is not on the disk."""
        writer, sync, failures = write(tmp_path, 2.0), os.fdatasync, [True]

        def failing(file: int) -> None:
            if failures:
                raise OSError(errno.EIO, f"{failures.pop()}: Input/output error")
            sync(file)

        with monkeypatch.context() as patch:
            patch.setattr(os, "fdatasync", failing)
            with pytest.raises(OSError, match="Input/output"):
                writer.close(BEGIN + 2.0, instant(BEGIN + 2.0))
            writer.abandon()
        assert not scan(tmp_path / "part-1.mp4").indexed

    def test_keeps_what_waited_for_it_when_a_recording_is_given_up(self, tmp_path: Path) -> None:
        file = FragmentFile(tmp_path / "part-1.mp4")
        file.write(b"what waits")
        file.abandon()
        assert (tmp_path / "part-1.mp4").read_bytes() == b"what waits"
