"""The hot loop with ciphers that accept everything: a gate shuts exact to the packet."""

import asyncio
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any

import pytest
import pytest_asyncio

from broker.kernel.ids import Side
from broker.media.h264 import split_aggregate
from broker.media.rtcp import build_receiver_report
from broker.media.rtp import RTP_HEADER, payload_start
from broker.relay import fanout
from broker.relay.session import HASTE
from broker.relay.track import Destination
from broker.relay.transport.ice import CONSENT, Check
from broker.relay.transport.route import Address, PortSource, Route
from tests.fuzz import run
from tests.support.relay.track_model import KEY, SLICE
from tests.support.rtp import picture_parameter_set, sequence_parameter_set

pytestmark = pytest.mark.asyncio(loop_scope="module")

KIOSK, ROOM = ("192.0.2.3", 5), ("192.0.2.1", 5)
TICK = 0.001  # seconds between packets


class Waiting:
    """A port in which datagrams wait; `sent` is (address, datagram) of what was sent, which to the kiosk `fails`."""

    def __init__(self) -> None:
        self.waiting: list[bytes] = []
        self.sent: list[tuple[Address, bytes]] = []
        self.fails: type[Exception] | None = None

    def recvfrom_into(self, buffer: memoryview, /) -> tuple[int, Address]:
        if not self.waiting:
            raise BlockingIOError
        data = self.waiting.pop(0)
        buffer[: len(data)] = data
        return len(data), ROOM

    def sendto(self, data: bytes | memoryview, address: Address, /) -> int:
        if self.fails is not None and address == KIOSK:
            raise self.fails
        self.sent.append((address, bytes(data)))
        return len(data)


