"""The store of the control process and of the admin commands, put together from its parts.

Each call is one transaction and reads the database anew, so that a running server sees at once what an admin command
writes. Errors are those of broker/kernel/errors.py, StorageUnavailable above all.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple, Self, TypeVar

from sqlalchemy import text

from broker.control.rules.account_changes import AccountChanges
from broker.control.rules.announcements import Announcements
from broker.control.rules.closings import Closings
from broker.control.rules.session_rules import Packs
from broker.control.store.absences import Absences
from broker.control.store.accounts import Accounts
from broker.control.store.devices.equipment_tests import EquipmentTests
from broker.control.store.devices.reports import Reports
from broker.control.store.devices.sessions import INSTANCES, TerminalSessions
from broker.control.store.devices.spares import Spares
from broker.control.store.devices.terminals import Terminals
from broker.control.store.drills.officers import DrillOfficer, DrillOfficers
from broker.control.store.drills.results import Drills
from broker.control.store.eligibility import Eligibility
from broker.control.store.extensions import Extensions
from broker.control.store.history.index import HistoryIndex
from broker.control.store.history.inspections import Inspections
from broker.control.store.history.marks import Marks
from broker.control.store.history.ratings import Ratings
from broker.control.store.history.search import HistorySearch
from broker.control.store.history.verifications import StoredVerifications
from broker.control.store.migrations import is_current
from broker.control.store.people import Documents
from broker.control.store.rebookings import Rebookings
from broker.control.store.records import ApiKey, SignedInTerminal, User
from broker.control.store.registry import Registry
from broker.control.store.sign_in.factors import Factors
from broker.control.store.sign_in.identities import Identities
from broker.control.store.sign_in.invitations import Invitations
from broker.control.store.sign_in.sessions import SignInSessions
from broker.control.store.slots import Visits
from broker.control.store.suspensions import Suspensions
from broker.kernel.clock import Clock, SystemClock
from broker.kernel.database import BUSY_SECONDS, engine_for
from broker.kernel.errors import StorageUnavailable

Item = TypeVar("Item")
HASHES = 500  # in one query; databases limit its parameters


class Holders(NamedTuple):
    """The holders of tokens: users, API keys and synthetic officers by the hash of the token, terminals by id and
    running program."""

    users: dict[str, User]
    terminals: dict[tuple[str, str], SignedInTerminal]
    keys: dict[str, ApiKey]
    synthetic: dict[str, DrillOfficer]


class Store(
    Registry,
    Closings,
    Terminals,
    TerminalSessions,
    Spares,
    Reports,
    EquipmentTests,
    Accounts,
    SignInSessions,
    Factors,
    Invitations,
    Identities,
    AccountChanges,
    Visits,
    Documents,
    Extensions,
    Inspections,
    Suspensions,
    Rebookings,
    Absences,
    Eligibility,
    Packs,
    Announcements,
    Drills,
    DrillOfficers,
    HistoryIndex,
    HistorySearch,
    Marks,
    StoredVerifications,
    Ratings,
):
    """The store in the database at `url` (see broker.kernel.database.engine_for). Migrations make its schema."""

    def __init__(self, url: str, clock: Clock | None = None, busy_seconds: float = BUSY_SECONDS) -> None:
        super().__init__(engine_for(url, busy_seconds), clock or SystemClock())

    async def open(self) -> None:
        """Check that the database is there and has this version's schema. Raises StorageUnavailable."""
        async with self._reading() as db:
            if not await db.run_sync(is_current):
                raise StorageUnavailable(
                    "The database has another schema; run the migrations.", "数据库结构版本不符，请先升级。"
                )

    async def close(self) -> None:
        """Close all connections to the database."""
        await self.engine.dispose()

    async def health(self) -> None:
        """Ask the database for nothing in particular. Raises StorageUnavailable where it does not answer."""
        async with self._reading() as db:
            await db.execute(text("SELECT 1"))

    async def holders(self, hashes: Iterable[str], instances: Iterable[tuple[str, str]]) -> Holders:
        """Return who holds the tokens with these hashes, by hash, and which of these terminals are signed in, by
        terminal and running program, in one view of the database; what is expired, revoked or disabled is left out."""
        users: dict[str, User] = {}
        synthetic: dict[str, DrillOfficer] = {}
        terminals: dict[tuple[str, str], SignedInTerminal] = {}
        keys: dict[str, ApiKey] = {}
        async with self._reading() as db:
            for some in batched(hashes, HASHES):
                users |= await self._users_of(db, some)
                keys |= await self._keys_of(db, some)
                synthetic |= await self._drill_officers_of(db, some)
            for pairs in batched(instances, INSTANCES):
                terminals |= await self._terminals_of(db, pairs)
        return Holders(users, terminals, keys, synthetic)

    async def authors_by_token_hash(self) -> dict[str, str]:
        """Return all credentials that are valid now, by their digests (`token_hash`), with their authors as the journal
        has them: `user:li`, `terminal:trm_…`, `integrator:key_…`, `observer:key_…`."""
        async with self._reading() as db:
            found = await self._account_tokens(db)
            signed_in = await self._terminal_tokens(db)
            found |= await self._drill_tokens(db)
        return found | {hash: f"terminal:{id}" for hash, id in signed_in.items()}

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def batched(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Yield the items in lists of `size` at most."""
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some
