"""The only module that uses internals of aiortc 1.16 and aioice 0.13. It limits what they offer (H.264 constrained
baseline, packetization-mode 1, Opus), limits ICE to the addresses that lead to the server, replaces the encoder by one
whose rate can change without a key frame, bounds the decoder's queue and counts packets as they arrive. Each patch
changes the objects of one connection, except the audio level, which is a pure function. Its test fails first when the
internals change."""

import asyncio
import math
import queue
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any, NamedTuple, cast

import av
import numpy as np
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpReceiver, RTCRtpSender, RTCRtpTransceiver, clock, rtp
from aiortc.codecs.h264 import H264Encoder
from aiortc.codecs.opus import OpusEncoder
from aiortc.jitterbuffer import JitterBuffer
from aiortc.rtcconfiguration import RTCBundlePolicy
from aiortc.rtcrtpreceiver import NackGenerator, StreamStatistics
from av.video.codeccontext import VideoCodecContext

from kiosk_agent.media.frames import mono_samples, rms
from kiosk_agent.media.source import SourceClock

FLOOR, START, CEILING = 150_000, 1_000_000, 1_500_000
"""Lowest, first and highest bit/s of the picture: aiortc never goes below 500 000, which overloads narrow lines."""
SOUND_RATE = 64_000
"""Bit/s of the sound."""
CUT = 1.0
"""Seconds without a packet after which missing ones are not waited for: their sender has none of them left."""
DECODE_AT_MOST = 64
"""Encoded frames that may wait for a decoder thread; with more it cannot keep up, and old pictures are useless."""


@dataclass(slots=True)
class PacketMeter:
    """Counts of what arrived for one track. Times are seconds of the loop's clock, None before the first packet."""

    packets: int = 0
    octets: int = 0
    first_at: float | None = None
    last_at: float | None = None

    def count(self, octets: int) -> None:
        """Count one packet that arrives now."""
        self.last_at = asyncio.get_running_loop().time()
        if self.first_at is None:
            self.first_at = self.last_at
        self.packets += 1
        self.octets += octets


def new_connection() -> RTCPeerConnection:
    """Return a connection with one transport and no STUN or TURN server: aiortc's default uses one on the Internet."""
    return RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))


def prefer_our_codecs(transceiver: RTCRtpTransceiver) -> None:
    """Offer only what the archive can hold: H.264 constrained baseline mode 1 (with RTX), or Opus."""
    wanted = [
        codec
        for codec in RTCRtpSender.getCapabilities(transceiver.kind).codecs
        if codec.mimeType.lower() in ("audio/opus", "video/rtx") or codec.parameters.get("profile-level-id") == "42e01f"
    ]
    transceiver.setCodecPreferences(wanted)


def gather_on(connection: RTCPeerConnection, addresses: Sequence[str]) -> None:
    """Make ICE use sockets on exactly these local addresses; call it before setLocalDescription. aioice skips loopback,
    and would open a socket on every other network of the machine, which a kiosk must not use."""
    ice = cast(Any, connection.getTransceivers()[0].sender.transport.transport._connection)
    gather, chosen = ice.get_component_candidates, list(addresses)

    async def ours(component: int, addresses: object, timeout: int = 5) -> Any:
        return await gather(component, chosen, timeout)

    ice.get_component_candidates = ours


def use_our_encoder(sender: RTCRtpSender) -> None:
    """Give the sender the encoder of this module before it makes its own."""
    encoder = KioskH264Encoder() if sender.kind == "video" else KioskOpusEncoder()
    setattr(sender, "_RTCRtpSender__encoder", encoder)  # noqa: B010  the name is mangled on purpose


