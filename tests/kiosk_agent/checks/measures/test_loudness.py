"""Tests of loudness, noise floor and clipping of sound."""

import numpy as np
import pytest

from kiosk_agent.checks.measures.loudness import SILENCE, clipped, decibels, level, noise_level
from tests.support import room_clips as clips


def test_a_full_scale_sine_is_at_minus_three() -> None:
    assert level(clips.samples(clips.tone(440, 1, 1.0))) == pytest.approx(-3.01, abs=0.05)


def test_no_sound_and_a_constant_are_silence() -> None:
    assert level(np.zeros(960, np.int16)) == SILENCE
    assert level(np.full(960, 500, np.int16)) == SILENCE
    assert level(np.array([], np.int16)) == SILENCE


def test_the_floor_is_what_is_left_in_pauses() -> None:
    sound = clips.samples(clips.talk(3, 0.2))
    assert noise_level(sound) == pytest.approx(decibels(0.0005), abs=2)
    assert level(sound) > noise_level(sound) + 30


def test_a_short_sound_has_its_level_as_floor() -> None:
    short = clips.samples(clips.tone(440, 0.01, 0.1))
    assert noise_level(short) == level(short)


@pytest.mark.parametrize(("amplitude", "least", "most"), [(0.9, 0.0, 0.0), (1.2, 0.2, 0.5), (4.0, 0.7, 1.0)])
def test_the_clipped_share_grows_with_the_loudness(amplitude: float, least: float, most: float) -> None:
    assert least <= clipped(clips.samples(clips.tone(440, 1, amplitude))) <= most


def test_a_single_loud_sample_is_not_clipped() -> None:
    sound = np.zeros(960, np.int16)
    sound[100] = 32767
    assert clipped(sound) == 0.0
    assert clipped(np.array([], np.int16)) == 0.0
