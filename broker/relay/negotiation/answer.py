"""The SDP answer to an offer, pure: payload types, transport and lines. The relay is ICE-lite on one port and takes
H.264 constrained baseline with packetization-mode 1 and Opus, nothing else (RFC 9725; RFC 7742 6.2; RFC 7874 3). A
client without a camera, or without the bandwidth for video, may offer audio alone. Whether audio alone is enough to
start a visit is decided by the broker."""

from collections.abc import Iterator
from dataclasses import dataclass

from broker.kernel.errors import CodecMissing, MalformedSdp, UnsupportedOffer
from broker.media.sdp import Codec, Media, Offer
from broker.media.sdp_fragment import Fragment
from broker.relay.negotiation import codec_params
from broker.relay.negotiation.codec_params import CodecParams

Kinds = tuple[str, ...]
KINDS: Kinds = ("audio", "video")
PROFILE = "profile-level-id"
PROTOCOLS = {
    *("UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP", "TCP/DTLS/RTP/SAVPF", "TCP/DTLS/RTP/SAVP"),
    *("RTP/SAVPF", "RTP/SAVP", "RTP/AVPF", "RTP/AVP"),
}
"""The profiles of m-lines that mean, with a fingerprint, media over DTLS-SRTP (RFC 8829 5.1.2). The answer repeats the
one that was offered."""
UDP_HOST, TCP_HOST = 126, 90  # candidate type preferences (RFC 8445 5.1.2.2): TCP is for networks that drop UDP
PASSIVE = 4  # direction preference of a passive TCP host candidate (RFC 6544 4.2)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The worker's side of the transport: addresses, ICE credentials and certificate fingerprint."""

    addresses: tuple[tuple[str, int], ...]
    ufrag: str
    pwd: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Stream:
    """The identity of a stream in the answer to a subscriber."""

    ssrc: int
    cname: str
    rtx: int = 0
    """The SSRC of the stream's retransmissions."""


@dataclass(frozen=True, slots=True)
class Agreed:
    """What was agreed: the codec parameters per kind, the DTLS role of the relay, and the answer."""

    params: dict[str, CodecParams]
    dtls_server: bool
    answer: str

    @property
    def payload_types(self) -> dict[str, int]:
        """The payload type of each kind, audio and video."""
        return {kind: params.payload_type for kind, params in self.params.items()}


def answer_publisher(offer: Offer, endpoint: Endpoint, session: int, kinds: Kinds = KINDS) -> Agreed:
    """Return the answer that receives an audio stream and, where offered, a video stream.

    Raises CodecMissing or MalformedSdp."""
    return _answer(offer, endpoint, session, "recvonly", {}, kinds)


def answer_subscriber(
    offer: Offer, endpoint: Endpoint, session: int, streams: dict[str, Stream], kinds: Kinds = KINDS
) -> Agreed:
    """Return the answer that sends an audio stream and, where asked for, a video stream.

    Raises CodecMissing or MalformedSdp."""
    return _answer(offer, endpoint, session, "sendonly", streams, kinds)


def choose(media: Media, publishing: bool) -> Codec:
    """Return the codec of an m-line that the relay takes. Raises CodecMissing."""
    fitting = _fitting(media, publishing)
    if not fitting:
        raise CodecMissing(
            "Offer H.264 constrained baseline (packetization-mode=1) for video and Opus at 48 kHz for audio.",
            "请提供 H.264 受限基线档次（packetization-mode=1）视频和 48 kHz Opus 音频。",
            kind=media.kind,
        )
    return max(fitting, key=_preference)


def _preference(codec: Codec) -> tuple[bool, bool]:
    profile = codec.parameters.get(PROFILE, "")
    return profile.startswith("42e0"), _baseline(profile, constrained=True)


def _fitting(media: Media, publishing: bool) -> list[Codec]:
    return [codec for codec in media.codecs if _fits(codec, media.kind, publishing)]


def _fits(codec: Codec, kind: str, publishing: bool) -> bool:
    if kind == "audio":
        return codec.name == "opus" and codec.clock == 48000
    if codec.name != "h264" or codec.clock != 90000 or codec.parameters.get("packetization-mode") != "1":
        return False
    # Without a profile it is baseline (RFC 6184 8.1), which decoders of it play in its constrained form, too.
    return PROFILE not in codec.parameters or _baseline(codec.parameters[PROFILE], constrained=not publishing)


