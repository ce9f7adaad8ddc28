"""Which worker takes the next session. Pure.

What is measured decides. But a session is placed half an hour before its visit, when it costs nothing yet: a worker
therefore counts for at least the planned share of everything placed on it, and what came after the last measurement
counts on top of what was measured.
"""

from collections.abc import Sequence
from dataclasses import dataclass

FULL = 0.8  # of a core, measured: what packets wait for grows fast from here on, whatever was planned


@dataclass(frozen=True, slots=True)
class Load:
    """One worker: `cpu` in cores as last measured, sessions placed on it, and how many of them since then."""

    cpu: float = 0.0
    sessions: int = 0
    since: int = 0


def expected(load: Load, most: int) -> float:
    """The cores that a worker will need, where `most` sessions are planned to fill one."""
    return max(load.cpu + load.since / most, load.sessions / most)


def roomy(load: Load, most: int) -> bool:
    """Whether a worker can take one more."""
    return load.sessions < most and load.cpu + load.since / most < FULL


def choose(loads: Sequence[Load | None], most: int) -> int | None:
    """The number of the worker with the least to do, then with the fewest sessions; None where all are full: they have
    `most`, or a core has no time left.

    A worker that is not there, or does not answer, is None in `loads`.
    """
    there = [(number, load) for number, load in enumerate(loads) if load is not None and roomy(load, most)]
    best = min(there, key=lambda one: (expected(one[1], most), one[1].sessions, one[0]), default=None)
    return best[0] if best is not None else None
