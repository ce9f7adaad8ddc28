"""What officers say to rooms (插话): a microphone for Chromium, and the ears of the kiosks."""

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
from kiosk_agent.media.frames import mono_samples
from kiosk_agent.media.talkback import TalkbackReceiver
from tests.support import listening
from tests.support.visit import Visit

PITCH = 3200.0
"""Neither of the two that the generated rooms have: theirs are 2400 and 2800, 3600 and 4000
(huijian/demo/synthetic/voice.py)."""
LOUD = 0.02


def microphone(path: Path) -> str:
    """A file for Chromium's pretended microphone: syllables, as its noise suppression takes a steady tone away."""
    time = np.arange(10 * 48_000) / 48_000
    syllables = np.clip(np.sin(2 * np.pi * 4 * time) * 3, 0, 1)
    tone = sum(np.sin(2 * np.pi * pitch * time) for pitch in (200, 400, 800, 1600, PITCH, PITCH)) / 8
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes((tone * syllables * 20_000).astype(np.int16).tobytes())
    return f"--use-file-for-fake-audio-capture={path}"


class TalkbackRecorder:
    """What each kiosk's loudspeaker gets of officers."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._heard: dict[int, list[NDArray[np.int16]]] = defaultdict(list)
        heard = TalkbackReceiver.handle_frame

        def listen(talkback: TalkbackReceiver, frame: AudioFrame) -> None:
            self._heard[id(talkback)].append(mono_samples(frame).copy())
            heard(talkback, frame)

        monkeypatch.setattr(TalkbackReceiver, "handle_frame", listen)

    def of(self, here: Visit, side: Side) -> NDArray[np.float32]:
        """The samples of a room, 0 to 1."""
        frames = self._heard[id(here.kiosks[side]._media.talkback)]
        return np.concatenate([np.zeros(0, np.int16), *frames]).astype(np.float32) / 32768

    async def until(self, here: Visit, side: Side, seconds: float) -> None:
        """Wait until a room has got so much."""
        async with asyncio.timeout(15):
            while len(self.of(here, side)) < seconds * listening.RATE:
                await asyncio.sleep(0.05)


def spoken_in(film: Path) -> tuple[float, float]:
    """From when to when (film seconds) officers are heard on their track, which must be the only one they are on."""
    levels = listening.loudness(film, TALKBACK, PITCH)
    spoken = listening.spans([float(level > LOUD) for level in _smooth(levels)])
    for track in (PRISON_AUDIO, VISITOR_AUDIO):
        assert max(listening.loudness(film, track, PITCH)) < LOUD / 2
    return spoken[0][0], spoken[-1][1]


def _smooth(levels: list[float]) -> list[float]:
    """The loudest of each three tenths: syllables have pauses."""
    return [max(levels[max(at - 1, 0) : at + 2]) for at in range(len(levels))]
