"""Approved slots over REST: refusals with their article, repeated orders, and which callers may see them."""

from datetime import timedelta

import pytest

from broker.kernel.ids import Side
from broker.session import events as ev
from broker.session.effects import Reason
from config.check_in import Tick
from tests.support.signaling.front import ten_slot

SLOTS = "/api/v1/slots"
ORDER = {
    "external_id": "YN-1",
    "prison_room": "p1",
    "visitor_room": "v1",
    "starts_at": "2026-03-02T10:00:00+08:00",
    "ends_at": "2026-03-02T10:40:00+08:00",
    "minutes": 30,
    "people": [
        {"id": "inmate-1", "side": "prison", "name": "刘某甲"},
        {"id": "kin-1", "side": "visitor", "name": "欧阳某乙", "relation": "母亲"},
    ],
    "approved_by": "监狱审批科",
    "article": "云南 第八条",
}


def kin(count):
    return [
        {"id": f"kin-{number}", "side": "visitor", "name": f"会见人{number}", "relation": "子女"}
        for number in range(2, count + 2)
    ]


def order(**changes):
    return {**ORDER, **changes}


class TestPosting:
    @pytest.mark.parametrize("caller", ["booking", "admin"])
    async def test_an_approved_slot_becomes_a_session(self, front, caller):
        made = (await front.ask("POST", SLOTS, caller, json=ORDER)).data
        session = front.broker.live(made["session_id"]).session
        assert (session.slot.id, session.slot.policy, session.slot.minutes) == (made["slot"], "yunnan", 30)
        shown = (await front.ask("GET", f"{SLOTS}/{made['slot']}", caller)).data
        assert shown["prison"] == {"site": "first-prison", "room": "p1"}
        assert [person["name"] for person in shown["people"]] == ["刘某甲", "欧阳某乙"]

    async def test_two_prisons_may_meet(self, front):
        made = await front.ask("POST", SLOTS, "booking", json=order(visitor_room="q1"))
        assert made.status == 201

    async def test_the_same_order_again_is_the_same_slot(self, front):
        first = await front.ask("POST", SLOTS, "booking", json=ORDER)
        again = await front.ask("POST", SLOTS, "booking", json=ORDER)
        assert first.data == again.data
        assert len(front.broker.sessions()) == 1

    async def test_the_same_number_with_other_content_is_a_conflict(self, front):
        made = (await front.ask("POST", SLOTS, "booking", json=ORDER)).data
        for change in ({"minutes": 20}, {"people": ORDER["people"] + kin(1)}, {"visitor_room": "v2"}):
            refused = await front.refused("conflict", "POST", SLOTS, "booking", json=order(**change))
            assert refused.data["slot"] == made["slot"]

    async def test_a_cancelled_slot_is_not_posted_again(self, front):
        made = (await front.ask("POST", SLOTS, "booking", json=ORDER)).data
        assert (await front.ask("DELETE", f"{SLOTS}/{made['slot']}", "booking")).status == 204
        await front.refused("conflict", "POST", SLOTS, "booking", json=ORDER)

    async def test_a_room_has_one_visit_at_a_time(self, front):
        await front.ask("POST", SLOTS, "booking", json=ORDER)
        other = order(external_id="YN-2", visitor_room="v2", starts_at="2026-03-02T10:39:00+08:00")
        other["ends_at"] = "2026-03-02T11:19:00+08:00"
        await front.refused("conflict", "POST", SLOTS, "booking", json=other)
        other["starts_at"] = "2026-03-02T10:40:00+08:00"
        assert (await front.ask("POST", SLOTS, "booking", json=other)).status == 201


class TestRules:
    @pytest.mark.parametrize(
        ("change", "article"),
        [
            ({"people": [ORDER["people"][0], *kin(4)]}, "云南 第十四条"),
            ({"minutes": 31}, "云南 第十四条"),
        ],
    )
    async def test_a_slot_against_the_rules_is_refused_with_its_article(self, front, change, article):
        refused = await front.refused("policy_violation", "POST", SLOTS, "booking", json=order(**change))
        assert refused.data["articles"] == [article]

    async def test_bounds_are_inclusive(self, front):
        made = await front.ask("POST", SLOTS, "booking", json=order(people=[ORDER["people"][0], *kin(3)]))
        assert made.status == 201

    @pytest.mark.parametrize(
        "change",
        [
            {"ends_at": "2026-03-02T10:29:00+08:00"},
            {"ends_at": "2026-03-02T14:00:01+08:00"},
            {"starts_at": "2026-03-02T08:50:00+08:00"},
            {"starts_at": "2028-03-02T10:00:00+08:00", "ends_at": "2028-03-02T10:40:00+08:00"},
            {"visitor_room": "p2"},
            {"prison_room": "v2"},
            {"people": [ORDER["people"][1], ORDER["people"][1]]},
            {"people": kin(2)},
            {"minutes": 0},
            {"minutes": "30"},
            {"approved_by": ""},
            {"starts_at": "2026-03-02T10:00:00"},
            {"starts_at": "9999-12-31T23:59:59-23:59", "ends_at": "9999-12-31T23:59:59-23:59"},
            {"starts_at": 1772416800},
            {"unknown": 1},
            {"language": "zh; drop"},
        ],
        ids=str,
    )
    async def test_a_contradictory_slot_is_refused(self, front, change):
        await front.refused("bad_request", "POST", SLOTS, "booking", json=order(**change))
        assert front.broker.sessions() == []

    async def test_unknown_rooms_are_not_found(self, front):
        await front.refused("not_found", "POST", SLOTS, "booking", json=order(visitor_room="nowhere"))

    async def test_a_refusal_is_journaled(self, front):
        await front.refused("policy_violation", "POST", SLOTS, "booking", json=order(minutes=31))
        (noted,) = await front.noted("SlotRefused")
        assert noted.author.startswith("integrator:key_")
        assert "会见人" not in noted.data and "policy_violation" in noted.data


