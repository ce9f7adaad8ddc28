"""Tests of a room's equipment over REST: their history, and the test of a terminal's line."""

from typing import Annotated, Literal

from pydantic import Field

from broker.kernel.ids import Side
from signaling.api.messages.fields import Id, Inbound, Moment, Outbound
from signaling.api.messages.orders import Figures
from signaling.api.messages.session_view import CheckView

Cause = Literal["opening", "visit", "demand"]
"""Why a room was tested: it opens, a visit is near, or staff have asked for it."""
MOST = 500
"""Tests of one answer."""


class LineTestView(Outbound):
    """A test of the caller's own line: where to publish (WHIP) and to subscribe (WHEP), and for how many seconds."""

    id: str
    publish: str
    subscribe: str
    seconds: float


class EquipmentTestReport(Inbound):
    """A test that a terminal has made: `id` is its own name for it, `age` the seconds since, `session` the visit that
    it was made for."""

    id: Id
    cause: Cause
    figures: Figures
    age: Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)] = 0.0
    session: Id | None = None


class EquipmentTestView(Outbound):
    """One test of a room's equipment with its figures, and the verdict of each check."""

    id: str
    terminal: str
    at: Moment
    cause: Cause
    session: str | None
    passed: bool
    figures: dict[str, float]
    checks: list[CheckView]


class RetestOrder(Inbound):
    """A test of one side's equipment is wanted now."""

    side: Side


class EquipmentTestTaken(Outbound):
    """A test as the server has taken it, and the minute of the day (in Shanghai) at which the room is tested next."""

    test: EquipmentTestView
    opening: int = Field(ge=0, lt=1440)


class EquipmentTestList(Outbound):
    """Tests of one room, the newest first."""

    tests: list[EquipmentTestView]


class EquipmentTestQuery(Inbound):
    """Which tests: those since a moment, and how many."""

    since: Moment | None = None
    limit: Annotated[int, Field(ge=1, le=MOST)] = 100
