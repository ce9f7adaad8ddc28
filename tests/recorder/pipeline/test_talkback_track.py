"""The fifth track: talkback of officers to the rooms (插话), complete and in its place, and silence in between."""

import shutil
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from broker.kernel import atomic_files
from broker.media.tap_format import (
    ANEW,
    PRISON_AUDIO,
    RTP,
    SENDER_REPORT,
    TALKBACK,
    TRACK_TITLES,
    VISITOR_AUDIO,
    TapRecord,
)
from recorder.archive.paths import FILM
from recorder.evidence.verify import verify
from recorder.mp4.fragments import FragmentFile
from recorder.mp4.join import PartFile, join
from recorder.mp4.muxer import OPTIONS
from recorder.viewcopy.render import make
from tests.support import clips, listening, probe
from tests.support.recording.archives import archived, make_work
from tests.support.recording.feed import BEGIN, Feed, Outcome, record
from tests.support.rtp import Stream

PITCH = 1500
NEAR = 0.12  # seconds: two tenths of measuring, and the network's delay


def stream() -> Stream:
    return Stream(48_000, ssrc=50, base=777)


def arrival(at: float) -> int:
    return round((BEGIN + at + 0.02) * 1e9)


def anew(at: float) -> TapRecord:
    return TapRecord(1, TALKBACK, ANEW, arrival(at), b"")


def talkback(source: Stream, at: float, seconds: float, stamps: float | None = None) -> list[TapRecord]:
    """Return the records of a talkback from `at` on. `stamps`: the sender's media time at its beginning."""
    stamps = at if stamps is None else stamps
    sounds = clips.sound(pitch=PITCH)
    return [anew(at)] + [
        TapRecord(1, TALKBACK, RTP, arrival(at + n / 50), source.packet(sounds[n % len(sounds)], stamps + n / 50))
        for n in range(int(seconds * 50))
    ]


def visit(folder: Path, seconds: float, *spoken: Iterable[TapRecord]) -> Outcome:
    records = [*Feed(seconds).records(), *(one for part in spoken for one in part)]
    return record(folder, sorted(records, key=lambda one: one.arrival_ns), seconds)


def heard(path: Path) -> list[tuple[float, float]]:
    return listening.spans(listening.loudness(path, TALKBACK, PITCH))


def close(found: list[tuple[float, float]], *right: tuple[float, float]) -> bool:
    return len(found) == len(right) and bool(np.allclose(found, right, atol=NEAR))


class TestSilence:
    def test_fills_the_track_from_the_first_to_the_last_second(self, tmp_path: Path) -> None:
        outcome = visit(tmp_path, 5.0)
        streams = probe.probe(outcome.film)["streams"]
        assert streams[TALKBACK]["tags"]["handler_name"] == TRACK_TITLES[TALKBACK] == "supervisors"
        assert abs(probe.lengths(outcome.film)[TALKBACK] - 5.0) < 0.1
        assert max(after - before for before, after in pairwise(probe.times(outcome.film, TALKBACK))) < 0.025
        assert np.abs(listening.sound_of(outcome.film, TALKBACK)).max() < 1e-4
        assert probe.complaints(outcome.film) == ""

    def test_is_not_written_as_samples_of_one_size(self, tmp_path: Path) -> None:
        """GStreamer takes a track of equal sample sizes for raw sound, and decodes only the first sample of each
        fragment."""
        with av.open(str(visit(tmp_path, 2.0).film)) as film:
            sizes = {packet.size for packet in film.demux(film.streams[TALKBACK]) if packet.size}
        assert len(sizes) > 1

    def test_is_no_gap_and_delays_no_other_track(self, tmp_path: Path) -> None:
        outcome = visit(tmp_path, 3.0)
        assert outcome.metadata["gaps"] == []
        assert min(at for at, progress in outcome.progress if progress.flushed) < 0.5
        assert outcome.metadata["tracks"][str(TALKBACK)] | {"seconds": 3.0} == {
            "packets": 0,
            "lost": 0,
            "malformed": 0,
            "seconds": 3.0,
        }

    def test_of_an_officer_does_not_stand_in_for_a_room(self, tmp_path: Path) -> None:
        """An officer speaks while one side sends nothing: the recording has not begun."""
        feed = Feed(3.0, skip=lambda track, _: track >= 2)
        records = sorted(feed.records() + talkback(stream(), 0.5, 2.0), key=lambda one: one.arrival_ns)
        outcome = record(tmp_path, records, 3.0)
        assert not any(progress.flushed for _, progress in outcome.progress)


