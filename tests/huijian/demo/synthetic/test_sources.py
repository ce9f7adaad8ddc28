"""Tests of the generated room, whose picture and sound count from the same zero."""

import asyncio

import numpy as np
import pytest

from broker.kernel.ids import Side
from huijian.demo.synthetic.frame_code import FrameCode, code_in
from huijian.demo.synthetic.sources import GeneratedVideo, generated_sources
from huijian.demo.synthetic.voice_detector import marks_in
from kiosk_agent.media.frames import CHUNK, RATE, luma, mono_samples
from kiosk_agent.media.source import SourceClock


class TestGeneratedRoom:
    """The generated room: 640x360 at 25 frames a second, and a voice."""

    def test_a_picture_says_whose_and_which_it_is(self) -> None:
        room = GeneratedVideo(Side.PRISON, SourceClock())
        for number in range(40):
            assert code_in(room.picture(number)[:360]) == FrameCode(Side.PRISON, number)

    async def test_picture_and_sound_count_from_the_same_zero(self) -> None:
        room = generated_sources(Side.PRISON)
        video, audio = room.tracks()
        pictures, sounds = await asyncio.gather(_read(video, 20), _read(audio, 80))
        codes = [code_in(luma(each)) for each in pictures]
        assert [FrameCode(Side.PRISON, each.pts // 3600) for each in pictures] == codes
        assert all(each.pts % CHUNK == 0 for each in sounds)
        begun = sounds[0].pts / RATE
        marks = marks_in(_joined(sounds))
        assert marks
        assert all(mark.at == pytest.approx(mark.second - begun, abs=0.01) for mark in marks)

    async def test_a_stopped_track_does_not_stop_its_source(self) -> None:
        room = generated_sources(Side.PRISON)
        first, _ = room.tracks()
        await _read(first, 3)
        first.stop()
        again, _ = room.tracks()
        (frame,) = await _read(again, 1)
        code = code_in(luma(frame))
        assert code is not None
        assert code.number >= 3


async def _read(track: object, count: int) -> list:  # type: ignore[type-arg]
    return [await track.recv() for _ in range(count)]  # type: ignore[attr-defined]


def _joined(frames: list) -> np.ndarray:  # type: ignore[type-arg]
    return np.concatenate([mono_samples(each) for each in frames])
