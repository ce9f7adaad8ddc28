"""Films made of tap records in simulated time, and examined with the independent ffprobe and ffmpeg."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest

from broker.kernel import atomic_files
from broker.media.tap_format import RTP, TRACK_TITLES, TapRecord
from recorder.mp4.fragments import chain_of
from recorder.mp4.join import PartFile, join
from recorder.pipeline.writer import Writer
from tests.support import probe
from tests.support.recording.feed import BEGIN, Feed, instant, record
from tests.support.rtp import Stream

SPARED = int((BEGIN + 0.1) * 1e9)
"""The first packets come well: otherwise a film begins with its second keyframe, and all lengths with it."""


def lossy(records: Sequence[TapRecord], share: float, seed: int = 5) -> list[TapRecord]:
    """Return the records without a share of the packets; reports always arrive."""
    random = Random(seed)
    return [one for one in records if one.kind != RTP or one.arrival_ns < SPARED or random.random() >= share]


def resent(records: Sequence[TapRecord], share: float, seed: int = 5) -> list[TapRecord]:
    """Return the records with a share of the packets a round trip later, because they were lost and sent again."""
    random = Random(seed)
    trip = [90_000_000 if one.arrival_ns > SPARED and random.random() < share else 0 for one in records]
    moved = [one._replace(arrival_ns=one.arrival_ns + later) for one, later in zip(records, trip, strict=True)]
    return sorted(moved, key=lambda one: one.arrival_ns)


def late(records: Sequence[TapRecord], seconds: float, seed: int = 5) -> list[TapRecord]:
    """Return the records, each delayed by a random time up to `seconds`, hence out of order."""
    random, moved = Random(seed), []
    for packet in records:
        delay = random.random() * seconds if packet.arrival_ns > SPARED else 0.0
        moved.append(packet._replace(arrival_ns=packet.arrival_ns + int(delay * 1e9)))
    return sorted(moved, key=lambda one: one.arrival_ns)


class TestWholeFilm:
    def test_has_five_titled_tracks_that_decode_and_are_as_long_as_what_was_sent(self, tmp_path: Path) -> None:
        outcome = record(tmp_path, Feed(6.0).records(), 6.0)
        streams = probe.probe(outcome.film)["streams"]
        assert [stream["codec_name"] for stream in streams] == ["h264", "opus", "h264", "opus", "opus"]
        assert streams[0]["tags"]["handler_name"] == "prison video"
        assert probe.complaints(outcome.film) == ""
        assert all(abs(length - 6.0) < 0.1 for length in probe.lengths(outcome.film))
        assert [int(stream["nb_frames"]) for stream in streams[:3:2]] == [180, 180]
        assert outcome.metadata["gaps"] == []

    def test_times_are_those_of_the_publisher(self, tmp_path: Path) -> None:
        outcome = record(tmp_path, late(Feed(3.0).records(), 0.03), 3.0)
        steps = [after - before for before, after in pairwise(probe.times(outcome.film, 2))]
        assert len(steps) == 89
        assert max(abs(step - 1 / 30) for step in steps) < 0.002

    def test_the_first_fragment_is_on_disk_soon_after_both_keyframes(self, tmp_path: Path) -> None:
        outcome = record(tmp_path, Feed(1.0).records(), 1.0, step=0.02)
        assert min(at for at, progress in outcome.progress if progress.flushed) < 0.3

    def test_is_flushed_only_when_both_sides_are_on_disk(self, tmp_path: Path) -> None:
        feed = Feed(4.0, skip=lambda track, at: track >= 2 and at < 2.0)
        outcome = record(tmp_path, feed.records(), 4.0)
        assert 2.0 < min(at for at, progress in outcome.progress if progress.flushed) < 2.6

    @pytest.mark.parametrize("end", [0.5, 1.7, 2.9])
    def test_what_a_crash_leaves_is_readable_up_to_the_last_fragment(self, tmp_path: Path, end: float) -> None:
        writer, records = Writer(tmp_path, 1), Feed(3.0).records()
        for step in range(1, round(end * 10) + 1):
            batch = [one for one in records if step - 1 <= (one.arrival_ns / 1e9 - BEGIN) * 10 < step]
            writer.work(batch, instant(BEGIN + step / 10))
        crashed = tmp_path / "crashed.mp4"
        crashed.write_bytes((tmp_path / "part-1.mp4").read_bytes() + b"\0\0\x10\0moof torn")
        film, _ = join([PartFile(crashed, 0.0, clean=False)], tmp_path / "film.mp4")
        writer.abandon()
        assert probe.complaints(tmp_path / "film.mp4") == ""
        assert max(film.seconds) > end - 0.5

    def test_the_chain_can_be_computed_from_the_finished_film(self, tmp_path: Path) -> None:
        outcome = record(tmp_path, Feed(3.0).records(), 3.0)
        chain = outcome.metadata["chain"]
        assert chain["fragments"] >= 12
        assert chain_of(outcome.film, chain["start"], chain["end"]).to_json() == chain


class TestTroubleOnTheLine:
    def test_reordering_changes_nothing(self, tmp_path: Path) -> None:
        outcome = record(tmp_path, late(Feed(3.0).records(), 0.1), 3.2)
        assert [outcome.metadata["tracks"][str(track)]["lost"] for track in range(4)] == [0, 0, 0, 0]
        assert int(probe.probe(outcome.film)["streams"][0]["nb_frames"]) == 90
        assert probe.complaints(outcome.film) == ""

    def test_five_percent_loss_is_counted_filled_and_listed(self, tmp_path: Path) -> None:
        sent = Feed(6.0).records()
        outcome = record(tmp_path, lossy(sent, 0.05), 6.0)
        missing = len(sent) - len(lossy(sent, 0.05))
        assert abs(sum(outcome.metadata["tracks"][str(track)]["lost"] for track in range(4)) - missing) <= 4
        assert probe.complaints(outcome.film) == ""
        assert all(abs(length - 6.0) < 0.1 for length in probe.lengths(outcome.film))
        assert {cause for track in range(4) for cause, _, _ in outcome.gaps(track)} == {"loss"}
        sound = probe.times(outcome.film, 1)
        assert max(after - before for before, after in pairwise(sound)) < 0.025

    def test_on_a_bad_line_the_metadata_does_not_grow_and_no_gap_is_lost_by_a_kill(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sizes: list[int] = []
        write = atomic_files.overwrite_json

        def spy(path: Path, value: Any) -> None:
            write(path, value)
            sizes.append(path.stat().st_size)

        monkeypatch.setattr(atomic_files, "overwrite_json", spy)
        records = lossy(Feed(12.0).records(), 0.05)
        (tmp_path / "one").mkdir()
        outcome = record(tmp_path / "one", records, 12.0)
        assert len(outcome.metadata["gaps"]) > 40 and max(sizes) < 2500
        (tmp_path / "two").mkdir()
        with monkeypatch.context() as patch:
            patch.setattr(Writer, "close", lambda *_: None)
            killed = record(tmp_path / "two", records, 12.0)
        early = [gap for gap in outcome.metadata["gaps"] if gap["start"] + gap["seconds"] < 10.5]
        assert all(gap in killed.metadata["gaps"] for gap in early)

    def test_a_side_that_is_away_for_three_seconds_leaves_its_place_empty(self, tmp_path: Path) -> None:
        feed = Feed(8.0, skip=lambda track, at: track >= 2 and 2.0 <= at < 5.0)
        outcome = record(tmp_path, feed.records(), 8.0)
        assert probe.complaints(outcome.film) == ""
        assert all(abs(length - 8.0) < 0.1 for length in probe.lengths(outcome.film))
        pictures = probe.times(outcome.film, 2)
        holes = [(before, after) for before, after in pairwise(pictures) if after - before > 0.5]
        assert len(holes) == 1
        assert abs(holes[0][0] - 1.97) < 0.1 and 4.9 < holes[0][1] < 6.1  # decodable again at the next keyframe
        assert [gap[0] for gap in outcome.gaps(3)] == ["no_packets"] or outcome.gaps(3)[0][0] in ("loss", "no_packets")
        assert abs(sum(seconds for _, _, seconds in outcome.gaps(3)) - 3.0) < 0.1
        assert outcome.gaps(0) == outcome.gaps(1) == []

    def test_a_place_left_empty_is_as_long_after_joining(self, tmp_path: Path) -> None:
        feed = Feed(8.0, skip=lambda track, at: track >= 2 and 2.0 <= at < 5.0)
        part, film = record(tmp_path, feed.records(), 8.0).film, tmp_path / "film.mp4"
        join([PartFile(part, 0.0, clean=True)], film)
        for track in range(len(TRACK_TITLES)):
            before, after = probe.times(part, track), probe.times(film, track)
            assert max(abs(was - now) for was, now in zip(before, after, strict=True)) < 0.001
        assert all(abs(length - 8.0) < 0.1 for length in probe.lengths(film))

    def test_a_publisher_that_reconnects_continues_at_the_servers_time(self, tmp_path: Path) -> None:
        first = Feed(2.0)
        again = Feed(2.0, streams=[Stream(rate, ssrc=90 + n, base=77) for n, rate in enumerate((90_000, 48_000) * 2)])
        later = [one._replace(arrival_ns=one.arrival_ns + int(3.1e9)) for one in again.records()]
        outcome = record(tmp_path, first.records() + later, 5.1)
        assert all(abs(length - 5.1) < 0.15 for length in probe.lengths(outcome.film))
        assert probe.complaints(outcome.film) == ""
        pictures = probe.times(outcome.film, 0)
        assert len(pictures) == 120
        assert abs(pictures[60] - 3.1) < 0.05
        assert [cause for cause, _, _ in outcome.gaps(0)] == ["reconnect"]

    def test_a_side_that_never_comes_is_a_placeholder_frame_and_silence(self, tmp_path: Path) -> None:
        outcome = record(tmp_path, Feed(3.0, skip=lambda track, _: track >= 2).records(), 3.0)
        assert probe.complaints(outcome.film) == ""
        assert len(probe.probe(outcome.film)["streams"]) == 5
        assert all(abs(length - 3.0) < 0.15 for length in probe.lengths(outcome.film))
        assert not any(progress.flushed for _, progress in outcome.progress)

    def test_a_side_that_comes_later_is_shown_from_then_on(self, tmp_path: Path) -> None:
        outcome = record(tmp_path, Feed(6.0, skip=lambda track, at: track >= 2 and at < 2.5).records(), 6.0)
        assert probe.complaints(outcome.film) == ""
        pictures = probe.times(outcome.film, 2)
        assert pictures[0] == 0.0 and 2.4 < pictures[1] < 3.1
        assert [cause for cause, _, _ in outcome.gaps(2)] == ["not_begun"]

    def test_pauses_of_the_speaker_are_silence_and_no_gap(self, tmp_path: Path) -> None:
        """Discontinuous transmission: the sequence numbers go on, the timestamps jump (RFC 7587 4.2)."""
        feed = Feed(4.0)
        records = [one for one in feed.records() if one.track != 1]
        stream = Stream(48_000, ssrc=11)
        spoken = [index for index in range(200) if not 50 <= index < 120 or index % 20 == 0]
        for index in spoken:
            data = stream.packet(b"\xf8\xff\xfe", index / 50)
            records.append(TapRecord(1, 1, RTP, round((1000.02 + index / 50) * 1e9), data))
        outcome = record(tmp_path, sorted(records, key=lambda one: one.arrival_ns), 4.0)
        assert outcome.gaps(1) == []
        assert len(probe.times(outcome.film, 1)) >= 199

    def test_malformed_records_are_counted(self, tmp_path: Path) -> None:
        records = Feed(1.0).records()
        random = Random(3)
        noise = [replace_data(one, random.randbytes(random.randrange(60))) for one in records[::3]]
        mixed = sorted(records + noise, key=lambda one: one.arrival_ns)
        outcome = record(tmp_path, mixed, 1.0)
        assert probe.complaints(outcome.film) == ""
        assert sum(track["malformed"] for track in outcome.metadata["tracks"].values()) > 10


class TestTime:
    def test_thirty_minutes_with_drift_and_loss_stay_together(self, tmp_path: Path) -> None:
        """Design, section 6: lips under 80 ms, length under 0.5 s, with 200 ppm and 5 % loss. Compressed: the clock
        of the publishers runs 60 times 200 ppm for 30 seconds."""
        feed = Feed(30.0, drift=1 + 30 * 60 * 0.0002 / 30, reports=True)
        outcome = record(tmp_path, lossy(resent(late(feed.records(), 0.05), 0.05), 0.0005), 30.0)
        lengths = probe.lengths(outcome.film)
        assert all(abs(length - 30.0) < 0.5 for length in lengths)
        assert abs(lengths[0] - lengths[1]) < 0.08
        assert probe.complaints(outcome.film) == ""


def replace_data(record: TapRecord, data: bytes) -> TapRecord:
    return record._replace(data=data)