def _baseline(profile: str, constrained: bool) -> bool:
    """Whether a profile-level-id is baseline: profile_idc 66, where `constrained` with constraint_set1 (RFC 6184 8.1).

    Decoders of browsers and kiosks play constrained baseline. Publishers may leave the flag out: encoders that are
    asked for "baseline" use no FMO, ASO or redundant slices and set the flag in their parameter sets, while the SDP of
    FFmpeg repeats the profile as it was requested."""
    try:
        idc, constraints = int(profile[0:2], 16), int(profile[2:4], 16)
    except ValueError:
        return False
    return len(profile) == 6 and idc == 0x42 and (bool(constraints & 0x40) or not constrained)


def _answer(
    offer: Offer, endpoint: Endpoint, session: int, direction: str, streams: dict[str, Stream], kinds: Kinds
) -> Agreed:
    wanted = _wanted(offer, "sendonly" if direction == "recvonly" else "recvonly", kinds)
    _check_transport(offer, list(wanted.values()))
    codecs = {kind: choose(media, direction == "recvonly") for kind, media in wanted.items()}
    agreed = {kind: codec_params.agree(media, codecs[kind], direction == "recvonly") for kind, media in wanted.items()}
    used = [number for params in agreed.values() for number in params.numbers]
    if len(used) != len(set(used)):
        raise MalformedSdp("Bundled m-lines need payload types of their own.", "BUNDLE 的媒体行不能共用载荷类型。")
    server = offer.setup != "passive"
    lines = [
        "v=0",
        f"o=huijian {session} 1 IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
        "a=ice-lite",
    ]
    taken = [media.mid for media in offer.media if media is wanted.get(media.kind)]
    if set(taken) <= set(offer.bundle):
        lines.append("a=group:BUNDLE " + " ".join(taken))
    lines.append("a=msid-semantic: WMS *")
    for media in offer.media:
        if media is not wanted.get(media.kind):
            lines += [f"m={media.kind} 0 {media.protocol} {media.formats}", "c=IN IP4 0.0.0.0", *_mid(media)]
            continue
        lines += _section(media, codecs[media.kind], agreed[media.kind], endpoint, direction, server)
        if media.kind in streams:
            lines += _source(media.kind, streams[media.kind], agreed[media.kind])
    return Agreed(agreed, server, "\r\n".join(lines) + "\r\n")


def _source(kind: str, stream: Stream, agreed: CodecParams) -> list[str]:
    """Return the lines that name the SSRC of a stream (RFC 5576) and that of its retransmissions (RFC 4588 8.8)."""
    lines = [f"a=msid:{stream.cname} {stream.cname}-{kind}"]
    if agreed.rtx is None:
        return [*lines, f"a=ssrc:{stream.ssrc} cname:{stream.cname}"]
    pair = (stream.ssrc, stream.rtx)
    return [*lines, f"a=ssrc-group:FID {pair[0]} {pair[1]}", *(f"a=ssrc:{ssrc} cname:{stream.cname}" for ssrc in pair)]


def _wanted(offer: Offer, direction: str, kinds: Kinds) -> dict[str, Media]:
    """Return one audio and one video m-line of this direction, as far as their kind is in `kinds`: of several the first
    with a codec and a profile that fit. Audio without video is a fallback, video without audio is refused.

    Raises CodecMissing."""
    found: dict[str, Media] = {}
    for media in offer.media:
        if media.kind in kinds and media.enabled and media.direction in (direction, "sendrecv"):
            earlier = found.setdefault(media.kind, media)
            if not _suits(earlier, direction) and _suits(media, direction):
                found[media.kind] = media
    if "audio" not in found:
        raise CodecMissing(
            f"The offer needs one {direction} audio m-line that is not disabled (port 0).",
            f"SDP 缺少 {direction} 且未停用（端口非 0）的 audio 媒体行。",
            kind="audio",
        )
    return found


def _suits(media: Media, direction: str) -> bool:
    return media.protocol.upper() in PROTOCOLS and bool(_fitting(media, direction == "sendonly"))


