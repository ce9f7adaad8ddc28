"""A client of the worker's port: its ICE-lite (RFC 8445 2.5), its DTLS-SRTP, and the streams that it sends or receives.

Nothing, DTLS included, is sent to an address before a valid STUN check from there has proven that the client knows its
password."""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from broker.kernel.ids import ResourceId
from broker.media.header_extensions import element
from broker.media.rtcp import OWN_SSRC, build_bye
from broker.media.rtp import RTP_HEADER
from broker.relay.congestion.sent_packets import SentPackets
from broker.relay.down_track import DownTrack, stamp_for
from broker.relay.negotiation.codec_params import NO_PUBLISHER, CodecParams
from broker.relay.negotiation.simulcast_sdp import Simulcast
from broker.relay.rtp.red import unpacked
from broker.relay.rtp.retransmission import original
from broker.relay.track import Destination, Track
from broker.relay.transport.dtls import Certificate, DtlsTransport
from broker.relay.transport.ice import CONSENT, Check, Ice
from broker.relay.transport.route import Address, Route

SETUP = 15.0  # seconds in which a client must have finished ICE and DTLS
MAX_SSRCS = 20  # of a client: four encodings, their retransmissions, audio, restarts; libsrtp keeps state for each


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
        fingerprint: tuple[str, str],
        now: float,
    ) -> None:
        self.resource, self._owner, self._send_datagram = resource, owner, send_datagram
        self.ice = Ice(self, by_address)
        self.created = self.heard = now
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
        self.down_tracks: list[Destination] = []
        self.rx: Any = None
        self.tx: Any = None
        self.closed = self._was_ready = False
        self._ssrcs: set[int] = set()
        self._reporters: set[bytes] = set()
        self._fingerprint = fingerprint
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
        self.ice.expire(now)
        return "consent lost" if now - self.heard > CONSENT else ""

    def give_up(self, reason: str) -> None:
        """Ask the session to close this client for `reason`."""
        self._owner.handle_gone(self, reason)

    # --- ICE and DTLS --------------------------------------------------------------------------------------------

    @property
    def route(self) -> Route | None:
        """Where packets to the client go; None before a STUN check has proven an address."""
        return self.ice.route

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

    def feed(self, datagram: bytes) -> None:
        """Pass a DTLS datagram to the handshake."""
        if not self.closed:
            self._dtls.feed(datagram)

    def send(self, datagram: bytes) -> None:
        """Send a datagram to the client, if it has proven an address."""
        if self.route is not None:
            self._send_datagram(datagram, self.route)

    async def _handshake(self) -> None:
        if await self._dtls.run(*self._fingerprint) and not self.closed:
            self.rx, self.tx = self._dtls.rx, self._dtls.tx
            self.ice.settled = True
            self._owner.handle_ready(self)

    def open_rtcp(self, datagram: bytes) -> bytes | None:
        """Return the decrypted RTCP compound, or None when it is not authentic."""
        sender = datagram[4:8]
        if not self.ready or (len(self._reporters) >= MAX_SSRCS and sender not in self._reporters):
            return None
        data = self._dtls.open_rtcp(datagram)
        if data is not None:
            self._reporters.add(sender)
        return data

    def send_rtcp(self, packet: bytes) -> None:
        """Encrypt an RTCP compound and send it to the client."""
        if self.ready and not self.closed:
            self.send(self._dtls.seal_rtcp(packet))

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
        if ssrc not in self._ssrcs:
            self._ssrcs.add(ssrc)
            if len(self._ssrcs) > MAX_SSRCS:
                self.give_up("too many streams")
                return None
        elif track is not None and track.receive_stats is not None:
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
        track.receive_stats.brought = {int.from_bytes(earlier[2:4], "big") for earlier in brought}
        return [(track, plain) for plain in inside]

    def _repaired(self, packet: bytes, identifier: int | None) -> Track | None:
        """Return the encoding of a retransmission. The first packets of its SSRC carry the name; later ones do not."""
        ssrc = packet[8:12]
        named = self.encodings.get(element(packet, identifier)) if identifier is not None else None
        if named is not None and (ssrc in self._repairing or len(self._repairing) < MAX_SSRCS):
            self._repairing[ssrc] = named
        return self._repairing.get(ssrc)

    # --- end -------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Stop all media from and to this client at once. `send_bye` follows."""
        if self.closed:
            return
        self.closed, self._was_ready = True, self.ready
        self.rx = self.tx = None
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
