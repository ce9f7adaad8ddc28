"""Migrations make the schema that the code declares, and keep the rows of databases of former versions."""

import asyncio
import sqlite3

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from broker.control.store.migrations import migrate
from broker.control.store.store import Store
from broker.control.store.tables import metadata
from broker.kernel.database import engine_for, reading, writing
from broker.kernel.errors import StorageUnavailable
from recorder.archive.tables import METADATA as RECORDER_TABLES


class TestMigrations:
    async def test_make_exactly_the_tables_that_the_store_declares(self, store):
        def differences(db):
            ours = set(metadata.tables)
            context = MigrationContext.configure(
                db,
                opts={
                    "compare_type": True,
                    "include_name": lambda name, kind, _: kind != "table" or name in ours,
                },
            )
            return compare_metadata(context, metadata)

        async with reading(store.engine) as db:
            assert await db.run_sync(differences) == []

    async def test_can_run_again_and_in_many_processes_at_once(self, tmp_path):
        url = f"sqlite+aiosqlite:///{tmp_path / 'new.sqlite'}"
        await asyncio.gather(*(migrate(url) for _ in range(4)))
        await migrate(url)
        async with Store(url) as store:
            assert await store.sites() == []

    async def test_are_needed_before_the_store_opens(self, tmp_path):
        store = Store(f"sqlite+aiosqlite:///{tmp_path / 'empty.sqlite'}")
        with pytest.raises(StorageUnavailable, match="migrations"):
            await store.open()
        await store.close()

    async def test_refuse_a_database_of_a_newer_version(self, url):
        connection = sqlite3.connect(url.removeprefix("sqlite+aiosqlite:///"))
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
        connection.close()
        with pytest.raises(StorageUnavailable, match="version"):
            await migrate(url)

    async def test_leave_nothing_behind_where_the_folder_is_missing(self, tmp_path):
        with pytest.raises(StorageUnavailable):
            await migrate(f"sqlite+aiosqlite:///{tmp_path / 'none' / 'x.sqlite'}")

    async def test_make_the_tables_that_the_recorder_declares(self, store):
        def differences(db):
            ours = set(RECORDER_TABLES.tables)
            options = {
                "compare_type": True,
                "include_name": lambda name, kind, _: kind != "table" or name in ours,
                "include_object": lambda _object, _name, kind, *_: kind != "index",  # migrations alone declare those
            }
            return compare_metadata(MigrationContext.configure(db, opts=options), RECORDER_TABLES)

        async with reading(store.engine) as db:
            assert await db.run_sync(differences) == []


class TestConnections:
    async def test_write_ahead_sync_fully_and_check_foreign_keys(self, url):
        engine = engine_for(url)
        async with reading(engine) as db:
            found = [
                (await db.exec_driver_sql(f"PRAGMA {name}")).scalar()
                for name in ("journal_mode", "synchronous", "foreign_keys")
            ]
        await engine.dispose()
        assert found == ["wal", 2, 1]

    async def test_of_writers_hold_the_write_lock_from_their_first_moment(self, url):
        engine = engine_for(url)
        path = url.removeprefix("sqlite+aiosqlite:///")
        other = sqlite3.connect(path, timeout=0, isolation_level=None)
        async with reading(engine):
            other.execute("BEGIN IMMEDIATE")
            other.rollback()
        async with writing(engine):
            with pytest.raises(sqlite3.OperationalError):
                other.execute("BEGIN IMMEDIATE")
        other.execute("BEGIN IMMEDIATE")
        other.close()
        await engine.dispose()


