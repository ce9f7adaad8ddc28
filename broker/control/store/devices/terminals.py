"""The enrolled terminals of rooms (Yunnan 27(1)) and the spares of sites, known by the public key whose private half
never leaves it; how they are enrolled, revoked, and what becomes of it when its key is used in two places."""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Row, Select, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from broker.control.store.base import StorePart
from broker.control.store.devices.codes import ATTEMPTS, Code, new_code, read_code
from broker.control.store.records import Terminal
from broker.control.store.secrets import token_hash
from broker.control.store.tables import enrolment_codes, rooms, sites, terminal_sessions, terminals
from broker.kernel.errors import Conflict, EnrolmentRefused, NotFound
from broker.kernel.ids import RoomId, SiteId, TerminalId, new_id

_IN_USE = terminals.c.revoked_at.is_(None)
_OPEN = enrolment_codes.c.used_at.is_(None) & (enrolment_codes.c.attempts < ATTEMPTS)


@dataclass(frozen=True, slots=True)
class PublicKey:
    """The public key of a terminal: SubjectPublicKeyInfo in DER, and what keeps the private one (`file` or `tpm`)."""

    der: bytes
    kind: str

    @property
    def text(self) -> str:
        """The key as it is stored: DER in Base64."""
        return base64.b64encode(self.der).decode("ascii")


@dataclass(frozen=True, slots=True)
class OpenedCode:
    """A code that was made a moment ago; `code` is stored nowhere. `room` is "" for a spare of the site."""

    code: str
    room: str
    expires_at: datetime
    site: str = ""


