"""Lip sync over half an hour of drift, loss and reconnects, in simulated time. The codes in pictures and sound are read
back from the film: which picture is shown when, and which second sounds when (design, section 6)."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from broker.kernel.ids import Side
from broker.media.tap_format import pack, unpack
from recorder.mp4.join import PartFile, join
from tests.support import gstreamer, marked, probe
from tests.support.recording.feed import Outcome, record
from tests.support.recording.publisher import Publisher
from tests.support.recording.watched import Film, Shown, likeness, middle, nearest
from tests.support.rtp import Stream

MINUTES = 30
END = MINUTES * 60.0
LEFT, BACK = 700.0, 707.3
FAST, SLOW = 1.0002, 0.9998
LIPS, LENGTH = 0.08, 0.5  # seconds, by the design
WRAP = 1 << 32


def prison_is_behind(second: float) -> float:
    """Return how much longer the prison's pictures travel: much only while sender reports can correct it."""
    return 0.25 if 330.0 < second < LEFT - 10 or second > BACK + 60 else 0.04


def visitor_sounds_behind(second: float) -> float:
    """Return how much longer the visitor's sound travels, as a negative number."""
    return -0.2 if second % 400 > 200 else -0.03


def publishers() -> list[Publisher]:
    """Return the publishers: the prison's clock runs fast, its numbers wrap, it leaves and returns with other streams;
    the visitor's clock runs slow, and its sound is at times behind its pictures."""
    wrapping = (
        Stream(90_000, 11, seq=65_000, base=WRAP - 400 * 90_000),
        Stream(48_000, 12, seq=65_500, base=WRAP - 300 * 48_000),
    )
    returned = (Stream(90_000, 0xFFFFFFF0, seq=31_000, base=3_141_592_653), Stream(48_000, 7, seq=9, base=271_828_182))
    other = (Stream(90_000, 31, seq=40_000, base=WRAP - 5), Stream(48_000, 32, seq=0, base=0))
    prison = {"side": Side.PRISON, "drift": FAST, "loss": 0.05, "behind": prison_is_behind}
    return [
        Publisher(begin=0.0, end=LEFT, streams=wrapping, reports_from=25.0, **prison),
        Publisher(begin=BACK, end=END, streams=returned, reports_from=BACK + 20.0, ntp=1_234_567.0, **prison),
        Publisher(Side.VISITOR, 0.0, END, other, SLOW, 0.05, 77.0, 5.0, visitor_sounds_behind),
    ]


@dataclass
class Visit:
    """The film of the half hour, and the pictures in it."""

    outcome: Outcome
    film: Film
    shown: dict[Side, list[Shown]]


