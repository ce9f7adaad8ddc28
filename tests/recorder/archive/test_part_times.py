"""The places of parts on the film's time, also where the clock was set between two runs of the machine."""

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.kernel import atomic_files
from recorder.archive.part_times import longest, places
from recorder.evidence.verify import verify
from tests.support import probe
from tests.support.recording.archives import archived, make_work
from tests.support.recording.feed import WALL, Feed, record

MOST = longest({"slot": {"minutes": 30}})


def part(number: int, wall: float, mono: float = 0.0, boot: str = "one", seconds: float = 60.0) -> dict[str, Any]:
    begun = {"zero_wall": (WALL + timedelta(seconds=wall)).isoformat(), "zero_mono": mono, "boot": boot}
    return {"part": number, **begun, "tracks": {"0": {"seconds": seconds}, "1": {"seconds": seconds - 0.1}}}


class TestPlaces:
    def test_within_one_run_only_the_monotonic_clock_counts(self) -> None:
        parts = [part(1, 0, 100.0), part(2, -9000, 190.0), part(3, 9000, 400.0)]
        assert places(parts, MOST) == ([0.0, 90.0, 300.0], [])

    def test_after_a_restart_the_wall_clock_counts(self) -> None:
        assert places([part(1, 0, 100.0), part(2, 180, 5.0, "two")], MOST) == ([0.0, 180.0], [])

    @pytest.mark.parametrize("wall", [-600.0, 30.0, 3 * 3600.0])
    def test_an_impossible_wall_clock_is_remarked_and_the_part_follows_at_once(self, wall: float) -> None:
        offsets, remarks = places([part(1, 0), part(2, wall, boot="two")], MOST)
        assert offsets == [0.0, 60.0]
        assert remarks == [{"kind": "clock_stepped", "part": 2, "said": wall, "start": 60.0}]

    def test_two_unnamed_runs_are_not_the_same_run(self) -> None:
        assert places([part(1, 0, 100.0, ""), part(2, 180, 5.0, "")], MOST)[0] == [0.0, 180.0]

    def test_parts_that_overlap_a_little_follow_each_other(self) -> None:
        assert places([part(1, 0, 100.0), part(2, 0, 159.9)], MOST) == ([0.0, 60.0], [])

    @given(
        st.lists(
            st.tuples(st.floats(-1e6, 1e6), st.floats(0, 1e6), st.sampled_from(["", "a", "b"]), st.floats(0, 1800)),
            min_size=1,
            max_size=6,
        )
    )
    def test_never_overlap(self, clocks: list[tuple[float, float, str, float]]) -> None:
        parts = [part(number, wall, mono, boot, length) for number, (wall, mono, boot, length) in enumerate(clocks, 1)]
        offsets, _ = places(parts, MOST)
        for placed, offset, after in zip(parts, offsets, [*offsets[1:], float("inf")], strict=True):
            assert offset + placed["tracks"]["0"]["seconds"] <= after

    def test_a_film_is_at_most_as_long_as_its_slot_and_an_hour(self) -> None:
        slot = {"starts_at": WALL.isoformat(), "ends_at": (WALL + timedelta(minutes=40)).isoformat()}
        assert longest({"slot": slot}) == 100 * 60
        assert longest({}) == longest({"slot": {"minutes": "x"}}) == 90 * 60


@pytest.mark.parametrize("wall", [-600.0, 3 * 3600.0])
def test_a_film_of_two_runs_has_all_its_pictures_and_no_hours_of_silence(tmp_path: Path, wall: float) -> None:
    root, second = tmp_path / "archive", tmp_path / "second"
    work = make_work(root)
    second.mkdir()
    record(second, Feed(2.0).records(), 2.0)
    metadata = atomic_files.read_json(second / "part-1.json") or {}
    zero = (WALL + timedelta(seconds=wall)).isoformat()
    atomic_files.write_json(work / "part-2.json", metadata | {"part": 2, "boot": "another", "zero_wall": zero})
    shutil.copy(second / "part-1.mp4", work / "part-2.mp4")
    film = root / archived(work, root)["path"]
    assert all(abs(length - 5.0) < 0.1 for length in probe.lengths(film))
    assert probe.complaints(film) == "" and len(probe.times(film, 0)) == 150
    assert "clock_stepped" in film.with_name("timeline.jsonl").read_text()
    assert verify(None, root).ok
