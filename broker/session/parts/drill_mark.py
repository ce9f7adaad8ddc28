"""The mark of a failed drill on a visit: the rooms of the day's first slot did not prove themselves in the morning
(Yunnan 12, 26(5)). It calls the officers of both sites; where the installation wants it so, it also keeps the visit
from READY until one of them lets it begin and says why.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from broker.kernel.errors import Conflict
from broker.session import events as ev
from broker.session.parts.moment import Moment, Table


@dataclass(frozen=True, slots=True)
class DrillMark:
    """The failed drill, the step at which it failed, and whether it `blocks` READY. `by` and `reason`: the officer who
    let the visit begin all the same."""

    drill: str
    step: str
    blocks: bool
    by: str = ""
    reason: str = ""

    @property
    def stands_in_the_way(self) -> bool:
        """Whether the visit cannot be READY for it."""
        return self.blocks and not self.by

    def to_json(self) -> dict[str, Any]:
        """The mark as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, saved: Mapping[str, Any] | None) -> "DrillMark | None":
        """The mark that `to_json` wrote; None where there was none."""
        return cls(**saved) if saved else None


Mark = DrillMark | None


def _failed(part: Mark, fact: ev.DrillFailed, moment: Moment) -> Mark:
    """Mark the visit; the same failure again keeps what an officer has said of it."""
    if part is not None and part.drill == fact.drill:
        return part
    return DrillMark(fact.drill, fact.step, fact.blocks)


def _passed(part: Mark, fact: ev.DrillPassed, moment: Moment) -> Mark:
    return None


def _overridden(part: Mark, fact: ev.DrillOverridden, moment: Moment) -> Mark:
    if part is None:
        raise Conflict("No drill has failed before this visit.", "本次会见之前没有未通过的演练。")
    return replace(part, by=fact.by, reason=fact.reason)


FACTS: Table = {ev.DrillFailed: _failed, ev.DrillPassed: _passed}
ORDERS: Table = {ev.DrillOverridden: _overridden}
"""Before the visit has begun."""