class TestScope:
    async def test_only_the_two_sites_see_a_slot(self, front):
        made = (await front.ask("POST", SLOTS, "booking", json=ORDER)).data
        path = f"{SLOTS}/{made['slot']}"
        for caller in ("prison-sup", "visitor-sup", "clerk", "approver", "auditor", "admin", "booking"):
            assert (await front.ask("GET", path, caller)).status == 200
            assert len((await front.ask("GET", f"{SLOTS}?day=2026-03-02", caller)).data["slots"]) == 1
        for caller in ("foreign-sup", "foreign-auditor", "prison-admin"):
            await front.refused("not_found", "GET", path, caller)
            assert (await front.ask("GET", f"{SLOTS}?day=2026-03-02", caller)).data["slots"] == []

    async def test_a_sites_admin_posts_and_cancels_for_that_site_only(self, front):
        await front.refused("not_found", "POST", SLOTS, "prison-admin", json=ORDER)
        assert front.broker.sessions() == []
        slot = ten_slot()
        await front.broker.add_slot(slot, "test")
        await front.refused("not_found", "DELETE", f"{SLOTS}/{slot.id}", "prison-admin")
        mine = order(prison_room="q1")
        assert (await front.ask("POST", SLOTS, "prison-admin", json=mine | {"visitor_room": "w1"})).status == 201

    async def test_a_visit_that_runs_is_not_cancelled_but_ended(self, front):
        session = await front.live_visit()
        slot = front.broker.live(session).session.slot.id
        await front.refused("conflict", "DELETE", f"{SLOTS}/{slot}", "admin")

    @pytest.mark.parametrize("day", ["2026-13-01", "today", "1999-12-31", "9999-12-31", "", "2026-03-02&day=x"])
    async def test_a_day_that_does_not_exist_is_refused(self, front, day):
        await front.refused("bad_request", "GET", f"{SLOTS}?day={day}", "admin")

    async def test_the_day_is_that_of_shanghai(self, front):
        await front.visit()
        assert len((await front.ask("GET", SLOTS, "admin")).data["slots"]) == 1
        assert (await front.ask("GET", f"{SLOTS}?day=2026-03-01", "admin")).data["slots"] == []


class TestCancelling:
    """Guangdong 31(2): what has been checked in is cancelled with a code and a reason."""

    async def checked_in(self, front):
        """Return the slot of a visit in which one check was made of one visitor."""
        session = await front.visit()
        front.at(timedelta(minutes=-10))
        front.broker.tell(session, ev.Ticked(Side.VISITOR, "kin-1", Tick.IDENTITY, True, "visitor-sup"))
        return front.broker.live(session).session.slot.id

    @pytest.mark.parametrize(("method", "path"), [("DELETE", ""), ("POST", "/cancel")])
    async def test_needs_no_code_before_anybody_is_checked_in(self, front, method, path):
        slot = front.broker.live(await front.visit()).session.slot.id
        assert (await front.ask(method, f"{SLOTS}/{slot}{path}", "booking")).status == 204

    @pytest.mark.parametrize(("method", "path"), [("DELETE", ""), ("POST", "/cancel")])
    async def test_needs_a_code_and_a_reason_afterwards(self, front, method, path):
        slot = await self.checked_in(front)
        for body in ({}, {"article": "YN-18"}, {"reason": "停电"}):
            refusal = await front.refused("reason_needed", method, f"{SLOTS}/{slot}{path}", "booking", json=body)
            assert "YN-18" in refusal.data["codes"]
        for code in ("END-COMPLETED", "GD-36"):
            body = {"article": code, "reason": "停电"}
            await front.refused("policy_violation", method, f"{SLOTS}/{slot}{path}", "booking", json=body)
        body = {"article": "YN-18", "reason": "停电"}
        assert (await front.ask(method, f"{SLOTS}/{slot}{path}", "booking", json=body)).status == 204
        session = front.broker.lives[(await front.store.slot(slot)).session].session
        assert (session.end.reason, session.end.article, session.end.rebook) == (Reason.CANCELLED, "YN-18", True)
