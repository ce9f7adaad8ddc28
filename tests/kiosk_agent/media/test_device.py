"""Tests of camera and microphone, with files in the place of devices."""

import asyncio
import wave
from pathlib import Path

import numpy as np
import pytest

from huijian.demo.synthetic.frame_code import code_in
from kiosk_agent.media.device import Camera, Microphone
from kiosk_agent.media.frames import CHUNK, RATE, luma
from kiosk_agent.media.source import RoomSources, SourceClock, SourceError


class TestDevices:
    """Camera and microphone, with files in the place of devices."""

    async def test_camera_and_microphone_are_read_in_threads(self, film: Path) -> None:
        clock = SourceClock()
        room = RoomSources(Camera(str(film), clock), Microphone(str(film), clock, format_name=None), clock)
        video, audio = room.tracks()
        (picture,), (sound,) = await asyncio.gather(_read(video, 1), _read(audio, 1))
        assert code_in(luma(picture)) is not None
        assert sound.samples == CHUNK
        await room.close()

    async def test_a_missing_camera_raises(self, tmp_path: Path) -> None:
        camera = Camera(str(tmp_path / "none.mp4"), SourceClock())
        for _ in range(2):  # it is opened again each time, as it may have been plugged in meanwhile
            with pytest.raises(SourceError, match="cannot be opened"):
                await camera.take()
        await camera.close()

    async def test_a_missing_microphone_raises(self, tmp_path: Path) -> None:
        microphone = Microphone(str(tmp_path / "none.wav"), SourceClock(), format_name=None)
        with pytest.raises(SourceError):
            await microphone.take()
        await microphone.close()

    @pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 96_000])
    async def test_a_microphone_of_another_rate_is_heard_at_ours(self, tmp_path: Path, rate: int) -> None:
        path = tmp_path / "sound.wav"
        with wave.open(str(path), "wb") as sound:
            sound.setnchannels(2)
            sound.setsampwidth(2)
            sound.setframerate(rate)
            sound.writeframes((np.sin(np.arange(2 * rate) * 0.1) * 8000).astype("<i2").repeat(2).tobytes())
        microphone = Microphone(str(path), SourceClock(), format_name=None)
        frames = [await microphone.take() for _ in range(10)]
        await microphone.close()
        assert {(frame.sample_rate, frame.samples) for frame in frames} == {(RATE, CHUNK)}  # type: ignore[union-attr]


async def _read(track: object, count: int) -> list:  # type: ignore[type-arg]
    return [await track.recv() for _ in range(count)]  # type: ignore[attr-defined]
