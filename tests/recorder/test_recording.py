"""One recording seen from the event loop: its queue is bounded, and a slow or full disk is reported."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from broker.ipc.recorder_messages import RecorderFact, WritingStalled
from broker.kernel.clock import SystemClock, monotonic
from broker.kernel.errors import RecorderUnavailable
from broker.kernel.film_faults import FilmFault
from broker.media.tap_format import TapRecord
from recorder.archive.disk_space import Rules
from recorder.mp4.muxer import Part
from recorder.pipeline.writer import Faults, Progress, Writer
from recorder.recording import Recording
from recorder.sessions import RecordingSessions
from tests.recorder.test_process import plan
from tests.support.ipc import FactLog
from tests.support.recording.feed import BEGIN, Feed
from tests.support.recording.service import recorder_parts


def recent(seconds: float) -> list[TapRecord]:
    """Return media that arrived during the last `seconds`."""
    shift = int((monotonic() - seconds - BEGIN) * 1e9)
    return [record._replace(arrival_ns=record.arrival_ns + shift) for record in Feed(seconds).records()]


class Player:
    """Feeds a recording with one second of media: half at once, the rest after the first facts."""

    def __init__(self, folder: Path) -> None:
        self.log = FactLog()
        self.recording = Recording("s", folder, 1, SystemClock(), self.log.received)

    async def receives(self, *names: str) -> None:
        """Wait until one of these facts has come."""
        await self.log.wait_for_any(names)

    async def play(self) -> list[str]:
        records = recent(1.0)
        half = len(records) // 2
        for record in records[:half]:
            self.recording.accept(record)
        running = asyncio.create_task(self.recording.run())
        await self.receives("writing_progress", "writing_failed")
        for record in records[half:]:
            self.recording.accept(record)
        await self.receives("fragment_flushed", "writing_failed")
        self.recording.end(monotonic())
        await running
        return [fact for fact, _ in self.log.facts]


class TestWatch:
    async def test_a_good_disk_is_flushed_and_reported(self, tmp_path: Path) -> None:
        assert set(await Player(tmp_path).play()) == {"fragment_flushed", "writing_progress"}
        assert (tmp_path / "part-1.mp4").stat().st_size > 10_000

    async def test_a_disk_that_does_not_answer_is_reported(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stalled, write = threading.Event(), Writer.work
        monkeypatch.setattr("recorder.recording.STALL", 0.05)
        monkeypatch.setattr(Writer, "work", lambda self, *args: (stalled.wait(5), write(self, *args))[1])
        player = Player(tmp_path)

        def report(fact: RecorderFact) -> None:
            player.log.received(fact)
            if isinstance(fact, WritingStalled):
                stalled.set()

        player.recording = Recording("s", tmp_path, 1, SystemClock(), report)
        facts = await player.play()
        assert facts[0] == "writing_stalled" and "fragment_flushed" in facts

    async def test_a_writer_that_lags_behind_is_reported_until_it_has_caught_up(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each write is fast, and yet records are written later and later."""
        player = Player(tmp_path)
        recording, write = player.recording, Writer.work
        old = [record._replace(arrival_ns=record.arrival_ns - 5_000_000_000) for record in recent(0.1)[:1]]
        lags = [True, True, False]

        def work(self: Writer, *args: Any) -> Any:
            if recording.progress is not None and recording.progress.flushed and lags and lags.pop(0):
                recording._queue = old + recording._queue  # arrived while this is written
            return write(self, *args)

        monkeypatch.setattr(Writer, "work", work)
        running = asyncio.create_task(recording.run())
        for record in recent(1.0):
            recording.accept(record)
        await player.receives("fragment_flushed")
        await player.receives("writing_stalled")
        first = [name for name, _ in player.log.facts].index("fragment_flushed")
        await player.log.wait_for("fragment_flushed", after=first + 1)
        assert [more["reason"] for fact, more in player.log.facts if fact == "writing_stalled"] == ["lagging"]
        recording.end(monotonic())
        await running

    async def test_a_disk_that_refuses_fails_this_recording_only(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Part, "write", full)
        player = Player(tmp_path)
        await player.play()
        assert ("writing_failed", {"session": "s", "reason": "no_disk"}) in player.log.facts

    def test_the_queue_is_bounded_and_counts_what_it_drops(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("recorder.recording.QUEUE_BYTES", 10_000)
        recording = Player(tmp_path).recording
        records = recent(1.0)
        for record in records:
            recording.accept(record)
        assert 0 < recording.overflow < len(records)

    def test_records_without_data_take_room_too(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("recorder.recording.QUEUE_BYTES", 10_000)
        recording = Player(tmp_path).recording
        for _ in range(1000):
            recording.accept(recent(0.1)[0]._replace(data=b""))
        assert recording.overflow > 900


class TestFilmsThatCouldNotBeWatched:
    """What the check of the pictures finds becomes facts, and holds for a control process that connects later."""

    async def test_are_reported_when_that_changes_and_announced_before_the_rest(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        found: list[Faults] = [(None, None), (FilmFault.NO_SETS, None), (FilmFault.NO_SETS, FilmFault.LOSS)]
        found += [(FilmFault.CORRUPT, FilmFault.LOSS), (None, FilmFault.LOSS)]
        player, later = Player(tmp_path), FactLog()
        for faults in found:
            player.recording._report(Progress(1.0, 1, flushed=True, wanting=(), free=1 << 40, faults=faults))
        changes = [(name, more["side"], more.get("fault")) for name, more in player.log.facts if "film" in name]
        assert changes == [
            ("film_unusable", "prison", "no_sets"),
            ("film_unusable", "visitor", "loss"),
            ("film_unusable", "prison", "corrupt"),
            ("film_usable", "prison", None),
        ]
        player.recording.announce(later.received)
        assert [name for name, _ in later.facts] == ["film_unusable", "fragment_flushed"]


def sessions_without_catalog(folder: Path, space: Rules) -> RecordingSessions:
    """Return sessions that refuse before they need a catalog."""
    return recorder_parts(folder, space, None, SystemClock(), lambda *_: None).sessions  # type: ignore[arg-type]


class TestAdmission:
    async def test_is_refused_while_the_disk_has_less_than_the_reserve(self, tmp_path: Path) -> None:
        sessions = sessions_without_catalog(tmp_path, Rules(1 << 60, 0))
        with pytest.raises(RecorderUnavailable):
            await sessions.start(plan())
