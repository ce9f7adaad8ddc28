"""The requests for packages in the database. A request has a reason, and another officer decides it; an approved one is
built, ready until it expires, and then its files are removed. A row stays as the record of what was handed over.

    requested -> approved -> building -> ready -> expired
              -> refused     |        -> failed -> approved (to be built again), or expired
              -> expired     |        -> expired (withdrawn)
                             <- approved (its builder died)
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from broker.kernel.database import reading, storage_errors, writing
from broker.kernel.errors import BadRequest, Conflict, Forbidden, NotFound, SamePerson
from broker.kernel.ids import new_id
from broker.kernel.tasks import Tasks
from recorder.archive.catalog import ARCHIVED, PURGED, PURGING
from recorder.archive.tables import EXPORTS, RECORDINGS

MOST = 200
"""The newest requests that a list has."""
UNDECIDED = timedelta(days=7)
"""A request that waits longer for its decision, or for another try, expires: its reason was one of that week."""
_ROW = EXPORTS.c
_PURGED = select(RECORDINGS.c.session).where(RECORDINGS.c.state.in_((PURGING, PURGED)))
"""The sessions whose recordings are deleted, or about to be."""
Row = dict[str, Any]


class State(StrEnum):
    """The states of a request."""

    REQUESTED = "requested"
    APPROVED = "approved"
    REFUSED = "refused"
    BUILDING = "building"
    READY = "ready"
    EXPIRED = "expired"
    FAILED = "failed"


FINISHED = (State.REFUSED, State.EXPIRED)
WAITING = (State.REQUESTED, State.APPROVED, State.FAILED)
"""States that expire UNDECIDED after their last change."""


class Exports:
    """The table of requests for packages. Every method raises StorageUnavailable where the database does not answer."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine, self._queries = engine, Tasks()

    async def add(
        self, session: str, site: str, reason: str, receiver: str, downloaders: Sequence[str], by: str, now: datetime
    ) -> Row:
        """Store a request and return its row. Raises Conflict where the recording is not archived, or the same officer
        has a request open for it and the receiver."""
        row: Row = {"id": new_id("exp"), "session": session, "site": site, "state": State.REQUESTED, "reason": reason}
        row |= {"receiver": receiver, "downloaders": list(downloaders), "by": by, "at": now, "updated_at": now}
        row |= {"progress": 0.0}
        same = (_ROW.session == session) & (_ROW.by == by) & _ROW.state.not_in(FINISHED)

        async def work(db: AsyncConnection) -> None:
            archived = select(RECORDINGS.c.session).where(
                RECORDINGS.c.session == session, RECORDINGS.c.state == ARCHIVED, RECORDINGS.c.sha256.is_not(None)
            )
            if (await db.execute(archived)).first() is None:
                raise Conflict("The recording is not archived.", "录像尚未封存，不能移交。")
            if (await db.execute(select(_ROW.id).where(same, _ROW.receiver == receiver))).first() is not None:
                raise Conflict(
                    "You have requested an export of this recording for this receiver already.",
                    "您已为该接收人申请移交该录像，请先处理该申请。",
                )
            await db.execute(EXPORTS.insert().values(**row))

        await self._write(work)
        return await self.row(str(row["id"]))

    async def row(self, id: str) -> Row:
        """Return a request by its id. Raises NotFound."""
        found = await self._read(_ROW.id == id)
        if not found:
            raise NotFound("There is no such export.", "没有该移交申请。")
        return found[0]

    async def listed(
        self, state: State | None = None, session: str | None = None, among: Select[Any] | None = None
    ) -> list[Row]:
        """Return the newest requests, of a state or a session where these are named. `among`: a query of the sessions
        that count, by default all."""
        which: list[ColumnElement[bool]] = [] if state is None else [_ROW.state == state]
        which += [] if session is None else [_ROW.session == session]
        return await self._read(*which, *([] if among is None else [_ROW.session.in_(among)]))

    async def counts(self, site: str | None = None) -> dict[str, int]:
        """Return how many requests there are in each state, of the recordings of a site or of all."""
        query = select(_ROW.state, func.count()).group_by(_ROW.state)
        if site is not None:
            query = query.where(_ROW.site == site)
        with storage_errors("The exports cannot be read."):
            async with reading(self._engine) as db:
                return {state: count for state, count in await db.execute(query)}

    async def decide(self, id: str, approve: bool, by: str, note: str, now: datetime) -> Row:
        """Approve or refuse a request that waits for it. Raises Conflict where it does not, SamePerson for the officer
        who asked, and BadRequest for a refusal that does not say why."""
        if (await self.row(id))["by"] == by:
            raise SamePerson("Another officer decides about your request.", "本人的申请须由另一人批准。")
        if not approve and not note:
            raise BadRequest("Say why it is refused.", "不批准须说明理由。")
        state = State.APPROVED if approve else State.REFUSED
        values = {"decided_by": by, "decided_at": now, "note": note}
        return await self._move(id, (State.REQUESTED,), state, now, **values)

    async def again(self, id: str, now: datetime) -> Row:
        """Have a package built once more that was approved and could not be built. Raises Conflict."""
        return await self._move(id, (State.FAILED,), State.APPROVED, now, failure=None, progress=0.0)

    async def withdraw(self, id: str, now: datetime) -> Row:
        """Let a request expire now, also while it is being built. Raises Conflict where it is over."""
        return await self._move(id, (*WAITING, State.BUILDING, State.READY), State.EXPIRED, now, expires_at=now)

    async def fetchable(self, id: str, user: str, now: datetime) -> Row:
        """Return a request whose package `user` may fetch now. Raises Forbidden for others, Conflict where it is not
        ready or over, or its recording is deleted or about to be."""
        row = await self.row(id)
        if user not in row["downloaders"]:
            raise Forbidden("The package is for others.", "您不是该移交包的指定领取人。")
        if row["state"] != State.READY or row["expires_at"] is None or row["expires_at"] <= now:
            state = State(row["state"])
            over = "expired" if state is State.READY else state.value
            raise Conflict(f"The package is {over}.", "移交包已过下载期限或尚未制成，目前不能下载。")
        if await self._read(_ROW.id == id, _ROW.session.in_(_PURGED)):
            raise Conflict("The recording is being deleted.", "录像已销毁或正在销毁，移交包不再提供。")
        return row

    async def take(self, now: datetime) -> Row | None:
        """Take the approved request that waits longest, to build it; None where none waits, or another process was
        first."""
        oldest = select(_ROW.id).where(_ROW.state == State.APPROVED).order_by(_ROW.decided_at, _ROW.id).limit(1)
        found: list[str] = []

        async def work(db: AsyncConnection) -> None:
            id = (await db.execute(oldest)).scalar()
            if id is not None:
                values = {"state": State.BUILDING, "progress": 0.0, "updated_at": now}
                mine = (_ROW.id == id) & (_ROW.state == State.APPROVED)  # it may have been withdrawn in between
                taken = await db.execute(EXPORTS.update().where(mine).values(**values))
                found.extend([id] * taken.rowcount)

        await self._write(work)
        return await self.row(found[0]) if found else None

    async def progress(self, id: str, share: float, now: datetime) -> bool:
        """Store what share of a package is built, and return whether it is still wanted."""
        building = (_ROW.id == id) & (_ROW.state == State.BUILDING)
        return await self._update(building, progress=share, updated_at=now) > 0

    async def ready(self, id: str, facts: Row, expires_at: datetime, now: datetime) -> Row:
        """Mark a package as ready. `facts`: its bytes and sha256, and whether the recording was sound. Raises Conflict
        where it was withdrawn, or its recording is deleted or about to be."""
        values = {"progress": 1.0, "failure": None, "ready_at": now, "expires_at": expires_at, **facts}
        kept = _ROW.session.not_in(_PURGED)
        return await self._move(id, (State.BUILDING,), State.READY, now, kept, **values)

    async def failed(self, id: str, failure: str, now: datetime) -> Row:
        """Mark a package as not built. `failure`: the code of the reason, of `recorder.export.program.FAILURES`."""
        return await self._move(id, (State.BUILDING,), State.FAILED, now, failure=failure)

    async def give_back(self, now: datetime) -> None:
        """Queue again what was being built when its builder ended."""
        await self._update(_ROW.state == State.BUILDING, state=State.APPROVED, progress=0.0, updated_at=now)

    async def over(self, now: datetime) -> list[Row]:
        """Return the requests that are to expire: packages after their time, requests that wait too long, and
        packages of recordings that are deleted."""
        return await self._read(
            or_(
                (_ROW.state == State.READY) & (_ROW.expires_at <= now),
                _ROW.state.in_(WAITING) & (_ROW.updated_at <= now - UNDECIDED),
                _ROW.state.in_((*WAITING, State.READY)) & _ROW.session.in_(_PURGED),
            )
        )

    async def expired(self, id: str, now: datetime) -> None:
        """Mark a request as expired, unless it is being built."""
        await self._update(
            (_ROW.id == id) & _ROW.state.in_((*WAITING, State.READY)), state=State.EXPIRED, updated_at=now
        )

    async def _move(
        self, id: str, states: Sequence[State], to: State, now: datetime, *also: ColumnElement[bool], **values: Any
    ) -> Row:
        """Change the state of a request that is in one of `states`, and for which `also` holds. Raises NotFound,
        Conflict."""
        mine = and_(_ROW.id == id, _ROW.state.in_(states), *also)
        changed = await self._update(mine, state=to, updated_at=now, **values)
        row = await self.row(id)
        if not changed:
            raise Conflict(
                f"The export is {row['state']}.", f"移交申请的状态为“{STATES[State(row['state'])]}”，不能这样办理。"
            )
        return row

    async def _update(self, which: ColumnElement[bool], **values: Any) -> int:
        counts: list[int] = []

        async def work(db: AsyncConnection) -> None:
            counts.append((await db.execute(EXPORTS.update().where(which).values(**values))).rowcount)

        await self._write(work)
        return counts[0]

    async def _read(self, *which: ColumnElement[bool]) -> list[Row]:
        query = select(EXPORTS).where(*which).order_by(_ROW.at.desc(), _ROW.id).limit(MOST)
        with storage_errors("The exports cannot be read."):
            async with reading(self._engine) as db:
                return [dict(row) for row in (await db.execute(query)).mappings()]

    async def _write(self, work: Callable[[AsyncConnection], Awaitable[None]]) -> None:
        async def whole() -> None:
            async with writing(self._engine) as db:
                await work(db)

        with storage_errors("The exports cannot be kept."):
            await self._queries.finish(whole())  # a cancelled query leaves its connection behind


STATES = {
    State.REQUESTED: "待批准",
    State.APPROVED: "已批准，待制作",
    State.REFUSED: "未批准",
    State.BUILDING: "制作中",
    State.READY: "可下载",
    State.EXPIRED: "已失效",
    State.FAILED: "制作失败",
}
"""The states in Chinese."""
