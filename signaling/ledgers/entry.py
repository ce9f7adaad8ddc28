"""What a ledger says: its head, its entries, and what they add up to. Plain data that goes as JSON to the process that
makes the files. In a public ledger names and numbers are masked, and what officers did is left out, before anything is
sent there. Pure."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import msgspec

from broker.history.visit import VisitState
from signaling.views.texts import Text

STATES: Mapping[str, Text] = {
    "scheduled": Text("已约定", "booked"),
    "running": Text("进行中", "running"),
    "archived": Text("已会见（已归档）", "held, archived"),
    "ended": Text("已结束（无归档录像）", "ended, no recording"),
    "cancelled": Text("已取消", "cancelled"),
    "no_show": Text("未到场", "no show"),
    "refused": Text("不予会见", "refused"),
}
"""Where a visit stands, in words; the order is that of the totals."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What a ledger is of: a site, and days in Asia/Shanghai, the last one included."""

    site: str
    since: date
    until: date
    public: bool


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What stands over the entries. `chain_head`: where the chain of the site's recordings ended when the ledger was
    made, as `number:hash`; "" where the site keeps none. `made_by`: the account, or the command, that asked."""

    request: Request
    site_name: str
    made_at: datetime
    made_by: str
    made_by_name: str
    chain_head: str


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One visit of a ledger. Times are moments; `seconds` go from the first crossing to the end, holds included.
    `officers` are of the ledger's own site, `others` of the other one. `coverage`: in hundredths, of the own side.
    Texts are as they are shown. A public entry has only what `columns.PUBLIC` shows."""

    session: str = ""
    external_id: str = ""
    starts_at: datetime
    ends_at: datetime
    prison: str
    prison_room: str
    visitor: str
    visitor_room: str
    inmates: tuple[str, ...] = ()
    visitors: tuple[str, ...] = ()
    visitor_count: int = 0
    interpreters: tuple[str, ...] = ()
    language: str = ""
    approved_by: str = ""
    approval_article: str = ""
    minutes: int = 0
    began_at: datetime | None = None
    ended_at: datetime | None = None
    seconds: int | None = None
    extended: int = 0
    state: str
    ending: str = ""
    article: str = ""
    interventions: tuple[tuple[str, str, int], ...] = ()
    alerts: int = 0
    officers: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    officer_count: int = 0
    coverage: int | None = None
    recording: str = ""
    named: bool = True


@dataclass
class Totals:
    """What the entries of a ledger add up to. `met`: visits in which something crossed; `people`: the visitors listed
    for them."""

    visits: int = 0
    states: Counter[str] = field(default_factory=Counter)
    met: int = 0
    people: int = 0
    seconds: int = 0
    extended: int = 0
    interventions: Counter[str] = field(default_factory=Counter)
    alerts: int = 0

    def add(self, entry: Entry) -> None:
        """Count the entry of one more visit."""
        self.visits += 1
        self.states[entry.state] += 1
        if entry.began_at is not None:
            self.met += 1
            self.people += entry.visitor_count
        self.seconds += entry.seconds or 0
        self.extended += entry.extended
        for kind, _, count in entry.interventions:
            self.interventions[kind] += count
        self.alerts += entry.alerts

    def to_json(self, public: bool) -> dict[str, Any]:
        """Return the totals as they are signed; those of what officers did are not made public."""
        states = {str(state): self.states[str(state)] for state in VisitState}
        shown = {"visits": self.visits, "states": states, "met": self.met, "people": self.people}
        shown["seconds"] = self.seconds
        if public:
            return shown
        acts = {kind: self.interventions[kind] for kind in sorted(self.interventions)}
        return shown | {"extended": self.extended, "interventions": acts, "alerts": self.alerts}
