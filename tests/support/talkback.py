"""Talkback (插话) in scenario tests: a microphone for Chromium, and a recorder of what the kiosks receive of it."""

import asyncio
import wave
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from av import AudioFrame
from numpy.typing import NDArray

from broker.kernel.ids import Side
from broker.media.tap_format import PRISON_AUDIO, TALKBACK, VISITOR_AUDIO
from kiosk_agent.media.frames import RATE, mono_samples
from kiosk_agent.media.talkback import TalkbackReceiver
from tests.support import listening
from tests.support.patience import PATIENCE
from tests.support.visit import Visit

PITCH = 3200.0
"""Pitch in Hz, different from the pilots of the generated rooms (huijian/demo/synthetic/voice.py)."""
LOUD = 0.02
"""Level from which the pitch counts as audible."""


def microphone(path: Path) -> str:
    """Write a file for Chromium's simulated microphone and return the flag for it. The file has syllables, as
    Chromium's noise suppression removes a steady tone."""
    time = np.arange(10 * RATE) / RATE
    syllables = np.clip(np.sin(2 * np.pi * 4 * time) * 3, 0, 1)
    tone = sum(np.sin(2 * np.pi * pitch * time) for pitch in (200, 400, 800, 1600, PITCH, PITCH)) / 8
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((tone * syllables * 20_000).astype(np.int16).tobytes())
    return f"--use-file-for-fake-audio-capture={path}"


class TalkbackRecorder:
    """Recorder of the talkback that each kiosk receives, from its making on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._received: dict[int, list[NDArray[np.int16]]] = defaultdict(list)
        handle_frame = TalkbackReceiver.handle_frame

        def record(receiver: TalkbackReceiver, frame: AudioFrame) -> None:
            self._received[id(receiver)].append(mono_samples(frame).copy())
            handle_frame(receiver, frame)

        monkeypatch.setattr(TalkbackReceiver, "handle_frame", record)

    def samples(self, here: Visit, side: Side) -> NDArray[np.float32]:
        """Return the samples that the room of `side` has received, full scale 1.0."""
        frames = self._received[id(here.kiosks[side]._media.talkback)]
        return np.concatenate([np.zeros(0, np.int16), *frames]).astype(np.float32) / 32768

    async def until(self, here: Visit, side: Side, seconds: float) -> None:
        """Wait until the room of `side` has received so many seconds."""
        async with asyncio.timeout(PATIENCE):
            while len(self.samples(here, side)) < seconds * listening.RATE:
                await asyncio.sleep(0.05)


def talkback_in(film: Path) -> tuple[float, float]:
    """Return from when to when (film seconds) talkback is on its track, and check that it is on no other."""
    levels = listening.loudness(film, TALKBACK, PITCH)
    spans = listening.spans([float(level > LOUD) for level in _smooth(levels)])
    for track in (PRISON_AUDIO, VISITOR_AUDIO):
        assert max(listening.loudness(film, track, PITCH)) < LOUD / 2
    return spans[0][0], spans[-1][1]


def _smooth(levels: list[float]) -> list[float]:
    """Return the highest of each three tenths of a second, as syllables have pauses."""
    return [max(levels[max(at - 1, 0) : at + 2]) for at in range(len(levels))]
