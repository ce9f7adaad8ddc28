"""RTCP packets as bytes, both ways (RFC 3550, 4585, 5104, goog-remb). Nothing from outside is trusted: a parser that
meets malformed bytes stops and returns what it has read so far."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

SR, RR, SDES, BYE, RTPFB, PSFB = 200, 201, 202, 203, 205, 206
NACK, TRANSPORT_WIDE = 1, 15  # formats of RTPFB
PLI, FIR, REMB = 1, 4, 15  # formats of PSFB
OWN_SSRC, OWN_NAME = 1, "huijian"  # the relay's own SSRC and CNAME in its feedback; it never sends RTP with it
CNAME = 1  # item type of SDES
MAX_NACKED = 256  # numbers read of one NACK: half of what is kept of a picture to answer it
MAX_FIR = 4  # streams read of one full intra request: a client is sent two

_REPORT = struct.Struct("!IBBHIIII")
_SENDER = struct.Struct("!IIIIII")


class RtcpPacket(NamedTuple):
    """One packet of a compound: its packet type, its count or format, and everything after the four header bytes."""

    kind: int
    format: int
    body: bytes


class ReportBlock(NamedTuple):
    """A receiver's view of one stream (RFC 3550 6.4.1). `fraction` of 256, `jitter` in clock ticks."""

    ssrc: int
    fraction: int
    lost: int
    highest: int
    jitter: int
    last_sr: int
    delay: int


class SenderReport(NamedTuple):
    """The sender's part of an SR: 64-bit NTP time, the RTP timestamp of the same moment, and its counts."""

    ssrc: int
    ntp: int
    timestamp: int
    packets: int
    octets: int

    @property
    def ntp_seconds(self) -> float:
        """The NTP time in seconds of the sender's clock."""
        return self.ntp / (1 << 32)


def compound(data: bytes) -> Iterator[RtcpPacket]:
    """Yield the packets of one (decrypted) RTCP datagram."""
    offset = 0
    while offset + 4 <= len(data):
        first, kind, words = struct.unpack_from("!BBH", data, offset)
        end = offset + 4 * (words + 1)
        if first >> 6 != 2 or end > len(data):
            return
        yield RtcpPacket(kind, first & 31, data[offset + 4 : end])
        offset = end


def report_blocks(packet: RtcpPacket) -> Iterator[ReportBlock]:
    """Yield the report blocks of an SR or RR."""
    offset = 24 if packet.kind == SR else 4
    for _ in range(packet.format):
        if offset + 24 > len(packet.body):
            return
        ssrc, fraction, high, low, *rest = _REPORT.unpack_from(packet.body, offset)
        lost = high << 16 | low
        yield ReportBlock(ssrc, fraction, lost - (1 << 24) if lost >> 23 else lost, *rest)
        offset += 24


def sender_report(packet: RtcpPacket) -> SenderReport | None:
    """Return the sender's part of an SR, or None when it is cut off."""
    if len(packet.body) < 24:
        return None
    ssrc, high, low, timestamp, packets, octets = _SENDER.unpack_from(packet.body)
    return SenderReport(ssrc, high << 32 | low, timestamp, packets, octets)


def parse_sender_report(datagram: bytes) -> SenderReport | None:
    """Return the sender report that an RTCP datagram begins with, or None where it begins with something else."""
    packet = next(compound(datagram), None)
    return sender_report(packet) if packet is not None and packet.kind == SR else None


def build_sender_report(report: SenderReport) -> bytes:
    """Return an SR without report blocks, 28 bytes."""
    body = _SENDER.pack(
        report.ssrc,
        report.ntp >> 32,
        report.ntp & 0xFFFFFFFF,
        report.timestamp & 0xFFFFFFFF,
        report.packets & 0xFFFFFFFF,
        report.octets & 0xFFFFFFFF,
    )
    return struct.pack("!BBH", 0x80, SR, 6) + body


def build_receiver_report(blocks: list[ReportBlock]) -> bytes:
    """Return an RR of the relay about what it receives."""
    out = struct.pack("!BBHI", 0x80 | len(blocks), RR, 1 + 6 * len(blocks), OWN_SSRC)
    for block in blocks:
        lost = max(-0x800000, min(0x7FFFFF, block.lost)) & 0xFFFFFF
        out += _REPORT.pack(
            block.ssrc, block.fraction, lost >> 16, lost & 0xFFFF, *(value & 0xFFFFFFFF for value in block[3:])
        )
    return out


