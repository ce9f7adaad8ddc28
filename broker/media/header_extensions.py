"""RTP header extensions (RFC 8285), pure: the identifier that an offer gives to one, and the element of a packet."""

from broker.media.sdp import Media

LONGEST = 128  # bytes of extensions that are looked at, of which a browser sends under sixty
_ONE_BYTE = {str(number) for number in range(1, 15)}


def offered(media: Media, uri: str) -> int | None:
    """Return the identifier offered for an extension, or None where it has none of the one-byte form (RFC 8285 4.2)."""
    for value in media.attributes.get("extmap", []):
        number, _, named = value.partition(" ")
        number, _, direction = number.partition("/")
        if named.split()[:1] == [uri] and number in _ONE_BYTE and direction != "inactive":
            return int(number)
    return None


def element(packet: bytes, identifier: int) -> bytes:
    """Return the element with this identifier, in the one-byte or two-byte form; empty where the packet has none."""
    start = 12 + 4 * (packet[0] & 15)
    if not packet[0] & 0x10 or start + 4 > len(packet):
        return b""
    profile = packet[start] << 8 | packet[start + 1]
    inside = packet[start + 4 : start + 4 + min(4 * (packet[start + 2] << 8 | packet[start + 3]), LONGEST)]
    if profile == 0xBEDE:
        return _find(inside, identifier, 1)
    return _find(inside, identifier, 2) if profile & 0xFFF0 == 0x1000 else b""


def _find(inside: bytes, identifier: int, head: int) -> bytes:
    """Return an element by identifier. Identifier and length of each element take `head` bytes.

    Nothing is read after an element that cannot be one: in the one-byte form with the reserved identifier 15, or with
    0, which is padding, and a length (RFC 8285 4.2)."""
    at = 0
    while at + head <= len(inside):
        first = inside[at]
        if first == 0:  # padding
            at += 1
            continue
        number, size = (first >> 4, (first & 15) + 1) if head == 1 else (first, inside[at + 1])
        if (head == 1 and number in (0, 15)) or at + head + size > len(inside):
            return b""
        if number == identifier:
            return inside[at + head : at + head + size]
        at += head + size
    return b""
