"""Exports over HTTP: two people, a package for those who were named, an end; each step in the journal."""

import asyncio
import hashlib
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from aiohttp import ClientError

from broker.control.journal.reader import entries
from broker.control.store.records import Role
from broker.kernel.database import writing
from recorder.archive.paths import MANIFEST
from recorder.archive.tables import RECORDINGS
from recorder.evidence.signing import trusted
from recorder.export.check import check_package
from signaling.exports import worker
from signaling.exports.worker import package_path
from signaling.server import pages
from signaling.server.app import _claims
from tests.support.patience import PATIENCE
from tests.support.signaling.exports import ORDER, RECEIVER, built, recorded_visit, requested

EXPORTS = "/api/v1/exports"
APPROVE = {"decision": "approve"}
SECRET = "a long enough secret"


@pytest.fixture
async def session(front):
    """A visit with an archived recording, and a second auditor of the province."""
    await front.add_user("auditor-2", "第二人", Role.AUDITOR, SECRET, None)
    front.tokens["auditor-2"] = await front.store.issue_user_token("auditor-2", timedelta(hours=2000))
    front.tokens["auditor"] = await front.store.issue_user_token("auditor", timedelta(hours=2000))
    return await recorded_visit(front)


async def ready(front, session, **changes):
    """Return a request whose package is ready."""
    made = await requested(front, session, **changes)
    answer = await front.ask("POST", f"{EXPORTS}/{made['id']}/decide", "auditor-2", json=APPROVE)
    assert answer.status == 200, answer.data
    view = await built(front, made["id"])
    assert view["state"] == "ready", view
    return view


class TestTheWholeWay:
    async def test_from_request_to_a_package_that_verifies(self, front, session, tmp_path):
        made = await requested(front, session)
        assert (made["state"], made["state_zh"], made["mine"]) == ("requested", "待批准", True)
        view = await ready_after(front, made)
        assert (view["progress"], view["sound"], view["decided_by"]["id"]) == (1.0, True, "auditor-2")
        answer = await front.ask("GET", f"{EXPORTS}/{made['id']}/package", "auditor")
        data = await answer.read()
        assert (answer.status, answer.content_type, len(data)) == (200, "application/zip", view["bytes"])
        assert hashlib.sha256(data).hexdigest() == view["sha256"]
        assert answer.headers["Content-Disposition"] == f'attachment; filename="huijian-{session}.zip"'
        (tmp_path / "package.zip").write_bytes(data)
        report = check_package(tmp_path / "package.zip", trusted(front.context.settings.keys_dir))
        assert report.damages == [] and report.ok

    async def test_is_journaled_step_by_step_without_the_receivers_name(self, front, session):
        view = await ready(front, session)
        await front.ask("GET", f"{EXPORTS}/{view['id']}/package", "auditor")
        for kind, author in (
            ("ExportRequested", "user:auditor"),
            ("ExportApproved", "user:auditor-2"),
            ("ExportBuilt", "exports"),
            ("ExportSeen", "user:auditor"),
            ("ExportDownloaded", "user:auditor"),
        ):
            (entry,) = await front.noted(kind)
            assert (entry.author, entry.session, json.loads(entry.data)["export"]) == (author, session, view["id"]), (
                kind
            )
        assert all(RECEIVER not in str(entry.data) for entry in await entries(front.store.engine))

    async def test_is_downloaded_by_range(self, front, session):
        view = await ready(front, session)
        path = f"{EXPORTS}/{view['id']}/package"
        whole = await (await front.ask("GET", path, "auditor")).read()
        answer = await front.ask("GET", path, "auditor", headers={"Range": "bytes=100-199"})
        assert (answer.status, await answer.read()) == (206, whole[100:200])
        assert answer.headers["Content-Range"] == f"bytes 100-199/{len(whole)}"
        assert {name: answer.headers.get(name) for name in pages.HEADERS} == pages.HEADERS
        assert answer.headers["Content-Disposition"] == f'attachment; filename="huijian-{session}.zip"'
        tag = answer.headers["ETag"]
        assert (await front.ask("GET", path, "auditor", headers={"If-None-Match": tag})).status == 304
        await front.refused("range_not_satisfiable", "GET", path, "auditor", headers={"Range": "bytes=99999999-"})

    async def test_is_listed_by_state_and_session(self, front, session):
        made = await requested(front, session)
        for query, found in (("", 1), ("?state=requested", 1), ("?state=ready", 0), (f"?session={session}", 1)):
            data = (await front.ask("GET", f"{EXPORTS}{query}", "admin")).data["exports"]
            assert [view["id"] for view in data] == [made["id"]] * found, query


