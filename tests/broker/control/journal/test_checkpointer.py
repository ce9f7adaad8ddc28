"""When a running service has the head of its journal signed, what it finds out meanwhile, and what fails."""

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from broker.control.journal import checkpointer as checkpointer_module
from broker.control.journal import reader
from broker.control.journal.checkpointer import DIFFERS, Checkpointer, Interval
from broker.control.journal.journal import Journal
from broker.control.journal.spill import NAME, Spill
from broker.kernel.clock import Instant
from tests.broker.control.journal.test_comparison import Point, rehashed
from tests.broker.control.journal.test_journal import forge, raw
from tests.support.patience import PATIENCE

SOON = 0.01


class KeptChain:
    """A chain of checkpoints in memory. `error` is raised instead of making one."""

    def __init__(self):
        self.made, self.why, self.error = [], [], None

    def last(self):
        return self.made[-1] if self.made else None

    def points(self):
        return list(self.made)

    def append(self, seq, head, at, why):
        if self.error is not None:
            raise self.error
        if not self.made or (self.made[-1].seq, self.made[-1].head) != (seq, head):
            self.made.append(Point(len(self.made) + 1, seq, head))
            self.why.append(why)
        return self.made[-1]


@pytest.fixture
def chain():
    return KeptChain()


@pytest.fixture
async def journal(store, clock, tmp_path):
    async with Journal(store.engine, clock, Spill(tmp_path / NAME)) as journal:
        yield journal


@asynccontextmanager
async def running(journal, chain, clock, entries=10, copies=None, accepted=0):
    interval = Interval(entries, 600.0)
    async with Checkpointer(journal, chain, clock, interval, copies or {}, accepted, SOON) as checkpointer:
        yield checkpointer


async def until(condition):
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(SOON)


async def fill(journal, count, kind="tick"):
    for number in range(count):
        journal.note(kind, None, "broker", {"number": number})
    await journal.flush()


class TestACheckpointIsMade:
    async def test_at_the_start_and_at_the_end(self, journal, chain, clock):
        await fill(journal, 3)
        async with running(journal, chain, clock):
            await until(lambda: chain.made)
            await fill(journal, 2)
        assert [point.seq for point in chain.made] == [3, 5] and chain.why == ["start", "stop"]

    async def test_after_so_many_entries(self, journal, chain, clock):
        await fill(journal, 1)
        async with running(journal, chain, clock, entries=10):
            await until(lambda: chain.made)
            await fill(journal, 10)
            await until(lambda: len(chain.made) == 2)
            assert (chain.why[1], chain.made[1].seq) == ("interval", 11)

    async def test_after_so_long_while_there_are_new_ones(self, journal, chain, clock):
        await fill(journal, 1)
        async with running(journal, chain, clock) as checkpointer:
            await until(lambda: chain.made)
            await fill(journal, 1)
            await until(lambda: checkpointer.status.uncovered == 1)
            clock.instant = Instant(clock.instant.wall, clock.instant.mono + 601)
            await until(lambda: len(chain.made) == 2)

    async def test_not_because_the_wall_clock_leaps(self, journal, chain, clock):
        await fill(journal, 1)
        async with running(journal, chain, clock) as checkpointer:
            await until(lambda: chain.made)
            await fill(journal, 1)
            clock.instant = Instant(clock.instant.wall + timedelta(days=400), clock.instant.mono)
            await until(lambda: checkpointer.status.uncovered == 1)
            await asyncio.sleep(5 * SOON)
            assert len(chain.made) == 1

    async def test_behind_weighty_kinds_at_once(self, journal, chain, clock):
        await fill(journal, 1)
        async with running(journal, chain, clock) as checkpointer:
            await until(lambda: chain.made)
            await fill(journal, 1)
            await until(lambda: checkpointer.status.uncovered == 1)
            await fill(journal, 1, "PasswordSet")
            await until(lambda: len(chain.made) == 2)
            assert (chain.why[1], chain.made[1].seq) == ("PasswordSet", 3)

    async def test_never_of_an_empty_journal(self, journal, chain, clock):
        async with running(journal, chain, clock):
            await asyncio.sleep(5 * SOON)
        assert chain.made == []

    async def test_with_what_was_counted_before_the_end(self, journal, chain, clock):
        async with running(journal, chain, clock):
            journal.count_refusal("WhipRefused", "not_signed_in", "p")
        seq, head = await reader.head(journal.engine)
        assert seq == 1 and (chain.made[-1].seq, chain.made[-1].head) == (seq, head)


