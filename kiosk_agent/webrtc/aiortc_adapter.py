"""The only file that reaches into aiortc 1.16 and aioice 0.13. It narrows what they offer (H.264 constrained baseline,
packetization-mode 1, Opus), keeps ICE on the way to the server and nowhere else, replaces the encoder by one whose
rate can change without a key frame, bounds the decoder's queue and counts packets as they arrive. Each patch is on one
connection's own objects, except the audio level, which is a pure function. Its test fails first when they move."""

import asyncio
import math
import queue
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, cast

import av
import numpy as np
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpReceiver, RTCRtpSender, RTCRtpTransceiver, clock, rtp
from aiortc.codecs.h264 import H264Encoder
from aiortc.codecs.opus import OpusEncoder
from aiortc.rtcconfiguration import RTCBundlePolicy
from av.video.codeccontext import VideoCodecContext

from huijian.demo.synthetic.voice_detector import rms
from kiosk_agent.media.source import SourceClock, mono_samples

FLOOR, START, CEILING = 150_000, 1_000_000, 1_500_000
"""Bit/s of the picture: aiortc never goes below 500 000, which starves narrow lines into loss."""
SOUND_RATE = 64_000
DECODE_AT_MOST = 64
"""Encoded frames waiting for a decoder thread; more means it cannot keep up and old pictures are worth nothing."""


@dataclass(slots=True)
class PacketMeter:
    """What arrived for one track. Times are seconds of the loop's clock; None before the first packet."""

    packets: int = 0
    octets: int = 0
    first_at: float | None = None
    last_at: float | None = None

    def count(self, octets: int) -> None:
        """One more packet, now."""
        self.last_at = asyncio.get_running_loop().time()
        if self.first_at is None:
            self.first_at = self.last_at
        self.packets += 1
        self.octets += octets


def new_connection() -> RTCPeerConnection:
    """A connection with one transport and no STUN or TURN server: aiortc's default would ask one on the Internet."""
    return RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))


def prefer_our_codecs(transceiver: RTCRtpTransceiver) -> None:
    """Offers nothing but what the archive can hold: H.264 constrained baseline mode 1 (with RTX), or Opus."""
    wanted = [
        codec
        for codec in RTCRtpSender.getCapabilities(transceiver.kind).codecs
        if codec.mimeType.lower() in ("audio/opus", "video/rtx") or codec.parameters.get("profile-level-id") == "42e01f"
    ]
    transceiver.setCodecPreferences(wanted)


def gather_on(connection: RTCPeerConnection, addresses: Sequence[str]) -> None:
    """Makes ICE use sockets on exactly these local addresses. aioice skips loopback, and would open one on every
    other network of the machine, which a kiosk has no business on. Before setLocalDescription."""
    ice = cast(Any, connection.getTransceivers()[0].sender.transport.transport._connection)
    gather, chosen = ice.get_component_candidates, list(addresses)

    async def ours(component: int, addresses: object, timeout: int = 5) -> Any:
        return await gather(component, chosen, timeout)

    ice.get_component_candidates = ours


def use_our_encoder(sender: RTCRtpSender) -> None:
    """Gives the sender our encoder before it makes its own."""
    encoder = KioskH264Encoder() if sender.kind == "video" else KioskOpusEncoder()
    setattr(sender, "_RTCRtpSender__encoder", encoder)  # noqa: B010  the name is mangled on purpose


def report_capture_times(sender: RTCRtpSender, zero: SourceClock) -> None:
    """Makes sender reports say when a frame was taken. aiortc says when its last packet left, which on a busy machine
    puts sound and picture apart by whatever each waited; lips are then wrong in every recording. Frames carry time
    since `zero` as their stamps, so the moment of any RTP stamp is known once the random origin is."""
    origin: int | None = None
    sent: int | None = None
    next_frame, send = sender._next_encoded_frame, sender._send_rtcp
    rate = 90_000 if sender.kind == "video" else 48_000

    async def noted(codec: Any) -> Any:
        nonlocal origin, sent
        if sent is not None and origin is None:  # asked for the next one: the one before has been sent
            origin = getattr(sender, "_RTCRtpSender__rtp_timestamp") - sent  # noqa: B009  mangled on purpose
        frame = await next_frame(codec)
        sent = frame.timestamp if frame is not None else sent
        return frame

    async def corrected(packets: list[Any]) -> None:
        if isinstance(packets[0], rtp.RtcpSrPacket) and origin is not None and zero.zero is not None:
            info = packets[0].sender_info
            taken = zero.zero + ((info.rtp_timestamp - origin) % (1 << 32)) / rate
            age = asyncio.get_running_loop().time() - taken
            info.ntp_timestamp = clock.current_ntp_time() - int(age * (1 << 32))
        await send(packets)

    cast(Any, sender)._next_encoded_frame = noted
    cast(Any, sender)._send_rtcp = corrected


def meter_feedback(sender: RTCRtpSender) -> PacketMeter:
    """Counts the RTCP packets that reach this sender: the sign that somebody takes what it sends."""
    meter, handle = PacketMeter(), sender._handle_rtcp_packet

    async def counted(packet: Any) -> None:
        meter.count(0)
        await handle(packet)

    cast(Any, sender)._handle_rtcp_packet = counted
    return meter