async def ready_after(front, made):
    answer = await front.ask("POST", f"{EXPORTS}/{made['id']}/decide", "auditor-2", json=APPROVE)
    assert answer.status == 200 and answer.data["state"] in ("approved", "building"), answer.data
    return await built(front, made["id"])


class TestTwoPeople:
    async def test_the_officer_who_asks_does_not_decide(self, front, session):
        made = await requested(front, session)
        await front.refused("same_person", "POST", f"{EXPORTS}/{made['id']}/decide", "auditor", json=APPROVE)

    async def test_an_administrator_decides_and_does_not_download(self, front, session):
        made = await requested(front, session)
        answer = await front.ask("POST", f"{EXPORTS}/{made['id']}/decide", "admin", json=APPROVE)
        assert answer.status == 200
        await built(front, made["id"])
        await front.refused("forbidden", "GET", f"{EXPORTS}/{made['id']}/package", "admin")

    async def test_an_account_that_is_too_new_gives_no_permit(self, front, session):
        await front.store.add_user("fresh", "新人", Role.AUDITOR, SECRET, None)
        token = await front.store.issue_user_token("fresh", timedelta(hours=12))
        made = await requested(front, session)
        await front.refused("credential_too_new", "POST", f"{EXPORTS}/{made['id']}/decide", token, json=APPROVE)

    async def test_a_request_of_an_account_that_is_too_new_is_refused_or_waits(self, front, session):
        """Its password may have been set anew by another person since."""
        await front.store.add_user("fresh", "新人", Role.AUDITOR, SECRET, None)
        token = await front.store.issue_user_token("fresh", timedelta(hours=12))
        path = f"{EXPORTS}/{(await requested(front, session, token))['id']}/decide"
        await front.refused("credential_too_new", "POST", path, "auditor-2", json=APPROVE)
        answer = await front.ask("POST", path, "auditor-2", json={"decision": "refuse", "note": "重新申请"})
        assert answer.data["state"] == "refused"

    async def test_each_step_is_on_disk_when_it_is_answered(self, front, session):
        made = await requested(front, session)
        kinds = ["ExportRequested"]
        for step, body, kind in (
            ("decide", {"decision": "refuse", "note": "x"}, "ExportRefused"),
            ("decide", APPROVE, "ExportApproved"),
            ("withdraw", {}, "ExportWithdrawn"),
        ):
            if kind == "ExportApproved":
                made = await requested(front, session)
                kinds.append("ExportRequested")
            caller = "auditor" if step == "withdraw" else "auditor-2"
            assert (await front.ask("POST", f"{EXPORTS}/{made['id']}/{step}", caller, json=body)).status == 200
            kinds.append(kind)
            found = [entry.kind for entry in await entries(front.store.engine)]
            assert [found.count(each) for each in kinds] == [kinds.count(each) for each in kinds], kind

    async def test_a_refusal_says_why_and_is_final(self, front, session):
        made = await requested(front, session)
        path = f"{EXPORTS}/{made['id']}/decide"
        await front.refused("bad_request", "POST", path, "auditor-2", json={"decision": "refuse"})
        answer = await front.ask("POST", path, "auditor-2", json={"decision": "refuse", "note": "无法院文书"})
        assert (answer.data["state"], answer.data["note"]) == ("refused", "无法院文书")
        await front.refused("conflict", "POST", path, "auditor-2", json=APPROVE)
        await front.refused("conflict", "GET", f"{EXPORTS}/{made['id']}/package", "auditor")
        (entry,) = await front.noted("ExportRefused")
        assert json.loads(entry.data)["note"] == "无法院文书"

    async def test_the_same_receiver_is_asked_for_once(self, front, session):
        await requested(front, session)
        path = f"/api/v1/recordings/{session}/exports"
        await front.refused("conflict", "POST", path, "auditor", json=ORDER)
        await requested(front, session, receiver="盘龙区人民检察院")

    async def test_a_request_has_a_reason_and_a_receiver(self, front, session):
        path = f"/api/v1/recordings/{session}/exports"
        for body in ({"receiver": RECEIVER}, {"reason": "x"}, {**ORDER, "reason": ""}, {**ORDER, "receiver": "x" * 61}):
            await front.refused("bad_request", "POST", path, "auditor", json=body)


