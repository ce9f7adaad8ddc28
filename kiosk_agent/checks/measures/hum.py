"""Mains hum (交流声): steady lines at 50 Hz and its harmonics that stand out from their neighbourhood.

A voice has lines, too, but they move. So the sound is cut into parts, and of each line the weakest part counts.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from kiosk_agent.checks.measures.loudness import SILENCE, decibels

MAINS = 50.0
HARMONICS = (1, 2, 3, 4, 5, 6, 7, 8)
"""Multiples of the mains' frequency: transformers hum at 100 Hz, bad cables at 50, 150 and 250."""
PART = 1.0
"""Seconds of a part: lines are then 4 Hz wide under the window, and 50 Hz apart."""
LINE, BESIDE = 2.5, (6.0, 20.0)
"""Hz around a harmonic that belong to its line; Hz from it that are its neighbourhood, on both sides."""
STANDS_OUT = 10.0
"""dB by which a line must rise above its neighbourhood: noise itself reaches six at times."""


def hum(samples: NDArray[np.int16], rate: int) -> float | None:
    """Return the level in dBFS of all steady lines together, `SILENCE` where none stands out.

    None for less than two seconds: whether a line stays is then not known."""
    parts = list(_spectra(samples, rate))
    if len(parts) < 3:
        return None
    lines = (min(_line(part, MAINS * harmonic) for part in parts) for harmonic in HARMONICS)
    power = sum(lines)
    return decibels(float(np.sqrt(power))) if power > 0 else SILENCE


def _spectra(samples: NDArray[np.int16], rate: int) -> Iterator[NDArray[np.float64]]:
    """The power spectra of parts that overlap by half, in bins of 1 Hz; those of a sine sum up to its power."""
    size = round(PART * rate)
    window = np.hanning(size)
    scale = 2 / (size * float(np.square(window).sum()))
    for start in range(0, len(samples) - size + 1, size // 2):
        part = samples[start : start + size].astype(np.float64) / 32768
        yield np.square(np.abs(np.fft.rfft((part - part.mean()) * window))) * scale


def _line(power: NDArray[np.float64], frequency: float) -> float:
    """The power of a line above its neighbourhood, 0.0 where it does not stand out."""
    bins = np.arange(len(power)) / PART
    distance = np.abs(bins - frequency)
    own, beside = power[distance <= LINE], power[(distance >= BESIDE[0]) & (distance <= BESIDE[1])]
    around = float(beside.mean()) * len(own)
    found = float(own.sum())
    return found - around if found > around * 10 ** (STANDS_OUT / 10) else 0.0
