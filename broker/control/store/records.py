"""Records that the store returns: frozen rows without behaviour. Secrets are not in a repr."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from broker.authority.persons import Change, Standing
from broker.kernel.ids import RoomId, SessionId, SiteId, TerminalId, UserId


class SiteKind(StrEnum):
    """The kind of a site (单位). The first two hold inmates; the last two are over other sites and have no rooms."""

    PRISON = "prison"
    REHAB = "rehab"
    BUREAU = "bureau"
    OFFICE = "office"
    CITY = "city"
    PROVINCE = "province"

    @property
    def holds_inmates(self) -> bool:
        """Whether the site can be the prison side of a slot."""
        return self in (SiteKind.PRISON, SiteKind.REHAB)

    @property
    def has_rooms(self) -> bool:
        """Whether the site can have visiting rooms."""
        return self not in (SiteKind.CITY, SiteKind.PROVINCE)


class Role(StrEnum):
    """The role of a user. Terminals and keys are not users."""

    SUPERVISOR = "supervisor"
    CLERK = "clerk"
    APPROVER = "approver"
    AUDITOR = "auditor"
    PROCURATOR = "procurator"
    """The procuratorate's officer at a prison (派驻检察), or of the province: looks on, and is never counted."""
    ADMIN = "admin"

    @property
    def needs_site(self) -> bool:
        """Whether a user with this role must belong to a site; an auditor may be a site's or the province's."""
        return self in (Role.SUPERVISOR, Role.CLERK, Role.APPROVER)


@dataclass(frozen=True, slots=True)
class Site:
    """A prison, rehabilitation unit, bureau or justice office. `policy` names its pack, `parent` the site over it;
    `closed_at`: since when it takes nothing new, None while it is open."""

    id: SiteId
    kind: SiteKind
    name: str
    policy: str
    parent: SiteId | None = None
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Room:
    """A visiting room (会见室) of a site. `closed_at`: since when it takes no visits, None while it is open."""

    id: RoomId
    site: SiteId
    name: str
    closed_at: datetime | None = None


class TerminalState(StrEnum):
    """The state of an enrolled terminal. `token`: a former version has enrolled it by a bearer token, and it waits for
    its key. `conflicted`: its key was used in two places, and an administrator has to decide."""

    ACTIVE = "active"
    TOKEN = "token"
    CONFLICTED = "conflicted"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Terminal:
    """A device that is enrolled at a site. `room` is the room that it acts for, for which no other one acts at the same
    time (Yunnan 27(1)); "" for a spare, and for a room's own terminal while a spare acts in its place. `home` is the
    room that it was enrolled for; None for a spare.

    `key_kind`: what keeps its private key, `file` or `tpm`. `fingerprint`: the first 32 hex digits of the SHA-256 of
    its public key, `public_key`: SubjectPublicKeyInfo in DER; both are empty while it has none."""

    id: TerminalId
    room: RoomId
    site: SiteId
    enrolled_at: datetime
    revoked_at: datetime | None
    key_kind: str = ""
    key_at: datetime | None = None
    fingerprint: str = ""
    conflicted_at: datetime | None = None
    home: RoomId | None = None
    public_key: bytes = field(default=b"", repr=False)

    @property
    def state(self) -> TerminalState:
        """The state that follows from what was done with it."""
        if self.revoked_at is not None:
            return TerminalState.REVOKED
        if self.conflicted_at is not None:
            return TerminalState.CONFLICTED
        return TerminalState.ACTIVE if self.public_key else TerminalState.TOKEN


@dataclass(frozen=True, slots=True)
class SignedInTerminal:
    """A terminal that has signed in, and its running program: `instance` is the name that this has made for itself.
    `room` is "" while it acts for none."""

    id: TerminalId
    room: RoomId
    site: SiteId
    instance: str


@dataclass(frozen=True, slots=True)
class User:
    """An officer who can sign in. `site` is None for the province's auditors and admins. `since`, `set_by`: when and by
    whom the password was set or the account enabled; `vouchers`: the accounts on whose word it stands; `must_enrol`:
    this sign-in is for setting up a second factor alone."""

    id: UserId
    name: str
    site: SiteId | None
    role: Role
    disabled: bool
    password_hash: str = field(repr=False)
    since: datetime | None = None
    set_by: str = ""
    vouchers: tuple[str, ...] = ()
    must_enrol: bool = False

    @property
    def standing(self) -> Standing:
        """The account as permits see it."""
        return Standing(self.id, str(self.role), self.site, self.disabled, self.since, frozenset(self.vouchers))


class ChangeState(StrEnum):
    """The state of a change of an account. `applied` ones needed no second officer's word and are not stored."""

    APPLIED = "applied"
    WAITING = "waiting"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    REPLACED = "replaced"
    FORCED = "forced"


@dataclass(frozen=True, slots=True)
class AccountChange:
    """A change of an account, with the name that it gives and what became of it. `unlinked`: it has just undone a link
    to the identity service."""

    change: Change
    name: str
    state: ChangeState
    decided_by: str = ""
    decided_at: datetime | None = None
    reason: str = ""
    unlinked: bool = False


@dataclass(frozen=True, slots=True)
class ApiKey:
    """The key of another system: one that books, or one that monitors."""

    id: str
    name: str
    created_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The last saved state of a session; broker.session.snapshot writes and reads `data`."""

    session: SessionId
    state: str
    data: Mapping[str, Any]
    updated_at: datetime