class TestScope:
    async def test_exports_of_other_sites_do_not_exist(self, front, session):
        made = await requested(front, session)
        await front.refused("not_found", "POST", f"/api/v1/recordings/{session}/exports", "foreign-auditor", json=ORDER)
        for method, more, body in (
            ("GET", "", None),
            ("POST", "/decide", APPROVE),
            ("POST", "/build", {}),
            ("POST", "/withdraw", {}),
            ("GET", "/package", None),
        ):
            path = f"{EXPORTS}/{made['id']}{more}"
            await front.refused("not_found", method, path, "foreign-auditor", json=body)
        assert (await front.ask("GET", EXPORTS, "foreign-auditor")).data == {"exports": []}

    async def test_other_roles_are_refused(self, front, session):
        for caller in ("prison-sup", "clerk", "approver", "booking", "p1", "observer"):
            await front.refused("forbidden", "GET", EXPORTS, caller)
            await front.refused("forbidden", "POST", f"/api/v1/recordings/{session}/exports", caller, json=ORDER)

    async def test_the_package_is_for_the_accounts_that_were_named_alone(self, front, session):
        view = await ready(front, session)
        await front.refused("forbidden", "GET", f"{EXPORTS}/{view['id']}/package", "auditor-2")
        other = await ready(front, session, receiver="另一接收人", downloaders=["auditor-2"])
        await front.refused("forbidden", "GET", f"{EXPORTS}/{other['id']}/package", "auditor")
        assert (await front.ask("GET", f"{EXPORTS}/{other['id']}/package", "auditor-2")).status == 200

    @pytest.mark.parametrize("user", ["admin", "prison-sup", "foreign-auditor", "nobody"])
    async def test_only_auditors_of_the_recording_can_be_named(self, front, session, user):
        path = f"/api/v1/recordings/{session}/exports"
        await front.refused("bad_request", "POST", path, "auditor", json={**ORDER, "downloaders": [user]})

    async def test_a_recording_that_is_not_archived_is_not_handed_over(self, front, session):
        async with writing(front.store.engine) as db:
            await db.execute(RECORDINGS.update().values(state="recording"))
        await front.refused("conflict", "POST", f"/api/v1/recordings/{session}/exports", "auditor", json=ORDER)


class TestTheEnd:
    async def test_a_package_expires_and_its_files_go(self, front, session):
        view = await ready(front, session)
        path = package_path(front.context.settings, view["id"])
        assert path.exists()
        front.at(timedelta(days=8))
        await front.refused("conflict", "GET", f"{EXPORTS}/{view['id']}/package", "auditor")
        await front.context.packages.expire()
        assert not path.parent.exists()
        assert (await front.ask("GET", f"{EXPORTS}/{view['id']}", "auditor")).data["state"] == "expired"
        (entry,) = await front.noted("ExportExpired")
        assert entry.author == "exports"

    async def test_a_request_without_a_decision_expires(self, front, session):
        made = await requested(front, session)
        front.at(timedelta(days=8))
        await front.context.packages.expire()
        await front.refused("conflict", "POST", f"{EXPORTS}/{made['id']}/decide", "auditor-2", json=APPROVE)

    async def test_a_package_goes_with_its_recording(self, front, session):
        view = await ready(front, session)
        async with writing(front.store.engine) as db:
            await db.execute(RECORDINGS.update().values(state="purging"))
        await front.context.packages.expire()
        assert not package_path(front.context.settings, view["id"]).exists()

    async def test_a_package_of_a_recording_that_is_being_deleted_is_not_sent(self, front, session):
        view = await ready(front, session)
        async with writing(front.store.engine) as db:
            await db.execute(RECORDINGS.update().values(state="purging"))
        answer = await front.refused("conflict", "GET", f"{EXPORTS}/{view['id']}/package", "auditor")
        assert "销毁" in answer.data["detail"]

    async def test_a_download_ends_when_the_package_is_withdrawn(self, front, session, monkeypatch):
        view = await ready(front, session)
        monkeypatch.setattr("signaling.api.exports.download.LOOK", 0.0)
        monkeypatch.setattr("signaling.api.playback.CHUNK", 1024)
        exports, looks = front.context.exports, []
        fetchable = exports.fetchable

        async def withdrawn_meanwhile(*args):
            looks.append(args)
            if len(looks) == 3:
                await exports.withdraw(view["id"], front.clock.now().wall)
            return await fetchable(*args)

        monkeypatch.setattr(exports, "fetchable", withdrawn_meanwhile)
        with pytest.raises(ClientError):
            await front.ask("GET", f"{EXPORTS}/{view['id']}/package", "auditor")
        assert len(looks) == 3

    async def test_a_package_that_is_being_built_may_be_withdrawn(self, front, session, monkeypatch):
        monkeypatch.setattr(worker, "BUILDER", ("-c", "import time; time.sleep(600)"))
        made = await requested(front, session)
        await front.ask("POST", f"{EXPORTS}/{made['id']}/decide", "auditor-2", json=APPROVE)
        folder = package_path(front.context.settings, made["id"]).parent
        async with asyncio.timeout(PATIENCE):
            while not folder.exists():
                await asyncio.sleep(0.05)
        answer = await front.ask("POST", f"{EXPORTS}/{made['id']}/withdraw", "auditor-2", json={})
        assert answer.data["state"] == "expired"
        async with asyncio.timeout(PATIENCE):
            while folder.exists() or front.context.packages._building is not None:
                await asyncio.sleep(0.05)

    async def test_its_officers_may_withdraw_it(self, front, session):
        view = await ready(front, session)
        await front.refused("forbidden", "POST", f"{EXPORTS}/{view['id']}/withdraw", "admin", json={})
        answer = await front.ask("POST", f"{EXPORTS}/{view['id']}/withdraw", "auditor", json={})
        assert answer.data["state"] == "expired"
        assert not package_path(front.context.settings, view["id"]).parent.exists()
        await front.refused("conflict", "POST", f"{EXPORTS}/{view['id']}/withdraw", "auditor", json={})


