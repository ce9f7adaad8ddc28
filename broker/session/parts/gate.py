"""Times of the gate: its lease, the present hold, the first crossing and the moments at which media stops.

All are seconds of the monotonic clock, so that a changed wall clock neither stretches nor shortens a visit.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from broker.session import events as ev
from broker.session.parts.moment import Moment, Table

LEASE = 3.0  # seconds the relay keeps the gate open without hearing from us: fail closed within the promised 3 s
RENEW = 1.0  # seconds between renewals: two may be lost before a healthy visit is interrupted


@dataclass(frozen=True, slots=True)
class Gate:
    """Monotonic moments of one session's gate, each None until it is known.

    `leased_at`: the last lease; None makes the next one due at once. `held_since`: the present hold began.
    `resumes_at`: end of the pause after a restart. `hard_stop`: the slot's end with its reserve. `crossed`: media
    crossed for the first time. `deadline`: the approved minutes after that are over.
    """

    leased_at: float | None = None
    held_since: float | None = None
    resumes_at: float | None = None
    hard_stop: float | None = None
    crossed: float | None = None
    deadline: float | None = None

    @property
    def stop_at(self) -> float | None:
        """When media ends whatever happens; None before the gate first opened."""
        moments = [moment for moment in (self.hard_stop, self.deadline) if moment is not None]
        return min(moments, default=None)

    def to_json(self) -> dict[str, Any]:
        """The members that hold as long as the machine is not started anew, as JSON values."""
        return {"hard_stop": self.hard_stop, "crossed": self.crossed, "deadline": self.deadline}

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> "Gate":
        """The part after a restart of the process on the same boot."""
        return cls(hard_stop=saved["hard_stop"], crossed=saved["crossed"], deadline=saved["deadline"])


def _crossed(part: Gate, fact: ev.Crossed, moment: Moment) -> Gate:
    """Take the earliest report: relay workers may tell late, and the minutes run from the first packet."""
    return replace(part, crossed=fact.mono if part.crossed is None else min(part.crossed, fact.mono))


FACTS: Table = {ev.Crossed: _crossed}


def _lease_due(part: Gate) -> Gate:
    return replace(part, leased_at=None)


def _deadline_due(part: Gate) -> Gate:
    return replace(part, deadline=None)


FOLLOWS: Mapping[type, Callable[[Gate], Gate]] = {ev.MuteOrdered: _lease_due, ev.ExtensionApproved: _deadline_due}
"""What the change of another part means for the gate: a lease carries the mutes, and an approval moves the limit."""
