"""The stretches in which each side and the officers spoke, by the loudness of their tracks. It is measured while the
view copy is made, because the sound is decoded there anyway, and lies beside it as a small file. Pure, but for the
file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from broker.kernel import atomic_files
from broker.media.tap_format import PRISON_AUDIO, TALKBACK, VISITOR_AUDIO
from recorder.retention import removal

NAME, MADE = "activity.json", ".activity.made.json"
RULE = 1
"""Number of this way of measuring, which the file names."""
TRACKS = {PRISON_AUDIO: "prison", VISITOR_AUDIO: "visitor", TALKBACK: "supervisors"}
BIN = 0.1
"""Seconds of one measurement: shorter than a syllable."""
QUIETEST, LOUDEST = -50.0, -35.0
"""Bounds in dBFS of the level from which a room speaks: below is silence of any room, above is speech in any."""
OVER_NOISE = 9.0
"""dB by which speech is louder than the quiet of the same track."""
PAUSE, SHORTEST = 0.7, 0.3
"""Seconds: a shorter pause does not end a stretch, and a shorter sound is no speech."""
_SILENCE = -120.0


def activity_path(root: Path, session: str) -> Path:
    """Return the path of a session's file. Raises ValueError for an invalid id."""
    return removal.derived_folder(root, session) / NAME


class Activity:
    """Measures the loudness of tracks; `add` takes decoded sound, `to_json` returns the stretches of speech."""

    def __init__(self) -> None:
        self._sums: dict[int, NDArray[np.float64]] = {}
        self._counts: dict[int, NDArray[np.int64]] = {}

    def add(self, track: int, samples: NDArray[np.float32], second: float, rate: int) -> None:
        """Take in samples (-1 to 1) of a track that begin at a second of the film."""
        if track not in TRACKS or not len(samples):
            return
        places = np.floor((second + np.arange(len(samples)) / rate) / BIN).astype(np.int64)
        places = np.maximum(places, 0)
        self._grow(track, int(places[-1]) + 1)
        np.add.at(self._counts[track], places, 1)
        np.add.at(self._sums[track], places, np.square(samples, dtype=np.float64))

    def to_json(self) -> dict[str, Any]:
        """Return the stretches of each side and of the officers, in seconds."""
        found = {name: stretches(self.levels(track)) for track, name in TRACKS.items()}
        return {"rule": RULE, **found}

    def levels(self, track: int) -> list[float]:
        """Return the level of each BIN of a track, in dBFS."""
        if track not in self._sums:
            return []
        mean = self._sums[track] / np.maximum(self._counts[track], 1)
        return [float(level) for level in 10 * np.log10(np.maximum(mean, 10 ** (_SILENCE / 10)))]

    def _grow(self, track: int, bins: int) -> None:
        before = self._sums.get(track, np.zeros(0))
        if len(before) < bins:
            more = max(bins, 2 * len(before)) - len(before)
            self._sums[track] = np.concatenate([before, np.zeros(more)])
            counts = self._counts.get(track, np.zeros(0, np.int64))
            self._counts[track] = np.concatenate([counts, np.zeros(more, np.int64)])


def stretches(levels: Sequence[float]) -> list[list[float]]:
    """Return the stretches of speech in the levels of a track."""
    heard = [level for level in levels if level > _SILENCE]
    if not heard:
        return []
    quiet = float(np.percentile(heard, 10))
    least = min(max(quiet + OVER_NOISE, QUIETEST), LOUDEST)
    found: list[list[float]] = []
    for number, level in enumerate(levels):
        if level < least:
            continue
        at, to = number * BIN, (number + 1) * BIN
        if found and at - found[-1][1] <= PAUSE:
            found[-1][1] = to
        else:
            found.append([at, to])
    return [[round(at, 1), round(to, 1)] for at, to in found if to - at >= SHORTEST]


def read(root: Path, session: str) -> Mapping[str, Sequence[Sequence[float]]]:
    """Return the stretches by side, as they were measured; empty where they were not, or are of another rule."""
    written = atomic_files.read_json(activity_path(root, session))
    if written is None or written.get("rule") != RULE:
        return {}
    return {name: written[name] for name in TRACKS.values() if _are_stretches(written.get(name))}


def _are_stretches(value: object) -> bool:
    return isinstance(value, list) and all(_is_stretch(item) for item in value)


def _is_stretch(item: object) -> bool:
    return isinstance(item, list) and len(item) == 2 and all(isinstance(edge, int | float) for edge in item)
