"""Recording in simulated time: real clips as tap records with chosen arrivals, written by a Writer."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from broker.kernel.clock import Instant
from broker.media.tap_format import RTP, SENDER_REPORT, TapRecord
from recorder.archive import parts
from recorder.pipeline.writer import Progress, Writer
from tests.support import clips
from tests.support.rtp import Stream

BEGIN = 1000.0
WALL = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
NTP = 3_900_000_000.0
RATES = (90_000, 48_000, 90_000, 48_000)


def instant(mono: float) -> Instant:
    return Instant(WALL + timedelta(seconds=mono - BEGIN), mono)


@dataclass
class Feed:
    """The records of both sides. Media second 0 leaves the publishers at BEGIN; `delay` is that of the network."""

    seconds: float = 6.0
    delay: float = 0.02
    drift: float = 1.0
    reports: bool = False
    skip: Callable[[int, float], bool] = lambda _track, _at: False
    video: Callable[[Stream, int, float], list[bytes]] | None = None
    """Makes the packets of picture `number` at media time `at`, instead of those of a common publisher."""
    streams: list[Stream] = field(
        default_factory=lambda: [Stream(rate, ssrc=10 + n, base=n * 999_983) for n, rate in enumerate(RATES)]
    )

    def records(self) -> list[TapRecord]:
        """Return all records, by arrival."""
        found = [record for track in range(4) for record in self._track(track)]
        return sorted(found, key=lambda record: record.arrival_ns)

    def _track(self, track: int) -> list[TapRecord]:
        rate = 50 if track % 2 else 30
        found: list[TapRecord] = []
        for index in range(int(self.seconds * rate)):
            at = index / rate
            packets = self._packets(track, index, at * self.drift)
            if not self.skip(track, at):
                for number, data in enumerate(packets):
                    found.append(self._record(track, RTP, at + number * 1e-5, data))
                if self.reports and index % rate == rate // 2:
                    report = self.streams[track].report(at * self.drift, NTP + at * self.drift)
                    found.append(self._record(track, SENDER_REPORT, at + 1e-4, report))
        return found

    def _packets(self, track: int, index: int, at: float) -> list[bytes]:
        if track % 2:
            sounds = clips.sound(pitch=440 * (track // 2 + 1))
            return [self.streams[track].packet(sounds[index % len(sounds)], at)]
        if self.video is not None:
            return self.video(self.streams[track], index, at)
        pictures = clips.pictures(shade=60 * (track // 2 + 1))
        return self.streams[track].picture(pictures[index % len(pictures)], at)

    def _record(self, track: int, kind: int, at: float, data: bytes) -> TapRecord:
        return TapRecord(1, track, kind, round((BEGIN + at + self.delay) * 1e9), data)


@dataclass
class Outcome:
    """The result: the film, the part's metadata, and the progress after each batch."""

    film: Path
    metadata: dict[str, Any]
    progress: list[tuple[float, Progress]]

    def gaps(self, track: int) -> list[tuple[str, float, float]]:
        """Return cause, start and seconds of a track's gaps."""
        return [(gap["cause"], gap["start"], gap["seconds"]) for gap in self.metadata["gaps"] if gap["track"] == track]


def record(folder: Path, records: list[TapRecord], end: float, step: float = 0.1) -> Outcome:
    """Write `records` into part 1 in `folder`, a batch every `step` seconds, up to BEGIN + `end`."""
    writer, now, progress, at = Writer(folder, 1), BEGIN, [], 0
    while now < BEGIN + end:
        now += step
        batch = []
        while at < len(records) and records[at].arrival_ns <= now * 1e9:
            batch.append(records[at])
            at += 1
        progress.append((now - BEGIN, writer.work(batch, instant(now))))
    writer.close(BEGIN + end, instant(BEGIN + end))
    return Outcome(folder / "part-1.mp4", parts.read_metadata(folder, 1), progress)
