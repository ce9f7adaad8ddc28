"""Listens to a film's sound as an ear would: how much of a pitch there is, tenth of a second by tenth."""

from pathlib import Path

import av
import numpy as np

RATE = 48_000
STEP = RATE // 10


def loudness(path: Path, track: int, pitch: float) -> list[float]:
    """The amplitude of `pitch` (Hz; 1.0 is full scale) in each tenth of a second of a track."""
    return levels(sound_of(path, track), pitch)


def levels(sound: "np.ndarray[tuple[int], np.dtype[np.float32]]", pitch: float) -> list[float]:
    """As `loudness`, of samples at RATE."""
    wave = np.exp(-2j * np.pi * pitch * np.arange(STEP) / RATE) * np.hanning(STEP) * 2
    steps = range(0, len(sound) - STEP + 1, STEP)
    return [float(abs(np.dot(sound[start : start + STEP], wave)) * 2 / STEP) for start in steps]


def sound_of(path: Path, track: int) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    """The samples of a track, mono, each at its place on the film's time."""
    found = np.zeros(0, np.float32)
    with av.open(str(path)) as film:
        stream = film.streams[track]
        resampler = av.AudioResampler("fltp", "mono", RATE)
        for packet in film.demux(stream):
            for frame in packet.decode():
                assert isinstance(frame, av.AudioFrame) and frame.pts is not None and frame.time_base is not None
                at = round(float(frame.pts * frame.time_base) * RATE)
                heard = np.concatenate([one.to_ndarray()[0] for one in resampler.resample(frame)])
                found = np.concatenate([found, np.zeros(max(at + len(heard) - len(found), 0), np.float32)])
                found[at : at + len(heard)] = heard
    return found


def spans(loud: list[float], least: float = 0.03) -> list[tuple[float, float]]:
    """From when to when (seconds) a pitch is there at all, with its own short pauses."""
    found: list[tuple[float, float]] = []
    for number, level in enumerate(loud):
        if level > least:
            begins = found.pop()[0] if found and number / 10 - found[-1][1] < 0.15 else number / 10
            found.append((begins, (number + 1) / 10))
    return found
