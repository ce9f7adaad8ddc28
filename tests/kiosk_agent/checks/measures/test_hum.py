"""Tests of mains hum, found at its level and not in speech."""

import pytest

from kiosk_agent.checks.measures.hum import hum
from kiosk_agent.checks.measures.loudness import SILENCE, decibels
from tests.support import room_clips as clips


@pytest.mark.parametrize("frequency", [50, 100, 150, 250])
@pytest.mark.parametrize("amplitude", [0.003, 0.03])
def test_hum_is_found_at_its_level(frequency: float, amplitude: float) -> None:
    found = hum(clips.samples(clips.tone(frequency, 3, amplitude) + clips.hiss(3, 0.001)), clips.RATE)
    assert found == pytest.approx(decibels(amplitude / 2**0.5), abs=1)


def test_hum_is_found_under_speech() -> None:
    found = hum(clips.samples(clips.talk(3, 0.1) + clips.tone(50, 3, 0.05)), clips.RATE)
    assert found == pytest.approx(decibels(0.05 / 2**0.5), abs=2)


@pytest.mark.parametrize("seed", range(8))
def test_speech_and_hiss_have_none(seed: int) -> None:
    assert hum(clips.samples(clips.hiss(3, 0.01, seed)), clips.RATE) == SILENCE
    speech = hum(clips.samples(clips.talk(3, 0.1, seed)), clips.RATE)
    assert speech is not None and speech < -50


def test_a_steady_tone_at_another_pitch_is_no_hum() -> None:
    assert hum(clips.samples(clips.tone(440, 3, 0.1) + clips.hiss(3, 0.0005)), clips.RATE) == SILENCE


def test_too_short_a_sound_tells_nothing() -> None:
    assert hum(clips.samples(clips.tone(50, 1.5, 0.1)), clips.RATE) is None
