"""What leaves the hot loop through real sockets, with real keys: the same bytes whether packets leave together or one
by one."""

import os
import socket
from collections.abc import Iterator
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pylibsrtp import Session

from broker.kernel.clock import monotonic
from broker.kernel.ids import ResourceId
from broker.media.rtp import RTP_HEADER
from broker.relay.calibration.forwarding import KEY_BYTES
from broker.relay.congestion.sent_packets import SentPackets
from broker.relay.fanout import Fanout
from broker.relay.negotiation.codec_params import CodecParams
from broker.relay.tap import Tap
from broker.relay.track import Track
from broker.relay.transport.connected import ConnectedPorts, SharedPort
from broker.relay.transport.dtls import Certificate, srtp_pair
from broker.relay.transport.ice import Check
from broker.relay.transport.peer import Peer
from broker.relay.transport.route import Route
from broker.relay.transport.udp import open_ports
from tests.support.relay.track_model import KEY

SENT, PLAIN, NUMBERED = CodecParams(96), CodecParams(102), CodecParams(102, nack=True, rtx=103, transport_wide=3)
CERTIFICATE = Certificate()
SIZES = st.lists(st.one_of(st.sampled_from([1049, 1050, 1100]), st.integers(1, 1200)), min_size=1, max_size=30)


class Owner:
    """The session of the peers, in which nothing happens to them."""

    def handle_ready(self, peer: Peer) -> None:
        """Do nothing: the peers are connected from the beginning."""

    def handle_gone(self, peer: Peer, reason: str) -> None:
        """Do nothing: nothing ends here."""


class Wire:
    """A room that sends, and two watchers with the same keys: packets to `together` may leave by one call, packets to
    `alone` leave one by one."""

    def __init__(self, params: CodecParams) -> None:
        self._sockets = open_ports(["127.0.0.1"], 0)
        self._shared = SharedPort(self._sockets.udp[0])
        self._ports = ConnectedPorts([self._shared])
        self._fanout = Fanout(Tap(), lambda *_: None, lambda _: inf, self._fail)
        self._track = Track("video", 0, "cname", lambda: None)
        self._seq, self._kept, self._seals = 100, list[object](), list[Session]()
        self.room, room = self._client((os.urandom(KEY_BYTES), os.urandom(KEY_BYTES)))
        self._track.replace_publisher(room, SENT)
        room.publish({"": self._track}, SENT)
        keys = os.urandom(KEY_BYTES), os.urandom(KEY_BYTES)
        self.together, joined = self._client(keys)
        self.alone, single = self._client(keys, batch=False)
        assert joined.egress is not None and single.egress is not None and single.egress._batch is None
        self.egress = joined.egress
        for peer in (joined, single):
            peer.path = SentPackets(7)  # otherwise each begins with a number of its own
            peer.subscribe(self._track, params, False)
            self._track.start(peer.down_tracks[-1])
        self.picture([KEY])

    def _fail(self, peer: Peer | None) -> None:
        raise

    def _client(self, keys: tuple[bytes, bytes], batch: bool = True) -> tuple[socket.socket, Peer]:
        end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        end.setblocking(False)
        end.bind(("127.0.0.1", 0))
        end.connect(("127.0.0.1", self._sockets.port))
        sessions, contexts = srtp_pair(*keys)
        (_, seal), _ = srtp_pair(keys[1], keys[0])
        self._kept.append(sessions)
        peer = Peer(ResourceId("r"), Owner(), self._fanout.by_address, self._fanout.send, CERTIFICATE, True, (), 0.0)
        route = self._ports.own(Route(self._shared.sendto, end.getsockname()))
        peer.ice.checked(route if batch else route._replace(batch=None), Check("", True), monotonic())
        peer.rx, peer.tx = contexts
        self._seals.append(seal)
        return end, peer

    def picture(self, payloads: list[bytes]) -> tuple[list[bytes], list[bytes]]:
        """Let the room send a picture at once, and return what reached both watchers."""
        for payload in payloads:
            self._seq += 1
            packet = RTP_HEADER.pack(0x80, 96, self._seq & 0xFFFF, self._seq // 9, 5) + payload
            self.room.send(self._seals[0].protect(packet))
        while ready := self._ports.ready()[0]:
            self._fanout.read(ready, 64)
        self._fanout.flush()
        return _arrived(self.together), _arrived(self.alone)

    def close(self) -> None:
        self._ports.close()
        self._sockets.close()
        for end in (self.room, self.together, self.alone):
            end.close()


def _arrived(sock: socket.socket) -> list[bytes]:
    found = []
    while True:
        try:
            found.append(sock.recv(1 << 16))
        except BlockingIOError:
            return found


@pytest.fixture(scope="module", params=[PLAIN, NUMBERED], ids=["plain", "numbered"])
def wire(request: pytest.FixtureRequest) -> Iterator[Wire]:
    wire = Wire(request.param)
    yield wire
    wire.close()


def calls(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the list to which each call that sends several packets adds how many they are."""
    found: list[int] = []
    egress = wire.egress

    def batch(run: list[memoryview], segments: object) -> int:
        found.append(len(run))
        return send(run, segments)

    assert egress._batch is not None
    send = egress._batch
    monkeypatch.setattr(egress, "_batch", batch)
    return found


@given(sizes=SIZES)
def test_packets_are_the_same_to_the_byte_whether_they_leave_together_or_one_by_one(
    wire: Wire, sizes: list[int]
) -> None:
    together, alone = wire.picture([b"\x5c\x01" + os.urandom(size) for size in sizes])
    assert len(together) == len(sizes)
    assert together == alone


def test_those_of_a_picture_do_leave_together(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    found = calls(wire, monkeypatch)
    together, alone = wire.picture([b"\x5c\x01" + os.urandom(size) for size in [1049] * 4 + [1050] * 3 + [300]])
    assert together == alone
    assert found == [4, 4]


def test_numbers_go_on_without_a_hole_from_batch_to_batch(wire: Wire) -> None:
    numbers = []
    for count in (1, 7, 30, 2):
        together, _ = wire.picture([b"\x5c\x01" + bytes(1000)] * count)
        numbers += [int.from_bytes(packet[2:4], "big") for packet in together]
    assert numbers == [(numbers[0] + index) & 0xFFFF for index in range(40)]
