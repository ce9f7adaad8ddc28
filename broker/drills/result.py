"""The result of a drill: its steps, each with a verdict, a moment and figures. It is signed as JSON."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

STEPS = (
    *("terminals", "tests", "gate", "opening", "media", "cut", "resume", "end"),
    *("recording", "verify", "disk", "line"),
)
"""The steps in the order in which they are shown."""
YIELDED, INTERRUPTED, MISSING = "yielded", "interrupted", "missing"
"""Why a drill was not finished: a visit needed a room, the service stopped, or none could be made."""
FORMAT = 1


class Verdict(StrEnum):
    """Verdict on one step of a drill. NOT_REACHED: an earlier one has failed, so that nothing is known of it."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_REACHED = "not_reached"


class DrillState(StrEnum):
    """State of a drill: it runs, or has an outcome."""

    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a drill, as judged. `at` is when it was decided (ISO 8601, empty where it was not), `figures` are
    seconds, bytes, packets or shares as their names say, `detail` is codes that say more."""

    name: str
    verdict: Verdict
    at: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)
    detail: str = ""

    def to_json(self) -> dict[str, Any]:
        """The step as JSON values."""
        figures = {name: round(figure, 3) for name, figure in self.figures.items()}
        return {"name": self.name, "verdict": str(self.verdict), "at": self.at, "figures": figures} | (
            {"detail": self.detail} if self.detail else {}
        )


def first_failure(steps: Iterable[Step], broken_off: str = "") -> str:
    """The name of what failed first: why the drill was `broken_off`, else the first step that did not pass; empty where
    all did."""
    return broken_off or next((step.name for step in steps if step.verdict is not Verdict.PASSED), "")


def document(facts: Mapping[str, Any], steps: Iterable[Step], broken_off: str = "") -> dict[str, Any]:
    """The result before it is signed. `facts`: the drill, its sites and rooms, times, author, rules and recording."""
    found = tuple(steps)
    failed = first_failure(found, broken_off)
    return {
        "format": FORMAT,
        **facts,
        "state": str(DrillState.FAILED if failed else DrillState.PASSED),
        "failed_at": failed,
        "steps": [step.to_json() for step in found],
    }
