"""REST models of exports: the request with its reason, the decision, and how far the package is."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints

from signaling.api.messages.fields import Id, Inbound, Line, Moment, Name, Note, NoteText, Outbound
from signaling.api.messages.session_view import Officer

Receiver = Annotated[str, StringConstraints(min_length=2, max_length=60), Line]
"""The institution or person that the package is handed to; it is written over the picture."""
StateName = Literal["requested", "approved", "refused", "building", "ready", "expired", "failed"]


class ExportOrder(Inbound):
    """A request to hand a recording over. `downloaders`: the accounts that may fetch the package, by default the one
    that requests it."""

    reason: NoteText
    receiver: Receiver
    downloaders: Annotated[list[Name], Field(max_length=5)] = Field(default_factory=list)


class DownloaderList(Outbound):
    """The accounts that may be named to fetch a package: the auditors who see the recording."""

    downloaders: list[Officer]


_SAYS_WHY: dict[str, Any] = {
    "required": ["note"],
    "properties": {"note": {"minLength": 1, "pattern": r"^[!-~\u4e00-\u9fff]"}},
}
"""What the document says of a refusal: its note begins with a character that can be seen, as most languages write."""


class ExportDecision(Inbound):
    """The decision of another officer; a refusal says why in its note."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"properties": {"decision": {"const": "approve"}}}, _SAYS_WHY]}
    )
    decision: Literal["approve", "refuse"]
    note: Note = ""


class ExportQuery(Inbound):
    """Which requests are wanted: of a state, of a session, or all."""

    state: StateName | None = None
    session: Id | None = None


class ExportView(Outbound):
    """One request for a package. `mine`: the caller may fetch the package once it is ready; `failure`: what went
    wrong, in both languages, of a failed one; `sound`: the recording was whole when it was packed."""

    id: str
    session: str
    site: str
    state: StateName
    state_zh: str
    reason: str
    receiver: str
    downloaders: list[Officer]
    by: Officer
    at: Moment
    decided_by: Officer | None
    decided_at: Moment | None
    note: str
    progress: float = Field(ge=0, le=1)
    failure: str | None
    failure_zh: str
    failure_en: str
    bytes: int | None = Field(default=None, ge=0)
    sha256: str | None
    sound: bool | None
    ready_at: Moment | None
    expires_at: Moment | None
    mine: bool


class ExportList(Outbound):
    """Requests in the caller's scope, the newest first."""

    exports: list[ExportView]