class TestFormerVersions:
    """Databases of existing installations keep their rows, and no recording becomes due by an upgrade."""

    async def test_the_first_one_keeps_its_recordings_without_due_dates(self, url, monkeypatch, tmp_path):
        old = f"sqlite+aiosqlite:///{tmp_path / 'old.sqlite'}"
        with monkeypatch.context() as patch:
            patch.setattr("broker.control.store.migrations.HEAD", "0001")
            await migrate(old)
        file = sqlite3.connect(tmp_path / "old.sqlite")
        columns = "session, site, state, announced, created_at, ended_at"
        moment = "2020-01-01 00:00:00.000000"
        file.execute(f"INSERT INTO recordings ({columns}) VALUES ('ses_a', 'a', 'archived', 1, ?, ?)", (moment, moment))
        file.commit()
        await migrate(old)
        assert file.execute("SELECT session, due_at, purge FROM recordings").fetchall() == [("ses_a", None, None)]
        file.close()
        async with Store(old) as store:
            assert await store.sites() == []

    async def test_the_second_one_keeps_its_rows(self, monkeypatch, tmp_path):
        old = f"sqlite+aiosqlite:///{tmp_path / 'old.sqlite'}"
        with monkeypatch.context() as patch:
            patch.setattr("broker.control.store.migrations.HEAD", "0002")
            await migrate(old)
        file = sqlite3.connect(tmp_path / "old.sqlite")
        moment = "2026-01-01 00:00:00.000000"
        columns = "session, site, state, announced, created_at, due_at"
        file.execute(f"INSERT INTO recordings ({columns}) VALUES ('ses_a', 'a', 'archived', 1, ?, ?)", (moment, moment))
        file.execute("INSERT INTO clock_marks (boot, wall, mono) VALUES ('b', ?, 1.5)", (moment,))
        file.execute(
            "INSERT INTO recorder_locks (name, owner, boot, pid, until) VALUES ('purge', 'o', 'b', 1, ?)", (moment,)
        )
        file.commit()
        await migrate(old)
        assert file.execute("SELECT session, due_at, head FROM recordings").fetchall() == [("ses_a", moment, None)]
        assert file.execute("SELECT boot, mono FROM clock_marks").fetchall() == [("b", 1.5)]
        assert file.execute("SELECT owner FROM recorder_locks").fetchall() == [("o",)]
        assert file.execute("SELECT count(*) FROM chain_heads").fetchall() == [(0,)]
        file.close()

    async def test_the_third_one_keeps_its_sites_without_a_site_over_them(self, monkeypatch, tmp_path):
        old = f"sqlite+aiosqlite:///{tmp_path / 'old.sqlite'}"
        with monkeypatch.context() as patch:
            patch.setattr("broker.control.store.migrations.HEAD", "0003")
            await migrate(old)
        file = sqlite3.connect(tmp_path / "old.sqlite")
        file.execute("INSERT INTO sites (id, kind, name, policy) VALUES ('a', 'prison', '监狱', 'yunnan')")
        file.commit()
        file.close()
        await migrate(old)
        async with Store(old) as store:
            assert [(site.id, site.parent) for site in await store.sites()] == [("a", None)]
            assert await store.suspensions() == [] and await store.extensions_of("none") == []

    async def test_the_twelfth_one_keeps_its_terminals_with_what_refers_to_them(self, monkeypatch, tmp_path):
        old, file = await _twelfth(monkeypatch, tmp_path)
        await migrate(old)
        assert file.execute("SELECT id, room, site, home FROM terminals").fetchall() == [("trm_a", "r", "a", "r")]
        assert file.execute("SELECT terminal, instance FROM terminal_sessions").fetchall() == [("trm_a", "i")]
        assert file.execute('SELECT "group", site FROM enrolment_codes').fetchall() == [("ABCD", "a")]
        assert file.execute("PRAGMA foreign_key_check").fetchall() == []
        file.close()

    async def test_an_upgrade_that_would_leave_rows_without_what_they_refer_to_is_undone(self, monkeypatch, tmp_path):
        old, file = await _twelfth(monkeypatch, tmp_path)
        file.execute("DELETE FROM terminals")  # by a program that does not check references
        file.commit()
        with pytest.raises(StorageUnavailable, match="terminal_sessions"):
            await migrate(old)
        assert file.execute("SELECT version_num FROM alembic_version").fetchall() == [("0012",)]
        file.close()


async def _twelfth(monkeypatch, folder):
    """Return the address of a database of the twelfth schema with a terminal that has signed in, and the file."""
    old = f"sqlite+aiosqlite:///{folder / 'old.sqlite'}"
    with monkeypatch.context() as patch:
        patch.setattr("broker.control.store.migrations.HEAD", "0012")
        await migrate(old)
    file = sqlite3.connect(folder / "old.sqlite")
    moment = "2026-01-01 00:00:00.000000"
    rows = {
        "sites": {"id": "a", "kind": "prison", "name": "监狱", "policy": "yunnan"},
        "rooms": {"id": "r", "site": "a", "name": "一号"},
        "terminals": {"id": "trm_a", "room": "r", "enrolled_at": moment, "public_key": "k", "key_kind": "file"},
        "terminal_sessions": {"hash": "h", "terminal": "trm_a", "instance": "i", "nonce": "n", "challenged_at": moment}
        | {"expires_at": moment},
        "enrolment_codes": {"group": "ABCD", "hash": "h", "room": "r", "replaces": 0, "attempts": 0, "by": "cli"}
        | {"created_at": moment, "expires_at": moment},
    }
    for table, row in rows.items():
        names, marks = ", ".join(f'"{name}"' for name in row), ", ".join("?" * len(row))
        file.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(row.values()))
    file.commit()
    return old, file
