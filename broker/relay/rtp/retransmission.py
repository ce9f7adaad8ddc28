"""Sends lost packets once more. A subscriber gets them by RTX (RFC 4588) where agreed: a stream of its own, so that
sequence number and stamp are new; else, unstamped, exactly as before. A publisher's RTX packet becomes the one that was
lost."""

from collections.abc import Iterable, Sequence

from broker.media.rtp import RTP_HEADER, payload_start, plain_header, stamped_header
from broker.relay.congestion.sent_packets import Departure, SentPackets
from broker.relay.down_track import REPAIRS_AT_ONCE
from broker.relay.rtp.paced_pictures import settle, take_paced
from broker.relay.rtp.withheld_keyframes import sets_before
from broker.relay.track import Destination, Track
from broker.relay.transport.srtp_buffers import copy, new_buffer, new_length, protect

MAX_REPAIRS = 64  # packets answered for one NACK datagram: retransmissions must not amplify
AGAIN = 0.05  # seconds in which the same packet is not sent again, or a round trip: the last one is still on its way

_raw, _view = new_buffer()
_length = new_length()


def answer_nack(down_track: Destination, numbers: Sequence[int], now: float) -> None:
    """Answer a NACK (RFC 4585 6.2.1) with what the subscriber misses and may have, from the track's cache."""
    for seq in numbers[:MAX_REPAIRS]:
        retransmit(down_track, seq, now)


def retransmit(down_track: Destination, seq: int, now: float) -> None:
    """Send again what `down_track` knows as `seq`, if it may have that packet and did not just get it again."""
    packet = down_track.track.cached(down_track, seq) if down_track.flowing else None
    again = max(AGAIN, down_track.reports.round_trip or 0.0)
    if packet is None or not down_track.retransmissions.due(seq, now, again):
        return
    paced = down_track.pacing is not None and not down_track.pacing.spend(len(packet), now)
    if paced or not down_track.retransmissions.take(now):
        return
    datagram = _send(down_track, repeated(down_track, packet, seq, now))
    if datagram and down_track.lossy and down_track.retransmissions.take(now, kept=REPAIRS_AT_ONCE / 2):
        down_track.later.keep_repair(datagram, now)


def send_copies(track: Track, now: float) -> bool:
    """Send the copies that are due. Return whether others will be."""
    waiting = False
    for down_track in track.down_tracks:
        if down_track.later.waiting:
            for datagram in down_track.later.take(now):
                down_track.client.send(datagram)
            waiting = waiting or down_track.later.waiting
    return waiting


def retransmit_lost(
    path: SentPackets, down_tracks: Iterable[Destination], lost: Iterable[Departure], now: float
) -> None:
    """Send again what feedback shows to be lost, without waiting for a NACK that may get lost, too. Not on a full line,
    which loses more when more is sent."""
    if path.capacity.full(now):
        return
    for _, _, stream, number in lost:
        for down_track in down_tracks:
            if down_track.track.ssrc_out == stream and down_track.params.rtx is not None:
                retransmit(down_track, down_track.renumbering.to_subscriber(number), now)


def repeat_repaired(track: Track, now: float) -> None:
    """Send once more, on bad lines, what the publisher repaired: it was sent on, and a second loss would be seen."""
    numbers, track.repaired = track.repaired, []
    for down_track in track.down_tracks:
        if down_track.lossy and down_track.params.rtx is not None:
            for number in numbers:
                retransmit(down_track, down_track.renumbering.to_subscriber(number), now)


