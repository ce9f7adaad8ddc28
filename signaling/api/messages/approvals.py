"""REST models of what needs an approval: longer visits (延长) and the suspension of visits (暂停会见)."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from broker.kernel.ids import Side
from signaling.api.messages.fields import Article, Id, Inbound, Moment, Note, NoteText, Outbound, Whole
from signaling.api.messages.session_view import ExtensionView, Officer


class ExtensionOrder(Inbound):
    """An approval of a longer visit. The approver's program makes the `id`: sent again, it counts once."""

    id: Id
    seconds: Annotated[int, Field(ge=1, le=3600), Whole]
    article: Article
    reason: NoteText


class ExtensionGroundView(Outbound):
    """One ground on which the rules allow a longer visit."""

    code: str
    zh: str
    en: str
    article: str


class Extensions(Outbound):
    """What the rules allow: `times` approvals (0: none) in one visit, of one of `steps` each, `most` together, all in
    seconds; made `until` the visit's start or its limit, by a `role` of `site`. `given`: what was approved."""

    times: int = Field(ge=0)
    steps: list[int]
    most: int = Field(ge=0)
    until: Literal["start", "limit"]
    role: str
    site: str
    grounds: list[ExtensionGroundView]
    given: list[ExtensionView]
    stops_at: Moment | None = None


class SuspensionOrder(Inbound):
    """A proposal to suspend one person's visits. The proposer's program makes the `id`: sent again, it counts once."""

    id: Id
    person: Id
    months: Annotated[int, Field(ge=1, le=3), Whole]
    code: Article
    reason: NoteText


class SuspensionDecision(Inbound):
    """The step that is due: approved, rejected, or filed."""

    decision: Literal["approve", "reject", "file"]
    note: Note = ""


class SuspensionStepView(Outbound):
    """One step, taken by sites of these kinds. `agreed` is null until it is taken."""

    name: str
    verdict: Literal["approve", "file"]
    kinds: list[str]
    article: str
    agreed: bool | None = None
    by: Officer | None = None
    site: str | None = None
    at: Moment | None = None
    note: str = ""


class SuspensionView(Outbound):
    """A suspension from the proposal on. In force from `first` to the day before `until`. `recognised`: booking gave
    the person an id, and is refused by it; `mine`: the next step is the caller's to take."""

    id: str
    session: str
    side: Side
    person: str
    name: str
    recognised: bool
    months: int
    code: str
    article: str
    reason: str
    by: Officer
    site: str
    at: Moment
    linked: list[str]
    status: Literal["proposed", "approved", "rejected", "filed", "expired"]
    first: date | None = None
    until: date | None = None
    steps: list[SuspensionStepView]
    mine: bool = False


class SuspensionList(Outbound):
    """Proposals of suspension, the newest first."""

    suspensions: list[SuspensionView]
