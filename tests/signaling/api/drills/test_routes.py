"""Yunnan 12, 26(5): drills over HTTP: by whom one is begun, who sees it, and what its synthetic officers may do."""

import asyncio
from datetime import timedelta

import pytest

from broker.booking.drill import NAME
from broker.booking.slot import Place
from broker.kernel.ids import Side
from signaling.auth.scope import Role
from tests.support.control.drill_tools import PretendTools
from tests.support.control.fixtures import TEN
from tests.support.patience import PATIENCE
from tests.support.signaling.fixtures import running_front
from tests.support.signaling.front import OFFER, PASSWORD

DRILLS = "/api/v1/drills"
ROOMS = {"prison_room": "p1", "visitor_room": "v1"}
BEGINS = {"approver", "admin", "bureau-approver"}
SEES = BEGINS | {"prison-sup", "visitor-sup", "auditor"}
EVERYONE = (*sorted(SEES), "foreign-sup", "clerk", "prison-admin", "foreign-auditor", "booking", "observer", "p1", "v1")


@pytest.fixture
def tools():
    return PretendTools(frozenset({"p1", "v1"}))


@pytest.fixture
async def front(tmp_path, clock, made, tools):
    async with running_front(tmp_path, clock, made, lambda connected: tools) as running:
        await running.add_user("bureau-approver", "局长", Role.APPROVER, PASSWORD, "panlong")
        token = await running.store.issue_user_token("bureau-approver", timedelta(hours=1))
        running.tokens = running.tokens | {"bureau-approver": token}
        yield running
        tools.go_on.set()


async def in_check_in(front):
    """Return the session of a visit in two other rooms, whose check-in is open."""
    now = front.clock.now().wall
    visit = await front.visit(
        starts_at=now + timedelta(minutes=10),
        ends_at=now + timedelta(hours=1),
        prison=Place("first-prison", "p2"),
        visitor=Place("panlong", "v2"),
    )
    assert front.broker.live(visit).session.state == "check_in"
    return visit


async def over(front, tools):
    """Let the program of the drill end, and wait until its result is stored."""
    tools.go_on.set()
    async with asyncio.timeout(PATIENCE):
        await front.context.drills.conductor.wait()


class TestWhoBeginsOne:
    @pytest.mark.parametrize("caller", EVERYONE)
    async def test_is_an_approver_or_admin_of_one_of_the_sites_or_the_province(self, front, caller, tools):
        answer = await front.ask("POST", DRILLS, caller, json=ROOMS)
        assert (answer.status == 201) is (caller in BEGINS), answer.data
        if answer.status != 201:
            assert answer.status in (403, 404) and not tools.parts
            assert (await front.noted("DrillRefused"))[-1].author.endswith(
                caller if caller not in ("booking", "observer", "p1", "v1") else ""
            )

    async def test_is_nobody_without_a_credential(self, front):
        await front.refused("not_signed_in", "POST", DRILLS, json=ROOMS)

    @pytest.mark.parametrize(
        "body", [{}, {"prison_room": "p1"}, ROOMS | {"prison_site": "first-prison", "visitor_site": "panlong"}]
    )
    async def test_names_both_rooms_or_both_sites(self, front, body):
        await front.refused("bad_request", "POST", DRILLS, "admin", json=body)

    async def test_finds_the_rooms_of_two_sites(self, front):
        answer = await front.ask(
            "POST", DRILLS, "admin", json={"prison_site": "first-prison", "visitor_site": "panlong"}
        )
        assert (answer.data["prison"]["room"], answer.data["visitor"]["room"]) == ("p1", "v1")

    async def test_of_unknown_rooms_is_refused(self, front):
        await front.refused("not_found", "POST", DRILLS, "admin", json=ROOMS | {"visitor_room": "none"})


class TestWhen:
    async def test_one_runs_no_other_begins(self, front):
        assert (await front.ask("POST", DRILLS, "admin", json=ROOMS)).status == 201
        await front.refused("conflict", "POST", DRILLS, "admin", json={"prison_room": "q1", "visitor_room": "v2"})

    async def test_a_check_in_is_near_none_begins(self, front):
        await front.visit()
        front.clock.forward(TEN - timedelta(minutes=35) - front.clock.now().wall)
        await front.refused("conflict", "POST", DRILLS, "admin", json=ROOMS)

    async def test_a_visit_is_booked_meanwhile_the_drill_is_not_in_its_way(self, front, tools):
        drill = (await front.ask("POST", DRILLS, "admin", json=ROOMS)).data["id"]
        await front.visit(starts_at=front.clock.now().wall, ends_at=TEN)  # its check-in opens at once
        await over(front, tools)
        answer = await front.ask("GET", f"{DRILLS}/{drill}", "admin")
        assert (answer.data["state"], answer.data["failed_at"]) == ("failed", "yielded")
        assert front.broker.live(drill).session.state == "ended"