def report_capture_times(sender: RTCRtpSender, zero: SourceClock) -> None:
    """Make sender reports carry the time at which a frame was captured. aiortc reports when its last packet left; on a
    busy machine sound and picture then differ by their waiting times, and lips are wrong in every recording. The time
    stamps of frames count from `zero`, so the moment of any RTP stamp follows from the random origin."""
    origin: int | None = None
    sent: int | None = None
    next_frame, send = sender._next_encoded_frame, sender._send_rtcp
    rate = 90_000 if sender.kind == "video" else 48_000

    async def next_encoded(codec: Any) -> Any:
        nonlocal origin, sent
        if sent is not None and origin is None:  # the next frame is requested, so the one before has been sent
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

    cast(Any, sender)._next_encoded_frame = next_encoded
    cast(Any, sender)._send_rtcp = corrected


def meter_feedback(sender: RTCRtpSender) -> PacketMeter:
    """Count the RTCP packets that reach this sender, which show that a receiver takes what it sends."""
    meter, handle = PacketMeter(), sender._handle_rtcp_packet

    async def counted(packet: Any) -> None:
        meter.count(0)
        await handle(packet)

    cast(Any, sender)._handle_rtcp_packet = counted
    return meter


def meter_packets(receiver: RTCRtpReceiver) -> PacketMeter:
    """Count RTP packets when they are decrypted, whatever the decoder makes of them later."""
    meter, handle = PacketMeter(), receiver._handle_rtp_packet

    async def counted(packet: rtp.RtpPacket, arrival_time_ms: int) -> None:
        meter.count(len(packet.payload))
        await handle(packet, arrival_time_ms)

    cast(Any, receiver)._handle_rtp_packet = counted
    return meter


def skip_cuts(receiver: RTCRtpReceiver) -> None:
    """Make the receiver go on with the newest packets after its line, or the sender's, was cut. aiortc would wait for
    those that are missing until five hundred others have come, and ask for them again and again."""
    handle, newest = receiver._handle_rtp_packet, dict[int, tuple[float, int]]()
    prefix = "_RTCRtpReceiver__"

    async def skipping(packet: rtp.RtpPacket, arrival_time_ms: int) -> None:
        now = asyncio.get_running_loop().time()
        at, number = newest.get(packet.ssrc, (now, packet.sequence_number - 1))
        newest[packet.ssrc] = now, packet.sequence_number
        if now - at >= CUT and (packet.sequence_number - number) & 0xFFFF > 1:
            before = getattr(receiver, f"{prefix}jitter_buffer")
            fresh = JitterBuffer(before.capacity, before._prefetch, before._is_video)
            setattr(receiver, f"{prefix}jitter_buffer", fresh)
            if before._is_video:
                setattr(receiver, f"{prefix}nack_generator", NackGenerator())
                getattr(receiver, f"{prefix}decoder_error").set()  # a keyframe is asked for
        await handle(packet, arrival_time_ms)

    cast(Any, receiver)._handle_rtp_packet = skipping


def bound_decoder(receiver: RTCRtpReceiver, on_drop: Callable[[int], None]) -> None:
    """Bound the queue before the decoder thread, which aiortc leaves unbounded; call it before the connection starts.
    When it overflows, all of it is dropped and a key frame is requested, as after a decoding error."""
    prefix = "_RTCRtpReceiver__decoder_"
    failed = getattr(receiver, f"{prefix}error")

    def overflow(count: int) -> None:
        failed.set()
        on_drop(count)

    setattr(receiver, f"{prefix}queue", _LeakyQueue(DECODE_AT_MOST, overflow))


class _LeakyQueue(queue.Queue[Any]):
    """Queue that never blocks the event loop and never grows: when it is full, everything in it is dropped."""

    def __init__(self, limit: int, on_drop: Callable[[int], None]) -> None:
        super().__init__()
        self._limit, self._on_drop = limit, on_drop

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """Queue `item`; None, which ends the decoder, is always kept."""
        if item is not None and self.qsize() >= self._limit:
            with self.mutex:
                dropped = len(self.queue)
                self.queue.clear()
            self._on_drop(dropped)
        super().put(item, block, timeout)


