"""Tests of the equipment test, which reads real frames and each part of which can fail (Yunnan 12)."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import av
import numpy as np
import pytest
from aiohttp import web
from av import VideoFrame

from broker.kernel.ids import Side
from huijian.demo.synthetic.sources import generated_sources
from huijian.demo.synthetic.voice import SyntheticVoice
from kiosk_agent.checks.self_test import Outcome, self_test
from kiosk_agent.media.frames import CHUNK, RATE, VIDEO_BASE, Frame, sound_frame
from kiosk_agent.media.mixer import Input
from kiosk_agent.media.source import RoomSources, Source, SourceError
from kiosk_agent.media.speaker import Speaker
from kiosk_agent.webrtc.peer import ServerAccess
from tests.support.kiosk.answerer import TOKEN, answering


class StillSource(Source):
    """Source that gives the same frame for ever."""

    def __init__(self, frame: Frame) -> None:
        self.kind = "video" if isinstance(frame, VideoFrame) else "audio"
        self._frame = frame

    async def _next(self) -> Frame:
        await asyncio.sleep(0.001)
        return self._frame


class BrokenSource(Source):
    """Source of a device that is unplugged."""

    kind = "video"

    async def _next(self) -> Frame:
        raise SourceError("unplugged")


def _plain(level: int) -> VideoFrame:
    frame = VideoFrame.from_ndarray(np.full((270, 320), level, np.uint8), format="yuv420p")
    frame.pts, frame.time_base = 0, VIDEO_BASE
    return frame


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a test 0.3 s long instead of one second: the generated voice has no pause at its start."""
    monkeypatch.setattr("kiosk_agent.checks.self_test.SOUNDS", 15)


@pytest.fixture
async def access() -> AsyncIterator[ServerAccess]:
    """Access to a server that answers to /healthz."""

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({})

    async with answering(lambda app: app.router.add_get("/healthz", healthz)) as (_far, access):
        yield access


@pytest.fixture
def room() -> RoomSources:
    """Sources of a room without faults."""
    return generated_sources(Side.PRISON, size=(320, 180))


class TestEachPart:
    """Each part passes, fails, or is not checked."""

    async def test_a_room_without_faults_passes_and_a_missing_loudspeaker_is_not_checked(
        self, access: ServerAccess, room: RoomSources
    ) -> None:
        result = await self_test(room, False, access, None)
        assert result.camera is result.microphone is result.network is Outcome.PASSED
        assert result.speaker is Outcome.NOT_CHECKED
        assert result.passed

    @pytest.mark.parametrize("camera", [StillSource(_plain(16)), StillSource(_plain(120)), BrokenSource()])
    async def test_a_black_a_frozen_and_a_missing_camera_fail(
        self, camera: Source, access: ServerAccess, room: RoomSources
    ) -> None:
        result = await self_test(RoomSources(camera, room.audio), False, access, None)
        assert result.camera is Outcome.FAILED
        assert result.microphone is Outcome.PASSED
        assert not result.passed

    async def test_a_dead_microphone_fails(self, access: ServerAccess, room: RoomSources) -> None:
        dead = StillSource(sound_frame(np.zeros(CHUNK, np.int16), 0))
        result = await self_test(RoomSources(room.video, dead), False, access, None)
        assert result.microphone is Outcome.FAILED
        assert not result.passed

    async def test_a_server_that_does_not_answer_fails(self, room: RoomSources) -> None:
        async with aiohttp.ClientSession() as http:
            result = await self_test(room, False, ServerAccess(http, "http://127.0.0.1:1", TOKEN), None)
        assert result.network is Outcome.FAILED

    @pytest.mark.parametrize(("works", "outcome"), [(True, Outcome.PASSED), (False, Outcome.FAILED)])
    async def test_the_result_of_the_loudspeaker_counts(
        self, works: bool, outcome: Outcome, access: ServerAccess, room: RoomSources
    ) -> None:
        async def play() -> bool:
            return works

        result = await self_test(room, False, access, play)
        assert result.speaker is outcome
        assert result.passed is works

    async def test_while_publishing_no_frame_is_taken_away(self, access: ServerAccess, room: RoomSources) -> None:
        async def publish(source: Source) -> list[int]:
            return [(await source.take()).pts or 0 for _ in range(80 if source.kind == "audio" else 40)]

        readers = asyncio.gather(publish(room.video), publish(room.audio))
        result = await self_test(room, True, access, None)
        video, audio = await readers
        assert result.passed
        assert len(set(video)) == 40
        assert len(set(audio)) == 80


class TestSpeaker:
    """The loudspeaker, with a WAV file in the place of the device."""

    def test_played_frames_come_out_unchanged(self, tmp_path: Path) -> None:
        out = tmp_path / "played.wav"
        speaker = Speaker(str(out), "wav")
        voice = SyntheticVoice(Side.VISITOR)
        for number in range(8):
            speaker.play(sound_frame(voice.samples(number * CHUNK, CHUNK), number * CHUNK))
        speaker.close()
        with av.open(out) as played:
            samples = np.concatenate([frame.to_ndarray().reshape(-1) for frame in played.decode(audio=0)])
        assert np.array_equal(samples, voice.samples(0, 8 * CHUNK))
        assert (speaker.played, speaker.dropped, speaker.failed) == (8, 0, None)

    def test_talkback_is_played_over_the_far_room_and_alone(self, tmp_path: Path) -> None:
        out = tmp_path / "played.wav"
        speaker, room, officer = Speaker(str(out), "wav"), SyntheticVoice(Side.VISITOR), SyntheticVoice(Side.PRISON)
        for number in range(4):
            speaker.play(sound_frame(room.samples(number * CHUNK, CHUNK), number * CHUNK))
        for number in range(8):
            frame = sound_frame(officer.samples(number * CHUNK, CHUNK), number * CHUNK)
            speaker.play(frame, Input.OFFICER)
        speaker.close()
        with av.open(out) as played:
            samples = np.concatenate([frame.to_ndarray().reshape(-1) for frame in played.decode(audio=0)])
        assert 8 * CHUNK <= len(samples) <= 12 * CHUNK  # mixed as far as both were there at the same time
        assert np.array_equal(samples[-4 * CHUNK :], officer.samples(4 * CHUNK, 4 * CHUNK))

    def test_a_chime_returns_whether_it_could_be_played(self, tmp_path: Path) -> None:
        assert Speaker(str(tmp_path / "chime.wav"), "wav").chime()
        assert not Speaker(str(tmp_path / "nowhere" / "chime.wav"), "wav").chime()
        with av.open(tmp_path / "chime.wav") as played:
            assert sum(frame.samples for frame in played.decode(audio=0)) / RATE == pytest.approx(0.2)

    def test_a_missing_device_is_not_used_again_and_raises_nothing(self, tmp_path: Path) -> None:
        speaker = Speaker(str(tmp_path / "nowhere" / "x.wav"), "wav")
        speaker.play(sound_frame(np.zeros(CHUNK, np.int16), 0))
        speaker.close()
        assert speaker.failed
        speaker.play(sound_frame(np.zeros(CHUNK, np.int16), 0))
        speaker.close()