class TestWhoSeesOne:
    async def test_is_an_officer_of_the_two_sites_or_the_province(self, front, tools):
        drill = (await front.ask("POST", DRILLS, "admin", json=ROOMS)).data["id"]
        await over(front, tools)
        for caller in EVERYONE:
            single, listed = await front.ask("GET", f"{DRILLS}/{drill}", caller), await front.ask("GET", DRILLS, caller)
            assert (single.status == 200) is (caller in SEES), caller
            assert bool(listed.status == 200 and listed.data["drills"]) is (caller in SEES), caller

    async def test_learns_each_step_in_words_and_the_signed_result(self, front, tools):
        drill = (await front.ask("POST", DRILLS, "admin", json=ROOMS)).data
        assert (drill["state"], drill["steps"], drill["result"]) == ("running", [], None)
        await over(front, tools)
        drill = (await front.ask("GET", f"{DRILLS}/{drill['id']}", "prison-sup")).data
        assert drill["state"] == "failed" and drill["result"]["signature"]["key"] == "k"
        assert all(step["zh"] and step["en"] for step in drill["steps"])
        assert (drill["failed_at"], drill["failed_zh"]) == ("tests", "两室设备自检通过")

    async def test_the_booking_system_sees_neither_its_slot_nor_its_session(self, front):
        drill = (await front.ask("POST", DRILLS, "admin", json=ROOMS)).data["id"]
        slot = (await front.store.slot_of_session(drill)).id
        assert (await front.ask("GET", "/api/v1/slots", "booking")).data["slots"] == []
        await front.refused("not_found", "GET", f"/api/v1/slots/{slot}", "booking")
        (shown,) = (await front.ask("GET", "/api/v1/slots", "prison-sup")).data["slots"]
        assert shown["drill"] is True


class TestDue:
    async def test_are_the_rooms_of_todays_first_visits_that_were_not_tried(self, front, tools):
        await front.visit()
        answer = await front.ask("GET", f"{DRILLS}/due", "prison-sup")
        assert [(pair["prison"]["room"], pair["visitor"]["room"]) for pair in answer.data["pairs"]] == [("p1", "v1")]
        assert (await front.ask("GET", f"{DRILLS}/due", "foreign-sup")).data["pairs"] == []


class TestSyntheticOfficers:
    """They are supervisors of one session, for which alone they exist."""

    @pytest.fixture
    async def synthetic(self, front, tools):
        """The session of a drill and the token of one of its officers, which go with the drill."""
        drill = (await front.ask("POST", DRILLS, "admin", json=ROOMS)).data["id"]
        async with asyncio.timeout(PATIENCE):
            while not tools.parts:
                await asyncio.sleep(0)
        return drill, tools.parts[0].tokens[Side.PRISON][0]

    async def test_see_their_drill_and_no_visit(self, front, synthetic):
        drill, token = synthetic
        visit = await front.visit(starts_at=TEN + timedelta(hours=3), ends_at=TEN + timedelta(hours=4))
        assert (await front.ask("GET", f"/api/v1/sessions/{drill}", token)).status == 200
        await front.refused("not_found", "GET", f"/api/v1/sessions/{visit}", token)

    async def test_order_nothing_in_a_visit(self, front, synthetic):
        visit = await in_check_in(front)
        for path, body in (("end", {"article": "YN-16-2"}), ("seat", {"side": "prison", "ready": True})):
            await front.refused("not_found", "POST", f"/api/v1/sessions/{visit}/{path}", synthetic[1], json=body)

    @pytest.mark.parametrize("path", ["sessions", "slots", "drills", "overview", "rebookings", "announcements"])
    async def test_ask_for_nothing_beside_it(self, front, synthetic, path):
        assert (await front.ask("GET", f"/api/v1/{path}", synthetic[1])).status == 403

    async def test_watch_no_visit(self, front, synthetic):
        visit, sdp = await in_check_in(front), {"Content-Type": "application/sdp"}
        await front.refused("not_found", "POST", f"/whep/{visit}/prison", synthetic[1], data=OFFER, headers=sdp)
        assert not front.broker.offers

    async def test_are_gone_with_their_drill(self, front, synthetic, tools):
        await over(front, tools)
        await front.refused("not_signed_in", "GET", f"/api/v1/sessions/{synthetic[0]}", synthetic[1])

    async def test_have_a_name_that_says_what_they_are(self, front, synthetic):
        caller = await front.context.credentials.holder(synthetic[1])
        assert caller.name == NAME and await front.context.names.user(caller.id) == NAME
        assert (await front.store.users()) and caller.id not in {user.id for user in await front.store.users()}
