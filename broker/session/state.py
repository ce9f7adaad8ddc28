"""The session: its state, how it ended, and its parts joined."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from broker.booking.slot import Slot
from broker.kernel.ids import SessionId, Side
from broker.session.effects import Reason
from broker.session.parts.alerts import Alerts
from broker.session.parts.check_in import CheckIn
from broker.session.parts.drill_mark import Mark
from broker.session.parts.eligibility import Bars
from broker.session.parts.extension import Extensions
from broker.session.parts.extension_request import Requests
from broker.session.parts.farewell import Farewell
from broker.session.parts.gate import Gate
from broker.session.parts.hold import Hold
from broker.session.parts.interventions import Interventions
from broker.session.parts.processes import Processes
from broker.session.parts.talkback import Talkback


class State(StrEnum):
    """Where a session is in its life."""

    SCHEDULED = "scheduled"
    CHECK_IN = "check_in"
    READY = "ready"
    LIVE = "live"
    HELD = "held"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class End:
    """How and when a session ended. `side` did not come; `rebook`: the visit is to be booked again first
    (Yunnan 18)."""

    reason: Reason
    at: datetime
    side: Side | None = None
    by: str = ""
    article: str = ""
    cause: str = ""
    rebook: bool = False

    def to_json(self) -> dict[str, Any]:
        """The end as JSON values."""
        return {**asdict(self), "at": self.at.isoformat()}

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> "End":
        """The end that `to_json` wrote. Older snapshots have no `rebook`; what they call `lost` no timer decides any
        more."""
        return cls(
            Reason(saved["reason"]),
            datetime.fromisoformat(saved["at"]),
            Side(saved["side"]) if saved["side"] else None,
            saved["by"],
            saved["article"],
            saved["cause"],
            bool(saved.get("rebook", False)),
        )


@dataclass(frozen=True, slots=True)
class Session:
    """Everything that is known of one session. `end` is set before the state is ENDED: by an order, or by a move.
    `pack`: the hash of the pack that it has frozen, empty until its check-in opens."""

    slot: Slot
    state: State = State.SCHEDULED
    end: End | None = None
    processes: Processes = field(default_factory=Processes)
    gate: Gate = field(default_factory=Gate)
    check_in: CheckIn = field(default_factory=CheckIn)
    hold: Hold | None = None
    farewell: Farewell = field(default_factory=dict)
    interventions: Interventions = field(default_factory=Interventions)
    talkback: Talkback | None = None
    alerts: Alerts = field(default_factory=Alerts)
    extensions: Extensions = ()
    extension_requests: Requests = ()
    pack: str = ""
    bars: Bars = ()
    drill: Mark = None

    @property
    def id(self) -> SessionId:
        """The id of the session, as its slot has it."""
        return self.slot.session

    @property
    def gate_open(self) -> bool:
        """Whether media may cross: in LIVE and in no other state."""
        return self.state is State.LIVE

    @property
    def begun(self) -> bool:
        """Whether the visit is going on, held or not."""
        return self.state in (State.LIVE, State.HELD)
