"""Suspensions over REST: proposals, decisions, and refused bookings (Yunnan 17; Guangdong 23, 25)."""

import json
from datetime import timedelta

import pytest

from broker.control.store.records import SiteKind
from broker.session import events as ev
from tests.support.control.fixtures import TEN
from tests.support.signaling.front import PASSWORD, ten_slot

LIST = "/api/v1/suspensions"
ORDER = {"id": "sus_1", "person": "in-1", "months": 2, "code": "YN-17-8", "reason": "谈论案情"}


@pytest.fixture
async def session(front):
    """A visit that was ended on a ground that may lead to a suspension."""
    session = await front.live_visit()
    front.broker.tell(session, ev.EndOrdered("prison-sup", "first-prison", "YN-17-8"))
    return session


async def proposed(front, session, **changes):
    return await front.ask("POST", f"/api/v1/sessions/{session}/suspensions", "prison-sup", json=ORDER | changes)


async def decide(front, caller, decision="approve", id="sus_1"):
    return await front.ask("POST", f"{LIST}/{id}/decide", caller, json={"decision": decision})


def order(**changes):
    """A slot of the same people, in other rooms, some days later."""
    starts = TEN + timedelta(days=3)
    return {
        "prison_room": "p2",
        "visitor_room": "v2",
        "starts_at": starts.isoformat(),
        "ends_at": (starts + timedelta(minutes=40)).isoformat(),
        "minutes": 30,
        "people": [
            {"id": "prisoner-7", "side": "prison", "name": "刘某甲"},
            {"id": "kin-1", "side": "visitor", "name": "欧阳某乙", "relation": "母亲"},
        ],
        "approved_by": "监狱审批",
        "article": "云南 第八条",
    } | changes


class TestProposing:
    async def test_is_for_supervisors_and_names_the_intervention_behind_it(self, front, session):
        data = (await proposed(front, session)).data
        assert (data["status"], data["linked"], data["person"], data["name"]) == (
            "proposed",
            ["end"],
            "in-1",
            "刘某甲",
        )
        assert data["recognised"]
        (entry,) = await front.noted("SuspensionProposed")
        assert "刘某甲" not in entry.data and json.loads(entry.data)["article"] == "YN-17-8"

    async def test_sent_twice_counts_once_and_a_second_one_waits_for_the_first(self, front, session):
        await proposed(front, session)
        await proposed(front, session)
        assert len((await front.ask("GET", LIST, "prison-sup")).data["suspensions"]) == 1
        path = f"/api/v1/sessions/{session}/suspensions"
        await front.refused("conflict", "POST", path, "prison-sup", json=ORDER | {"id": "sus_2"})

    @pytest.mark.parametrize("caller", ["approver", "clerk", "auditor", "admin", "p1", "booking"])
    async def test_other_roles_may_not(self, front, session, caller):
        await front.refused("forbidden", "POST", f"/api/v1/sessions/{session}/suspensions", caller, json=ORDER)

    async def test_is_refused_for_another_sites_visit_and_on_a_lesser_ground(self, front, session):
        path = f"/api/v1/sessions/{session}/suspensions"
        await front.refused("not_found", "POST", path, "foreign-sup", json=ORDER)
        await front.refused("policy_violation", "POST", path, "prison-sup", json=ORDER | {"code": "YN-16-2"})


class TestDeciding:
    async def test_the_prisons_approver_decides_and_both_sites_see_it(self, front, session):
        await proposed(front, session)
        assert (await front.ask("GET", LIST, "approver")).data["suspensions"][0]["mine"]
        data = (await decide(front, "approver")).data
        assert (data["status"], data["first"], data["until"]) == ("approved", "2026-03-02", "2026-05-02")
        assert data["steps"][0]["by"]["id"] == "approver" and not data["mine"]
        assert (await front.ask("GET", LIST, "auditor")).data["suspensions"] == [data]
        assert (await front.ask("GET", LIST, "foreign-sup")).data["suspensions"] == []
        assert (await front.ask("GET", LIST, "visitor-sup")).data["suspensions"] == [], "the prisoner is not its own"
        assert len(await front.noted("SuspensionApproved")) == 1
        await front.refused("conflict", "POST", f"{LIST}/sus_1/decide", "approver", json={"decision": "approve"})

    async def test_other_callers_may_not(self, front, session):
        await proposed(front, session)
        for caller in ("prison-sup", "admin", "auditor", "clerk"):
            await front.refused("forbidden", "POST", f"{LIST}/sus_1/decide", caller, json={"decision": "approve"})
        await front.add_user("far", "远", "approver", PASSWORD, "other-bureau")
        front.tokens["far"] = await front.store.issue_user_token("far", timedelta(hours=1))
        await front.refused("not_found", "POST", f"{LIST}/sus_1/decide", "far", json={"decision": "approve"})
        await front.refused("not_found", "POST", f"{LIST}/sus_9/decide", "approver", json={"decision": "approve"})

    async def test_a_city_sees_proposals_of_sites_below_it(self, front, session):
        await front.store.add_site("city", SiteKind.CITY, "市司法局", "yunnan")
        await front.store.put_under("first-prison", "city")
        await front.add_user("mayor", "市", "approver", PASSWORD, "city")
        front.tokens["mayor"] = await front.store.issue_user_token("mayor", timedelta(hours=1))
        await proposed(front, session)
        (seen,) = (await front.ask("GET", LIST, "mayor")).data["suspensions"]
        assert not seen["mine"], "in Yunnan the prison decides"
        await front.refused("forbidden", "POST", f"{LIST}/sus_1/decide", "mayor", json={"decision": "approve"})


class TestBooking:
    async def test_is_refused_while_it_lasts_with_its_last_day(self, front):
        people = ten_slot().people
        recognised = (people[0].__class__("prisoner-7", people[0].side, "刘某甲"), people[1])
        session = await front.live_visit(people=recognised)
        front.broker.tell(session, ev.EndOrdered("prison-sup", "first-prison", "YN-17-8"))
        assert (await proposed(front, session, person="prisoner-7")).data["recognised"]
        assert (await front.ask("POST", "/api/v1/slots", "booking", json=order(external_id="before"))).status == 201
        await decide(front, "approver")
        later = TEN + timedelta(days=4)
        when = {"starts_at": later.isoformat(), "ends_at": (later + timedelta(minutes=40)).isoformat()}
        refusal = await front.refused("suspended", "POST", "/api/v1/slots", "booking", json=order(**when))
        assert (refusal.data["until"], refusal.data["articles"]) == ("2026-05-02", ["云南 第十七条"])
        assert refusal.data["person"] == "prisoner-7" and "刘" not in json.dumps(refusal.data, ensure_ascii=False)
        after = TEN + timedelta(days=61)
        when = {"starts_at": after.isoformat(), "ends_at": (after + timedelta(minutes=40)).isoformat()}
        assert (await front.ask("POST", "/api/v1/slots", "booking", json=order(**when))).status == 201
