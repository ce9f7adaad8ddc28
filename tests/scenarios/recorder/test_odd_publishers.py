"""Publishers that send H.264 in every way that RFC 6184 allows and browsers do not use: the film has all their
pictures, as the independent ffprobe and ffmpeg decode them."""

import struct
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from broker.media.tap_format import PARAMETER_SET, PRISON_VIDEO, VISITOR_VIDEO, TapRecord
from tests.support import probe
from tests.support.clips import KEYINT, coded_pictures, pictures
from tests.support.h264 import numbered
from tests.support.recording.feed import BEGIN, Feed, Outcome, record
from tests.support.rtp import Stream, fragment

Video = Callable[[Stream, int, float], list[bytes]]
SECONDS, COUNT = 6.0, 180


def whole(folder: Path, video: Video, extra: Sequence[TapRecord] = ()) -> Outcome:
    """Record six seconds of this publisher on both sides, and assert that the film has every picture of them."""
    records = sorted([*Feed(SECONDS, video=video).records(), *extra], key=lambda one: one.arrival_ns)
    outcome = record(folder, records, SECONDS + 0.2)
    assert probe.complaints(outcome.film) == ""
    assert [probe.decoded(outcome.film, track) for track in (PRISON_VIDEO, VISITOR_VIDEO)] == [COUNT, COUNT]
    assert [len(probe.times(outcome.film, track)) for track in (PRISON_VIDEO, VISITOR_VIDEO)] == [COUNT, COUNT]
    assert probe.corrupt(outcome.film) == 0
    assert {progress.faults for _, progress in outcome.progress} == {(None, None)}
    assert any(progress.flushed for _, progress in outcome.progress)
    assert [gap for gap in outcome.metadata["gaps"] if gap["track"] in (PRISON_VIDEO, VISITOR_VIDEO)] == []
    steps = [after - before for before, after in pairwise(probe.times(outcome.film, PRISON_VIDEO))]
    assert max(abs(step - 1 / 30) for step in steps) < 0.002
    return outcome


def picture(number: int) -> tuple[bytes, ...]:
    return pictures()[number % 90]


def split(nals: Sequence[bytes]) -> tuple[list[bytes], list[bytes]]:
    """Return the parameter sets of a picture, and its other units."""
    sets = [nal for nal in nals if nal[0] & 31 in (7, 8)]
    return sets, [nal for nal in nals if nal[0] & 31 not in (7, 8)]


class TestParameterSets:
    """Sets are kept by their ids, from wherever they come, and stand before the pictures that need them (item 13)."""

    @pytest.mark.parametrize("others", [[(0, 1)], [(1, 0), (2, 0)], [(255, 31)], [(n, n % 32) for n in range(1, 256)]])
    def test_several_in_a_packet_of_their_own_before_the_keyframe(
        self, tmp_path: Path, others: list[tuple[int, int]]
    ) -> None:
        def video(stream: Stream, number: int, at: float) -> list[bytes]:
            sets, rest = split(picture(number))
            if not sets:
                return stream.picture(rest, at)
            more = [nal for pps, sps in others for nal in numbered(tuple(sets), pps, sps) if sps or nal[0] & 31 == 8]
            return stream.picture([*sets, *more], at - 0.01) + stream.picture(rest, at)

        whole(tmp_path, video)

    @pytest.mark.parametrize("ids", [(1, 0), (255, 31), (7, 3)])
    def test_with_ids_other_than_nought(self, tmp_path: Path, ids: tuple[int, int]) -> None:
        whole(tmp_path, lambda stream, number, at: stream.picture(numbered(picture(number), *ids), at))

    def test_another_for_pictures_between_keyframes(self, tmp_path: Path) -> None:
        """The keyframe names one set, the pictures after it name another, which came once before all of them."""

        def video(stream: Stream, number: int, at: float) -> list[bytes]:
            nals = picture(number)
            sets, rest = split(nals)
            if number == 0:
                return stream.picture([*sets, numbered((sets[1],), 5, 0)[0]], at - 0.01) + stream.picture(rest, at)
            return stream.picture(rest if sets else numbered(nals, 5, 0), at)

        whole(tmp_path, video)

    @pytest.mark.parametrize("aggregate", [True, False])
    def test_once_at_the_beginning_each_with_a_stamp_of_its_own(self, tmp_path: Path, aggregate: bool) -> None:
        def video(stream: Stream, number: int, at: float) -> list[bytes]:
            sets, rest = split(picture(number))
            ahead = [stream.picture([nal], at - 0.02 + 0.005 * which)[0] for which, nal in enumerate(sets)]
            return (ahead if number == 0 else []) + stream.picture(rest, at, aggregate=aggregate)

        whole(tmp_path, video)

    def test_only_in_the_offer(self, tmp_path: Path) -> None:
        def video(stream: Stream, number: int, at: float) -> list[bytes]:
            return stream.picture(split(picture(number))[1], at)

        moment, named = int(BEGIN * 1e9), split(picture(0))[0]
        ahead = [TapRecord(1, 2 * side, PARAMETER_SET, moment, nal) for side in (0, 1) for nal in named]
        whole(tmp_path, video, ahead)

    def test_another_size_under_the_same_id(self, tmp_path: Path) -> None:
        """The encoder changes its size at a keyframe, as browsers do on a bad line."""

        def video(stream: Stream, number: int, at: float) -> list[bytes]:
            clip = pictures() if number < 90 else pictures(width=160, height=120)
            return stream.picture(clip[number % 90], at)

        whole(tmp_path, video)

    def test_another_size_whose_picture_set_is_not_sent_again(self, tmp_path: Path) -> None:
        def video(stream: Stream, number: int, at: float) -> list[bytes]:
            nals = pictures()[number] if number < 90 else pictures(width=160, height=120)[number - 90]
            return stream.picture([nal for nal in nals if number < 90 or nal[0] & 31 != 8], at)

        whole(tmp_path, video)