def meter_packets(receiver: RTCRtpReceiver) -> PacketMeter:
    """Counts RTP packets at the moment they are decrypted, whatever the decoder makes of them later."""
    meter, handle = PacketMeter(), receiver._handle_rtp_packet

    async def counted(packet: rtp.RtpPacket, arrival_time_ms: int) -> None:
        meter.count(len(packet.payload))
        await handle(packet, arrival_time_ms)

    cast(Any, receiver)._handle_rtp_packet = counted
    return meter


def bound_decoder(receiver: RTCRtpReceiver, on_drop: Callable[[int], None]) -> None:
    """Bounds the queue before the decoder thread, which aiortc leaves endless. What overflows is dropped whole and a
    key frame is asked for, as after a decoding error. Before the connection starts."""
    prefix = "_RTCRtpReceiver__decoder_"
    failed = getattr(receiver, f"{prefix}error")

    def overflow(count: int) -> None:
        failed.set()
        on_drop(count)

    setattr(receiver, f"{prefix}queue", _LeakyQueue(DECODE_AT_MOST, overflow))


class _LeakyQueue(queue.Queue[Any]):
    """Never blocks the event loop and never grows: when full, everything waiting is thrown away."""

    def __init__(self, limit: int, on_drop: Callable[[int], None]) -> None:
        super().__init__()
        self._limit, self._on_drop = limit, on_drop

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """Queues `item`; None (the end) is always kept."""
        if item is not None and self.qsize() >= self._limit:
            with self.mutex:
                dropped = len(self.queue)
                self.queue.clear()
            self._on_drop(dropped)
        super().put(item, block, timeout)


class KioskH264Encoder(H264Encoder):
    """aiortc's packetization with an encoder of our own settings: one thread (two kiosks share two cores), a rate
    that x264 takes over while running, and a buffer that keeps key frames from bursting through narrow lines."""

    def __init__(self) -> None:
        super().__init__()
        self._rate = START

    @property
    def target_bitrate(self) -> int:
        """Bit/s wanted now."""
        return self._rate

    @target_bitrate.setter
    def target_bitrate(self, bitrate: int) -> None:
        self._rate = max(FLOOR, min(bitrate, CEILING))

    def _encode_frame(self, frame: av.VideoFrame, force_keyframe: bool) -> Iterator[bytes]:
        if self.codec is None or (frame.width, frame.height) != (self.codec.width, self.codec.height):
            self.codec = _x264(frame.width, frame.height)
        if abs(self._rate - (self.codec.bit_rate or 0)) > self._rate // 20:
            self.codec.bit_rate = self._rate  # libx264 reconfigures itself before the next frame
        kinds = av.video.frame.PictureType
        frame.pict_type = kinds.I if force_keyframe else kinds.NONE
        data = b"".join(bytes(packet) for packet in self.codec.encode(frame))
        yield from self._split_bitstream(data)


def _x264(width: int, height: int) -> VideoCodecContext:
    """A running x264 changes its rate only when it began as constant-rate (bit_rate = maxrate), and never upwards of
    where it began: so it begins at the ceiling and is turned down before the first frame."""
    codec = av.CodecContext.create("libx264", "w")
    codec.width, codec.height, codec.pix_fmt = width, height, "yuv420p"
    codec.bit_rate, codec.profile = CEILING, "Baseline"
    codec.framerate, codec.time_base = Fraction(25), Fraction(1, 90_000)
    codec.thread_count = 1
    codec.options = {
        "level": "31",
        "preset": "veryfast",
        "tune": "zerolatency",
        "forced-idr": "1",
        "g": "250",
        "qmin": "20",  # a still room must not be polished until it fills the rate
        "maxrate": str(CEILING),
        "bufsize": str(CEILING // 5),
    }
    codec.open()
    return codec


class KioskOpusEncoder(OpusEncoder):
    """aiortc's settings at our rate, without its resampler: that holds each frame back until the next one, and the
    sender reports would then call all sound 20 ms later than it is."""

    def __init__(self) -> None:
        super().__init__()
        self.codec.bit_rate = SOUND_RATE

    def encode(self, frame: av.frame.Frame, force_keyframe: bool = False) -> tuple[list[bytes], int]:
        """One 20 ms frame (mono, 48 kHz, signed 16 bit) in, one packet out, stamped in samples."""
        assert isinstance(frame, av.AudioFrame)
        both = np.repeat(mono_samples(frame), 2).reshape(1, -1)
        stereo = av.AudioFrame.from_ndarray(both, format="s16", layout="stereo")
        stereo.sample_rate, stereo.pts, stereo.time_base = frame.sample_rate, frame.pts, frame.time_base
        return [bytes(packet) for packet in self.codec.encode(stereo)], frame.pts or 0


def _audio_level(frame: av.AudioFrame) -> int:
    """RFC 6465's level of a frame, -127 to 0 dBov. The library's own loop in Python takes 4 % of a core."""
    loud = rms(mono_samples(frame))
    return round(min(0.0, max(-127.0, 20 * math.log10(loud)))) if loud > 0 else -127


rtp.compute_audio_level_dbov = _audio_level
