"""Loudness of sound in dBFS (full scale is 0): its level, its noise floor, and what was clipped."""

import numpy as np
from numpy.typing import NDArray

SILENCE = -120.0
"""dBFS that stand for no sound at all: less than the last bit of 16."""
PART = 960
"""Samples of a part for the noise floor: 20 ms at 48 kHz."""
FULL = 32_700
"""Sample value from which 16 bits are at their end."""


def decibels(amplitude: float) -> float:
    """Return a root mean square (full scale 1.0) in dBFS, at least `SILENCE`."""
    return max(SILENCE, 20 * float(np.log10(amplitude))) if amplitude > 0 else SILENCE


def level(samples: NDArray[np.int16]) -> float:
    """Return the level of the whole in dBFS, without its constant part: a bad input adds one, which is not heard."""
    return decibels(_loudness(samples))


def noise_level(samples: NDArray[np.int16]) -> float:
    """Return the level in dBFS of the quiet parts (the tenth percentile), what is left in pauses of speech."""
    count = len(samples) // PART
    if count == 0:
        return level(samples)
    parts = samples[: count * PART].reshape(count, PART).astype(np.float64) / 32768
    return decibels(float(np.percentile(parts.std(axis=1), 10)))


def clipped(samples: NDArray[np.int16]) -> float:
    """Return the share of samples (0.0 to 1.0) in runs of two and more at full scale: one alone is a loud sound."""
    if samples.size == 0:
        return 0.0
    full = np.abs(samples.astype(np.int32)) >= FULL
    beside = np.zeros_like(full)
    beside[1:] |= full[:-1]
    beside[:-1] |= full[1:]
    return float(np.count_nonzero(full & beside)) / samples.size


def _loudness(samples: NDArray[np.int16]) -> float:
    return float((samples.astype(np.float64) / 32768).std()) if samples.size else 0.0
