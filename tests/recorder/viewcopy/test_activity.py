"""Speech is found by the loudness of each track, over its own noise."""

import numpy as np
import pytest

from recorder.viewcopy.activity import Activity, stretches

RATE = 48_000
SEED = 7


def noise(seconds, level):
    """Return noise of so many dBFS."""
    draw = np.random.default_rng(SEED).standard_normal(int(seconds * RATE)).astype(np.float32)
    return draw * np.float32(10 ** (level / 20))


def heard(*pieces, track=1):
    """Return the stretches of a track that has these pieces, each of (seconds, dBFS)."""
    activity, at = Activity(), 0.0
    for seconds, level in pieces:
        samples = noise(seconds, level)
        for first in range(0, len(samples), 960):
            activity.add(track, samples[first : first + 960], at + first / RATE, RATE)
        at += seconds
    return activity.to_json()


def test_speech_stands_out_of_the_noise_of_its_room():
    found = heard((2, -60), (1.5, -25), (2, -60), (1, -30), (1, -60))
    assert found["prison"] == [[2.0, 3.5], [5.5, 6.5]] and found["visitor"] == found["supervisors"] == []


def test_a_loud_room_is_no_speech_and_a_quiet_voice_is():
    assert heard((4, -38))["prison"] == []
    assert heard((4, -70), (1, -45), (3, -70))["prison"] == [[4.0, 5.0]]


def test_a_voice_without_a_pause_is_speech():
    assert heard((6, -22), track=3)["visitor"] == [[0.0, 6.0]]


def test_short_pauses_and_clicks_are_none():
    assert heard((2, -70), (1, -25), (0.4, -70), (1, -25), (2, -70))["prison"] == [[2.0, 4.4]]
    assert heard((2, -70), (0.1, -15), (2, -70))["prison"] == []


def test_digital_silence_has_no_speech():
    assert stretches([-120.0] * 50) == [] and stretches([]) == []


@pytest.mark.parametrize("track", [0, 2, 7])
def test_pictures_are_not_listened_to(track):
    activity = Activity()
    activity.add(track, noise(1, -20), 0.0, RATE)
    assert not any(activity.to_json()[side] for side in ("prison", "visitor", "supervisors"))
