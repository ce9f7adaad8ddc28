"""Changes of accounts on the command line: a shell user alone makes no second person of an account."""

import io
import json
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest
from argon2 import PasswordHasher

from broker.control.store import secrets
from broker.kernel.clock import Instant
from huijian.admin import context

START = datetime(2026, 3, 2, tzinfo=UTC)


class Clock:
    """A machine's clock whose two readings go on together, until the wall alone is moved."""

    wall, mono = START, 5000.0

    def now(self):
        return Instant(Clock.wall, Clock.mono)


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    monkeypatch.setattr(context, "SystemClock", Clock)
    monkeypatch.setattr(secrets, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    secrets._unused_hash.cache_clear()
    go_to(timedelta(0))


def go_to(delta):
    """Let as much time pass since the start on both clocks."""
    Clock.wall, Clock.mono = START + delta, 5000.0 + delta.total_seconds()


@pytest.fixture
def users(huijian, sites, monkeypatch):
    """Return a function that gives a command of `admin users`; `lines` are typed."""

    def command(*args, lines=()):
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        return huijian("admin", "users", *args, *(("--password-stdin",) if lines else ()))

    return command


@pytest.fixture
def first(users):
    """Add the first administrator and the first auditor, who need no word."""
    for user, role in (("adm", "admin"), ("shen", "auditor")):
        made = users("add", user, "--name", user, "--role", role, "--json", lines=[f"{user[0]} long secret"])
        assert made.code == 0 and "change" not in made.json
    return users


def add(users, user, role="auditor", *more):
    return users("add", user, "--name", user, "--role", role, "--json", *more, lines=[f"{user[0]} long secret"])


def confirmed(users, change, user):
    return users("confirm", change, "--as", user, "--json", lines=[f"{user[0]} long secret"])


def signs_in(users, user, password):
    """Whether an account has this password, as a command sees it: it changes it and back."""
    return users("own-passwd", "--as", user, lines=[password, password]).code == 0


class TestTheFirstAccounts:
    def test_need_nobody_until_there_are_two_who_could_confirm(self, users):
        assert "change" not in add(users, "shen").json
        assert "change" not in users("passwd", "shen", "--generate", "--json").json
        assert "change" not in add(users, "wang").json
        assert add(users, "zhao").json["state"] == "waiting"

    def test_do_not_come_back_when_one_of_them_is_barred(self, first):
        assert first("disable", "shen").code == 0
        assert add(first, "wang").json["state"] == "waiting"
        assert first("passwd", "adm", "--generate", "--json").json["state"] == "waiting"

    def test_a_supervisor_needs_no_word_and_a_new_password_does(self, first):
        assert "change" not in add(first, "li", "supervisor", "--site", "panlong").json
        assert first("passwd", "li", "--generate", "--json").json["state"] == "waiting"


class TestANewPassword:
    def test_waits_and_the_present_one_stays_until_another_officer_confirms(self, first):
        made = first("passwd", "shen", "--json", lines=["another secret"])
        assert made.code == 0 and made.json["state"] == "waiting"
        assert "users confirm chg_" in made.err and "另一名审计员或系统管理员" in made.err
        assert signs_in(first, "shen", "s long secret")
        assert confirmed(first, made.json["change"], "adm").json["state"] == "confirmed"
        assert not signs_in(first, "shen", "s long secret") and signs_in(first, "shen", "another secret")

    def test_is_not_confirmed_by_the_account_itself_a_stranger_or_a_wrong_password(self, first):
        change = first("passwd", "shen", "--generate", "--json").json["change"]
        assert confirmed(first, change, "shen").code == 1
        assert confirmed(first, change, "nobody").code == 1
        assert first("confirm", change, "--as", "adm", lines=["a wrong secret"]).code == 1
        assert signs_in(first, "shen", "s long secret")

    def test_is_confirmed_once_and_not_after_it_was_rejected_or_replaced(self, first):
        older = first("passwd", "shen", "--generate", "--json").json["change"]
        newer = first("passwd", "shen", "--generate", "--json").json["change"]
        assert confirmed(first, older, "adm").code == 1
        rejected = first("reject", newer, "--reason", "not asked for", "--as", "adm", lines=["a long secret"])
        assert rejected.code == 0
        assert confirmed(first, newer, "adm").code == 1
        assert signs_in(first, "shen", "s long secret")

    def test_of_an_officer_by_the_own_one_needs_nobody(self, first):
        assert first("own-passwd", "--as", "shen", lines=["s long secret", "a newer secret"]).code == 0
        assert signs_in(first, "shen", "a newer secret")
        assert first("own-passwd", "--as", "shen", lines=["s long secret", "x newer secret"]).code == 1

    def test_a_short_one_is_refused_before_anything_waits(self, first):
        assert first("passwd", "shen", lines=["short"]).code == 1
        assert first("pending", "--json").json == []


class TestANewAuditor:
    def test_cannot_sign_in_before_the_confirmation_and_can_after(self, first):
        change = add(first, "wang").json["change"]
        assert not signs_in(first, "wang", "w long secret")
        assert confirmed(first, change, "shen").code == 0
        assert signs_in(first, "wang", "w long secret")

    def test_gives_no_word_itself_before_its_time(self, first):
        assert confirmed(first, add(first, "wang").json["change"], "shen").code == 0
        change = add(first, "zhao").json["change"]
        refused = confirmed(first, change, "wang")
        assert refused.code == 1 and "too new" in refused.err and "未满规定时间" in refused.err
        go_to(timedelta(hours=72))
        assert confirmed(first, change, "wang").code == 0

    def test_grows_no_older_by_a_clock_that_is_moved(self, first):
        assert confirmed(first, add(first, "wang").json["change"], "shen").code == 0
        change = add(first, "zhao").json["change"]
        Clock.wall += timedelta(days=30)
        assert confirmed(first, change, "wang").code == 1


class TestABarredAccount:
    def test_is_enabled_by_a_second_officers_word_only(self, first):
        assert first("disable", "shen").code == 0
        made = first("enable", "shen", "--json").json
        assert made["disabled"] is True
        assert not signs_in(first, "shen", "s long secret")
        assert confirmed(first, made["change"], "adm").code == 0
        assert signs_in(first, "shen", "s long secret")


class TestBreakingTheGlass:
    def test_takes_days_a_reason_and_leaves_an_entry(self, first, huijian):
        change = first("passwd", "adm", "--json", lines=["a newer secret"]).json["change"]
        force = ("force", change, "--reason", "shen has died")
        go_to(timedelta(days=7) - timedelta(seconds=1))
        assert first(*force).code == 1 and signs_in(first, "adm", "a long secret")
        go_to(timedelta(days=7))
        assert first("force", change, "--reason", " ").code == 1
        answer = first(*force)
        assert answer.code == 0 and "告警" in answer.err
        assert signs_in(first, "adm", "a newer secret")
        assert entry(huijian, "AccountChangeForced")["data"]["reason"] == "shen has died"

    def test_is_closed_by_a_refusal_and_by_a_clock_that_is_moved(self, first):
        change = first("passwd", "adm", "--generate", "--json").json["change"]
        Clock.wall += timedelta(days=30)
        assert first("force", change, "--reason", "x").code == 1
        Clock.wall -= timedelta(days=30)
        refused = first("reject", change, "--reason", "no", "--as", "shen", lines=["s long secret"])
        assert refused.code == 0
        go_to(timedelta(days=8))
        assert first("force", change, "--reason", "x").code == 1


def entry(huijian, kind):
    listed = huijian("admin", "journal", "list", "--json", "--limit", "1000").json
    return next(one for one in listed if one["kind"] == kind)


class TestTheJournal:
    def test_has_author_and_confirmer_of_each_change_and_no_secret(self, first, huijian):
        change = first("passwd", "shen", "--json", lines=["another secret"]).json["change"]
        asked = entry(huijian, "AccountChangeProposed")
        assert asked["author"].startswith("command:") and asked["data"]["user"] == "shen"
        assert confirmed(first, change, "adm").code == 0
        done = entry(huijian, "PasswordSet")
        assert done["author"] == "user:adm"
        assert done["data"] == {
            "user": "shen",
            "role": "auditor",
            "site": None,
            "change": change,
            "kind": "password",
            "proposed_by": asked["author"],
        }
        written = huijian("admin", "journal", "list", "--json", "--limit", "1000").out
        assert "secret" not in written and "argon2" not in written

    def test_and_the_list_show_no_hash(self, first, huijian):
        add(first, "wang")
        assert "argon2" not in first("pending", "--json").out + first("list", "--json").out

    def test_a_decided_change_keeps_no_hash(self, first, place):
        assert confirmed(first, add(first, "wang").json["change"], "shen").code == 0
        database = sqlite3.connect(place / "data" / "huijian.sqlite")
        assert database.execute("SELECT password_hash FROM account_changes").fetchall() == [(None,)]
        database.close()


def test_the_answer_is_json_alone_on_standard_output(first):
    assert set(json.loads(add(first, "wang").out)) == {"id", "role", "site", "change", "state"}


class TestTheSecondInstitution:
    """A slot between two prisons takes the word of the other prison's approver, not that of the shell user."""

    @pytest.fixture
    def slot(self, first, huijian, place):
        add = ("admin", "sites", "add", "second-prison", "--kind", "prison", "--name", "二监", "--policy", "yunnan")
        assert huijian(*add).code == 0
        assert huijian("admin", "rooms", "add", "q1", "--site", "second-prison", "--name", "一室").code == 0
        for user, site in (("own", "first-prison"), ("gao", "second-prison")):
            change = add_approver(first, user, site)
            assert confirmed(first, change, "adm").code == 0
        order = {
            "prison_room": "first-prison-1",
            "visitor_room": "q1",
            "starts_at": (START + timedelta(days=5)).isoformat(),
            "ends_at": (START + timedelta(days=5, minutes=40)).isoformat(),
            "minutes": 30,
            "people": [
                {"id": "in-1", "side": "prison", "name": "张某"},
                {"id": "in-2", "side": "visitor", "name": "李某", "relation": "妻子"},
            ],
            "approved_by": "第一监狱",
            "article": "云南 第七条",
        }
        (place / "order.json").write_text(json.dumps(order), "utf-8")
        return huijian("admin", "slots", "add", "order.json", "--json").json["slot"]

    def approve(self, huijian, monkeypatch, slot, user):
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{user[0]} long secret\n"))
        return huijian("admin", "slots", "approve", slot, "--by", "第二监狱", "--as", user, "--password-stdin")

    def test_gives_its_word_itself_once_its_account_is_old_enough(self, huijian, slot, monkeypatch):
        assert huijian("admin", "slots", "approve", slot, "--by", "第二监狱").code == 2
        early = self.approve(huijian, monkeypatch, slot, "gao")
        assert early.code == 1 and "too new" in early.err
        go_to(timedelta(hours=72))
        assert self.approve(huijian, monkeypatch, slot, "own").code == 1
        assert self.approve(huijian, monkeypatch, slot, "adm").code == 1
        assert self.approve(huijian, monkeypatch, slot, "gao").code == 0
        assert entry(huijian, "SlotApproved")["author"] == "user:gao"


def add_approver(users, user, site):
    return add(users, user, "approver", "--site", site).json["change"]
