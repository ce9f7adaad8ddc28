"""Tests of all sources, and of the frame codes and pilots of generated ones, which survive x264, Opus and files."""

import asyncio
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av import VideoFrame
from hypothesis import given
from hypothesis import strategies as st

from broker.kernel.ids import Side
from huijian.demo.synthetic.frame_code import NUMBERS, FrameCode, code_in, draw
from huijian.demo.synthetic.sources import GeneratedVideo, generated_sources
from huijian.demo.synthetic.voice import SyntheticVoice
from huijian.demo.synthetic.voice_detector import marks_in, side_heard
from kiosk_agent.media.device import Camera, Microphone
from kiosk_agent.media.frames import CHUNK, RATE, luma, mono_samples, rms
from kiosk_agent.media.source import FramePacer, RoomSources, SourceClock, SourceError
from kiosk_agent.media.sources import file_sources, open_sources
from kiosk_agent.webrtc import aiortc_adapter


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make two seconds of the visitor's generated room, H.264 and Opus in an MP4."""
    path = tmp_path_factory.mktemp("film") / "room.mp4"
    room, voice = GeneratedVideo(Side.VISITOR, SourceClock(), (320, 180)), SyntheticVoice(Side.VISITOR)
    with av.open(path, "w") as out:
        pictures, sounds = out.add_stream("libx264", rate=25), out.add_stream("libopus", rate=RATE, layout="mono")
        pictures.width, pictures.height, pictures.pix_fmt = 320, 180, "yuv420p"
        for number in range(50):
            frame = VideoFrame.from_ndarray(room.picture(number), format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            out.mux(pictures.encode(frame))
        for number in range(100):
            sound = av.AudioFrame.from_ndarray(voice.samples(number * CHUNK, CHUNK).reshape(1, -1), "s16", "mono")
            sound.sample_rate, sound.pts, sound.time_base = RATE, number * CHUNK, Fraction(1, RATE)
            out.mux(sounds.encode(sound))
        out.mux(pictures.encode(None))
        out.mux(sounds.encode(None))
    return path


class TestFrameCode:
    """The frame code in pictures, as drawn and as read."""

    @given(st.sampled_from(list(Side)), st.integers(0, NUMBERS - 1))
    def test_a_drawn_code_is_read(self, side: Side, number: int) -> None:
        picture = np.full((180, 320), 90, np.uint8)
        draw(picture, FrameCode(side, number))
        assert code_in(picture) == FrameCode(side, number)
        assert code_in(np.repeat(picture[:, :, None], 3, axis=2)) == FrameCode(side, number)

    @given(st.integers(0, NUMBERS - 1), st.integers(0, 31), st.integers(1, 6))
    def test_damaged_blocks_are_never_read_as_another_number(self, number: int, first: int, count: int) -> None:
        picture = np.zeros((180, 320), np.uint8)
        draw(picture, FrameCode(Side.PRISON, number))
        picture[:, first * 10 : (first + count) * 10] = 255 - picture[:, first * 10 : (first + count) * 10]
        assert code_in(picture) is None

    @pytest.mark.parametrize("level", [0, 16, 128, 255])
    def test_a_plain_picture_has_none(self, level: int) -> None:
        assert code_in(np.full((360, 640), level, np.uint8)) is None

    def test_noise_and_tiny_pictures_have_none(self) -> None:
        noise = np.random.default_rng(1).integers(0, 255, (360, 640), dtype=np.uint8)
        assert code_in(noise) is None
        assert code_in(noise[:8, :16]) is None

    @pytest.mark.parametrize("rate", [aiortc_adapter.FLOOR, aiortc_adapter.CEILING])
    def test_every_frame_is_recognised_after_the_kiosks_encoder(self, rate: int) -> None:
        room, encoder = GeneratedVideo(Side.PRISON, SourceClock()), aiortc_adapter.KioskH264Encoder()
        encoder.target_bitrate = rate
        decoder = av.CodecContext.create("h264", "r")
        read: list[FrameCode | None] = []
        for number in range(60):
            units = encoder._encode_frame(_timed(room, number), force_keyframe=number == 30)
            packet = av.Packet(b"".join(b"\0\0\0\1" + unit for unit in units))
            read += [code_in(luma(each)) for each in decoder.decode(packet)]
        read += [code_in(luma(each)) for each in decoder.decode(None)]
        assert read == [FrameCode(Side.PRISON, number) for number in range(60)]

    def test_it_is_read_from_a_smaller_copy(self) -> None:
        frame = _timed(GeneratedVideo(Side.VISITOR, SourceClock()), 4711)
        assert code_in(luma(frame.reformat(width=320, height=180))) == FrameCode(Side.VISITOR, 4711)


class TestGeneratedRoom:
    """The generated room: 640x360 at 25 frames a second, and a voice."""

    def test_a_picture_is_made_and_read_in_under_three_milliseconds(self) -> None:
        room = GeneratedVideo(Side.PRISON, SourceClock())
        spent = []
        for number in range(40):
            begun = time.thread_time()
            assert code_in(room.picture(number)[:360]) == FrameCode(Side.PRISON, number)
            spent.append(time.thread_time() - begun)
        assert float(np.median(spent)) < 0.003

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


class TestVoice:
    """The generated voice and what the detector finds in it."""

    @pytest.mark.parametrize("side", list(Side))
    def test_side_and_seconds_are_detected_after_opus(self, side: Side) -> None:
        encoder, decoder = aiortc_adapter.KioskOpusEncoder(), av.CodecContext.create("libopus", "r")
        voice, decoded = SyntheticVoice(side), []
        for number in range(200):
            sound = av.AudioFrame.from_ndarray(voice.samples(number * CHUNK, CHUNK).reshape(1, -1), "s16", "mono")
            sound.sample_rate, sound.pts, sound.time_base = RATE, number * CHUNK, Fraction(1, RATE)
            for packet in encoder.encode(sound)[0]:
                decoded += [mono_samples(each) for each in decoder.decode(av.Packet(packet))]
        samples = np.concatenate(decoded)
        assert side_heard(samples) is side
        assert [mark.second for mark in marks_in(samples)][:3] == [0, 1, 2]
        assert [mark.at for mark in marks_in(samples)][1:3] == pytest.approx([1.0, 2.0], abs=0.02)

    def test_silence_noise_and_both_voices_at_once_have_no_side(self) -> None:
        both = SyntheticVoice(Side.PRISON).samples(0, RATE) // 2 + SyntheticVoice(Side.VISITOR).samples(0, RATE) // 2
        noise = np.random.default_rng(1).normal(0, 3000, RATE).astype(np.int16)
        assert side_heard(np.zeros(RATE, np.int16)) is None
        assert side_heard(noise) is None
        assert side_heard(both) is None

    def test_any_part_of_the_voice_is_the_same_sound(self) -> None:
        voice = SyntheticVoice(Side.VISITOR)
        assert np.array_equal(voice.samples(0, 4 * CHUNK)[CHUNK : 3 * CHUNK], voice.samples(CHUNK, 2 * CHUNK))


class TestFramePacer:
    """Frame numbers by the loop's clock."""

    async def test_a_late_reader_loses_frames_instead_of_getting_old_ones(self) -> None:
        pacer = FramePacer(SourceClock(asyncio.get_running_loop().time()), period=0.01, patience=0.01)
        assert await pacer.next() == 0
        time.sleep(0.1)
        assert await pacer.next() >= 9
        assert pacer.skipped >= 8

    async def test_errors_do_not_add_up(self) -> None:
        loop = asyncio.get_running_loop()
        pacer = FramePacer(SourceClock(), period=0.005, patience=1.0)
        begun = loop.time()
        for _ in range(60):
            await pacer.next()
        spent = loop.time() - begun
        assert spent >= 59 * 0.005 - 0.001
        assert spent < 59 * 0.005 + 0.2  # sixty late wake-ups that add up would be far more on a busy machine


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

    @pytest.mark.parametrize("spec", ["", "file:", "file:/nowhere/at-all.mp4", "camera", "generated:1"])
    def test_a_text_that_names_no_source_is_refused(self, spec: str) -> None:
        with pytest.raises(SourceError):
            open_sources(spec, Side.PRISON, {"generated": generated_sources})


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


class TestLoudness:
    """Loudness by `rms`, of which full scale is one."""

    def test_silence_is_zero_and_a_full_square_is_one(self) -> None:
        assert rms(np.zeros(100, np.int16)) == 0.0
        assert rms(np.full(100, -32768, np.int16)) == 1.0
        assert rms(np.zeros(0, np.int16)) == 0.0


def _timed(room: GeneratedVideo, number: int) -> VideoFrame:
    frame = VideoFrame.from_ndarray(room.picture(number), format="yuv420p")
    frame.pts, frame.time_base = number * 3600, Fraction(1, 90_000)
    return frame


async def _read(track: object, count: int) -> list:  # type: ignore[type-arg]
    return [await track.recv() for _ in range(count)]  # type: ignore[attr-defined]


async def _read_audio(room: RoomSources, count: int) -> list:  # type: ignore[type-arg]
    return [await room.audio.take() for _ in range(count)]


def _joined(frames: list) -> np.ndarray:  # type: ignore[type-arg]
    return np.concatenate([mono_samples(each) for each in frames])
