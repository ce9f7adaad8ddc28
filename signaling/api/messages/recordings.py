"""REST models of recordings: the catalog, the state of the view copy, and the coverage by supervisors."""

from typing import Annotated, Any

from pydantic import Field

from signaling.api.messages.fields import Inbound, Moment, NoteText, Outbound


class RecordingRow(Outbound):
    """One archived, running or failed recording. `path` is relative to the archive."""

    session: str
    site: str
    state: str
    path: str | None = None
    sha256: str | None = None
    bytes: int | None = Field(default=None, ge=0)
    seconds: Any = None
    packets: Any = None
    lost: Any = None
    gaps: Any = None
    started_at: Moment | None = None
    ended_at: Moment | None = None
    due_at: Moment | None = None
    policy: str | None = None
    software: str | None = None
    reason: str | None = None


class RecordingList(Outbound):
    """Recordings of one day, by start."""

    recordings: list[RecordingRow]


class HoldOrder(Inbound):
    """The reason for which recordings are held as evidence, or for which their holds are lifted."""

    reason: NoteText


class HoldView(Outbound):
    """A legal hold on one recording. `entry`: its id in the signed chain of the site; `lifted_at`, `lifted_by` and
    `lifted_why` are null while it stands. `started_at`: when the recording began; the names are those of the accounts
    as they are now."""

    id: int = Field(ge=1)
    entry: str | None
    session: str
    reason: str
    started_at: Moment | None
    by: str
    by_name: str
    at: Moment
    lifted_at: Moment | None
    lifted_by: str | None
    lifted_by_name: str | None
    lifted_why: str | None


class HoldList(Outbound):
    """Legal holds, the oldest first."""

    holds: list[HoldView]


class CopyView(Outbound):
    """The copy of a recording that browsers play. `state`: none, queued, making, ready or failed."""

    state: str
    progress: float = Field(ge=0, le=1)
    bytes: int | None = Field(default=None, ge=0)
    reason: str | None = None


Stretch = Annotated[list[float], Field(min_length=2, max_length=2)]
"""From and to, in seconds of the film."""


class QuestionsView(Outbound):
    """Attention checks of an officer: how many were asked, answered, and missed."""

    asked: int = Field(ge=0)
    answered: int = Field(ge=0)
    missed: int = Field(ge=0)


class WatchedView(Outbound):
    """One officer: how many seconds of the film they counted, and in which stretches. `site` is empty where an old
    recording does not name it."""

    user: str
    site: str
    seconds: float = Field(ge=0)
    spans: list[Stretch]
    questions: QuestionsView


class ShortView(Outbound):
    """One side: the stretches in which fewer officers than needed counted."""

    site: str
    short_seconds: float = Field(ge=0)
    short: list[Stretch]


class ShortSides(Outbound):
    """Short stretches of both sides."""

    prison: ShortView
    visitor: ShortView


class CoverageView(Outbound):
    """Which officers watched when, in seconds of the film (Yunnan 26(3)). `kept`: it stands in the signed manifest;
    else it was computed from the timeline of an older recording."""

    session: str
    kept: bool
    seconds: float = Field(ge=0)
    need: int = Field(ge=1)
    officers: list[WatchedView]
    sides: ShortSides