FIRST_NUMBER = 1
"""Sequence number of the first packet of a RawSender: a test has too few for the numbers to begin anew."""


class RawSender:
    """Sends RTP packets of a connected transceiver that has no track. Call it with the packet's number and payload; it
    returns the bytes of the packet before encryption. Raises ConnectionError when the connection is gone."""

    def __init__(self, transceiver: RTCRtpTransceiver) -> None:
        sender = cast(Any, transceiver.sender)
        self._transport, self._ssrc = sender.transport, sender._ssrc
        self._extensions = sender._RTCRtpSender__rtp_header_extensions_map
        self._mid, self._payload_type = transceiver.mid, cast(Any, transceiver)._codecs[0].payloadType

    async def __call__(self, number: int, payload: bytes) -> int:
        """Send the packet with this number, from 0 on."""
        packet = rtp.RtpPacket(
            payload_type=self._payload_type, sequence_number=FIRST_NUMBER + number, timestamp=960 * number, marker=0
        )
        packet.ssrc, packet.payload, packet.extensions.mid = self._ssrc, payload, self._mid
        data = packet.serialize(self._extensions)
        await self._transport._send_rtp(data)
        return len(data)


def take_reports(sender: RTCRtpSender, take: Callable[[int, int], None]) -> None:
    """Call `take` with each receiver report on this sender: the highest sequence number and how many were lost."""
    handle = sender._handle_rtcp_packet

    async def taken(packet: Any) -> None:
        for report in getattr(packet, "reports", ()):
            if report.ssrc == sender._ssrc:
                take(report.highest_sequence, report.packets_lost)
        await handle(packet)

    cast(Any, sender)._handle_rtcp_packet = taken


def take_packets(receiver: RTCRtpReceiver, take: Callable[[rtp.RtpPacket], None]) -> None:
    """Call `take` with each RTP packet that comes, instead of decoding it."""

    async def taken(packet: rtp.RtpPacket, arrival_time_ms: int) -> None:
        take(packet)

    cast(Any, receiver)._handle_rtp_packet = taken


REPORT_EVERY = 0.6
"""Seconds between the receiver reports of a connection that only reports."""


class _Header(NamedTuple):
    """What statistics need of an RTP header (RFC 3550 5.1)."""

    sequence_number: int
    timestamp: int


def only_report(by_kind: Mapping[str, RTCRtpReceiver]) -> dict[str, PacketMeter]:
    """Make all receivers of a connection report on what comes (RFC 3550 6.4) and do nothing else with it; call it
    before the connection starts. Many simulated viewers of a demonstration prove by such reports that they receive, and
    have no screen to decode for: one report for all streams, and only headers are read. Return the meters by kind."""
    receivers, by_payload_type = list(by_kind.values()), _ByPayloadType(by_kind)
    transport = cast(Any, receivers[0].transport)

    async def counted(data: bytes, arrival_time_ms: int) -> None:
        by_payload_type.count(data)

    transport._handle_rtp_data = counted
    for receiver in receivers:
        cast(Any, receiver)._run_rtcp = partial(_report_all, receiver, receivers)
    return by_payload_type.meters


class _ByPayloadType:
    """Counts RTP packets for the receiver that has agreed to their payload type."""

    def __init__(self, by_kind: Mapping[str, RTCRtpReceiver]) -> None:
        self._by_kind = by_kind
        self.meters = {kind: PacketMeter() for kind in by_kind}

    def count(self, data: bytes) -> None:
        """Count one packet; one of an unknown type is none."""
        payload_type, ssrc = data[1] & 0x7F, int.from_bytes(data[8:12], "big")
        for kind, receiver in self._by_kind.items():
            codec = getattr(receiver, "_RTCRtpReceiver__codecs").get(payload_type)  # noqa: B009  mangled on purpose
            if codec is None:
                continue
            streams = _streams(receiver)
            if ssrc not in streams:
                streams[ssrc] = StreamStatistics(codec.clockRate)
            header = _Header(int.from_bytes(data[2:4], "big"), int.from_bytes(data[4:8], "big"))
            streams[ssrc].add(cast(rtp.RtpPacket, header))
            self.meters[kind].count(len(data))
            return


