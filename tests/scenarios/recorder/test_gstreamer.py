"""Films decoded by GStreamer, which shares no code with FFmpeg: finished ones, torn ones, and joined ones."""

import random
from pathlib import Path

import pytest

from broker.media.tap_format import TRACK_TITLES
from recorder.mp4.join import PartFile, join
from recorder.mp4.scan import whole_fragments
from recorder.pipeline.talkback_track import BEHIND
from recorder.pipeline.writer import Writer
from tests.support import gstreamer, probe
from tests.support.recording.feed import BEGIN, Feed, instant, record


def killed(folder: Path, end: float, more: int = 0) -> Path:
    """Make a part whose writer died at second `end`, `more` bytes into its next write, or so many before its end."""
    writer, records = Writer(folder, 1), Feed(end).records()
    for step in range(1, round(end * 10) + 1):
        batch = [one for one in records if step - 1 <= (one.arrival_ns / 1e9 - BEGIN) * 10 < step]
        writer.work(batch, instant(BEGIN + step / 10))
    torn = folder / "torn.mp4"
    data = (folder / "part-1.mp4").read_bytes()
    torn.write_bytes((data + b"\0\0\x10\0moof torn" + bytes(4000))[: len(data) + more])
    writer.abandon()
    return torn


def frames(path: Path) -> list[int]:
    """Return how many pictures each video track has, as ffprobe counts them."""
    streams = probe.probe(path)["streams"]
    return [len(probe.times(path, n)) for n, stream in enumerate(streams) if stream["codec_type"] == "video"]


class TestGStreamer:
    def test_decodes_a_finished_film_to_the_last_picture(self, tmp_path: Path) -> None:
        tracks = gstreamer.decoded(record(tmp_path, Feed(3.0).records(), 3.0).film)
        assert len(tracks) == len(TRACK_TITLES)
        assert [track.buffers for track in tracks if track.kind == "video"] == [90, 90]
        assert all(track.start == 0.0 and abs(track.end - 3.0) < 0.05 for track in tracks)

    @pytest.mark.parametrize("more", [0, 3, 800, -700])
    def test_decodes_what_a_kill_left_up_to_its_last_whole_fragment(self, tmp_path: Path, more: int) -> None:
        torn = killed(tmp_path, 2.9, more)
        tracks = gstreamer.decoded(torn)
        whole = tmp_path / "whole.mp4"
        whole.write_bytes(torn.read_bytes()[: whole_fragments(torn)])
        pictures = [track.buffers for track in tracks if track.kind == "video"]
        early = round(BEHIND * 30)  # it plays to the end of the talkback track, which is written that much later
        assert all(found >= least - early for found, least in zip(pictures, frames(whole), strict=True))
        assert more < 0 or pictures == frames(whole)
        assert all(2.9 - 2.0 < track.end < 2.9 for track in tracks)

    def test_decodes_parts_that_were_joined_and_finds_the_hole_in_its_place(self, tmp_path: Path) -> None:
        (tmp_path / "again").mkdir()
        torn = killed(tmp_path, 2.0, random.Random(1).randrange(800))
        again = record(tmp_path / "again", Feed(2.0).records(), 2.0).film
        film = tmp_path / "film.mp4"
        _, holes = join([PartFile(torn, 0.0, clean=False), PartFile(again, 5.0, clean=True)], film)
        tracks = gstreamer.decoded(film)
        assert holes and [track.buffers for track in tracks if track.kind == "video"] == frames(film)
        assert all(track.start == 0.0 and abs(track.end - 7.0) < 0.1 for track in tracks)