def padding(stream: Stream, at: float, body: bytes, marker: bool = False, extension: bytes = b"") -> bytes:
    """Return a packet without a payload whose padding is `body`."""
    other = Stream(90_000, stream.ssrc, stream.seq, stream.base, extension=extension)
    data = other.packet(body, at, marker)
    stream.seq = other.seq
    return bytes((data[0] | 0x20,)) + data[1:]


class TestPadding:
    """A packet that holds nothing but padding uses up its number, and nothing is missing (RFC 3550 5.1, item 14)."""

    @pytest.mark.parametrize(
        "body",
        [bytes(199) + b"\xc8", b"\x01", b"", bytes(9) + b"\x00", bytes(9) + b"\xff", b"\x67" * 9 + b"\x0a"],
        ids=["whole", "one byte", "no byte", "nought", "more than there is", "looks like a set"],
    )
    @pytest.mark.parametrize("marker", [False, True])
    @pytest.mark.parametrize("extension", [b"", b"\x10\x01\x00\x00"])
    def test_is_no_damage_wherever_it_comes(self, tmp_path: Path, body: bytes, marker: bool, extension: bytes) -> None:
        def video(stream: Stream, number: int, at: float) -> list[bytes]:
            packets: list[bytes] = []
            if number % 3 == 0:
                packets.append(padding(stream, at - 1 / 30, body, marker, extension))
            if number % 7 == 0:
                packets.append(padding(stream, at, body, marker, extension))
            return packets + stream.picture(picture(number), at)

        whole(tmp_path, video)

    def test_in_the_middle_of_a_picture(self, tmp_path: Path) -> None:
        def video(stream: Stream, number: int, at: float) -> list[bytes]:
            packets: list[bytes] = []
            parts = [part for nal in picture(number) for part in (fragment(nal, 600) if len(nal) > 600 else [nal])]
            for which, part in enumerate(parts):
                packets.append(stream.packet(part, at, which == len(parts) - 1))
                packets.append(padding(stream, at, bytes(20) + b"\x15", True))
            return packets

        whole(tmp_path, video)

    def test_after_a_loss_does_not_hide_it(self, tmp_path: Path) -> None:
        """A packet in the middle of a picture is lost, and padding follows the loss before the picture goes on."""

        def video(stream: Stream, number: int, at: float) -> list[bytes]:
            nals = list(picture(number))
            if number != 45:
                return stream.picture(nals, at, 600)
            parts = [part for nal in nals for part in (fragment(nal, 600) if len(nal) > 600 else [nal])]
            packets = [stream.packet(part, at) for part in parts[:2]]
            return [packets[0], padding(stream, at, b"\x01"), *(stream.packet(part, at) for part in parts[2:])]

        outcome = record(tmp_path, Feed(SECONDS, video=video).records(), SECONDS)
        assert probe.complaints(outcome.film) == ""
        assert probe.decoded(outcome.film, PRISON_VIDEO) == COUNT - 15


def fragments(nal: bytes, empty: str) -> list[bytes]:
    """Return a unit in fragments, one of which has nothing behind its two header bytes."""
    parts = fragment(nal, 500)
    indicator, kind = parts[0][0], nal[0] & 31
    if empty == "last":
        parts[-1] = bytes((indicator, parts[-1][1] & 0xBF)) + parts[-1][2:]
        parts.append(bytes((indicator, 0x40 | kind)))
    elif empty == "first":
        parts[0] = bytes((indicator, parts[0][1] & 0x7F)) + parts[0][2:]
        parts.insert(0, bytes((indicator, 0x80 | kind)))
    elif empty == "middle" and len(parts) > 1:
        parts.insert(1, bytes((indicator, kind)))
    return parts


