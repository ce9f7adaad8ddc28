"""Where an H.264 keyframe begins in a stream of RTP packets (RFC 6184), and how often one may be asked for. Pure."""

from broker.media.h264 import Malformed, picture_size
from broker.media.rtcp import payload_start

IDR, SPS, STAP_A, FU_A = 5, 7, 24, 28


def keyframe_start(packet: bytes) -> int:
    """SPS when the packet begins a keyframe with its parameter sets, IDR when it begins a bare one, else 0."""
    start = payload_start(packet)
    if start + 2 > len(packet):
        return 0
    kind = packet[start] & 31
    if kind == STAP_A:
        return _aggregated(packet, start + 1)
    if kind == FU_A:
        header = packet[start + 1]
        kind = header & 31 if header & 0x80 else 0
    return kind if kind in (IDR, SPS) else 0


def _aggregated(packet: bytes, offset: int) -> int:
    """The strongest sign among the NAL units of a STAP-A."""
    found = 0
    while offset + 3 <= len(packet):
        kind = packet[offset + 2] & 31
        if kind == SPS:
            return SPS
        found = IDR if kind == IDR else found
        offset += 2 + int.from_bytes(packet[offset : offset + 2], "big")
    return found


def pixels(packet: bytes) -> int:
    """The size of the picture that begins with this packet, from its sequence parameter set; 0 without a sound one."""
    try:
        width, height = picture_size(_parameters(packet))
    except Malformed:
        return 0
    return width * height


def _parameters(packet: bytes) -> bytes:
    """The sequence parameter set in a packet, alone or among others in a STAP-A; empty where there is none."""
    payload = packet[payload_start(packet) :]
    if not payload or payload[0] & 31 != STAP_A:
        return payload if payload and payload[0] & 31 == SPS else b""
    offset = 1
    while offset + 3 <= len(payload):
        end = offset + 2 + int.from_bytes(payload[offset : offset + 2], "big")
        if payload[offset + 2] & 31 == SPS:
            return payload[offset + 2 : end]
        offset = end
    return b""


class KeyframeRequests:
    """Merges everybody's wishes for a keyframe of one track into few requests to its publisher."""

    INTERVAL = 0.3  # seconds: a second wish inside one round trip and one encode asks for what already comes
    REST = 0.1  # seconds from a request that has been answered to one for somebody who came after that

    def __init__(self) -> None:
        self._asked = float("-inf")
        self._answered = True
        self._newcomer = False
        self.wanted = False

    def want(self, newcomer: bool = False) -> None:
        """Somebody needs a keyframe; a newcomer has had none, also not the one that is still on its way to others."""
        self.wanted = True
        self._newcomer |= newcomer

    def arrived(self) -> None:
        """A keyframe came: nobody waits any more."""
        self.wanted, self._answered, self._newcomer = False, True, False

    def due(self, now: float) -> bool:
        """Whether to send a request at `now` (monotonic seconds); counts as sent when True. Repeats until it came."""
        patience = self.REST if self._answered and self._newcomer else self.INTERVAL
        if not self.wanted or now - self._asked < patience:
            return False
        self._asked, self._answered = now, False
        return True
