"""Publishers of which no film can be made that could be watched: each is named by its cause, within two seconds, and
what is written all the same can be decoded to its end."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from broker.kernel.film_faults import FilmFault
from broker.media.tap_format import PRISON_AUDIO, PRISON_VIDEO, RTP, TapRecord
from recorder.pipeline.picture_check import AT_ONCE, BYTES
from tests.support import probe
from tests.support.clips import KEYINT, Coded, coded_pictures, pictures
from tests.support.h264 import numbered_slice
from tests.support.recording.feed import BEGIN, Feed, Outcome, record
from tests.support.rtp import Stream

Video = Callable[[Stream, int, float], list[bytes]]
SECONDS = 6.0
REFRESH = KEYINT.format(300) + ":intra-refresh=1"


def film(folder: Path, video: Video, seconds: float = SECONDS) -> Outcome:
    """Record this publisher on the prison's side; the visitors' side is a common one."""
    stream, records = Stream(90_000, ssrc=10), []
    for number in range(int(seconds * 30)):
        moment = BEGIN + number / 30 + 0.02
        for which, data in enumerate(video(stream, number, number / 30)):
            records.append(TapRecord(1, PRISON_VIDEO, RTP, round((moment + which * 1e-6) * 1e9), data))
    records += [one for one in Feed(seconds).records() if one.track != PRISON_VIDEO]
    outcome = record(folder, sorted(records, key=lambda one: one.arrival_ns), seconds)
    assert probe.complaints(outcome.film) == "" and probe.corrupt(outcome.film) == 0
    return outcome


def faults(outcome: Outcome, since: float = 2.0) -> set[FilmFault | None]:
    """Return what was found of the prison's side from a second on; nothing was ever found of the visitors' side."""
    assert {progress.faults[1] for _, progress in outcome.progress} == {None}
    return {progress.faults[0] for at, progress in outcome.progress if at > since}


def flushed(outcome: Outcome) -> bool:
    return any(progress.flushed for _, progress in outcome.progress)


def without(kinds: tuple[int, ...]) -> Video:
    def video(stream: Stream, number: int, at: float) -> list[bytes]:
        return stream.picture([nal for nal in pictures()[number % 90] if nal[0] & 31 not in kinds], at)

    return video


def coded(clip: tuple[Coded, ...], first: int = 0) -> Video:
    """Return a publisher that sends the pictures of a clip in the order of the encoder, each with its own stamp."""

    def video(stream: Stream, number: int, at: float) -> list[bytes]:
        picture = clip[(number + first) % len(clip)]
        return stream.picture(picture.nals, at + (picture.number - (number + first) % len(clip)) / 30)

    return video


class TestNothingToDecode:
    """A recording never counts as flushed while one side has no picture that can be decoded."""

    @pytest.mark.parametrize(
        ("video", "fault"),
        [
            (lambda *_: [], FilmFault.NO_PICTURES),
            (without((8,)), FilmFault.NO_SETS),
            (without((7,)), FilmFault.NO_SETS),
            (without((7, 8)), FilmFault.NO_SETS),
            (without((5,)), FilmFault.NO_KEYFRAME),
            (without((1, 5)), FilmFault.NO_PICTURES),
            (coded(coded_pictures(REFRESH, 240), 45), FilmFault.NO_KEYFRAME),
            (coded(coded_pictures(KEYINT.format(30) + ":interlaced=1", 90, profile="main")), FilmFault.UNSUPPORTED),
        ],
        ids=["no picture", "no PPS", "no SPS", "no sets", "no keyframe", "sets alone", "intra refresh", "interlaced"],
    )
    def test_is_named_and_never_flushed(self, tmp_path: Path, video: Video, fault: FilmFault) -> None:
        outcome = film(tmp_path, video)
        assert faults(outcome) == {fault} and not flushed(outcome)

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda nal: nal[:30] if nal[0] & 31 == 5 else nal,
            lambda nal: nal[:20] + Random(1).randbytes(len(nal) - 20) if nal[0] & 31 == 5 else nal,
            lambda nal: nal[:1] if nal[0] & 31 == 5 else nal,
            lambda nal: bytes((nal[0], nal[1] & 0x7F)) + nal[2:] if nal[0] & 31 == 5 else nal,
        ],
        ids=["cut off", "noise behind the head", "a byte long", "not from the first macroblock"],
    )
    def test_damaged_slices_are_named(self, tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
        def video(stream: Stream, number: int, at: float) -> list[bytes]:
            return stream.picture([spoil(nal) for nal in pictures()[number % 90]], at)

        outcome = film(tmp_path, video)
        assert faults(outcome) == {FilmFault.CORRUPT} and not flushed(outcome)

    def test_a_slice_that_is_missing_from_every_picture_is_noticed(self, tmp_path: Path) -> None:
        def video(stream: Stream, number: int, at: float) -> list[bytes]:
            *others, _last = pictures()[number % 90]
            return stream.picture(others, at)

        outcome = film(tmp_path, video)
        assert faults(outcome) == {FilmFault.CORRUPT} and not flushed(outcome)

    def test_intra_refresh_that_began_with_a_keyframe_is_recorded(self, tmp_path: Path) -> None:
        outcome = film(tmp_path, coded(coded_pictures(REFRESH, 240)))
        assert faults(outcome, 0.0) == {None} and flushed(outcome)
        assert probe.decoded(outcome.film, PRISON_VIDEO) == 180


class TestWhatBreaksDuringAVisit:
    """A film that could be watched and no longer can is named within two seconds of its last picture."""

    @pytest.mark.parametrize(
        ("change", "fault"),
        [
            (
                lambda nals: [numbered_slice(nal, 9) if nal[0] & 31 in (1, 5) else nal for nal in nals],
                FilmFault.NO_SETS,
            ),
            (lambda nals: [nal for nal in nals if nal[0] & 31 > 5], FilmFault.NO_PICTURES),
            (lambda nals: [nal[:3] for nal in nals], FilmFault.CORRUPT),
            (lambda nals: [b"\x67" + nal[1:] + bytes(3_000_000) for nal in nals[:1]] * 2, FilmFault.LARGE_SETS),
        ],
        ids=["another set", "no slices", "damage", "a set of three megabytes"],
    )
    def test_is_named_in_time_and_over_when_it_is_mended(
        self, tmp_path: Path, change: Callable[[list[bytes]], list[bytes]], fault: FilmFault
    ) -> None:
        def video(stream: Stream, number: int, at: float) -> list[bytes]:
            nals = list(pictures()[number % 90])
            return stream.picture(change(nals), at, 60_000) if 60 <= number < 180 else stream.picture(nals, at)

        outcome = film(tmp_path, video, 9.0)
        broken = [at for at, progress in outcome.progress if progress.faults[0] is not None]
        assert flushed(outcome) and 3.0 < min(broken) < 4.0 and 6.0 < max(broken) < 8.3
        assert fault in {progress.faults[0] for _, progress in outcome.progress}
        assert outcome.progress[-1][1].faults == (None, None)

    def test_a_lost_packet_alone_is_none_if_a_keyframe_follows(self, tmp_path: Path) -> None:
        def video(stream: Stream, number: int, at: float) -> list[bytes]:
            packets = stream.picture(pictures()[number % 90], at)
            return packets[:-1] if number == 65 else packets

        outcome = film(tmp_path, video)
        assert faults(outcome, 0.0) == {None}

    def test_a_loss_without_a_keyframe_is_named(self, tmp_path: Path) -> None:
        clip = coded_pictures(KEYINT.format(300), 300)

        def video(stream: Stream, number: int, at: float) -> list[bytes]:
            packets = stream.picture(clip[number].nals, at)
            return packets[:-1] if number == 65 else packets

        outcome = film(tmp_path, video)
        assert faults(outcome, 3.9) == {FilmFault.LOSS}

    def test_pictures_that_the_sender_left_out_are_a_loss(self, tmp_path: Path) -> None:
        """The numbers of packets go on, but those of frames do not: what follows refers to what never came."""
        clip = coded_pictures(KEYINT.format(300), 300)

        def video(stream: Stream, number: int, at: float) -> list[bytes]:
            return stream.picture(clip[number].nals, at) if number != 65 else []

        outcome = film(tmp_path, video)
        assert faults(outcome, 3.9) == {FilmFault.LOSS}


class TestOrder:
    """Pictures come in the order in which they are shown; the film never says otherwise (items 16 and 17)."""

    @pytest.mark.parametrize("more", ["bframes=2:b-adapt=0", "bframes=3:b-pyramid=normal:b-adapt=0"])
    def test_b_frames_are_named_and_no_step_of_the_film_is_wrong(self, tmp_path: Path, more: str) -> None:
        outcome = film(tmp_path, coded(coded_pictures(f"{KEYINT.format(30)}:{more}", 180, profile="main")))
        assert faults(outcome) == {FilmFault.REORDERED} and not flushed(outcome)
        steps = [after - before for before, after in pairwise(probe.times(outcome.film, PRISON_VIDEO))]
        assert min(steps) > 0.03

    @pytest.mark.parametrize(
        ("stamp", "fault"),
        [
            (lambda number: 0.0, FilmFault.STAMPS),
            (lambda number: number // 2 * 2 / 30, FilmFault.STAMPS),
            (lambda number: number / 30 - (0.1 if number % 2 else 0.0), FilmFault.STAMPS),
        ],
        ids=["all alike", "two alike", "back and forth"],
    )
    def test_stamps_that_do_not_ascend_are_named(
        self, tmp_path: Path, stamp: Callable[[int], float], fault: FilmFault
    ) -> None:
        def video(stream: Stream, number: int, at: float) -> list[bytes]:
            return stream.picture(pictures()[number % 90], stamp(number))

        outcome = film(tmp_path, video)
        assert faults(outcome, 2.5) == {fault}
        steps = [after - before for before, after in pairwise(probe.times(outcome.film, PRISON_VIDEO))]
        assert not steps or min(steps) > 0.03

    @pytest.mark.parametrize("jump", [3600.0, -3600.0, 40_000.0, -5.0])
    def test_a_clock_that_begins_anew_is_followed_at_once(self, tmp_path: Path, jump: float) -> None:
        def video(stream: Stream, number: int, at: float) -> list[bytes]:
            return stream.picture(pictures()[number % 90], at + (jump if number >= 90 else 0.0))

        outcome = film(tmp_path, video)
        assert faults(outcome, 0.0) == {None} and probe.decoded(outcome.film, PRISON_VIDEO) == 180
        times = probe.times(outcome.film, PRISON_VIDEO)
        assert max(abs(step - 1 / 30) for step in (b - a for a, b in pairwise(times))) < 0.05

    def test_a_clock_that_jumps_with_every_picture_fills_nothing(self, tmp_path: Path) -> None:
        def video(stream: Stream, number: int, at: float) -> list[bytes]:
            return stream.picture(pictures()[number % 90], at + number * 7200.0)

        outcome = film(tmp_path, video)
        assert len(probe.times(outcome.film, PRISON_VIDEO)) <= 181
        assert all(abs(length - SECONDS) < 0.2 for length in probe.lengths(outcome.film))


class TestAmount:
    """What a publisher chooses is never multiplied by a number that it chooses (item 19)."""

    @pytest.mark.parametrize("size", [1025, 60_000, 3_000_000])
    def test_large_sets_are_named_and_not_kept(self, tmp_path: Path, size: int) -> None:
        def video(stream: Stream, number: int, at: float) -> list[bytes]:
            sps, *rest = pictures()[0]
            first = [sps + bytes(size - len(sps) - 1) + b"\x80"] if number == 0 else []
            return stream.picture([*first, *(nal for nal in rest if nal[0] & 31 in (5, 8))], at)

        outcome = film(tmp_path, video)
        assert faults(outcome) == {FilmFault.LARGE_SETS} and not flushed(outcome)
        assert outcome.film.stat().st_size < 1_500_000  # the visitors' side, and nothing of the prison's

    def test_the_largest_sets_and_many_small_keyframes_write_little(self, tmp_path: Path) -> None:
        clip = coded_pictures(KEYINT.format(1), 180, width=32, height=32)

        def video(stream: Stream, number: int, at: float) -> list[bytes]:
            nals = list(clip[number].nals)
            sets = [nal + b"\x80" * (1024 - len(nal)) for nal in nals if nal[0] & 31 in (7, 8)]
            rest = [nal for nal in nals if nal[0] & 31 not in (6, 7, 8)]
            return stream.picture([*(sets if number == 0 else []), *rest], at)

        outcome = film(tmp_path, video)
        assert outcome.film.stat().st_size < 1_500_000 + 180 * 3000

    @pytest.mark.parametrize("extra", [1, 6, 12], ids=["slices", "SEI", "filler"])
    def test_a_flood_is_bounded_and_named(self, tmp_path: Path, extra: int) -> None:
        """Thirty times 100,000 bytes a second, four times what a side may write."""

        def video(stream: Stream, number: int, at: float) -> list[bytes]:
            head = b"\x05" + b"\xff" * 390 + b"\xaa" if extra == 6 else b""  # unregistered data, 99,620 bytes
            flood = bytes((0x60 | extra,)) + head + b"\x55" * (99_620 if head else 100_000) + b"\x80"
            return stream.picture([flood, *pictures()[number % 90]] if extra > 1 else [flood], at, 60_000)

        outcome = film(tmp_path, video, 12.0)
        found = faults(outcome, 8.0)
        assert found <= {FilmFault.TOO_MUCH, FilmFault.NO_KEYFRAME, FilmFault.NO_SETS, None}
        assert (found == {None}) is (extra == 12)  # filler is nothing, and is not written
        assert outcome.film.stat().st_size < BYTES * (12 + AT_ONCE) + 3_000_000

    def test_ten_thousand_slices_are_no_picture(self, tmp_path: Path) -> None:
        def video(stream: Stream, number: int, at: float) -> list[bytes]:
            slices = b"\x78" + b"\x00\x03\x41\x40\x12" * 10_000
            return [*stream.picture(pictures()[number % 90], at), stream.packet(slices, at, True)]

        outcome = film(tmp_path, video, 3.0)
        assert faults(outcome) == {FilmFault.TOO_MUCH} and not flushed(outcome)

    def test_a_thousand_pictures_a_second_are_not_written(self, tmp_path: Path) -> None:
        clip = coded_pictures(KEYINT.format(1), 1, width=32, height=32)[0].nals

        def video(stream: Stream, number: int, at: float) -> list[bytes]:
            return [data for n in range(33) for data in stream.picture(clip, at + n / 1000)]

        outcome = film(tmp_path, video, 9.0)
        assert faults(outcome, 6.0) == {FilmFault.TOO_MUCH}
        assert len(probe.times(outcome.film, PRISON_VIDEO)) < 120 * (9 + AT_ONCE)


def with_sound(folder: Path, payload: Callable[[int], bytes], rate: int = 50, seconds: float = 4.0) -> Outcome:
    """Record a film whose prison sends these packets as sound."""
    stream = Stream(48_000, ssrc=11, base=999_983)
    records = [one for one in Feed(seconds).records() if one.track != PRISON_AUDIO]
    for number in range(int(seconds * rate)):
        at = number / rate
        data = stream.packet(payload(number), at)
        records.append(TapRecord(1, PRISON_AUDIO, RTP, round((BEGIN + at + 0.02) * 1e9), data))
    outcome = record(folder, sorted(records, key=lambda one: one.arrival_ns), seconds)
    assert probe.complaints(outcome.film) == ""
    return outcome


class TestSound:
    """Sound that no decoder reads is named, and never written."""

    @pytest.mark.parametrize(
        "payload",
        [b"\xfb", b"\xfb\x00", b"\xfb\x3f\x01\x02", b"\xfa\xff", b"\xf9\x01\x02\x03\x04\x05", b"\xf8" + bytes(1276)],
        ids=["cut off", "no frames", "too long", "a frame beyond the packet", "uneven frames", "too large a frame"],
    )
    def test_what_is_not_opus_is_named(self, tmp_path: Path, payload: bytes) -> None:
        outcome = with_sound(tmp_path, lambda _number: payload)
        assert faults(outcome) == {FilmFault.BAD_SOUND} and not flushed(outcome)

    def test_no_sound_is_named(self, tmp_path: Path) -> None:
        outcome = with_sound(tmp_path, lambda _number: b"")
        assert faults(outcome) == {FilmFault.NO_SOUND} and not flushed(outcome)

    @pytest.mark.parametrize("payload", [b"\x83\x30" + bytes(48), b"\xfb\x06" + bytes(12)])
    def test_packets_of_many_frames_every_five_milliseconds_write_no_more_than_the_time_there_is(
        self, tmp_path: Path, payload: bytes
    ) -> None:
        outcome = with_sound(tmp_path, lambda _number: payload, 200)
        assert probe.lengths(outcome.film)[PRISON_AUDIO] < 4.2
        assert len(probe.times(outcome.film, PRISON_AUDIO)) < 4 * 100
