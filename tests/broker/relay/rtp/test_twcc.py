"""Transport-wide feedback: all that a receiver may write is read back, and arbitrary bytes do not raise."""

import struct
from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from broker.relay.congestion.sent_packets import WINDOW, SentPackets
from broker.relay.rtp.twcc import MAX_PACKETS, TICKS, Feedback, parse

NEAR = st.integers(0, 255)
GAPS = st.one_of(st.none(), NEAR, st.integers(-32768, 32767))
REPORTS = st.one_of(st.lists(GAPS, min_size=1, max_size=60), st.lists(NEAR, min_size=1, max_size=60))


def built(base: int, reference: int, gaps: list[int | None], runs: bool) -> bytes:
    """Return the body of a feedback packet; `gaps` has the ticks since the packet before, None for a lost one."""
    kinds = [0 if gap is None else 1 if 0 <= gap <= 255 else 2 for gap in gaps]
    chunks = _runs(kinds) if runs else _vectors(kinds)
    deltas = b"".join(
        struct.pack("!B" if kind == 1 else "!h", gap) for kind, gap in zip(kinds, gaps, strict=True) if gap is not None
    )
    head = struct.pack("!IIHH", 1, 2, base, len(gaps)) + (reference & 0xFFFFFF).to_bytes(3, "big") + b"\x07"
    body = head + b"".join(struct.pack("!H", chunk) for chunk in chunks) + deltas
    return body + bytes(-len(body) % 4)


def _runs(kinds: list[int]) -> list[int]:
    return [kind << 13 | len(list(same)) for kind, same in groupby(kinds)]


def _vectors(kinds: list[int]) -> list[int]:
    """Return chunks of fourteen one-bit symbols where these are enough, else of seven two-bit ones."""
    chunks = []
    while kinds:
        wide = 2 in kinds[:14]
        taken, kinds = (kinds[:7], kinds[7:]) if wide else (kinds[:14], kinds[14:])
        bits, chunk = (2, 0xC000) if wide else (1, 0x8000)
        for index, kind in enumerate(taken):
            chunk |= kind << ((6 if wide else 13) - index) * bits
        chunks.append(chunk)
    return chunks


class TestWellFormedFeedback:
    @given(st.integers(0, 65535), st.integers(-(2**23), 2**23 - 1), REPORTS, st.booleans())
    def test_reads_back_as_it_was(self, base: int, reference: int, gaps: list[int | None], runs: bool) -> None:
        feedback = parse(built(base, reference, gaps, runs))
        at, arrived = reference * 256, []
        for index, gap in enumerate(gaps):
            if gap is not None:
                at += gap
                arrived.append((index, at))
        assert feedback == Feedback(base, len(gaps), arrived)

    def test_the_chunks_of_the_drafts_example(self) -> None:
        """3.1.3 and 3.1.4: a run of 221 lost packets; 0, five that came, three lost, three that came, two lost."""
        head = struct.pack("!IIHH", 1, 2, 0, 235) + b"\x00\x00\x00\x00"
        feedback = parse(head + bytes((0x00, 0xDD, 0x9F, 0x1C)) + bytes(8))
        assert feedback is not None
        assert [index - 221 for index, _ in feedback.arrived] == [1, 2, 3, 4, 5, 9, 10, 11]


class TestMalformedFeedback:
    @given(st.binary(max_size=200))
    def test_arbitrary_bytes_do_not_raise(self, body: bytes) -> None:
        feedback = parse(body)
        assert feedback is None or len(feedback.arrived) <= feedback.span <= MAX_PACKETS

    @given(st.lists(GAPS, min_size=1, max_size=60), st.booleans(), st.integers(1, 200))
    def test_feedback_that_is_cut_off_is_none(self, gaps: list[int | None], runs: bool, cut: int) -> None:
        whole = built(5, 5, gaps, runs)
        feedback = parse(whole[: max(0, len(whole) - 3 - cut)])
        assert feedback is None or len(feedback.arrived) < len(gaps) or None in gaps

    def test_a_few_bytes_cannot_claim_many_packets(self) -> None:
        head = struct.pack("!IIHH", 1, 2, 0, 65535) + bytes(4)
        assert parse(head + b"\x1f\xff" * 9) is None


