"""The last verification of each recording: what was found, and of which manifest, so that a result outlives a restart.
A row is replaced by the next verification of the recording; the journal has all of them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, String, Table, delete, insert, select

from broker.control.store.base import StorePart
from broker.control.store.tables import metadata
from broker.kernel.database import Moment

verifications = Table(
    "verifications",
    metadata,
    Column("session", String(64), primary_key=True),
    Column("manifest", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("checked_at", Moment, nullable=False),
    Column("findings", JSON, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Verified:
    """A verification that is over. `manifest`: the hash of the manifest that it is about; `state`: sound, damaged or
    failed; `findings`: file, kind and second of each damage."""

    session: str
    manifest: str
    state: str
    checked_at: datetime
    findings: list[dict[str, Any]]


class StoredVerifications(StorePart):
    """The part of the store for results of verifications."""

    async def keep_verification(self, found: Verified) -> None:
        """Store what was found, in place of an earlier result for the same recording."""
        values = {name: getattr(found, name) for name in Verified.__dataclass_fields__}
        async with self._writing() as db:
            await db.execute(delete(verifications).where(verifications.c.session == found.session))
            await db.execute(insert(verifications).values(values))

    async def verification_of(self, session: str) -> Verified | None:
        """Return the last result for a recording, None where it was never verified."""
        async with self._reading() as db:
            row = (await db.execute(select(verifications).where(verifications.c.session == session))).first()
        return Verified(**row._mapping) if row is not None else None
