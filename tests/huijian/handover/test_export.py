"""`huijian export`, as two officers would use it, and `huijian verify --package`."""

import asyncio
import io
import json
import sqlite3

import pytest
from argon2 import PasswordHasher

from broker.control.journal.journal import Journal
from broker.control.store import secrets
from broker.control.store.store import Store
from broker.kernel.clock import SystemClock
from broker.kernel.database import engine_for
from config.settings import Settings
from recorder.export import verifier_page
from recorder.export.queue import Exports
from signaling.exports.worker import ExportWorker
from tests.support.recording.purging import PurgeSetup

PASSWORD = "a long enough secret"
REQUEST = ("export", "request", "ses_one", "--receiver", "昆明市中级人民法院", "--reason", "庭审举证", "--as", "shen")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(secrets, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    secrets._unused_hash.cache_clear()


@pytest.fixture
def say(huijian, monkeypatch):
    """Return a function that gives a command as an officer who types a password."""

    def command(*args):
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
        return huijian(*args, *(("--password-stdin",) if "--as" in args else ()))

    return command


@pytest.fixture
def recording(huijian, say, place):
    """Make officers whose accounts are old enough, and an archive with one recording."""
    place.joinpath("data").mkdir(mode=0o700)
    for user, role in (("li", "admin"), ("shen", "auditor"), ("bai", "auditor"), ("wang", "supervisor")):
        where = ("--site", "prison-site") if role == "supervisor" else ()
        if where:
            huijian("admin", "sites", "add", "prison-site", "--kind", "prison", "--name", "x", "--policy", "yunnan")
        add = ("admin", "users", "add", user, "--name", user, "--role", role, *where, "--password-stdin")
        assert say(*add).code == 0, user
    for waiting in huijian("admin", "users", "pending", "--json").json:
        assert say("admin", "users", "confirm", waiting["change"], "--as", "li").code == 0
    with sqlite3.connect(place / "data" / "huijian.sqlite") as database:
        database.execute("UPDATE users SET credential_at = NULL, vouchers = NULL")

    async def make():
        engine = engine_for(f"sqlite+aiosqlite:///{place / 'data' / 'huijian.sqlite'}")
        await PurgeSetup(engine, place / "data" / "archive").recording("ses_one", seconds=1.0)
        await engine.dispose()

    asyncio.run(make())


def entries(huijian, kind):
    found = huijian("admin", "journal", "list", "--json", "--limit", "1000").json
    return [entry["author"] for entry in found if entry["kind"] == kind]


async def built(place, export):
    """Let the worker of a server build what is approved, and return its state."""
    settings, clock = Settings(data_dir=place / "data"), SystemClock()
    async with Store(settings.database_url, clock) as store, Journal(store.engine, clock) as journal:

        async def name(user):
            return user

        exports = Exports(store.engine)
        worker = ExportWorker(exports, store, journal, settings, clock, name, lambda: False)
        running = asyncio.create_task(worker.run())
        try:
            while (row := await exports.row(export))["state"] in ("approved", "building"):
                await asyncio.sleep(0.05)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        return row["state"]


def test_two_officers_hand_a_recording_over_and_the_package_verifies(huijian, say, place, recording):
    made = say(*REQUEST, "--json").json
    assert made["state"] == "requested"
    own = say("export", "approve", made["id"], "--as", "shen")
    assert own.code == 1 and "Another officer" in own.err
    assert say("export", "approve", made["id"], "--as", "bai", "--json").json["state"] == "approved"
    assert asyncio.run(built(place, made["id"])) == "ready"
    (row,) = huijian("export", "list", "--state", "ready", "--json").json
    assert row["id"] == made["id"]
    refused = say("export", "download", made["id"], "--to", "x.zip", "--as", "bai")
    assert refused.code == 1 and not (place / "x.zip").exists()
    answer = say("export", "download", made["id"], "--to", "x.zip", "--as", "shen", "--json")
    assert answer.code == 0 and (place / "x.zip").stat().st_size == answer.json["bytes"]
    assert oct((place / "x.zip").stat().st_mode)[-3:] == "600"
    for kind, author in (
        ("ExportRequested", "user:shen"),
        ("ExportApproved", "user:bai"),
        ("ExportBuilt", "exports"),
        ("ExportDownloaded", "user:shen"),
    ):
        assert entries(huijian, kind) == [author], kind
    whole = huijian("verify", "--package", "x.zip")
    assert whole.code == 0 and "WHOLE 1 recordings" in whole.out
    (place / "x.zip").chmod(0o600)
    data = bytearray((place / "x.zip").read_bytes())
    data[data.index(b"moof") + 30] ^= 1
    (place / "x.zip").write_bytes(data)
    damaged = huijian("verify", "--package", "x.zip", "--json")
    assert damaged.code == 4
    damages = {(damage["kind"], damage["path"].rpartition("/")[2]) for damage in damaged.json["damages"]}
    assert ("changed", "session.mp4") in damages


def test_a_refusal_is_final_and_others_may_not_ask(huijian, say, recording):
    made = say(*REQUEST, "--json").json
    assert say("export", "refuse", made["id"], "--reason", "无文书", "--as", "bai", "--json").json["state"] == "refused"
    assert say("export", "approve", made["id"], "--as", "bai").code == 1
    assert say("export", "build", made["id"], "--as", "bai").code == 1
    assert say(*REQUEST[:-1], "wang").code == 1
    assert say("export", "request", "ses_none", *REQUEST[3:]).code == 1
    assert say(*REQUEST[:3], "--receiver", "x", *REQUEST[5:]).code == 2
    for hidden in ("某法院\u202e", "某\x1b[31m法院"):
        assert say(*REQUEST[:3], "--receiver", hidden, *REQUEST[5:]).code == 2


@pytest.mark.parametrize("more", [("ses_one",), ("--all",), ("--witness",), ("--archive", "data/archive")])
def test_a_package_is_verified_alone(huijian, place, more):
    (place / "p").mkdir()
    assert huijian("verify", "--package", "p", *more).code == 2
    assert huijian("verify", "--package", "missing").code == 2
    assert json.loads(huijian("verify", "--package", "p", "--json").out)["ok"] is False


def test_the_verifier_can_be_given_apart_from_a_package(huijian, place):
    assert huijian("export", "verifier", "verify.html").code == 0
    assert (place / "verify.html").read_bytes() == verifier_page.page()
    assert huijian("export", "verifier", "verify.html").code == 2, "nothing is written over"
