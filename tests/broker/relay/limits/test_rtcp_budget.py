"""What one client's RTCP may cost: its lists are bounded, and what is over the budget costs only this client."""

import struct
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.media import rtcp
from broker.media.rtcp import ReportBlock, SenderReport
from broker.relay.congestion.sent_packets import SentPackets
from broker.relay.limits import rtcp_budget
from broker.relay.limits.rtcp_budget import DATAGRAMS, ENTRIES, OCTETS, SENDER_REPORTS, RtcpBudget
from broker.relay.negotiation.codec_params import CodecParams
from broker.relay.rtp import retransmission, rtcp_feedback, twcc
from broker.relay.tap import Tap
from tests.support.relay.track_model import KEY, RTX, Line

LONGEST = 1800  # bytes of a datagram that every network carries whole


class TestABudget:
    def test_of_datagrams_is_whole_again_after_a_second(self) -> None:
        budget = RtcpBudget()
        assert [budget.take_datagram(100, 5.0) for _ in range(DATAGRAMS + 1)] == [True] * DATAGRAMS + [False]
        assert budget.empty_until == 6.0
        assert budget.take_datagram(100, 6.0)

    def test_of_bytes_ends_before_that_of_datagrams_where_they_are_long(self) -> None:
        budget = RtcpBudget()
        taken = sum(budget.take_datagram(LONGEST, 5.0) for _ in range(DATAGRAMS))
        assert taken == OCTETS // LONGEST

    def test_of_entries_ends_for_the_whole_second(self) -> None:
        budget = RtcpBudget()
        budget.take_datagram(100, 5.0)
        assert budget.take_entries(ENTRIES)
        assert not budget.take_entries(1)
        assert not budget.take_entries(0)
        assert budget.empty_until == 6.0

    @given(st.lists(st.tuples(st.floats(0, 0.2), st.integers(1, 2000), st.integers(0, 3000)), max_size=300))
    def test_lets_no_more_pass_in_any_window_than_it_says(self, sent: list[tuple[float, int, int]]) -> None:
        budget, now, passed = RtcpBudget(), 100.0, []
        for wait, size, entries in sent:
            now += wait
            if now >= budget.empty_until and budget.take_datagram(size, now):
                passed.append((now, size, entries if budget.take_entries(entries) else 0))
        for begun, _, _ in passed:
            window = [one for one in passed if begun <= one[0] < begun + 1.0]
            assert len(window) <= 2 * DATAGRAMS  # two windows meet in it
            assert sum(size for _, size, _ in window) <= 2 * OCTETS
            assert sum(entries for _, _, entries in window) <= 2 * ENTRIES


