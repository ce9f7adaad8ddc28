"""Times of the gate: its lease, the present hold, the first crossing and the moments at which media stops.

All are seconds of the monotonic clock, so that a changed wall clock neither stretches nor shortens a visit.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from broker.session import events as ev
from broker.session.effects import HoldReason
from broker.session.parts.moment import Moment, Table

LEASE = 3.0  # seconds the relay keeps the gate open without hearing from us: fail closed within the promised 3 s
RENEW = 1.0  # seconds between renewals: two may be lost before a healthy visit is interrupted


@dataclass(frozen=True, slots=True)
class Gate:
    """Monotonic moments of one session's gate, each None until it is known.

    `leased_at`: the last lease; None makes the next one due at once. `opened_at`: the first lease. `held_since`: the
    present hold began, and `held_by` is the cause that began it, which decides how the session ends if the hold lasts
    too long. `resumes_at`: end of the pause after a restart. `reopens_at`: the causes of the hold will have been gone
    long enough; None while one stands. `hard_stop`: the slot's end with its reserve. `crossed`: the first packet
    crossed. `deadline`: the approved minutes after that are over.
    """

    leased_at: float | None = None
    opened_at: float | None = None
    held_since: float | None = None
    held_by: HoldReason | None = None
    resumes_at: float | None = None
    reopens_at: float | None = None
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
        return {
            "hard_stop": self.hard_stop,
            "opened_at": self.opened_at,
            "crossed": self.crossed,
            "deadline": self.deadline,
            "held_by": str(self.held_by) if self.held_by else None,
        }

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> "Gate":
        """The part after a restart of the process on the same boot. Where a gate had opened, a relay may have died with
        the report of the first crossing."""
        gate = cls(
            opened_at=saved.get("opened_at"),
            hard_stop=saved["hard_stop"],
            crossed=saved["crossed"],
            deadline=saved["deadline"],
            held_by=HoldReason(saved["held_by"]) if saved.get("held_by") else None,
        )
        return gate.surely_crossed()

    @property
    def limit_due(self) -> bool:
        """Whether the minutes run and their end has yet to be reckoned, as after a restart before the first crossing
        was reported."""
        return self.crossed is not None and self.deadline is None

    def surely_crossed(self) -> "Gate":
        """The part with the earliest moment of a crossing that may have happened unseen: when the gate first opened.
        A relay that reports the true one later moves nothing: the earliest counts."""
        return self if self.crossed is not None else replace(self, crossed=self.opened_at)


def _crossed(part: Gate, fact: ev.Crossed, moment: Moment) -> Gate:
    """Take the earliest report: relay workers may tell late, and the minutes run from the first packet."""
    return replace(part, crossed=fact.mono if part.crossed is None else min(part.crossed, fact.mono))


FACTS: Table = {ev.Crossed: _crossed}


def _lease_due(part: Gate) -> Gate:
    return replace(part, leased_at=None)


def _deadline_due(part: Gate) -> Gate:
    return replace(part, deadline=None)


FOLLOWS: Mapping[type, Callable[[Gate], Gate]] = {
    ev.MuteOrdered: _lease_due,
    ev.ExtensionApproved: _deadline_due,
    ev.ExtensionWithdrawn: _deadline_due,
    ev.RelayLost: Gate.surely_crossed,
}
"""What the change of another part means for the gate: a lease carries the mutes, an approval moves the limit, and a
relay that is lost may have died with the report of the first crossing."""
