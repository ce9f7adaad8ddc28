"""The bodies of drills: what is ordered, and how one goes, step by step."""

from typing import Any, Literal

from pydantic import ConfigDict, Field, model_validator

from signaling.api.messages.fields import Inbound, Moment, Name, Outbound, exactly_one
from signaling.api.messages.slots import PlaceView


class DrillOrder(Inbound):
    """A drill of two rooms, or of a room of each of two sites: one whose terminal is connected, if there is one."""

    prison_room: Name | None = None
    visitor_room: Name | None = None
    prison_site: Name | None = None
    visitor_site: Name | None = None
    model_config = ConfigDict(
        json_schema_extra=exactly_one(("prison_room", "visitor_room"), ("prison_site", "visitor_site"))
    )

    @model_validator(mode="after")
    def _rooms_or_sites(self) -> "DrillOrder":
        rooms, sites = (self.prison_room, self.visitor_room), (self.prison_site, self.visitor_site)
        if not (all(rooms) and not any(sites)) and not (all(sites) and not any(rooms)):
            raise ValueError("name both rooms or both sites")
        return self


class StepView(Outbound):
    """One step of a drill in words. `figures` are seconds, bytes, packets or shares, as their names say."""

    name: str
    verdict: Literal["passed", "failed", "not_reached"]
    zh: str
    en: str
    at: str
    figures: dict[str, float]
    detail: str = ""


class DrillView(Outbound):
    """A drill of two rooms and how it went. `failed_at` names what failed first, with its words; empty while it runs
    and where all passed. `progress`: what its program has done so far. `result`: as it was signed; None while it
    runs."""

    id: str
    state: Literal["running", "passed", "failed"]
    failed_at: str
    failed_zh: str
    failed_en: str
    prison: PlaceView
    visitor: PlaceView
    begun_at: Moment
    ended_at: Moment | None
    by: str
    progress: list[str] = Field(default_factory=list)
    steps: list[StepView] = Field(default_factory=list)
    result: dict[str, Any] | None = None


class DrillList(Outbound):
    """Drills of the last days, newest first."""

    drills: list[DrillView]


class DrillPair(Outbound):
    """Two rooms that have still to be tried today."""

    prison: PlaceView
    visitor: PlaceView


class DrillsDue(Outbound):
    """The pairs of rooms of today's first visits that have not been tried yet, in the order of the visits."""

    pairs: list[DrillPair]
