"""Confusion table of the measures and the limits of the packs: good rooms pass, and each fault is found as itself."""

import pytest

from tests.support.equipment_confusion import SEEDS, SIZES, picture_cases, sound_cases


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_each_fault_of_a_picture_is_found_and_good_pictures_pass(width: int, height: int) -> None:
    cases = list(picture_cases(width, height))
    assert [case for case in cases if not case.right] == []
    assert {case.fault for case in cases} == {"", "black", "frozen", "blurred", "backlit"}


@pytest.mark.parametrize("seed", SEEDS)
def test_each_fault_of_a_sound_is_found_and_good_sounds_pass(seed: int) -> None:
    cases = list(sound_cases(seed))
    assert [case for case in cases if not case.right] == []
    assert {case.fault for case in cases} == {"", "microphone", "clipped", "hum"}