class TestTalkback:
    def test_is_found_where_it_was_said(self, tmp_path: Path) -> None:
        outcome = visit(tmp_path, 8.0, talkback(stream(), 2.0, 1.0), talkback(stream(), 5.5, 1.5))
        assert close(heard(outcome.film), (2.0, 3.0), (5.5, 7.0))
        assert probe.complaints(outcome.film) == "" and outcome.metadata["gaps"] == []
        assert all(abs(length - 8.0) < 0.1 for length in probe.lengths(outcome.film))

    def test_is_not_in_the_tracks_of_the_rooms(self, tmp_path: Path) -> None:
        outcome = visit(tmp_path, 4.0, talkback(stream(), 1.0, 2.0))
        for track in (PRISON_AUDIO, VISITOR_AUDIO):
            assert max(listening.loudness(outcome.film, track, PITCH)) < 0.01

    @pytest.mark.parametrize("spent", [0.0, 3.0], ids=["stands still", "goes on"])
    def test_of_a_microphone_whose_clock(self, tmp_path: Path, spent: float) -> None:
        """Between talkbacks a sender pauses (its timestamps stand still) or goes on (timestamps and numbers jump)."""
        source = stream()
        first = talkback(source, 1.0, 1.0)
        source.seq += int(spent * 50)
        outcome = visit(tmp_path, 7.0, first, talkback(source, 5.0, 1.0, stamps=2.0 + spent))
        assert close(heard(outcome.film), (1.0, 2.0), (5.0, 6.0))
        assert outcome.metadata["gaps"] == [] and outcome.metadata["tracks"][str(TALKBACK)]["lost"] == 0

    def test_before_a_room_is_there_is_no_part_of_the_film(self, tmp_path: Path) -> None:
        feed = Feed(4.0, skip=lambda _, at: at < 1.0)
        records = sorted(feed.records() + talkback(stream(), 0.2, 2.0), key=lambda one: one.arrival_ns)
        outcome = record(tmp_path, records, 4.0)
        assert close(heard(outcome.film), (0.0, 1.2))

    def test_that_was_lost_is_a_gap(self, tmp_path: Path) -> None:
        spoken = talkback(stream(), 1.0, 2.0)
        outcome = visit(tmp_path, 4.0, spoken[:50] + spoken[60:])
        assert [(cause, round(seconds, 1)) for cause, _, seconds in outcome.gaps(TALKBACK)] == [("loss", 0.2)]
        assert outcome.metadata["tracks"][str(TALKBACK)]["lost"] == 10

    def test_of_two_who_speak_one_after_the_other(self, tmp_path: Path) -> None:
        other = Stream(48_000, ssrc=51, base=4_000_000_000, seq=65_530)
        outcome = visit(tmp_path, 5.0, talkback(stream(), 1.0, 1.0), talkback(other, 2.0, 1.0, stamps=400.0))
        assert close(heard(outcome.film), (1.0, 3.0))
        assert outcome.metadata["gaps"] == []

    def test_goes_on_in_the_next_part_of_a_recording(self, tmp_path: Path) -> None:
        (tmp_path / "a").mkdir()
        (tmp_path / "b").mkdir()
        first = visit(tmp_path / "a", 3.0, talkback(stream(), 2.0, 1.0))
        second = visit(tmp_path / "b", 3.0, talkback(stream(), 0.0, 1.0))
        film, holes = join([PartFile(first.film, 0.0, True), PartFile(second.film, 4.0, True)], tmp_path / "film.mp4")
        assert close(heard(tmp_path / "film.mp4"), (2.0, 3.0), (4.0, 5.0))
        assert len(film.seconds) == 5 and {hole.track for hole in holes} == set(range(5))
        assert probe.complaints(tmp_path / "film.mp4") == ""

    def test_reports_and_malformed_records_do_no_harm(self, tmp_path: Path) -> None:
        source = stream()
        spoken = talkback(source, 1.0, 1.0)
        report = TapRecord(1, TALKBACK, SENDER_REPORT, arrival(1.5), source.report(1.5, 3_900_000_000.0))
        strange = TapRecord(1, PRISON_AUDIO, ANEW, arrival(1.2), b"")
        beyond = TapRecord(1, TALKBACK + 1, RTP, arrival(1.3), b"x")
        outcome = visit(tmp_path, 3.0, spoken, [report, strange, beyond])
        assert close(heard(outcome.film), (1.0, 2.0)) and outcome.metadata["gaps"] == []


