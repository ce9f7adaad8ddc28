"""RTP publisher for tests: splits pictures into RTP (RFC 6184: single NAL units, STAP-A, FU-A) and wraps Opus packets,
with counters, header extensions and padding of its own. It shares no code with what is under test."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

NTP_SHIFT = 1 << 32


@dataclass
class Stream:
    """State of one RTP source. `at` in its methods is media time in seconds."""

    rate: int
    ssrc: int = 0x1234
    seq: int = 100
    base: int = 5000
    payload_type: int = 96
    extension: bytes = b""
    padding: int = 0
    csrcs: tuple[int, ...] = ()
    octets: int = field(default=0, init=False)
    packets: int = field(default=0, init=False)

    def stamp(self, at: float) -> int:
        """Return the RTP timestamp of media time `at`."""
        return (self.base + round(at * self.rate)) & 0xFFFFFFFF

    def packet(self, payload: bytes, at: float, marker: bool = False) -> bytes:
        """Return the next packet of this source."""
        first = 0x80 | (0x20 if self.padding else 0) | (0x10 if self.extension else 0) | len(self.csrcs)
        head = struct.pack("!BBHII", first, self.payload_type | marker << 7, self.seq, self.stamp(at), self.ssrc)
        head += b"".join(struct.pack("!I", csrc) for csrc in self.csrcs)
        if self.extension:
            words = self.extension + bytes(-len(self.extension) % 4)
            head += struct.pack("!HH", 0xBEDE, len(words) // 4) + words
        tail = bytes(self.padding - 1) + bytes([self.padding]) if self.padding else b""
        self.seq = (self.seq + 1) & 0xFFFF
        self.packets += 1
        self.octets += len(payload)
        return head + payload + tail

    def picture(self, nals: Sequence[bytes], at: float, mtu: int = 1100, aggregate: bool = True) -> list[bytes]:
        """Return one access unit as packets, the last of which has the marker."""
        payloads = packetise(nals, mtu, aggregate)
        return [self.packet(payload, at, index == len(payloads) - 1) for index, payload in enumerate(payloads)]

    def report(self, at: float, ntp: float) -> bytes:
        """Return a sender report: media time `at` was sampled at `ntp` seconds of the sender's clock."""
        stamp = round(ntp * NTP_SHIFT) & (1 << 64) - 1
        return struct.pack("!BBHIQIII", 0x80, 200, 6, self.ssrc, stamp, self.stamp(at), self.packets, self.octets)


def packetise(nals: Sequence[bytes], mtu: int = 1100, aggregate: bool = True) -> list[bytes]:
    """Return RTP payloads: small neighbouring units in one STAP-A, large units in FU-A, the rest alone."""
    payloads: list[bytes] = []
    small: list[bytes] = []
    for nal in nals:
        if aggregate and len(nal) + 2 + sum(len(other) + 2 for other in small) < mtu:
            small.append(nal)
            continue
        payloads += _together(small)
        small = []
        payloads += [nal] if len(nal) <= mtu else fragment(nal, mtu)
    return payloads + _together(small)


def fragment(nal: bytes, mtu: int) -> list[bytes]:
    """Return the FU-A payloads of one unit (RFC 6184 5.8)."""
    size = max(mtu - 2, 1)
    pieces = [nal[start : start + size] for start in range(1, len(nal), size)]
    indicator, kind = nal[0] & 0xE0 | 28, nal[0] & 0x1F
    last = len(pieces) - 1
    return [
        bytes((indicator, (0x80 if index == 0 else 0) | (0x40 if index == last else 0) | kind)) + piece
        for index, piece in enumerate(pieces)
    ]


def _together(nals: list[bytes]) -> list[bytes]:
    if len(nals) < 2:
        return list(nals)
    return [bytes([nals[0][0] & 0x60 | 24]) + b"".join(struct.pack("!H", len(nal)) + nal for nal in nals)]


def sequence_parameter_set(width: int, height: int, number: int = 0) -> bytes:
    """Return a baseline sequence parameter set of that size and id, as H.264 7.3.2.1.1 spells it."""
    bits = _ue(number) + _ue(0) + _ue(2) + _ue(1) + "0" + _ue(width // 16 - 1) + _ue(height // 16 - 1) + "11001"
    return b"\x67\x42\xe0\x1f" + _packed(bits)


def picture_parameter_set(number: int, sequence: int = 0) -> bytes:
    """Return a baseline picture parameter set of that id (7.3.2.2), which refers to a sequence parameter set."""
    return b"\x68" + _packed(_ue(number) + _ue(sequence) + "00" + _ue(0) * 3 + "000" + _ue(0) * 3 + "0001")


def exp_golomb(value: int) -> bytes:
    """Return a value as unsigned Exp-Golomb code (9.1), filled up to bytes with zero bits."""
    return _packed(_ue(value))


def _ue(value: int) -> str:
    return f"{value + 1:b}".zfill(2 * (value + 1).bit_length() - 1)


def _packed(bits: str) -> bytes:
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8)
