"""`huijian admin journal export` and `huijian verify --journal`, as an auditor and a court use them."""

import io
import json
import stat

import pytest

from broker.kernel.clock import SystemClock, in_shanghai
from tests.huijian.retention.test_purge import PASSWORD

EXPORT = ("admin", "journal", "export")


@pytest.fixture
def say(huijian, monkeypatch):
    """Return a function that gives a command as an officer who types a password."""

    def command(*args):
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
        return huijian(*args, *(("--password-stdin",) if "--as" in args else ()))

    return command


@pytest.fixture
def day(huijian, say, place):
    """Make a journal with entries of today, and officers; return today."""
    place.joinpath("data").mkdir(mode=0o700)
    for user, role in (("shen", "auditor"), ("li", "admin")):
        assert say("admin", "users", "add", user, "--name", user, "--role", role, "--password-stdin").code == 0
    for number in range(5):
        add = ("admin", "sites", "add", f"site-{number}", "--kind", "prison", "--name", "n", "--policy", "yunnan")
        assert huijian(*add).code == 0
    return f"{in_shanghai(SystemClock().now().wall):%Y-%m-%d}"


def exported(say, day, *more):
    return say(*EXPORT, "--from", day, "--reason", "法院调取", "--as", "shen", "--json", *more)


def test_an_export_is_proven_anywhere(huijian, say, day, place, monkeypatch):
    answer = exported(say, day)
    assert answer.code == 0, answer.err
    file = place / answer.json["file"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    proof = huijian("verify", "--journal", file.name)
    assert proof.code == 0 and f"WHOLE journal {day}..{day}: entries 1.." in proof.out and "日志导出完好" in proof.out
    (key,) = (place / "data" / "archive" / ".keys").iterdir()
    (place / "court").mkdir()
    file.rename(place / "court" / "j.zip")
    key.rename(place / "court" / "key.pem")
    monkeypatch.chdir(place / "court")
    proof = huijian("verify", "--journal", "j.zip", "--public-key", "key.pem", "--json")
    assert proof.code == 0 and proof.json["ok"] and proof.json["reason"] == "法院调取"
    assert huijian("verify", "--journal", "j.zip").code == 2, "no key is known here"


def test_a_flipped_byte_is_named_with_its_entry(huijian, say, day, place):
    file = place / exported(say, day).json["file"]
    file.write_bytes(file.read_bytes().replace(b"site-3", b"site-4", 1))
    answer = huijian("verify", "--journal", file.name)
    entry = next(
        one["seq"]
        for one in huijian("admin", "journal", "list", "--json").json
        if one["kind"] == "SiteAdded" and one["data"]["site"] == "site-3"
    )
    assert answer.code == 4 and answer.out.startswith(f"ENTRY {entry}: changed") and "内容被改" in answer.out
    assert huijian("verify", "--journal", file.name, "--json").json["findings"][0]["place"] == str(entry)


def test_an_export_is_journaled_with_its_reason(huijian, say, day):
    made = exported(say, day).json
    (entry,) = [one for one in huijian("admin", "journal", "list", "--json").json if one["kind"] == "JournalExported"]
    assert entry["author"] == "user:shen" and entry["data"]["reason"] == "法院调取"
    assert entry["data"]["manifest"] == made["manifest"] and entry["data"]["last"] == made["last"]


def test_an_export_is_for_auditors_who_say_why(huijian, say, day):
    assert say(*EXPORT, "--from", day, "--reason", "x", "--as", "li").code == 1
    assert say(*EXPORT, "--from", day, "--as", "shen").code == 2
    assert say(*EXPORT, "--from", day, "--reason", "x").code == 2
    assert say(*EXPORT, "--from", "2020-01-01", "--reason", "x", "--as", "shen").code == 1
    assert not [one for one in huijian("admin", "journal", "list", "--json").json if one["kind"] == "JournalExported"]


def test_no_file_is_overwritten(say, day, place):
    (place / "mine.zip").write_text("mine")
    assert exported(say, day, "--out", "mine.zip").code == 1
    assert (place / "mine.zip").read_text() == "mine"


def test_options_of_verify_are_not_mixed(huijian, say, day, place):
    name = exported(say, day).json["file"]
    for more in (("--all",), ("--witness",), ("ses_x",), ("--heads", name)):
        assert huijian("verify", "--journal", name, *more).code == 2
    assert huijian("verify", "--journal", "nothing.zip").code == 2
    assert json.loads(huijian("verify", "--journal", name, "--json").out)["ok"]
