"""Sound of a person who talks, for measures of echo: syllables with gliding pitch and changing vowels, hisses between
them, and pauses. A canceller finds out how late the echo comes from what is never the same twice; the voice of the
generated room repeats, and its tones stand still."""

import numpy as np
from av import AudioFrame
from numpy.typing import NDArray

from kiosk_agent.media.frames import CHUNK, RATE, rms, sound_frame
from kiosk_agent.media.source import FramePacer, Source, SourceClock

Sound = NDArray[np.float64]
LEVEL = 0.08
"""Root mean square of the sound with its pauses, of full scale: a person close to a microphone."""
SECONDS = 60
"""Seconds after which the talk begins again."""
VOWELS = (
    (730, 1090, 2440),
    (270, 2290, 3010),
    (300, 870, 2240),
    (530, 1840, 2480),
    (570, 840, 2410),
    (440, 1020, 2240),
)
"""First three formants in Hz (Peterson and Barney, 1952)."""
WIDE = (80.0, 100.0, 140.0)
"""Width of each formant in Hz."""
HIGHEST = 5_000.0
"""Hz up to which a voice has harmonics."""


def talk(seed: int) -> NDArray[np.int16]:
    """Return SECONDS of mono talk at 48 kHz; another seed is another talk."""
    chance, parts, length = np.random.default_rng(seed), [], 0
    pitch = chance.uniform(110, 210)
    while length < SECONDS * RATE:
        for _ in range(int(chance.integers(3, 9))):
            pitch = float(np.clip(pitch * chance.uniform(0.85, 1.18), 90, 260))
            parts += [_hiss(chance), _syllable(chance, pitch)]
        parts.append(np.zeros(int(chance.uniform(0.2, 0.6) * RATE)))
        length = sum(map(len, parts))
    sound = np.concatenate(parts)[: SECONDS * RATE]
    return (sound * (LEVEL / rms(sound)) * 32767).clip(-32768, 32767).astype(np.int16)


def _syllable(chance: np.random.Generator, pitch: float) -> Sound:
    count = int(chance.uniform(0.12, 0.3) * RATE)
    glide = np.linspace(pitch, pitch * chance.uniform(0.8, 1.2), count) * (1 + 0.01 * chance.normal())
    phase = 2 * np.pi * np.cumsum(glide) / RATE
    formants = VOWELS[chance.integers(len(VOWELS))]
    sound = np.zeros(count)
    for harmonic in range(1, int(HIGHEST / pitch)):
        frequency = harmonic * pitch
        strength = sum(1 / (1 + ((frequency - each) / wide) ** 2) for each, wide in zip(formants, WIDE, strict=True))
        sound += strength / harmonic**0.5 * np.sin(harmonic * phase + chance.uniform(0, 2 * np.pi))
    return _faded(sound + 0.02 * chance.normal(size=count))


def _hiss(chance: np.random.Generator) -> Sound:
    count = int(chance.uniform(0.03, 0.12) * RATE)
    return _faded(0.3 * np.diff(chance.normal(size=count + 1)) * chance.uniform(0, 1))


def _faded(sound: Sound) -> Sound:
    return np.asarray(sound * np.hanning(len(sound)) ** 0.5)


class Talk(Source):
    """Talk in frames of 20 ms."""

    kind = "audio"

    def __init__(self, clock: SourceClock, seed: int) -> None:
        self.samples = talk(seed)
        self._pacer = FramePacer(clock, CHUNK / RATE, patience=0.3)

    async def _next(self) -> AudioFrame:
        number = await self._pacer.next()
        at = number * CHUNK % len(self.samples)
        return sound_frame(self.samples[at : at + CHUNK], number * CHUNK)
