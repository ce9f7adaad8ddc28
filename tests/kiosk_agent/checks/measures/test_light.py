"""Tests of the brightness of pictures and of light from behind."""

import numpy as np
import pytest

from kiosk_agent.checks.measures.light import backlight, black_share, blown_out, mean_luma
from tests.support import room_clips as clips


def test_a_covered_lens_is_black_although_it_has_noise() -> None:
    covered = clips.clip(np.full((360, 640), 16, np.float32), noise=3)[0]
    assert mean_luma(covered) < 20
    assert black_share(covered) > 0.99


def test_a_dim_room_is_not_black() -> None:
    dim = clips.clip(clips.room(640, 360), noise=3, light=0.25)[0]
    assert black_share(dim) < 0.5
    assert mean_luma(dim) > 35


@pytest.mark.parametrize(("width", "height"), clips.SIZES)
def test_a_window_behind_the_person_is_light_from_behind(width: int, height: int) -> None:
    picture = clips.clip(clips.against_window(clips.room(width, height)))[0]
    assert backlight(picture) > 4
    assert blown_out(picture) > 0.3


@pytest.mark.parametrize(("width", "height"), clips.SIZES)
def test_an_evenly_lit_room_is_not(width: int, height: int) -> None:
    assert backlight(clips.clip(clips.room(width, height))[0]) == 1.0


def test_dark_clothes_before_a_grey_wall_are_not() -> None:
    picture = np.full((360, 640), 180, np.uint8)
    picture[120:, 220:420] = 30
    assert backlight(picture) == 1.0


def test_a_lamp_in_a_corner_is_not() -> None:
    picture = clips.room(640, 360)
    picture[:40, :60] = 250
    assert backlight(clips.clip(picture)[0]) == 1.0


def test_a_person_lit_as_brightly_as_the_window_is_not() -> None:
    picture = np.full((360, 640), 245, np.uint8)
    picture[90:, 212:428] = 170
    assert backlight(picture) < 1.6
