"""Lost packets sent again. A watcher gets them by RTX (RFC 4588) where agreed: a stream of its own, so that its number
and its stamp are new; else, unstamped, exactly as before. A publisher's RTX packet becomes the one that was lost."""

from typing import TYPE_CHECKING

from broker.media import rtcp
from broker.media.rtp import RTP_HEADER, payload_start, plain_header, stamped_header
from broker.relay.transport.dtls import copy, new_buffer, new_length, protect

if TYPE_CHECKING:
    from broker.relay.congestion.sent_packets import Departure
    from broker.relay.down_track import DownTrack
    from broker.relay.track import Track
    from broker.relay.transport.peer import Peer

MAX_REPAIRS = 64  # packets answered for one NACK datagram: repairs must not amplify
COPIES = 2  # of a repair on a bad line
AGAIN = 0.05  # seconds in which the same packet is not sent again: the last one is still on its way

_raw, _view = new_buffer()
_length = new_length()


def answer(peer: "Peer", body: bytes, now: float) -> None:
    """A NACK (RFC 4585 6.2.1): what `peer` misses and may have, from the track's cache."""
    asked = rtcp.nacked(body)
    for track, leg in peer.legs:
        if asked is not None and leg.ssrc == asked[0]:
            for seq in asked[1][:MAX_REPAIRS]:
                repair(track, leg, seq, now)


def repair(track: "Track", leg: "DownTrack", seq: int, now: float) -> None:
    """Send `leg` once more what it knows as `seq`, if it may have it and did not just get it again."""
    packet = track.repair(leg, seq) if leg.flowing else None
    if packet is None or now - leg.again.get(seq, 0.0) < AGAIN:
        return
    leg.again[seq] = now
    while len(leg.again) > MAX_REPAIRS:
        del leg.again[next(iter(leg.again))]
    for _ in range(min(leg.copies, COPIES) if leg.rtx_payload_type is not None else 1):
        if leg.allowance.take(now):
            _send(leg, again(track, leg, packet, seq, now))


def bring(peer: "Peer", lost: "list[Departure]", now: float) -> None:
    """Send again what reports show to be lost, without waiting for a NACK that may get lost, too. Not on a full line,
    which loses more when more is sent."""
    if peer.path.capacity.full(now):
        return
    for _, _, stream, number in lost:
        for track, leg in peer.legs:
            if track.ssrc_out == stream and leg.rtx_payload_type is not None:
                repair(track, leg, (number + leg.shift) & 0xFFFF, now)


def echo(track: "Track", now: float) -> None:
    """What the publisher repaired has been sent on; on bad lines it goes out once more, as a second loss would show."""
    numbers, track.repaired = track.repaired, []
    for leg in track.legs:
        if leg.copies > 1 and leg.rtx_payload_type is not None:
            for number in numbers:
                repair(track, leg, (number + leg.shift) & 0xFFFF, now)


def again(track: "Track", leg: "DownTrack", packet: bytes, seq: int, now: float) -> bytes:
    """The datagram, not yet encrypted, that brings `packet` to `leg` once more, which knows it as `seq`. Empty when
    there is none: a stamped packet without RTX is gone."""
    first, second, _, ts, _ = RTP_HEADER.unpack_from(packet)
    ts, payload = (ts + track.ts_shift + leg.lag) & 0xFFFFFFFF, packet[payload_start(packet) :]
    first &= 0xE0
    if leg.rtx_payload_type is None:
        if leg.stamp is not None:
            return b""
        return plain_header(first, second & 128 | leg.payload_type, seq, ts, leg.ssrc) + payload
    number, leg.rtx_number = leg.rtx_number, leg.rtx_number + 1 & 0xFFFF
    second = second & 128 | leg.rtx_payload_type
    if leg.stamp is None:
        head = plain_header(first, second, number, ts, leg.rtx_ssrc)
    else:
        word = leg.stamp((now, len(packet), track.ssrc_out, seq - leg.shift & 0xFFFF))
        head = stamped_header(first, second, number, ts, leg.rtx_ssrc, word)
    return head + seq.to_bytes(2, "big") + payload


def _send(leg: "DownTrack", datagram: bytes) -> None:
    if not datagram or leg.peer.tx is None:
        return
    copy(_raw, datagram, len(datagram))
    _length[0] = len(datagram)
    if not protect(leg.peer.tx, _raw, _length):
        leg.peer.send(bytes(_view[: _length[0]]))


def original(packet: bytes, payload_type: int, ssrc: int) -> bytes:
    """The packet inside an RTX packet, under its first number; empty when there is none, as in one of padding only."""
    start = payload_start(packet)
    padding = packet[-1] if packet[0] & 0x20 else 0
    if start + 2 >= len(packet) - padding:
        return b""
    first, second, _, ts, _ = RTP_HEADER.unpack_from(packet)
    seq = int.from_bytes(packet[start : start + 2], "big")
    return plain_header(first & 0xE0, second & 128 | payload_type, seq, ts, ssrc) + packet[start + 2 :]
