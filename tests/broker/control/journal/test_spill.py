"""The file beside a silent database: the system's entries survive, in order, each once."""

import json

import pytest

from broker.control.journal import reader
from broker.control.journal.journal import Journal
from broker.control.journal.spill import CAUGHT_UP, NAME, Spill
from broker.control.store.store import Store
from broker.kernel import atomic_files
from broker.kernel.errors import StorageUnavailable
from tests.broker.control.journal.test_journal import raw


@pytest.fixture
def path(tmp_path):
    return tmp_path / NAME


@pytest.fixture
async def impatient(url, clock):
    async with Store(url, clock, busy_seconds=0.1) as store:
        yield store


@pytest.fixture
def locked(url):
    connection = raw(url)
    connection.execute("BEGIN IMMEDIATE")
    yield connection
    connection.close()


async def numbers(engine):
    entries = await reader.entries(engine, limit=10_000)
    return [json.loads(entry.data)["number"] for entry in entries if entry.kind == "tick"]


async def fail_with(journal, count, start=0):
    for number in range(start, start + count):
        journal.note("tick", "ses_1", "broker", {"number": number})
    with pytest.raises(StorageUnavailable):
        await journal.flush_own()


async def test_what_a_silent_database_does_not_take_is_on_disk_at_once(impatient, locked, clock, path):
    async with Journal(impatient.engine, clock, Spill(path)) as journal:
        await fail_with(journal, 10)
        assert path.read_bytes().count(b"tick") == 10 and path.stat().st_mode & 0o777 == 0o600
        assert journal.backlog == 10 and not journal.healthy(clock.now().mono)
        locked.rollback()
        await journal.flush_own()
        assert journal.healthy(clock.now().mono) and not path.exists()
    assert await numbers(impatient.engine) == list(range(10))


async def test_the_order_is_kept_over_several_failures(impatient, locked, clock, path):
    async with Journal(impatient.engine, clock, Spill(path)) as journal:
        for start in (0, 700, 1400):
            await fail_with(journal, 700, start)
        locked.rollback()
        journal.note("tick", "ses_1", "broker", {"number": 2100})
        await journal.flush_own()
    assert await numbers(impatient.engine) == list(range(2101))
    assert await reader.verify(impatient.engine) is None


async def test_the_next_start_enters_what_the_last_process_left(impatient, locked, clock, path):
    async with Journal(impatient.engine, clock, Spill(path)) as journal:
        await fail_with(journal, 5)
    locked.rollback()
    async with Journal(impatient.engine, clock, Spill(path)) as journal:
        journal.note("tick", "ses_1", "broker", {"number": 5})
        await journal.flush_own()
    assert await numbers(impatient.engine) == list(range(6)) and not path.exists()


async def test_a_process_that_dies_before_the_file_is_gone_enters_nothing_twice(impatient, locked, clock, path):
    async with Journal(impatient.engine, clock, Spill(path)) as journal:
        await fail_with(journal, 5)
        left = path.read_bytes()
        locked.rollback()
        await journal.flush_own()
    path.write_bytes(left)  # as if the process had died between the transaction and the removal
    async with Journal(impatient.engine, clock, Spill(path)) as journal:
        await journal.flush_own()
        assert journal.healthy(clock.now().mono)
    assert await numbers(impatient.engine) == list(range(5)) and not path.exists()


async def test_a_line_that_a_crash_has_cut_off_costs_that_line_alone(impatient, locked, clock, path):
    async with Journal(impatient.engine, clock, Spill(path)) as journal:
        await fail_with(journal, 5)
    path.write_bytes(path.read_bytes()[:-20])
    locked.rollback()
    async with Journal(impatient.engine, clock, Spill(path)) as journal:
        await journal.flush_own()
    assert await numbers(impatient.engine) == list(range(4))


async def test_a_full_disk_leaves_the_entries_in_memory_and_none_twice(impatient, locked, clock, path, monkeypatch):
    whole = atomic_files.append_lines

    def torn(file, lines):
        whole(file, lines[:3])
        raise OSError(28, "No space left on device")

    async with Journal(impatient.engine, clock, Spill(path)) as journal:
        monkeypatch.setattr(atomic_files, "append_lines", torn)
        await fail_with(journal, 5)
        assert journal.backlog == 5 and path.read_bytes() == b""
        monkeypatch.setattr(atomic_files, "append_lines", whole)
        await fail_with(journal, 5, 5)
        locked.rollback()
        await journal.flush_own()
    assert await numbers(impatient.engine) == list(range(10))


async def test_the_chain_says_what_came_from_the_file(impatient, locked, clock, path):
    async with Journal(impatient.engine, clock, Spill(path)) as journal:
        await fail_with(journal, 5)
        locked.rollback()
        await journal.flush_own()
    (entry,) = [one for one in await reader.entries(impatient.engine) if one.kind == CAUGHT_UP]
    assert json.loads(entry.data)["lines"] == 5
