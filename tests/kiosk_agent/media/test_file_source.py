"""Tests of files as sources, which are decoded, paced and repeated."""

import asyncio
from pathlib import Path

import av
import numpy as np
import pytest
from av import VideoFrame

from broker.kernel.ids import Side
from huijian.demo.synthetic.frame_code import code_in
from huijian.demo.synthetic.voice_detector import side_heard
from kiosk_agent.media.frames import luma, mono_samples
from kiosk_agent.media.source import RoomSources, SourceError
from kiosk_agent.media.sources import file_sources
from tests.support.lateness import lateness

FRAME_RATE, LENGTH = 25, 50  # pictures a second, and in the whole `film`


class TestFile:
    """Files are decoded, paced and repeated."""

    async def test_it_plays_at_its_own_speed_and_begins_again_with_both_tracks_together(self, film: Path) -> None:
        room = file_sources(film, (320, 180))
        loop = asyncio.get_running_loop()
        begun = loop.time()
        async with lateness() as late:
            pictures, sounds = await asyncio.gather(_read(room.tracks()[0], 60), _read_audio(room, 120))
        spent = loop.time() - begun
        await room.close()
        assert 2.0 < spent < 2.8 + late.seconds
        codes = [code_in(luma(each)) for each in pictures]
        moments = [round(each.pts * FRAME_RATE / 90_000) for each in pictures]
        assert [code.number for code in codes if code] == [moment % LENGTH for moment in moments]
        assert moments == sorted(set(moments)) and moments[0] == 0
        assert moments[-1] == len(moments) - 1 + room.video.skipped, "only pictures that were late are left out"
        assert late.seconds > 0.2 or room.video.skipped == 0
        assert {code.side for code in codes if code} == {Side.VISITOR}
        assert side_heard(_joined(sounds)) is Side.VISITOR

    async def test_a_file_without_sound_is_refused_when_sound_is_wanted(self, tmp_path: Path) -> None:
        silent = tmp_path / "silent.mp4"
        with av.open(silent, "w") as out:
            stream = out.add_stream("libx264", rate=25)
            stream.width = stream.height = 64
            out.mux(stream.encode(VideoFrame(64, 64, "yuv420p")))
            out.mux(stream.encode(None))
        room = file_sources(silent)
        with pytest.raises(SourceError, match="no audio"):
            await room.audio.take()
        await room.close()


async def _read(track: object, count: int) -> list:  # type: ignore[type-arg]
    return [await track.recv() for _ in range(count)]  # type: ignore[attr-defined]


async def _read_audio(room: RoomSources, count: int) -> list:  # type: ignore[type-arg]
    return [await room.audio.take() for _ in range(count)]


def _joined(frames: list) -> np.ndarray:  # type: ignore[type-arg]
    return np.concatenate([mono_samples(each) for each in frames])
