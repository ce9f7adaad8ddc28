"""Tests of the module that uses internals of aiortc and aioice; they fail first when the internals change."""

import asyncio
import math
from fractions import Fraction

import numpy as np
import pytest
from aiortc import rtp
from aiortc.codecs.h264 import H264Decoder
from aiortc.jitterbuffer import JitterFrame
from av import VideoFrame

from broker.kernel.ids import Side
from huijian.demo.synthetic.frame_code import FrameCode, code_in
from huijian.demo.synthetic.sources import GeneratedVideo
from huijian.demo.synthetic.voice import SyntheticVoice
from kiosk_agent.media.frames import CHUNK, luma, sound_frame
from kiosk_agent.media.source import SourceClock
from kiosk_agent.webrtc import aiortc_adapter


def _frames(count: int) -> list[VideoFrame]:
    room = GeneratedVideo(Side.PRISON, SourceClock())
    frames = []
    for number in range(count):
        frame = VideoFrame.from_ndarray(room.picture(number), format="yuv420p")
        frame.pts, frame.time_base = number * 3600, Fraction(1, 90_000)
        frames.append(frame)
    return frames


def _kinds(payloads: list[bytes]) -> set[int]:
    """Return the NAL unit types inside RTP payloads (RFC 6184), of fragments the type of the unit."""
    kinds = set()
    for payload in payloads:
        kind = payload[0] & 31
        if kind == 24:
            at = 1
            while at < len(payload):
                kinds.add(payload[at + 2] & 31)
                at += 2 + int.from_bytes(payload[at : at + 2], "big")
        else:
            kinds.add(payload[1] & 31 if kind == 28 else kind)
    return kinds


class TestEncoder:
    """The H.264 that a kiosk sends."""

    def test_it_is_constrained_baseline_with_parameter_sets_in_band(self) -> None:
        encoder = aiortc_adapter.KioskH264Encoder()
        payloads, stamp = encoder.encode(_frames(1)[0], force_keyframe=True)
        assert stamp == 0
        assert {5, 7, 8} <= _kinds(payloads)
        units = b"".join(payloads)
        profile = units.find(b"\x67")
        assert units[profile + 1] == 66
        assert units[profile + 2] & 0x40

    def test_a_key_frame_comes_when_asked_for_and_not_otherwise(self) -> None:
        encoder = aiortc_adapter.KioskH264Encoder()
        keys = [
            5 in _kinds(encoder.encode(frame, force_keyframe=number == 20)[0])
            for number, frame in enumerate(_frames(40))
        ]
        assert [number for number, key in enumerate(keys) if key] == [0, 20]

    def test_the_rate_follows_within_bounds_without_a_key_frame(self) -> None:
        encoder = aiortc_adapter.KioskH264Encoder()
        sizes, keys = [], []
        for number, frame in enumerate(_frames(150)):
            if number == 75:
                encoder.target_bitrate = 200_000
            payloads, _ = encoder.encode(frame)
            sizes.append(sum(map(len, payloads)))
            keys.append(5 in _kinds(payloads))
        assert keys.count(True) == 1
        fast, slow = sum(sizes[25:75]) * 8 / 2, sum(sizes[100:150]) * 8 / 2
        assert slow < 300_000
        assert fast > 1.5 * slow
        encoder.target_bitrate = 1
        assert encoder.target_bitrate == aiortc_adapter.FLOOR
        encoder.target_bitrate = 10**9
        assert encoder.target_bitrate == aiortc_adapter.CEILING

    def test_no_payload_is_larger_than_a_datagram_may_be(self) -> None:
        payloads, _ = aiortc_adapter.KioskH264Encoder().encode(_frames(1)[0], force_keyframe=True)
        assert max(map(len, payloads)) <= 1300

    def test_a_picture_of_another_size_starts_a_new_stream(self) -> None:
        encoder = aiortc_adapter.KioskH264Encoder()
        first, second = _frames(2)
        encoder.encode(first)
        assert 7 in _kinds(encoder.encode(second.reformat(width=320, height=180), False)[0])

    def test_aiortc_decodes_it(self) -> None:
        encoder, decoder = aiortc_adapter.KioskH264Encoder(), H264Decoder()
        seen = []
        for frame in _frames(5):
            units = b"".join(b"\0\0\0\1" + unit for unit in encoder._encode_frame(frame, force_keyframe=False))
            seen += [code_in(luma(each)) for each in decoder.decode(JitterFrame(units, frame.pts))]
        assert seen[0] == FrameCode(Side.PRISON, 0)


