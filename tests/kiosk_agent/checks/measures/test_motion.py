"""Tests of what changes between pictures and of their rate."""

import numpy as np
import pytest

from kiosk_agent.checks.measures.motion import change, frame_rate
from tests.support import room_clips as clips


def test_a_frozen_picture_does_not_change_at_all() -> None:
    assert change(clips.frozen(clips.clip(clips.room(640, 360)))) == 0.0


def test_an_empty_dark_room_changes_by_its_noise() -> None:
    assert change(clips.clip(np.full((360, 640), 18, np.float32), noise=0.5)) > 0.1


def test_a_camera_that_repeats_each_second_picture_is_not_frozen() -> None:
    pictures = clips.clip(clips.room(640, 360))
    assert change([each for picture in pictures for each in (picture, picture)]) > 1.0


def test_another_size_is_another_picture() -> None:
    assert change([np.zeros((10, 10), np.uint8), np.zeros((20, 20), np.uint8)]) == 255.0


def test_one_picture_alone_shows_no_change() -> None:
    assert change([np.zeros((10, 10), np.uint8)]) == 0.0


def test_the_rate_is_that_of_the_intervals() -> None:
    assert frame_rate([10 + number / 25 for number in range(9)]) == pytest.approx(25)


@pytest.mark.parametrize("moments", [[], [1.0], [1.0, 1.0]])
def test_too_few_pictures_have_no_rate(moments: list[float]) -> None:
    assert frame_rate(moments) == 0.0
