"""One side of a recording as a film of its own: the same samples under another index, checked by FFmpeg."""

import io
import random
import shutil
import struct
from pathlib import Path

import av
import pytest

from recorder.mp4.join import PartFile, join
from recorder.mp4.side_film import SideFilm
from tests.support import probe
from tests.support.recording.archives import archived, make_work
from tests.support.recording.feed import Feed, record

SIDES = ("prison", "visitor")


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an archived recording of three seconds."""
    root = tmp_path_factory.mktemp("sides") / "archive"
    return root / str(archived(make_work(root), root)["path"])


def written(film: Path, side: str, target: Path) -> Path:
    """Write the film of a side into a file."""
    side_film = SideFilm(film.open("rb"), side)
    target.write_bytes(side_film.read(1 << 30))
    side_film.close()
    return target


def samples(path: Path, track: int) -> list[tuple[int | None, bool, bytes]]:
    with av.open(str(path)) as source:
        packets = source.demux(source.streams[track])
        return [(one.pts, one.is_keyframe, bytes(one)) for one in packets if one.size]


class TestTheFilmOfASide:
    @pytest.mark.parametrize("side", SIDES)
    def test_holds_its_picture_and_sound_unchanged_and_nothing_of_the_other(
        self, film: Path, side: str, tmp_path: Path
    ) -> None:
        copy = written(film, side, tmp_path / "side.mp4")
        streams = probe.probe(copy)["streams"]
        assert [stream["codec_name"] for stream in streams] == ["h264", "opus"]
        assert [stream["tags"]["handler_name"] for stream in streams] == [f"{side} video", f"{side} audio"]
        first = 2 * SIDES.index(side)
        assert [samples(copy, track) for track in (0, 1)] == [samples(film, first + track) for track in (0, 1)]
        assert probe.complaints(copy) == ""
        assert probe.lengths(copy) == probe.lengths(film)[first : first + 2]
        size = sum(len(data) for track in (0, 1) for _, _, data in samples(copy, track))
        assert copy.stat().st_size - size < 8192  # an index, and no byte of the other side

    def test_begins_with_its_index_and_its_tracks_are_enabled(self, film: Path, tmp_path: Path) -> None:
        data = written(film, "visitor", tmp_path / "side.mp4").read_bytes()
        assert data.index(b"moov") < data.index(b"mdat")
        assert all(data[at + 4 : at + 8] == b"\0\0\0\3" for at in range(len(data)) if data[at : at + 4] == b"tkhd")

    @pytest.mark.parametrize("side", SIDES)
    def test_of_a_film_joined_from_two_parts_is_whole(self, side: str, tmp_path: Path) -> None:
        pieces = []
        for part in ("a", "b"):
            (tmp_path / part).mkdir()
            pieces.append(record(tmp_path / part, Feed(2.0).records(), 2.0).film)
        joined = tmp_path / "joined.mp4"
        join([PartFile(pieces[0], 0.0, True), PartFile(pieces[1], 3.0, True)], joined)
        copy = written(joined, side, tmp_path / "side.mp4")
        first = 2 * SIDES.index(side)
        assert [samples(copy, track) for track in (0, 1)] == [samples(joined, first + track) for track in (0, 1)]

    def test_is_read_from_any_place(self, film: Path) -> None:
        side_film = SideFilm(film.open("rb"), "prison")
        whole = side_film.read(side_film.size + 10)
        assert len(whole) == side_film.size == side_film.seek(0, io.SEEK_END) and side_film.read(5) == b""
        chance = random.Random(1)
        for _ in range(300):
            at, count = chance.randrange(side_film.size), chance.choice((1, 100, 5000, 1 << 20))
            side_film.seek(at)
            assert side_film.read(count) == whole[at : at + count]
        side_film.close()

    def test_of_an_unknown_side_or_no_recording_is_refused(self, film: Path, tmp_path: Path) -> None:
        other = tmp_path / "other.mp4"
        for data in (b"", b"no film", film.read_bytes()[:5000]):
            other.write_bytes(data)
            with other.open("rb") as file, pytest.raises(ValueError):
                SideFilm(file, "prison")
        with film.open("rb") as file, pytest.raises(ValueError, match="no side"):
            SideFilm(file, "unknown")

    def test_of_a_damaged_index_is_a_value_error_or_a_film_and_ends(self, film: Path, tmp_path: Path) -> None:
        damaged, chance = tmp_path / "damaged.mp4", random.Random(2)
        shutil.copy(film, damaged)
        whole = film.read_bytes()
        start = whole.rindex(b"moov")
        for _ in range(400):
            data = bytearray(whole[start - 4 :])
            for _ in range(chance.choice((1, 1, 4))):
                at = chance.randrange(8, len(data) - 4)
                struct.pack_into("!I", data, at, chance.choice((0, 1, 0xFFFFFFFF, chance.randrange(1 << 32))))
            try:
                side_film = SideFilm(io.BytesIO(whole[: start - 4] + bytes(data)), "prison")
                side_film.seek(max(side_film.size - 100, 0))
                side_film.read(1000)
            except ValueError:
                continue
