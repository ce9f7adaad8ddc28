"""A procurator (派驻检察) looks at a visit with a reason, live and recorded, read-only: is never counted, is seen by
the officers of both sides, and sees nothing of other prisons."""

import json
from datetime import timedelta

import pytest

from broker.control.store.history.inspections import LASTS
from broker.control.viewers import viewer_of
from broker.ipc.relay_messages import Subscription
from broker.kernel.ids import ResourceId, Side
from broker.presence.quorum import observer_name
from recorder.archive.catalog import Catalog
from signaling.auth.session_expiry import check_observers
from signaling.media.whep import MOST_OBSERVERS
from tests.support.control.fixtures import TEN
from tests.support.signaling.front import OFFER

REASON = {"reason": "例行检察"}
SDP = {"data": OFFER, "headers": {"Content-Type": "application/sdp"}}
BEGIN = "/api/v1/sessions/{}/inspections"


@pytest.fixture
async def session(front):
    """A visit of the first prison that is under way."""
    return await front.live_visit()


async def begin(front, session, caller="procurator"):
    """Begin an inspection; return its view."""
    return (await front.ask("POST", BEGIN.format(session), caller, json=REASON)).data


class TestBeginning:
    async def test_has_a_reason_that_is_journaled_and_shown_to_the_officers_of_both_sides(self, front, session):
        begun = await begin(front, session)
        (noted,) = await front.noted("InspectionBegun")
        assert (noted.session, noted.author) == (session, "user:procurator")
        assert json.loads(noted.data)["reason"] == REASON["reason"]
        for officer in ("prison-sup", "visitor-sup", "auditor"):
            (seen,) = (await front.ask("GET", BEGIN.format(session), officer)).data["inspections"]
            assert seen == begun and seen["by"]["id"] == "procurator"

    async def test_without_a_reason_is_refused(self, front, session):
        for body in ({}, {"reason": ""}, {"reason": "x" * 301}):
            await front.refused("bad_request", "POST", BEGIN.format(session), "procurator", json=body)

    async def test_is_the_procurators_alone(self, front, session):
        for caller in ("prison-sup", "auditor", "admin", "approver", "p1", "booking"):
            await front.refused("forbidden", "POST", BEGIN.format(session), caller, json=REASON)

    async def test_at_another_prisons_visit_is_as_at_none(self, front, session):
        for path in (BEGIN.format(session), BEGIN.format("ses_nowhere")):
            await front.refused("not_found", "POST", path, "foreign-procurator", json=REASON)


