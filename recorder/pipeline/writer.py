"""The blocking half of a recording: tap records in, bytes on disk out. One Writer makes one part. All its calls come
from the one worker thread of its recording, never from the event loop.

Writers take turns while they compute, and wait for the disk each by itself. The interpreter runs one of them at a time
anyway; without turns they would hand its lock to each other at every call into FFmpeg, which costs two switches of
threads for each picture."""

import shutil
import threading
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from broker.kernel import atomic_files
from broker.kernel.clock import Instant, boot_id
from broker.kernel.film_faults import FilmFault
from broker.media.tap_format import TapRecord
from recorder.archive import parts
from recorder.mp4.muxer import Part
from recorder.mp4.placeholder_frame import placeholder_frame
from recorder.pipeline.assembler import Assembler
from recorder.pipeline.trial_decode import decodes

Faults = tuple[FilmFault | None, FilmFault | None]
TURN = threading.Lock()
SYNC = 0.7  # seconds between two syncs, so that a power cut costs less than two seconds


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a part. `flushed`: the rooms' tracks are on disk. `wanting`: sides without a keyframe. `faults`:
    why the film of each side cannot be watched at present."""

    seconds: float
    bytes: int
    flushed: bool
    wanting: tuple[int, ...]
    free: int
    faults: Faults = (None, None)


class Writer:
    """Writes `part-<number>.mp4` and keeps `part-<number>.json` beside it."""

    def __init__(self, folder: Path, number: int) -> None:
        self.number = number
        self.overflow = 0  # records that the queue could not take, for the part's metadata
        self._file, self._metadata_file = folder / f"part-{number}.mp4", parts.metadata_path(folder, number)
        self._placeholder = placeholder_frame()
        self._media = Assembler(self._placeholder.data, decodes)
        self._part: Part | None = None
        self._begun: dict[str, Any] = {}
        self._whole_at: int | None = None  # number of fragments when all four tracks of the rooms had begun
        self._synced, self._synced_fragments, self._flushed = 0.0, 0, False
        self._faults: Faults = (None, None)

    def work(self, records: list[TapRecord], now: Instant) -> Progress:
        """Take in a batch and write what is ready. Raises OSError where the disk refuses."""
        with TURN:
            self._take(records)
            self._media.tick(now.mono)
            self._faults = self._media.faults(now.mono)
            ready = self._media.ready(now.mono)
        if ready:
            self._write(now)
        return self.progress()

    def take(self, records: list[TapRecord]) -> None:
        """Take in records without letting time pass, because the end of the part is already known."""
        with TURN:
            self._take(records)

    def _take(self, records: list[TapRecord]) -> None:
        for record in records:
            self._media.accept(record)

    def progress(self) -> Progress:
        """Return how far the part has got."""
        return Progress(
            seconds=round(max(self._part.seconds), 3) if self._part else 0.0,
            bytes=self._part.file.size if self._part else 0,
            flushed=self._flushed,
            wanting=tuple(self._media.wanting()),
            free=shutil.disk_usage(self._file.parent).free,
            faults=self._faults,
        )

    def close(self, moment: float, now: Instant) -> None:
        """Write the rest up to server second `moment` and finish the file. Raises OSError."""
        if self._media.zero is not None and self._part is None and self._media.ready(float("inf")):
            self._open(now)
        if self._part is None:
            return
        with TURN:
            rest, _ = self._media.finish(moment)
            self._part.write(rest, self._zero)
        self._part.close()
        self._write_metadata(clean=True)

    def abandon(self) -> None:
        """Leave the part as it is, after the disk has failed."""
        if self._part is not None:
            self._part.abandon()

    @property
    def _zero(self) -> float:
        assert self._media.zero is not None
        return self._media.zero

    def _write(self, now: Instant) -> None:
        part = self._part or self._open(now)
        with TURN:
            part.write(self._media.take(now.mono), self._zero)
        part.flush()
        if self._whole_at is None and self._media.whole:
            self._whole_at = part.fragments
        watchable = self._whole_at is not None and not any(self._faults)
        first = not self._flushed and watchable and part.fragments > (self._whole_at or 0)
        if first or (part.fragments > self._synced_fragments and now.mono - self._synced > SYNC):
            part.sync()
            self._synced, self._synced_fragments = now.mono, part.fragments
            self._flushed = self._flushed or first
            self._write_metadata(clean=False)

    def _open(self, now: Instant) -> Part:
        head = [parameters or self._placeholder.parameters for parameters in self._media.parameters()]
        wall = now.wall + timedelta(seconds=self._zero - now.mono)
        self._begun = {"zero_mono": self._zero, "zero_wall": wall.isoformat(), "boot": boot_id()}
        atomic_files.write_json(parts.begun_path(self._file.parent, self.number), {"part": self.number, **self._begun})
        self._part = Part(self._file, head)
        atomic_files.sync_folder(self._file.parent)
        self._write_metadata(clean=False)
        return self._part

    def _track(self, track: int, seconds: float) -> dict[str, Any]:
        found = self._media.tracks[track]
        counts = {"packets": found.packets, "lost": found.lost, "malformed": found.malformed}
        return {**counts, "seconds": round(seconds, 3)}

    def _write_metadata(self, clean: bool) -> None:
        """Write what a later process needs to know of this part; only the last version is synced to disk. Gaps are
        appended to a file of their own, because a bad line makes thousands."""
        assert self._part is not None
        self._write_gaps([gap.to_json() for gap in self._media.settled_gaps(over=clean)])
        metadata = {
            "part": self.number,
            **self._begun,
            "clean": clean,
            "overflow": self.overflow,
            "tracks": {str(track): self._track(track, length) for track, length in enumerate(self._part.seconds)},
            "gaps": [gap.to_json() for gap in self._media.open_gaps()],
            "chain": self._part.file.chain.to_json(),
        }
        write = atomic_files.write_json if clean else atomic_files.overwrite_json
        write(self._metadata_file, metadata)

    def _write_gaps(self, gaps: list[dict[str, Any]]) -> None:
        if gaps:
            path = parts.gaps_path(self._file.parent, self.number)
            first = not path.exists()
            atomic_files.append_lines(path, gaps)
            if first:
                atomic_files.sync_folder(path.parent)