class TestFailure:
    async def test_says_what_to_do_and_is_built_again(self, front, session):
        root = front.context.settings.archive_dir
        manifest = next(root.glob(f"*/*/*/*/{session}/{MANIFEST}"))
        manifest.parent.chmod(0o700)
        aside = manifest.rename(manifest.with_name("aside"))
        made = await requested(front, session)
        await front.ask("POST", f"{EXPORTS}/{made['id']}/decide", "auditor-2", json=APPROVE)
        view = await built(front, made["id"])
        assert (view["state"], view["failure"]) == ("failed", "no_recording")
        assert "录像文件缺失" in view["failure_zh"] and "missing" in view["failure_en"]
        (entry,) = await front.noted("ExportFailed")
        assert json.loads(entry.data)["why"] == "no_recording"
        await asyncio.to_thread(aside.rename, manifest)
        answer = await front.ask("POST", f"{EXPORTS}/{made['id']}/build", "auditor", json={})
        assert answer.status == 202
        assert (await built(front, made["id"]))["state"] == "ready"
        await front.refused("conflict", "POST", f"{EXPORTS}/{made['id']}/build", "auditor", json={})


class TestDownloaders:
    async def test_are_the_auditors_who_see_the_recording(self, front, session):
        await front.add_user("barred", "停用", Role.AUDITOR, SECRET, None)
        await front.store.disable_user("barred")
        answer = await front.ask("GET", f"/api/v1/recordings/{session}/downloaders", "auditor")
        assert {one["id"] for one in answer.data["downloaders"]} == {"auditor", "auditor-2"}
        await front.refused("forbidden", "GET", f"/api/v1/recordings/{session}/downloaders", "admin")

    async def test_are_those_who_are_named_when_the_request_is_made(self, front, session):
        made = await requested(front, session, downloaders=["auditor-2"])
        assert [one["id"] for one in made["downloaders"]] == ["auditor-2"] and not made["mine"]


class TestRoomForVisits:
    async def test_what_an_extension_adds_is_set_aside_too(self, front):
        session = await front.live_visit()
        live = front.broker.live(session)
        live.recording = replace(live.recording, state="writing")
        (before,) = _claims(front.broker, 1000)
        approval = {"id": "ext-1", "seconds": 600, "article": "YN-14-FAMILY", "reason": "路远"}
        answer = await front.ask("POST", f"/api/v1/sessions/{session}/extensions", "approver", json=approval)
        assert answer.status == 200, answer.data
        (after,) = _claims(front.broker, 1000)
        assert after.minutes == before.minutes + 10
