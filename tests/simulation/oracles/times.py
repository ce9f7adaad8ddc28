"""When what was down, stopped or broken, on true time, as the story tells it."""

from collections.abc import Iterable
from dataclasses import dataclass

from tests.simulation.plans import Plan
from tests.simulation.story import Story

Span = tuple[float, float]
EVER = float("inf")


@dataclass(frozen=True)
class Times:
    """The spans in which each process did not run, and the moments of what costs recordings."""

    away: dict[str, tuple[Span, ...]]
    crashes: tuple[float, ...]
    steps: tuple[float, ...]

    @classmethod
    def of(cls, plan: Plan, story: Story) -> "Times":
        """Read the times of a story."""
        away = {name: tuple(_away(story, name)) for name in ("control", "relay", "recorder")}
        return cls(away, tuple(_crashes(plan, story)), tuple(one.at for one in story.of("clock stepped")))

    def runs(self, name: str, start: float, end: float) -> bool:
        """Whether a process ran all the time between two moments."""
        return not any(first < end and last > start for first, last in self.away[name])


def _away(story: Story, name: str) -> Iterable[Span]:
    down: float | None = None
    for event in story.events:
        if event.about != name:
            continue
        if event.kind == "killed" and down is None:
            down = event.at
        elif event.kind == "started" and down is not None:
            yield down, event.at
            down = None
        elif event.kind == "stopped":
            yield event.at, event.at + event.data["seconds"]
    if down is not None:
        yield down, EVER


COSTLY = (
    "disk full",
    "disk slow",
    "syncs fail",
    "tap cut",
    "stop relay",
    "stop recorder",
    "kill recorder at disk",
    "database locked",
    "database gone",
    "database slow",
)
"""Faults during which recordings may lose something: at their beginning, and, where they last, until they are over."""


def _crashes(plan: Plan, story: Story) -> Iterable[float]:
    for event in story.events:
        if event.kind in ("killed", "power cut", "booted", "started") and event.at > 0:
            yield event.at
        elif event.kind == "fault begins" and event.data["what"] in COSTLY:
            yield event.at
            yield event.at + event.data["seconds"]
