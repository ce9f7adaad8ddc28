"""Callers, their roles, and what each of them may see. Scope is by role and site: what belongs to another site does not
exist for the caller (404), what the role forbids is forbidden (403). Pure; `credentials.py` identifies the caller."""

from collections.abc import Awaitable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from broker.authority import slot_acts
from broker.authority.slot_acts import Relation, SlotAct
from broker.booking.slot import Slot
from broker.kernel.errors import Forbidden, NotFound
from broker.kernel.ids import RoomId, SessionId, Side, SiteId, TerminalId, UserId
from broker.presence.quorum import Watcher

Found = TypeVar("Found")


class Role(StrEnum):
    """The roles of the design's table of authority."""

    TERMINAL = "terminal"
    SUPERVISOR = "supervisor"
    CLERK = "clerk"
    APPROVER = "approver"
    AUDITOR = "auditor"
    PROCURATOR = "procurator"
    ADMIN = "admin"
    INTEGRATOR = "integrator"
    OBSERVER = "observer"


OFFICERS = frozenset({Role.SUPERVISOR, Role.APPROVER, Role.AUDITOR, Role.ADMIN})
"""Users who may see sessions as they run."""
SESSION_ROLES = OFFICERS | {Role.TERMINAL}
"""The roles that may open a WebSocket."""
PROVINCIAL = frozenset({Role.AUDITOR, Role.PROCURATOR, Role.ADMIN})
"""Roles that see every site when they belong to none; for all others no site means nothing."""


@dataclass(frozen=True, slots=True)
class User:
    """An officer with an account. `token` is the credential of the request; `session_expiry` checks it again while it
    is in use. `drill`: it is no person but a synthetic officer of that session, and nothing else exists for it.
    `must_enrol`: the sign-in is for setting up a second factor, and for nothing else."""

    id: UserId
    name: str
    role: Role
    site: SiteId | None
    token: str = field(repr=False)
    drill: SessionId | None = None
    must_enrol: bool = False


@dataclass(frozen=True, slots=True)
class Terminal:
    """The enrolled terminal of one room. `instance`: the running program that has signed in with the terminal's key."""

    id: TerminalId
    room: RoomId
    site: SiteId
    token: str = field(repr=False)
    instance: str = ""


@dataclass(frozen=True, slots=True)
class Integrator:
    """An upstream booking system with its API key."""

    id: str
    name: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Observer:
    """A program that monitors the service: it reads numbers and ids, no names, and gives no orders."""

    id: str
    name: str
    token: str = field(repr=False)


Caller = User | Terminal | Integrator | Observer
_KINDS: dict[type, Role] = {Terminal: Role.TERMINAL, Integrator: Role.INTEGRATOR, Observer: Role.OBSERVER}


def role_of(caller: Caller) -> Role:
    """Return the role under which a caller asks."""
    if isinstance(caller, User):
        return caller.role
    return _KINDS[type(caller)]


def author(caller: Caller) -> str:
    """Return the caller's name in the journal and in limits: `user:li`, `terminal:trm_...`, `integrator:key_...`."""
    return f"user:{caller.id}" if isinstance(caller, User) else f"{_KINDS[type(caller)]}:{caller.id}"


def authority(caller: Caller) -> str:
    """Return all that a caller's rights follow from; who has another one has to connect anew."""
    if isinstance(caller, User):
        return f"{author(caller)} {caller.role} {caller.site or ''}"
    return f"{author(caller)} {caller.room}" if isinstance(caller, Terminal) else author(caller)


def sign_in_of(caller: Caller) -> str:
    """Return what a caller is signed in by for as long as it goes on: the token, and of a terminal, whose credential is
    a new one every few minutes, its id and its running program."""
    return f"{caller.id} {caller.instance}" if isinstance(caller, Terminal) else caller.token


def may_see(caller: Caller, slot: Slot) -> bool:
    """Whether a slot and its session exist for this caller."""
    places = (slot.prison, slot.visitor)
    if isinstance(caller, Terminal):
        return caller.room in {place.room for place in places}
    if isinstance(caller, Integrator):
        return not slot.drill  # a drill was never booked
    if isinstance(caller, Observer):
        return True
    if caller.drill is not None:
        return caller.drill == slot.session
    if caller.site is None:
        return caller.role in PROVINCIAL
    return caller.site in {place.site for place in places}


def scope(user: User) -> SiteId | None:
    """The only site a user may know of; None for the whole province. Raises Forbidden for a role without its site."""
    if user.site is None and user.role not in PROVINCIAL:
        raise Forbidden()
    return user.site


def check_sees(caller: Caller, slot: Slot) -> None:
    """Raise NotFound where the slot belongs to other sites: only they may know that it exists."""
    if not may_see(caller, slot):
        raise NotFound()


def seen(caller: Caller, slot: Slot) -> Slot:
    """Return a slot that exists for this caller. Raises NotFound, in the same words as for what does not exist."""
    check_sees(caller, slot)
    return slot


async def found(lookup: Awaitable[Found]) -> Found:
    """Return what is looked up by an id of the caller's. Raises NotFound in the same words as for what exists for
    others only: an answer must not tell the two apart."""
    try:
        return await lookup
    except NotFound:
        raise NotFound() from None


def relation_to(caller: Caller, slot: Slot) -> Relation:
    """Where a caller stands to a slot. A terminal stands where its site does."""
    if isinstance(caller, User) and caller.drill not in (None, slot.session):
        return Relation.FOREIGN
    if isinstance(caller, User | Terminal):
        return slot_acts.relation(caller.site, slot.prison.site, slot.visitor.site)
    return Relation.PROVINCE


def check_may(act: SlotAct, caller: Caller, slot: Slot) -> None:
    """Check that a caller may do something with a slot, by the table of acts. Raises NotFound or Forbidden."""
    slot_acts.check(act, role_of(caller), relation_to(caller, slot))


@dataclass(frozen=True, slots=True)
class Duty:
    """A supervisor's duty at one visit: for which site, on which side."""

    user: UserId
    site: SiteId
    side: Side

    @property
    def watcher(self) -> Watcher:
        """The supervisor as presence and the relay know them."""
        return Watcher(self.user, self.site)


def duty(caller: Caller, slot: Slot) -> Duty:
    """The caller's duty at this visit. Raises Forbidden for other roles, NotFound for another site's visit."""
    if not isinstance(caller, User) or caller.role is not Role.SUPERVISOR:
        raise Forbidden()
    side = slot.side_of_site(caller.site) if caller.site is not None and may_see(caller, slot) else None
    if side is None or caller.site is None:
        raise NotFound()
    return Duty(caller.id, caller.site, side)


def own_duty(caller: Caller, slot: Slot, side: Side) -> Duty:
    """The caller's duty at this visit, for orders that concern the room of the caller's own site. Raises Forbidden or
    NotFound."""
    own = duty(caller, slot)
    if own.side is not side:
        raise Forbidden("This is the other site's room.", "只能办理本单位一方的事项。")
    return own