def transport_wide(base: int, count: int, chunks: bytes) -> bytes:
    body = struct.pack("!IIHH", 1, 2, base & 0xFFFF, count) + bytes(4) + chunks
    body += bytes(-len(body) % 4)
    return struct.pack("!BBH", 0x80 | rtcp.TRANSPORT_WIDE, rtcp.RTPFB, len(body) // 4) + body


class Client:
    """A client that is sent one picture, and what its RTCP makes the relay look at."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.line = Line()
        self.line.track.params = CodecParams(96, nack=True)
        self.sent: list[bytes] = []
        self.down_track, self.end = self.line.subscriber(params=RTX)
        self.budget = RtcpBudget()
        self.path = SentPackets(100)
        self.peer: Any = SimpleNamespace(
            down_tracks=[self.down_track], streams={}, path=self.path, rtcp_budget=self.budget
        )
        monkeypatch.setattr(retransmission, "_send", lambda _, datagram: self.sent.append(datagram))
        self.line.send(10, KEY)
        stamp = self.path.transport_wide(3)
        for number in range(900):
            stamp((number * 0.01, 1000, 77, number))

    def handle(self, data: bytes, now: float = 1.0) -> bool:
        return rtcp_feedback.handle_compound(self.peer, Tap(), data, now, 0)

    @property
    def looked_at(self) -> int:
        return self.budget._entries


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Client:
    return Client(monkeypatch)


def filled(packet: bytes) -> bytes:
    """Return a datagram as full of this packet as it can be."""
    return packet * (LONGEST // len(packet))


NACK_ALL = struct.pack("!BBHII", 0x81, rtcp.RTPFB, 447, 1, 77) + b"\x00\x01\xff\xff" * 446
LISTS: dict[str, Callable[[], bytes]] = {
    "feedback on all that was sent": lambda: filled(transport_wide(100, 900, b"\x1f\xff")),
    "feedback of lost packets": lambda: filled(transport_wide(100, 900, b"\x03\x84")),
    "feedback on packets that were not sent": lambda: filled(transport_wide(2000, 2048, b"\x1f\xff")),
    "one nack of everything": lambda: NACK_ALL,
    "many nacks": lambda: filled(rtcp.build_nack(77, list(range(17)))),
    "report blocks": lambda: filled(rtcp.build_receiver_report([ReportBlock(77, 0, 0, 1, 0, 0, 0)] * 31)),
    "sender reports": lambda: filled(rtcp.build_sender_report(SenderReport(9, 1, 1, 1, 1))),
    "empty packets": lambda: filled(struct.pack("!BBH", 0x80, 210, 0)),
    "extended reports": lambda: filled(struct.pack("!BBHII", 0x80, 207, 2, 1, 0x04000000)),
    "full intra requests": lambda: struct.pack("!BBHII", 0x84, rtcp.PSFB, 449, 1, 0) + bytes(448 * 4 - 4),
    "estimates": lambda: filled(rtcp.build_remb(10**6, [77] * 200)),
    "names": lambda: filled(rtcp.build_sdes(1, "a")),
}


class TestADatagram:
    @pytest.mark.parametrize("kind", LISTS)
    def test_full_of_lists_ends_with_its_clients_budget(self, client: Client, kind: str) -> None:
        data = LISTS[kind]()
        for _ in range(DATAGRAMS):
            if client.budget.empty_until > 1.0:
                break
            client.handle(data)
        assert client.looked_at <= ENTRIES + twcc.MAX_PACKETS, "one list may go over, and is not walked"
        assert client.looked_at >= 1
        assert len(client.sent) <= 100, "what is sent again has a budget of its own"

    @pytest.mark.parametrize("kind", LISTS)
    def test_is_read_again_in_the_next_second(self, client: Client, kind: str) -> None:
        for _ in range(50):
            client.handle(LISTS[kind](), 1.0)
        assert client.handle(rtcp.build_receiver_report([ReportBlock(77, 0, 0, 5, 0, 0, 0)]), 2.5)
        assert client.down_track.reports.highest == 5

    def test_about_packets_never_sent_is_refused_before_it_is_walked(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        walked: list[int] = []
        monkeypatch.setattr(twcc, "_statuses", lambda body, count: walked.append(count) or (b"", 0))
        client.handle(transport_wide(1000, 2, b"\xd0\x00"))
        client.handle(transport_wide(99, 0, b"\xd0\x00"))
        client.handle(transport_wide(40_000, 900, b"\xd0\x00"))
        assert walked == []
        client.handle(transport_wide(100, 900, b"\xd0\x00"))
        assert walked == [900]

    def test_may_name_every_packet_that_was_sent(self, client: Client) -> None:
        """What an honest browser reports, on a line of twice the usual rate, stays far below the budget."""
        for at in range(0, 900, 30):  # thirty reports in a second
            assert client.handle(
                rtcp.build_receiver_report([ReportBlock(77, 0, 0, at, 0, 0, 0)] * 2)
                + transport_wide(100 + at, 30, struct.pack("!H", 1 << 13 | 30) + bytes(30))
            )
        assert client.looked_at < ENTRIES / 4

    def test_of_many_packets_ends_after_as_many_as_a_client_has_use_for(self, client: Client) -> None:
        client.handle(struct.pack("!BBH", 0x80, 210, 0) * 450)
        assert client.looked_at == rtcp_budget.MAX_PACKETS

    def test_costs_the_other_clients_nothing(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        other = Client(monkeypatch)
        while client.handle(LISTS["many nacks"]()):
            continue
        assert not client.handle(rtcp.build_receiver_report([ReportBlock(77, 0, 0, 5, 0, 0, 0)]))
        assert other.handle(rtcp.build_receiver_report([ReportBlock(77, 0, 0, 5, 0, 0, 0)]))
        assert other.down_track.reports.highest == 5


class TestRetransmissions:
    def test_that_are_asked_for_again_and_again_are_limited_in_number(self, client: Client) -> None:
        for number in range(11, 400):
            client.line.send(number)
        every = client.end.numbers
        for step in range(200):  # two seconds
            for at in range(0, len(every), 256):
                client.handle(rtcp.build_nack(77, every[at : at + 256]), 1.0 + step / 100)
        assert len(client.sent) <= 100 + 2 * 150 + 2


class TestSenderReports:
    def test_are_passed_on_as_often_as_a_publisher_needs(self, client: Client) -> None:
        got: list[bytes] = []
        client.end.send_rtcp = got.append  # type: ignore[method-assign]
        track, stats = client.line.track, client.line.track.receive_stats
        assert stats is not None
        client.peer.streams = {stats.ssrc: track}
        for _ in range(30):
            client.handle(rtcp.build_sender_report(SenderReport(stats.ssrc, 1 << 32, 1, 1, 1)))
        assert len(got) == SENDER_REPORTS
