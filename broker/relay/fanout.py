"""The hot loop: one page, one pass a wake-up. It reads a datagram, decrypts it once, renumbers and encrypts it for each
destination, sends it, and puts it on the tap. No await, no task, no object a packet but its bytes.

Follow a packet here: `drain` reads it; STUN, DTLS and RTCP go to `slow`; RTP is decrypted in place. `_take` has it
counted by its Track, keeps it for retransmission and puts it on the tap; `_deliver` sends it to every destination of
the track's plan. It is read to where eight bytes before it are free: there a longer, stamped header fits.
"""

import socket
from collections.abc import Callable
from math import inf

from broker.kernel.clock import monotonic, monotonic_ns
from broker.media.rtp import EXTENSION, RTP_HEADER, STAMP_SIZE, STAMPED, WORD, WORD_AT, payload_start
from broker.media.tap_format import RTP
from broker.relay.stats import Latency
from broker.relay.tap import Tap
from broker.relay.track import Track
from broker.relay.transport.peer import Peer
from broker.relay.transport.route import Address, Port, Route
from broker.relay.transport.srtp_buffers import copy, new_buffer, new_length, protect, unprotect

LONGEST = 1900  # bytes of the longest packet read: more than any network carries, and less than a buffer holds
BATCH = 64  # datagrams a pass: enough to save wake-ups, so few that a timer waits under 2 ms
Slow = Callable[["Fanout", bytes, Route, float], None]


class Fanout:
    """Forwards between all clients of the worker's ports; `sock` is the first of its sockets.

    `slow` takes what is not RTP. `expire` shuts the gates whose moment has come and returns the next such moment.
    `fail` is called from an except clause, with the client whose datagram raised, where it is known."""

    def __init__(
        self,
        sock: socket.socket,
        tap: Tap,
        slow: "Slow",
        expire: Callable[[float], float],
        fail: Callable[[Peer | None], None],
    ) -> None:
        self.sock, self.tap, self.fail, self._slow, self._expire = sock, tap, fail, slow, expire
        self.by_address: dict[Address, Peer] = {}
        self.next_expiry = inf
        self.arrival = 0  # when this pass began (monotonic ns): one moment, so that the tap's records are in order
        self.received = self.forwarded = self.dropped = self.rejected = 0
        self.octets_in = self.octets_out = 0
        self._in, self._in_view = new_buffer()
        self._at, self._at_view = self._in + STAMP_SIZE, self._in_view[STAMP_SIZE : STAMP_SIZE + LONGEST]
        self._out, self._out_view = new_buffer()
        self._length = new_length()
        self.latency = Latency(sock)

    def send(self, datagram: bytes, route: Route) -> None:
        """Send outside the hot loop; a full socket drops the datagram, as the network would."""
        try:
            route.send(datagram, route.address)
        except OSError:
            self.dropped += 1

    def drain(self, port: Port) -> bool:
        """Read what `port` holds, at most BATCH datagrams. Return False when there was nothing."""
        receive, peers = port.recvfrom_into, self.by_address.get
        inbound, view, length = self._at, self._at_view, self._length
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
                    self.next_expiry = self._expire(now)  # first: no packet crosses after its gate's moment
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
            self.fail(peer)
        self.tap.flush()
        if self.received >= self.latency.due and port is self.sock:
            self.latency.sample(self.received)
        return found

    def _take(
        self, track: Track, packet: bytes, first: int, second: int, seq: int, ts: int, arrival: int, now: float
    ) -> None:
        """Count, keep, record and deliver `packet`, which is also in the inbound buffer."""
        self.received += 1
        track.received_at = now
        fresh = track.advance(seq, ts, now)
        if fresh is None:
            return  # it came before
        if track.inspecting:
            track.inspect(packet)
        seq = (seq + track.seq_offset) & 0xFFFF
        track.cache[seq % len(track.cache)] = (seq, packet)
        if track.tap is not None:
            self.tap.put(track.tap, track.number, RTP, arrival, packet)
        size = len(packet)
        self.octets_in += size
        if fresh and track.plan:
            self._deliver(track, size, first, second & 128, seq, (ts + track.ts_offset) & 0xFFFFFFFF, now)
        track.packets += 1
        track.octets += size - 12

    def _deliver(self, track: Track, size: int, first: int, marker: int, seq: int, ts: int, now: float) -> None:
        """Send the packet in the inbound buffer to each destination of the plan (`down_track.PlanEntry`). Most get the
        same header, which is therefore written there, before the copy, and only when it differs from the last one."""
        inbound, bare, out = self._in, self._at, self._out
        view, head, length = self._out_view, self._in_view, self._length
        pack, pack_stamped, pack_word = RTP_HEADER.pack_into, STAMPED.pack_into, WORD.pack_into
        if track.crossing is not None:
            track.crossing(track, now)
        if first & 0x1F:  # CSRCs and header extensions of the publisher are for the relay alone
            start = payload_start(self._at_view[:size])
            size -= start - RTP_HEADER.size
            copy(bare + RTP_HEADER.size, bare + start, size - RTP_HEADER.size)
            first &= 0xE0
        departure, longer, written, sealed, datagram = (now, size, track.ssrc_out, seq), size + STAMP_SIZE, -1, 0, view
        sent = octets = 0
        for tx, key, payload_type, ssrc, add_seq, add_ts, mark, counter, remember, copies, send, address in track.plan:
            if mark is None:
                if key != written:
                    number, at = (seq + add_seq) & 0xFFFF, (ts + add_ts) & 0xFFFFFFFF
                    pack(head, STAMP_SIZE, first, marker | payload_type, number, at, ssrc)
                    written = key
                copy(out, bare, size)
                length[0] = size
            else:
                if key != written:
                    number, at = (seq + add_seq) & 0xFFFF, (ts + add_ts) & 0xFFFFFFFF
                    pack_stamped(head, 0, first | 0x10, marker | payload_type, number, at, ssrc, EXTENSION)
                    written = key
                remember(departure)
                pack_word(head, WORD_AT, mark | counter() & 0xFFFFFF)
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
                while copies > 1:  # sound on a bad line: the same bytes each time, as SRTP demands
                    copies -= 1
                    send(datagram, address)
                    octets += sealed
            except OSError:
                self.dropped += 1
                continue
            sent += 1
        self.forwarded += sent
        self.octets_out += octets
