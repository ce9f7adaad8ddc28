"""Entries about what people ask for: each author has a share of the queue and of each minute, the rest is counted."""

import asyncio
import json
from collections import Counter
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.control.journal import journal as journal_module
from broker.control.journal import reader
from broker.control.journal.entry import Noted
from broker.control.journal.journal import Journal
from broker.control.journal.requests import OTHERS, RefusalCounts, RequestQueue
from broker.control.store.store import Store
from broker.kernel.errors import StorageUnavailable, TooMany
from tests.broker.control.journal.test_journal import raw


def noted(author, number=0, kind="OrderRefused"):
    return Noted(number, "2026-01-01T00:00:00.000000+00:00", 0.0, None, kind, author, "{}")


class TestTheQueue:
    def test_an_author_cannot_fill_it_for_others(self):
        queue = RequestQueue(capacity=100, share=10)
        assert sum(queue.add(noted("user:mallory", number)) for number in range(1000)) == 10
        assert queue.add(noted("user:li"))
        assert queue.lost == {"OrderRefused": 990}

    def test_is_bounded_however_many_authors_there_are(self):
        queue = RequestQueue(capacity=100, share=10)
        for number in range(1000):
            queue.add(noted(f"user:{number}"))
        assert len(queue) == 100 and queue.lost["OrderRefused"] == 900

    def test_has_room_again_for_an_author_whose_entries_are_written(self):
        queue = RequestQueue(capacity=100, share=2)
        assert queue.add(noted("a")) and queue.add(noted("a")) and not queue.add(noted("a"))
        queue.written(queue.first(1))
        assert queue.add(noted("a"))

    @given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=200))
    def test_whatever_comes_and_goes_each_entry_is_written_or_counted_as_lost(self, steps):
        queue, written = RequestQueue(capacity=12, share=5), 0
        for number, (author, write) in enumerate(steps):
            queue.add(noted(author, number))
            if write:
                batch = queue.first(3)
                assert [one.number for one in batch] == sorted(one.number for one in batch)
                queue.written(batch)
                written += len(batch)
            assert len(queue) <= 12
        assert written + len(queue) + sum(queue.lost.values()) == len(steps)

    def test_says_what_was_lost_once(self):
        queue = RequestQueue(capacity=1)
        for _ in range(3):
            queue.add(noted("a"))
        assert queue.take_lost() == {"OrderRefused": 2}
        assert queue.take_lost() == {}


class TestRowsOfAMinute:
    def test_are_the_first_ones_of_an_author_and_kind(self):
        queue = RequestQueue()
        assert [queue.allows("OrderRefused", "user:li", 0.0) for _ in range(32)] == [True] * 30 + [False] * 2
        assert queue.allows("SignedIn", "user:li", 0.0)
        assert queue.allows("OrderRefused", "user:wang", 0.0)
        assert queue.allows("OrderRefused", "user:li", 2.0)

    def test_are_counted_beyond_that_by_author_and_kind(self):
        queue = RequestQueue()
        for kind in ("OrderRefused", "OrderRefused", "SignedIn"):
            queue.count(kind, "user:li")
        assert queue.take_counts() == {"user:li": {"OrderRefused": 2, "SignedIn": 1}}
        assert queue.take_counts() == {}

    def test_so_many_authors_at_once_share_their_counts(self):
        queue = RequestQueue()
        for number in range(1500):
            queue.count("OrderRefused", f"user:{number}")
        counts = queue.take_counts()
        assert len(counts) == 1001 and counts[OTHERS] == {"OrderRefused": 500}


