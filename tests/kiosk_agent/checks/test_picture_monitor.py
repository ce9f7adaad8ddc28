"""Tests of the detection of black and frozen pictures and dead sound."""

import numpy as np
import pytest
from numpy.typing import NDArray

from broker.kernel.ids import Side
from huijian.demo.synthetic.sources import GeneratedVideo
from huijian.demo.synthetic.voice import SyntheticVoice
from kiosk_agent.checks.people_count import PeopleCount
from kiosk_agent.checks.picture_monitor import PictureMonitor, sample
from kiosk_agent.media.frames import CHUNK, RATE, rms
from kiosk_agent.media.source import SourceClock

FPS = 25
NOISE = np.random.default_rng(5)


def picture(level: float, spread: float = 40.0, noise: float = 1.0) -> NDArray[np.uint8]:
    """Return a picture of that mean brightness with contrast and with the noise of a sensor."""
    base = np.linspace(level - spread, level + spread, 640)[None, :] + np.zeros((360, 1))
    return (base + NOISE.normal(0, noise, (360, 640))).clip(16, 235).astype(np.uint8)


def monitor_after(*pictures: NDArray[np.uint8] | None) -> tuple[PictureMonitor, float]:
    """Return a monitor after these pictures, one a second, and the moment of the last."""
    monitor = PictureMonitor()
    for second, each in enumerate(pictures):
        monitor.look_at_picture(sample(each) if each is not None else None, float(second))
    return monitor, float(len(pictures) - 1)


class TestPicture:
    def test_of_a_covered_lens_is_black_and_not_frozen_besides(self) -> None:
        monitor, now = monitor_after(*[picture(17, 1, 0)] * 6)
        assert monitor.black(now) and not monitor.frozen(now)

    @pytest.mark.parametrize("level", [30, 60, 120, 200])
    def test_of_a_room_is_not_black_however_dim(self, level: float) -> None:
        monitor, now = monitor_after(*(picture(level) for _ in range(6)))
        assert not monitor.black(now) and not monitor.frozen(now)

    def test_that_is_dark_but_has_a_lamp_in_it_is_not_black(self) -> None:
        dark = picture(18, 2)
        dark[100:160, 200:300] = 180
        monitor, now = monitor_after(*[dark] * 6)
        assert not monitor.black(now)

    def test_that_is_dark_for_a_moment_is_not_black(self) -> None:
        monitor, now = monitor_after(picture(90), picture(17, 1), picture(90))
        assert not monitor.black(now)

    def test_that_never_changes_is_frozen(self) -> None:
        monitor, now = monitor_after(*[picture(90)] * 6)
        assert monitor.frozen(now)

    def test_of_an_empty_room_is_not_frozen_as_its_sensor_is_noisy(self) -> None:
        monitor, now = monitor_after(*(picture(90, noise=0.4) for _ in range(10)))
        assert not monitor.frozen(now)

    def test_that_stops_coming_is_frozen(self) -> None:
        monitor, now = monitor_after(picture(90), None, None, None, None)
        assert monitor.frozen(now)

    def test_that_moves_again_is_not_frozen(self) -> None:
        monitor, now = monitor_after(*[picture(90)] * 6, picture(91))
        assert not monitor.frozen(now)

    def test_of_another_size_is_not_frozen(self) -> None:
        monitor, now = monitor_after(*[picture(90)] * 3, picture(90)[:180, :320])
        assert not monitor.frozen(now)


class TestSound:
    def is_silent(self, *loudness: float | None) -> bool:
        monitor = PictureMonitor()
        for number, level in enumerate(loudness):
            monitor.look_at_sound(level, number / 10)
        return monitor.silent((len(loudness) - 1) / 10)

    def test_that_is_dead_is_silent(self) -> None:
        assert self.is_silent(*[0.0] * 51)

    def test_that_stops_coming_is_silent(self) -> None:
        assert self.is_silent(0.1, *[None] * 51)

    def test_of_a_quiet_room_is_not_silent(self) -> None:
        assert not self.is_silent(*[0.002] * 100)

    def test_between_two_words_is_not_silent(self) -> None:
        assert not self.is_silent(*([0.1] + [0.0] * 40) * 5)


class TestGeneratedRoom:
    """The generated room of the demonstration, which must raise no false alert."""

    @pytest.mark.parametrize("side", list(Side))
    def test_has_no_fault_in_picture_sound_or_people(self, side: Side) -> None:
        video, voice, monitor, counting = (
            GeneratedVideo(side, SourceClock()),
            SyntheticVoice(side),
            PictureMonitor(),
            PeopleCount(),
        )
        for second in range(20):
            luma = video.picture(second * FPS)[:360].copy()
            monitor.look_at_picture(sample(luma), second)
            for tenth in range(10):
                at = second * RATE + tenth * RATE // 10
                monitor.look_at_sound(rms(voice.samples(at // CHUNK * CHUNK, CHUNK)), second + tenth / 10)
            assert not (monitor.black(second) or monitor.frozen(second) or monitor.silent(second))
            assert counting.look(luma) in (None, 0)
