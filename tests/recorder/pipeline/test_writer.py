"""Writers of several recordings in one process: they take turns, but not at the disk."""

import threading
from pathlib import Path

import pytest

from broker.media.tap_format import TapRecord
from recorder.mp4.fragments import FragmentFile
from recorder.pipeline.writer import Progress, Writer
from tests.support.patience import PATIENCE
from tests.support.recording.feed import BEGIN, Feed, instant


def play(writer: Writer, records: list[TapRecord]) -> Progress:
    """Write records as they arrive, in batches of a fifth of a second; return the progress after the last one."""
    for step in range(1, 11):
        until = BEGIN + step / 5
        progress = writer.work([r for r in records if until - 0.2 < r.arrival_ns / 1e9 <= until], instant(until))
    return progress


class TestADiskThatHangs:
    def test_holds_up_no_other_recording(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        records, hanging, answers = Feed(2.0).records(), threading.Event(), threading.Event()
        put = FragmentFile._put

        def slow(self: FragmentFile, data: bytes, position: int) -> None:
            if "slow" in self.name:
                hanging.set()
                assert answers.wait(PATIENCE)
            put(self, data, position)

        monkeypatch.setattr(FragmentFile, "_put", slow)
        for name in ("slow", "fast"):
            (tmp_path / name).mkdir()
        writers = [Writer(tmp_path / name, 1) for name in ("slow", "fast")]
        thread = threading.Thread(target=play, args=(writers[0], records))
        thread.start()
        assert hanging.wait(PATIENCE)
        assert play(writers[1], records).flushed
        assert thread.is_alive() and not writers[0].progress().flushed
        answers.set()
        thread.join(PATIENCE)
        assert writers[0].progress().flushed
        for writer in writers:
            writer.close(BEGIN + 2.0, instant(BEGIN + 2.0))
        films = [(tmp_path / name / "part-1.mp4").read_bytes() for name in ("slow", "fast")]
        assert len(films[0]) == len(films[1]) > 100_000