class TestSound:
    """The Opus that a kiosk sends, 20 ms in a packet."""

    def test_each_frame_gives_its_packet_at_once_with_its_own_time(self) -> None:
        encoder, voice = aiortc_adapter.KioskOpusEncoder(), SyntheticVoice(Side.PRISON)
        for number in range(3, 20):
            packets, stamp = encoder.encode(sound_frame(voice.samples(number * CHUNK, CHUNK), number * CHUNK))
            assert len(packets) == 1
            assert stamp == number * CHUNK


class TestConnection:
    """The addresses of ICE, the bounded decoder, and the patched hooks."""

    async def test_no_stun_or_turn_server_is_used(self) -> None:
        connection = aiortc_adapter.new_connection()
        connection.addTransceiver("video")
        ice = connection.getTransceivers()[0].sender.transport.transport._connection
        assert ice.stun_server is None
        assert ice.turn_server is None
        await connection.close()

    async def test_ice_opens_sockets_on_the_chosen_addresses_only(self) -> None:
        connection = aiortc_adapter.new_connection()
        for kind in ("audio", "video"):
            connection.addTransceiver(kind)
        aiortc_adapter.gather_on(connection, ["127.0.0.1"])
        await connection.setLocalDescription(await connection.createOffer())
        ice = connection.getTransceivers()[0].sender.transport.transport
        assert [each.ip for each in ice.iceGatherer.getLocalCandidates()] == ["127.0.0.1"]
        await connection.close()

    async def test_a_decoder_that_cannot_keep_up_drops_pictures(self) -> None:
        connection, dropped = aiortc_adapter.new_connection(), []
        receiver = connection.addTransceiver("video").receiver
        aiortc_adapter.bound_decoder(receiver, dropped.append)
        waiting = receiver._RTCRtpReceiver__decoder_queue
        for number in range(aiortc_adapter.DECODE_AT_MOST + 1):
            waiting.put(("codec", number))
        assert dropped == [aiortc_adapter.DECODE_AT_MOST]
        assert waiting.qsize() == 1
        assert receiver._RTCRtpReceiver__decoder_error.is_set()
        await connection.close()

    async def test_pictures_go_on_at_once_after_a_cut_though_packets_are_missing(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connection = aiortc_adapter.new_connection()
        receiver = connection.addTransceiver("video").receiver
        aiortc_adapter.skip_cuts(receiver)
        now, loop = 100.0, asyncio.get_running_loop()
        monkeypatch.setattr(loop, "time", lambda: now)

        async def take(number: int) -> None:
            packet = rtp.RtpPacket(payload_type=96, sequence_number=number, timestamp=number, ssrc=7)
            await receiver._handle_rtp_packet(packet, 0)

        buffer = receiver._RTCRtpReceiver__jitter_buffer
        await take(1)
        now += aiortc_adapter.CUT
        await take(2)
        assert receiver._RTCRtpReceiver__jitter_buffer is buffer, "nothing is missing"
        await take(9)
        assert receiver._RTCRtpReceiver__jitter_buffer is buffer, "what is missing may still come"
        now += aiortc_adapter.CUT
        await take(99)
        assert receiver._RTCRtpReceiver__jitter_buffer is not buffer
        assert receiver._RTCRtpReceiver__decoder_error.is_set(), "a keyframe is asked for"
        monkeypatch.undo()
        await connection.close()

    async def test_the_hooks_that_are_patched_exist(self) -> None:
        connection = aiortc_adapter.new_connection()
        transceiver = connection.addTransceiver("video")
        assert hasattr(transceiver.sender, "_RTCRtpSender__encoder")
        assert asyncio.iscoroutinefunction(transceiver.sender._handle_rtcp_packet)
        assert asyncio.iscoroutinefunction(transceiver.receiver._handle_rtp_packet)
        await connection.close()


class TestAudioLevel:
    """The level of RFC 6465, which agrees with that of the library's own loop."""

    @pytest.mark.parametrize("peak", [0, 1, 100, 5000, 32767])
    def test_levels_agree_with_the_definition(self, peak: int) -> None:
        samples = (np.sin(np.arange(960)) * peak).astype(np.int16)
        power = float(np.mean((samples.astype(float) / 32767) ** 2))
        expected = -127 if power == 0 else max(-127, round(10 * math.log10(power)))
        assert rtp.compute_audio_level_dbov(sound_frame(samples, 0)) == pytest.approx(expected, abs=1)
