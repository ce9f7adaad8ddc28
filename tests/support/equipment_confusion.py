"""Confusion table of the equipment test over generated and real clips: what each fault is taken for, and that good
rooms pass. `python -m tests.support.equipment_confusion` prints it."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from broker.session.parts.equipment import Verdict, verdicts
from config.pack_loader import load_pack
from kiosk_agent.checks.self_test import picture_figures, sound_figures
from tests.support import room_clips as clips

PICTURE = ("black", "frozen", "blurred", "backlit")
SOUND = ("microphone", "clipped", "hum")
SIZES = ((320, 240), (640, 360), (704, 576))
SEEDS = range(4)
RULES = load_pack("yunnan").equipment


@dataclass(frozen=True, slots=True)
class Case:
    """One clip with the `fault` that it has ("" for a good one), and the checks that failed."""

    fault: str
    name: str
    found: frozenset[str]

    @property
    def right(self) -> bool:
        """Whether the fault was found, and no other."""
        return self.found == ({self.fault} - {""})


def picture_cases(width: int, height: int) -> Iterator[Case]:
    """Return every picture of this size: a drawn room and six photographs, each good, frozen and blurred, a covered
    lens, and a window behind the person."""
    for name, scene in _scenes(width, height):
        good = clips.clip(scene)
        yield _picture("", name, good)
        yield _picture("", f"{name}, half the light", clips.clip(scene, noise=3, light=0.5))
        yield _picture("frozen", name, clips.frozen(good))
        yield _picture("blurred", name, clips.clip(clips.blurred(scene, 4.0)))
    yield _picture("black", "covered lens", clips.clip(np.full((height, width), 16, np.float32), noise=2))
    yield _picture("backlit", "window", clips.clip(clips.against_window(clips.room(width, height))))


def sound_cases(seed: int) -> Iterator[Case]:
    """Return every sound of this seed: a quiet room and talk, unplugged, clipped, and humming at three pitches."""
    quiet, talk = clips.hiss(2.5, 0.0008, seed), clips.talk(2.5, 0.1, seed)
    yield _sound("", "a quiet room", quiet)
    yield _sound("", "talk", talk)
    yield _sound("microphone", "unplugged", np.zeros(len(quiet)))
    yield _sound("clipped", "talk", talk * 40)
    yield _sound("hum", "50 Hz", quiet + clips.tone(50, 2.5, 0.03))
    yield _sound("hum", "100 Hz under talk", talk + clips.tone(100, 2.5, 0.05))
    yield _sound("hum", "150 Hz", quiet + clips.tone(150, 2.5, 0.02))


def table(cases: Iterator[Case], checks: tuple[str, ...]) -> list[str]:
    """Return the table as lines of Markdown: a row for each true fault, a column for what was found."""
    counts = Counter((case.fault, found) for case in cases for found in case.found or {""})
    heads = ("", *checks)
    lines = [
        "| clip | " + " | ".join(head or "passes" for head in heads) + " |",
        "|---|" + "---|" * len(heads),
    ]
    rows = [(fault, [counts[fault, head] for head in heads]) for fault in heads]
    return lines + [
        f"| {fault or 'good'} | " + " | ".join(str(count or "") for count in row) + " |" for fault, row in rows
    ]


def _scenes(width: int, height: int) -> Iterator[tuple[str, np.ndarray]]:
    yield "room", clips.room(width, height)
    for name in clips.PHOTOGRAPHS:
        yield name, clips.photograph(name, width, height)


def _picture(fault: str, name: str, pictures: clips.Clip) -> Case:
    return Case(fault, name, _failed(picture_figures(pictures, 25.0), PICTURE))


def _sound(fault: str, name: str, sound: np.ndarray) -> Case:
    return Case(fault, name, _failed(sound_figures(clips.samples(sound), clips.RATE), SOUND))


def _failed(figures: Mapping[str, float], checks: tuple[str, ...]) -> frozenset[str]:
    found = verdicts(figures, RULES)
    return frozenset(check for check in checks if found[check] is Verdict.FAILED)


def main() -> None:
    """Print both tables, one after the other."""
    pictures = [case for size in SIZES for case in picture_cases(*size)]
    sounds = [case for seed in SEEDS for case in sound_cases(seed)]
    print("\n".join((*table(iter(pictures), PICTURE), "", *table(iter(sounds), SOUND))))


if __name__ == "__main__":
    main()
