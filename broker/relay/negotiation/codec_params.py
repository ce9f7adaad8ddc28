"""The parameters of an m-line beyond its codec, pure: whether lost packets are requested and how they are sent again
(RFC 4585, RFC 4588), and which header extension numbers or times packets to subscribers for their reports (RFC
8285)."""

from dataclasses import dataclass

from broker.media import header_extensions, parameter_sets
from broker.media.sdp import SPROP, Codec, Media
from broker.relay.negotiation import simulcast_sdp
from broker.relay.negotiation.simulcast_sdp import Simulcast

TRANSPORT_WIDE = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
FEEDBACK = ("nack", "nack pli", "ccm fir", "goog-remb")
RTX_TIME = 2000  # ms for which a packet can be sent again, about


@dataclass(frozen=True, slots=True)
class CodecParams:
    """The agreed parameters of an m-line.

    `rtx` is the payload type of retransmissions, `red` that of redundant audio (RFC 2198). `transport_wide` and
    `send_time` are identifiers of header extensions; at most one of them is set. With `simulcast`, the video comes in
    several encodings."""

    payload_type: int
    nack: bool = False
    rtx: int | None = None
    transport_wide: int | None = None
    send_time: int | None = None
    red: int | None = None
    simulcast: Simulcast | None = None
    parameter_sets: tuple[bytes, ...] = ()
    """H.264 parameter sets that the publisher's offer brings (RFC 6184 8.1), as NAL units."""
    nack_untold: bool = False
    """Whether lost packets are requested although that is not agreed, for as long as the publisher answers (RFC 4585
    4.2): no browser offers it for sound, and Chromium and aiortc send sound again all the same."""

    @property
    def numbers(self) -> list[int]:
        """All payload types of the m-line, the preferred one first."""
        return [number for number in (self.red, self.payload_type, self.rtx) if number is not None]

    @property
    def requests(self) -> bool:
        """Whether the relay requests packets that the publisher's line has lost."""
        return self.nack or self.nack_untold

    @property
    def repairs_marked(self) -> bool:
        """Whether a retransmitted packet can be told from one that was only overtaken."""
        return self.rtx is not None or not self.requests


NO_PUBLISHER = CodecParams(-1)
"""The parameters of a stream that no client sends."""


def agree(media: Media, codec: Codec, publishing: bool) -> CodecParams:
    """Return the parameters that were offered and that the relay supports.

    A header extension changes a packet that is sent again, and SRTP must never encrypt two packets under one sequence
    number (RFC 3711 9.1). Hence packets have one only where they are sent again by RTX, or not at all."""
    nack = "nack" in codec.feedback
    rtx = _retransmissions(media, codec) if nack else None
    if publishing:
        several = simulcast_sdp.agree(media, codec.payload_type) if media.kind == "video" else None
        sets = parameter_sets.from_offer(codec.parameters.get(SPROP, "")) if several is None else ()
        red = _redundant(media, codec)
        untold = media.kind == "audio" and not nack and media.protocol.upper().endswith("AVPF")
        return CodecParams(
            codec.payload_type, nack, rtx, red=red, simulcast=several, parameter_sets=sets, nack_untold=untold
        )
    if nack and rtx is None:
        return CodecParams(codec.payload_type, nack)
    wide = header_extensions.offered(media, TRANSPORT_WIDE) if "transport-cc" in codec.feedback else None
    return CodecParams(
        codec.payload_type, nack, rtx, wide, header_extensions.offered(media, SEND_TIME) if wide is None else None
    )


def lines(params: CodecParams, codec: Codec, publishing: bool) -> list[str]:
    """Return the lines of the answer for these parameters."""
    feedback = [kind for kind in FEEDBACK if kind in codec.feedback]
    found = []
    if params.red is not None:
        number = params.payload_type
        found += [f"a=rtpmap:{params.red} red/{codec.clock}/2", f"a=fmtp:{params.red} {number}/{number}"]
    if params.transport_wide is not None:
        found.append(f"a=extmap:{params.transport_wide} {TRANSPORT_WIDE}")
        feedback.append("transport-cc")
    if params.send_time is not None:
        found.append(f"a=extmap:{params.send_time} {SEND_TIME}")
    found += [f"a=rtcp-fb:{params.payload_type} {kind}" for kind in feedback]
    if params.rtx is not None:
        kept = "" if publishing else f";rtx-time={RTX_TIME}"
        found += [f"a=rtpmap:{params.rtx} rtx/{codec.clock}", f"a=fmtp:{params.rtx} apt={params.payload_type}{kept}"]
    return found + (simulcast_sdp.lines(params.simulcast) if params.simulcast is not None else [])


def _retransmissions(media: Media, codec: Codec) -> int | None:
    """Return the payload type offered for retransmissions of `codec`, or None."""
    for other in media.codecs:
        apt = other.parameters.get("apt")
        if other.name == "rtx" and other.clock == codec.clock and apt == str(codec.payload_type):
            return other.payload_type if other.payload_type != codec.payload_type else None
    return None


def _redundant(media: Media, codec: Codec) -> int | None:
    """Return the payload type offered for redundant audio of `codec` (RFC 2198), or None."""
    for other in media.codecs:
        inner = {number for name in other.parameters for number in name.split("/")}
        if other.name == "red" and codec.name == "opus" and inner == {str(codec.payload_type)}:
            return other.payload_type if other.payload_type != codec.payload_type else None
    return None
