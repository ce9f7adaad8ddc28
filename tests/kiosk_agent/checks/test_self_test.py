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
from numpy.typing import NDArray

from broker.kernel.ids import Side
from broker.session.parts.equipment import verdicts
from config.pack_loader import load_pack
from huijian.demo.synthetic.sources import generated_sources
from huijian.demo.synthetic.voice import SyntheticVoice
from kiosk_agent.checks.self_test import SelfTestResult, self_test
from kiosk_agent.media.frames import CHUNK, RATE, VIDEO_BASE, Frame, sound_frame
from kiosk_agent.media.mixer import Input
from kiosk_agent.media.source import RoomSources, Source, SourceError
from kiosk_agent.media.speaker import Speaker
from kiosk_agent.webrtc.peer import ServerAccess
from tests.support.kiosk.answerer import TOKEN, answering

RULES = load_pack("yunnan").equipment
GOOD_HERE = {
    **dict.fromkeys(("camera", "black", "frozen", "microphone", "clipped", "network", "clock", "disk"), "passed"),
    **dict.fromkeys(("speaker", "line", "hum"), "not_checked"),
}
"""Verdicts that any machine gives a generated room whose sound is 0.3 s long; a temperature is not everywhere."""


def judged(result: SelfTestResult) -> dict[str, str]:
    """Return the verdicts that the server would give, without those that depend on the machine or the scene."""
    found = verdicts(result.figures, RULES)
    return {check: str(verdict) for check, verdict in found.items() if check not in OTHERS}


OTHERS = ("temperature", "blurred", "backlit")


class Air(Source):
    """Microphone that hears what is played a tenth of a second later, over hiss."""

    kind = "audio"

    def __init__(self) -> None:
        self._sound = np.random.default_rng(1).normal(0, 30, RATE * 10).astype(np.int16)
        self._at = 0

    def play(self, tone: NDArray[np.int16]) -> None:
        """Play a tone from now on."""
        start = self._at + RATE // 10
        self._sound[start : start + len(tone)] += tone // 10

    async def _next(self) -> Frame:
        await asyncio.sleep(0.001)
        self._at += CHUNK
        return sound_frame(self._sound[self._at - CHUNK : self._at], self._at - CHUNK)


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
        assert judged(result) == GOOD_HERE
        assert result.passed

    @pytest.mark.parametrize(
        ("camera", "faults", "usable"),
        [
            (StillSource(_plain(16)), {"black", "frozen"}, True),
            (StillSource(_plain(120)), {"frozen"}, True),
            (BrokenSource(), {"camera"}, False),
        ],
    )
    async def test_a_black_a_frozen_and_a_missing_camera_fail(
        self, camera: Source, faults: set[str], usable: bool, access: ServerAccess, room: RoomSources
    ) -> None:
        result = await self_test(RoomSources(camera, room.audio), False, access, None)
        found = judged(result)
        assert {check for check, verdict in found.items() if verdict == "failed"} == faults
        assert result.passed is usable

    async def test_a_dead_microphone_fails(self, access: ServerAccess, room: RoomSources) -> None:
        dead = StillSource(sound_frame(np.zeros(CHUNK, np.int16), 0))
        result = await self_test(RoomSources(room.video, dead), False, access, None)
        assert judged(result)["microphone"] == "failed"
        assert not result.passed

    async def test_a_server_that_does_not_answer_fails(self, room: RoomSources) -> None:
        async with aiohttp.ClientSession() as http:
            result = await self_test(room, False, ServerAccess(http, "http://127.0.0.1:1", TOKEN), None)
        assert judged(result)["network"] == "not_checked"
        assert not result.passed

    @pytest.mark.parametrize(("works", "verdict"), [(True, "passed"), (False, "failed")])
    async def test_the_loudspeaker_has_to_be_found_in_the_microphone(
        self, works: bool, verdict: str, access: ServerAccess, room: RoomSources
    ) -> None:
        microphone = Air()

        async def play(tone: NDArray[np.int16]) -> bool:
            microphone.play(tone if works else tone * 0)
            return True

        result = await self_test(RoomSources(room.video, microphone), False, access, play)
        assert judged(result)["speaker"] == verdict
        assert not works or result.figures["delay"] >= 100

    async def test_a_loudspeaker_that_cannot_be_opened_fails(self, access: ServerAccess, room: RoomSources) -> None:
        async def play(_: NDArray[np.int16]) -> bool:
            return False

        assert judged(await self_test(room, False, access, play))["speaker"] == "failed"

    async def test_while_publishing_no_frame_is_taken_away(self, access: ServerAccess, room: RoomSources) -> None:
        async def publish(source: Source) -> list[int]:
            return [(await source.take()).pts or 0 for _ in range(80 if source.kind == "audio" else 40)]

        readers = asyncio.gather(publish(room.video), publish(room.audio))
        result = await self_test(room, True, access, None)
        video, audio = await readers
        assert result.passed and result.figures["change"] > 0
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
        tone = np.full(RATE // 5, 1000, np.int16)
        assert Speaker(str(tmp_path / "chime.wav"), "wav").chime(tone)
        assert not Speaker(str(tmp_path / "nowhere" / "chime.wav"), "wav").chime(tone)
        with av.open(tmp_path / "chime.wav") as played:
            assert sum(frame.samples for frame in played.decode(audio=0)) / RATE == pytest.approx(0.2)

    def test_a_missing_device_is_not_used_again_and_raises_nothing(self, tmp_path: Path) -> None:
        speaker = Speaker(str(tmp_path / "nowhere" / "x.wav"), "wav")
        speaker.play(sound_frame(np.zeros(CHUNK, np.int16), 0))
        speaker.close()
        assert speaker.failed
        speaker.play(sound_frame(np.zeros(CHUNK, np.int16), 0))
        speaker.close()
