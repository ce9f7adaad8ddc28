"""H.264 as NAL units: in RTP payloads (RFC 6184) and in MP4 samples (ISO/IEC 14496-15 5.3.4.2). The relay asks where a
keyframe begins and how large it is; the recorder writes samples. What parameter sets and slices say is read in
`h264_sets` and `h264_slice`."""

from broker.media.bits import Bits, unescaped
from broker.media.h264_sets import Malformed, picture_size
from broker.media.rtp import payload_start

SLICE, IDR, SEI, SPS, PPS, AUD, FILLER = 1, 5, 6, 7, 8, 9, 12
"""Types of NAL units (H.264 table 7-1)."""
MAX_UNITS = 32  # of a STAP-A that the relay looks at; encoders put parameter sets and a few small slices into one
STAP_A, FU_A = 24, 28
"""Types of RTP payloads beside single NAL units (RFC 6184 5.2): several units, and a fragment of one."""


def sample_of(nals: list[bytes]) -> bytes:
    """Return the units as one MP4 sample: each after its length in 4 bytes (14496-15 5.3.4.2)."""
    return b"".join([part for nal in nals for part in (len(nal).to_bytes(4), nal)])


def is_whole_sample(sample: bytes) -> bool:
    """Whether the units of an MP4 sample fill it exactly and none is empty. Blocks of zeros, which a power cut leaves
    where the size of a file came to the disk and its content did not, are not whole."""
    at = 0
    while at + 4 < len(sample):
        size = int.from_bytes(sample[at : at + 4])
        if size == 0:
            return False
        at += 4 + size
    return at == len(sample)


def split_aggregate(payload: bytes, most: int = 1 << 16) -> tuple[list[bytes], bool]:
    """Return the whole NAL units of a STAP-A payload (RFC 6184 5.7.1), and whether they fill it exactly. A unit without
    bytes is left out: nothing is missing with it. After `most` units, empty ones too, nothing is read."""
    nals: list[bytes] = []
    offset, end = 1, len(payload)
    while offset + 2 <= end and most > 0:
        most -= 1
        size = (payload[offset] << 8) | payload[offset + 1]
        if offset + 2 + size > end:
            break
        if size:
            nals.append(payload[offset + 2 : offset + 2 + size])
        offset += 2 + size
    return nals, offset == end and end > 1


def keyframe_start(packet: bytes) -> int:
    """Return SPS when an RTP packet begins a keyframe with its parameter sets, IDR when it begins one without, else 0.

    It copies nothing: the relay asks it of every packet while a subscriber waits for a keyframe.
    """
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


def begins_picture(packet: bytes) -> bool:
    """Whether a packet that begins with a slice begins the picture, too: whether its first macroblock is the first one
    (7.3.3: `first_mb_in_slice` is 0, which is a single 1 bit). True where the slice itself follows in the next packet.
    """
    payload = _payload(packet)
    kind = payload[0] & 31 if payload else 0
    if kind == STAP_A:
        slices = [nal for nal in split_aggregate(payload, MAX_UNITS)[0] if SLICE <= nal[0] & 31 <= IDR]
        return bool(slices) and len(slices[0]) > 1 and slices[0][1] & 0x80 != 0
    at = 2 if kind == FU_A else 1
    return len(payload) <= at or payload[at] & 0x80 != 0


def parameter_sets(packet: bytes) -> list[bytes]:
    """Return the parameter sets in an RTP packet, alone or in a STAP-A, as NAL units."""
    start = payload_start(packet)
    if start == len(packet) or packet[start] & 31 not in (SPS, PPS, STAP_A):
        return []  # nothing is copied of most packets
    payload = _payload(packet)
    nals = split_aggregate(payload, MAX_UNITS)[0] if packet[start] & 31 == STAP_A else [payload]
    return [nal for nal in nals if nal and nal[0] & 31 in (SPS, PPS)]


def has_keyframe(packet: bytes) -> bool:
    """Whether an RTP packet holds a slice of a keyframe, or its beginning."""
    payload = _payload(packet)
    kind = payload[0] & 31 if payload else 0
    if kind == STAP_A:
        return any(nal[0] & 31 == IDR for nal in split_aggregate(payload, MAX_UNITS)[0])
    if kind == FU_A:
        return len(payload) > 1 and payload[1] & 0x9F == 0x80 | IDR
    return kind == IDR


def set_id(nal: bytes) -> int | None:
    """Return the id of a parameter set (7.3.2.1.1, 7.3.2.2), or None where it is cut off or out of range."""
    start, most = (4, 31) if nal[0] & 31 == SPS else (1, 255)
    try:
        number = Bits(unescaped(nal[start : start + 5])).ue()
    except IndexError:
        return None
    return number if number <= most else None


def pixels(packet: bytes) -> int:
    """Return width times height of the picture whose sequence parameter set is in an RTP packet; 0 without a valid set.

    The set may stand alone or among other units in a STAP-A.
    """
    payload = _payload(packet)
    kind = payload[0] & 31 if payload else 0
    nals = split_aggregate(payload, MAX_UNITS)[0] if kind == STAP_A else [payload]
    sets = [nal for nal in nals if nal and nal[0] & 31 == SPS]
    try:
        width, height = picture_size(sets[0]) if sets else (0, 0)
    except Malformed:
        return 0
    return width * height


def _payload(packet: bytes) -> bytes:
    """Return the payload of an RTP packet without its padding."""
    end = len(packet) - (packet[-1] if packet[0] & 0x20 else 0)
    return packet[payload_start(packet) : max(end, 0)]


def _aggregated(packet: bytes, offset: int) -> int:
    """Return SPS or IDR when units of these types are in a STAP-A, SPS before IDR, else 0."""
    found = 0
    for _ in range(MAX_UNITS):
        if offset + 3 > len(packet):
            break
        kind = packet[offset + 2] & 31
        if kind == SPS:
            return SPS
        found = IDR if kind == IDR else found
        offset += 2 + int.from_bytes(packet[offset : offset + 2], "big")
    return found
