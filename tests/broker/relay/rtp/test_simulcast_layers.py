"""Several encodings of one picture: subscribers get the best that comes, one on a weak line a smaller one, and each
change is a keyframe under the next sequence number and a little later."""

from itertools import pairwise

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from broker.media.rtcp import SenderReport
from broker.relay.congestion.sent_packets import SentPackets
from broker.relay.congestion.subscriber_adaptation import BEHIND, SubscriberAdaptation
from broker.relay.negotiation.codec_params import CodecParams
from broker.relay.rtp.simulcast_layers import REST, STALE, SimulcastLayers
from broker.relay.track import Destination, Track
from tests.support.relay.track_model import NAMED, PLAIN, SLICE, FarEnd, Fixed, Line, new_track, steps, subscribe
from tests.support.rtp import sequence_parameter_set

SIZES = {b"q": (320, 192), b"h": (640, 384), b"f": (1280, 768)}
LENGTHS = {b"q": 50, b"h": 200, b"f": 800}
RIDS = ("q", "h", "f")
FRAME = 0.04  # seconds


KEYS = {rid: sequence_parameter_set(*size) for rid, size in SIZES.items()}


class Room:
    """One side's pictures and their subscribers; time is `now`. Each encoding has sequence numbers, timestamps and an
    SSRC of its own, as browsers do it."""

    def __init__(self) -> None:
        first = new_track("video")
        self.shown: dict[str, Track] = {"audio": new_track("audio", 1), "video": first}
        self.streams = list(self.shown.values())
        self.layers = SimulcastLayers(self.shown, self.streams)
        self.now, self.frames, self.keys = 1000.0, 0, KEYS
        self.lines: dict[bytes, Line] = {}
        self.seqs: dict[bytes, int] = {}
        self.publish()

    def publish(self, *rids: str, ssrc: int = 10) -> None:
        names = self.layers.assign(rids or RIDS)
        self.lines = {rid.encode(): Line("video", track, ssrc + n) for n, (rid, track) in enumerate(names.items())}
        self.seqs = {rid: 60_000 + 1000 * n for n, rid in enumerate(self.lines)}
        for track in names.values():
            track.replace_publisher(FarEnd(), PLAIN)

    def subscriber(
        self, gated: bool = False, start: bool = True, params: CodecParams = PLAIN
    ) -> tuple[Destination, FarEnd]:
        end = FarEnd()
        down_track = subscribe(end, self.layers.best, gated, params)
        if start:
            self.layers.best.start(down_track)
        return down_track, end

    def packet(self, rid: bytes, payload: bytes) -> None:
        line = self.lines[rid]
        line.now = self.now - 0.02
        stamp = self.frames * int(FRAME * 90_000) + 7_000_000 * line.ssrc
        line.send(self.seqs[rid], payload + rid, stamp, last=payload[0] == 0x5C)
        self.seqs[rid] += 1

    def frame(self, *rids: bytes, keys: tuple[bytes, ...] = ()) -> None:
        """Send the next picture in these encodings, two packets each."""
        self.now += FRAME
        self.frames += 1
        for rid in rids or tuple(self.lines):
            key = rid in keys or self.lines[rid].track.keyframes.due(self.now)
            self.packet(rid, self.keys.get(rid, self.keys[b"f"]) if key else SLICE)
            self.packet(rid, b"\x5c" + bytes(LENGTHS.get(rid, 100)))
        self.layers.tick(self.now)

    def play(self, seconds: float, *rids: bytes) -> None:
        for _ in range(round(seconds / FRAME)):
            self.frame(*rids)


def seen(end: FarEnd) -> list[bytes]:
    """Return the encodings that came, each as often as it began."""
    names = [payload[-1:] for payload in end.payloads]
    return [name for before, name in pairwise([b"", *names]) if before != name]


def is_whole(end: FarEnd, skipped: float = 0.0) -> bool:
    """Whether numbers have no gap, pictures are complete, time goes on by a picture or less, or by what is `skipped`
    (s) of what has waited for a weak line, and each change is a keyframe."""
    times = [at for _, at, _ in end.got]
    most = (FRAME * 1.5 + skipped) * 90_000
    forward = all((after - before) & 0xFFFFFFFF <= most for before, after in pairwise(times))
    if {times.count(at) for at in set(times[:-2])} > {2}:
        return False
    changes = [(a, b) for a, b in pairwise(end.got) if a[2][-1:] != b[2][-1:]]
    keys = all(b[2][0] == 0x67 and (b[1] - a[1]) & 0xFFFFFFFF > 0 for a, b in changes)
    return set(steps(end.numbers)) <= {1} and forward and keys


