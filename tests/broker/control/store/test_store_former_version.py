"""A database of version 0.1.0 is opened as it is. The code of that version has written `database_0_1_0.sql`."""

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from broker.control.journal.journal import Journal
from broker.control.store.migrations import migrate
from broker.control.store.records import Role, SiteKind
from broker.control.store.store import Store
from broker.kernel.database import reading
from broker.kernel.ids import Side
from config.suspension import Verdict
from recorder.archive.tables import METADATA as RECORDER_TABLES

DUMP = (Path(__file__).parent / "database_0_1_0.sql").read_text("utf-8")
TOKEN = "token-of-the-version-before"
STARTS = datetime(2026, 3, 2, 2, tzinfo=UTC)


@pytest.fixture
def former(tmp_path):
    path = tmp_path / "former.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript(DUMP)
    connection.close()
    return path


@pytest.fixture
async def former_store(former, clock):
    url = f"sqlite+aiosqlite:///{former}"
    await migrate(url)
    async with Store(url, clock) as store:
        yield store


def schema(path):
    """Return every statement that made the tables, indexes and triggers, without regard to their order."""
    connection = sqlite3.connect(path)
    found = sorted(row[0] for row in connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL"))
    connection.close()
    return found


class TestSchema:
    async def test_migrations_make_the_same_tables_as_before(self, former, url):
        assert schema(Path(url.removeprefix("sqlite+aiosqlite:///"))) == schema(former)

    async def test_it_needs_no_migration_and_gets_none(self, former):
        before = schema(former)
        await migrate(f"sqlite+aiosqlite:///{former}")
        assert schema(former) == before


class TestRows:
    async def test_places_and_terminals_are_read(self, former_store):
        sites = {site.id: (site.kind, site.name, site.parent) for site in await former_store.sites()}
        assert sites["panlong"] == (SiteKind.BUREAU, "盘龙区司法局", "yunnan")
        assert [room.id for room in await former_store.rooms()] == ["p1", "v1"]
        terminal = await former_store.terminal_by_token(f"trm_{TOKEN}")
        assert terminal is not None and (terminal.room, terminal.site) == ("v1", "panlong")

    async def test_accounts_tokens_and_keys_are_read(self, former_store):
        user = await former_store.user_by_token(f"usr_{TOKEN}")
        assert user is not None and (user.id, user.role) == ("li", Role.SUPERVISOR)
        key = await former_store.api_key_by_token(f"key_{TOKEN}")
        assert key is not None and key.name == "省预约平台"

    async def test_a_slot_and_all_that_belongs_to_its_session_is_read(self, former_store):
        slot = await former_store.slot_of_session("ses_1")
        assert (slot.starts_at, slot.minutes, slot.external_id) == (STARTS, 30, "YY-1")
        assert [(person.side, person.name) for person in slot.people] == [(Side.PRISON, "张某"), (Side.VISITOR, "李某")]
        snapshot = await former_store.snapshot("ses_1")
        assert snapshot is not None and snapshot.data == {"state": "ended", "end": {"code": "completed"}}
        (extension,) = await former_store.extensions_of("ses_1")
        assert (extension.added, extension.article) == (timedelta(minutes=10), "云南 第十四条")
        (suspension,) = await former_store.suspensions()
        assert (suspension.person, suspension.taken[0].verdict) == ("per_2", Verdict.APPROVE)

    async def test_every_table_of_the_recorder_has_its_row(self, former_store):
        async with reading(former_store.engine) as db:
            for table in RECORDER_TABLES.tables.values():
                rows = (await db.execute(select(table))).mappings().all()
                assert len(rows) == 1, table.name
                assert all(value.tzinfo is UTC for value in rows[0].values() if isinstance(value, datetime)), table.name


class TestJournal:
    async def test_it_verifies_and_goes_on(self, former_store, clock):
        async with Journal(former_store.engine, clock) as journal:
            assert await journal.verify() is None
            journal.note("SiteAdded", None, "command:root", {"site": "after", "name": "之后"})
            await journal.flush()
            assert await journal.verify() is None
            assert [entry.seq for entry in await journal.entries()] == [1, 2, 3, 4]

    async def test_a_change_of_a_former_entry_is_found(self, former, former_store, clock):
        connection = sqlite3.connect(former)
        connection.execute("DROP TRIGGER journal_no_update")
        connection.execute("UPDATE journal SET author = 'command:other' WHERE seq = 2")
        connection.commit()
        connection.close()
        async with Journal(former_store.engine, clock) as journal:
            assert await journal.verify() == 2