def repeated(down_track: Destination, packet: bytes, seq: int, now: float) -> bytes:
    """Return the datagram, not yet encrypted, that brings `packet` again to `down_track`, which knows it as `seq`.

    It is empty when there is none: a stamped packet cannot be sent again without RTX."""
    track, params, stamp = down_track.track, down_track.params, down_track.stamp
    first, second, _, ts, _ = RTP_HEADER.unpack_from(packet)
    ts = (ts + track.ts_offset + down_track.renumbering.timestamp) & 0xFFFFFFFF
    payload = packet[payload_start(packet) :]
    first &= 0xE0
    if params.rtx is None:
        if stamp is not None:
            return b""
        return plain_header(first, second & 128 | params.payload_type, seq, ts, down_track.ssrc) + payload
    number = down_track.retransmissions.number
    down_track.retransmissions.number = number + 1 & 0xFFFF
    second = second & 128 | params.rtx
    if stamp is None:
        head = plain_header(first, second, number, ts, down_track.rtx_ssrc)
    else:
        word = stamp((now, len(packet), track.ssrc_out, down_track.renumbering.to_track(seq)))
        head = stamped_header(first, second, number, ts, down_track.rtx_ssrc, word)
    return head + seq.to_bytes(2, "big") + payload


def inserted(down_track: Destination, packet: bytes, seq: int, now: float) -> bytes:
    """Return the datagram, not yet encrypted, that brings a packet to `down_track` for the first time, as `seq`, when
    it is not sent in its turn: parameter sets before a keyframe, which are none of the track's packets, and what was
    withheld. A NACK for it is answered like any other."""
    first, second, _, ts, _ = RTP_HEADER.unpack_from(packet)
    ts = (ts + down_track.track.ts_offset + down_track.renumbering.timestamp) & 0xFFFFFFFF
    first, second, stamp = first & 0xE0, second & 0x80 | down_track.params.payload_type, down_track.stamp
    if stamp is None:
        head = plain_header(first, second, seq, ts, down_track.ssrc)
    else:
        departure = (now, len(packet), down_track.track.ssrc_out, down_track.renumbering.to_track(seq))
        head = stamped_header(first, second, seq, ts, down_track.ssrc, stamp(departure))
    return head + packet[payload_start(packet) :]


def send_withheld(track: Track, now: float) -> None:
    """Send what was withheld and is due, and until then the parameter sets before it again: lost ones are not missed
    while nothing follows them."""
    for down_track in track.down_tracks:
        for seq in sets_before(down_track):
            retransmit(down_track, seq, now)
    for destination, seq, packet in track.take_withheld(now):
        if track.crossing is not None:
            track.crossing(track, now)  # it may be the first that crosses: the minutes begin with it
        if destination is not None:
            _send(destination, inserted(destination, packet, seq, now))


def send_paced(track: Track, now: float) -> bool:
    """Send what may leave now of the picture to weak lines. Return whether there are such."""
    paced = False
    for down_track in track.down_tracks:
        if down_track.pacing is None:
            continue
        for number, packet in take_paced(down_track, now):
            if track.crossing is not None:
                track.crossing(track, now)
            _send(down_track, inserted(down_track, packet, down_track.renumbering.to_subscriber(number), now))
        settle(down_track)
        paced = paced or down_track.flowing
    return paced


def _send(down_track: Destination, datagram: bytes) -> bytes:
    """Encrypt and send a datagram. Return it encrypted, empty where it could not be sent."""
    client = down_track.client
    if not datagram or client.tx is None:
        return b""
    copy(_raw, datagram, len(datagram))
    _length[0] = len(datagram)
    if protect(client.tx, _raw, _length):
        return b""
    encrypted = bytes(_view[: _length[0]])
    client.send(encrypted)
    return encrypted


def original(packet: bytes, payload_type: int, ssrc: int) -> bytes:
    """Return the packet inside an RTX packet under its own number; empty when there is none, as in mere padding."""
    start = payload_start(packet)
    padding = packet[-1] if packet[0] & 0x20 else 0
    if start + 2 >= len(packet) - padding:
        return b""
    first, second, _, ts, _ = RTP_HEADER.unpack_from(packet)
    seq = int.from_bytes(packet[start : start + 2], "big")
    return plain_header(first & 0xE0, second & 128 | payload_type, seq, ts, ssrc) + packet[start + 2 :]