class Place(NamedTuple):
    """Where a terminal is enrolled: a room of a site, or, for a spare, the site alone."""

    site: str
    room: str | None = None


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A terminal that was enrolled, and the id of the one that it has replaced, "" where the room had none."""

    terminal: Terminal
    replaced: str = ""


class Terminals(StorePart):
    """The part of the store for terminals."""

    async def open_enrolment(self, room: str, life: timedelta, by: str, replace: bool = False) -> OpenedCode:
        """Make a one-time code for the terminal of a room; it replaces a code of this room that was not used.

        A room has one terminal (Yunnan 27(1)): where it has one, `replace` has it revoked in the moment in which the
        code is used; without it Conflict is raised, as for a closed room. Raises NotFound where there is no such room.
        """
        code, now = new_code(), self.clock.now().wall
        read = read_code(code)
        assert read is not None  # it is one
        async with self._writing() as db:
            site = await _site_of_open_room(db, room)
            if not replace:
                await _check_free(db, room)
            await db.execute(delete(enrolment_codes).where(enrolment_codes.c.room == room))
            await _keep_code(db, read, Place(site, room), replace, now, now + life, by)
        return OpenedCode(code, room, now + life, site)

    async def open_spare_enrolment(self, site: str, life: timedelta, by: str) -> OpenedCode:
        """Make a one-time code for a spare terminal of a site (备用终端), which acts for no room before an approver
        says so. Raises NotFound where there is no such site, Conflict where it is closed."""
        code, now = new_code(), self.clock.now().wall
        read = read_code(code)
        assert read is not None  # it is one
        async with self._writing() as db:
            row = (await db.execute(select(sites).where(sites.c.id == site))).one_or_none()
            if row is None:
                raise NotFound(f"There is no site {site}.", f"没有单位 {site}。")
            if row.closed_at is not None:
                raise Conflict(f"Site {site} is closed.", f"单位 {site} 已停用。")
            await _keep_code(db, read, Place(site), False, now, now + life, by)
        return OpenedCode(code, "", now + life, site)

    async def open_codes(self) -> dict[str, datetime]:
        """Return until when codes wait to be typed, by the rooms that they are for; a spare's is for none."""
        alive = _OPEN & (enrolment_codes.c.expires_at > self._wall) & enrolment_codes.c.room.is_not(None)
        async with self._reading() as db:
            rows = await db.execute(select(enrolment_codes).where(alive).order_by(enrolment_codes.c.expires_at))
            return {row.room: row.expires_at for row in rows}

    async def enrol_by_code(self, text: str, key: PublicKey) -> Enrolled:
        """Enrol the terminal that a code was typed at, with its public key.

        Raises EnrolmentRefused for a code that is wrong, used or too old, or was guessed at too often, all in the same
        words; Conflict where the room or the key has a terminal.
        """
        code, now = read_code(text), self.clock.now().wall
        if code is None:
            raise EnrolmentRefused()
        async with self._writing() as db:
            guessed = (enrolment_codes.c.group == code.group) & _OPEN & (enrolment_codes.c.expires_at > now)
            row = (await db.execute(select(enrolment_codes).where(guessed))).one_or_none()
            if row is not None and hmac.compare_digest(row.hash, code.hash):
                await db.execute(update(enrolment_codes).where(guessed).values(used_at=now))
                return await _enrol(db, Place(row.site, row.room), key, now, row.replaces)
            await db.execute(update(enrolment_codes).where(guessed).values(attempts=enrolment_codes.c.attempts + 1))
        raise EnrolmentRefused()

    async def enrol_terminal(self, room: str, key: PublicKey, replace: bool = False) -> Enrolled:
        """Enrol a terminal whose public key is at hand, without a code: that of a demonstration. Raises NotFound or
        Conflict."""
        async with self._writing() as db:
            place = Place(await _site_of_room(db, room), room)
            return await _enrol(db, place, key, self.clock.now().wall, replace)

    async def migrate_terminal(self, token: str, key: PublicKey) -> Terminal:
        """Give a key to a terminal that a former version has enrolled by a bearer token; the token is worth nothing
        afterwards. Raises EnrolmentRefused where it is no such token, Conflict where the key has a terminal."""
        mine = (terminals.c.token_hash == token_hash(token)) & _IN_USE
        async with self._writing() as db:
            id = (await db.execute(select(terminals.c.id).where(mine))).scalar()
            if id is None:
                raise EnrolmentRefused()
            await _check_new(db, key)
            await db.execute(update(terminals).where(mine).values(token_hash=None, **_columns(key, self._wall)))
            return await _found(db, id)

    async def terminal(self, id: str) -> Terminal | None:
        """Return the terminal with this id, also where it is revoked; None where there was never one."""
        async with self._reading() as db:
            row = (await db.execute(_terminals().where(terminals.c.id == id))).one_or_none()
        return _terminal(row) if row is not None else None

    async def terminals(self) -> list[Terminal]:
        """Return all terminals that were ever enrolled, by room and then by age."""
        query = _terminals().order_by(terminals.c.room, terminals.c.enrolled_at)
        async with self._reading() as db:
            return [_terminal(row) for row in await db.execute(query)]

    async def conflicted_terminals(self) -> int:
        """Return how many terminals are refused because their key was used in two places."""
        query = select(func.count()).select_from(terminals).where(_IN_USE, terminals.c.conflicted_at.is_not(None))
        async with self._reading() as db:
            return int((await db.execute(query)).scalar_one())

    async def revoke_terminal(self, id: str) -> None:
        """Revoke a terminal for good. Raises NotFound where no such terminal is in use."""
        async with self._writing() as db:
            done = await db.execute(
                update(terminals).where(terminals.c.id == id, _IN_USE).values(revoked_at=self._wall)
            )
            if done.rowcount == 0:
                raise NotFound(f"There is no terminal {id} in use.", f"没有在用终端 {id}。")

    async def conflict_terminal(self, id: str) -> bool:
        """Refuse a terminal whose key is used in two places, until an administrator decides; return False where it is
        refused already, or not in use."""
        async with self._writing() as db:
            return await mark_conflict(db, id, self._wall)

    async def readmit_terminal(self, room: str) -> Terminal:
        """Admit the terminal of a room again whose key was used in two places; a spare is named by its own id. All that
        was signed in under it stays signed out. Raises NotFound where there is no such terminal."""
        mine = or_(terminals.c.room == room, terminals.c.home == room, terminals.c.id == room)
        mine = mine & _IN_USE & terminals.c.conflicted_at.is_not(None)
        async with self._writing() as db:
            id = (await db.execute(select(terminals.c.id).where(mine).limit(1))).scalar()
            if id is None:
                raise NotFound(
                    f"No terminal of room {room} waits for a decision.", f"会见室 {room} 没有待处理的终端身份冲突。"
                )
            await db.execute(update(terminals).where(terminals.c.id == id).values(conflicted_at=None))
            ended = terminal_sessions.c.terminal == id
            values = {"expires_at": self._wall, "superseded_at": None}
            await db.execute(update(terminal_sessions).where(ended).values(values))
            return await _found(db, id)

    @property
    def _wall(self) -> datetime:
        return self.clock.now().wall


