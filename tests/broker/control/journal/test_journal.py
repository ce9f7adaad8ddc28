"""The journal: entries with their authors, an unbroken chain, and a database that does not answer."""

import asyncio
import json
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from broker.control.journal import reader
from broker.control.journal.entry import digest_of
from broker.control.journal.journal import Journal
from broker.control.store.store import Store
from broker.kernel.errors import StorageUnavailable
from broker.kernel.hash_chain import GENESIS

LOCK_WAIT = 0.2


@pytest.fixture
async def journal(store, clock):
    async with Journal(store.engine, clock) as journal:
        yield journal


def raw(url):
    """Return a connection past the store, as an attacker with the file has."""
    return sqlite3.connect(url.removeprefix("sqlite+aiosqlite:///"), isolation_level=None)


def forge(url, statement, *values):
    connection = raw(url)
    connection.execute("DROP TRIGGER journal_no_update")
    connection.execute("DROP TRIGGER journal_no_delete")
    connection.execute(statement, values)
    connection.close()


async def fill(journal, count=5):
    for number in range(count):
        journal.note("gate_opened", "ses_1", "broker", {"number": number})
    await journal.flush()


class TestEntry:
    async def test_has_its_author_kind_time_and_session(self, journal, clock):
        journal.note("hold_ordered", "ses_1", "user:li", {"article": "YN-16-2"})
        await journal.flush()
        (entry,) = await journal.entries("ses_1")
        assert (entry.kind, entry.author, entry.seq) == ("hold_ordered", "user:li", 1)
        assert entry.data == '{"article":"YN-16-2"}'
        assert entry.at == clock.now().wall.isoformat(timespec="microseconds")
        assert entry.prev_hash == GENESIS

    async def test_keeps_the_order_of_noting_across_sessions(self, journal):
        for number in range(1200):  # more than one transaction takes
            journal.note("tick", f"ses_{number % 2}", "broker", {"number": number})
        await journal.flush()
        first = await journal.entries("ses_0", limit=2000)
        assert [entry.seq for entry in first] == list(range(1, 1201, 2))
        assert await journal.verify() is None

    async def test_is_frozen_when_noted(self, journal):
        data = {"people": ["a"]}
        journal.note("check_in", "ses_1", "user:li", data)
        data["people"].append("b")
        await journal.flush()
        assert (await journal.entries())[0].data == '{"people":["a"]}'

    async def test_from_a_hostile_client_does_not_stop_the_others(self, journal):
        journal.note("refused", "\ud800\0" * 50, "nobody\ud800", {"note": "\ud800\0"})
        journal.note("gate_opened", "ses_1", "broker")
        await journal.flush()
        assert len(await journal.entries()) == 2
        assert await journal.verify() is None

    async def test_of_a_value_without_canonical_json_is_refused_at_once(self, journal):
        with pytest.raises(TypeError):
            journal.note("odd", None, "broker", {"what": object()})
        with pytest.raises(ValueError):
            journal.note("odd", None, "broker", {"what": float("nan")})


class TestChain:
    async def test_cannot_be_changed_through_the_database(self, journal, url):
        await fill(journal)
        connection = raw(url)
        for change in (
            "UPDATE journal SET author = 'x'",
            "DELETE FROM journal",
            "DELETE FROM journal WHERE seq = 5",
            "INSERT OR REPLACE INTO journal SELECT 1, at, session, 'x', author, data, prev_hash,"
            " 'h' FROM journal WHERE seq = 1",
        ):
            with pytest.raises(sqlite3.IntegrityError):
                connection.execute(change)
        connection.close()
        assert await journal.verify() is None

    @pytest.mark.parametrize("column", ["at", "session", "kind", "author", "data", "hash"])
    async def test_names_the_entry_in_which_one_byte_was_flipped(self, journal, url, column):
        await fill(journal)
        forge(
            url,
            f"UPDATE journal SET {column} = substr({column}, 1, 2)"
            f" || char(unicode(substr({column}, 3, 1)) + 1) || substr({column}, 4) WHERE seq = 3",
        )
        assert await journal.verify() == 3

    async def test_names_an_entry_that_cannot_be_decoded(self, journal, url):
        await fill(journal)
        forge(url, "UPDATE journal SET data = CAST(x'7bff7d' AS TEXT) WHERE seq = 4")
        assert await journal.verify() == 4

    async def test_names_the_place_of_a_removed_entry(self, journal, url):
        await fill(journal)
        forge(url, "DELETE FROM journal WHERE seq = 2")
        assert await journal.verify() == 2

    async def test_finds_an_entry_that_was_rewritten_with_its_hash(self, journal, url):
        """An attacker who recomputes one hash has to recompute all that follow."""
        await fill(journal)
        entry = (await journal.entries())[2]
        changed = reader.Entry(**{**entry.columns(), "author": "another author"})
        forge(
            url,
            "UPDATE journal SET author = ?, hash = ? WHERE seq = 3",
            changed.author,
            digest_of(changed),
        )
        assert await journal.verify() == 4

    async def test_shows_a_removed_end_by_its_head(self, journal, store, url):
        await fill(journal)
        before = await reader.head(store.engine)
        forge(url, "DELETE FROM journal WHERE seq = 5")
        assert await journal.verify() is None
        assert await reader.head(store.engine) != before

    async def test_is_unbroken_when_two_processes_append(self, journal, url, clock):
        async with Store(url, clock) as other, Journal(other.engine, clock) as second:
            for number in range(50):
                journal.note("server", None, "broker", {"number": number})
                second.note("command", None, "admin", {"number": number})
                await asyncio.gather(journal.flush(), second.flush())
        assert await journal.verify() is None
        assert len(await journal.entries()) == 100


