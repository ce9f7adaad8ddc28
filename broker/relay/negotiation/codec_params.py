"""What one m-line holds to beyond its codec, pure: whether lost packets are asked for and how they come again (RFC
4585, RFC 4588), and with what each packet towards a watcher is stamped (RFC 8285), so that reports can tell of it."""

from dataclasses import dataclass

from broker.media import header_extensions
from broker.media.sdp import Codec, Media
from broker.relay.negotiation import simulcast_sdp
from broker.relay.negotiation.simulcast_sdp import Simulcast

TRANSPORT_WIDE = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
FEEDBACK = ("nack", "nack pli", "ccm fir", "goog-remb")
RTX_TIME = 2000  # ms that a packet is kept for repairs, about


@dataclass(frozen=True, slots=True)
class CodecParams:
    """Of one m-line. `rtx` is the payload type of retransmissions, `red` that of sound with what was before it (RFC
    2198), `transport_wide` and `send_time` are identifiers of header extensions, of which at most one is there. With
    `simulcast` the picture comes in several encodings."""

    payload_type: int
    nack: bool = False
    rtx: int | None = None
    transport_wide: int | None = None
    send_time: int | None = None
    red: int | None = None
    simulcast: Simulcast | None = None

    @property
    def numbers(self) -> list[int]:
        """Every payload type, the preferred one first."""
        return [number for number in (self.red, self.payload_type, self.rtx) if number is not None]

    @property
    def repairs_marked(self) -> bool:
        """Whether a retransmitted packet can be told from one that was only overtaken."""
        return self.rtx is not None or not self.nack


NO_PUBLISHER = CodecParams(-1)
"""The parameters of a stream that no client sends."""


def agree(media: Media, codec: Codec, publishing: bool) -> CodecParams:
    """Everything that was offered and that we do. A stamp changes a packet that is sent again, and SRTP must never see
    two contents under one number (RFC 3711 9.1): only what is repaired by RTX, or not at all, is stamped."""
    nack = "nack" in codec.feedback
    rtx = _retransmissions(media, codec) if nack else None
    if publishing:
        several = simulcast_sdp.agree(media, codec.payload_type) if media.kind == "video" else None
        return CodecParams(codec.payload_type, nack, rtx, red=_redundant(media, codec), simulcast=several)
    if nack and rtx is None:
        return CodecParams(codec.payload_type, nack)
    wide = header_extensions.offered(media, TRANSPORT_WIDE) if "transport-cc" in codec.feedback else None
    return CodecParams(
        codec.payload_type, nack, rtx, wide, header_extensions.offered(media, SEND_TIME) if wide is None else None
    )


def lines(terms: CodecParams, codec: Codec, publishing: bool) -> list[str]:
    """The answer's lines about it."""
    feedback = [one for one in FEEDBACK if one in codec.feedback]
    found = []
    if terms.red is not None:
        number = terms.payload_type
        found += [f"a=rtpmap:{terms.red} red/{codec.clock}/2", f"a=fmtp:{terms.red} {number}/{number}"]
    if terms.transport_wide is not None:
        found.append(f"a=extmap:{terms.transport_wide} {TRANSPORT_WIDE}")
        feedback.append("transport-cc")
    if terms.send_time is not None:
        found.append(f"a=extmap:{terms.send_time} {SEND_TIME}")
    found += [f"a=rtcp-fb:{terms.payload_type} {one}" for one in feedback]
    if terms.rtx is not None:
        kept = "" if publishing else f";rtx-time={RTX_TIME}"
        found += [f"a=rtpmap:{terms.rtx} rtx/{codec.clock}", f"a=fmtp:{terms.rtx} apt={terms.payload_type}{kept}"]
    return found + (simulcast_sdp.lines(terms.simulcast) if terms.simulcast is not None else [])


def _retransmissions(media: Media, codec: Codec) -> int | None:
    """The payload type offered for retransmissions of `codec`."""
    for other in media.codecs:
        apt = other.parameters.get("apt")
        if other.name == "rtx" and other.clock == codec.clock and apt == str(codec.payload_type):
            return other.payload_type if other.payload_type != codec.payload_type else None
    return None


def _redundant(media: Media, codec: Codec) -> int | None:
    """The payload type offered for `codec` with earlier packets of the same."""
    for other in media.codecs:
        inner = {number for name in other.parameters for number in name.split("/")}
        if other.name == "red" and codec.name == "opus" and inner == {str(codec.payload_type)}:
            return other.payload_type if other.payload_type != codec.payload_type else None
    return None
