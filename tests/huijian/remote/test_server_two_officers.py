"""Commands at a server for which one officer is not enough: a sign-in with a second factor, a purge on the word of two,
and a package that one asks for, another approves, and the first fetches."""

import asyncio
import hashlib
import io
import stat
from datetime import timedelta

import pytest

from broker.kernel.clock import Discipline
from huijian.remote import stored
from recorder.archive.catalog import PURGED, Catalog
from recorder.evidence.signing import trusted
from recorder.export.check import check_package
from tests.support.recording.purging import DUE
from tests.support.signaling.exports import built, recorded_visit
from tests.support.signaling.front import PASSWORD, settle
from tests.support.signaling.second_factor import enrolled


@pytest.fixture
def login(server, huijian, monkeypatch):
    """Return a function that signs in as the auditor, with these lines on standard input."""

    async def say(*lines):
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        command = ("login", "--server", server, "--as", "auditor", "--password-stdin", "--json")
        return await asyncio.to_thread(huijian, *command)

    return say


class TestASecondFactor:
    async def test_is_the_next_line_and_the_sign_in_that_follows_is_used(self, front, server, login, huijian):
        app, _ = await enrolled(front)
        answer = await login(PASSWORD, app.next_code())
        assert answer.code == 0 and answer.json["user"] == "auditor", answer.err
        assert stored.token_at(server).startswith("usr_")
        listed = await asyncio.to_thread(huijian, "admin", "sites", "list", "--server", server, "--json")
        assert listed.code == 0 and listed.json, listed.err

    async def test_may_be_a_recovery_code_which_counts_once(self, front, login):
        app, _ = await enrolled(front)
        assert (await login(PASSWORD, app.codes[0])).code == 0
        again = await login(PASSWORD, app.codes[0])
        assert again.code == 1 and again.err.count("\n") == 1

    @pytest.mark.parametrize("code", ["000000", "xxxx-xxxx", ""])
    async def test_that_is_wrong_keeps_nothing_and_is_one_line(self, front, login, code):
        await enrolled(front)
        answer = await login(PASSWORD, code)
        assert answer.code == 1 and answer.err.count("\n") == 1 and not stored.file().exists()


@pytest.fixture
async def officers(front):
    """Two auditors of the province who may sign for each other, signed in for long."""
    await front.store.add_user("second", "第二人", "auditor", PASSWORD, None)
    await settle(front.store)
    front.tokens = dict(front.tokens)  # those of other tests stay as they are
    for user in ("auditor", "second"):
        front.tokens[user] = await front.store.issue_user_token(user, timedelta(days=9999))


class TestAPurge:
    @pytest.fixture
    async def due(self, front, officers, monkeypatch):
        """The session of a recording that is due."""
        monkeypatch.setattr("signaling.retention.purge_context.discipline", lambda: Discipline(True, 0.0, 0.01))
        session = await recorded_visit(front)
        front.clock.forward(DUE + timedelta(days=1) - front.clock.now().wall)
        return session

    async def test_needs_the_code_of_another_officer_and_deletes_what_that_code_is_for(self, front, due, there):
        issued = await there("auditor", "purge", "issue", "--json")
        assert issued.code == 0 and issued.json["recordings"] == 1, issued.err
        own = await there("auditor", "purge", "--apply", "--code", issued.json["code"])
        assert own.code == 1 and own.err.count("\n") == 1
        catalog = Catalog(front.store.engine)
        assert (await catalog.row(due))["state"] != PURGED
        done = await there("second", "purge", "--apply", "--code", issued.json["code"].lower(), "--json")
        assert done.code == 0 and done.json["deleted"] == 1 and done.json["failed"] == [], done.err
        assert (await catalog.row(due))["state"] == PURGED
        assert (await there("second", "purge", "--apply", "--code", issued.json["code"])).code == 1, "it counts once"

    async def test_says_in_words_what_it_has_deleted(self, front, due, there):
        code = (await there("auditor", "purge", "issue", "--json")).json["code"]
        done = await there("second", "purge", "--apply", "--code", code)
        assert done.code == 0 and "1" in done.out, done.err

    async def test_is_finished_by_the_server_itself(self, due, there):
        assert (await there("second", "purge", "--resume")).code == 2


class TestAPackage:
    async def test_is_approved_by_another_officer_and_fetched_by_the_one_who_asked(self, front, officers, there, place):
        session = await recorded_visit(front)
        request = ("export", "request", session, "--receiver", "某法院", "--reason", "举证", "--json")
        export = (await there("auditor", *request)).json["id"]
        own = await there("auditor", "export", "approve", export)
        assert own.code == 1 and own.err.count("\n") == 1
        early = await there("auditor", "export", "download", export, "--to", "early.zip")
        assert early.code == 1 and not (place / "early.zip").exists()
        approved = await there("second", "export", "approve", export, "--json")
        assert approved.code == 0 and approved.json["decided_by"] == "second", approved.err
        assert (await built(front, export))["state"] == "ready"
        other = await there("second", "export", "download", export, "--to", "other.zip")
        assert other.code == 1 and not (place / "other.zip").exists()
        fetched = await there("auditor", "export", "download", export, "--to", "package.zip", "--json")
        file = place / "package.zip"
        assert fetched.code == 0 and stat.S_IMODE(file.stat().st_mode) == 0o600, fetched.err
        assert hashlib.sha256(file.read_bytes()).hexdigest() == fetched.json["sha256"]
        assert check_package(file, trusted(front.context.settings.keys_dir)).ok
        assert (await there("auditor", "export", "download", export, "--to", "package.zip")).code == 2
        assert [entry.author for entry in await front.noted("ExportDownloaded")] == ["user:auditor"]
