"""The hot loop: one page, one pass a wake-up. Read a datagram, decrypt it once, renumber and encrypt it for each
destination, send it, hand it to the recorder. No await, no task, no object a packet but its bytes.

Follow a packet here: `drain` reads it; STUN, DTLS and RTCP go to `slow`; RTP is opened in place. `_take` has it counted
by its Track, keeps it for repairs and puts it on the tap; `_deliver` sends it to every leg of the track's plan. It is
read to where eight bytes before it are free, so that a leg's longer, stamped head fits in front of its payload.
"""

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from broker.kernel.clock import monotonic, monotonic_ns
from broker.media.rtp import EXTENSION, RTP_HEADER, STAMP_SIZE, STAMPED, WORD, WORD_AT, payload_start
from broker.media.tap_format import RTP
from broker.relay.stats import Latency
from broker.relay.tap import Tap
from broker.relay.transport.dtls import copy, new_buffer, new_length, protect, unprotect
from broker.relay.transport.route import Address, Port, Route

if TYPE_CHECKING:
    from broker.relay.track import Track
    from broker.relay.transport.peer import Peer

ROOMY = 1900  # bytes of the longest packet taken in: more than any network carries, and less than a buffer holds
BATCH = 64  # datagrams a pass: long enough to save wake-ups, short enough that a timer waits under 2 ms
Slow = Callable[["Fanout", bytes, Route, float], None]


