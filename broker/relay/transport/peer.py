"""One client at the other end of the worker's port: ICE-lite (RFC 8445 2.5), DTLS-SRTP, and what it sends or gets.

Nothing is sent to an address that has not proven with a valid STUN check that it knows our password; not one byte of
DTLS either."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from broker.kernel.ids import ResourceId
from broker.media.header_extensions import element
from broker.media.rtcp import OWN_SSRC, build_bye
from broker.media.rtp import RTP_HEADER
from broker.relay.congestion.sent_packets import SentPackets
from broker.relay.negotiation.codec_params import NOBODY
from broker.relay.negotiation.simulcast_sdp import Simulcast
from broker.relay.rtp.red import unpacked
from broker.relay.rtp.retransmission import original
from broker.relay.transport.dtls import Certificate, DtlsTransport
from broker.relay.transport.ice import CONSENT, Check, Ice
from broker.relay.transport.route import Address, Route

if TYPE_CHECKING:
    from broker.relay.down_track import DownTrack
    from broker.relay.fanout import Fanout
    from broker.relay.track import Track

SETUP = 15.0  # seconds in which a client must have finished ICE and DTLS
MAX_SSRCS = 20  # of one client: four encodings, their repairs, sound, and room to restart; libsrtp keeps state for each


class Peer:
    """A publisher or a watcher. `tx` and `rx` are SRTP contexts once `ready`."""

    def __init__(
        self,
        resource: ResourceId,
        fanout: "Fanout",
        certificate: Certificate,
        dtls_server: bool,
        fingerprint: tuple[str, str],
        now: float,
    ) -> None:
        self.resource = resource
        self.ice = Ice(self, fanout.by_address)
        self.created = self.heard = now
        self.streams: dict[int, Track] = {}
        self.by_payload_type: dict[int, Track] = {}
        self.repairs: dict[int, Track] = {}
        """By the payload types of retransmissions."""
        self.redundant: dict[int, Track] = {}
        """By the payload types of sound that carries what was before it."""
        self.simulcast: Simulcast | None = None
        self.encodings: dict[bytes, Track] = {}
        self._repairing: dict[bytes, Track] = {}
        """Where one picture comes in several encodings: by their names, and by the SSRCs of their retransmissions."""
        self.path = SentPackets()
        self.legs: list[tuple[Track, DownTrack]] = []
        self.rx: Any = None
        self.tx: Any = None
        self.closed = self._met = False
        self.on_ready: Callable[[], None] = lambda: None
        self.on_gone: Callable[[str], None] = lambda why: None
        self._ssrcs: set[int] = set()
        self._reporters: set[bytes] = set()
        self._fanout, self._fingerprint = fanout, fingerprint
        self._leg = DtlsTransport(certificate, dtls_server, self.send, lambda: self.on_gone("closed by the client"))
        self._task: asyncio.Task[None] | None = None

    @property
    def ready(self) -> bool:
        """Whether SRTP flows."""
        return self.tx is not None

    def expired(self, now: float) -> str:
        """Why this client must be given up, or an empty string."""
        if not self.ready and now - self.created > SETUP:
            return "never connected"
        self.ice.expire(now)
        return "consent lost" if now - self.heard > CONSENT else ""

    # --- ICE and DTLS --------------------------------------------------------------------------------------------

    @property
    def route(self) -> Route | None:
        """Where we send to, once a check has come from there."""
        return self.ice.route

    def checked(self, route: Route, check: Check, now: float) -> None:
        """A check that knew the password came along `route`; the first one begins the handshake."""
        self.heard = now
        if self.ice.checked(route, check, now):
            self._rebuild()
        if self._task is None:
            self._task = asyncio.create_task(self._handshake())

    def _rebuild(self) -> None:
        for track, _ in self.legs:
            track.rebuild()

    def lost(self, address: Address, now: float) -> None:
        """A connection was closed; where no other way has just been proven, nothing is sent until one is."""
        self.ice.lost(address, now)
        self._rebuild()

    def feed(self, datagram: bytes) -> None:
        """A DTLS datagram."""
        if not self.closed:
            self._leg.feed(datagram)

    def send(self, datagram: bytes) -> None:
        """A datagram to the client, if it has proven an address."""
        if self.route is not None:
            self._fanout.send(datagram, self.route)

    async def _handshake(self) -> None:
        if await self._leg.run(*self._fingerprint) and not self.closed:
            self.rx, self.tx = self._leg.rx, self._leg.tx
            self.ice.settled = True
            self.on_ready()

    def open_rtcp(self, datagram: bytes) -> bytes | None:
        """Decrypted RTCP, or None."""
        sender = datagram[4:8]
        if not self.ready or (len(self._reporters) >= MAX_SSRCS and sender not in self._reporters):
            return None
        data = self._leg.open_rtcp(datagram)
        if data is not None:
            self._reporters.add(sender)
        return data

    def send_rtcp(self, packet: bytes) -> None:
        """Encrypt and send RTCP."""
        if self.ready and not self.closed:
            self.send(self._leg.seal_rtcp(packet))

    # --- streams -------------------------------------------------------------------------------------------------

    def new_stream(self, packet: bytes, now: float) -> "Track | None":
        """The track of an SSRC seen for the first time: the payload type says which, as there is one of a kind, or the
        name of an encoding. It takes the place of the SSRC before it, whose stragglers are dropped from then on."""
        _, second, seq, ts, ssrc = RTP_HEADER.unpack_from(packet)
        track = self.by_payload_type.get(second & 127)
        if track is not None and track.video and self.simulcast is not None:
            track = self.encodings.get(element(packet, self.simulcast.rid))
        if ssrc not in self._ssrcs:
            self._ssrcs.add(ssrc)
            if len(self._ssrcs) > MAX_SSRCS:
                self.on_gone("too many streams")
                return None
        elif track is not None and track.arrivals is not None:
            return None
        if track is None or track.peer is not self:
            return None
        self.streams = {known: one for known, one in self.streams.items() if one is not track}
        self.streams[ssrc] = track
        track.begin(ssrc, seq, ts, now)
        return track

    def inside(self, packet: bytes) -> "list[tuple[Track, bytes]]":
        """The packets that one of another payload type brings: a lost one again, or sound with what was before it."""
        number = packet[1] & 127
        track = self.repairs.get(number) or self.redundant.get(number)
        if track is not None and track.video and self.simulcast is not None:
            track = self._repaired(packet, self.simulcast.repaired)
        if track is None or track.peer is not self or track.arrivals is None:
            return []
        if number in self.redundant:
            inside = unpacked(packet, track.payload_type)
            brought = inside[:-1]
        else:
            inner = original(packet, track.payload_type, track.arrivals.ssrc)
            inside = brought = [inner] if inner else []
        track.arrivals.brought = {int.from_bytes(one[2:4], "big") for one in brought}
        return [(track, one) for one in inside]

    def _repaired(self, packet: bytes, identifier: int | None) -> "Track | None":
        """Which encoding a retransmission is of: its first packets say so by name, later ones by their SSRC."""
        ssrc = packet[8:12]
        named = self.encodings.get(element(packet, identifier)) if identifier is not None else None
        if named is not None and (ssrc in self._repairing or len(self._repairing) < MAX_SSRCS):
            self._repairing[ssrc] = named
        return self._repairing.get(ssrc)

    def end(self) -> None:
        """Nothing comes from or goes to this client any more, from this moment on."""
        if self.closed:
            return
        self.closed, self._met = True, self.ready
        self.rx = self.tx = None
        for track, leg in self.legs:
            track.remove(leg)
        for track in {*self.by_payload_type.values(), *self.encodings.values()}:
            if track.peer is self:
                track.replace_publisher(None, NOBODY)
        self.ice.close()
        if self._task is not None:
            self._task.cancel()

    async def goodbye(self) -> None:
        """Tell the client (BYE, close_notify), after `end`."""
        if self._met:
            self.send(self._leg.seal_rtcp(build_bye([leg.ssrc for _, leg in self.legs] or [OWN_SSRC])))
        await self._leg.stop()
