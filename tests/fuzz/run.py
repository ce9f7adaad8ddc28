"""`python -m tests.fuzz [INPUTS] [SEED]`: the long run of what `make test` does briefly. Everything that the relay
reads from outside gets random and mutated inputs, ten million and more; the first that raises an exception is printed
and ends the run.

Datagrams go through the demultiplexer and the hot loop, with ciphers that accept everything: with the real ones only
clients with a key come this far, and these cannot be trusted either. Some come over TCP, in pieces. A hundredth are
offers and fragments; a thousandth are handshakes of two real ends over a wire that damages what it carries."""

import asyncio
import random
import re
import sys
from collections.abc import Callable
from math import inf

from broker.kernel.clock import monotonic
from broker.kernel.errors import VisitError
from broker.kernel.ids import ResourceId, SessionId, Side
from broker.media import rtcp as rtcp_module
from broker.media.h264 import begins_picture, has_keyframe, keyframe_start, parameter_sets, pixels
from broker.media.header_extensions import element
from broker.media.parameter_sets import ParameterSetStore, payloads_of
from broker.media.rtp import RTP_HEADER
from broker.media.sdp import parse_offer
from broker.media.sdp_fragment import check_trickle, parse_fragment
from broker.relay import fanout as hot
from broker.relay.fanout import Fanout
from broker.relay.limits.stun_rate_limit import claimed_ufrag
from broker.relay.negotiation import answer
from broker.relay.negotiation.answer import answer_fragment
from broker.relay.rtp.red import unpacked
from broker.relay.rtp.twcc import parse
from broker.relay.session import RelaySession
from broker.relay.tap import Tap
from broker.relay.transport.demux import Demux
from broker.relay.transport.dtls import Certificate, DtlsTransport
from broker.relay.transport.ice import Check
from broker.relay.transport.peer import Peer
from broker.relay.transport.route import Address, Route
from broker.relay.transport.tcp import Connection, Listener
from tests.broker.media.test_sdp_fragment import RESTART
from tests.broker.relay.transport.test_demux import check
from tests.support.relay.sdp_samples import CLIENTS, ENDPOINT, offer, publishes

TEXTS = 100  # datagrams per text: an offer takes as long to read as a hundred of them
HANDSHAKES = 1000  # datagrams per handshake
ROUNDS = 12  # turns of the event loop for a handshake: more than it has flights
INTERESTING = (0, 1, 2, 15, 31, 63, 127, 128, 200, 201, 205, 206, 255)
NAMED = b"\xbe\xde\x00\x01\xa0f\xb0h"  # header extension: encoding f, retransmission of h
HUGE = (b"0", b"-1", b"128", b"65536", b"4294967296", b"9" * 5000, "²".encode(), b"1 " * 300)


class Pretend:
    """A worker's port with random datagrams from a publisher, a subscriber, or an unknown address."""

    def __init__(self) -> None:
        self.next: tuple[bytes, Address] | None = None

    def recvfrom_into(self, buffer: memoryview, /) -> tuple[int, Address]:
        if self.next is None:
            raise BlockingIOError
        (data, address), self.next = self.next, None
        buffer[: len(data)] = data
        return len(data), address

    def sendto(self, data: bytes | memoryview, address: Address, /) -> int:
        return len(data)