class TestFragments:
    """Fragments and aggregates as RFC 6184 5.7 and 5.8 has them, and what senders make of it (item 15)."""

    @pytest.mark.parametrize("empty", ["last", "first", "middle"])
    def test_with_nothing_behind_their_headers(self, tmp_path: Path, empty: str) -> None:
        def video(stream: Stream, number: int, at: float) -> list[bytes]:
            parts: list[bytes] = []
            for nal in picture(number):
                parts += fragments(nal, empty) if len(nal) > 600 else [nal]
            return [stream.packet(part, at, which == len(parts) - 1) for which, part in enumerate(parts)]

        whole(tmp_path, video)

    def test_that_begin_and_end_at_once(self, tmp_path: Path) -> None:
        def video(stream: Stream, number: int, at: float) -> list[bytes]:
            parts = [bytes((nal[0] & 0xE0 | 28, 0xC0 | nal[0] & 31)) + nal[1:] for nal in picture(number)]
            return [stream.packet(part, at, which == len(parts) - 1) for which, part in enumerate(parts)]

        whole(tmp_path, video)

    @pytest.mark.parametrize("kind", [0, 30, 31])
    def test_units_of_reserved_types_are_counted_and_ignored(self, tmp_path: Path, kind: int) -> None:
        def video(stream: Stream, number: int, at: float) -> list[bytes]:
            strange = [bytes((0x60 | kind,)), bytes((0x60 | kind,)) + b"abc"]
            packets = [stream.packet(part, at) for part in strange]
            return packets + stream.picture(picture(number), at)

        outcome = whole(tmp_path, video)
        assert outcome.metadata["tracks"]["0"]["malformed"] == 2 * COUNT

    def test_aggregates_with_units_of_no_bytes(self, tmp_path: Path) -> None:
        def video(stream: Stream, number: int, at: float) -> list[bytes]:
            together = b"".join(struct.pack("!H", len(nal)) + nal + b"\0\0" for nal in picture(number))
            return [stream.packet(b"\x78\0\0" + together, at, True)]

        outcome = whole(tmp_path, video)
        assert outcome.metadata["tracks"]["0"]["malformed"] == COUNT


SLICED = KEYINT.format(30) + ":sliced-threads=0:threads=1:slices=8"


class TestMarkers:
    """A picture is what shares a time stamp, whatever the marker says (item 16)."""

    @pytest.mark.parametrize("marks", ["every packet", "never", "first packet", "packet of its own"])
    @pytest.mark.parametrize("mtu", [1100, 300])
    def test_may_stand_on_every_slice_or_nowhere(self, tmp_path: Path, marks: str, mtu: int) -> None:
        clip = coded_pictures(SLICED)

        def video(stream: Stream, number: int, at: float) -> list[bytes]:
            parts: list[bytes] = []
            for nal in clip[number % 90].nals:
                parts += fragment(nal, mtu) if len(nal) > mtu else [nal]
            marked = {"every packet": range(len(parts)), "first packet": range(1)}.get(marks, range(0))
            packets = [stream.packet(part, at, which in marked) for which, part in enumerate(parts)]
            return packets + ([stream.packet(b"\x6c\xff\x80", at, True)] if marks == "packet of its own" else [])

        whole(tmp_path, video)

    def test_on_every_slice_and_a_loss_leave_no_half_picture(self, tmp_path: Path) -> None:
        clip, random = coded_pictures(SLICED), Random(7)

        def video(stream: Stream, number: int, at: float) -> list[bytes]:
            packets = [stream.packet(part, at, True) for nal in clip[number % 90].nals for part in [nal]]
            return [data for data in packets if number < 3 or random.random() > 0.01]

        outcome = record(tmp_path, Feed(SECONDS, video=video).records(), SECONDS)
        assert probe.complaints(outcome.film) == "" and probe.corrupt(outcome.film) == 0
        assert 30 < probe.decoded(outcome.film, PRISON_VIDEO) < COUNT


@pytest.mark.parametrize("seed", range(8))
def test_any_mixture_of_these_ways_gives_the_same_film(tmp_path: Path, seed: int) -> None:
    """All ways of the tests above, chosen anew for each unit: every picture is in the film."""
    random = Random(seed)
    clip = coded_pictures(SLICED if random.random() < 0.5 else KEYINT.format(30))
    ids = (random.randrange(256), random.randrange(32))

    def video(stream: Stream, number: int, at: float) -> list[bytes]:
        nals = numbered(clip[number % 90].nals, *ids)
        sets, rest = split(nals)
        packets = stream.picture(sets, at - 0.01) if sets and random.random() < 0.5 else []
        parts: list[bytes] = []
        for nal in rest if packets else nals:
            if len(nal) > 900 or random.random() < 0.2:
                parts += fragments(nal, random.choice(["", "first", "middle", "last"]))
            else:
                parts.append(random.choice([nal, b"\x78\0\0" + struct.pack("!H", len(nal)) + nal]))
        for part in parts:
            packets.append(stream.packet(part, at, random.random() < 0.3))
            if random.random() < 0.1:
                packets.append(padding(stream, at, bytes(random.randrange(3)) + b"\x01", random.random() < 0.5))
        return packets

    whole(tmp_path, video)
