"""Suspensions of visits in the store: each proposal as it was made, and each step that was taken. No row changes."""

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import ColumnElement, Row, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from broker.booking.slot import Person
from broker.booking.suspension import Proposal, Taken
from broker.control.store.base import StorePart
from broker.control.store.tables import suspension_steps, suspensions
from broker.kernel.errors import Conflict, NotFound
from broker.kernel.ids import PersonId, SessionId, Side, SiteId, SuspensionId, UserId
from config.suspension import Step, Verdict

MOST = 500
"""Proposals in one list, newest first; a province has some dozens a year."""


class Suspensions(StorePart):
    """The part of the store for suspensions."""

    async def add_suspension(self, proposal: Proposal) -> Proposal:
        """Store a proposal and return what is stored. The same proposal of the same officer again changes nothing.

        Raises Conflict where its id is taken, or where another proposal of this visit about this person is not decided.
        """
        async with self._writing() as db:
            about = (suspensions.c.session == proposal.session, suspensions.c.person == proposal.person)
            for stored in await read(db, (suspensions.c.id == proposal.id) | (about[0] & about[1])):
                if stored.id == proposal.id:
                    return _same(stored, proposal)
                if stored.next is not None:
                    raise Conflict("A proposal about this person is not decided yet.", "该人员的暂停建议尚未办结。")
            await db.execute(insert(suspensions).values(_columns(proposal)))
        return proposal

    async def add_suspension_step(self, proposal: Proposal) -> None:
        """Store the last step of a proposal. Raises Conflict where another officer has taken it meanwhile."""
        number = len(proposal.taken)
        last = proposal.taken[-1]
        values = {
            "suspension": proposal.id,
            "number": number,
            "step": last.step,
            "verdict": str(last.verdict),
            "agreed": last.agreed,
            "by": last.by,
            "site": last.site,
            "article": last.article,
            "note": last.note,
            "at": last.at,
        }
        async with self._writing() as db:
            stored = await read(db, suspensions.c.id == proposal.id)
            if not stored or len(stored[0].taken) != number - 1:
                raise Conflict("Another officer has taken this step meanwhile.", "此步骤已由他人办理。")
            await db.execute(insert(suspension_steps).values(values))

    async def suspension(self, id: str) -> Proposal:
        """Return the proposal with this id. Raises NotFound."""
        async with self._reading() as db:
            found = await read(db, suspensions.c.id == id)
        if not found:
            raise NotFound("There is no such proposal.", "没有该暂停建议。")
        return found[0]

    async def suspensions(self, sites: Collection[SiteId] | None = None) -> list[Proposal]:
        """Return the newest proposals that come from one of these sites or are about people of them; None means all."""
        which: ColumnElement[bool] | None = None
        if sites is not None:
            which = suspensions.c.home.in_(sites) | suspensions.c.site.in_(sites)
        async with self._reading() as db:
            return await read(db, which)


async def read(db: AsyncConnection, which: ColumnElement[bool] | None = None) -> list[Proposal]:
    """Return proposals with their steps, newest first, in the caller's transaction."""
    query = select(suspensions).order_by(suspensions.c.created_at.desc(), suspensions.c.id).limit(MOST)
    rows = list(await db.execute(query if which is None else query.where(which)))
    mine = suspension_steps.c.suspension.in_([row.id for row in rows])
    steps = list(await db.execute(select(suspension_steps).where(mine).order_by(suspension_steps.c.number)))
    return [_proposal(row, (step for step in steps if step.suspension == row.id)) for row in rows]


async def about(db: AsyncConnection, people: Collection[Person]) -> list[Proposal]:
    """Return all proposals about these people, by id or by identity, in the caller's transaction."""
    ids, identities = {person.id for person in people}, {person.identity for person in people if person.identity}
    return await read(db, suspensions.c.person.in_(ids) | suspensions.c.identity.in_(identities))


def _same(stored: Proposal, proposal: Proposal) -> Proposal:
    names = ("session", "person", "months", "code", "reason", "by", "site")
    if any(getattr(stored, name) != getattr(proposal, name) for name in names):
        raise Conflict("This proposal's id is taken.", "该建议编号已被使用。")
    return stored


def _columns(proposal: Proposal) -> dict[str, Any]:
    return {
        "id": proposal.id,
        "session": proposal.session,
        "side": str(proposal.side),
        "home": proposal.home,
        "person": proposal.person,
        "identity": proposal.identity or None,
        "months": proposal.months,
        "code": proposal.code,
        "article": proposal.article,
        "reason": proposal.reason,
        "by": proposal.by,
        "site": proposal.site,
        "created_at": proposal.at,
        "linked": list(proposal.linked),
        "plan": [[step.name, str(step.verdict), step.role, list(step.kinds), step.article] for step in proposal.plan],
    }


def _proposal(row: Row[Any], steps: Iterable[Row[Any]]) -> Proposal:
    return Proposal(
        SuspensionId(row.id),
        SessionId(row.session),
        Side(row.side),
        SiteId(row.home),
        PersonId(row.person),
        row.months,
        row.code,
        row.article,
        row.reason,
        UserId(row.by),
        SiteId(row.site),
        row.created_at,
        tuple(row.linked),
        tuple(Step(name, Verdict(verdict), role, tuple(kinds), text) for name, verdict, role, kinds, text in row.plan),
        tuple(_taken(step) for step in steps),
        row.identity or "",
    )


def _taken(row: Row[Any]) -> Taken:
    return Taken(
        row.step, Verdict(row.verdict), row.agreed, UserId(row.by), SiteId(row.site), row.article, row.note, row.at
    )
