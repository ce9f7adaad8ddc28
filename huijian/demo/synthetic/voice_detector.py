"""Detects the generated sound: which side's pilot is in some samples, and where its seconds begin. The samples may come
out of Opus, of an MP4 or of a resampler."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from broker.kernel.ids import Side
from huijian.demo.synthetic.voice import BIT, PILOTS, SYMBOLS, Mark
from kiosk_agent.media.frames import RATE

_STEP = BIT // 16
"""Resolution of the search in samples: 2.5 ms."""
_CLEAR = 6.0
"""Ratio of power by which one side's pilot must exceed the other's to be recognised."""


def side_heard(samples: NDArray[np.generic]) -> Side | None:
    """Return the side whose pilot is in these mono 48 kHz samples (at least one second), None for neither or both."""
    strength = {side: max(float(power.max(initial=0)) for power in _powers(samples, side)) for side in Side}
    loud, quiet = sorted(strength.values(), reverse=True)
    if loud < 1e-5 or loud < _CLEAR * quiet:
        return None
    return max(strength, key=lambda side: strength[side])


def marks_in(samples: NDArray[np.generic]) -> list[Mark]:
    """Return all whole marks of seconds in mono 48 kHz samples, in order; `at` is accurate to about 5 ms."""
    found = [mark for side in Side for mark in _marks_of(samples, side)]
    return sorted(found, key=lambda mark: mark.at)


def _marks_of(samples: NDArray[np.generic], side: Side) -> Iterator[Mark]:
    low, high = _powers(samples, side)
    both = low + high
    if both.max(initial=0) < 1e-5:
        return
    span = SYMBOLS * BIT // _STEP
    floor = both.max() / 8
    for start in _onsets(both > floor, span):
        best = max(range(max(start - 8, 0), start + 24), key=lambda at: _fit(low, high, at))
        second = _second_at(low, high, best)
        if second is not None:
            yield Mark(side, second, best * _STEP / RATE)


def _onsets(sounding: NDArray[np.bool_], span: int) -> Iterator[int]:
    """Yield where a run of pilot begins; the next is looked for after the end of this one."""
    edges = np.flatnonzero(np.diff(sounding.astype(np.int8), prepend=0) == 1)
    free_from = 0
    for aiortc_adapter in edges.tolist():
        if aiortc_adapter >= free_from:
            yield aiortc_adapter
            free_from = aiortc_adapter + span


def _fit(low: NDArray[np.float64], high: NDArray[np.float64], at: int) -> float:
    """Return how cleanly the ten symbol windows from `at` on each hold one tone."""
    places = at + np.arange(SYMBOLS) * (BIT // _STEP)
    if places[-1] >= len(low):
        return -1.0
    return float(np.maximum(low[places], high[places]).sum())


def _second_at(low: NDArray[np.float64], high: NDArray[np.float64], at: int) -> int | None:
    places = at + np.arange(SYMBOLS) * (BIT // _STEP)
    if places[-1] >= len(low):
        return None
    strong, weak = np.maximum(low[places], high[places]), np.minimum(low[places], high[places])
    if (strong < 3 * weak).any():
        return None
    bits = (high[places] > low[places]).astype(int)
    number = int("".join(map(str, bits[1:9])), 2)
    if bits[0] != 1 or bits[9] != 1 - int(bits[1:9].sum()) % 2:
        return None
    return number


def _powers(samples: NDArray[np.generic], side: Side) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the power of the side's two tones in a sliding 40 ms window, one value per 2.5 ms step."""
    scale = 32768.0 if np.issubdtype(samples.dtype, np.integer) else 1.0
    sound = samples.astype(np.float64) / scale
    low, high = PILOTS[side]
    return _tone_power(sound, low), _tone_power(sound, high)


def _tone_power(sound: NDArray[np.float64], tone: float) -> NDArray[np.float64]:
    """Return |windowed Fourier sum|^2 at one frequency, by running sums of the demodulated signal."""
    if len(sound) < BIT:
        return np.zeros(0)
    turned = sound * np.exp(-2j * np.pi * tone * np.arange(len(sound)) / RATE)
    total = np.concatenate(([0], np.cumsum(turned)))
    starts = np.arange(0, len(sound) - BIT + 1, _STEP)
    power: NDArray[np.float64] = np.abs((total[starts + BIT] - total[starts]) / BIT) ** 2
    return power