def _streams(receiver: RTCRtpReceiver) -> dict[int, StreamStatistics]:
    return cast(dict[int, StreamStatistics], getattr(receiver, "_RTCRtpReceiver__remote_streams"))  # noqa: B009


async def _report_all(receiver: RTCRtpReceiver, receivers: Sequence[RTCRtpReceiver]) -> None:
    """Report for all receivers, in the place of the first one's own reports; the others' own are left out."""
    prefix = "_RTCRtpReceiver__rtcp_"
    getattr(receiver, f"{prefix}started").set()
    try:
        while True:
            await asyncio.sleep(REPORT_EVERY)
            reports = [_report(ssrc, each) for one in receivers for ssrc, each in _streams(one).items()]
            if receiver is receivers[0] and reports:
                sender = getattr(receiver, f"{prefix}ssrc") or 0
                await receiver._send_rtcp(rtp.RtcpRrPacket(ssrc=sender, reports=reports))
    finally:
        getattr(receiver, f"{prefix}exited").set()


def _report(ssrc: int, stream: StreamStatistics) -> rtp.RtcpReceiverInfo:
    return rtp.RtcpReceiverInfo(
        ssrc=ssrc,
        fraction_lost=stream.fraction_lost,
        packets_lost=stream.packets_lost,
        highest_sequence=stream.max_seq or 0,
        jitter=stream.jitter,
        lsr=0,
        dlsr=0,
    )


class KioskH264Encoder(H264Encoder):
    """aiortc's packetization with an x264 of different settings: one thread (two kiosks may share two cores), a rate
    that can change while it runs, and a buffer that keeps key frames from overloading narrow lines."""

    def __init__(self) -> None:
        super().__init__()
        self._rate = START

    @property
    def target_bitrate(self) -> int:
        """Target rate in bit/s, within FLOOR and CEILING."""
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
    """Return a new encoder for pictures. A running x264 changes its rate only when it began as constant-rate (bit_rate
    = maxrate), and never above where it began: so it begins at the ceiling and is lowered before the first frame."""
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
        "qmin": "20",  # a still picture must not be refined until it fills the rate
        "maxrate": str(CEILING),
        "bufsize": str(CEILING // 5),
    }
    codec.open()
    return codec


class KioskOpusEncoder(OpusEncoder):
    """aiortc's Opus encoder at SOUND_RATE, without its resampler, which holds each frame back until the next: sender
    reports would then date all sound 20 ms late."""

    def __init__(self) -> None:
        super().__init__()
        self.codec.bit_rate = SOUND_RATE

    def encode(self, frame: av.frame.Frame, force_keyframe: bool = False) -> tuple[list[bytes], int]:
        """Encode one 20 ms frame (mono, 48 kHz, signed 16 bit) into one packet; return it and its stamp in samples."""
        assert isinstance(frame, av.AudioFrame)
        both = np.repeat(mono_samples(frame), 2).reshape(1, -1)
        stereo = av.AudioFrame.from_ndarray(both, format="s16", layout="stereo")
        stereo.sample_rate, stereo.pts, stereo.time_base = frame.sample_rate, frame.pts, frame.time_base
        return [bytes(packet) for packet in self.codec.encode(stereo)], frame.pts or 0


def _audio_level(frame: av.AudioFrame) -> int:
    """Return the level of a frame (RFC 6465), -127 to 0 dBov. The library's own loop in Python takes 4 % of a core."""
    loudness = rms(mono_samples(frame))
    return round(min(0.0, max(-127.0, 20 * math.log10(loudness)))) if loudness > 0 else -127


rtp.compute_audio_level_dbov = _audio_level
