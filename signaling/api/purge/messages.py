"""REST models of the purge: what is due, one officer's permit for exactly that, another officer's order."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from signaling.api.messages.fields import Inbound, Moment, Name, Outbound, Whole

Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{4}(-[A-Za-z0-9]{4}){3}$", max_length=19)]


class PurgeQuery(Inbound):
    """One site; by default the caller's own, or for officers of the province all sites."""

    site: Name | None = None


class SiteDue(Outbound):
    """What is due of one site; `oldest` and `newest` are the ends of visits."""

    site: str
    site_name: str
    recordings: int = Field(ge=0)
    bytes: int = Field(ge=0)
    oldest: Moment | None
    newest: Moment | None


class KeptView(Outbound):
    """How many recordings stay although their date has come, by reason."""

    code: str
    count: int = Field(ge=0)
    zh: str
    en: str


class BrokenChain(Outbound):
    """A site whose chain is not whole: none of its recordings may go. `why`: the detail, for the administrator."""

    site: str
    why: str
    zh: str
    en: str


class PurgePlan(Outbound):
    """What may be deleted at `as_of`, and what stays. Nothing is deleted by looking."""

    as_of: Moment
    site: str | None
    recordings: int = Field(ge=0)
    bytes: int = Field(ge=0)
    sites: list[SiteDue]
    kept: list[KeptView]
    broken: list[BrokenChain]


class PermitOrder(Inbound):
    """A permit for what is due now. `recordings`: how many the officer has seen in the plan."""

    site: Name | None = None
    recordings: Annotated[int, Field(ge=1, le=10**9), Whole]


class PurgePermit(Outbound):
    """The code with which another officer can order exactly this plan, once, until `expires_at`. It is shown once."""

    code: str
    expires_at: Moment
    recordings: int = Field(ge=1)
    bytes: int = Field(ge=0)


class PurgeOrder(Inbound):
    """The code that another officer was given."""

    code: Code


class NotDeleted(Outbound):
    """A recording that stayed, or whose deletion failed and is tried again, with the reason; a site where its chain is
    the reason. `why`: the code or the detail, for the administrator."""

    session: str
    why: str
    zh: str
    en: str


class PurgeState(Outbound):
    """The purge that runs, or the latest one since the service began. `zh` and `en`: the refusal that ended it, or
    null."""

    state: Literal["none", "running", "ended"]
    by: str | None = None
    second: str | None = None
    recordings: int = Field(default=0, ge=0)
    deleted: int = Field(default=0, ge=0)
    bytes: int = Field(default=0, ge=0)
    kept: list[NotDeleted] = Field(default_factory=list)
    failed: list[NotDeleted] = Field(default_factory=list)
    begun_at: Moment | None = None
    ended_at: Moment | None = None
    zh: str | None = None
    en: str | None = None