def report(base: int, *gaps: int | None) -> Feedback:
    feedback = parse(built(base & 0xFFFF, 0, list(gaps), True))
    assert feedback is not None
    return feedback


class TestPath:
    def sent(self, count: int, every: float = 0.01, size: int = 1000) -> tuple[SentPackets, int]:
        """Return a path on which `count` packets of one track were sent."""
        path = SentPackets()
        first, stamp = path.number, path.transport_wide(3)
        for index in range(count):
            stamp((index * every, size, "picture", index))
        return path, first

    def test_each_packet_of_all_streams_gets_the_next_number(self) -> None:
        path = SentPackets(65535)
        video, audio = path.transport_wide(3), path.transport_wide(4)
        words = [video((0, 1, "v", 0)), audio((0, 1, "a", 0)), video((0, 1, "v", 0))]
        assert words == [0x31FFFF00, 0x41000000, 0x31000100]

    def test_feedback_names_the_streams_of_arrived_packets(self) -> None:
        path = SentPackets()
        first = path.number
        video, audio = path.transport_wide(3), path.transport_wide(3)
        for stamp, track in ((video, "v"), (audio, "a"), (video, "v")):
            stamp((0.0, 1, track, 0))
        assert path.received(report(first, 0, None, 4))[0] == {"v"}
        assert path.received(report(first + 1, 8))[0] == {"a"}

    def test_feedback_without_stamped_packets_proves_nothing(self) -> None:
        path = SentPackets(10)
        assert path.received(report(9, 0)) == (set(), [])

    def test_the_same_feedback_again_proves_nothing(self) -> None:
        path, first = self.sent(3)
        assert path.received(report(first, 0, 0, 0))[0] == {"picture"}
        assert path.received(report(first, 0, 0, 0))[0] == set()

    def test_feedback_on_packets_that_were_never_sent_proves_nothing(self) -> None:
        path, first = self.sent(3)
        for base in (first + 3, first + 1, first - 3, first - WINDOW):
            assert path.received(report(base, 0, 0, 0)) == (set(), [])

    def test_a_packet_overtaken_by_far_is_lost_once(self) -> None:
        path, first = self.sent(8, every=0.01)
        assert path.received(report(first, 0, None, 0, None))[1] == []
        assert [departure[3] for departure in path.received(report(first + 4, 0, 0))[1]] == [1]
        assert [departure[3] for departure in path.received(report(first + 6, 0, 0))[1]] == [3]
        assert path.received(report(first + 7, 0))[1] == []

    def test_a_packet_that_comes_late_is_not_lost(self) -> None:
        path, first = self.sent(8, every=0.01)
        path.received(report(first, 0, None, 0))
        assert path.received(report(first + 1, 0)) == ({"picture"}, [])
        assert path.received(report(first + 3, 0, 0, 0, 0)) == ({"picture"}, [])

    def test_loss_reduces_the_rate_to_what_arrived(self) -> None:
        path, first = self.sent(1)
        path.received(report(first, 0))
        path.tick(100.0)
        stamp = path.transport_wide(3)
        for step in range(1, 9):
            base = path.number
            for _ in range(20):
                stamp((100 + step / 2, 1000, "picture", 0))
            path.received(report(base, *[0, None] * 10))
            path.tick(100 + step / 2)
        assert path.capacity.rate < 20 * 8000
        assert path.capacity.loss > 0.3

    def test_a_queue_reduces_the_rate_and_jitter_does_not(self) -> None:
        for queue in (0.0, 0.2):
            path = SentPackets()
            stamp = path.transport_wide(3)
            for step in range(1, 9):
                base, at = path.number, 100 + step / 2
                for index in range(20):
                    stamp((at + index / 50, 1000, "picture", 0))
                waits = [(index % 4) * 0.03 + (queue if step > 4 else 0.0) for index in range(20)]
                ticks = [round((at + index / 50 - 50 + wait) * TICKS) for index, wait in enumerate(waits)]
                path.received(Feedback(base & 0xFFFF, 20, list(enumerate(ticks))))
                path.tick(at + 0.49)
            assert path.capacity.limited is bool(queue)