class TickingClock:
    """A clock that goes on by a TICK whenever it is read."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        self.now += TICK
        return self.now


class Visit:
    """A room that sends, a kiosk behind the gate, and the supervisor."""

    def __init__(self, relay: run.Relay, clock: TickingClock) -> None:
        self.relay, self.clock, self.port, self.seq = relay, clock, Waiting(), 100
        peer, agreed = relay._peer("chromium-watch", KIOSK[0])
        relay.session.subscribe(Side.PRISON, "visitor", True, peer, agreed.params)
        for client in relay.peers.values():
            client.checked(Route(self.port.sendto, (_host(relay, client), 5)), Check("", True), clock.now)
        peer.rx = peer.tx = "keys"
        relay.session.handle_ready(peer)

    def packet(self, payload: bytes = SLICE) -> bytes:
        self.seq += 1
        number = next(number for number, track in self.relay.peers[ROOM[0]].by_payload_type.items() if track.video)
        return RTP_HEADER.pack(0x80, number, self.seq, self.seq * 3000, 9) + payload

    def drain(self, count: int) -> int:
        """Read a batch of `count` packets; return how many of it crossed."""
        before = len(self.port.sent)
        self.port.waiting = [self.packet() for _ in range(count)]
        self.relay.fanout.drain(self.port)
        return sum(address == KIOSK for address, _ in self.port.sent[before:])


def _host(relay: run.Relay, peer: object) -> str:
    return next(host for host, one in relay.peers.items() if one is peer)


@pytest_asyncio.fixture(loop_scope="module")
async def visit(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Visit]:
    clock = TickingClock()
    for name, replaced in (("unprotect", lambda *_: 0), ("protect", lambda *_: 0), ("monotonic", clock)):
        monkeypatch.setattr(fanout, name, replaced)
    relay = run.Relay()
    yield Visit(relay, clock)
    await asyncio.sleep(0)


async def test_no_packet_crosses_after_a_lease_runs_out_within_a_batch(visit: Visit) -> None:
    session, hot = visit.relay.session, visit.relay.fanout
    session.lease(visit.clock.now, visit.clock.now + 1, 9999.0, 600.0)
    visit.port.waiting = [visit.packet(KEY)]
    hot.drain(visit.port)
    assert visit.drain(40) == 40
    before, hot.next_expiry = visit.clock.now, visit.clock.now + 20.5 * TICK
    session.gate.until = hot.next_expiry
    assert visit.drain(fanout.BATCH) == 20
    assert not session.open_now
    assert visit.clock.now == pytest.approx(before + fanout.BATCH * TICK)
    assert visit.drain(10) == 0


async def test_no_retransmission_crosses_after_a_lease_runs_out(visit: Visit) -> None:
    session, hot = visit.relay.session, visit.relay.fanout
    session.lease(visit.clock.now, visit.clock.now + 1, 9999.0, 600.0)
    visit.port.waiting = [visit.packet(KEY)]
    hot.drain(visit.port)
    visit.drain(5)
    down_track = next(one for one in visit.relay.peers[KIOSK[0]].down_tracks if one.track.video)
    track = down_track.track
    down_track.lossy, track.repaired = True, [track.seq_out]
    session.gate.until = visit.clock.now + TICK
    session.send_requests(visit.clock.now + TICK)
    assert not session.open_now
    number = down_track.renumbering.to_subscriber(track.seq_out)
    assert down_track.retransmissions.due(number, visit.clock.now, 1.0), "it was not sent again"


async def test_it_is_sampled_how_long_media_waits_also_where_feedback_came_last(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    hot, sampled = visit.relay.fanout, list[object]()
    visit.drain(3)
    monkeypatch.setattr(hot.latency, "begin", lambda _, sock: sampled.append(sock))
    hot.latency.due = hot.received
    empty = Waiting()
    sources: list[Any] = [
        SimpleNamespace(address=address, socket=address, route=None, receive=lambda view: empty.recvfrom_into(view)[0])
        for address in (KIOSK, ROOM, KIOSK)
    ]
    hot.read(sources[:1])
    assert sampled == []
    hot.read(sources)
    assert sampled == [ROOM]


class TestPacketsThatWait:
    """What goes to one destination leaves together when all is read."""

    def read(self, visit: Visit, count: int) -> tuple[int, int]:
        """Read `count` packets in a pass, and return how many have left meanwhile: to the far room, and to others."""
        before = len(visit.port.sent)
        visit.port.waiting = [visit.packet() for _ in range(count)]
        visit.relay.fanout.read([PortSource(visit.port)], count)
        return self.left(visit, before)

    def left(self, visit: Visit, since: int) -> tuple[int, int]:
        crossed = sum(address == KIOSK for address, _ in visit.port.sent[since:])
        return crossed, len(visit.port.sent) - since - crossed

    @pytest_asyncio.fixture(loop_scope="module")
    async def open_visit(self, visit: Visit) -> Visit:
        """The visit, its gate open for a second."""
        visit.relay.session.lease(visit.clock.now, visit.clock.now + 1, 9999.0, 600.0)
        visit.relay.fanout.next_expiry = visit.relay.session.gate.until
        visit.port.waiting = [visit.packet(KEY)]
        visit.relay.fanout.drain(visit.port)
        return visit

    async def test_leave_in_order_when_all_is_read(self, open_visit: Visit) -> None:
        visit, hot = open_visit, open_visit.relay.fanout
        before, forwarded = len(visit.port.sent), hot.forwarded
        assert self.read(visit, 7) == (0, 0)
        hot.flush()
        assert self.left(visit, before) == (7, 7)
        numbers = [int.from_bytes(data[2:4], "big") for data in to_kiosk(visit, before)]
        assert numbers == list(range(numbers[0], numbers[0] + 7))
        assert hot.forwarded - forwarded == 14

    async def test_leave_earlier_where_there_are_many(self, open_visit: Visit) -> None:
        visit, before = open_visit, len(open_visit.port.sent)
        visit.relay.session.gate.until = visit.relay.fanout.next_expiry = visit.clock.now + 3
        self.read(visit, fanout.WAITING)
        visit.relay.fanout.flush()
        numbers = [int.from_bytes(data[2:4], "big") for data in to_kiosk(visit, before)]
        assert numbers == list(range(numbers[0], numbers[0] + fanout.WAITING))

    async def test_are_none_while_a_gate_is_about_to_shut(self, open_visit: Visit) -> None:
        visit, hot = open_visit, open_visit.relay.fanout
        visit.relay.session.gate.until = hot.next_expiry = visit.clock.now + fanout.HASTE - TICK / 2
        assert self.read(visit, 3) == (3, 3)

    async def test_leave_before_a_gate_shuts_whatever_is_read_after_them(self, open_visit: Visit) -> None:
        visit, hot = open_visit, open_visit.relay.fanout
        before, reports = len(visit.port.sent), [build_receiver_report([])] * 10
        visit.relay.session.gate.until = hot.next_expiry = visit.clock.now + fanout.HASTE + 2.5 * TICK
        visit.port.waiting = [visit.packet(), visit.packet(), *reports]
        hot.read([PortSource(visit.port)], 12)
        assert self.left(visit, before) == (2, 2)
        assert not visit.relay.session.open_now

    async def test_are_cut_where_the_gate_has_shut_meanwhile(self, open_visit: Visit) -> None:
        visit, before = open_visit, len(open_visit.port.sent)
        assert self.read(visit, 5) == (0, 0)
        visit.clock.now += 2  # the process had no core
        visit.relay.fanout.flush()
        assert self.left(visit, before) == (0, 5)
        assert not visit.relay.session.open_now

    async def test_are_cut_by_an_order_to_shut(self, open_visit: Visit) -> None:
        visit, before = open_visit, len(open_visit.port.sent)
        assert self.read(visit, 5) == (0, 0)
        visit.relay.session.shut(visit.clock.now, "ordered")
        visit.relay.fanout.flush()
        assert self.left(visit, before) == (0, 5)

    @pytest.mark.parametrize("error", [OSError, ValueError])
    async def test_for_a_destination_that_fails_cost_no_other(
        self, open_visit: Visit, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
    ) -> None:
        visit, hot = open_visit, open_visit.relay.fanout
        failed: list[object] = []
        monkeypatch.setattr(hot, "fail", failed.append)
        visit.port.fails = error
        before, dropped = len(visit.port.sent), hot.dropped
        self.read(visit, 4)
        hot.flush()
        assert self.left(visit, before) == (0, 4)
        assert hot.dropped - dropped == 4
        assert len(failed) == (error is ValueError)

    async def test_do_not_go_to_a_client_that_has_ended(self, open_visit: Visit) -> None:
        visit, before = open_visit, len(open_visit.port.sent)
        self.read(visit, 4)
        visit.relay.peers[KIOSK[0]].close()
        visit.relay.fanout.flush()
        assert self.left(visit, before) == (0, 4)

    async def test_are_not_overwritten_after_an_error(self, open_visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
        visit, hot = open_visit, open_visit.relay.fanout
        monkeypatch.setattr(hot, "fail", lambda peer: None)
        before, calls = len(visit.port.sent), iter(range(100))

        def protect(*_: object) -> int:
            if next(calls) == 5:
                raise ValueError
            return 0

        monkeypatch.setattr(fanout, "protect", protect)
        self.read(visit, 3)
        visit.port.waiting = [visit.packet()]
        hot.drain(visit.port)
        sent = [data for _, data in visit.port.sent[before:]]
        assert len(sent) == 7 and len({data[2:4] for data in to_kiosk(visit, before)}) == len(to_kiosk(visit, before))


S0, P0, IDR = sequence_parameter_set(320, 240), picture_parameter_set(0), b"\x65\x88\x84"


def to_kiosk(visit: Visit, since: int) -> list[bytes]:
    """Return the packets that crossed since then, without what encryption adds."""
    return [data for address, data in visit.port.sent[since:] if address == KIOSK]


async def test_parameter_sets_from_before_cross_ahead_of_the_keyframe(visit: Visit) -> None:
    session, hot = visit.relay.session, visit.relay.fanout
    visit.port.waiting = [visit.packet(payload) for payload in (S0, P0, IDR, SLICE)]
    hot.drain(visit.port)
    assert to_kiosk(visit, 0) == []
    session.lease(visit.clock.now, visit.clock.now + 1, 9999.0, 600.0)
    before, forwarded, counted = len(visit.port.sent), hot.forwarded, hot.octets_out
    visit.port.waiting = [visit.packet(IDR), visit.packet()]
    hot.drain(visit.port)
    sets, key, further = to_kiosk(visit, before)
    start, numbers = payload_start(sets), [int.from_bytes(data[2:4], "big") for data in (sets, key, further)]
    assert split_aggregate(sets[start:])[0] == [S0, P0]
    assert key[payload_start(key) :] == IDR
    assert numbers == [numbers[0], numbers[0] + 1, numbers[0] + 2]
    assert numbers[0] < 1 << 15
    assert sets[4:12] == key[4:12]
    stamps = [int.from_bytes(data[17:19], "big") for data in (sets, key, further)]
    assert stamps == [stamps[0], stamps[0] + 1, stamps[0] + 2]
    assert session.tracks[Side.PRISON]["video"].crossing is None, "nobody knows that something crossed"
    sent = visit.port.sent[before:]
    assert (hot.forwarded - forwarded, hot.octets_out - counted) == (len(sent), sum(len(data) for _, data in sent))


BEHIND = [
    (0x82, bytes(8)),
    (0x90, b"\xbe\xde\0\1\x10\0\0\0"),
    (0x90, b"\x10\0\0\1\1\1\0\0"),
    (0x90, b"\xab\xcd\0\0"),
]


@pytest.mark.parametrize(("first", "inside"), BEHIND)
async def test_parameter_sets_are_seen_behind_contributors_and_extensions(
    visit: Visit, first: int, inside: bytes
) -> None:
    session, hot = visit.relay.session, visit.relay.fanout
    visit.port.waiting = [visit.packet(S0), visit.packet(IDR), visit.packet(SLICE)]
    hot.drain(visit.port)
    track = session.tracks[Side.PRISON]["video"]
    head = bytes((first,)) + visit.packet(b"")[1:]
    visit.port.waiting = [head + inside + P0]
    hot.drain(visit.port)
    assert track.sets.store.beyond(()) == [S0, P0]


async def test_a_packet_without_a_payload_harms_nobody(visit: Visit) -> None:
    visit.port.waiting = [
        visit.packet(b""),
        visit.packet(b"\x78"),
        visit.packet(b"\x7c"),
        visit.packet(S0),
        visit.packet(IDR),
    ]
    visit.relay.fanout.drain(visit.port)
    assert visit.relay.session.tracks[Side.PRISON]["video"].keyframes.seen


class TestLife:
    """A publisher lives as long as anything authentic comes from its address: media, RTCP or a STUN check. A subscriber
    must go on to show consent (RFC 7675)."""

    async def test_of_a_publisher_goes_on_while_its_media_come_without_checks_and_reports(self, visit: Visit) -> None:
        room = visit.relay.peers[ROOM[0]]
        for _ in range(10):
            visit.clock.now += CONSENT / 2
            visit.drain(3)
            assert room.expired(visit.clock.now) == ""
        assert room.route is not None
        visit.clock.now += CONSENT + 1
        assert room.expired(visit.clock.now) == "consent lost"

    async def test_goes_on_with_retransmissions_and_with_packets_that_no_track_takes(self, visit: Visit) -> None:
        room = visit.relay.peers[ROOM[0]]
        visit.drain(1)
        for payload_type in (next(iter(room.repairs)), 1, 35):
            visit.clock.now += CONSENT - 1
            visit.port.waiting = [RTP_HEADER.pack(0x80, payload_type, 7, 7, 1000 + payload_type) + b"\0\0x"]
            visit.relay.fanout.drain(visit.port)
            assert room.expired(visit.clock.now) == ""

    async def test_does_not_go_on_by_packets_that_are_copies_or_forged(
        self, visit: Visit, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        room = visit.relay.peers[ROOM[0]]
        visit.drain(1)
        visit.clock.now += CONSENT + 1
        monkeypatch.setattr(fanout, "unprotect", lambda *_: 9)
        visit.drain(5)
        assert room.expired(visit.clock.now) == "consent lost"

    async def test_does_not_go_on_by_media_of_the_publisher_that_took_over(self, visit: Visit) -> None:
        room = visit.relay.peers[ROOM[0]]
        visit.drain(1)
        track = visit.relay.session.tracks[Side.PRISON]["video"]
        track.publisher, track.received_at = visit.relay.peers[KIOSK[0]], visit.clock.now + 100
        assert room.alive_at < visit.clock.now + 1

    async def test_of_a_microphone_that_may_not_speak_goes_on_too(self, visit: Visit) -> None:
        relay, officer = visit.relay, ("192.0.2.9", 5)
        peer, agreed = relay._peer("chromium-sound-publish", officer[0])
        relay.session.talkback.publish("officer@site", peer, agreed.params)
        peer.checked(Route(visit.port.sendto, officer), Check("", True), visit.clock.now)
        peer.rx = peer.tx = "keys"
        relay.session.handle_ready(peer)
        for number in range(5):
            visit.clock.now += CONSENT / 2
            relay.fanout.by_address[ROOM] = peer
            visit.port.waiting = [RTP_HEADER.pack(0x80, agreed.payload_types["audio"], number, number, 3) + b"sound"]
            relay.fanout.drain(visit.port)
            assert peer.expired(visit.clock.now) == ""

    async def test_of_a_subscriber_does_not_go_on_by_media_that_it_sends(self, visit: Visit) -> None:
        kiosk = visit.relay.peers[KIOSK[0]]
        visit.relay.fanout.by_address[ROOM] = kiosk
        visit.clock.now += CONSENT + 1
        visit.drain(5)
        assert kiosk.expired(visit.clock.now) == "consent lost"

    async def test_of_a_subscriber_goes_on_by_reports_alone(self, visit: Visit) -> None:
        kiosk, hot = visit.relay.peers[KIOSK[0]], visit.relay.fanout
        for _ in range(5):
            visit.clock.now += CONSENT / 2
            visit.relay.demux.take(hot, build_receiver_report([]), Route(visit.port.sendto, KIOSK), visit.clock.now)
            assert kiosk.expired(visit.clock.now) == ""

    async def test_an_address_from_which_media_come_is_kept_without_checks(self, visit: Visit) -> None:
        room, hot, other = visit.relay.peers[ROOM[0]], visit.relay.fanout, ("192.0.2.77", 5)
        room.checked(Route(visit.port.sendto, other), Check("", True), visit.clock.now)  # media go on from ROOM
        for _ in range(5):
            visit.clock.now += CONSENT / 2
            visit.drain(1)
            assert room.expired(visit.clock.now) == ""
        assert hot.by_address[ROOM] is room

    async def test_media_from_an_address_that_no_check_has_proven_are_dropped(self, visit: Visit) -> None:
        hot = visit.relay.fanout
        del hot.by_address[ROOM]
        before = hot.rejected
        visit.drain(3)
        assert hot.rejected == before + 3


class TestCopiesOnABadLine:
    """They follow a packet later, and are as subject to the gate as it is."""

    def sound(self, visit: Visit) -> tuple[Destination, Callable[[], bytes]]:
        """Open the gate, and return the kiosk's down track of the sound, and what makes a packet of it."""
        session, kiosk = visit.relay.session, visit.relay.peers[KIOSK[0]]
        session.lease(visit.clock.now, visit.clock.now + 2.5, 9999.0, 600.0)
        heard = next(one for one in kiosk.down_tracks if not one.track.video)
        number = next(number for number, track in visit.relay.peers[ROOM[0]].by_payload_type.items() if not track.video)

        def packet() -> bytes:
            visit.seq += 1
            return RTP_HEADER.pack(0x80, number, visit.seq, visit.seq * 960, 8) + b"sound"

        visit.port.waiting = [packet()]
        visit.relay.fanout.drain(visit.port)
        heard.copied = True
        heard.track.rebuild()
        return heard, packet

    def crossed(self, visit: Visit, packet: bytes, wait: tuple[float, ...]) -> list[bytes]:
        """Let a packet come, and look for what is due after each `wait` (s); return what crossed."""
        before = len(visit.port.sent)
        visit.port.waiting = [packet]
        visit.relay.fanout.drain(visit.port)
        for seconds in wait:
            visit.clock.now += seconds
            visit.relay.session.send_requests(visit.clock.now)
        return [data for address, data in visit.port.sent[before:] if address == KIOSK]

    async def test_are_the_same_bytes_and_leave_by_themselves_when_no_packet_follows(self, visit: Visit) -> None:
        _, packet = self.sound(visit)
        crossed = self.crossed(visit, packet(), (0.02, 0.02, 0.02))
        assert len(crossed) == 3
        assert len(set(crossed)) == 1

    async def test_do_not_follow_once_the_gate_has_shut(self, visit: Visit) -> None:
        _, packet = self.sound(visit)
        assert len(self.crossed(visit, packet(), (0.02,))) == 2
        visit.relay.session.shut(visit.clock.now, "ordered")
        visit.relay.session.lease(visit.clock.now, visit.clock.now + 2.5, 9999.0, 600.0)
        assert self.crossed(visit, packet(), ()) != []
        visit.relay.session.gate.until = visit.clock.now + 0.01
        before = len(visit.port.sent)
        visit.relay.session.send_requests(visit.clock.now + 0.05)
        assert not [address for address, _ in visit.port.sent[before:] if address == KIOSK]

    async def test_of_what_was_said_before_a_hold_do_not_follow_after_it(self, visit: Visit) -> None:
        _, packet = self.sound(visit)
        self.crossed(visit, packet(), ())
        visit.relay.session.shut(visit.clock.now, "hold")
        visit.clock.now += 1
        visit.relay.session.lease(visit.clock.now, visit.clock.now + 2.5, 9999.0, 600.0)
        before = len(visit.port.sent)
        visit.relay.session.send_requests(visit.clock.now + 0.05)
        assert not [address for address, _ in visit.port.sent[before:] if address == KIOSK]

    async def test_wait_while_a_gate_is_about_to_shut(self, visit: Visit) -> None:
        _, packet = self.sound(visit)
        self.crossed(visit, packet(), ())
        visit.clock.now += 0.02
        visit.relay.session.gate.until = visit.clock.now + HASTE / 2
        before = len(visit.port.sent)
        visit.relay.session.send_requests(visit.clock.now)
        assert visit.relay.session.open_now
        assert len(visit.port.sent) == before

    async def test_of_a_side_that_was_muted_do_not_follow(self, visit: Visit) -> None:
        _, packet = self.sound(visit)
        self.crossed(visit, packet(), ())
        muted, now = frozenset({Side.PRISON}), visit.clock.now
        visit.relay.session.lease(now, now + 2.5, 9999.0, 600.0, muted)
        before = len(visit.port.sent)
        visit.relay.session.send_requests(now + 0.05)
        assert not [address for address, _ in visit.port.sent[before:] if address == KIOSK]

    async def test_are_taken_from_their_own_packet_when_many_wait_together(self, visit: Visit) -> None:
        _, packet = self.sound(visit)
        before = len(visit.port.sent)
        visit.port.waiting = [packet() for _ in range(5)]
        visit.relay.fanout.drain(visit.port)
        visit.clock.now += 0.02
        visit.relay.session.send_requests(visit.clock.now)
        crossed = [data for address, data in visit.port.sent[before:] if address == KIOSK]
        assert crossed[5:] == crossed[:5]
        assert len(set(crossed)) == 5
