"""Redundant sound (RED, RFC 2198), pure: each packet carries the ones before it once more, so that a lost packet costs
no syllable. Inside the relay and in the recording it is plain Opus again."""

from broker.media.rtp import RTP_HEADER, payload_start, plain_header

MAX_BLOCKS = 4  # earlier packets looked at in one; browsers send one or two


def unpacked(packet: bytes, payload_type: int) -> list[bytes]:
    """Return the plain packets inside, the oldest first; none when the packet is malformed. Blocks are taken to be the
    packets directly before, as browsers send them."""
    first, second, seq, ts, ssrc = RTP_HEADER.unpack_from(packet)
    padding = packet[-1] if first & 0x20 else 0
    data = packet[payload_start(packet) : len(packet) - padding]
    blocks, offset = _blocks(data)
    found: list[bytes] = []
    for place, (before, size) in enumerate(blocks):
        content, offset = data[offset : offset + size], offset + size
        if len(content) < size or not before:
            return []
        if content:
            number, at = seq - (len(blocks) - place) & 0xFFFF, ts - before & 0xFFFFFFFF
            found.append(plain_header(0x80, payload_type, number, at, ssrc) + content)
    if offset >= len(data):
        return []
    return [*found, plain_header(0x80, second & 0x80 | payload_type, seq, ts, ssrc) + data[offset:]]


def _blocks(data: bytes) -> tuple[list[tuple[int, int]], int]:
    """Return (timestamp offset, length) of each block before the last, and where the blocks begin: at the end of `data`
    when the block headers are malformed."""
    blocks: list[tuple[int, int]] = []
    offset = 0
    while offset + 4 <= len(data) and data[offset] & 0x80 and len(blocks) < MAX_BLOCKS:
        head = int.from_bytes(data[offset + 1 : offset + 4], "big")
        blocks.append((head >> 10, head & 0x3FF))
        offset += 4
    if offset >= len(data) or data[offset] & 0x80:
        return [], len(data)
    return blocks, offset + 1
