"""The catalog of recordings, for auditors of the two sites and of the province; each access is journaled."""

from datetime import timedelta

import pytest

from broker.control.store.records import Role
from broker.kernel import atomic_files
from recorder.archive.catalog import Catalog
from recorder.archive.timeline_coverage import coverage
from recorder.evidence.site_chain import lines_of_site
from tests.support.control.fixtures import TEN

RECORDINGS = "/api/v1/recordings"


@pytest.fixture
async def session(front):
    """A visit with a finished recording."""
    session = await front.visit()
    catalog = Catalog(front.store.engine)
    row = {"session": session, "site": "first-prison", "path": "first-prison/2026/03/02/x", "sha256": "ab" * 32}
    row |= {"bytes": 5_000_000_000, "seconds": [1800.1, 1800.2, 1799.9, 1800.0], "packets": 1, "lost": 0, "gaps": []}
    row |= {"state": "archived", "announced": True, "started_at": TEN, "ended_at": TEN, "created_at": TEN}
    await catalog.put(row)
    return session


@pytest.fixture
async def watched(front, session):
    """The same visit with the files beside its film: a manifest with coverage, and a timeline."""
    film = front.context.settings.archive_dir / "first-prison/2026/03/02/x"
    film.parent.mkdir(parents=True)
    people = [{"user": "li", "site": "first-prison"}]
    timeline = [{"at": TEN.isoformat(), "mono": 5.0, "event": {"kind": "people", "watchers": people}}]
    atomic_files.append_lines(film.with_name("timeline.jsonl"), timeline)
    written = {"started_at": TEN.isoformat(), "parts": [{"zero_mono": 5.0}], "tracks": [{"seconds": 9.0}]}
    written |= {"sides": {"prison": {"site": "first-prison"}, "visitor": {"site": "panlong"}}, "policy": {}}
    atomic_files.write_json(
        film.with_name("manifest.json"), written | {"coverage": coverage(timeline, written).to_json()}
    )
    return session, film


class TestCoverage:
    async def test_auditors_see_which_officers_watched_when(self, front, watched):
        session, _ = watched
        data = (await front.ask("GET", f"{RECORDINGS}/{session}/coverage", "auditor")).data
        assert (data["kept"], data["seconds"], data["need"]) == (True, 9.0, 2)
        assert [(row["user"], row["spans"]) for row in data["officers"]] == [("li", [[0.0, 9.0]])]
        assert data["sides"]["visitor"]["short"] == [[0.0, 9.0]]
        (seen,) = await front.noted("CoverageSeen")
        assert (seen.session, seen.author) == (session, "user:auditor")

    async def test_that_of_an_older_recording_is_computed(self, front, watched):
        session, film = watched
        written = atomic_files.read_json(film.with_name("manifest.json"))
        del written["coverage"]
        atomic_files.write_json(film.with_name("manifest.json"), written)
        data = (await front.ask("GET", f"{RECORDINGS}/{session}/coverage", "auditor")).data
        assert not data["kept"] and data["officers"][0]["seconds"] == 9.0

    async def test_other_callers_do_not_see_it(self, front, watched):
        path = f"{RECORDINGS}/{watched[0]}/coverage"
        for caller in ("admin", "prison-sup", "p1", "booking"):
            await front.refused("forbidden", "GET", path, caller)
        await front.refused("not_found", "GET", path, "foreign-auditor")

    async def test_a_recording_whose_folder_is_gone_has_none(self, front, session):
        await front.refused("not_found", "GET", f"{RECORDINGS}/{session}/coverage", "auditor")


