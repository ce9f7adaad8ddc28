"""The two rules of a track under any order of loss, disorder, gates and publishers: no number carries two contents, and
a gate that is shut gives nothing, not even as a repair."""

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from broker.relay.track import Destination
from tests.support.relay.track_model import KEY, FarEnd, Line, steps

PARAMETER_SETS = (KEY, b"\x68", KEY + b"\x00\x1e")
"""Beginnings of parameter sets, which are no picture, and which later pictures need."""
BEGINNINGS = st.sampled_from([b"\x41", b"\x41", *PARAMETER_SETS, b"\x65\x88"])
"""First payload bytes of packets: slices, parameter sets, and a keyframe that may need them."""


class TrackModel(RuleBasedStateMachine):
    """Loss, disorder, gates and publishers in any order."""

    @initialize(kind=st.sampled_from(["audio", "video"]))
    def begin(self, kind: str) -> None:
        self.line = Line(kind)
        self.seq, self.made = 65_500, 0
        self.held_back: list[int] = []
        self.payloads: dict[int, bytes] = {}
        self.down_tracks: list[tuple[Destination, FarEnd]] = [
            self.line.subscriber(),
            self.line.subscriber(gated=True, start=False),
        ]
        self.while_shut: set[bytes] = set()

    def _send(self, seq: int, begins: bytes) -> None:
        self.made += 1
        payload = begins + self.made.to_bytes(4, "big")
        down_track, _ = self.down_tracks[1]
        if not down_track.flowing and not down_track.waiting and begins not in PARAMETER_SETS:
            self.while_shut.add(payload)
        self.line.send(seq, payload)

    @rule(begins=BEGINNINGS, skip=st.integers(0, 3))
    def a_packet(self, begins: bytes, skip: int) -> None:
        self.held_back = [*self.held_back, *range(self.seq, self.seq + skip)][-40:]
        self._send(self.seq + skip, begins)
        self.seq += skip + 1

    @rule(which=st.integers(0, 100), begins=BEGINNINGS)
    def a_late_packet(self, which: int, begins: bytes) -> None:
        if self.held_back and self.line.track.receive_stats is not None:
            self._send(self.held_back.pop(which % len(self.held_back)), begins)

    @rule()
    def a_loss_on_the_way_to_a_subscriber(self) -> None:
        for down_track, _ in self.down_tracks:
            down_track.reports.missed_at = self.line.now

    @rule(after=st.sampled_from([0.0, 0.05, 0.5]))
    def time_passes(self, after: float) -> None:
        self.line.release(after)

    @rule(seq=st.integers(0, 65535))
    def another_publisher(self, seq: int) -> None:
        self.line.publisher(self.line.ssrc + 1)
        self.seq, self.held_back = seq + 50, list(range(seq + 40, seq + 50))

    @rule(open_=st.booleans())
    def the_gate(self, open_: bool) -> None:
        (self.line.track.start if open_ else self.line.track.stop)(self.down_tracks[1][0])

    @invariant()
    def no_number_has_two_contents(self) -> None:
        for _, end in self.down_tracks:
            seen: dict[int, bytes] = {}
            for number, _, payload in end.got:
                assert seen.setdefault(number, payload) == payload

    @invariant()
    def a_shut_gate_gives_nothing_not_even_as_retransmission(self) -> None:
        down_track, end = self.down_tracks[1]
        assert self.while_shut.isdisjoint(end.payloads)
        if down_track.flowing and end.got:
            last = end.numbers[-1]
            found = {self.line.cached(down_track, number) for number in range(last - 80, last + 80)}
            assert self.while_shut.isdisjoint(found)

    @invariant()
    def a_retransmission_is_the_packet_that_had_this_number(self) -> None:
        for down_track, end in self.down_tracks:
            for number, _, payload in end.got[-20:]:
                assert self.line.cached(down_track, number) in (payload, None)


TestAnyOrderOfEvents = TrackModel.TestCase
TestAnyOrderOfEvents.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


@given(st.lists(st.tuples(st.integers(1, 200), st.booleans()), min_size=1, max_size=30))
def test_without_loss_each_down_track_counts_up_by_one(story: list[tuple[int, bool]]) -> None:
    line = Line("audio")
    down_track, end = line.subscriber(gated=True)
    seq = 65_000
    for count, open_ in story:
        (line.track.start if open_ else line.track.stop)(down_track)
        for _ in range(count):
            line.send(seq)
            seq += 1
    assert set(steps(end.numbers)) <= {1}
