"""The purge by two officers over HTTP: the same rules as on the command line (云南 第十三条)."""

from datetime import timedelta

import pytest

from broker.kernel.clock import Discipline
from recorder.archive.catalog import PURGED, Catalog, columns
from recorder.evidence.signing import KeyProblem
from tests.support.recording.archives import archived, make_work
from tests.support.recording.purging import DUE
from tests.support.signaling.front import settle

PURGE = "/api/v1/purge"
PERMITS, APPLY, RUN = f"{PURGE}/permits", f"{PURGE}/apply", f"{PURGE}/run"
SESSION = "ses_one"


async def archive(front, session=SESSION, site="first-prison"):
    """Archive a recording of three seconds, and return its folder."""
    root = front.context.settings.archive_dir
    done = archived(make_work(root, session, site=site), root)
    row = {"session": session, "site": done["site"], "announced": True, "created_at": front.clock.now().wall}
    await Catalog(front.store.engine).put(row | columns(done))
    return (root / done["path"]).parent


@pytest.fixture
async def due(front, monkeypatch):
    """An archive with one recording that is due at this moment, officers who may sign, and a clock that is right."""
    monkeypatch.setattr("signaling.retention.purge_context.discipline", lambda: Discipline(True, 0.0, 0.01))
    folder = await archive(front)
    front.clock.forward(DUE - front.clock.now().wall)
    await front.store.add_user("second", "第二人", "auditor", "a long enough secret", None)
    await settle(front.store)
    front.tokens = dict(front.tokens)  # those of other tests stay as they are
    for user in ("auditor", "second", "foreign-auditor", "admin", "prison-sup"):
        front.tokens[user] = await front.store.issue_user_token(user, timedelta(hours=12))
    return folder


def failing(error):
    """Return a function that fails."""

    def fail(*_):
        raise error

    return fail


async def code(front, caller="auditor"):
    """Return the code of a permit for what is due."""
    return (await front.ask("POST", PERMITS, caller, json={"recordings": 1})).data["code"]


class TestLooking:
    async def test_shows_what_is_due_by_site_and_deletes_nothing(self, front, due):
        data = (await front.ask("GET", PURGE, "auditor")).data
        assert (data["recordings"], data["site"], data["kept"]) == (1, None, [])
        assert [(site["site"], site["recordings"]) for site in data["sites"]] == [("first-prison", 1)]
        assert due.exists()
        (looked,) = await front.noted("PurgeLooked")
        assert looked.author == "user:auditor"

    async def test_a_held_recording_stays_and_is_counted(self, front, due):
        await front.ask("POST", f"/api/v1/recordings/{SESSION}/holds", "auditor", json={"reason": "法院调取"})
        data = (await front.ask("GET", PURGE, "auditor")).data
        assert data["recordings"] == 0 and data["kept"][0] | {"en": ""} == {
            "code": "held",
            "count": 1,
            "zh": "证据保全中",
            "en": "",
        }

    async def test_officers_see_what_is_due_of_their_own_site(self, front, due):
        assert (await front.ask("GET", PURGE, "foreign-auditor")).data["recordings"] == 0
        await front.refused("not_found", "GET", f"{PURGE}?site=first-prison", "foreign-auditor")
        await front.refused("not_found", "GET", f"{PURGE}?site=nowhere", "admin")
        assert (await front.ask("GET", PURGE, "admin")).data["recordings"] == 1

    async def test_other_roles_may_not(self, front, due):
        for method, path, body in (("GET", PURGE, None), ("POST", PERMITS, {"recordings": 1}), ("GET", RUN, None)):
            await front.refused("forbidden", method, path, "prison-sup", json=body)
            await front.refused("forbidden", method, path, "booking", json=body)

    async def test_a_chain_that_is_not_whole_is_named_in_words(self, front, due):
        chain = front.context.settings.archive_dir / "first-prison" / "chain.jsonl"
        chain.write_bytes(chain.read_bytes() + b"{}\n")
        (broken,) = (await front.ask("GET", PURGE, "auditor")).data["broken"]
        assert broken["site"] == "first-prison" and "验证" in broken["zh"] and "verify" in broken["en"]


class TestPermitting:
    async def test_gives_a_code_for_exactly_what_was_seen(self, front, due):
        answer = await front.ask("POST", PERMITS, "auditor", json={"recordings": 1})
        assert answer.status == 201 and len(answer.data["code"]) == 19
        (noted,) = await front.noted("PurgePermitted")
        assert noted.author == "user:auditor" and answer.data["code"] not in noted.data
        await front.refused("conflict", "POST", PERMITS, "auditor", json={"recordings": 2})

    async def test_is_refused_where_nothing_is_due(self, front, due):
        await front.refused("not_due", "POST", PERMITS, "foreign-auditor", json={"recordings": 1})

    async def test_needs_a_password_that_is_old_enough(self, front, due):
        await front.store.add_user("fresh", "新人", "auditor", "a long enough secret", "first-prison")
        token = await front.store.issue_user_token("fresh", timedelta(hours=12))
        await front.refused("credential_too_new", "POST", PERMITS, token, json={"recordings": 1})


