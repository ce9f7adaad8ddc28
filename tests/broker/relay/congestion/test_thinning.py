"""Supervisors' pictures while a worker is overloaded: whole frames from keyframes on, often enough to be watched."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.relay.congestion.thinning import PERIOD, Thinning
from broker.relay.down_track import Flow
from tests.support.relay.track_model import KEY, FarEnd, Line, steps

FRAME = b"\x41" + bytes(1400)
TICK = 0.04
PAGES = 2.0  # seconds without a new frame after which a page reports that it shows no picture
ANSWER = 0.1  # seconds from a request for a keyframe to the keyframe


class Room:
    """A room that sends a picture of three packets a frame. It gives a keyframe on request, or where they are `rare`
    every so many seconds by itself, whatever is requested."""

    def __init__(self, supervisors: int = 4, phase: float = 0.5, rare: float | None = None) -> None:
        self.line = Line()
        self.far, self.far_end = self.line.subscriber(gated=True)
        self.watching = [self.line.subscriber() for _ in range(supervisors)]
        self.thinning = Thinning([self.line.track], phase)
        self.rare = rare
        self.seq = self.frames = 0
        self.began = self.line.now
        self.due: float | None = None
        self.keyframes: list[float] = []
        self.frame(KEY)

    def frame(self, first: bytes = FRAME) -> None:
        at = self.began + self.frames * TICK
        for payload in (first, FRAME, FRAME):
            self.line.now = at - 0.02
            self.line.send(self.seq, payload, self.frames * 3600)
            self.seq += 1
        self.frames += 1
        if first is KEY:
            self.keyframes.append(at)

    def run(self, share: float, seconds: float) -> None:
        until = self.line.now + seconds
        while self.line.now < until:
            self.frame(KEY if self._gives_keyframe() else FRAME)
            self.thinned = self.thinning.tick(share, self.line.now)

    def _gives_keyframe(self) -> bool:
        now = self.line.now
        if self.rare is not None:
            return now - self.keyframes[-1] >= self.rare - TICK
        if self.line.track.keyframes.due(now) and self.due is None:
            self.due = now + ANSWER
        if self.due is not None and now >= self.due:
            self.due = None
            return True
        return False


def frames(end: FarEnd) -> list[int]:
    """Return the numbers of the frames of which a subscriber got all packets; fails where it got a part of one."""
    stamps = [stamp // 3600 for _, stamp, _ in end.got]
    counts = {stamp: stamps.count(stamp) for stamp in stamps}
    assert set(counts.values()) <= {3}, "a part of a frame"
    first = {stamp // 3600: payload for _, stamp, payload in reversed(end.got)}
    for before, after in pairwise(counts):
        assert after == before + 1 or first[after] == KEY, "a frame without the one it refers to"
    return [stamp - min(counts) for stamp in counts]


class TestAThinnedPicture:
    @pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.9])
    def test_is_whole_frames_from_keyframes_on_without_holes_in_its_numbers(self, share: float) -> None:
        room = Room()
        room.run(share, 20)
        room.run(1.0, 3)
        for _, end in room.watching:
            frames(end)
            assert set(steps(end.numbers)) == {1}

    @pytest.mark.parametrize("share", [0.3, 0.5, 0.7, 0.9])
    def test_has_about_the_share_of_frames_asked_for(self, share: float) -> None:
        room = Room()
        room.run(share, 30)
        for _, end in room.watching:
            assert share - 0.12 <= len(frames(end)) / room.frames <= share + 0.12

    @pytest.mark.parametrize("rare", [None, 2.0])
    @pytest.mark.parametrize("share", [0.0, 0.5, 0.9])
    def test_never_stands_still_for_as_long_as_pages_and_proofs_allow(self, share: float, rare: float | None) -> None:
        room = Room(rare=rare)
        room.run(share, 30)
        for _, end in room.watching:
            assert max(after - before for before, after in pairwise(frames(end))) * TICK < PAGES

    def test_comes_to_all_supervisors_alike(self) -> None:
        room = Room()
        room.run(0.4, 20)
        assert len({len(end.got) for _, end in room.watching}) == 1

    @pytest.mark.parametrize("supervisors", [1, 8])
    def test_costs_its_publisher_one_keyframe_a_period_however_many_watch(self, supervisors: int) -> None:
        room = Room(supervisors)
        room.run(0.4, 30)
        assert len(room.keyframes) <= 30 / PERIOD + 2

    def test_begins_for_those_who_come_meanwhile(self) -> None:
        room = Room()
        room.run(0.4, 5)
        down_track, end = room.line.subscriber()
        room.watching.append((down_track, end))
        room.run(0.4, 10)
        assert down_track.thinned
        assert 0.2 < len(frames(end)) / (10 / TICK) < 0.7

    def test_of_one_whose_line_is_weak_stays_paused(self) -> None:
        room = Room()
        weak, end = room.watching[0]
        room.line.track.pause(weak)
        room.run(0.4, 2)
        assert weak.flow is Flow.PAUSED and not weak.thinned
        before = len(end.got)
        room.run(0.4, 5)
        room.run(1.0, 5)
        assert len(end.got) == before
        assert weak.flow is Flow.PAUSED


class TestOthers:
    def test_the_far_room_gets_every_packet(self) -> None:
        room = Room()
        room.run(0.0, 20)
        assert len(room.far_end.got) == room.seq
        assert not room.far.thinned

    def test_nothing_changes_while_the_share_is_all(self) -> None:
        room = Room()
        room.run(1.0, 10)
        assert all(len(end.got) == room.seq for _, end in room.watching)
        assert not room.thinned

    @given(st.floats(0.0, 0.99), st.floats(0.1, 10.0), st.floats(0.0, 1.0))
    def test_everything_flows_again_when_the_share_is_all_again(
        self, share: float, seconds: float, phase: float
    ) -> None:
        room = Room(2, phase)
        room.run(share, seconds)
        room.run(1.0, 2)
        assert not room.thinned
        assert all(down_track.flow is Flow.FLOWING and not down_track.thinned for down_track, _ in room.watching)

    def test_sound_is_not_thinned(self) -> None:
        line = Line("audio")
        _, end = line.subscriber()
        thinning = Thinning([line.track], 0.5)
        for number in range(200):
            line.send(number, bytes(100))
            assert not thinning.tick(0.0, line.now)
        assert len(end.got) == 200

    def test_pictures_pause_at_different_moments(self) -> None:
        rooms = [Room(1, phase) for phase in (0.0, 0.25, 0.5, 0.75)]
        for room in rooms:
            room.run(1.0, 3)
            room.run(0.5, 10)
        moments = [{round((at - 1000.0) % PERIOD, 1) for at in room.keyframes[-2:]} for room in rooms]
        assert len(set().union(*moments)) > 2
