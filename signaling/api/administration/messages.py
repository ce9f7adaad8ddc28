"""REST models of administration: sites, rooms, users, keys, and codes for terminals."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from signaling.api.messages.accounts import Password
from signaling.api.messages.fields import Inbound, Line, Moment, Name, NoteText, Outbound, Short

Kind = Literal["prison", "rehab", "bureau", "office", "city", "province"]
PackRef = Annotated[str, StringConstraints(min_length=1, max_length=300), Line]
"""Name of a pack, or, for a site that is given one, the path of its file on the server."""


class SiteForm(Inbound):
    """What a new site is. `policy`: a pack of this version, or one by which another site goes already; `parent`: the
    site over it; `demo`: rules of the demonstration are meant, which a demonstration alone takes."""

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


# ---- users ---------------------------------------------------------------------------------------------------------

RoleName = Literal["supervisor", "clerk", "approver", "auditor", "procurator", "admin"]


class InvitationView(Outbound):
    """A link by which an officer sets the own password, without its secret; after `expires_at` it counts no more."""

    by: str
    created_at: Moment
    expires_at: Moment


class AccountView(Outbound):
    """The account of an officer. `state`: `active`, `disabled`, `invited` (a link waits), `no_link` (no password and no
    link that counts), or `waiting` (not there before a second officer confirms `change`). `vouchers`: the accounts on
    whose word it stands; `needs_factor`: its role needs a second factor, whose kinds are in `second_factors`."""

    id: str
    name: str
    role: RoleName
    site: str | None
    state: Literal["active", "disabled", "invited", "no_link", "waiting"]
    since: Moment | None
    set_by: str
    vouchers: list[str]
    needs_factor: bool
    second_factors: list[str]
    invitation: InvitationView | None
    change: str | None


class AccountList(Outbound):
    """The accounts that the caller may know of, in the order of their ids."""

    users: list[AccountView]


# ---- keys ----------------------------------------------------------------------------------------------------------

KeyKindName = Literal["booking", "monitoring"]


class KeyForm(Inbound):
    """A key for another system, and the own password of the administrator who issues it."""

    password: Password = Field(repr=False)
    name: Short
    kind: KeyKindName


class KeyView(Outbound):
    """A key without its secret. A `monitoring` key reads numbers and nothing else."""

    id: str
    name: str
    kind: KeyKindName
    created_at: Moment
    revoked_at: Moment | None


class IssuedKey(Outbound):
    """A new key with its secret, which is stored nowhere and shown this once."""

    id: str
    name: str
    kind: KeyKindName
    created_at: Moment
    key: str = Field(repr=False)


class KeyList(Outbound):
    """All keys that were ever issued, the oldest first."""

    keys: list[KeyView]


# ---- terminals -----------------------------------------------------------------------------------------------------


class EnrolmentForm(Inbound):
    """The own password of the administrator who has a code made. `replace`: the room's present terminal is revoked in
    the moment in which the code is used."""

    password: Password = Field(repr=False)
    replace: bool = False


class EnrolmentCode(Outbound):
    """A code that is typed at a terminal, good once and shown this once. `room` is null for a spare of the site."""

    site: str
    room: str | None
    code: str = Field(repr=False)
    expires_at: Moment


class RegisteredTerminal(Outbound):
    """A terminal as it was enrolled, also one that was revoked. `fingerprint`: of its key, empty while it has none."""

    id: str
    site: str
    room: str | None
    home: str | None
    state: Literal["active", "token", "conflicted", "revoked"]
    enrolled_at: Moment
    revoked_at: Moment | None
    key_kind: str
    key_at: Moment | None
    fingerprint: str
    conflicted_at: Moment | None


class TerminalRegister(Outbound):
    """All terminals that were ever enrolled at the sites that the caller may know of."""

    terminals: list[RegisteredTerminal]


# ---- packs ---------------------------------------------------------------------------------------------------------


class FrozenPackView(Outbound):
    """Another spelling of a pack that recent visits froze: how many of them, and when the latest began."""

    sha256: str
    version: str
    visits: int = Field(ge=0)
    latest: Moment


class PackInForce(Outbound):
    """A pack in force at `sites`. `version` and `sha256` are null where its file cannot be read, for the reason in
    `fault`. `in_force_since`: since when visits go by this very text, null where that is not known before the service
    starts again; `frozen_first`: when the first visit under it began, null for none; `visits`: how many recent ones
    did; `others`: what other recent visits froze under the same name."""

    name: str
    policy: str
    version: str | None
    title_zh: str
    title_en: str
    sha256: str | None
    demo: bool
    fault: str
    sites: list[str]
    in_force_since: Moment | None
    frozen_first: Moment | None
    visits: int = Field(ge=0)
    others: list[FrozenPackView]


class PacksInForce(Outbound):
    """The packs in force, compared with the visits of the last `days`."""

    days: int
    packs: list[PackInForce]


class With(Inbound):
    """The pack to compare with, by its SHA-256."""

    to: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class RuleChangeView(Outbound):
    """A rule that differs: its place in the pack, and both values as JSON; empty where a pack has none."""

    rule: str
    was: str
    now: str


class PackDifferences(Outbound):
    """What the pack `now` has otherwise than the pack `was`."""

    was: str
    now: str
    changes: list[RuleChangeView]


# ---- health --------------------------------------------------------------------------------------------------------

Level = Literal["good", "attention", "bad"]


class HealthPart(Outbound):
    """One part of the service: how it stands in both languages, and what to do about it, empty where nothing is."""

    code: str
    level: Level
    title_zh: str
    title_en: str
    state_zh: str
    state_en: str
    todo_zh: str
    todo_en: str


class HealthReport(Outbound):
    """The whole service at `server_time`: the worst level of its parts, and the parts, the worst first."""

    server_time: Moment
    version: str
    level: Level
    parts: list[HealthPart]