@pytest.fixture
def room() -> Room:
    return Room()


class TestParameterSets:
    def test_that_came_once_go_ahead_of_the_first_picture_of_each_encoding(self, room: Room) -> None:
        room.play(0.5)
        room.keys = dict.fromkeys(KEYS, b"\x65\x88")
        _, end = room.subscriber()
        room.play(0.5)
        room.play(STALE + 0.5, b"q", b"h")
        room.play(REST + 1)
        assert seen(end) == [b"f", b"h", b"f"]
        assert set(steps(end.numbers)) == {1}
        for name in (b"f", b"h"):
            first = next(n for n, payload in enumerate(end.payloads) if payload[-1:] == name)
            assert end.payloads[first : first + 2] == [KEYS[name] + name, b"\x65\x88" + name]
            assert end.got[first][1] == end.got[first + 1][1]

    def test_of_the_encoding_that_the_recorder_gets_go_ahead_of_it(self, room: Room) -> None:
        room.play(0.5)
        room.keys = dict.fromkeys(KEYS, b"\x65\x88")
        room.layers.best.record(7)
        room.play(0.5)
        assert room.lines[b"f"].taped == [KEYS[b"f"] + b"f"]
        room.play(STALE + 0.5, b"q", b"h")
        assert room.lines[b"h"].taped == [KEYS[b"h"] + b"h"]
        assert room.lines[b"q"].taped == []


class TestTheBest:
    def test_is_the_largest_whatever_the_names_and_the_order_of_their_beginning(self, room: Room) -> None:
        _, end = room.subscriber()
        room.play(0.5)
        assert room.layers.best is room.lines[b"f"].track
        assert seen(end)[-1] == b"f"
        assert is_whole(end)

    def test_is_what_a_new_subscriber_gets_from_its_first_picture_on(self, room: Room) -> None:
        room.play(0.5)
        _, end = room.subscriber()
        room.play(0.5)
        assert seen(end) == [b"f"]

    def test_is_another_soon_after_it_stops_coming(self, room: Room) -> None:
        _, end = room.subscriber()
        room.play(1)
        before, stopped = len(end.got), room.now
        while len(end.got) == before:
            room.frame(b"q", b"h")
        assert room.now - stopped < STALE + 0.2
        assert seen(end)[-1] == b"h"
        assert set(steps(end.numbers)) == {1}

    def test_comes_back_only_after_the_rest_that_the_recorder_needs(self, room: Room) -> None:
        _, end = room.subscriber()
        room.play(1)
        room.play(STALE + 0.2, b"q", b"h")
        left = room.now
        room.play(REST + 1)
        assert seen(end)[-3:] == [b"f", b"h", b"f"]
        back = next(n for n, (_, _, payload) in enumerate(end.got) if n > 60 and payload[-1:] == b"f")
        assert back > 0 and room.now - left > REST

    def test_comes_back_more_rarely_each_time_that_it_does_not_stay(self, room: Room) -> None:
        _, end = room.subscriber()
        room.play(1)
        for _ in range(10):
            room.play(STALE + 0.2, b"q", b"h")
            room.play(REST + 1)
        assert 3 <= seen(end).count(b"f") <= 6
        room.play(30)
        assert seen(end)[-1] == b"f"

    def test_counts_each_picture_once_and_not_in_each_encoding(self, room: Room) -> None:
        room.play(2)
        counted = room.layers.best.frames
        room.play(1)
        assert counted <= room.frames and room.layers.best.frames - counted == round(1 / FRAME)

    def test_is_recorded_and_changes_on_the_tap_with_the_same_packet(self, room: Room) -> None:
        room.layers.best.tap = 5
        room.play(0.5)
        assert [track.tap for track in room.streams if track.video].count(5) == 1
        assert room.lines[b"f"].track.tap == 5
        room.frame(b"q", b"h")
        assert room.lines[b"f"].track.tap == 5
        room.play(1, b"q", b"h")
        assert (room.lines[b"f"].track.tap, room.lines[b"h"].track.tap) == (None, 5)