class Fanout:
    """Everybody reachable through the worker's ports; `sock` is the first of its sockets."""

    def __init__(self, sock: socket.socket, tap: Tap, slow: "Slow") -> None:
        self.sock, self.tap, self._slow = sock, tap, slow
        self.by_address: dict[Address, Peer] = {}
        self.on_expiry: Callable[[float], None] = lambda now: None
        self.on_failure: Callable[[Peer | None], None] = lambda peer: None
        self.next_expiry = float("inf")
        self.arrival = 0  # of this pass's datagrams, for the recorder: one moment, so that its records are in order
        self.received = self.forwarded = self.dropped = self.rejected = 0
        self.octets_in = self.octets_out = 0
        self._in, self._in_view = new_buffer()
        self._at, self._at_view = self._in + STAMP_SIZE, self._in_view[STAMP_SIZE : STAMP_SIZE + ROOMY]
        self._out, self._out_view = new_buffer()
        self._length = new_length()
        self.latency = Latency(sock)

    def send(self, datagram: bytes, route: Route) -> None:
        """Send outside the hot loop; a full socket drops, as the network would."""
        try:
            route.send(datagram, route.address)
        except OSError:
            self.dropped += 1

    def drain(self, port: Port) -> bool:
        """Take what `port` holds, at most BATCH datagrams. False when there was nothing."""
        receive, peers, inbound, view, length = (
            port.recvfrom_into,
            self.by_address.get,
            self._at,
            self._at_view,
            self._length,
        )
        self.arrival = arrival = monotonic_ns()
        peer, found = None, False
        try:
            for _ in range(BATCH):
                try:
                    size, address = receive(view)
                except BlockingIOError:
                    break
                except OSError:
                    continue  # an ICMP error of an earlier send; the socket itself is fine
                now, found = monotonic(), True
                if now >= self.next_expiry:
                    self.on_expiry(now)  # before this packet: not one crosses after its gate's moment
                first, second = view[0], view[1]
                if size < 12 or not 127 < first < 192 or 191 < second < 224:
                    self._slow(self, bytes(view[:size]), Route(port.sendto, address), now)
                    continue
                peer = peers(address)
                if peer is None or peer.rx is None:
                    self.rejected += 1
                    continue
                length[0] = size
                if unprotect(peer.rx, inbound, length):
                    self.rejected += 1
                    continue
                size = length[0]
                first, second, seq, ts, ssrc = RTP_HEADER.unpack_from(view)
                track = peer.streams.get(ssrc) or peer.new_stream(bytes(view[:size]), now)
                if track is not None and second & 127 == track.payload_type:
                    self._take(track, bytes(view[:size]), first, second, seq, ts, arrival, now)
                    continue
                inside = peer.inside(bytes(view[:size]))
                self.rejected += not inside
                for track, packet in inside:
                    view[: len(packet)] = packet
                    first, second, seq, ts, _ = RTP_HEADER.unpack_from(packet)
                    self._take(track, packet, first, second, seq, ts, arrival, now)
        except Exception:
            self.on_failure(peer)
        self.tap.flush()
        if self.received >= self.latency.due and port is self.sock:
            self.latency.sample(self.received)
        return found

    def _take(
        self, track: "Track", packet: bytes, first: int, second: int, seq: int, ts: int, arrival: int, now: float
    ) -> None:
        """`packet`, which is also in the inbound buffer, to whoever it is for."""
        self.received += 1
        track.last_at = now
        fresh = track.advance(seq, ts, now)
        if fresh is None:
            return  # it is here already
        if track.attention:
            track.inspect(packet)
        seq = (seq + track.seq_shift) & 0xFFFF
        track.cache[seq % len(track.cache)] = (seq, packet)
        if track.tap is not None:
            self.tap.put(track.tap, track.number, RTP, arrival, packet)
        size = len(packet)
        self.octets_in += size
        if fresh and track.plan:
            self._deliver(track, size, first, second & 128, seq, (ts + track.ts_shift) & 0xFFFFFFFF, now)
        track.packets += 1
        track.octets += size - 12

    def _deliver(self, track: "Track", size: int, first: int, marker: int, seq: int, ts: int, now: float) -> None:
        """The packet in the inbound buffer, once more for each destination. Most want the same kind of head, which is
        therefore written there, before the copy, and only when it differs from the one before."""
        inbound, bare, out, view, head, length = (
            self._in,
            self._at,
            self._out,
            self._out_view,
            self._in_view,
            self._length,
        )
        pack, pack_stamped, pack_word = RTP_HEADER.pack_into, STAMPED.pack_into, WORD.pack_into
        if track.crossing is not None:
            track.crossing(track, now)
        if first & 0x1F:  # what the publisher put in between is for us alone
            start = payload_start(self._at_view[:size])
            size -= start - RTP_HEADER.size
            copy(bare + RTP_HEADER.size, bare + start, size - RTP_HEADER.size)
            first &= 0xE0
        departure, longer, written, sealed, datagram = (now, size, track.ssrc_out, seq), size + STAMP_SIZE, -1, 0, view
        sent = octets = 0
        for tx, kind, payload_type, ssrc, shift, lag, mark, stamp, remember, copies, send, address in track.plan:
            if mark is None:
                if kind != written:
                    number, at = (seq + shift) & 0xFFFF, (ts + lag) & 0xFFFFFFFF
                    pack(head, STAMP_SIZE, first, marker | payload_type, number, at, ssrc)
                    written = kind
                copy(out, bare, size)
                length[0] = size
            else:
                if kind != written:
                    number, at = (seq + shift) & 0xFFFF, (ts + lag) & 0xFFFFFFFF
                    pack_stamped(head, 0, first | 0x10, marker | payload_type, number, at, ssrc, EXTENSION)
                    written = kind
                remember(departure)
                pack_word(head, WORD_AT, mark | stamp() & 0xFFFFFF)
                copy(out, inbound, longer)
                length[0] = longer
            if protect(tx, out, length):
                self.rejected += 1
                continue
            if length[0] != sealed:
                sealed = length[0]
                datagram = view[:sealed]
            try:
                send(datagram, address)
                octets += sealed
                while copies > 1:  # of sound on a bad line: byte for byte the same, which SRTP demands
                    copies -= 1
                    send(datagram, address)
                    octets += sealed
            except OSError:
                self.dropped += 1
                continue
            sent += 1
        self.forwarded += sent
        self.octets_out += octets
