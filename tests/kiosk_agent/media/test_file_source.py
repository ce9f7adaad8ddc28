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


class TestFile:
    """Files are decoded, paced and repeated."""

    async def test_it_plays_at_its_own_speed_and_begins_again_with_both_tracks_together(self, film: Path) -> None:
        room = file_sources(film, (320, 180))
        loop = asyncio.get_running_loop()
        begun = loop.time()
        pictures, sounds = await asyncio.gather(_read(room.tracks()[0], 60), _read_audio(room, 120))
        await room.close()
        assert loop.time() - begun == pytest.approx(2.4, abs=0.4)
        codes = [code_in(luma(each)) for each in pictures]
        assert [code.number for code in codes if code] == [*range(50), *range(10)]
        assert {code.side for code in codes if code} == {Side.VISITOR}
        assert side_heard(_joined(sounds)) is Side.VISITOR
        assert pictures[50].pts / 90_000 == pytest.approx(2.0, abs=0.05)

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