class TestWhatDoesNotFit:
    """The alarm of the row whose hashes were made anew while the service was down, or while it runs."""

    async def rewrite(self, url, journal, seq):
        entries = await reader.entries(journal.engine)
        forge(url, "DELETE FROM journal WHERE seq >= ?", seq)
        connection = raw(url)
        changed = [reader.Entry(**{**one.columns(), "author": "x"}) if one.seq == seq else one for one in entries]
        for entry in rehashed(changed)[seq - 1 :]:
            connection.execute(f"INSERT INTO journal VALUES ({','.join('?' * 8)})", tuple(entry.columns().values()))
        connection.close()

    async def test_is_found_at_the_start(self, journal, chain, clock, url):
        await fill(journal, 9)
        async with running(journal, chain, clock):
            await until(lambda: chain.made)
        await self.rewrite(url, journal, 4)
        assert await journal.verify() is None  # the chain alone says that all is well
        async with running(journal, chain, clock) as checkpointer:
            await until(lambda: len(chain.made) > 1)
            assert checkpointer.status.trouble == "differs"
        (entry,) = [one for one in await reader.entries(journal.engine) if one.kind == DIFFERS]
        assert json.loads(entry.data) == {"kind": "rewritten", "first": 1, "last": 9, "checkpoint": 1}

    async def test_is_found_at_the_next_checkpoint_of_a_running_service(self, journal, chain, clock, url):
        async with running(journal, chain, clock) as checkpointer:
            await fill(journal, 10)
            await until(lambda: chain.made)
            await self.rewrite(url, journal, 4)
            await fill(journal, 10)
            await until(lambda: checkpointer.status.differs)
            assert checkpointer.status.differs.kind == "rewritten"

    async def test_an_entry_changed_behind_the_last_checkpoint_is_found(self, journal, chain, clock, url):
        async with running(journal, chain, clock) as checkpointer:
            await fill(journal, 10)
            await until(lambda: chain.made)
            await fill(journal, 5)
            forge(url, "UPDATE journal SET author = 'x' WHERE seq = 13")
            await fill(journal, 5)
            await until(lambda: checkpointer.status.differs)
            assert (checkpointer.status.differs.kind, checkpointer.status.differs.first) == ("changed", 13)

    async def test_a_restored_backup_is_found(self, journal, chain, clock, url):
        await fill(journal, 9)
        async with running(journal, chain, clock):
            await until(lambda: chain.made)
        forge(url, "DELETE FROM journal WHERE seq > 5")
        async with running(journal, chain, clock) as checkpointer:
            await until(lambda: checkpointer.status.differs)

    async def test_of_checkpoints_that_were_looked_into_is_no_alarm_any_more(self, journal, chain, clock, url):
        await fill(journal, 9)
        async with running(journal, chain, clock):
            await until(lambda: chain.made)
        forge(url, "DELETE FROM journal WHERE seq > 5")  # a backup was restored
        async with running(journal, chain, clock, accepted=1) as checkpointer:
            await until(lambda: len(chain.made) == 2)
            assert checkpointer.status.trouble == ""
        entries = await reader.entries(journal.engine)
        assert not [one for one in entries if one.kind == DIFFERS]
        async with running(journal, chain, clock, accepted=0) as checkpointer:
            await until(lambda: checkpointer.status.differs)

    async def test_is_reported_once(self, journal, chain, clock, url):
        await fill(journal, 9)
        async with running(journal, chain, clock):
            await until(lambda: chain.made)
        await self.rewrite(url, journal, 4)
        async with running(journal, chain, clock) as checkpointer:
            await until(lambda: checkpointer.status.differs)
            await checkpointer._review()
            await checkpointer._review()
        assert sum(one.kind == DIFFERS for one in await reader.entries(journal.engine)) == 1


class TestWhatFails:
    async def test_a_full_disk_of_the_archive_is_shown_and_tried_again(self, journal, chain, clock, monkeypatch):
        monkeypatch.setattr(checkpointer_module, "RETRY", 0.0)
        chain.error = OSError(28, "No space left on device")
        await fill(journal, 3)
        async with running(journal, chain, clock) as checkpointer:
            await until(lambda: checkpointer.status.trouble == "no_checkpoint")
            await fill(journal, 3)  # the journal itself goes on
            chain.error = None
            await until(lambda: chain.made)
            assert checkpointer.status.trouble == "" and journal.healthy(clock.now().mono)

    async def test_a_copy_that_fails_is_shown_tried_again_and_delays_nothing(self, journal, chain, clock, monkeypatch):
        monkeypatch.setattr(checkpointer_module, "FIRST_RETRY", SOON)
        state = {"broken": True, "delivered": 0}

        def deliver():
            if state["broken"]:
                raise OSError(5, "Input/output error")
            state["delivered"] = len(chain.made)
            return len(chain.made)

        async with running(journal, chain, clock, copies={"1": deliver}) as checkpointer:
            await fill(journal, 10)
            await until(lambda: chain.made and checkpointer.status.trouble == "copy_fails")
            state["broken"] = False
            await until(lambda: state["delivered"] == 1)
            await fill(journal, 10)
            await until(lambda: state["delivered"] == 2)
            assert checkpointer.status.trouble == "" and checkpointer.status.copies == {"1": 2}

    async def test_the_last_checkpoint_is_copied_at_the_end(self, journal, chain, clock):
        delivered = []
        async with running(journal, chain, clock, copies={"1": lambda: delivered.append(len(chain.made)) or 0}):
            await fill(journal, 2)
        assert delivered[-1] == len(chain.made) == 1