class TestLive:
    async def test_needs_an_inspection_that_goes_on(self, front, session):
        await front.refused("inspection_needed", "POST", f"/whep/{session}/prison", "procurator", **SDP)
        begun = await begin(front, session)
        assert (await front.ask("POST", f"/whep/{session}/prison", "procurator", **SDP)).status == 201
        await front.ask("POST", f"{BEGIN.format(session)}/{begun['id']}/end", "procurator")
        await front.refused("inspection_needed", "POST", f"/whep/{session}/visitor", "procurator", **SDP)

    async def test_ends_with_the_inspection(self, front, session):
        begun = await begin(front, session)
        answer = await front.ask("POST", f"/whep/{session}/prison", "procurator", **SDP)
        await front.ask("POST", f"{BEGIN.format(session)}/{begun['id']}/end", "procurator")
        assert front.broker.dropped == [answer.headers["Location"].rpartition("/")[2]]
        await front.refused("not_found", "POST", f"{BEGIN.format(session)}/{begun['id']}/end", "procurator")

    async def test_an_inspection_is_over_after_its_time(self, front, session):
        await begin(front, session)
        front.at(LASTS + timedelta(minutes=1))
        assert not await front.store.inspects(session, "procurator")

    async def test_ends_by_itself_where_the_inspection_is_over(self, front, session):
        begun = await begin(front, session)
        answer = await front.ask("POST", f"/whep/{session}/prison", "procurator", **SDP)
        await check_observers(front.context)
        assert front.broker.dropped == []
        await front.store.end_inspection(session, begun["id"], "procurator")
        await check_observers(front.context)
        assert front.broker.dropped == [answer.headers["Location"].rpartition("/")[2]]

    async def test_the_view_of_the_visit_needs_an_inspection_too(self, front, session):
        await front.refused("inspection_needed", "GET", f"/api/v1/sessions/{session}", "procurator")
        await front.refused("forbidden", "GET", "/api/v1/sessions", "procurator")
        await begin(front, session)
        assert (await front.ask("GET", f"/api/v1/sessions/{session}", "procurator")).data["id"] == session

    async def test_is_asked_of_the_relay_as_a_look_that_counts_for_no_quorum(self, front, session):
        await begin(front, session)
        await front.ask("POST", f"/whep/{session}/prison", "procurator", **SDP)
        offer = front.broker.offers[-1]
        assert (offer.subscriber, offer.gated) == (observer_name("procurator"), False)

    async def test_leaves_the_relays_places_to_the_supervisors(self, front, session):
        for number in range(MOST_OBSERVERS + 1):
            user = f"proc-{number}"
            await front.add_user(user, user, "procurator", "a long password", "first-prison")
            front.tokens = front.tokens | {user: await front.store.issue_user_token(user, timedelta(hours=1))}
            await begin(front, session, user)
            if number < MOST_OBSERVERS:
                for side in Side:
                    assert (await front.ask("POST", f"/whep/{session}/{side}", user, **SDP)).status == 201
            else:
                await front.refused("too_many", "POST", f"/whep/{session}/prison", user, **SDP)

    async def test_officers_of_both_sides_see_who_looks_on_and_rooms_do_not(self, front, session):
        subscription = Subscription(
            resource=ResourceId("r"),
            side=Side.PRISON,
            subscriber=observer_name("procurator"),
            gated=False,
            on=True,
            consent=True,
            reports=True,
        )
        front.broker.live(session).viewers = {ResourceId("r"): viewer_of(subscription)}
        looks_on = {"id": "procurator", "name": "procurator 名"}
        for reason in ("", "例行检察"):
            if reason:
                await begin(front, session)
            view = (await front.ask("GET", f"/api/v1/sessions/{session}", "prison-sup")).data
            assert view["observers"] == [{**looks_on, "reason": reason}]
        for officer in ("prison-sup", "visitor-sup"):
            view = (await front.ask("GET", f"/api/v1/sessions/{session}", officer)).data
            assert view["observers"] == [{**looks_on, "reason": "例行检察"}]
        assert (await front.ask("GET", f"/api/v1/sessions/{session}", "p1")).data["observers"] == []

    @pytest.mark.parametrize("order", ["hold", "end", "remark", "warn", "mute", "tick"])
    async def test_gives_no_orders(self, front, session, order):
        await begin(front, session)
        await front.refused("forbidden", "POST", f"/api/v1/sessions/{session}/{order}", "procurator", json={})


class TestRecorded:
    @pytest.fixture
    async def recorded(self, front, session):
        """The same visit with a recording."""
        row = {"session": session, "site": "first-prison", "path": "x", "sha256": "ab" * 32, "bytes": 1, "gaps": []}
        row |= {"state": "archived", "announced": True, "started_at": TEN, "ended_at": TEN, "created_at": TEN}
        await Catalog(front.store.engine).put(row)
        return f"/api/v1/recordings/{session}"

    async def test_needs_an_inspection(self, front, session, recorded):
        for part in ("", "/film", "/sides/prison", "/view", "/copy", "/coverage"):
            await front.refused("inspection_needed", "GET", recorded + part, "procurator")
        await begin(front, session)
        assert (await front.ask("GET", recorded, "procurator")).data["session"] == session
        (seen,) = await front.noted("RecordingSeen")
        assert seen.author == "user:procurator"

    async def test_changes_nothing(self, front, session, recorded):
        await begin(front, session)
        await front.refused("forbidden", "POST", f"{recorded}/copy", "procurator")
        await front.refused("forbidden", "POST", f"{recorded}/holds", "procurator", json=REASON)

    async def test_of_another_prison_does_not_exist(self, front, recorded):
        await front.refused("not_found", "GET", recorded, "foreign-procurator")

    async def test_of_a_visit_is_seen_by_its_auditors_with_the_reason(self, front, session, recorded):
        begun = await begin(front, session)
        for caller in ("auditor", "procurator"):
            detail = (await front.ask("GET", f"/api/v1/visits/{session}", caller)).data
            assert detail["inspections"] == [begun]
