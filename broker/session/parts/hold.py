"""The hold (中止) that a supervisor has ordered. Holds for technical reasons are not stored: they are derived in
`broker.session.readiness`."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from broker.kernel.errors import Conflict
from broker.kernel.ids import SiteId, UserId
from broker.session import events as ev
from broker.session.parts.moment import Moment, Table


@dataclass(frozen=True, slots=True)
class Hold:
    """A supervisor's hold; only the same site lifts it."""

    by: UserId
    site: SiteId
    article: str
    note: str

    def to_json(self) -> dict[str, Any]:
        """The hold as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> "Hold":
        """The hold that `to_json` wrote."""
        return cls(**saved)


def _held(part: Hold | None, fact: ev.HoldOrdered, moment: Moment) -> Hold:
    if part is not None:
        raise Conflict("The visit is on hold already.", "会见已处于中止状态。")
    return Hold(fact.by, fact.site, fact.article, fact.note)


def _resumed(part: Hold | None, fact: ev.ResumeOrdered, moment: Moment) -> None:
    if part is None:
        raise Conflict("No supervisor holds this visit.", "会见未被管理员中止。")
    if part.site != fact.site:
        raise Conflict("A hold is lifted by its own site.", "只能由作出中止的单位恢复会见。")


ORDERS: Table = {ev.HoldOrdered: _held, ev.ResumeOrdered: _resumed}