class TestAWeakLine:
    def test_gets_a_smaller_encoding_without_a_pause_while_others_keep_the_best(self, room: Room) -> None:
        down_track, end = room.subscriber()
        _, other = room.subscriber(gated=True)
        room.play(2)
        low = room.lines[b"q"].track
        assert room.layers.lower(down_track, need=low.encoding.rate)
        room.play(1)
        assert seen(end)[-2:] == [b"f", b"q"]
        assert seen(other)[-1] == b"f"
        assert is_whole(end) and is_whole(other)
        assert end.down_tracks == [down_track] and down_track.track is low

    def test_gets_the_largest_that_fits(self, room: Room) -> None:
        down_track, _ = room.subscriber()
        room.play(2)
        assert room.layers.lower(down_track, need=1e9)
        assert down_track.lesser is room.lines[b"h"].track
        assert room.layers.lower(down_track, need=1e9)
        assert down_track.lesser is room.lines[b"q"].track
        assert not room.layers.lower(down_track, need=1e9)

    def test_gets_nothing_where_nothing_is_small_enough(self, room: Room) -> None:
        down_track, _ = room.subscriber()
        room.play(2)
        assert not room.layers.lower(down_track, need=10.0)

    def test_gets_the_best_again_with_a_keyframe(self, room: Room) -> None:
        down_track, end = room.subscriber()
        room.play(2)
        room.layers.lower(down_track, need=1e9)
        room.play(1)
        down_track.lesser = None
        room.play(1)
        assert seen(end)[-3:] == [b"f", b"h", b"f"]
        assert is_whole(end)

    def test_gets_the_best_when_the_smaller_one_stops(self, room: Room) -> None:
        down_track, end = room.subscriber()
        room.play(2)
        room.layers.lower(down_track, need=1e9)
        room.play(1)
        room.play(STALE + 0.5, b"q", b"f")
        assert seen(end)[-1] == b"f" and down_track.lesser is None

    def test_gets_retransmissions_and_reports_of_its_own_encoding(self, room: Room) -> None:
        down_track, end = room.subscriber()
        room.play(2)
        room.layers.lower(down_track, need=room.lines[b"q"].track.encoding.rate)
        room.play(1)
        track = end.down_tracks[0].track
        number, at, payload = end.got[-1]
        kept = track.cached(down_track, number)
        assert kept is not None and kept.endswith(payload)
        assert track.cached(down_track, end.got[10][0]) is None, "an old number means what was sent before the change"
        stamp = int.from_bytes(kept[4:8], "big")
        assert track.sender_report_for(down_track, SenderReport(1, 5, stamp, 0, 0)).timestamp == at
        assert track.sender_report_for(down_track, SenderReport(1, 5, stamp, 0, 0)).packets == len(end.got)


class Officer:
    """A supervisor on a line of a rate that the test sets, adapted as a worker does it."""

    def __init__(self, room: Room, gated: bool = False) -> None:
        self.room, self.path = room, SentPackets()
        self.down_track, self.end = room.subscriber(gated, params=NAMED)
        self.adaptation = SubscriberAdaptation(self.path, self.end.down_tracks, gated)

    def watch(self, seconds: float, rate: float | None) -> None:
        self.path.capacity = SentPackets().capacity if rate is None else Fixed(rate)  # type: ignore[assignment]
        for _ in range(round(seconds / FRAME)):
            self.room.frame()
            self.adaptation.tick(self.room.now)


class TestAnAdaptedSubscriber:
    def test_gets_a_smaller_encoding_on_a_weak_line_without_a_pause(self, room: Room) -> None:
        officer = Officer(room)
        officer.watch(3, None)
        officer.watch(30, 120_000)
        assert seen(officer.end)[-2:] == [b"f", b"h"]
        assert is_whole(officer.end, skipped=1.5 * BEHIND)

    def test_gets_the_best_when_the_line_is_good_again(self, room: Room) -> None:
        officer = Officer(room)
        officer.watch(3, None)
        officer.watch(10, 120_000)
        officer.watch(4, None)
        assert seen(officer.end)[-1] == b"f"
        assert is_whole(officer.end, skipped=1.5 * BEHIND)

    def test_tries_the_best_only_rarely_on_a_line_that_cannot_take_it(self, room: Room) -> None:
        officer = Officer(room)
        officer.watch(3, None)
        for _ in range(8):  # the line seems good until it is used
            officer.watch(6, 120_000)
            officer.watch(6, None)
        assert seen(officer.end).count(b"f") <= 6
        assert officer.down_track.flowing

    def test_gets_no_picture_where_even_the_smallest_is_too_much(self, room: Room) -> None:
        officer = Officer(room)
        officer.watch(3, None)
        officer.watch(10, 60_000)
        before = len(officer.end.got)
        officer.watch(10, 60_000)
        assert len(officer.end.got) == before

    def test_always_gets_the_best_when_it_is_the_far_room(self, room: Room) -> None:
        far = Officer(room, gated=True)
        far.watch(3, None)
        far.watch(30, 120_000)
        assert seen(far.end)[-1] == b"f" and far.down_track.lesser is None