class Relay:
    """The parts of a worker without its processes and ciphers: one session, its publisher and its subscriber."""

    def __init__(self) -> None:
        self.port, self.demux = Pretend(), Demux(lambda route: route)
        self.fanout = Fanout(Tap(), self.demux.take, self._expire, self._fail)
        self.certificate = Certificate()
        self.session = RelaySession(SessionId("s"), 1, lambda *_, **__: None, lambda: None, lambda: None)
        self.peers: dict[str, Peer] = {}
        self.several = True
        self.publish()
        self.watch()

    def _expire(self, now: float) -> float:
        self.session.expire(now)
        return self.session.gate.shuts_at if self.session.open_now else inf

    def _fail(self, peer: Peer | None) -> None:
        error = sys.exception()
        assert error is not None
        raise error

    def _peer(self, name: str, host: str) -> tuple[Peer, answer.Agreed]:
        peer = Peer(
            ResourceId(name),
            self.session,
            self.fanout.by_address,
            self.fanout.send,
            self.certificate,
            True,
            (("sha-256", "AB"),),
            monotonic(),
        )
        peer.open_rtcp = lambda datagram: datagram  # type: ignore[method-assign]
        peer.send_rtcp = lambda packet: None  # type: ignore[method-assign]
        peer.feed = lambda datagram, now: True  # type: ignore[method-assign]
        peer.send_bye = _nothing  # type: ignore[method-assign]
        peer._task = asyncio.get_running_loop().create_future()  # type: ignore[assignment]
        self.demux.expect(peer)
        self.fanout.by_address[host, 5] = peer
        self.peers[host] = peer
        read = parse_offer(offer(name))
        endpoint = answer.Endpoint(ENDPOINT.addresses, *peer.ice.credentials, ENDPOINT.fingerprint)
        if publishes(name):
            return peer, answer.answer_publisher(read, endpoint, 7)
        tracks = self.session.tracks[Side.PRISON].items()
        streams = {kind: answer.Stream(track.ssrc_out, "c", track.rtx_out) for kind, track in tracks}
        return peer, answer.answer_subscriber(read, endpoint, 7, streams)

    def publish(self) -> None:
        """Replace the publisher, by turns with one picture and with several encodings."""
        self.several = not self.several
        peer, agreed = self._peer("chromium-simulcast-publish" if self.several else "chromium-publish", "192.0.2.1")
        self.session.publish(Side.PRISON, peer, agreed.params)
        peer.rx = peer.tx = "keys"
        self.session.handle_ready(peer)

    def watch(self) -> None:
        """Replace the subscriber, which gets picture and sound."""
        peer, agreed = self._peer("chromium-watch", "192.0.2.2")
        self.session.subscribe(Side.PRISON, "officer@site", False, peer, agreed.params)
        peer.checked(Route(self.port.sendto, ("192.0.2.2", 5)), Check("", True), monotonic())
        peer.rx = peer.tx = "keys"
        self.session.handle_ready(peer)

    def take(self, host: str, data: bytes) -> None:
        """Let the hot loop read one datagram."""
        self.port.next = data[: hot.LONGEST], (host, 5)
        self.fanout.drain(self.port)
        if host in self.peers and self.peers[host].closed:
            self.watch() if host.endswith("2") else self.publish()


class Wire:
    """The transport of a TCP connection from the publisher's host."""

    def __init__(self) -> None:
        self.closed = False
        self.pause_reading = self.resume_reading = self.setsockopt = lambda *_: None

    def get_extra_info(self, name: str) -> object:
        return {"peername": ("192.0.2.1", 5), "socket": self}[name]

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self.closed

    def write(self, data: bytes) -> None:
        assert not self.closed

    def abort(self) -> None:
        self.closed = True

    close = abort


class Stream:
    """A TCP connection that the publisher has proven; when the relay closes it, another one follows."""

    def __init__(self, relay: Relay) -> None:
        self._relay, self._listener = relay, Listener(relay.fanout)
        self._connect()

    def _connect(self) -> None:
        self._wire = Wire()
        self._connection = Connection(self._listener, self._relay.fanout)
        self._connection.connection_made(self._wire)
        self._relay.fanout.by_address[self._connection.address] = self._relay.peers["192.0.2.1"]

    def take(self, dice: random.Random, data: bytes) -> None:
        """Send one packet after its length, which is sometimes wrong, in one or two pieces."""
        length = len(data) if dice.random() < 0.9 else dice.getrandbits(16)
        framed = length.to_bytes(2, "big") + data
        cut = dice.randrange(len(framed))
        for piece in (framed[:cut], framed[cut:]):
            self._connection.data_received(piece)
        if self._wire.closed or self._connection.peer is None or self._connection.peer.closed:
            self._connection.connection_lost(None)
            self._connect()


async def _nothing() -> None:
    """Stand in for the goodbye to a client."""


