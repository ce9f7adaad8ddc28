"""Tests of sharpness: the radius of the blur is found again, in light and dark, at every resolution."""

import numpy as np
import pytest

from kiosk_agent.checks.measures.sharpness import WIDEST, blur_radius
from tests.support import room_clips as clips


@pytest.mark.parametrize("radius", [2.0, 4.0])
@pytest.mark.parametrize(("width", "height"), clips.SIZES[1:])
def test_the_radius_of_the_blur_is_found_again(radius: float, width: int, height: int) -> None:
    found = blur_radius(clips.clip(clips.blurred(clips.room(width, height), radius)))
    assert found == pytest.approx(radius, rel=0.25)


@pytest.mark.parametrize("name", clips.PHOTOGRAPHS)
def test_real_photographs_are_sharp_and_a_blur_of_theirs_is_found(name: str) -> None:
    scene = clips.photograph(name, 640, 360)
    sharp, blurred = (blur_radius(clips.clip(each)) for each in (scene, clips.blurred(scene, 4.0)))
    assert sharp is not None and sharp < 1.5
    assert blurred == pytest.approx(4.0, rel=0.25)


@pytest.mark.parametrize("light", [1.0, 0.5, 0.25])
def test_less_light_makes_no_picture_less_sharp(light: float) -> None:
    found = blur_radius(clips.clip(clips.room(640, 360), noise=3, light=light))
    assert found is not None and found < 1.2


def test_noise_is_not_taken_for_sharpness() -> None:
    noisy = clips.clip(clips.blurred(clips.room(640, 360), 5.0), noise=8, light=0.3)
    found = blur_radius(noisy)
    assert found is None or found > 2.5


def test_a_bare_wall_has_no_edges_to_measure() -> None:
    assert blur_radius(clips.clip(np.full((360, 640), 120, np.float32))) is None


def test_a_picture_without_any_edge_but_a_slow_one_has_the_widest_radius() -> None:
    slope = np.tile(np.linspace(20, 230, 640, dtype=np.float32), (360, 1))
    found = blur_radius(clips.clip(clips.blurred(np.where(slope > 125, 200, 50).astype(np.float32), 25), noise=0.5))
    assert found == WIDEST


def test_a_tiny_picture_is_not_measured() -> None:
    assert blur_radius([np.zeros((16, 16), np.uint8)]) is None