class TestRefusalsOfClientsWithoutACredential:
    def test_are_counted_by_kind_and_code_with_the_number_of_networks(self):
        counts = RefusalCounts()
        for number in range(1000):
            counts.add("WhipRefused", "not_signed_in", f"192.0.{number % 7}.0/24")
        counts.add("WhipRefused", "too_many", "192.0.2.0/24")
        assert counts.take()["refusals"] == [
            {"kind": "WhipRefused", "code": "not_signed_in", "count": 1000, "prefixes": 7},
            {"kind": "WhipRefused", "code": "too_many", "count": 1, "prefixes": 1},
        ]
        assert not counts

    def test_no_network_is_in_them(self):
        counts = RefusalCounts()
        counts.add("WhipRefused", "not_signed_in", "203.0.113.0/24")
        assert "203" not in json.dumps(counts.take())

    def test_take_bounded_memory_whatever_comes(self):
        counts = RefusalCounts()
        for number in range(20_000):
            counts.add(f"kind {number % 1000}", "code", f"{number}", f"user-{number}")
        data = counts.take()
        assert len(data["refusals"]) == 201 and sum(one["count"] for one in data["refusals"]) == 20_000
        assert len(data["accounts"]) == 20

    def test_the_accounts_that_were_tried_most_are_named(self):
        counts = RefusalCounts()
        for account in ["li"] * 3 + ["wang"] + [""] * 5:
            counts.add("SignInRefused", "not_signed_in", "p", account)
        assert counts.take()["accounts"] == {"li": 3, "wang": 1}


class TestInTheJournal:
    @pytest.fixture
    async def journal(self, store, clock):
        async with Journal(store.engine, clock) as journal:
            yield journal

    async def test_a_flood_of_strangers_is_one_row(self, journal):
        for number in range(84_179):
            journal.count_refusal("WhipRefused", "not_signed_in", f"10.0.{number % 250}.0/24")
        journal.note_counts()
        journal.note_counts()
        await journal.flush()
        (entry,) = await journal.entries()
        assert (entry.kind, entry.author) == ("RefusalsCounted", "unknown")
        (refusals,) = json.loads(entry.data)["refusals"]
        assert (refusals["count"], refusals["prefixes"]) == (84_179, 250)

    async def test_a_flood_of_a_known_caller_is_some_rows_and_a_count(self, journal):
        for number in range(500):
            journal.note_request("OrderRefused", "ses_1", "terminal:trm_1", {"number": number})
        journal.note_counts()
        await journal.flush()
        entries = await journal.entries()
        assert [entry.kind for entry in entries] == ["OrderRefused"] * 30 + ["RequestsCounted"]
        assert (
            json.loads(entries[-1].data) == {"kinds": {"OrderRefused": 470}} and entries[-1].author == "terminal:trm_1"
        )

    async def test_what_cannot_be_a_row_is_not_seen(self, journal, clock):
        for number in range(60):
            journal.note_access("RecordingSeen", f"ses_{number}", "user:auditor")
        with pytest.raises(TooMany):
            journal.note_access("RecordingSeen", "ses_60", "user:auditor")
        await journal.flush()
        assert len(await journal.entries()) == 60

    async def test_their_order_is_that_of_noting_among_entries_of_the_system(self, journal):
        for number in range(40):
            journal.note("tick", None, "broker", {"number": 2 * number})
            journal.note_request("OrderRefused", None, f"user:{number % 4}", {"number": 2 * number + 1})
        await journal.flush()
        assert [json.loads(entry.data)["number"] for entry in await journal.entries()] == list(range(80))

    async def test_closing_writes_what_was_counted(self, store, clock):
        async with Journal(store.engine, clock) as journal:
            journal.count_refusal("WhipRefused", "not_signed_in", "p")
        assert [entry.kind for entry in await reader.entries(store.engine)] == ["RefusalsCounted"]


