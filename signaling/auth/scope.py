"""Who is asking, and what they may know of. Scope is by role and site: what belongs to another site does not exist
for the caller (404), what the role forbids is forbidden (403). Pure; `door.py` finds out who it is."""

from dataclasses import dataclass, field
from enum import StrEnum

from broker.booking.slot import Slot
from broker.kernel.errors import Forbidden, NotFound
from broker.kernel.ids import RoomId, Side, SiteId, TerminalId, UserId


class Role(StrEnum):
    """The roles of the design's table of authority."""

    TERMINAL = "terminal"
    SUPERVISOR = "supervisor"
    CLERK = "clerk"
    APPROVER = "approver"
    AUDITOR = "auditor"
    ADMIN = "admin"
    INTEGRATOR = "integrator"
    OBSERVER = "observer"


OFFICERS = frozenset({Role.SUPERVISOR, Role.APPROVER, Role.AUDITOR, Role.ADMIN})
"""Users who may see sessions as they run."""
SESSION_ROLES = OFFICERS | {Role.TERMINAL}
"""Everybody with a socket."""
PROVINCIAL = frozenset({Role.AUDITOR, Role.ADMIN})
"""Roles that see every site when they belong to none; for all others no site means nothing."""


@dataclass(frozen=True, slots=True)
class User:
    """A signed-in officer. `token` is what they showed: the door asks again whether it still holds."""

    id: UserId
    name: str
    role: Role
    site: SiteId | None
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Terminal:
    """The enrolled terminal of one room."""

    id: TerminalId
    room: RoomId
    site: SiteId
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Integrator:
    """An upstream booking system."""

    id: str
    name: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Observer:
    """A program that watches over the service: numbers and ids, nobody's name, no orders."""

    id: str
    name: str
    token: str = field(repr=False)


Who = User | Terminal | Integrator | Observer
_KINDS: dict[type, Role] = {Terminal: Role.TERMINAL, Integrator: Role.INTEGRATOR, Observer: Role.OBSERVER}


def role_of(who: Who) -> Role:
    """The role under which somebody asks."""
    if isinstance(who, User):
        return who.role
    return _KINDS[type(who)]


def author(who: Who) -> str:
    """How the journal and the limits call somebody: `user:li`, `terminal:trm_...`, `integrator:key_...`."""
    return f"user:{who.id}" if isinstance(who, User) else f"{_KINDS[type(who)]}:{who.id}"


def may_see(who: Who, slot: Slot) -> bool:
    """Whether a slot and its session exist for this caller."""
    places = (slot.prison, slot.visitor)
    if isinstance(who, Terminal):
        return who.room in {place.room for place in places}
    if isinstance(who, Integrator | Observer):
        return True
    if who.site is None:
        return who.role in PROVINCIAL
    return who.site in {place.site for place in places}


def scope(user: User) -> SiteId | None:
    """The only site a user may know of; None for the whole province. Raises Forbidden for a role without its site."""
    if user.site is None and user.role not in PROVINCIAL:
        raise Forbidden()
    return user.site


def check_sees(who: Who, slot: Slot) -> None:
    """Raises NotFound where the slot belongs to other sites: that it exists is theirs to know."""
    if not may_see(who, slot):
        raise NotFound()


@dataclass(frozen=True, slots=True)
class Duty:
    """A supervisor at one visit: for which site, on which side."""

    user: UserId
    site: SiteId
    side: Side


def duty(who: Who, slot: Slot) -> Duty:
    """The caller's duty at this visit. Raises Forbidden for other roles, NotFound for another site's visit."""
    if not isinstance(who, User) or who.role is not Role.SUPERVISOR:
        raise Forbidden()
    side = slot.side_of_site(who.site) if who.site is not None else None
    if side is None or who.site is None:
        raise NotFound()
    return Duty(who.id, who.site, side)


def own_duty(who: Who, slot: Slot, side: Side) -> Duty:
    """The same, for what can be ticked in one's own room only. Raises Forbidden or NotFound."""
    own = duty(who, slot)
    if own.side is not side:
        raise Forbidden("This is the other site's room.", "只能办理本单位一方的事项。")
    return own