def build_sdes(ssrc: int, cname: str) -> bytes:
    """Return an SDES with the canonical name of a stream (RFC 3550 6.5.1). Streams with one name play in time."""
    item = bytes((CNAME, len(cname))) + cname.encode()
    chunk = struct.pack("!I", ssrc) + item + bytes(4 - len(item) % 4)
    return struct.pack("!BBH", 0x81, SDES, len(chunk) // 4) + chunk


def build_opening(blocks: list[ReportBlock]) -> bytes:
    """Return what each compound of the relay begins with (RFC 3550 6.1): its receiver report and its name."""
    return build_receiver_report(blocks) + build_sdes(OWN_SSRC, OWN_NAME)


def nacked(body: bytes) -> tuple[int, list[int]] | None:
    """Return media SSRC and sequence numbers of a generic NACK (RFC 4585 6.2.1), or None when it is cut off. Of a long
    list the first items are read, up to MAX_NACKED numbers or a few more."""
    if len(body) < 8:
        return None
    sequences: list[int] = []
    for offset in range(8, len(body) - 3, 4):
        if len(sequences) >= MAX_NACKED:
            break
        first, mask = struct.unpack_from("!HH", body, offset)
        sequences += [first, *((first + bit + 1) & 0xFFFF for bit in range(16) if mask >> bit & 1)]
    return int.from_bytes(body[4:8], "big"), sequences


def build_nack(ssrc: int, sequences: list[int]) -> bytes:
    """Return a generic NACK for `sequences` (ascending modulo 2^16)."""
    items: list[tuple[int, int]] = []
    for sequence in sequences:
        if items and 0 < (distance := (sequence - items[-1][0]) & 0xFFFF) <= 16:
            items[-1] = (items[-1][0], items[-1][1] | 1 << (distance - 1))
        else:
            items.append((sequence, 0))
    head = struct.pack("!BBHII", 0x80 | NACK, RTPFB, 2 + len(items), OWN_SSRC, ssrc)
    return head + b"".join(struct.pack("!HH", *item) for item in items)


def build_pli(ssrc: int) -> bytes:
    """Return a picture loss indication, which asks for a keyframe (RFC 4585 6.3.1)."""
    return struct.pack("!BBHII", 0x80 | PLI, PSFB, 2, OWN_SSRC, ssrc)


def build_remb(bitrate: int, ssrcs: list[int]) -> bytes:
    """Return a receiver estimated maximum bitrate in bit/s for all `ssrcs` together (goog-remb)."""
    exponent = max(0, bitrate.bit_length() - 18)
    packed = exponent << 18 | bitrate >> exponent
    head = struct.pack("!BBHII4sI", 0x80 | REMB, PSFB, 4 + len(ssrcs), OWN_SSRC, 0, b"REMB", len(ssrcs) << 24 | packed)
    return head + b"".join(struct.pack("!I", ssrc) for ssrc in ssrcs)


def build_bye(ssrcs: list[int]) -> bytes:
    """Return a compound that ends these streams (RFC 3550 6.6)."""
    head = struct.pack("!BBH", 0x80 | len(ssrcs), BYE, len(ssrcs))
    return build_opening([]) + head + b"".join(struct.pack("!I", ssrc) for ssrc in ssrcs)


def remb(body: bytes) -> int | None:
    """Return the bitrate in bit/s of a receiver's estimate, or None when the feedback is something else."""
    if len(body) < 16 or body[8:12] != b"REMB":
        return None
    word = int.from_bytes(body[13:16], "big")
    return (word & 0x3FFFF) << (word >> 18)


def media_ssrc(body: bytes) -> int | None:
    """Return the media SSRC of a feedback packet (PLI), or None when it is cut off."""
    return int.from_bytes(body[4:8], "big") if len(body) >= 8 else None


def fir_ssrcs(body: bytes) -> list[int]:
    """Return the SSRCs that a full intra request asks for a keyframe (RFC 5104 4.3.1), MAX_FIR at most."""
    end = min(len(body) - 7, 8 + 8 * MAX_FIR)
    return [int.from_bytes(body[offset : offset + 4], "big") for offset in range(8, end, 8)]