class TestBesideTheSystem:
    @pytest.fixture
    def locked(self, url):
        connection = raw(url)
        connection.execute("BEGIN IMMEDIATE")
        yield connection
        connection.close()

    async def test_a_backlog_of_requests_is_not_unhealthy(self, store, clock, locked):
        async with Journal(store.engine, clock) as journal:
            for number in range(3_000):
                journal.note_request("OrderRefused", None, f"user:{number}")
            assert journal.requests_waiting == 2_000 and journal.healthy(clock.now().mono + 60)
            locked.rollback()

    async def test_entries_of_the_system_pass_a_backlog_by(self, store, clock, locked):
        async with Journal(store.engine, clock) as journal:
            for number in range(3_000):
                journal.note_request("OrderRefused", None, f"user:{number}")
            for number in range(1_200):
                journal.note("tick", "ses_1", "broker", {"number": number})
            locked.rollback()
            await journal.flush_own()
            assert journal.requests_waiting > 1_500  # at most one small batch with each of the system's
            ticks = [entry for entry in await journal.entries(limit=5000) if entry.kind == "tick"]
            assert [json.loads(entry.data)["number"] for entry in ticks] == list(range(1_200))

    async def test_what_finds_no_room_is_counted_written_down_and_reported(self, store, clock, locked, caplog):
        async with Journal(store.engine, clock) as journal:
            for number in range(2_500):
                journal.note_request("OrderRefused", None, f"user:{number}")
            assert journal.lost == {"OrderRefused": 500}
            journal.note_counts()
            assert "lost" in caplog.text
            locked.rollback()
            await journal.flush()
        (entry,) = [one for one in await reader.entries(store.engine, limit=5000) if one.kind == "journal_lost"]
        assert json.loads(entry.data) == {"entries": 500, "kinds": {"OrderRefused": 500}}
        assert await reader.verify(store.engine) is None

    async def test_a_viewing_that_finds_no_room_is_refused(self, store, clock, locked):
        async with Journal(store.engine, clock, requests=RequestQueue(capacity=1)) as journal:
            journal.note_access("RecordingPlayed", "ses_1", "user:auditor")
            with pytest.raises(TooMany):
                journal.note_access("RecordingPlayed", "ses_2", "user:auditor")
            locked.rollback()

    async def test_a_database_that_fails_loses_no_entry_of_either_queue(self, url, clock):
        connection = raw(url)
        connection.execute("BEGIN IMMEDIATE")
        async with Store(url, clock, busy_seconds=0.1) as store, Journal(store.engine, clock) as journal:
            for number in range(100):
                journal.note("tick", None, "broker", {"number": number})
                journal.note_request("OrderRefused", None, f"user:{number}")
            for _ in range(3):
                with pytest.raises(StorageUnavailable):
                    await journal.flush()
            connection.rollback()
            await journal.flush()
            assert len(await journal.entries()) == 200 and journal.lost == {}
        connection.close()

    async def test_the_lock_is_left_to_others_between_small_batches_until_the_system_has_something(
        self, store, clock, monkeypatch
    ):
        monkeypatch.setattr(journal_module, "_PACE", 3600.0)
        async with Journal(store.engine, clock) as journal:
            for number in range(200):
                journal.note_request("OrderRefused", None, f"user:{number}")
            await journal._attempt.wait()
            for _ in range(20):
                await journal.entries()  # time enough for more batches
            assert (journal.requests_waiting, journal.written) == (150, 50)
            journal.note("tick", None, "broker")
            await journal.flush_own()  # does not wait for the hour to pass
            assert journal.written in (51, 101)

    async def test_two_processes_that_find_the_database_busy_lose_nothing(self, url, clock):
        async with (
            Store(url, clock, busy_seconds=0.01) as here,
            Store(url, clock, busy_seconds=0.01) as there,
            Journal(here.engine, clock) as control,
            Journal(there.engine, clock) as ingress,
        ):
            for number in range(300):
                control.note("tick", None, "broker", {"number": number})
                ingress.note_request("SignInRefused", None, f"user:{number}", {"number": number})
                if number % 10 == 0:
                    await asyncio.sleep(0)
            for journal in (control, ingress):
                while journal.backlog or journal.requests_waiting:
                    with suppress(StorageUnavailable):
                        await journal.flush()
            assert await control.verify() is None
            found = Counter(entry.kind for entry in await control.entries())
            assert found == {"tick": 300, "SignInRefused": 300}
