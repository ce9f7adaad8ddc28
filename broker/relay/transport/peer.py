"""A client of the worker's port: its ICE-lite (RFC 8445 2.5), its DTLS-SRTP, and the streams that it sends or receives.

Nothing, DTLS included, is sent to an address before a valid STUN check from there has proven that the client knows its
password."""

import asyncio
from collections.abc import Callable
from math import inf
from typing import Any, Protocol

from broker.kernel.clock import monotonic
from broker.kernel.ids import ResourceId
from broker.kernel.token_bucket import TokenBucket
from broker.media.header_extensions import element
from broker.media.rtcp import OWN_SSRC, build_bye
from broker.media.rtp import RTP_HEADER
from broker.relay.congestion.sent_packets import SentPackets
from broker.relay.down_track import DownTrack, stamp_for
from broker.relay.limits.media_budget import MediaBudget
from broker.relay.limits.rtcp_budget import RtcpBudget
from broker.relay.negotiation.codec_params import NO_PUBLISHER, CodecParams
from broker.relay.negotiation.simulcast_sdp import Simulcast
from broker.relay.rtp.red import unpacked
from broker.relay.rtp.retransmission import original
from broker.relay.track import Destination, Track
from broker.relay.transport.dtls import Certificate, DtlsTransport
from broker.relay.transport.egress import Egress
from broker.relay.transport.ice import CONSENT, Check, Ice
from broker.relay.transport.route import Address, Route
from broker.relay.transport.ssrc_history import SsrcHistory

SETUP = 15.0  # seconds in which a client must have finished ICE and DTLS
WRAPPED = 0x4000  # sequence numbers below this may come after a wrap of which no packet was seen
MAX_GUESSED, GUESSES = 4, 10.0  # SSRCs at a time for which that is assumed, and guesses a second
CHECKS, CHECKS_AT_ONCE = 30, 100  # STUN checks from proven addresses: browsers send under one a second, at first fifty
RECORDS, RECORDS_AT_ONCE = 10, 100  # DTLS datagrams: a handshake has ten, a lossy one some more
MAX_REPAIRING = 20  # retransmission streams of simulcast that are remembered, the newest


class Owner(Protocol):
    """The session that a client belongs to. It handles what happens to the client."""

    def handle_ready(self, peer: "Peer") -> None:
        """Let media flow: the handshake of the client is done."""
        ...

    def handle_gone(self, peer: "Peer", reason: str) -> None:
        """Close the client: it has left, or cannot go on for `reason`."""
        ...


