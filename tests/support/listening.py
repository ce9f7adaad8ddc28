"""Measures how loud a pitch is in a film's sound, tenth of a second by tenth of a second."""

from pathlib import Path

import av
import numpy as np

RATE = 48_000
STEP = RATE // 10
"""Samples of one measurement: a tenth of a second."""


def loudness(path: Path, track: int, pitch: float) -> list[float]:
    """Return the amplitude of `pitch` (Hz; 1.0 is full scale) in each tenth of a second of a track."""
    return levels(sound_of(path, track), pitch)


def levels(sound: "np.ndarray[tuple[int], np.dtype[np.float32]]", pitch: float) -> list[float]:
    """Return the amplitudes as `loudness` does, from samples at RATE."""
    wave = np.exp(-2j * np.pi * pitch * np.arange(STEP) / RATE) * np.hanning(STEP) * 2
    steps = range(0, len(sound) - STEP + 1, STEP)
    return [float(abs(np.dot(sound[start : start + STEP], wave)) * 2 / STEP) for start in steps]


def sound_of(path: Path, track: int) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    """Return the samples of a track, mono, each at its place on the film's time."""
    found = np.zeros(0, np.float32)
    with av.open(str(path)) as film:
        stream = film.streams[track]
        resampler = av.AudioResampler("fltp", "mono", RATE)
        for packet in film.demux(stream):
            for frame in packet.decode():
                assert isinstance(frame, av.AudioFrame) and frame.pts is not None and frame.time_base is not None
                at = round(float(frame.pts * frame.time_base) * RATE)
                samples = np.concatenate([part.to_ndarray()[0] for part in resampler.resample(frame)])
                found = np.concatenate([found, np.zeros(max(at + len(samples) - len(found), 0), np.float32)])
                found[at : at + len(samples)] = samples
    return found


def spans(loud: list[float], least: float = 0.03) -> list[tuple[float, float]]:
    """Return the spans (begin and end in seconds) in which a pitch is louder than `least`, across short pauses."""
    found: list[tuple[float, float]] = []
    for number, level in enumerate(loud):
        if level > least:
            begins = found.pop()[0] if found and number / 10 - found[-1][1] < 0.15 else number / 10
            found.append((begins, (number + 1) / 10))
    return found
