"""`huijian purge` and `huijian hold`, as two officers and a timer would use them."""

import asyncio
import io
import json
import sqlite3
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from argon2 import PasswordHasher

from broker.control.store import secrets
from broker.kernel.clock import Discipline, Instant
from broker.kernel.database import engine_for
from config.pack_loader import load_pack
from huijian.admin import context
from recorder.evidence.verify import verify
from tests.support.recording.purging import DUE, SECOND, PurgeSetup

PASSWORD = "a long enough secret"


class Clock:
    """The system's clock as the commands see it."""

    wall = DUE

    def now(self):
        return Instant(Clock.wall, 5000.0)


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    monkeypatch.setattr(context, "SystemClock", Clock)
    monkeypatch.setattr(Clock, "wall", DUE)
    monkeypatch.setattr(secrets, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    secrets._unused_hash.cache_clear()
    return Clock


@pytest.fixture
def say(huijian, monkeypatch):
    """Return a function that gives a command as an officer who types a password."""

    def command(*args, password=PASSWORD):
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
        return huijian(*args, *(("--password-stdin",) if "--as" in args else ()))

    return command


@pytest.fixture
def recording(huijian, say, place):
    """Make officers, and an archive with one recording that is due at this moment."""
    place.joinpath("data").mkdir(mode=0o700)
    add = ("admin", "users", "add")
    for user, role in (("li", "admin"), ("shen", "auditor"), ("wang", "auditor")):
        assert say(*add, user, "--name", user, "--role", role, "--password-stdin").code == 0
    settle_accounts(huijian, say, place)
    huijian("admin", "sites", "add", "prison-site", "--kind", "prison", "--name", "x", "--policy", "yunnan")

    async def make():
        engine = engine_for(f"sqlite+aiosqlite:///{place / 'data' / 'huijian.sqlite'}")
        folder = await PurgeSetup(engine, place / "data" / "archive").recording("ses_one")
        await engine.dispose()
        return folder

    return asyncio.run(make())


def settle_accounts(huijian, say, place):
    """Let every change that waits take effect, and make all accounts as old as those of a former version."""
    for waiting in huijian("admin", "users", "pending", "--json").json:
        assert say("admin", "users", "confirm", waiting["change"], "--as", "li").code == 0
    database = sqlite3.connect(place / "data" / "huijian.sqlite")
    with database:
        database.execute("UPDATE users SET credential_at = NULL, vouchers = NULL")
    database.close()


def entries(huijian, kind):
    return [one for one in huijian("admin", "journal", "list", "--json", "--limit", "1000").json if one["kind"] == kind]


class TestLooking:
    def test_shows_a_table_with_totals_and_deletes_nothing(self, huijian, recording):
        answer = huijian("purge")
        assert answer.code == 0 and "prison-site" in answer.out and "total" in answer.out
        assert "Nothing was deleted" in answer.out and recording.exists()
        assert huijian("purge", "--json").json["recordings"] == 1

    def test_a_second_early_finds_nothing(self, huijian, recording, clock):
        clock.wall = DUE - SECOND
        assert huijian("purge", "--json").json["recordings"] == 0

    def test_refuses_a_clock_far_ahead(self, huijian, recording, clock, place):
        huijian("purge")
        assert "WARNING" not in huijian("purge", "--site", "nowhere").out
        clock.wall = DUE + timedelta(days=400)
        answer = huijian("purge")
        assert answer.code == 1 and "clock was moved" in answer.err and recording.exists()


class TestAClockWithoutDiscipline:
    """The machine was restarted, with a clock far ahead of all earlier records."""

    @pytest.fixture
    def ahead(self, huijian, recording, clock, monkeypatch):
        monkeypatch.setattr("signaling.retention.purge_context.discipline", lambda: Discipline(False, 0.0, 16.0))
        assert huijian("purge").code == 0
        monkeypatch.setattr("recorder.retention.clock_trust.boot_id", lambda: "another")
        clock.wall = DUE + timedelta(days=1)

    def test_deletes_nothing(self, huijian, say, recording, ahead):
        for args in (("purge",), ("purge", "--resume"), ("purge", "issue", "--as", "shen")):
            answer = say(*args)
            assert answer.code == 1 and "purge clock" in answer.err
        assert recording.exists()

    def test_is_trusted_once_an_officer_has_compared_it(self, huijian, say, recording, ahead):
        assert say("purge", "clock", "--as", "nobody").code == 1
        assert say("purge", "clock").code == 2
        assert say("purge", "clock", "--as", "shen", "--json").json["restarted"] is True
        assert entries(huijian, "ClockBelieved")[0]["author"] == "user:shen"
        code = say("purge", "issue", "--as", "shen", "--json").json["code"]
        assert say("purge", "--apply", "--code", code, "--as", "li").code == 0 and not recording.exists()


class TestAPolicyThatChanges:
    def test_to_more_and_back_shortens_nothing_and_is_journaled(self, huijian, recording, monkeypatch):
        for months in (12, 6):
            pack = replace(load_pack("yunnan"), retention_months=months)
            monkeypatch.setattr("signaling.retention.purge_context.pack_named", lambda _, pack=pack: pack)
            assert huijian("purge", "--json").json["recordings"] == 0
        assert [one["data"] for one in entries(huijian, "RetentionLengthened")] == [{"recordings": 1}]


class TestDeleting:
    def test_takes_two_officers_and_leaves_tombstone_chain_and_proof(self, huijian, say, recording, place):
        code = say("purge", "issue", "--as", "shen", "--json").json["code"]
        answer = say("purge", "--apply", "--code", code, "--as", "li")
        assert answer.code == 0 and answer.out.startswith("DELETED 1 recordings")
        assert not recording.exists()
        (stone,) = entries(huijian, "RecordingPurged")
        assert (stone["session"], stone["author"]) == ("ses_one", "user:li")
        assert stone["data"]["second"] == "shen" and stone["data"]["rule"].startswith("云南 第十三条; yunnan")
        assert [len(entries(huijian, kind)) for kind in ("PurgePermitted", "PurgeOrdered", "PurgeEnded")] == [1, 1, 1]
        assert huijian("admin", "journal", "verify").code == 0
        assert verify(None, place / "data" / "archive").damages == []

    def test_a_second_early_is_refused_in_every_way(self, say, recording, clock):
        clock.wall = DUE - SECOND
        assert say("purge", "issue", "--as", "shen").code == 1
        clock.wall = DUE
        code = say("purge", "issue", "--as", "shen", "--json").json["code"]
        clock.wall = DUE - SECOND  # the clock is set back by a second
        answer = say("purge", "--apply", "--code", code, "--as", "li")
        assert answer.code == 1 and recording.exists()

    @pytest.mark.parametrize(
        ("args", "password", "code"),
        [
            (("--apply", "--code", "CODE"), PASSWORD, 2),
            (("--apply", "--as", "li"), PASSWORD, 2),
            (("--apply", "--code", "CODE", "--as", "li"), "wrong password", 1),
            (("--apply", "--code", "CODE", "--as", "nobody"), PASSWORD, 1),
            (("--apply", "--code", "CODE", "--as", "shen"), PASSWORD, 1),
            (("--apply", "--code", "AAAA-AAAA-AAAA-AAAA", "--as", "li"), PASSWORD, 1),
            (("--code", "CODE"), PASSWORD, 2),
            (("--resume",), PASSWORD, 0),
        ],
    )
    def test_takes_no_less(self, say, recording, args, password, code):
        code_issued = say("purge", "issue", "--as", "shen", "--json").json["code"]
        answer = say("purge", *(code_issued if arg == "CODE" else arg for arg in args), password=password)
        assert answer.code == code and recording.exists()

    def test_is_for_auditors_and_admins_of_the_place(self, say, huijian, recording, place):
        say("admin", "users", "add", "sup", "--name", "s", "--role", "supervisor", "--site", "prison-site",
            "--password-stdin")  # fmt: skip
        say("admin", "users", "add", "there", "--name", "s", "--role", "auditor", "--site", "prison-site",
            "--password-stdin")  # fmt: skip
        settle_accounts(huijian, say, place)
        assert say("purge", "issue", "--as", "sup", "--site", "prison-site").code == 1
        assert say("purge", "issue", "--as", "there").code == 1
        assert say("purge", "issue", "--as", "there", "--site", "prison-site").code == 0

    def test_that_failed_has_its_own_exit_code_and_is_taken_up_by_the_timer(self, say, huijian, recording, monkeypatch):
        code = say("purge", "issue", "--as", "shen", "--json").json["code"]
        with monkeypatch.context() as patch:
            patch.setattr(
                "recorder.retention.purge.removal.remove", lambda *_: (_ for _ in ()).throw(OSError(5, "broken"))
            )
            answer = say("purge", "--apply", "--code", code, "--as", "li")
            assert answer.code == 4 and "FAILED ses_one" in answer.out
            assert huijian("purge", "--resume").code == 4
        assert huijian("purge", "--resume").code == 0 and not recording.exists()


@pytest.fixture
def reset(huijian, say, place):
    """Return a function by which a shell user sets a new password for an officer, with the word of another."""

    def new_password(user, word):
        change = say("admin", "users", "passwd", user, "--password-stdin", "--json").json["change"]
        assert say("admin", "users", "confirm", change, "--as", word).code == 0

    return new_password


def age(place, user, since):
    database = sqlite3.connect(place / "data" / "huijian.sqlite")
    with database:
        database.execute("UPDATE users SET credential_at = ? WHERE id = ?", (f"{since:%Y-%m-%d %H:%M:%S.%f}", user))
    database.close()


class TestAPersonWithTwoAccounts:
    """A shell user has a new password set for the second officer, and is then no second person."""

    def test_permits_no_purge_with_the_account_before_its_time(self, say, recording, reset):
        reset("shen", "wang")
        refused = say("purge", "issue", "--as", "shen")
        assert refused.code == 1 and "too new" in refused.err and "未满规定时间" in refused.err

    def test_applies_none_with_it_either(self, say, recording, reset):
        code = say("purge", "issue", "--as", "wang", "--json").json["code"]
        reset("shen", "li")
        assert say("purge", "--apply", "--code", code, "--as", "shen").code == 1 and recording.exists()

    def test_loses_a_permit_that_the_account_gave_before(self, say, recording, reset):
        code = say("purge", "issue", "--as", "shen", "--json").json["code"]
        reset("shen", "wang")
        assert say("purge", "--apply", "--code", code, "--as", "li").code == 1 and recording.exists()

    def test_is_never_the_second_of_the_officer_on_whose_word_the_account_stands(self, say, recording, reset, place):
        reset("shen", "wang")
        age(place, "shen", DUE - timedelta(days=90))
        code = say("purge", "issue", "--as", "shen", "--json").json["code"]
        refused = say("purge", "--apply", "--code", code, "--as", "wang")
        assert refused.code == 1 and "two people" in refused.err and "不能视为两人" in refused.err
        assert recording.exists()
        assert say("purge", "--apply", "--code", code, "--as", "li").code == 0 and not recording.exists()

    def test_is_no_second_with_two_accounts_on_the_word_of_one(self, say, recording, reset, place):
        for user in ("shen", "wang"):
            reset(user, "li")
            age(place, user, DUE - timedelta(days=90))
        code = say("purge", "issue", "--as", "shen", "--json").json["code"]
        assert say("purge", "--apply", "--code", code, "--as", "wang").code == 1 and recording.exists()

    def test_lifts_no_hold_and_confirms_no_clock_but_may_set_a_hold(self, say, recording, reset):
        reset("shen", "wang")
        assert say("hold", "add", "ses_one", "--reason", "法院", "--as", "shen").code == 0
        assert say("hold", "lift", "ses_one", "--reason", "结案", "--as", "shen").code == 1
        assert say("purge", "clock", "--as", "shen").code == 1
        assert len(say("hold", "list", "--json").json) == 1
        assert say("hold", "lift", "ses_one", "--reason", "结案", "--as", "wang").code == 0

    def test_is_refused_by_a_journaled_word(self, huijian, say, recording, reset):
        reset("shen", "wang")
        say("purge", "issue", "--as", "shen")
        assert [one["data"] for one in entries(huijian, "CommandRefused")] == [
            {"user": "shen", "why": "credential_too_new"}
        ]


class TestHolding:
    def test_has_a_reason_and_an_author_and_beats_the_due_date(self, say, huijian, recording):
        assert say("hold", "add", "ses_one", "--reason", "法院调取", "--as", "shen").code == 0
        (held,) = huijian("hold", "list", "--json").json
        assert (held["session"], held["by"], held["reason"]) == ("ses_one", "shen", "法院调取")
        assert "stays: 1 held" in huijian("purge").out
        assert say("purge", "issue", "--as", "wang").code == 1 and recording.exists()
        assert say("hold", "lift", "ses_one", "--reason", "结案", "--as", "wang").code == 0
        assert (
            huijian("hold", "list", "--json").json == [] and len(huijian("hold", "list", "--all", "--json").json) == 1
        )
        assert entries(huijian, "HoldAdded")[0]["author"] == "user:shen"
        assert entries(huijian, "HoldLifted")[0]["author"] == "user:wang"
        assert json.loads(huijian("purge", "--json").out)["recordings"] == 1

    @pytest.mark.parametrize(
        ("args", "code"),
        [
            (("hold", "add", "ses_one", "--reason", "x", "--as", "li"), 1),  # an admin may not decide about evidence
            (("hold", "add", "ses_one", "--reason", " ", "--as", "shen"), 1),
            (("hold", "add", "ses_none", "--reason", "x", "--as", "shen"), 1),
            (("hold", "lift", "ses_one", "--reason", "x", "--as", "shen"), 1),
            (("hold", "add", "ses_one", "--reason", "x"), 2),
            (("hold", "add", "ses_one", "--as", "shen"), 2),
        ],
    )
    def test_takes_no_less(self, say, recording, args, code):
        assert say(*args).code == code

    def test_takes_a_site_and_a_period(self, say, huijian, recording):
        period = ("--site", "prison-site", "--since", "2026-11-22", "--until", "2026-11-22")
        assert say("hold", "add", *period, "--reason", "督查", "--as", "shen", "--json").json["session"] == "ses_one"
        for other in (("--site", "other"), ("--since", "2026-11-23"), ("--until", "2026-11-21")):
            assert say("hold", "add", *other, "--reason", "督查", "--as", "shen").code == 1
        assert len(huijian("hold", "list", "--json").json) == 1
        assert say("hold", "lift", "--site", "prison-site", "--reason", "结案", "--as", "shen").code == 0
        assert huijian("hold", "list", "--json").json == []

    @pytest.mark.parametrize("args", [(), ("ses_one", "--site", "prison-site"), ("ses_one", "--since", "2026-11-22")])
    def test_takes_ids_or_a_period(self, say, recording, args):
        assert say("hold", "add", *args, "--reason", "x", "--as", "shen").code == 2

    def test_of_a_whole_period_is_for_auditors_of_the_whole_place(self, say, recording, place):
        add = ("admin", "users", "add", "there", "--name", "s", "--role", "auditor", "--site", "prison-site")
        assert say(*add, "--password-stdin").code == 0
        settle_accounts(say, say, place)
        assert say("hold", "add", "--since", "2026-01-01", "--reason", "x", "--as", "there").code == 1
        assert say("hold", "add", "--site", "prison-site", "--reason", "x", "--as", "there").code == 0

    def test_outlives_the_database(self, say, huijian, recording, place):
        assert say("hold", "add", "ses_one", "--reason", "法院调取", "--as", "shen").code == 0
        assert "HELD prison-site ses_one" in huijian("verify").out
        for file in (place / "data").glob("huijian.sqlite*"):
            file.unlink()
        (held,) = huijian("hold", "list", "--json").json
        assert (held["session"], held["by"], held["reason"]) == ("ses_one", "shen", "法院调取")


class TestHoldsThatWereTamperedWith:
    """The database was edited behind the commands."""

    @pytest.fixture
    def edit(self, say, recording, place):
        assert say("hold", "add", "ses_one", "--reason", "法院调取", "--as", "shen").code == 0

        def edit(statement):
            with sqlite3.connect(place / "data" / "huijian.sqlite") as database:
                database.execute(statement)

        return edit

    @pytest.mark.parametrize(
        ("statement", "text"),
        [
            ("DELETE FROM legal_holds", "the database has lost its hold"),
            (
                "UPDATE legal_holds SET lifted_at = at, lifted_by = 'x', lifted_why = 'x'",
                "says that its hold is lifted",
            ),
            ("UPDATE legal_holds SET entry = 'hld_other'", "is not in the chain"),
        ],
    )
    def test_are_named_and_delete_nothing(self, huijian, say, recording, edit, statement, text):
        assert huijian("verify").code == 0
        edit(statement)
        answer = huijian("verify")
        assert answer.code == 4 and "HOLD ses_one" in answer.out and text in answer.out
        assert "stays: 1 held" in huijian("purge").out
        assert say("purge", "issue", "--as", "wang").code == 1 and recording.exists()
        assert {one["session"] for one in huijian("hold", "list", "--json").json} == {"ses_one"}
        assert entries(huijian, "HoldRepaired") and huijian("verify").code == 0

    def test_in_the_chain_keep_the_whole_site(self, huijian, say, recording, edit, place):
        chain = place / "data" / "archive" / "prison-site" / "chain.jsonl"
        lines = chain.read_bytes().splitlines(keepends=True)
        chain.write_bytes(b"".join(line for line in lines if b'"hold"' not in line))
        edit("DELETE FROM legal_holds")
        assert huijian("verify").code == 4
        answer = huijian("purge")
        assert "chain is not whole" in answer.out and "WARNING: the chain of prison-site" in answer.out
        assert huijian("purge", "--json").json["recordings"] == 0
        assert say("purge", "issue", "--as", "wang").code == 1 and recording.exists()


class TestARecordingWithAWrongClock:
    @pytest.fixture
    def never_set(self, recording, place, monkeypatch, capsys):
        monkeypatch.setattr("signaling.retention.purge_context.discipline", lambda: Discipline(False, 0.0, 16.0))

        async def make():
            engine = engine_for(f"sqlite+aiosqlite:///{place / 'data' / 'huijian.sqlite'}")
            folder = await PurgeSetup(engine, place / "data" / "archive").recording(
                "ses_two", datetime.fromisoformat("2020-01-01T08:00:00+08:00"), site="other-site"
            )
            await engine.dispose()
            return folder

        made = asyncio.run(make())
        capsys.readouterr()
        return made

    def test_stays_until_an_officer_has_confirmed_the_clock_and_six_months_from_then(
        self, huijian, say, never_set, clock
    ):
        assert huijian("purge", "--json").json["kept"] == {"wrong_clock": 1}
        assert "purge clock" in huijian("purge").out
        assert say("purge", "clock", "--as", "shen").code == 0
        assert entries(huijian, "RecordingDated")[0]["session"] == "ses_two"
        assert huijian("purge", "--json").json["kept"] in ({}, {"not_due": 1})
        code = say("purge", "issue", "--as", "shen", "--json").json["code"]
        assert say("purge", "--apply", "--code", code, "--as", "li").code == 0
        assert never_set.exists() and huijian("verify").code == 0