class Peer:
    """A publisher or a subscriber. `rx` and `tx` are its SRTP contexts once it is `ready`. Its proven addresses are
    entered in `by_address`; `send_datagram` sends on the worker's sockets."""

    def __init__(
        self,
        resource: ResourceId,
        owner: Owner,
        by_address: dict[Address, "Peer"],
        send_datagram: Callable[[bytes, Route], None],
        certificate: Certificate,
        dtls_server: bool,
        fingerprints: tuple[tuple[str, str], ...],
        now: float,
    ) -> None:
        self.resource, self._owner, self._send_datagram = resource, owner, send_datagram
        self.ice = Ice(self, by_address)
        self._egress: Egress | None = None
        self.created = self.heard = now
        """`heard` is when a STUN check or an RTCP packet came last, or the handshake was done."""
        self.media_at = -inf
        """When a packet of the client came last that belongs to no stream of a track (monotonic s)."""
        self.reported_at = -inf
        """When transport-wide feedback of the client was last read (monotonic s)."""
        self.streams: dict[int, Track] = {}
        """The tracks of the streams that the client sends, by SSRC."""
        self.by_payload_type: dict[int, Track] = {}
        self.repairs: dict[int, Track] = {}
        """Tracks by the payload type of their retransmissions."""
        self.redundant: dict[int, Track] = {}
        """Tracks by the payload type of redundant audio (RFC 2198)."""
        self.simulcast: Simulcast | None = None
        self.encodings: dict[bytes, Track] = {}
        """Tracks by the name (rid) of their encoding, where the client sends simulcast."""
        self._repairing: dict[bytes, Track] = {}
        """Tracks of simulcast encodings by the SSRC of their retransmissions."""
        self.path = SentPackets()
        self.rtcp_budget, self._media_budget = RtcpBudget(), MediaBudget()
        self._checks, self._records = TokenBucket(CHECKS, CHECKS_AT_ONCE), TokenBucket(RECORDS, RECORDS_AT_ONCE)
        self.aside = 0
        """Authentic packets so far that no track counts."""
        self.down_tracks: list[Destination] = []
        self.rx: Any = None
        self.tx: Any = None
        self._paused: Any = None
        """What `rx` is again, while the client's media are over its budget."""
        self.closed = self._was_ready = False
        self._ssrcs = SsrcHistory()
        self._wrapped: list[int] = []
        """SSRCs without a packet so far, whose sequence numbers are assumed to have wrapped."""
        self._guesses = TokenBucket(GUESSES, GUESSES)
        self._fingerprints = fingerprints
        self._dtls = DtlsTransport(certificate, dtls_server, self.send, lambda: self.give_up("closed by the client"))
        self._task: asyncio.Task[None] | None = None

    @property
    def ready(self) -> bool:
        """Whether the handshake is done and SRTP flows."""
        return self.tx is not None

    def expired(self, now: float) -> str:
        """Return why this client must be given up, or an empty string."""
        if not self.ready and now - self.created > SETUP:
            return "never connected"
        if now - self.heard <= CONSENT:
            self.ice.expire(now)  # a client that only sends media renews no address
        return "consent lost" if now - self.alive_at > CONSENT else ""

    @property
    def alive_at(self) -> float:
        """When the client last showed that it is there (monotonic s): by a STUN check or RTCP, or as a publisher by any
        packet that was authentic and no copy. What a subscriber sends beside RTCP shows no consent to be sent to (RFC
        7675)."""
        if not self.by_payload_type:
            return self.heard
        received = (track.received_at for track in self.streams.values() if track.publisher is self)
        return max(self.heard, self.media_at, *received)

    def give_up(self, reason: str) -> None:
        """Ask the session to close this client for `reason`."""
        self._owner.handle_gone(self, reason)

    # --- ICE and DTLS --------------------------------------------------------------------------------------------

    @property
    def route(self) -> Route | None:
        """Where packets to the client go; None before a STUN check has proven an address."""
        return self.ice.route

    @property
    def egress(self) -> Egress | None:
        """Where the hot loop puts packets to the client: one object for each route, so that all stay in order."""
        route = self.ice.route
        if route is None:
            return None
        if self._egress is None or self._egress.route != route:
            self._egress = Egress(route)
        return self._egress

    def cut(self) -> None:
        """Drop the packets to the client that wait in the hot loop."""
        if self._egress is not None:
            self._egress.cut()

    def checked(self, route: Route, check: Check, now: float) -> None:
        """Take in a check that had the right password. The first one begins the handshake."""
        self.heard = now
        if self.ice.checked(route, check, now):
            self._rebuild()
        if self._task is None:
            self._task = asyncio.create_task(self._handshake())

    def _rebuild(self) -> None:
        for down_track in self.down_tracks:
            down_track.track.rebuild()

    def lost(self, address: Address, now: float) -> None:
        """Forget a closed TCP connection. Nothing is sent until another route is proven, unless one was just now."""
        self.ice.lost(address, now)
        self._rebuild()

    def may_check(self, now: float) -> bool:
        """Whether a check from a proven address of the client is to be verified now."""
        return self._checks.take(now)

    def feed(self, datagram: bytes, now: float) -> bool:
        """Pass a DTLS datagram to the handshake. Return False where the client has sent too many."""
        if self.closed or not self._records.take(now):
            return False
        self._dtls.feed(datagram)
        return True

    def send(self, datagram: bytes) -> None:
        """Send a datagram to the client, if it has proven an address."""
        if self.route is not None:
            self._send_datagram(datagram, self.route)

    async def _handshake(self) -> None:
        if await self._dtls.run(self._fingerprints) and not self.closed:
            self.heard = monotonic()  # on a bad line it takes seconds, in which no other check need have come
            self.rx, self.tx = self._dtls.rx, self._dtls.tx
            self.ice.settled = True
            self._owner.handle_ready(self)

    def open_rtcp(self, datagram: bytes) -> bytes | None:
        """Return the decrypted RTCP compound, or None when it is not authentic, or a copy."""
        sender = int.from_bytes(datagram[4:8], "big")
        data = self._dtls.open_rtcp(datagram) if self.ready else None
        return data if data is not None and self._admits(sender, media=False) else None

    def _admits(self, ssrc: int, media: bool) -> bool:
        """Note an authentic packet of an SSRC. Return False where it may be a copy and must be dropped."""
        if self._ssrcs.refuses(ssrc):
            self._dtls.forget(ssrc)
            return False
        if media and ssrc in self._wrapped:
            self._wrapped.remove(ssrc)
        dropped = self._ssrcs.use(ssrc, self.streams, media)
        if dropped is not None:
            self._dtls.forget(dropped)
            if self._ssrcs.exhausted:
                self.give_up("too many streams")
                return False
        return True

    def not_authentic(self, packet: bytes, now: float) -> None:
        """Take in the header of a media packet that could not be opened. Before an SSRC has brought one, the reason may
        be a wrap of its sequence numbers that went unseen: that is assumed then, and no longer after the next failure.
        """
        _, _, seq, _, ssrc = RTP_HEADER.unpack_from(packet)
        if self._ssrcs.had_media(ssrc) or self._ssrcs.refuses(ssrc) or not self._guesses.take(now):
            return
        if ssrc in self._wrapped:
            self._no_wrap(ssrc)
        elif seq < WRAPPED:
            if len(self._wrapped) >= MAX_GUESSED:
                self._no_wrap(self._wrapped[0])
            self._wrapped.append(ssrc)
            self._dtls.assume_wrap(ssrc)

    def _no_wrap(self, ssrc: int) -> None:
        self._wrapped.remove(ssrc)
        self._dtls.forget(ssrc)

    def send_rtcp(self, packet: bytes) -> None:
        """Encrypt an RTCP compound and send it to the client."""
        if self.ready and not self.closed:
            self.send(self._dtls.seal_rtcp(packet))

    def limit_media(self, now: float) -> None:
        """Drop the client's media from now on where they are over its budget, until they no longer are."""
        if not self.ready or self.closed or (not self.streams and self._media_budget.idle(self.aside, now)):
            return
        counts: dict[Any, tuple[int, int]] = {track: (track.packets, track.octets) for track in self.streams.values()}
        counts[None] = self.aside, 0
        if self._media_budget.within(counts, now):
            self.rx, self._paused = self._paused or self.rx, None
        elif self._paused is None:
            self.rx, self._paused = None, self.rx

    # --- streams -------------------------------------------------------------------------------------------------

    def subscribe(self, track: Track, params: CodecParams, gated: bool) -> None:
        """Make the client a destination of `track`, as agreed in `params`."""
        stamp = stamp_for(params, self.path)
        down_track = DownTrack(track, self, params, track.ssrc_out, track.rtx_out, gated, stamp)
        self.down_tracks.append(down_track)
        track.add(down_track)

    def publish(self, tracks: dict[str, Track], params: CodecParams) -> None:
        """Feed `tracks` from the client's stream with these `params`. They are keyed by the name of their encoding; ""
        is the name where there is only one.

        A track accepts packets only while the client is its publisher."""
        first = next(iter(tracks.values()))
        self.by_payload_type[params.payload_type] = first
        if first.video:
            self.simulcast = params.simulcast
            self.encodings = {rid.encode(): track for rid, track in tracks.items()}
        if params.rtx is not None:
            self.repairs[params.rtx] = first
        if params.red is not None:
            self.by_payload_type[params.red] = self.redundant[params.red] = first

    def new_stream(self, packet: bytes, now: float) -> Track | None:
        """Return the track of an SSRC that is not entered yet, or None when its packets are to be dropped.

        The payload type decides, or with simulcast the name of the encoding. Late packets of the SSRC that the new
        one replaces are dropped from then on."""
        _, second, seq, ts, ssrc = RTP_HEADER.unpack_from(packet)
        track = self.by_payload_type.get(second & 127)
        if track is not None and track.video and self.simulcast is not None:
            track = self.encodings.get(element(packet, self.simulcast.rid))
        before = self._ssrcs.had_media(ssrc)
        if not self._admits(ssrc, media=True):
            return None
        self.media_at = now
        if before and track is not None and track.receive_stats is not None:
            return None
        if track is None or track.publisher is not self:
            return None
        self.streams = {other: stream for other, stream in self.streams.items() if stream is not track}
        self.streams[ssrc] = track
        track.begin(ssrc, seq, ts, now)
        return track

    def inside(self, packet: bytes) -> list[tuple[Track, bytes]]:
        """Return the packets, with their track, in a retransmission (RFC 4588) or redundant audio (RFC 2198)."""
        number = packet[1] & 127
        if self._ssrcs.refuses(int.from_bytes(packet[8:12], "big")):
            return []
        track = self.repairs.get(number) or self.redundant.get(number)
        if track is not None and track.video and self.simulcast is not None:
            track = self._repaired(packet, self.simulcast.repaired)
        if track is None or track.publisher is not self or track.receive_stats is None:
            return []
        if number in self.redundant:
            inside = unpacked(packet, track.payload_type)
            brought = inside[:-1]
        else:
            inner = original(packet, track.payload_type, track.receive_stats.ssrc)
            inside = brought = [inner] if inner else []
        if track.params.repairs_marked:
            track.receive_stats.brought = {int.from_bytes(earlier[2:4], "big") for earlier in brought}
        return [(track, plain) for plain in inside]

    def _repaired(self, packet: bytes, identifier: int | None) -> Track | None:
        """Return the encoding of a retransmission. The first packets of its SSRC carry the name; later ones do not."""
        ssrc = packet[8:12]
        named = self.encodings.get(element(packet, identifier)) if identifier is not None else None
        if named is not None:
            self._repairing[ssrc] = named
            if len(self._repairing) > MAX_REPAIRING:
                del self._repairing[next(iter(self._repairing))]
        return self._repairing.get(ssrc)

    # --- end -------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Stop all media from and to this client at once. `send_bye` follows."""
        if self.closed:
            return
        self.closed, self._was_ready = True, self.ready
        self.rx = self.tx = self._paused = None
        self.cut()
        for down_track in self.down_tracks:
            down_track.track.remove(down_track)
        for track in {*self.by_payload_type.values(), *self.encodings.values()}:
            if track.publisher is self:
                track.replace_publisher(None, NO_PUBLISHER)
        self.ice.close()
        if self._task is not None:
            self._task.cancel()

    async def send_bye(self) -> None:
        """Send BYE and close_notify to the client, after `close`."""
        if self._was_ready:
            ssrcs = [down_track.ssrc for down_track in self.down_tracks]
            self.send(self._dtls.seal_rtcp(build_bye(ssrcs or [OWN_SSRC])))
        await self._dtls.close()
