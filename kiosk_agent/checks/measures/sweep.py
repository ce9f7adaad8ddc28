"""A rising tone that the loudspeaker plays and the microphone hears: whether, how late and how loud.

An exponential sweep passes every pitch of speech once; cross-correlation finds it in noise and talk, and a room's echo
moves its peak by little.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiosk_agent.checks.measures.loudness import SILENCE, decibels

LOWEST, HIGHEST = 300.0, 6000.0
"""Hz of the sweep's ends, what small loudspeakers play."""
SECONDS = 1.0
LOUD = 0.3
"""Amplitude (full scale 1.0): clearly heard, not startling."""
FADE = 0.02
"""Seconds for which it swells and fades, so that it does not click."""
AROUND = 0.005
"""Seconds around the peak that belong to it."""


@dataclass(frozen=True, slots=True)
class SweepFound:
    """What a recording holds of the sweep: `prominence` in dB of its peak above everything else in the correlation,
    `delay` in ms from the beginning of the recording, `level` in dBFS of its sound in the microphone."""

    prominence: float
    delay: float
    level: float


def sweep(rate: int) -> NDArray[np.int16]:
    """Return the tone to be played."""
    time = np.arange(round(SECONDS * rate)) / rate
    growth = np.log(HIGHEST / LOWEST)
    phase = 2 * np.pi * LOWEST * SECONDS / growth * (np.exp(time / SECONDS * growth) - 1)
    fade = np.minimum(1, np.minimum(time, SECONDS - time) / FADE)
    tone: NDArray[np.int16] = (np.sin(phase) * fade * LOUD * 32767).astype(np.int16)
    return tone


def find_sweep(recording: NDArray[np.int16], rate: int) -> SweepFound:
    """Search a recording that began when the sweep was played."""
    tone = sweep(rate).astype(np.float64) / 32768
    sound = recording.astype(np.float64) / 32768
    if len(sound) < len(tone) or not sound.any():
        return SweepFound(0.0, 0.0, SILENCE)
    correlation = np.abs(_correlation(sound - sound.mean(), tone))
    peak = int(correlation.argmax())
    energy = float(np.square(tone).sum())
    gain = float(correlation[peak]) / energy
    level = decibels(gain * float(np.sqrt(energy / len(tone))))
    return SweepFound(_prominence(correlation, peak, rate), peak / rate * 1000, level)


def _correlation(sound: NDArray[np.float64], tone: NDArray[np.float64]) -> NDArray[np.float64]:
    """The correlation at each lag at which the whole tone fits, whitened over its band: an exponential sweep has more
    of the low pitches, which would make its peak wide."""
    size = 1 << (len(sound) + len(tone) - 1).bit_length()
    reference = np.fft.rfft(tone, size)
    white = reference / np.maximum(np.abs(reference), 0.05 * float(np.abs(reference).max()))
    scale = float(np.sum(np.abs(reference) ** 2)) / float(np.sum(np.abs(white * np.conj(reference))))
    found = np.fft.irfft(np.fft.rfft(sound, size) * np.conj(white), size) * scale
    return found[: len(sound) - len(tone) + 1]


def _prominence(correlation: NDArray[np.float64], peak: int, rate: int) -> float:
    around = round(AROUND * rate)
    others = np.concatenate((correlation[: max(0, peak - around)], correlation[peak + around + 1 :]))
    if others.size == 0:
        return 0.0
    rest = float(np.sqrt(np.mean(np.square(others))))
    return min(120.0, 20 * float(np.log10(float(correlation[peak]) / max(rest, 1e-12))))
