"""The credentials that terminals are given for signatures: each lasts minutes, belongs to one running program (its
`instance`), and ends with the terminal. A nonce is stored with the credential that it has led to, so that none leads to
two, in whichever process they are asked for."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from broker.control.store.base import StorePart
from broker.control.store.devices.terminals import mark_conflict
from broker.control.store.records import SignedInTerminal
from broker.control.store.secrets import new_token, token_hash
from broker.control.store.tables import terminal_sessions, terminals
from broker.kernel.errors import ChallengeRefused, TerminalConflict, TerminalRevoked
from broker.kernel.ids import RoomId, TerminalId

PREFIX = "trs"
KEPT = timedelta(days=1)
"""How long a nonce is remembered after its credential has ended; a nonce itself is good for seconds."""
INSTANCES = 500  # in one query; databases limit its parameters


@dataclass(frozen=True, slots=True)
class Signed:
    """What a terminal has proven by its signature: which terminal, which running program, by which nonce (its hash),
    and when that was given out."""

    terminal: str
    instance: str
    nonce: str
    challenged_at: datetime


class TerminalSessions(StorePart):
    """The part of the store for the credentials of terminals."""

    async def open_terminal_session(self, signed: Signed, life: timedelta) -> str:
        """Return a new credential for a terminal that has signed; it is stored nowhere.

        Raises TerminalRevoked; TerminalConflict, with `new` where the conflict is seen in this moment: a program that
        another one has superseded signs again, so that two of them run; ChallengeRefused for a nonce that was used.
        """
        token = new_token(PREFIX)
        async with self._writing() as db:
            fresh = await self._admitted(db, signed)
            if fresh:
                await self._insert(db, token, signed, life)
        if not fresh:
            raise TerminalConflict(new=True)
        return token

    async def _admitted(self, db: AsyncConnection, signed: Signed) -> bool:
        """Whether the terminal may sign in; False where a conflict was found, and stored, just now."""
        row = (await db.execute(select(terminals).where(terminals.c.id == signed.terminal))).one_or_none()
        if row is None or row.revoked_at is not None:
            raise TerminalRevoked()
        if row.conflicted_at is not None:
            raise TerminalConflict()
        if (await db.execute(_one(terminal_sessions.c.nonce == signed.nonce))).first() is not None:
            raise ChallengeRefused()
        mine = (terminal_sessions.c.terminal == signed.terminal) & (terminal_sessions.c.instance == signed.instance)
        returned = mine & (terminal_sessions.c.superseded_at < signed.challenged_at)
        if (await db.execute(_one(returned))).first() is None:
            return True
        await mark_conflict(db, signed.terminal, self.clock.now().wall)
        return False

    async def _insert(self, db: AsyncConnection, token: str, signed: Signed, life: timedelta) -> None:
        now = self.clock.now().wall
        await db.execute(delete(terminal_sessions).where(terminal_sessions.c.expires_at < now - KEPT))
        values: dict[str, Any] = {"hash": token_hash(token), "terminal": signed.terminal, "instance": signed.instance}
        values |= {"nonce": signed.nonce, "challenged_at": signed.challenged_at, "expires_at": now + life}
        await db.execute(insert(terminal_sessions).values(values))

    async def terminal_by_token(self, token: str) -> SignedInTerminal | None:
        """Return the terminal with this credential, or None where it is unknown or has ended."""
        query = _signed_in(self.clock.now().wall).where(terminal_sessions.c.hash == token_hash(token))
        async with self._reading() as db:
            row = (await db.execute(query)).one_or_none()
        return _record(row) if row is not None else None

    async def supersede_instances(self, terminal: str, instance: str) -> None:
        """End all credentials of a terminal but those of one running program, which has taken the place of others. One
        of these that signs again later proves that both run."""
        others = (terminal_sessions.c.terminal == terminal) & (terminal_sessions.c.instance != instance)
        async with self._writing() as db:
            open_ones = others & terminal_sessions.c.superseded_at.is_(None)
            if (await db.execute(_one(open_ones))).first() is not None:
                now = self.clock.now().wall
                await db.execute(update(terminal_sessions).where(open_ones).values(superseded_at=now))

    async def _terminals_of(
        self, db: AsyncConnection, instances: Collection[tuple[str, str]]
    ) -> dict[tuple[str, str], SignedInTerminal]:
        """Return the terminals that are signed in, by their ids and running programs. What goes on under one credential
        of a program goes on while the program holds any."""
        names = [instance for _, instance in instances]
        query = _signed_in(self.clock.now().wall).where(terminal_sessions.c.instance.in_(names))
        found = {(row.id, row.instance): _record(row) for row in await db.execute(query)}
        return {pair: found[pair] for pair in instances if pair in found}

    async def _terminal_tokens(self, db: AsyncConnection) -> dict[str, str]:
        """Return the ids of the terminals that are signed in by the hashes of their credentials."""
        rows = await db.execute(_signed_in(self.clock.now().wall))
        return {row.hash: row.id for row in rows}


def _one(which: ColumnElement[bool]) -> Select[Any]:
    return select(terminal_sessions.c.hash).where(which).limit(1)


def _signed_in(now: datetime) -> Select[Any]:
    sessions = terminal_sessions.c
    return (
        select(sessions.hash, sessions.instance, terminals.c.id, terminals.c.room, terminals.c.site)
        .join(terminals, terminals.c.id == sessions.terminal)
        .where(
            sessions.expires_at > now,
            sessions.superseded_at.is_(None),
            terminals.c.revoked_at.is_(None),
            terminals.c.conflicted_at.is_(None),
        )
    )


def _record(row: Row[Any]) -> SignedInTerminal:
    return SignedInTerminal(TerminalId(row.id), RoomId(row.room or ""), row.site, row.instance)
