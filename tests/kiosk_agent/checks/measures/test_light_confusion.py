"""Confusion table of the measures and the limits of the packs: good rooms pass, and each fault is found."""

from collections.abc import Iterator

import numpy as np
import pytest

from broker.session.parts.equipment import Verdict, verdicts
from config.pack_loader import load_pack
from kiosk_agent.checks.measures import light, loudness, motion
from kiosk_agent.checks.measures.hum import hum
from kiosk_agent.checks.measures.sharpness import blur_radius
from tests.support import room_clips as clips

PICTURE = ("black", "frozen", "blurred", "backlit")
SIZES = ((320, 240), (640, 360), (704, 576))
SOUND = ("microphone", "clipped", "hum")
RULES = load_pack("yunnan").equipment


def _faults(figures: dict[str, float | None], checks: tuple[str, ...]) -> set[str]:
    found = verdicts({name: figure for name, figure in figures.items() if figure is not None}, RULES)
    return {check for check in checks if found[check] is Verdict.FAILED}


def _seen(pictures: clips.Clip) -> set[str]:
    newest = pictures[-1]
    figures = {
        "luma": light.mean_luma(newest),
        "black": light.black_share(newest),
        "change": motion.change(pictures),
        "backlight": light.backlight(newest),
        "blur": blur_radius(pictures),
    }
    return _faults(figures, PICTURE)


def _listened(sound: clips.Sound) -> set[str]:
    figures = {
        "level": loudness.level(sound),
        "clipped": loudness.clipped(sound),
        "hum": hum(sound, clips.RATE),
    }
    return _faults(figures, SOUND)


def _scenes(width: int, height: int) -> Iterator[tuple[str, np.ndarray]]:
    yield "room", clips.room(width, height)
    for name in clips.PHOTOGRAPHS:
        yield name, clips.photograph(name, width, height)


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_each_fault_of_a_picture_is_found_and_good_pictures_pass(width: int, height: int) -> None:
    wrong = []
    for name, scene in _scenes(width, height):
        good = clips.clip(scene)
        table = {
            "good": (good, set()),
            "good, half the light": (clips.clip(scene, noise=3, light=0.5), set()),
            "frozen": (clips.frozen(good), {"frozen"}),
            "blurred": (clips.clip(clips.blurred(scene, 4.0)), {"blurred"}),
        }
        wrong += [(name, case, found) for case, (clip, due) in table.items() if (found := _seen(clip)) != due]
    assert wrong == []


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_covered_lens_and_a_window_behind_are_found_as_such(width: int, height: int) -> None:
    covered = clips.clip(np.full((height, width), 16, np.float32), noise=2)
    assert _seen(covered) == {"black"}
    assert _seen(clips.clip(clips.against_window(clips.room(width, height)))) == {"backlit"}


@pytest.mark.parametrize("seed", range(4))
def test_each_fault_of_a_sound_is_found_and_good_sounds_pass(seed: int) -> None:
    quiet, talk = clips.hiss(2.5, 0.0008, seed), clips.talk(2.5, 0.1, seed)
    table = {
        "a quiet room": (quiet, set()),
        "talk": (talk, set()),
        "unplugged": (np.zeros(len(quiet)), {"microphone"}),
        "clipped": (talk * 40, {"clipped"}),
        "humming at 50 Hz": (quiet + clips.tone(50, 2.5, 0.03), {"hum"}),
        "humming at 100 Hz under talk": (talk + clips.tone(100, 2.5, 0.05), {"hum"}),
        "humming at 150 Hz": (quiet + clips.tone(150, 2.5, 0.02), {"hum"}),
    }
    wrong = [(case, found) for case, (sound, due) in table.items() if (found := _listened(clips.samples(sound))) != due]
    assert wrong == []
