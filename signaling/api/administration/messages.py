"""REST models of administration: sites and rooms."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from signaling.api.messages.fields import Inbound, Line, Moment, Name, NoteText, Outbound, Short

Kind = Literal["prison", "rehab", "bureau", "office", "city", "province"]
PackRef = Annotated[str, StringConstraints(min_length=1, max_length=300), Line]
"""Name of a pack, or, for a site that is given one, the path of its file on the server."""


class SiteForm(Inbound):
    """What a new site is. `policy`: a pack of this version, or one by which another site goes already; `parent`: the
    site over it; `demo`: rules of the demonstration are meant."""

    id: Name
    kind: Kind
    name: Short
    policy: PackRef
    parent: Name | None = None
    demo: bool = False


class SiteView(Outbound):
    """A site with the numbers of its open rooms, of its terminals in use, and of its accounts that may sign in."""

    id: str
    kind: Kind
    name: str
    policy: str
    parent: str | None
    closed_at: Moment | None
    rooms: int = Field(ge=0)
    terminals: int = Field(ge=0)
    users: int = Field(ge=0)


class SiteList(Outbound):
    """The sites that the caller may know of, in the order of their ids."""

    sites: list[SiteView]


class RoomForm(Inbound):
    """A new room of a site."""

    id: Name
    site: Name
    name: Short


class RoomView(Outbound):
    """A room with the terminal that acts for it; `code_until`: until when a code waits by which one is enrolled."""

    id: str
    site: str
    name: str
    closed_at: Moment | None
    terminal: str | None
    terminal_state: Literal["active", "token", "conflicted"] | None
    code_until: Moment | None


class RoomList(Outbound):
    """The rooms that the caller may know of, in the order of their ids."""

    rooms: list[RoomView]


class OfSite(Inbound):
    """Only what belongs to one site."""

    site: Name | None = None


class NewName(Inbound):
    """Another name for what is there."""

    name: Short


class NewParent(Inbound):
    """The site over this one; null for none."""

    parent: Name | None


class Because(Inbound):
    """Why it is done; it is journaled."""

    reason: NoteText