class TestTheGate:
    def test_lets_no_encoding_cross_while_it_is_shut(self, room: Room) -> None:
        down_track, end = room.subscriber(gated=True)
        room.play(1)
        room.layers.best.stop(down_track)
        before = len(end.got)
        room.play(1, b"q", b"h")
        room.play(1 + REST)
        assert len(end.got) == before
        track = end.down_tracks[0].track
        assert track is room.layers.best
        track.start(down_track)
        room.play(0.3)
        assert end.got[before][2][0] == 0x67 and seen(end)[-1] == b"f"
        assert set(steps(end.numbers)) == {1}


class TestAnotherPublisher:
    def test_with_one_encoding_takes_over_from_one_with_several(self, room: Room) -> None:
        down_track, end = room.subscriber()
        weak, poor = room.subscriber()
        room.play(2)
        room.layers.lower(weak, need=1e9)
        room.play(1)
        room.publish("", ssrc=99)
        assert weak.lesser is None
        room.play(0.5)
        for got in (end, poor):
            assert got.down_tracks[0].track is room.layers.best
            assert got.payloads[-1] == b"\x5c" + bytes(100)
            assert set(steps(got.numbers)) == {1}
        room.publish(ssrc=50)
        room.play(1)
        assert seen(end)[-1] == b"f" and down_track.flowing
        assert len(room.layers.tracks) == 3

    def test_with_the_same_encodings_continues_them(self, room: Room) -> None:
        _, end = room.subscriber()
        room.play(1)
        best = room.layers.best
        room.publish(ssrc=20)
        room.play(1)
        assert room.layers.best is best
        assert set(steps(end.numbers)) == {1}


class LayersModel(RuleBasedStateMachine):
    """Encodings that start and stop, lines that weaken and recover, gates and publishers in any order: numbers and time
    go on for all subscribers, and a shut gate gives nothing."""

    @initialize()
    def begin(self) -> None:
        self.room = Room()
        self.down_tracks = [
            self.room.subscriber(),
            self.room.subscriber(),
            self.room.subscriber(gated=True, start=False),
        ]
        self.there = set(self.room.lines)
        self.shut: int | None = 0
        self.ssrc = 10

    @rule(count=st.integers(1, 30))
    def time_passes(self, count: int) -> None:
        for _ in range(count):
            if self.there:
                self.room.frame(*sorted(self.there))
            else:
                self.room.now += FRAME
                self.room.layers.tick(self.room.now)

    @rule(rid=st.sampled_from(sorted(SIZES)), on=st.booleans())
    def an_encoding_starts_or_stops(self, rid: bytes, on: bool) -> None:
        if rid in self.room.lines:
            (self.there.add if on else self.there.discard)(rid)

    @rule(which=st.integers(0, 1), need=st.sampled_from([0.0, 1e4, 1e9]))
    def a_line_is_too_weak(self, which: int, need: float) -> None:
        down_track, end = self.down_tracks[which]
        track = end.down_tracks[0].track
        if track.layers is not None:
            track.layers.lower(down_track, need)

    @rule(which=st.integers(0, 1))
    def a_line_recovers(self, which: int) -> None:
        self.down_tracks[which][0].lesser = None

    @rule(open_=st.booleans())
    def the_gate(self, open_: bool) -> None:
        down_track, end = self.down_tracks[2]
        track = end.down_tracks[0].track
        if open_ == (self.shut is None):
            return
        (track.start if open_ else track.stop)(down_track)
        self.shut = None if open_ else len(end.got)

    @rule(several=st.booleans())
    def another_publisher(self, several: bool) -> None:
        self.ssrc += 10
        self.room.publish(*(RIDS if several else ("",)), ssrc=self.ssrc)
        self.there = set(self.room.lines)

    @invariant()
    def numbers_go_on(self) -> None:
        for _, end in self.down_tracks:
            assert set(steps(end.numbers)) <= {1}

    @invariant()
    def time_goes_on(self) -> None:
        for _, end in self.down_tracks:
            for (_, before, _), (_, after, _) in pairwise(end.got):
                assert (after - before) & 0xFFFFFFFF < 1 << 31

    @invariant()
    def a_shut_gate_gives_nothing(self) -> None:
        assert self.shut is None or len(self.down_tracks[2][1].got) == self.shut

    @invariant()
    def each_down_track_is_in_one_track(self) -> None:
        for down_track, end in self.down_tracks:
            track = end.down_tracks[0].track
            assert [track for track in self.room.layers.tracks if down_track in track.down_tracks] == [track]


LayersModel.TestCase.settings = settings(max_examples=120, stateful_step_count=30)
TestAnyOrder = LayersModel.TestCase
