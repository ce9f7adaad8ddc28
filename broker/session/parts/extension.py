"""Extensions (延长): the approvals that make a visit longer (Yunnan 14, 27(3); Guangdong 22, 31(2)).

An approval moves the limit and nothing else: never the slot's end, and never a limit that has been reached. What may be
approved is decided in `broker.session.refusals`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from broker.booking import drill
from broker.booking.slot import Slot
from broker.kernel.errors import Conflict
from broker.kernel.ids import ApprovalId, SiteId, UserId
from broker.session import events as ev
from broker.session.effects import Effect, ExtendLimit
from broker.session.parts.gate import Gate
from broker.session.parts.moment import Moment, Table
from config.policy import Policy


@dataclass(frozen=True, slots=True)
class Extended:
    """An approval that was taken. `added` moves the limit; `made`: monotonic seconds, `at`: the same moment, aware."""

    id: ApprovalId
    by: UserId
    site: SiteId
    role: str
    added: timedelta
    article: str
    reason: str
    at: datetime
    made: float

    def to_json(self) -> dict[str, Any]:
        """The approval as JSON values."""
        return {
            "id": self.id,
            "by": self.by,
            "site": self.site,
            "role": self.role,
            "added": self.added.total_seconds(),
            "article": self.article,
            "reason": self.reason,
            "at": self.at.isoformat(),
            "made": self.made,
        }

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> "Extended":
        """The approval that `to_json` wrote."""
        times = {"added": timedelta(seconds=saved["added"]), "at": datetime.fromisoformat(saved["at"])}
        return cls(**{**saved, **times})


Extensions = tuple[Extended, ...]
"""The approvals of one visit, in the order in which they were made."""


def extensions_from_json(saved: Iterable[Mapping[str, Any]]) -> Extensions:
    """The approvals of a snapshot."""
    return tuple(Extended.from_json(approval) for approval in saved)


# --- the limit ----------------------------------------------------------------------------------------------------


def limit(slot: Slot, policy: Policy) -> timedelta:
    """How long media may cross: the approved minutes, or the short time of a drill, never more than the policy's limit
    (Yunnan 14, Guangdong 11)."""
    return min(policy.hard_limit, drill.LIMIT if slot.drill else timedelta(minutes=slot.minutes))


def granted(part: Extensions, policy: Policy) -> timedelta:
    """What the approvals have added to the limit, never more than the policy's most."""
    return min(policy.extension.most, sum((approval.added for approval in part), timedelta(0)))


def allowed(part: Extensions, slot: Slot, policy: Policy) -> timedelta:
    """The limit with what was approved on top of it (Yunnan 14)."""
    return limit(slot, policy) + granted(part, policy)


# --- facts --------------------------------------------------------------------------------------------------------


def same_approval(part: Extensions, fact: ev.ExtensionApproved) -> Extended | None:
    """The same approval, taken before. Raises Conflict where another one has its id."""
    found = next((approval for approval in part if approval.id == fact.id), None)
    if found is None:
        return None
    if any(
        getattr(found, name) != getattr(fact, name) for name in ("by", "site", "role", "added", "article", "reason")
    ):
        raise Conflict("This id belongs to another approval.", "该批准编号已用于其他内容。")
    return found


def _extended(part: Extensions, fact: ev.ExtensionApproved, moment: Moment) -> Extensions:
    """Add the approval to the others. The limit moves with it: the gate's deadline is made anew (`gate.FOLLOWS`)."""
    if same_approval(part, fact) is not None:
        return part
    now = moment.now
    added = Extended(fact.id, fact.by, fact.site, fact.role, fact.added, fact.article, fact.reason, now.wall, now.mono)
    return (*part, added)


def _withdrawn(part: Extensions, fact: ev.ExtensionWithdrawn, moment: Moment) -> Extensions:
    return tuple(approval for approval in part if approval.id != fact.id)


FACTS: Table = {ev.ExtensionWithdrawn: _withdrawn}
ORDERS: Table = {ev.ExtensionApproved: _extended}
"""In every state but ENDED."""


# --- effects ------------------------------------------------------------------------------------------------------


def effects(part: Extensions, slot: Slot, gate: Gate, policy: Policy) -> tuple[Effect, ...]:
    """What a relay has to know of the approvals before it opens: one order each, in the order in which they were made,
    as a later one may have been made in the time of an earlier one."""
    total, found = limit(slot, policy), []
    most = total + policy.extension.most
    for approval in part:
        total = min(total + approval.added, most)
        found.append(ExtendLimit(approval.made, total, _deadline(gate, total)))
    return tuple(found)


def _deadline(gate: Gate, total: timedelta) -> float:
    assert gate.hard_stop is not None, "a relay is told of extensions once the slot's end is known"
    if gate.crossed is None:
        return gate.hard_stop
    return min(gate.hard_stop, gate.crossed + total.total_seconds())
