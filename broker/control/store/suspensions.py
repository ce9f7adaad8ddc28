"""Suspensions in the store: the proposal as it was made, and each step that was taken, none of which ever changes."""

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import ColumnElement, Row, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from broker.booking.suspension import Proposal, Taken
from broker.control.store.base import StorePart
from broker.control.store.tables import suspension_steps, suspensions
from broker.kernel.errors import Conflict, NotFound
from broker.kernel.ids import PersonId, SessionId, Side, SiteId, SuspensionId, UserId
from config.suspension import Step, Verdict

MOST = 500
"""Proposals in one list, the newest: a province has some dozens a year."""


class Suspensions(StorePart):
    """The part of the store that keeps them."""

    async def add_suspension(self, proposal: Proposal) -> Proposal:
        """Store a proposal; what is stored. The same one again, of the same officer, changes nothing.

        Raises Conflict where its id is another's, or another proposal of the visit about the person is not decided.
        """
        async with self._writing() as db:
            about = (suspensions.c.session == proposal.session, suspensions.c.person == proposal.person)
            for known in await read(db, (suspensions.c.id == proposal.id) | (about[0] & about[1])):
                if known.id == proposal.id:
                    return _same(known, proposal)
                if known.next is not None:
                    raise Conflict("A proposal about this person is not decided yet.", "该人员的暂停建议尚未办结。")
            await db.execute(insert(suspensions).values(_columns(proposal)))
        return proposal

    async def add_suspension_step(self, proposal: Proposal) -> None:
        """Store the last step of a proposal. Raises Conflict where another one took it meanwhile."""
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
            known = await read(db, suspensions.c.id == proposal.id)
            if not known or len(known[0].taken) != number - 1:
                raise Conflict("Somebody has taken this step meanwhile.", "此步骤已由他人办理。")
            await db.execute(insert(suspension_steps).values(values))

    async def suspension(self, id: str) -> Proposal:
        """The proposal of that id. Raises NotFound."""
        async with self._reading() as db:
            found = await read(db, suspensions.c.id == id)
        if not found:
            raise NotFound("There is no such proposal.", "没有该暂停建议。")
        return found[0]

    async def suspensions(self, sites: Collection[SiteId] | None = None) -> list[Proposal]:
        """The newest proposals by, or about somebody of, one of these sites; None means of all."""
        which: ColumnElement[bool] | None = None
        if sites is not None:
            which = suspensions.c.home.in_(sites) | suspensions.c.site.in_(sites)
        async with self._reading() as db:
            return await read(db, which)


async def read(db: AsyncConnection, which: ColumnElement[bool] | None = None) -> list[Proposal]:
    """Proposals with their steps, newest first, in a transaction that somebody else has begun."""
    query = select(suspensions).order_by(suspensions.c.created_at.desc(), suspensions.c.id).limit(MOST)
    rows = list(await db.execute(query if which is None else query.where(which)))
    mine = suspension_steps.c.suspension.in_([row.id for row in rows])
    steps = list(await db.execute(select(suspension_steps).where(mine).order_by(suspension_steps.c.number)))
    return [_proposal(row, (step for step in steps if step.suspension == row.id)) for row in rows]


async def about(db: AsyncConnection, people: Collection[PersonId]) -> list[Proposal]:
    """All proposals about these people."""
    return await read(db, suspensions.c.person.in_(people))


def _same(known: Proposal, proposal: Proposal) -> Proposal:
    said = ("session", "person", "months", "code", "reason", "by", "site")
    if any(getattr(known, name) != getattr(proposal, name) for name in said):
        raise Conflict("This proposal's id is taken.", "该建议编号已被使用。")
    return known


def _columns(proposal: Proposal) -> dict[str, Any]:
    return {
        "id": proposal.id,
        "session": proposal.session,
        "side": str(proposal.side),
        "home": proposal.home,
        "person": proposal.person,
        "months": proposal.months,
        "code": proposal.code,
        "article": proposal.article,
        "reason": proposal.reason,
        "by": proposal.by,
        "site": proposal.site,
        "created_at": proposal.at,
        "linked": list(proposal.linked),
        "plan": [[one.name, str(one.verdict), one.role, list(one.kinds), one.article] for one in proposal.plan],
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
    )


def _taken(row: Row[Any]) -> Taken:
    return Taken(
        row.step, Verdict(row.verdict), row.agreed, UserId(row.by), SiteId(row.site), row.article, row.note, row.at
    )