class TestTheViewCopy:
    def test_has_the_sound_of_the_officer(self, tmp_path: Path) -> None:
        root = tmp_path / "archive"
        work = make_work(root)
        for name in ("part-1.mp4", "part-1.json"):
            (work / name).unlink()
        outcome = visit(work, 3.0, talkback(stream(), 1.0, 1.0))
        assert outcome.film.parent == work
        folder = (root / archived(work, root)["path"]).parent
        make(folder, tmp_path / "view.mp4", lambda _: None)
        assert close(listening.spans(listening.loudness(tmp_path / "view.mp4", 1, PITCH)), (1.0, 2.0))


def without_talkback(part: Path) -> None:
    """Make a part what it was before talkback existed: four tracks, in the file and in its metadata."""
    whole, metadata_file = part.with_suffix(".five"), part.with_suffix(".json")
    shutil.move(part, whole)
    file = FragmentFile(part)
    with av.open(str(whole)) as source, av.open(file, "w", format="mp4", options=OPTIONS) as out:
        streams: dict[Any, Any] = {}
        for stream, title in list(zip(source.streams, TRACK_TITLES, strict=True))[:TALKBACK]:
            streams[stream] = out.add_stream_from_template(stream, opaque=True)
            streams[stream].metadata.update({"title": title, "handler_name": title})
        for packet in source.demux(*streams):
            if packet.dts is not None:
                packet.stream = streams[packet.stream]
                out.mux_one(packet)
    file.sync()
    file.abandon()
    whole.unlink()
    metadata = atomic_files.read_json(metadata_file) or {}
    metadata["tracks"].pop(str(TALKBACK))
    atomic_files.write_json(metadata_file, metadata | {"chain": file.chain.to_json()})


class TestRecordingsFromBefore:
    def test_with_four_tracks_are_archived_and_verified_as_they_are(self, tmp_path: Path) -> None:
        root = tmp_path / "archive"
        work = make_work(root)
        without_talkback(work / "part-1.mp4")
        done = archived(work, root)
        film = root / done["path"]
        assert len(done["seconds"]) == 4 == len(probe.probe(film)["streams"])
        assert verify(None, root).damages == []

    def test_get_silence_where_a_later_part_has_five(self, tmp_path: Path) -> None:
        (tmp_path / "a").mkdir()
        (tmp_path / "b").mkdir()
        first = visit(tmp_path / "a", 2.0)
        without_talkback(first.film)
        second = visit(tmp_path / "b", 2.0, talkback(stream(), 0.5, 1.0))
        film, _ = join([PartFile(first.film, 0.0, True), PartFile(second.film, 3.0, True)], tmp_path / "film.mp4")
        assert close(heard(tmp_path / "film.mp4"), (3.5, 4.5))
        assert all(abs(seconds - 5.0) < 0.1 for seconds in film.seconds)
        assert probe.complaints(tmp_path / "film.mp4") == ""

    def test_a_film_whose_fifth_track_was_taken_away_is_damaged(self, tmp_path: Path) -> None:
        root = tmp_path / "archive"
        folder = (root / archived(make_work(root), root)["path"]).parent
        folder.chmod(0o700)
        film = folder / FILM
        film.chmod(0o600)
        shutil.copy(film, tmp_path / "part-1.mp4")
        atomic_files.write_json(tmp_path / "part-1.json", {"tracks": {str(TALKBACK): {}}})
        without_talkback(tmp_path / "part-1.mp4")
        film.unlink()
        shutil.copy(tmp_path / "part-1.mp4", film)
        assert "tracks" in {damage.kind for damage in verify(None, root).damages}