def rtp(dice: random.Random, relay: Relay) -> bytes:
    """Return a nearly valid packet of the publisher: its payload types and SSRCs, numbers near each other and far."""
    room = relay.peers["192.0.2.1"]
    types = [*room.by_payload_type, *room.repairs, *room.redundant, dice.randrange(128)]
    head = RTP_HEADER.pack(
        dice.choice((0x80, 0x80, 0x90, 0xA0, 0x8F, dice.randrange(128, 192))),
        dice.choice(types) | dice.choice((0, 128)),
        (relay_number(dice) + dice.randrange(40)) & 0xFFFF,
        dice.getrandbits(32),
        dice.choice((1, 2, 3, dice.getrandbits(32)) if dice.random() < 0.01 else (1, 2, 3)),
    )
    inner = relay_number(dice) + dice.randrange(-40, 40) & 0xFFFF  # the first bytes of a retransmission
    blocks = b"".join(
        (0x80 << 24 | dice.randrange(128) << 24 | dice.randrange(1 << 14) << 10 | dice.randrange(1 << 10)).to_bytes(
            4, "big"
        )
        for _ in range(dice.randrange(3))
    )  # the first bytes of redundant sound
    named = NAMED if head[0] & 0x10 and dice.random() < 0.7 else b""
    begins = dice.choice((b"", inner.to_bytes(2, "big"), blocks + bytes((dice.choice(types),))))
    return head + named + begins + dice.randbytes(dice.choice((0, 1, 2, 3, 5, 20, 300, 1200)))


def relay_number(dice: random.Random) -> int:
    """Return a sequence number of a stream that jumps now and then."""
    return dice.choice((100, 100, 100, 100, 65_500, 32_000))


def rtcp(dice: random.Random, relay: Relay) -> bytes:
    """Return a compound of one to four packets, some of them about existing streams."""
    ssrcs = [track.ssrc_out for track in relay.session.tracks[Side.PRISON].values()]
    out = b""
    for _ in range(dice.randrange(1, 5)):
        words = dice.choice((0, 1, 2, 3, 6, 7, 12, 40))
        body = bytearray(dice.randbytes(4 * words))
        for at in range(0, len(body) - 3, 4):
            if dice.random() < 0.3:
                body[at : at + 4] = dice.choice(ssrcs).to_bytes(4, "big")
        kind = dice.choice(
            (
                rtcp_module.SR,
                rtcp_module.RR,
                rtcp_module.SDES,
                rtcp_module.BYE,
                rtcp_module.RTPFB,
                rtcp_module.PSFB,
                204,
                207,
            )
        )
        form = dice.choice((0, 1, 2, 4, 15, dice.randrange(32)))
        out += bytes((0x80 | form, kind)) + (words + dice.choice((0, 0, 0, 1, -1)) & 0xFFFF).to_bytes(2, "big") + body
    return out


def mutated(dice: random.Random, seed: bytes) -> bytes:
    """Return a seed with a few bytes changed, removed or inserted, or noise."""
    if dice.random() < 0.1:
        return dice.randbytes(dice.randrange(1, 200))
    data = bytearray(seed)
    for _ in range(dice.randrange(1, 6)):
        at = dice.randrange(len(data) + 1)
        match dice.randrange(5):
            case 0:
                del data[at : at + dice.randrange(1, 9)]
            case 1:
                data[at:at] = dice.randbytes(dice.randrange(1, 9))
            case 2:
                data[at : at + 1] = bytes((dice.choice(INTERESTING),))
            case 3:
                data = data[:at]
            case _:
                data[at : at + 1] = bytes((dice.randrange(256),))
    return bytes(data)


def rebuilt(dice: random.Random, seed: bytes) -> bytes:
    """Return a text with lines repeated, moved or removed, and with absurd numbers."""
    lines = seed.split(b"\r\n")
    for _ in range(dice.randrange(1, 6)):
        at = dice.randrange(len(lines))
        match dice.randrange(4):
            case 0:
                lines[at:at] = [lines[at]] * dice.choice((1, 2, 9, 200))
            case 1:
                lines.insert(dice.randrange(len(lines)), lines.pop(at))
            case 2:
                del lines[at]
            case _:
                parts = re.split(rb"(\d+)", lines[at])
                parts[1::2] = [dice.choice((number, dice.choice(HUGE))) for number in parts[1::2]]
                lines[at] = b"".join(parts)
        lines = lines or [b""]
    return b"\r\n".join(lines)


