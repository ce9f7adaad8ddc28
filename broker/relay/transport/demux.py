"""Demultiplexes datagrams that are not RTP (RFC 7983): STUN, DTLS and RTCP. A source address belongs to a client once
it has sent a STUN check with that client's password; packets from other addresses are dropped and counted."""

import struct
from collections.abc import Callable

import structlog
from aioice import stun

from broker.kernel.token_bucket import TokenBucket
from broker.media.rtcp import RTPFB, TRANSPORT_WIDE
from broker.relay.fanout import Fanout
from broker.relay.limits.refusals import Reason
from broker.relay.limits.stun_rate_limit import StunRateLimit, claimed_ufrag
from broker.relay.rtp import rtcp_feedback
from broker.relay.transport.ice import Check
from broker.relay.transport.peer import Peer
from broker.relay.transport.route import Route

log = structlog.get_logger()
MAX_OF_ONE_HOST = 1000  # clients: a whole province may be behind one translating firewall, or a TURN server
MAX_HANDSHAKES_OF_ONE_HOST = 100  # at a time; checks of further clients get no answer, and are sent again
HANDSHAKES, HANDSHAKES_AT_ONCE = 50, 100  # begun a second: each costs four milliseconds
RARELY = 0.4  # seconds between two reports on single packets that are read of a supervisor while they are rationed
SETTLED = 2.0  # seconds since a sign of life in which an address is its client's, whatever check comes from there
_MALFORMED = (ValueError, KeyError, IndexError, struct.error)


class Demux:
    """The clients of one worker, by the ICE user fragments that were issued to them. `own` makes the route of an
    address that a check has proven, through a socket of its own where that is possible."""

    def __init__(self, own: Callable[[Route], Route]) -> None:
        self._own = own
        self.rations_feedback = False
        """Whether supervisors' feedback on single packets is read rarely, as the worker is overloaded."""
        self._by_ufrag: dict[str, Peer] = {}
        self._rate_limit = StunRateLimit()
        self._handshakes = TokenBucket(HANDSHAKES, HANDSHAKES_AT_ONCE)

    def expect(self, peer: Peer) -> None:
        """Accept checks under the newest ufrag of a client. Called once its offer is answered and after restarts."""
        self._by_ufrag[peer.ice.credentials.ufrag] = peer

    def counts(self) -> tuple[int, int]:
        """Return the number of clients, and how many of them are not connected yet. Closed clients are removed."""
        for ufrag, peer in list(self._by_ufrag.items()):
            if peer.closed or peer.ice.password(ufrag) is None:
                del self._by_ufrag[ufrag]
        peers = set(self._by_ufrag.values())
        return len(peers), sum(not peer.ready for peer in peers)

    def take(self, fanout: Fanout, datagram: bytes, route: Route, now: float) -> None:
        """Handle a datagram that is not RTP. An error ends the session that it belongs to, not other sessions."""
        try:
            refused = self._take(fanout, datagram, route, now)
            if refused is not None:
                fanout.refuse(refused)
        except Exception:
            fanout.fail(fanout.by_address.get(route.address))

    def _take(self, fanout: Fanout, datagram: bytes, route: Route, now: float) -> Reason | None:
        """Handle a datagram, or return why it was dropped."""
        first = datagram[0] if datagram else 255
        if first < 2:
            return self._stun(fanout, datagram, route, now)
        peer = fanout.by_address.get(route.address)
        if peer is None:
            return Reason.STRANGER
        if 19 < first < 64:
            return None if peer.feed(datagram, now) else Reason.HANDSHAKE
        if 127 < first < 192:
            if self.rations_feedback and _is_frequent(peer, datagram, now):
                return Reason.RATIONED
            return _rtcp(peer, fanout, datagram, route, now)
        return Reason.FORGED

    def _may_check(self, fanout: Fanout, peer: Peer, route: Route, now: float) -> bool:
        """Whether a check is to be verified: from a proven address within the client's budget, else within the limits
        of its host."""
        if fanout.by_address.get(route.address) is peer:
            return peer.may_check(now)
        host = route.address[0]
        if not self._rate_limit.allows(host, now):
            return False
        if peer.route is not None:
            return True
        clients = {client for address, client in fanout.by_address.items() if address[0] == host}
        connecting = sum(not client.ready for client in clients)
        return len(clients) < MAX_OF_ONE_HOST and connecting < MAX_HANDSHAKES_OF_ONE_HOST

    def _stun(self, fanout: Fanout, datagram: bytes, route: Route, now: float) -> Reason | None:
        """Answer a connectivity or consent check that was made with the password (RFC 8445 7.3, RFC 7675)."""
        ufrag = claimed_ufrag(datagram)
        peer = self._by_ufrag.get(ufrag)
        password = peer.ice.password(ufrag) if peer is not None and not peer.closed else None
        if peer is None or password is None:
            return Reason.STRANGER
        if not self._may_check(fanout, peer, route, now):
            return Reason.CHECK
        request = _check(datagram, password.encode())
        if request is None or not peer.ice.original(route, request.transaction_id):
            if fanout.by_address.get(route.address) is not peer:
                self._rate_limit.record_failure(route.address[0], now)
            return Reason.CHECK
        owner = fanout.by_address.get(route.address)
        if owner is not None and owner is not peer and owner.ready and now - owner.alive_at < SETTLED:
            return Reason.TAKEN
        if peer.route is None and not self._handshakes.take(now):
            return Reason.HANDSHAKE
        route = self._own(route)
        response = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, transaction_id=request.transaction_id)
        response.attributes["XOR-MAPPED-ADDRESS"] = route.mapped
        response.add_message_integrity(password.encode())
        fanout.send(bytes(response), route)
        peer.checked(route, Check(ufrag, "USE-CANDIDATE" in request.attributes), now)
        return None


def _check(datagram: bytes, key: bytes) -> stun.Message | None:
    """Return the binding request in a datagram, or None when it is none or its integrity does not hold under `key`."""
    try:
        message = stun.parse_message(datagram)
    except _MALFORMED:
        return None
    binding = message.message_method == stun.Method.BINDING and message.message_class == stun.Class.REQUEST
    return message if binding and message.check_message_integrity(key) else None


def _is_frequent(peer: Peer, datagram: bytes, now: float) -> bool:
    """Whether a datagram begins with a supervisor's report on single packets, and another was read just now. The first
    eight bytes are not encrypted (RFC 3711 3.4); what is dropped for them uses up nothing."""
    if len(datagram) < 2 or datagram[1] != RTPFB or datagram[0] & 0x1F != TRANSPORT_WIDE:
        return False
    return now - peer.reported_at < RARELY and not any(down_track.gated for down_track in peer.down_tracks)


def _rtcp(peer: Peer, fanout: Fanout, datagram: bytes, route: Route, now: float) -> Reason | None:
    """Handle RTCP, or return why it was dropped, all of it or a part."""
    if now < peer.rtcp_budget.empty_until:
        return Reason.RTCP
    data = peer.open_rtcp(datagram)
    if data is None:
        return Reason.FORGED
    peer.heard = now
    peer.ice.heard(route, now)
    try:
        if not rtcp_feedback.handle_compound(peer, fanout.tap, data, now, fanout.arrival):
            return Reason.RTCP
    except Exception:  # a client's broken report ends that client, not the others
        log.exception("rtcp feedback failed", resource=peer.resource)
        peer.give_up("failed")
    return None