class TestRecordings:
    async def test_auditors_find_it_by_day_and_by_session(self, front, session):
        data = (await front.ask("GET", f"{RECORDINGS}?day=2026-03-02", "auditor")).data["recordings"]
        assert [(row["session"], row["state"], row["started_at"]) for row in data] == [
            (session, "archived", "2026-03-02T02:00:00Z")
        ]
        row = (await front.ask("GET", f"{RECORDINGS}/{session}", "auditor")).data
        assert (row["sha256"], row["seconds"][0]) == ("ab" * 32, 1800.1)
        assert (await front.ask("GET", f"{RECORDINGS}?day=2026-03-03", "auditor")).data["recordings"] == []

    async def test_the_visitors_site_may_audit_it_too(self, front, session):
        await front.add_user("visit-auditor", "审", Role.AUDITOR, "a long enough secret", "panlong")
        token = await front.store.issue_user_token("visit-auditor", timedelta(hours=1))
        assert (await front.ask("GET", f"{RECORDINGS}/{session}", token)).status == 200

    async def test_other_sites_find_nothing(self, front, session):
        await front.refused("not_found", "GET", f"{RECORDINGS}/{session}", "foreign-auditor")
        assert (await front.ask("GET", RECORDINGS, "foreign-auditor")).data["recordings"] == []
        await front.refused("not_found", "GET", f"{RECORDINGS}/ses_none", "auditor")

    async def test_other_roles_may_not_read_it_not_even_an_admin(self, front, session):
        for caller in ("admin", "prison-sup", "approver", "clerk", "p1", "booking"):
            await front.refused("forbidden", "GET", f"{RECORDINGS}/{session}", caller)

    async def test_each_access_is_journaled(self, front, session):
        await front.ask("GET", f"{RECORDINGS}/{session}", "auditor")
        await front.ask("GET", RECORDINGS, "auditor")
        (seen,) = await front.noted("RecordingSeen")
        assert (seen.session, seen.author) == (session, "user:auditor")
        assert len(await front.noted("RecordingsListed")) == 1


class TestHolds:
    """Legal holds (证据保全) over REST: row, signed line and journal entry."""

    async def test_are_set_listed_and_lifted_by_an_auditor_with_a_reason(self, front, session):
        path = f"{RECORDINGS}/{session}/holds"
        made = await front.ask("POST", path, "auditor", json={"reason": "法院调取"})
        (hold,) = made.data["holds"]
        assert (hold["by"], hold["by_name"], hold["lifted_by_name"]) == ("auditor", "auditor 名", None)
        assert made.status == 201 and (hold["session"], hold["reason"], hold["by"]) == (session, "法院调取", "auditor")
        assert hold["entry"].encode() in lines_of_site(front.context.settings.archive_dir, "first-prison")[-1]
        assert (await front.ask("GET", "/api/v1/holds", "auditor")).data["holds"] == [hold]
        (lifted,) = (await front.ask("POST", f"{path}/lift", "auditor", json={"reason": "结案"})).data["holds"]
        assert (lifted["lifted_by"], lifted["lifted_why"]) == ("auditor", "结案")
        assert (await front.ask("GET", "/api/v1/holds", "auditor")).data["holds"] == []
        assert [entry.session for kind in ("HoldAdded", "HoldLifted") for entry in await front.noted(kind)] == [
            session
        ] * 2

    async def test_are_for_auditors_of_the_place(self, front, session):
        path, order = f"{RECORDINGS}/{session}/holds", {"reason": "x"}
        for caller in ("admin", "prison-sup", "p1", "booking"):
            await front.refused("forbidden", "POST", path, caller, json=order)
            await front.refused("forbidden", "GET", "/api/v1/holds", caller)
        await front.refused("not_found", "POST", path, "foreign-auditor", json=order)
        await front.ask("POST", path, "auditor", json=order)
        assert (await front.ask("GET", "/api/v1/holds", "foreign-auditor")).data["holds"] == []
        await front.refused("not_found", "POST", f"{path}/lift", "foreign-auditor", json=order)

    async def test_take_no_less(self, front, session):
        path = f"{RECORDINGS}/{session}/holds"
        await front.refused("bad_request", "POST", path, "auditor", json={"reason": " "})
        await front.refused("not_found", "POST", f"{path}/lift", "auditor", json={"reason": "x"})
        await front.refused("not_found", "POST", f"{RECORDINGS}/ses_none/holds", "auditor", json={"reason": "x"})
        await Catalog(front.store.engine).set(session, state="purged")
        await front.refused("conflict", "POST", path, "auditor", json={"reason": "x"})