async def handshake(dice: random.Random, certificate: Certificate) -> None:
    """Let two ends shake hands over a wire that damages one datagram in three."""
    ends: list[DtlsTransport] = []

    def wire(to: int) -> Callable[[bytes], None]:
        return lambda data: ends[to].feed(mutated(dice, data) if dice.random() < 0.3 else data)

    for server in (False, True):
        ends.append(DtlsTransport(certificate, server, wire(not server), lambda: None))
    prints = (("sha-256", certificate.fingerprint),)
    tasks = [asyncio.create_task(end.run(prints)) for end in ends]
    for _ in range(ROUNDS):
        await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    for done in await asyncio.gather(*tasks, return_exceptions=True):
        assert isinstance(done, bool | asyncio.CancelledError), done
    for end in ends:
        await end.close()


def datagram(dice: random.Random, relay: Relay) -> tuple[str, bytes]:
    """Return a random host and its datagram."""
    host = dice.choice(("192.0.2.1", "192.0.2.2", "192.0.2.66"))
    match dice.randrange(4):
        case 0:
            data = rtp(dice, relay)
        case 1:
            data = rtcp(dice, relay)
        case 2:
            ice = relay.peers[dice.choice(("192.0.2.1", "192.0.2.2"))].ice
            data = check(f"{ice.credentials.ufrag}:x", ice.credentials.pwd, PRIORITY=dice.getrandbits(32))
        case _:
            data = dice.randbytes(dice.randrange(1, 300))
    return host, mutated(dice, data) if dice.random() < 0.5 else data


def pure(data: bytes) -> None:
    """Call every function that reads bytes and needs nothing else."""
    for packet in rtcp_module.compound(data):
        list(rtcp_module.report_blocks(packet))
        rtcp_module.sender_report(packet)
        rtcp_module.nacked(packet.body)
        rtcp_module.fir_ssrcs(packet.body)
        rtcp_module.media_ssrc(packet.body)
        parse(packet.body)
    claimed_ufrag(data)
    if len(data) >= 12:
        keyframe_start(data)
        begins_picture(data)
        has_keyframe(data)
        payloads_of(ParameterSetStore(parameter_sets(data)).beyond(()))
        unpacked(data, 96)
        pixels(data)
        for identifier in (1, 10):
            element(data, identifier)


def text(dice: random.Random) -> None:
    """Let an offer or a fragment be answered or refused."""
    name = dice.choice(CLIENTS)
    seed = RESTART if dice.random() < 0.3 else offer(name)
    change = dice.choice((mutated, rebuilt))
    changed = change(dice, seed.encode()).decode("utf-8", "replace")
    try:
        if seed is RESTART:
            check_trickle(changed)
            answer_fragment(parse_fragment(changed), ENDPOINT)
            return
        streams = {kind: answer.Stream(1, "c", 2) for kind in answer.KINDS}
        read = parse_offer(changed)
        if publishes(name):
            answer.answer_publisher(read, ENDPOINT, 7)
        else:
            answer.answer_subscriber(read, ENDPOINT, 7, streams)
    except VisitError:
        pass


async def fuzz(inputs: int, seed: int, progress: Callable[[str], None] = lambda line: None) -> None:
    """Let the relay read so many inputs. Raises the exception of the first that fails, with the input as a note."""
    real = hot.unprotect, hot.protect
    hot.unprotect = hot.protect = lambda *_: 0
    try:
        await _fuzz(inputs, seed, progress)
    finally:
        hot.unprotect, hot.protect = real


async def _fuzz(inputs: int, seed: int, progress: Callable[[str], None]) -> None:
    relay, dice, began = Relay(), random.Random(seed), monotonic()
    stream = Stream(relay)
    for number in range(inputs):
        host, data = datagram(dice, relay)
        try:
            if number % TEXTS == 0:
                text(dice)
            pure(data)
            if number % HANDSHAKES == 0:
                await handshake(dice, relay.certificate)
            if number % 8 == 0:
                stream.take(dice, data)
            else:
                relay.take(host, data)
        except Exception as error:
            error.add_note(f"input {number} of seed {seed}: {host} {data.hex()}")
            raise
        if number % 1000 == 999:
            await asyncio.sleep(0)
        if number % 100_000 == 99_999:
            progress(f"{number + 1:,} inputs, {(number + 1) / (monotonic() - began):,.0f} a second")


def main(arguments: list[str]) -> None:
    """Run as many inputs as the first argument says, ten million without one, from the seed of the second."""
    numbers = [int(argument) for argument in arguments]
    asyncio.run(fuzz(numbers[0] if numbers else 10_000_000, numbers[1] if numbers[1:] else 1, print))