def _check_transport(offer: Offer, wanted: list[Media]) -> None:
    """Check that the m-lines can share one transport, RTCP included. Raises MalformedSdp or UnsupportedOffer."""
    for media in wanted:
        if media.protocol.upper() not in PROTOCOLS:
            raise UnsupportedOffer(
                "Media are taken over DTLS-SRTP only: offer the m-lines as UDP/TLS/RTP/SAVPF.",
                "只接受 DTLS-SRTP 媒体：媒体行（m=）请使用 UDP/TLS/RTP/SAVPF。",
            )
    if len(wanted) > 1 and not {media.mid for media in wanted} <= set(offer.bundle):
        raise MalformedSdp("Audio and video must be bundled (a=group:BUNDLE).", "音频和视频必须使用 BUNDLE。")
    if not any(name in media.attributes for media in wanted for name in ("rtcp-mux", "rtcp-mux-only")):
        raise UnsupportedOffer(
            "RTP and RTCP must share a port (RFC 5761): offer a=rtcp-mux.",
            "RTP 与 RTCP 须共用一个端口（RFC 5761）：请提供 a=rtcp-mux。",
        )


def _mid(media: Media) -> list[str]:
    return [f"a=mid:{media.mid}"] if media.mid else []


def _section(
    media: Media, codec: Codec, agreed: CodecParams, endpoint: Endpoint, direction: str, server: bool
) -> list[str]:
    host, port = endpoint.addresses[0]
    family = "IP6" if ":" in host else "IP4"
    number = codec.payload_type
    lines = [
        f"m={media.kind} {port} {media.protocol} {' '.join(map(str, agreed.numbers))}",
        f"c=IN {family} {host}",
        "a=rtcp-mux",
        *_mid(media),
        f"a={direction}",
        f"a=ice-ufrag:{endpoint.ufrag}",
        f"a=ice-pwd:{endpoint.pwd}",
        f"a=fingerprint:sha-256 {endpoint.fingerprint}",
        f"a=setup:{'passive' if server else 'active'}",
    ]
    lines += candidate_lines(endpoint.addresses)
    if media.kind == "audio":
        lines += [f"a=rtpmap:{number} opus/48000/2", f"a=fmtp:{number} minptime=10;useinbandfec=1"]
    else:
        profile = f";{PROFILE}={codec.parameters[PROFILE]}" if PROFILE in codec.parameters else ""
        lines += [
            f"a=rtpmap:{number} H264/90000",
            f"a=fmtp:{number} level-asymmetry-allowed=1;packetization-mode=1{profile}",
        ]
    return lines + codec_params.lines(agreed, codec, direction == "recvonly")


def answer_fragment(asked: Fragment, endpoint: Endpoint) -> str:
    """Return the fragment with the worker's side of the new ICE session that `asked` requests (RFC 9725 4.3)."""
    lines = [
        "a=ice-lite",
        f"a=group:BUNDLE {asked.mid}",
        f"m={asked.kind} 9 UDP/TLS/RTP/SAVPF 0",
        f"a=mid:{asked.mid}",
        f"a=ice-ufrag:{endpoint.ufrag}",
        f"a=ice-pwd:{endpoint.pwd}",
        *candidate_lines(endpoint.addresses),
    ]
    return "\r\n".join(lines) + "\r\n"


def candidate_lines(addresses: tuple[tuple[str, int], ...]) -> Iterator[str]:
    """Yield a candidate line for each address (RFC 8839 5.1), one more for TCP (RFC 6544 4.5), and the end of
    candidates.

    Every address is a host candidate, also the public one in front of a translating firewall; the first is
    preferred."""
    for index, (host, port) in enumerate(addresses):
        priority = _priority(UDP_HOST, 0xFFFF - index)
        yield f"a=candidate:{index + 1} 1 udp {priority} {host} {port} typ host"
    for index, (host, port) in enumerate(addresses):
        priority = _priority(TCP_HOST, (PASSIVE << 13) + 0x1FFF - index)
        yield f"a=candidate:{len(addresses) + index + 1} 1 tcp {priority} {host} {port} typ host tcptype passive"
    yield "a=end-of-candidates"


def _priority(kind: int, local: int) -> int:
    """Return the priority of a candidate of component 1 (RFC 8445 5.1.2.1)."""
    return kind << 24 | local << 8 | 255