class TestDatabaseThatDoesNotAnswer:
    @pytest.fixture
    async def impatient(self, url, clock):
        async with Store(url, clock, busy_seconds=LOCK_WAIT) as store:
            yield store

    @pytest.fixture
    def locked(self, url):
        """A write transaction of another process; `rollback()` ends it."""
        connection = raw(url)
        connection.execute("BEGIN IMMEDIATE")
        yield connection
        connection.close()

    async def test_makes_the_journal_unhealthy_and_it_catches_up(self, impatient, locked, clock):
        async with Journal(impatient.engine, clock) as journal:
            assert journal.healthy(clock.now().mono)
            journal.note("gate_opened", "ses_1", "broker")
            with pytest.raises(StorageUnavailable):
                await journal.flush()
            assert not journal.healthy(clock.now().mono)
            locked.rollback()
            await journal.flush()
            assert journal.healthy(clock.now().mono)
            assert len(await journal.entries()) == 1

    async def test_is_noticed_by_age_before_the_attempt_has_failed(self, store, locked, clock):
        async with Journal(store.engine, clock) as journal:
            journal.note("gate_opened", "ses_1", "broker")
            clock.forward(timedelta(seconds=2))
            assert journal.healthy(clock.now().mono)
            clock.forward(timedelta(seconds=0.1))
            assert not journal.healthy(clock.now().mono)
            locked.rollback()

    async def test_drops_nothing_of_the_system_however_much_gathers(self, impatient, locked, clock):
        async with Journal(impatient.engine, clock) as journal:
            for number in range(12_000):  # more than was kept in former versions
                journal.note("tick", "ses_1", "broker", {"number": number})
            with pytest.raises(StorageUnavailable):
                await journal.flush_own()
            assert journal.backlog == 12_000
            locked.rollback()
            await journal.flush_own()
            assert journal.healthy(clock.now().mono)
        entries = await reader.entries(impatient.engine, limit=20_000)
        assert [json.loads(entry.data)["number"] for entry in entries] == list(range(12_000))

    async def test_makes_closing_raise_where_entries_are_not_written(self, impatient, locked, clock):
        with pytest.raises(StorageUnavailable):
            async with Journal(impatient.engine, clock) as journal:
                journal.note("gate_opened", "ses_1", "broker")

    async def test_refuses_every_write_of_the_store_and_reads_go_on(self, impatient, locked):
        with pytest.raises(StorageUnavailable):
            await impatient.add_api_key("预约系统")
        assert await impatient.api_keys() == []
        await impatient.health()

    async def test_is_storage_unavailable_where_its_folder_is_missing(self, tmp_path):
        gone = Store(f"sqlite+aiosqlite:///{tmp_path}/none/huijian.sqlite")
        for query in (gone.open(), gone.health(), gone.sites(), reader.verify(gone.engine)):
            with pytest.raises(StorageUnavailable):
                await query
        await gone.close()

    async def test_is_storage_unavailable_where_the_file_is_no_database(self, tmp_path):
        Path(tmp_path / "text.sqlite").write_text("this is not a database" * 100, encoding="utf-8")
        store = Store(f"sqlite+aiosqlite:///{tmp_path}/text.sqlite")
        with pytest.raises(StorageUnavailable):
            await store.open()
        await store.close()

    async def test_a_journal_that_does_not_run_is_not_healthy(self, store, clock):
        journal = Journal(store.engine, clock)
        assert not journal.healthy(clock.now().mono)
        journal.note("early", None, "broker")
        with pytest.raises(StorageUnavailable):
            await journal.flush()