@pytest.fixture(scope="module")
def visit(tmp_path_factory: pytest.TempPathFactory) -> Visit:
    """Record the half hour once. The disk is synced once a minute, because it is not the subject."""
    records = sorted((one for each in publishers() for one in each.records()), key=lambda one: one.arrival_ns)
    wire = [one for each in records for one in unpack(pack(*each))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("recorder.pipeline.writer.SYNC", 60.0)
        outcome = record(tmp_path_factory.mktemp("lips"), wire, END, step=0.25)
    film = Film(outcome.film)
    return Visit(outcome, film, {side: film.pictures(side) for side in Side})


def clock(side: Side) -> float:
    """Return the rate of the side's clock, relative to the server's."""
    return FAST if side is Side.PRISON else SLOW


def lag(side: Side, at: float, second: float) -> float:
    """Return how many seconds late the film has at `at` what happened at `second` of the side's clock."""
    return at - second / clock(side)


def picture_lags(visit: Visit, side: Side) -> list[tuple[float, float]]:
    """Return film second and lag of every picture."""
    pictures = [one for one in visit.shown[side] if one.number is not None]
    return [(one.at, lag(side, one.at, (one.number or 0) / marked.PICTURES)) for one in pictures]


def sound_lags(visit: Visit, side: Side, every: int = 45, seconds: float = 3.0) -> list[tuple[float, float]]:
    """Return film second and lag of the marks in samples of the sound. One mark in a hundred may name a wrong second,
    because its parity bit finds one changed bit, not two."""
    found: list[tuple[float, float]] = []
    for start in range(0, int(END - seconds), every):
        for at, mark in visit.film.marks(side, start, start + seconds):
            found.append((at, lag(side, at, nearest(mark, at * clock(side), marked.LOOP))))
    right = [one for one in found if abs(one[1]) < 2.0]
    assert len(found) - len(right) <= 0.03 * len(found), found
    return right


@pytest.mark.slow
@pytest.mark.timeout(300)  # the first test records the half hour
@pytest.mark.parametrize("side", list(Side))
class TestThirtyMinutesOfTrouble:
    """Drift of 200 ppm, 5 % loss, wraps of timestamps and numbers, late reports, a reconnect after seven seconds."""

    def test_every_picture_is_one_that_was_sent_and_they_come_in_order(self, visit: Visit, side: Side) -> None:
        pictures = [one for one in visit.shown[side] if one.size == (128, 96)]
        numbers = [one.number for one in pictures if one.number is not None]
        assert len(numbers) == len(pictures) and {one.side for one in pictures} == {side}
        assert numbers == sorted(set(numbers))
        sent = END * marked.PICTURES - (28 if side is Side.PRISON else 0)
        assert 0.93 * sent < len(numbers) < 0.97 * sent  # 5 % were lost and not sent again

    def test_pictures_stand_where_they_happened(self, visit: Visit, side: Side) -> None:
        assert max(abs(late) for _, late in picture_lags(visit, side)) < LENGTH

    def test_lips_fit_all_the_time(self, visit: Visit, side: Side) -> None:
        pictures, sounds = picture_lags(visit, side), sound_lags(visit, side)
        assert len(sounds) > END / 45  # at least half of the two marks in three seconds
        errors = []
        for at, heard in sounds:
            around = [seen for when, seen in pictures if abs(when - at) < 1.0]
            if around:
                errors.append((abs(middle(around) - heard), at))
        assert len(errors) > 0.95 * len(sounds)
        assert max(errors)[0] < LIPS, max(errors)

    def test_sound_is_that_of_the_side(self, visit: Visit, side: Side) -> None:
        other = Side.VISITOR if side is Side.PRISON else Side.PRISON
        found: list[float] = []
        for start in range(40, int(END), 170):
            begin, heard = visit.film.sound(side, start, start + 2.0)
            like, late = likeness(heard, side, begin * clock(side))
            assert abs(late) < LENGTH and likeness(heard, other, begin * clock(side))[0] < 0.15, start
            found.append(like)
        assert middle(found) > 0.6 and min(found) > 0.3, found  # 0.998 without loss

    def test_the_absence_of_a_publisher_is_named_in_its_place_and_nothing_else_is(
        self, visit: Visit, side: Side
    ) -> None:
        for track in (0, 1) if side is Side.PRISON else (2, 3):
            away = [gap for gap in visit.outcome.gaps(track) if gap[0] != "loss"]
            if side is Side.VISITOR:
                assert away == []
                continue
            assert {cause for cause, _, _ in away} <= {"no_packets", "reconnect"} and away[-1][0] == "reconnect"
            assert abs(away[0][1] - LEFT) < LENGTH and abs(away[-1][1] + away[-1][2] - BACK) < LENGTH
            assert abs(sum(long for _, _, long in away) - (BACK - LEFT)) < LENGTH


@pytest.mark.slow
@pytest.mark.timeout(300)  # the first test records the half hour
class TestTheWholeFilm:
    def test_tracks_are_as_long_as_the_visit(self, visit: Visit) -> None:
        assert all(abs(length - END) < LENGTH for length in probe.lengths(visit.outcome.film))
        assert probe.complaints(visit.outcome.film) == ""


class TestAnotherSize:
    """Browsers change the resolution during a visit, when the line or the machine is weak."""

    SMALL, LARGE, AT = (128, 96), (320, 240), 12  # from picture 12 on, three seconds in, and back at 24

    def picture(self, number: int) -> tuple[bytes, ...]:
        size = self.LARGE if self.AT <= number < 2 * self.AT else self.SMALL
        return marked.pictures(Side.PRISON, 4 * self.AT, size)[number]

    @pytest.fixture
    def film(self, tmp_path: Path) -> Path:
        sides = [
            Publisher(side, 0.0, 9.0, (Stream(90_000, 2 * n + 1), Stream(48_000, 2 * n + 2)), pictures=pictures)
            for n, (side, pictures) in enumerate(((Side.PRISON, self.picture), (Side.VISITOR, None)))
        ]
        records = sorted((one for side in sides for one in side.records()), key=lambda one: one.arrival_ns)
        outcome = record(tmp_path, records, 9.0)
        assert all(outcome.gaps(track) == [] for track in range(4))
        return outcome.film

    def shows_all(self, film: Path) -> None:
        """Check that FFmpeg and GStreamer decode every picture in its place and in its own size."""
        every = Film(film).pictures(Side.PRISON)
        shown = every[
            :36
        ]  # a placeholder frame may follow, because four pictures a second may leave the end without one
        assert [one.number for one in shown] == list(range(36)) and {one.number for one in every[36:]} <= {None}
        assert [one.size for one in shown] == [self.SMALL] * 12 + [self.LARGE] * 12 + [self.SMALL] * 12
        assert all(abs(one.at - (one.number or 0) / marked.PICTURES) < 0.1 for one in shown)
        assert probe.complaints(film) == ""
        assert [track.buffers for track in gstreamer.decoded(film) if track.kind == "video"] == [len(every)] * 2

    def test_is_kept_as_it_was_sent(self, film: Path) -> None:
        self.shows_all(film)

    def test_survives_the_joining_of_parts(self, film: Path, tmp_path: Path) -> None:
        join([PartFile(film, 0.0, clean=True)], tmp_path / "film.mp4")
        self.shows_all(tmp_path / "film.mp4")