class TestApplying:
    async def test_deletes_what_another_officer_has_permitted(self, front, due):
        answer = await front.ask("POST", APPLY, "second", json={"code": await code(front)})
        assert (answer.status, answer.data["state"], answer.data["second"]) == (202, "running", "auditor")
        await front.context.purges.wait()
        data = (await front.ask("GET", RUN, "second")).data
        assert (data["state"], data["deleted"], data["recordings"], data["zh"]) == ("ended", 1, 1, None)
        assert not due.exists()
        assert (await Catalog(front.store.engine).row(SESSION))["state"] == PURGED
        kinds = ("PurgeOrdered", "RecordingPurged", "PurgeEnded")
        assert [entry.author for kind in kinds for entry in await front.noted(kind)] == ["user:second"] * 3

    async def test_says_in_words_why_a_recording_was_not_deleted(self, front, due, monkeypatch):
        monkeypatch.setattr("recorder.retention.removal.remove", failing(OSError(5, "Input/output error")))
        await front.ask("POST", APPLY, "second", json={"code": await code(front)})
        await front.context.purges.wait()
        (failed,) = (await front.ask("GET", RUN, "second")).data["failed"]
        assert failed["session"] == SESSION and "磁盘" in failed["zh"] and "disk" in failed["en"]
        assert due.exists()

    @pytest.mark.parametrize("error", [KeyProblem("no key"), RuntimeError("a fault")])
    async def test_a_fault_that_ends_it_is_shown(self, front, due, monkeypatch, error):
        monkeypatch.setattr("signaling.retention.purge_run.purge_of", failing(error))
        await front.ask("POST", APPLY, "second", json={"code": await code(front)})
        await front.context.purges.wait()
        data = (await front.ask("GET", RUN, "second")).data
        assert (data["state"], data["deleted"]) == ("ended", 0) and data["zh"] and data["en"]
        assert due.exists()

    async def test_the_same_person_is_refused(self, front, due):
        await front.refused("forbidden", "POST", APPLY, "auditor", json={"code": await code(front)})
        assert due.exists()

    async def test_a_code_works_once(self, front, due):
        once = {"code": await code(front)}
        await front.ask("POST", APPLY, "second", json=once)
        await front.context.purges.wait()
        await front.refused("conflict", "POST", APPLY, "second", json=once)

    async def test_an_unknown_code_and_one_of_another_site_are_refused(self, front, due):
        await front.refused("forbidden", "POST", APPLY, "second", json={"code": "AAAA-BBBB-CCCC-DDDD"})
        await front.refused("bad_request", "POST", APPLY, "second", json={"code": "x"})
        await front.refused("not_found", "POST", APPLY, "foreign-auditor", json={"code": await code(front)})
        assert due.exists()

    async def test_a_plan_that_has_changed_needs_another_permit(self, front, due):
        permit = await code(front)
        await front.ask("POST", f"/api/v1/recordings/{SESSION}/holds", "auditor", json={"reason": "法院调取"})
        await front.refused("not_due", "POST", APPLY, "second", json={"code": permit})
        assert due.exists()

    async def test_a_code_expires_after_a_day(self, front, due):
        permit = await code(front)
        front.clock.forward(timedelta(hours=24))
        token = await front.store.issue_user_token("second", timedelta(hours=12))
        await front.refused("forbidden", "POST", APPLY, token, json={"code": permit})

    async def test_a_second_early_nothing_is_due(self, front, monkeypatch):
        monkeypatch.setattr("signaling.retention.purge_context.discipline", lambda: Discipline(True, 0.0, 0.01))
        folder = await archive(front)
        front.clock.forward(DUE - timedelta(seconds=1) - front.clock.now().wall)
        token = await front.store.issue_user_token("auditor", timedelta(hours=12))
        assert (await front.ask("GET", PURGE, token)).data["recordings"] == 0
        await front.refused("not_due", "POST", PERMITS, token, json={"recordings": 1})
        assert folder.exists()

    async def test_officers_of_other_sites_do_not_see_its_progress(self, front, due):
        await front.ask("POST", APPLY, "second", json={"code": await code(front)})
        await front.context.purges.wait()
        assert (await front.ask("GET", RUN, "foreign-auditor")).data["state"] == "none"
