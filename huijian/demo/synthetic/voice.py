"""Voice of a generated room: sound like speech (harmonics through two formants, in syllables with pauses) and, above
it, a pilot that encodes the side and counts the seconds. By the pilot a test recognises side and second of a sound,
after Opus and in the archive, without comparing waveforms."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from broker.kernel.ids import Side
from kiosk_agent.media.frames import RATE

SECONDS = 256
"""Modulus of the pilot's count of seconds."""

# Tones in Hz of bit 0 and bit 1: above the voice (below 1.5 kHz) and inside what Opus keeps at the rates in use.
# They are 400 Hz apart, which a symbol of 40 ms separates by sixteen periods.
PILOTS = {Side.PRISON: (2400.0, 2800.0), Side.VISITOR: (3600.0, 4000.0)}
_PITCH = {Side.PRISON: 115.0, Side.VISITOR: 205.0}

BIT = 1920
"""Samples of one pilot symbol: 40 ms."""
SYMBOLS = 10
"""Symbols of one mark: the start (high tone), eight bits of the second's number, and one parity symbol."""
_PILOT_LEVEL = 0.12
_LOOP_SECONDS = 4


@dataclass(frozen=True, slots=True)
class Mark:
    """Start of a second found in sound: `second` counts from the source's first sample (modulo SECONDS), `at` is its
    place in the examined samples, in seconds."""

    side: Side
    second: int
    at: float


class SyntheticVoice:
    """Sound of one side by sample number. It has no state, so that any part can be made at any time."""

    def __init__(self, side: Side) -> None:
        self._tones = PILOTS[side]
        self._loop = _speech(_PITCH[side])

    def samples(self, start: int, count: int) -> NDArray[np.int16]:
        """Return `count` mono samples from number `start` on (48 kHz, signed 16 bit)."""
        index = np.arange(start, start + count)
        sound = self._loop[index % len(self._loop)] + self._pilot(index)
        samples: NDArray[np.int16] = (sound * 32767).astype(np.int16)
        return samples

    def _pilot(self, index: NDArray[np.int64]) -> NDArray[np.float64]:
        within = index % RATE
        symbol = within // BIT
        active = symbol < SYMBOLS
        if not active.any():
            return np.zeros(len(index))
        ones = _symbols_of(index // RATE, np.minimum(symbol, SYMBOLS - 1))
        tone = np.where(ones, self._tones[1], self._tones[0])
        wave = np.sin(2 * np.pi * tone * within / RATE)
        pilot: NDArray[np.float64] = _PILOT_LEVEL * np.where(active, wave, 0.0)
        return pilot


def _symbols_of(seconds: NDArray[np.int64], symbol: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether the pilot has the high tone: symbol 0 always, 1 to 8 by the bits of the second, 9 by their odd parity."""
    number = seconds % SECONDS
    bits = (number >> np.clip(8 - symbol, 0, 7)) & 1
    parity = 1 - sum((number >> place) & 1 for place in range(8)) % 2
    chosen: NDArray[np.bool_] = np.where(symbol == 0, 1, np.where(symbol == 9, parity, bits)) == 1
    return chosen


def _speech(pitch: float) -> NDArray[np.float64]:
    """Return a loop of speech: harmonics weighted by two moving formants, about four syllables a second, with
    pauses."""
    time = np.arange(RATE * _LOOP_SECONDS) / RATE
    sway = 1 + 0.06 * np.sin(2 * np.pi * time / 2)
    phase = 2 * np.pi * pitch * np.cumsum(sway) / RATE
    first = 480 + 180 * np.sin(2 * np.pi * time * 1.5)
    second = 1050 + 200 * np.sin(2 * np.pi * time * 1.25 + 1)
    sound = np.zeros_like(time)
    for harmonic in range(1, int(1400 / (pitch * 1.06)) + 1):
        tone = harmonic * pitch * sway
        weight = np.exp(-(((tone - first) / 160) ** 2)) + 0.5 * np.exp(-(((tone - second) / 200) ** 2))
        sound += weight * np.sin(harmonic * phase)
    syllables = np.clip(np.sin(2 * np.pi * time * 4), 0, 1) ** 0.5 * (np.sin(2 * np.pi * time / 4) > -0.8)
    spoken: NDArray[np.float64] = sound * syllables
    loudest = float(np.abs(spoken).max())
    return spoken * (0.35 / loudest)
