"""The hot loop: one page, one pass a wake-up. It reads a datagram, decrypts it once, renumbers and encrypts it for each
destination, and puts it on the tap. What goes to one destination leaves together when all is read. No await, no task,
no object a packet but its bytes.

Follow a packet here: `read` reads it; STUN, DTLS and RTCP go to `slow`; RTP is decrypted in place. `_take` has it
counted by its Track, keeps it for retransmission and puts it on the tap; `_deliver` encrypts it for every destination
of the track's plan, where it waits (`transport.egress`) for `flush`.

While a gate is about to shut no packet waits: each leaves before the next one is read.
"""

from collections.abc import Callable, Sequence
from math import inf

from broker.kernel.clock import monotonic, monotonic_ns
from broker.media.rtp import EXTENSION, RTP_BEGINNING, RTP_HEADER, STAMP_SIZE, STAMPED, payload_start, writers
from broker.media.tap_format import PARAMETER_SET, RTP
from broker.relay.limits.refusals import Reason, Refusals
from broker.relay.rtp.parameter_sets import CARRIERS
from broker.relay.rtp.retransmission import inserted
from broker.relay.stats import Latency
from broker.relay.tap import Tap
from broker.relay.track import Track
from broker.relay.transport.egress import Egress
from broker.relay.transport.peer import Peer
from broker.relay.transport.route import Address, Port, PortSource, Route, Source
from broker.relay.transport.srtp_buffers import copy, new_buffer, new_length, protect, unprotect

LONGEST = 1900  # bytes of the longest packet read: more than any network carries, and less than a buffer holds
BATCH = 64  # datagrams a pass of one port: enough to save wake-ups, so few that a timer waits under 2 ms
WAITING = 256  # packets that wait at most: those of eight pictures for five destinations, and less than a cache holds
HASTE = 0.005  # seconds before a gate shuts in which none waits: more than a pass takes
Slow = Callable[["Fanout", bytes, Route, float], None]


