"""What a terminal finds in its own picture and sound, and that a room in which all is well gives no alarm."""

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

from broker.kernel.ids import Side
from huijian.demo.synthetic.sources import GeneratedVideo
from huijian.demo.synthetic.voice import SyntheticVoice
from kiosk_agent.checks.people_count import LOOKS, PeopleCount
from kiosk_agent.checks.picture_monitor import PictureMonitor, sample
from kiosk_agent.media.frames import CHUNK, RATE, rms
from kiosk_agent.media.source import SourceClock

FPS = 25
NOISE = np.random.default_rng(5)


def picture(level: float, spread: float = 40.0, noise: float = 1.0) -> NDArray[np.uint8]:
    """A room of that mean brightness, with something in it, and a sensor's noise."""
    base = np.linspace(level - spread, level + spread, 640)[None, :] + np.zeros((360, 1))
    return (base + NOISE.normal(0, noise, (360, 640))).clip(16, 235).astype(np.uint8)


def looked(*pictures: NDArray[np.uint8] | None) -> tuple[PictureMonitor, float]:
    """After these pictures, one a second."""
    noticing = PictureMonitor()
    for second, one in enumerate(pictures):
        noticing.look_at_picture(sample(one) if one is not None else None, float(second))
    return noticing, float(len(pictures) - 1)


class TestAPicture:
    def test_of_a_covered_lens_is_black_and_not_frozen_besides(self) -> None:
        noticing, now = looked(*[picture(17, 1, 0)] * 6)
        assert noticing.black(now) and not noticing.frozen(now)

    @pytest.mark.parametrize("level", [30, 60, 120, 200])
    def test_of_a_room_is_not_black_however_dim(self, level: float) -> None:
        noticing, now = looked(*(picture(level) for _ in range(6)))
        assert not noticing.black(now) and not noticing.frozen(now)

    def test_that_is_dark_but_has_a_lamp_in_it_is_not_black(self) -> None:
        dark = picture(18, 2)
        dark[100:160, 200:300] = 180
        noticing, now = looked(*[dark] * 6)
        assert not noticing.black(now)

    def test_that_is_dark_for_a_blink_is_not_black(self) -> None:
        noticing, now = looked(picture(90), picture(17, 1), picture(90))
        assert not noticing.black(now)

    def test_that_never_changes_is_frozen(self) -> None:
        noticing, now = looked(*[picture(90)] * 6)
        assert noticing.frozen(now)

    def test_of_an_empty_room_is_not_frozen_as_its_sensor_is_noisy(self) -> None:
        noticing, now = looked(*(picture(90, noise=0.4) for _ in range(10)))
        assert not noticing.frozen(now)

    def test_that_does_not_come_any_more_is_frozen(self) -> None:
        noticing, now = looked(picture(90), None, None, None, None)
        assert noticing.frozen(now)

    def test_that_moves_again_is_well_at_once(self) -> None:
        noticing, now = looked(*[picture(90)] * 6, picture(91))
        assert not noticing.frozen(now)

    def test_of_another_size_is_another_one(self) -> None:
        noticing, now = looked(*[picture(90)] * 3, picture(90)[:180, :320])
        assert not noticing.frozen(now)


class TestSound:
    def heard(self, *loudness: float | None) -> bool:
        noticing = PictureMonitor()
        for number, one in enumerate(loudness):
            noticing.look_at_sound(one, number / 10)
        return noticing.silent((len(loudness) - 1) / 10)

    def test_that_is_dead_is_silence(self) -> None:
        assert self.heard(*[0.0] * 51)

    def test_that_does_not_come_any_more_is_silence(self) -> None:
        assert self.heard(0.1, *[None] * 51)

    def test_of_a_quiet_room_is_none(self) -> None:
        assert not self.heard(*[0.002] * 100)

    def test_between_two_words_is_none(self) -> None:
        assert not self.heard(*([0.1] + [0.0] * 40) * 5)


class TestARoomWithoutEquipment:
    """Demonstrations must not raise false alarms."""

    @pytest.mark.parametrize("side", list(Side))
    def test_has_nothing_wrong_with_picture_sound_or_people(self, side: Side) -> None:
        video, voice, noticing, counting = (
            GeneratedVideo(side, SourceClock()),
            SyntheticVoice(side),
            PictureMonitor(),
            PeopleCount(),
        )
        for second in range(20):
            luma = video.picture(second * FPS)[:360].copy()
            noticing.look_at_picture(sample(luma), second)
            for tenth in range(10):
                at = second * RATE + tenth * RATE // 10
                noticing.look_at_sound(rms(voice.samples(at // CHUNK * CHUNK, CHUNK)), second + tenth / 10)
            assert not (noticing.black(second) or noticing.frozen(second) or noticing.silent(second))
            assert counting.look(luma) in (None, 0)


class TestCounting:
    def counting(self, *faces: int) -> list[int | None]:
        """What is said after each look in which so many faces are found."""
        counting, found = PeopleCount(), list(faces)
        cascade = SimpleNamespace(detectMultiScale=lambda *_, **__: [(0, 0, 9, 9)] * found.pop(0))
        counting._cascade = cascade  # type: ignore[assignment]
        return [counting.look(picture(90)) for _ in faces]

    def test_says_nothing_before_it_has_looked_a_few_times(self) -> None:
        assert self.counting(*[2] * LOOKS) == [None] * (LOOKS - 1) + [2]

    def test_is_not_moved_by_single_looks(self) -> None:
        assert self.counting(2, 0, 2, 5, 2, 2, 7, 2)[LOOKS - 1 :] == [2] * 4

    def test_without_a_cascade_counts_nobody(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("cv2.data", SimpleNamespace(haarcascades="/nowhere/"))
        assert [PeopleCount().look(picture(90)) for _ in range(LOOKS)] == [None] * LOOKS

    def test_finds_nobody_in_an_empty_room(self) -> None:
        counting = PeopleCount()
        assert [counting.look(picture(90)) for _ in range(LOOKS)][-1] == 0
