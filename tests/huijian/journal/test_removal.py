"""`huijian admin journal remove`: the journal's life by the rule (Yunnan 13), with two officers, and the proof of the
rest."""

import asyncio
import io
import json
import sqlite3
from datetime import datetime, timedelta

import pytest
from argon2 import PasswordHasher

from broker.control.journal.journal import Journal
from broker.control.store import secrets
from broker.kernel.clock import Instant
from broker.kernel.database import engine_for
from huijian.admin import context
from recorder.evidence.checkpoints import CheckpointChain
from recorder.evidence.signing import installed
from signaling.retention import journal_removal
from tests.huijian.retention.test_purge import PASSWORD, settle_accounts
from tests.support.recording.feed import WALL
from tests.support.recording.purging import PurgeSetup

REMOVE = ("admin", "journal", "remove")
VERIFY = ("admin", "journal", "verify")


class Clock:
    """The system's clock as the commands see it: both of its times go on together."""

    wall = WALL

    def now(self):
        return Instant(Clock.wall, 5000.0 + (Clock.wall - WALL).total_seconds())


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    monkeypatch.setattr(context, "SystemClock", Clock)
    monkeypatch.setattr(Clock, "wall", WALL)
    monkeypatch.setattr(secrets, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    secrets._unused_hash.cache_clear()
    return Clock


@pytest.fixture
def say(huijian, monkeypatch):
    """Return a function that gives a command as an officer who types a password."""

    def command(*args):
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
        return huijian(*args, *(("--password-stdin",) if "--as" in args else ()))

    return command


@pytest.fixture
def journal(huijian, say, place):
    """Make officers, a site, a recording with entries of its own, checkpoints then and later, and two years."""
    place.joinpath("data").mkdir(mode=0o700)
    for user, role in (("li", "admin"), ("shen", "auditor")):
        assert say("admin", "users", "add", user, "--name", user, "--role", role, "--password-stdin").code == 0
    settle_accounts(huijian, say, place)
    huijian("admin", "sites", "add", "prison-site", "--kind", "prison", "--name", "x", "--policy", "yunnan")

    async def visit():
        engine = engine_for(f"sqlite+aiosqlite:///{place / 'data' / 'huijian.sqlite'}")
        async with Journal(engine, Clock()) as journal:
            journal.note("NoteMade", "ses_one", "user:shen", {"text": "话里有话"})
        await PurgeSetup(engine, place / "data" / "archive").recording("ses_one")
        await engine.dispose()

    signed(place)
    asyncio.run(visit())
    signed(place)
    Clock.wall += timedelta(days=740)
    return place / "data" / "huijian.sqlite"


def signed(place):
    """Sign the head of the journal, as a running service does."""
    data = place / "data"
    head = (
        sqlite3.connect(data / "huijian.sqlite").execute("SELECT seq, hash FROM journal ORDER BY seq DESC").fetchone()
    )
    chain = CheckpointChain(data / "archive", data / "keys", installed(data / "keys", data / "archive"))
    chain.append(*head, Clock.wall, "interval")


def entries(huijian):
    return huijian("admin", "journal", "list", "--json", "--limit", "1000").json


def drop(path, statement):
    """Change the database past its triggers, as a hand on the machine can."""
    database = sqlite3.connect(path, isolation_level=None)
    for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        database.execute(f"DROP TRIGGER {name}")
    database.execute(statement)
    database.close()


def purged(say):
    code = say("purge", "issue", "--as", "shen", "--json").json["code"]
    assert say("purge", "--apply", "--code", code, "--as", "li").code == 0


def removed(say):
    """Remove what is due as two officers; return how many entries that was."""
    code = say(*REMOVE, "issue", "--as", "shen", "--json").json["code"]
    answer = say(*REMOVE, "--apply", "--code", code, "--as", "li", "--json")
    assert answer.code == 0, answer.err
    return answer.json["removed"]


class TestLooking:
    def test_nothing_goes_by_itself_and_nothing_is_removed_by_looking(self, huijian, journal):
        before = entries(huijian)
        answer = huijian(*REMOVE)
        assert answer.code == 0 and "RULE entries are kept for 24 months" in answer.out
        assert "Nothing was removed" in answer.out and entries(huijian) == before

    def test_what_stands_holds_back_its_own_story(self, huijian, say, journal):
        plan = huijian(*REMOVE, "--json").json
        assert plan["holding"]["session"] == "ses_one" and plan["holding"]["why"] == "recording"
        assert plan["through"] == plan["holding"]["seq"] - 1
        assert "KEPT entry" in huijian(*REMOVE).out and "录像尚未销毁" in huijian(*REMOVE).out

    def test_a_legal_hold_is_named_before_its_recording(self, huijian, say, journal):
        assert say("hold", "add", "ses_one", "--reason", "调取", "--as", "shen").code == 0
        assert huijian(*REMOVE, "--json").json["holding"]["why"] == "hold"

    def test_nothing_goes_before_its_time(self, huijian, say, journal, clock):
        clock.wall = WALL + timedelta(days=729)
        plan = huijian(*REMOVE, "--json").json
        assert plan["entries"] == 0 and "NOTHING" in huijian(*REMOVE).out
        assert say(*REMOVE, "issue", "--as", "shen").code == 1


class TestRemoving:
    def test_takes_two_officers_and_the_rest_is_proven(self, huijian, say, journal):
        purged(say)
        assert removed(say) > 0
        kept = entries(huijian)
        assert kept[0]["seq"] > 1 and "话里有话" not in json.dumps(kept, ensure_ascii=False)
        (entry,) = [entry for entry in kept if entry["kind"] == "JournalRemoved"]
        assert (entry["author"], entry["data"]["second"], entry["data"]["through"]) == (
            "user:li",
            "shen",
            kept[0]["seq"] - 1,
        )
        answer = huijian(*VERIFY)
        assert answer.code == 0 and f"REMOVED_BY_RULE entries 1..{kept[0]['seq'] - 1}" in answer.out
        assert "按保存期限清理" in answer.out

    def test_overwrites_the_words_in_the_file(self, say, journal):
        purged(say)
        removed(say)
        database = sqlite3.connect(journal, isolation_level=None)
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()
        assert json.dumps("话里有话").strip('"').encode() not in journal.read_bytes()

    def test_leaves_what_a_standing_recording_needs(self, huijian, say, journal):
        removed(say)
        assert "NoteMade" in {entry["kind"] for entry in entries(huijian)}
        assert huijian(*VERIFY).code == 0

    def test_the_same_officer_or_a_used_code_is_refused(self, huijian, say, journal):
        code = say(*REMOVE, "issue", "--as", "shen", "--json").json["code"]
        assert say(*REMOVE, "--apply", "--code", code, "--as", "shen").code == 1
        assert say(*REMOVE, "--apply", "--code", code, "--as", "li").code == 0
        assert say(*REMOVE, "--apply", "--code", code, "--as", "li").code == 1

    def test_an_entry_that_was_changed_stays_as_evidence(self, huijian, say, journal):
        code = say(*REMOVE, "issue", "--as", "shen", "--json").json["code"]
        drop(journal, "UPDATE journal SET author = 'user:nobody' WHERE seq = 2")
        before = entries(huijian)
        for args in (("--apply", "--code", code, "--as", "li"), ("issue", "--as", "shen")):
            answer = say(*REMOVE, *args)
            assert answer.code == 1 and "Entry 2 is not what was written" in answer.err
        assert [entry["seq"] for entry in entries(huijian)][: len(before)] == [entry["seq"] for entry in before]

    def test_a_code_of_a_purge_is_none_of_a_removal(self, say, journal):
        code = say("purge", "issue", "--as", "shen", "--json").json["code"]
        assert say(*REMOVE, "--apply", "--code", code, "--as", "li").code == 1
        code = say(*REMOVE, "issue", "--as", "shen", "--json").json["code"]
        assert say("purge", "--apply", "--code", code, "--as", "li").code == 1

    @pytest.mark.parametrize(
        "args", [("--apply",), ("--code", "X"), ("--apply", "--resume"), ("--resume", "--code", "X")]
    )
    def test_takes_its_options_together(self, huijian, journal, args):
        assert huijian(*REMOVE, *args).code == 2

    def test_that_was_broken_off_is_whole_and_goes_on(self, huijian, say, journal, monkeypatch):
        monkeypatch.setattr(journal_removal, "BATCH", 1)
        count = len(entries(huijian))
        original = journal_removal._remove_some
        calls = []

        async def broken(engine, through):
            calls.append(through)
            if len(calls) > 1:
                raise OSError(5, "broken")
            return await original(engine, through)

        code = say(*REMOVE, "issue", "--as", "shen", "--json").json["code"]
        monkeypatch.setattr(journal_removal, "_remove_some", broken)
        assert say(*REMOVE, "--apply", "--code", code, "--as", "li").code == 3
        assert entries(huijian)[0]["seq"] == 2 and huijian(*VERIFY).code == 0
        monkeypatch.setattr(journal_removal, "_remove_some", original)
        assert huijian(*REMOVE, "--resume", "--json").json["removed"] > 0
        assert huijian(*VERIFY).code == 0 and len(entries(huijian)) < count + 2


class TestAHandThatRemovesMore:
    def test_the_database_itself_refuses(self, say, journal):
        removed(say)
        database = sqlite3.connect(journal, isolation_level=None)
        for statement in (
            "DELETE FROM journal",
            "DELETE FROM journal WHERE seq = (SELECT min(seq) FROM journal)",
            "UPDATE journal_removals SET through = 1000",
            "DELETE FROM journal_removals",
        ):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                database.execute(statement)
        database.close()

    def test_one_more_entry_at_the_beginning_is_found(self, huijian, say, journal):
        removed(say)
        first = entries(huijian)[0]["seq"]
        drop(journal, f"DELETE FROM journal WHERE seq = {first}")
        answer = huijian(*VERIFY)
        assert answer.code == 4 and f"REMOVED entries 1..{first}" in answer.out

    def test_a_beginning_without_a_word_is_found(self, huijian, journal):
        drop(journal, "DELETE FROM journal WHERE seq < 3")
        answer = huijian(*VERIFY)
        assert answer.code == 4 and "REMOVED entries 1..2" in answer.out


def test_an_entry_has_its_time_in_the_form_that_is_hashed(huijian, journal):
    assert all(datetime.fromisoformat(entry["at"]).tzinfo for entry in entries(huijian))
