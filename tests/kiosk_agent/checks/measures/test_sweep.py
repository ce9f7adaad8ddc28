"""Tests of the loudspeaker's sweep, found in what the microphone recorded."""

import numpy as np
import pytest

from kiosk_agent.checks.measures.loudness import SILENCE, level
from kiosk_agent.checks.measures.sweep import find_sweep, sweep
from tests.support import room_clips as clips

TONE = sweep(clips.RATE).astype(float) / 32768


@pytest.mark.parametrize("delay", [0.0, 0.05, 0.4, 0.9])
@pytest.mark.parametrize("gain", [1.0, 0.1, 0.02])
def test_the_sweep_is_found_with_its_delay_and_level(delay: float, gain: float) -> None:
    found = find_sweep(
        clips.through_air(TONE, delay, gain, 2.5, lambda seconds: clips.hiss(seconds, 0.001)), clips.RATE
    )
    assert found.prominence > 20
    assert found.delay == pytest.approx(delay * 1000, abs=2)
    assert found.level == pytest.approx(level(sweep(clips.RATE)) + 20 * np.log10(gain), abs=3)


def test_the_sweep_is_found_under_talk() -> None:
    found = find_sweep(clips.through_air(TONE, 0.3, 0.1, 2.5, lambda seconds: clips.talk(seconds, 0.1)), clips.RATE)
    assert found.prominence > 15
    assert found.delay == pytest.approx(300, abs=2)


@pytest.mark.parametrize("seed", range(6))
def test_without_it_nothing_stands_out(seed: int) -> None:
    for sound in (clips.hiss(2.5, 0.01, seed), clips.talk(2.5, 0.1, seed), clips.tone(440, 2.5, 0.1)):
        assert find_sweep(clips.samples(sound), clips.RATE).prominence < 15


def test_silence_and_a_recording_that_is_too_short_hold_no_sweep() -> None:
    assert find_sweep(np.zeros(clips.RATE * 2, np.int16), clips.RATE).level == SILENCE
    assert find_sweep(np.ones(100, np.int16), clips.RATE).prominence == 0.0