async def mark_conflict(db: AsyncConnection, id: str, now: datetime) -> bool:
    """Mark a terminal whose key is used in two places, in the caller's transaction; return whether it was not marked
    before."""
    mine = (terminals.c.id == id) & _IN_USE & terminals.c.conflicted_at.is_(None)
    done = await db.execute(update(terminals).where(mine).values(conflicted_at=now))
    return bool(done.rowcount)


async def _enrol(db: AsyncConnection, place: Place, key: PublicKey, now: datetime, replace: bool) -> Enrolled:
    await _check_new(db, key)
    replaced = ""
    if place.room is not None and replace:
        replaced = await _withdraw(db, place.room, now)
    elif place.room is not None:
        await _check_free(db, place.room)
    values = {"id": new_id("trm"), "site": place.site, "room": place.room, "home": place.room, "enrolled_at": now}
    await db.execute(insert(terminals).values({**values, **_columns(key, now)}))
    return Enrolled(await _found(db, str(values["id"])), replaced)


async def _withdraw(db: AsyncConnection, room: str, now: datetime) -> str:
    """Revoke the terminal of a room and return its id, "" for none; a spare that acts for the room leaves it."""
    own = (terminals.c.home == room) & _IN_USE
    replaced = (await db.execute(select(terminals.c.id).where(own))).scalar() or ""
    await db.execute(update(terminals).where(own).values(revoked_at=now))
    await db.execute(update(terminals).where((terminals.c.room == room) & _IN_USE).values(room=None))
    return replaced


async def _keep_code(
    db: AsyncConnection, code: Code, place: Place, replace: bool, now: datetime, until: datetime, by: str
) -> None:
    stale = (enrolment_codes.c.group == code.group) | (enrolment_codes.c.expires_at <= now)
    await db.execute(delete(enrolment_codes).where(stale))
    values = {"group": code.group, "hash": code.hash, "site": place.site, "room": place.room, "replaces": replace}
    await db.execute(insert(enrolment_codes).values(created_at=now, expires_at=until, by=by, attempts=0, **values))


def _columns(key: PublicKey, now: datetime) -> dict[str, Any]:
    return {"public_key": key.text, "key_kind": key.kind, "key_at": now}


async def _site_of_room(db: AsyncConnection, room: str) -> str:
    """Return the site of a room. Raises NotFound."""
    site: str | None = (await db.execute(select(rooms.c.site).where(rooms.c.id == room))).scalar()
    if site is None:
        raise NotFound(f"There is no room {room}.", f"没有会见室 {room}。")
    return site


async def _site_of_open_room(db: AsyncConnection, room: str) -> str:
    """Return the site of a room that is open. Raises NotFound or Conflict."""
    site = await _site_of_room(db, room)
    if (await db.execute(select(rooms.c.closed_at).where(rooms.c.id == room))).scalar() is not None:
        raise Conflict(f"Room {room} is closed.", f"会见室 {room} 已停用。")
    return site


async def _check_free(db: AsyncConnection, room: str) -> None:
    present = select(terminals.c.id).where(or_(terminals.c.room == room, terminals.c.home == room), _IN_USE)
    if (await db.execute(present)).first() is not None:
        raise Conflict(
            f"Room {room} has a terminal; revoke or replace it.", f"会见室 {room} 已登记终端，请先注销或替换。"
        )


async def _check_new(db: AsyncConnection, key: PublicKey) -> None:
    """Raise Conflict where a terminal has, or had, this key: a revoked one must not come back under another name."""
    if (await db.execute(select(terminals.c.id).where(terminals.c.public_key == key.text))).first() is not None:
        raise Conflict(
            "This key belongs, or belonged, to a terminal: make a new one.", "该密钥已登记过终端，请重新生成密钥。"
        )


async def _found(db: AsyncConnection, id: str) -> Terminal:
    return _terminal((await db.execute(_terminals().where(terminals.c.id == id))).one())


def _terminals() -> Select[Any]:
    return select(terminals)


def _terminal(row: Row[Any]) -> Terminal:
    der = base64.b64decode(row.public_key) if row.public_key else b""
    return Terminal(
        TerminalId(row.id),
        RoomId(row.room or ""),
        SiteId(row.site),
        row.enrolled_at,
        row.revoked_at,
        key_kind=row.key_kind or "",
        key_at=row.key_at,
        fingerprint=hashlib.sha256(der).hexdigest()[:32] if der else "",
        conflicted_at=row.conflicted_at,
        home=RoomId(row.home) if row.home else None,
        public_key=der,
    )
