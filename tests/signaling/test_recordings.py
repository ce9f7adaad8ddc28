"""The catalog, for auditors of the two sites and of the province; looking leaves a trace."""

from datetime import timedelta

import pytest

from broker.live.records import Role
from recorder.catalog import Catalog
from tests.live.conftest import TEN

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


class TestRecordings:
    async def test_auditors_find_it_by_day_and_by_session(self, front, session):
        said = (await front.ask("GET", f"{RECORDINGS}?day=2026-03-02", "auditor")).said["recordings"]
        assert [(one["session"], one["state"], one["started_at"]) for one in said] == [
            (session, "archived", "2026-03-02T02:00:00Z")
        ]
        one = (await front.ask("GET", f"{RECORDINGS}/{session}", "auditor")).said
        assert (one["sha256"], one["seconds"][0]) == ("ab" * 32, 1800.1)
        assert (await front.ask("GET", f"{RECORDINGS}?day=2026-03-03", "auditor")).said["recordings"] == []

    async def test_the_visitors_site_may_audit_it_too(self, front, session):
        await front.store.add_user("visit-auditor", "审", Role.AUDITOR, "a long enough secret", "panlong")
        token = await front.store.issue_user_token("visit-auditor", timedelta(hours=1))
        assert (await front.ask("GET", f"{RECORDINGS}/{session}", token)).status == 200

    async def test_other_sites_find_nothing(self, front, session):
        await front.refused("not_found", "GET", f"{RECORDINGS}/{session}", "foreign-auditor")
        assert (await front.ask("GET", RECORDINGS, "foreign-auditor")).said["recordings"] == []
        await front.refused("not_found", "GET", f"{RECORDINGS}/ses_none", "auditor")

    async def test_nobody_else_may_look_not_even_an_admin(self, front, session):
        for who in ("admin", "prison-sup", "approver", "clerk", "p1", "booking"):
            await front.refused("forbidden", "GET", f"{RECORDINGS}/{session}", who)

    async def test_who_looked_at_what_is_journaled(self, front, session):
        await front.ask("GET", f"{RECORDINGS}/{session}", "auditor")
        await front.ask("GET", RECORDINGS, "auditor")
        (seen,) = await front.noted("RecordingSeen")
        assert (seen.session, seen.author) == (session, "user:auditor")
        assert len(await front.noted("RecordingsListed")) == 1