class Fanout:
    """Forwards between all clients of the worker's ports.

    `slow` takes what is not RTP. `expire` shuts the gates whose moment has come and returns the next such moment.
    `fail` is called from an except clause, with the client whose datagram raised, where it is known."""

    def __init__(
        self,
        tap: Tap,
        slow: "Slow",
        expire: Callable[[float], float],
        fail: Callable[[Peer | None], None],
    ) -> None:
        self.tap, self.fail, self._slow, self._expire = tap, fail, slow, expire
        self.by_address: dict[Address, Peer] = {}
        self._next_expiry = self._hasty = inf
        """When the next gate shuts, and from when on no packet waits because of that (monotonic s)."""
        self.arrival = 0  # when this pass began (monotonic ns): one moment, so that the tap's records are in order
        self.received = self.forwarded = self.dropped = self.rejected = 0
        self.refusals = Refusals()
        self.octets_in = self.octets_out = 0
        self._in, self._in_view = new_buffer()
        self._in_view = self._in_view[:LONGEST]
        self._out = [new_buffer() for _ in range(WAITING)]
        self._used = 0
        """How many of these buffers hold a packet that waits, for one of the destinations in `_pending`."""
        self._pending: list[Egress] = []
        self._length = new_length()
        self.latency = Latency()

    @property
    def next_expiry(self) -> float:
        """When the next gate shuts by itself (monotonic s)."""
        return self._next_expiry

    @next_expiry.setter
    def next_expiry(self, moment: float) -> None:
        self._next_expiry, self._hasty = moment, moment - HASTE

    def _hurry(self, now: float) -> None:
        """Let nothing wait as a gate is about to shut, or shut it; what waits then came too late, and is cut."""
        if now < self._next_expiry:
            self._send_waiting()
        else:
            self.next_expiry = self._expire(now)

    def send(self, datagram: bytes | memoryview, route: Route) -> None:
        """Send outside the hot loop; a full socket drops the datagram, as the network would."""
        try:
            route.send(datagram, route.to)
        except OSError:
            self.dropped += 1

    def refuse(self, reason: Reason) -> None:
        """Count a datagram that is dropped."""
        self.rejected += 1
        self.refusals[reason] += 1

    def drain(self, port: Port, most: int = BATCH) -> int:
        """Read what `port` holds, `most` datagrams at most, and send it on. Return how many there were."""
        found = self.read((PortSource(port),), most)
        self.flush()
        return found

    def flush(self) -> None:
        """Send what waits, and give the tap its records: to be called when all is read.

        Where this comes late, as the process had no core, what may no longer cross is cut."""
        if self._pending and (now := monotonic()) >= self._hasty:
            self._hurry(now)
        self._send_waiting()
        self.tap.flush()
        self.latency.end()

    def read(self, sources: Sequence[Source], most: int = 1) -> int:
        """Read the datagrams of each of the `sources`, `most` of each; `flush` sends them on. Return how many there
        were."""
        peers = self.by_address.get
        inbound, view, length = self._in, self._in_view, self._length
        self.arrival = arrival = monotonic_ns()
        peer, found = None, 0
        try:
            for source in sources:
                for _ in range(most):
                    try:
                        size = source.receive(view)
                    except OSError:
                        break  # nothing there, or an ICMP error of an earlier send; the socket itself is fine
                    now = monotonic()
                    found += 1
                    if now >= self._hasty:
                        self._hurry(now)  # first: no packet crosses after its gate's moment
                    first, second = view[0], view[1]
                    if size < 12 or not 127 < first < 192 or 191 < second < 224:
                        self._slow(self, bytes(view[:size]), source.route, now)
                        continue
                    peer = peers(source.address)
                    if peer is None or peer.rx is None:
                        self.refuse(Reason.STRANGER if peer is None or not peer.ready else Reason.MEDIA)
                        continue
                    length[0] = size
                    if unprotect(peer.rx, inbound, length):
                        self.refuse(Reason.FORGED)
                        peer.not_authentic(bytes(view[: RTP_HEADER.size]), now)
                        continue
                    size = length[0]
                    first, second, seq, ts, ssrc, begins = RTP_BEGINNING.unpack_from(view)
                    track = peer.streams.get(ssrc) or peer.new_stream(bytes(view[:size]), now)
                    if track is not None and second & 127 == track.payload_type:
                        self._take(track, bytes(view[:size]), first, second, seq, ts, begins, arrival, now)
                        continue
                    if track is not None:
                        peer.media_at = now
                    peer.aside += 1
                    inside = peer.inside(bytes(view[:size]))
                    if not inside:
                        self.refuse(Reason.FORGED)
                    for track, packet in inside:
                        view[: len(packet)] = packet
                        first, second, seq, ts, _, begins = RTP_BEGINNING.unpack_from(view)
                        self._take(track, packet, first, second, seq, ts, begins, arrival, now)
        except Exception:
            self._send_waiting()  # first: buffers that were filled just now must not be filled again
            self.fail(peer)
        if self.received >= self.latency.due:
            self._sample(sources)
        return found

    def _sample(self, sources: Sequence[Source]) -> None:
        """Sample how long a packet of a publisher waited. Feedback waits less, as there is less of it in a socket."""
        for source in sources:
            peer = self.by_address.get(source.address)
            if peer is not None and peer.streams and source.socket is not None:
                self.latency.begin(self.received, source.socket)
                return

    def _take(
        self,
        track: Track,
        packet: bytes,
        first: int,
        second: int,
        seq: int,
        ts: int,
        begins: int,
        arrival: int,
        now: float,
    ) -> None:
        """Count, keep, record and deliver `packet`. `begins` is the byte after its fixed header, with which the payload
        begins where there are no CSRCs and no extension (`first`)."""
        self.received += 1
        track.received_at = now
        fresh = track.advance(seq, ts, now)
        if fresh is None:
            return  # it came before
        if track.inspecting or ((CARRIERS[begins] or first & 0x1F) and track.video):
            track.inspect(packet)
            if track.sets.ahead:
                self._send_ahead(track, arrival, now)
        seq = (seq + track.seq_offset) & 0xFFFF
        track.cache[seq % len(track.cache)] = (seq, packet)
        if track.tap is not None:
            self.tap.put(track.tap, track.number, RTP, arrival, packet)
        size = len(packet)
        self.octets_in += size
        if fresh and track.plan:
            self._deliver(track, packet, first, second & 128, seq, (ts + track.ts_offset) & 0xFFFFFFFF, now)
        track.packets += 1
        track.octets += size - 12

    def _send_ahead(self, track: Track, arrival: int, now: float) -> None:
        """Deliver, or put on the tap, the parameter sets that must go before the packet that is delivered next."""
        length = self._length
        for down_track, seq, packet in track.sets.take_ahead():
            if down_track is None:
                if track.tap is not None:
                    self.tap.put(track.tap, track.number, PARAMETER_SET, arrival, packet)
                continue
            tx, egress = down_track.client.tx, down_track.client.egress
            if tx is None or egress is None:
                continue
            if track.crossing is not None:
                track.crossing(track, now)
            datagram = inserted(down_track, packet, seq, now)
            if self._used == WAITING:
                self._send_waiting()
            out, view = self._out[self._used]
            copy(out, datagram, len(datagram))
            length[0] = len(datagram)
            if protect(tx, out, length):
                self.rejected += 1
                continue
            self._used += 1
            if not egress.waiting:
                self._pending.append(egress)
            egress.waiting.append(view[: length[0]])

    def _deliver(self, track: Track, packet: bytes, first: int, marker: int, seq: int, ts: int, now: float) -> None:
        """Write `packet` anew for each destination of the plan (`down_track.PlanEntry`), and encrypt it there, where it
        waits. Most get the same header, which is therefore made only when it differs from the last one."""
        outbound, used, pending, length = self._out, self._used, self._pending, self._length
        if track.crossing is not None:
            track.crossing(track, now)
        # CSRCs and header extensions of the publisher are for the relay alone
        payload = packet[payload_start(packet) if first & 0x1F else RTP_HEADER.size :]
        first &= 0xE0
        put, put_stamped = writers(len(payload))
        size, written, head = RTP_HEADER.size + len(payload), -1, b""
        departure, longer = (now, size, track.ssrc_out, seq), size + STAMP_SIZE
        for tx, key, payload_type, ssrc, add_seq, add_ts, mark, counter, remember, keep, egress in track.plan:
            if used == WAITING:
                self._send_waiting()
                used = 0
            out, view = outbound[used]
            if key != written:
                second, number, at = marker | payload_type, (seq + add_seq) & 0xFFFF, (ts + add_ts) & 0xFFFFFFFF
                if mark is None:
                    head = RTP_HEADER.pack(first, second, number, at, ssrc) + payload
                else:
                    head = STAMPED.pack(first | 0x10, second, number, at, ssrc, EXTENSION)
                written = key
            if mark is None:
                put(view, 0, head)
                length[0] = size
            else:
                remember(departure)
                put_stamped(view, 0, head, mark | counter() & 0xFFFFFF, payload)
                length[0] = longer
            if protect(tx, out, length):
                self.rejected += 1
                continue
            used += 1
            waiting = egress.waiting
            if not waiting:
                pending.append(egress)
            waiting.append(view[: length[0]])
            if keep is not None:  # a bad line: copies follow
                keep((now, bytes(view[: length[0]])))
        self._used = used
        if now >= self._hasty:
            self._send_waiting()

    def _send_waiting(self) -> None:
        """Send what waits, to one destination after the other. What cannot be sent is dropped, as by the network."""
        for egress in self._pending:
            waiting, sent, octets = len(egress.waiting), 0, 0
            try:
                if waiting == 1:
                    octets, sent = egress.send(egress.waiting.pop(), egress.to), 1
                else:
                    sent, octets = egress.flush()
            except OSError:
                pass
            except Exception:  # the others' packets go on
                egress.cut()
                self.fail(None)
            self.forwarded += sent
            self.octets_out += octets
            self.dropped += waiting - sent
        self._pending.clear()
        self._used = 0
