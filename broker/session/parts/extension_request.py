"""Requests for a longer visit (申请延长): a supervisor asks, the approver decides (Yunnan 14, 27(3); Guangdong 31(2)).

A request changes no limit. One is open at most; any approval of the visit answers it, whatever its minutes, so that two
officers who act at once cannot leave one open that has been granted. What may be asked for is what may be approved
(`broker.session.refusals`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from broker.kernel.ids import ApprovalId, SiteId, UserId
from broker.session import events as ev
from broker.session.parts.moment import Moment, Table


@dataclass(frozen=True, slots=True)
class Request:
    """A request for `added` on top of the limit. `decided_by` and `note`: who answered it, and why it was declined."""

    id: ApprovalId
    by: UserId
    site: SiteId
    added: timedelta
    article: str
    reason: str
    at: datetime
    state: Literal["open", "approved", "declined"] = "open"
    decided_by: str = ""
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """The request as JSON values."""
        names = ("id", "by", "site", "article", "reason", "state", "decided_by", "note")
        values = {name: getattr(self, name) for name in names}
        return values | {"added": self.added.total_seconds(), "at": self.at.isoformat()}

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> "Request":
        """The request that `to_json` wrote."""
        times = {"added": timedelta(seconds=saved["added"]), "at": datetime.fromisoformat(saved["at"])}
        return cls(**{**saved, **times})


Requests = tuple[Request, ...]
"""The requests of one visit, in the order in which they were made; only the last one may be open."""


def requests_from_json(saved: Iterable[Mapping[str, Any]]) -> Requests:
    """The requests of a snapshot."""
    return tuple(Request.from_json(request) for request in saved)


def open_request(part: Requests) -> Request | None:
    """The request that waits for its answer, None where none does."""
    return part[-1] if part and part[-1].state == "open" else None


def same_request(part: Requests, fact: ev.ExtensionRequested) -> bool:
    """Whether the same request was made before."""
    found = next((request for request in part if request.id == fact.id), None)
    names = ("by", "site", "added", "article", "reason")
    return found is not None and all(getattr(found, name) == getattr(fact, name) for name in names)


def _asked(part: Requests, fact: ev.ExtensionRequested, moment: Moment) -> Requests:
    if same_request(part, fact):
        return part
    return (*part, Request(fact.id, fact.by, fact.site, fact.added, fact.article, fact.reason, moment.now.wall))


def _declined(part: Requests, fact: ev.ExtensionDeclined, moment: Moment) -> Requests:
    return (*part[:-1], replace(part[-1], state="declined", decided_by=fact.by, note=fact.reason))


def approved(part: Requests, fact: ev.ExtensionApproved, moment: Moment) -> Requests:
    """The requests after an approval, which answers the open one."""
    if open_request(part) is None:
        return part
    return (*part[:-1], replace(part[-1], state="approved", decided_by=fact.by))


ORDERS: Table = {ev.ExtensionRequested: _asked, ev.ExtensionDeclined: _declined}
"""In every state but ENDED."""
APPROVED: Table = {ev.ExtensionApproved: approved}
