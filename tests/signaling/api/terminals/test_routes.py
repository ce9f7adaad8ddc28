"""The fleet over HTTP: officers see and order the terminals of their site, and an approver's word alone moves a room to
a spare (Yunnan 27(1))."""

import json
from datetime import timedelta

import pytest

from broker.control.store.devices.terminals import PublicKey
from broker.control.store.records import Role
from broker.control.store.tables import terminals
from broker.kernel.database import writing
from broker.kernel.ids import Side
from broker.session import events as ev
from broker.session.state import State
from kiosk_agent.identity.keys import FileKey
from tests.signaling.live.test_fleet import id_of, report, reported
from tests.support.signaling.front import PASSWORD
from tests.support.signaling.talk import talking
from tests.support.terminals import signed_in

TERMINALS = "/api/v1/terminals"
DAY = timedelta(hours=24)
WHY = {"reason": "主机故障"}


async def spare_of(front, site="first-prison"):
    """Return the id of a spare of a site and a credential for it."""
    code = (await front.store.open_spare_enrolment(site, DAY, "command:test")).code
    key = FileKey.new()
    terminal = (await front.store.enrol_by_code(code, PublicKey(key.public, key.kind))).terminal
    return terminal.id, await signed_in(front.store, terminal.id)


async def add(front, user, role, site):
    await front.add_user(user, user, role, PASSWORD, site)
    front.tokens = front.tokens | {user: await front.store.issue_user_token(user, DAY)}
    return user


async def listed(front, caller, query=""):
    answer = await front.ask("GET", TERMINALS + query, caller)
    assert answer.status == 200, answer.data
    return answer.data["terminals"]


class TestTheList:
    async def test_has_the_terminals_of_the_callers_site(self, front):
        assert {one["room"] for one in await listed(front, "prison-sup")} == {"p1", "p2"}
        assert {one["site"] for one in await listed(front, "approver")} == {"first-prison"}
        assert {one["site"] for one in await listed(front, "prison-admin")} == {"second-prison"}

    @pytest.mark.parametrize("caller", ["admin", "auditor", "observer"])
    async def test_has_all_for_those_of_the_province_and_for_observers(self, front, caller):
        everywhere = await listed(front, caller)
        assert {one["room"] for one in everywhere} == {"p1", "p2", "q1", "v1", "v2", "w1"}
        assert {one["room"] for one in await listed(front, caller, "?site=panlong")} == {"v1", "v2"}

    async def test_has_nothing_of_another_site_that_is_asked_for(self, front):
        assert await listed(front, "prison-sup", "?site=panlong") == []

    async def test_has_those_in_trouble_first(self, front):
        async with reported(front, test=last_test(front)):
            first, last = await listed(front, "prison-sup")
        assert (first["room"], [one["code"] for one in first["troubles"]]) == ("p2", ["offline"])
        assert (last["room"], last["troubles"]) == ("p1", [])

    async def test_leaves_out_revoked_terminals(self, front):
        await front.store.revoke_terminal(await id_of(front, "p2"))
        assert [one["room"] for one in await listed(front, "prison-sup")] == ["p1"]


def last_test(front, **figures):
    good = {"width": 1280, "height": 720, "rate": 25, "luma": 120, "black": 0, "change": 1.5, "blur": 1}
    good |= {"backlight": 1.0, "level": -30, "noise": -60, "clipped": 0, "answer": 9, "clock": 4, "disk": 80000}
    at = front.clock.now().wall.isoformat()
    return {"at": at, "figures": good | figures, "faults": []}


class TestOneTerminal:
    async def test_has_what_it_reports_and_the_verdicts_by_the_rules_of_its_site(self, front):
        p1 = await id_of(front, "p1")
        async with reported(front, test=last_test(front, luma=5), disk=80000):
            view = (await front.ask("GET", f"{TERMINALS}/{p1}", "prison-sup")).data
        assert view["connected"] and view["last_seen"] and view["version"] == "1.2.3"
        assert (view["temperature"], view["disk"], view["line"]["answer"], view["clock"]) == (51.5, 80000, 9, 4)
        assert not view["test"]["passed"]
        failed = [check["code"] for check in view["test"]["checks"] if check["verdict"] == "failed"]
        assert failed == ["black"]
        assert [one["code"] for one in view["troubles"]] == ["test"]
        assert (view["duty"], view["home"], view["site_name"]) == ("own_room", "p1", "第一监狱")

    async def test_that_was_never_seen_has_nothing_but_its_place(self, front):
        view = (await front.ask("GET", f"{TERMINALS}/{await id_of(front, 'p2')}", "admin")).data
        assert (view["connected"], view["last_seen"], view["test"], view["version"]) == (False, None, None, None)

    async def test_says_a_day_later_that_it_was_not_tested(self, front):
        yesterday = (front.clock.now().wall - timedelta(hours=25)).isoformat()
        async with reported(front, test=last_test(front) | {"at": yesterday}):
            view = (await front.ask("GET", f"{TERMINALS}/{await id_of(front, 'p1')}", "admin")).data
        assert [one["code"] for one in view["troubles"]] == ["untested"]

    async def test_says_that_its_page_does_not_answer_and_that_its_key_is_in_dispute(self, front):
        p1 = await id_of(front, "p1")
        async with reported(front, page_alive=False, test=last_test(front)):
            await front.store.conflict_terminal(p1)
            view = (await front.ask("GET", f"{TERMINALS}/{p1}", "admin")).data
        assert [one["code"] for one in view["troubles"]] == ["conflicted", "page"]
        assert view["state"] == "conflicted"

    async def test_names_its_next_visit_and_whether_people_meet(self, front):
        session = await front.visit()
        view = (await front.ask("GET", f"{TERMINALS}/{await id_of(front, 'p1')}", "prison-sup")).data
        assert view["next_visit"] == {"session": session, "state": "scheduled", "starts_at": "2026-03-02T02:00:00Z"}
        assert view["in_visit"] is False


class TestWhoMaySeeAndOrder:
    @pytest.mark.parametrize("caller", ["p1", "clerk", "booking"])
    async def test_others_than_officers_and_observers_do_not_see(self, front, caller):
        await front.refused("forbidden", "GET", TERMINALS, caller)

    @pytest.mark.parametrize("order", ["test", "restart"])
    @pytest.mark.parametrize("caller", ["prison-sup", "auditor", "clerk", "p1", "observer", "booking"])
    async def test_tests_and_restarts_are_ordered_by_approvers_and_admins_only(self, front, caller, order):
        p1 = await id_of(front, "p1")
        await front.refused("forbidden", "POST", f"{TERMINALS}/{p1}/{order}", caller)
        assert await front.store.waiting_orders() == []

    @pytest.mark.parametrize("order", ["test", "restart"])
    @pytest.mark.parametrize("caller", ["approver", "admin"])
    async def test_tests_and_restarts_are_theirs_for_their_own_site(self, front, caller, order):
        p1 = await id_of(front, "p1")
        view = (await front.ask("POST", f"{TERMINALS}/{p1}/{order}", caller)).data
        assert [one["order"] for one in view["waiting"]] == [order]
        (entry,) = await front.noted("TerminalOrdered")
        assert entry.author == f"user:{caller}"
        assert {"terminal": p1, "room": "p1", "order": order}.items() <= json.loads(entry.data).items()

    @pytest.mark.parametrize(("act", "body"), [("test", None), ("restart", None), ("readmit", WHY)])
    async def test_a_site_orders_nothing_at_another_one(self, front, act, body):
        await front.refused(
            "not_found", "POST", f"{TERMINALS}/{await id_of(front, 'p1')}/{act}", "prison-admin", json=body
        )

    @pytest.mark.parametrize(("act", "body"), [("assign", {"room": "p1", **WHY}), ("release", WHY)])
    @pytest.mark.parametrize("caller", ["admin", "prison-sup", "auditor", "clerk", "p1", "observer", "booking"])
    async def test_a_room_is_moved_by_approvers_only(self, front, caller, act, body):
        spare, _ = await spare_of(front)
        await front.refused("forbidden", "POST", f"{TERMINALS}/{spare}/{act}", caller, json=body)
        assert (await front.store.terminal(spare)).room == ""

    @pytest.mark.parametrize("caller", ["approver", "prison-sup", "p1"])
    async def test_a_key_is_readmitted_by_admins_only(self, front, caller):
        await front.refused("forbidden", "POST", f"{TERMINALS}/{await id_of(front, 'p1')}/readmit", caller, json=WHY)


class TestOrders:
    async def test_reach_the_terminal_at_once(self, front):
        p1 = await id_of(front, "p1")
        async with talking(front, "p1") as talk:
            await front.ask("POST", f"{TERMINALS}/{p1}/test", "approver")
            order = await talk.receive("terminal_order")
            await talk.send(**report(done=[order.id]))
            while (await front.ask("GET", f"{TERMINALS}/{p1}", "approver")).data["waiting"]:
                await front.context.fleet.round()

    async def test_to_restart_are_refused_while_people_meet(self, front):
        await front.live_visit()
        p1 = await id_of(front, "p1")
        refusal = await front.refused("conflict", "POST", f"{TERMINALS}/{p1}/restart", "approver")
        assert "会见" in refusal.data["detail"]
        assert await front.store.waiting_orders() == []
        assert (await front.ask("POST", f"{TERMINALS}/{p1}/test", "approver")).status == 200
        (entry,) = await front.noted("TerminalOrderRefused")
        assert entry.author == "user:approver"

    async def test_are_refused_for_a_terminal_whose_key_is_in_dispute(self, front):
        p1 = await id_of(front, "p1")
        await front.store.conflict_terminal(p1)
        await front.refused("conflict", "POST", f"{TERMINALS}/{p1}/restart", "admin")


class TestReadmitting:
    async def test_lets_the_terminal_sign_in_again_and_is_journaled_with_its_reason(self, front):
        p1 = await id_of(front, "p1")
        await front.store.conflict_terminal(p1)
        view = (await front.ask("POST", f"{TERMINALS}/{p1}/readmit", "admin", json=WHY)).data
        assert view["state"] == "active"
        (entry,) = await front.noted("TerminalReadmitted")
        assert json.loads(entry.data) == {"terminal": p1, "room": "p1", **WHY}
        await front.refused("conflict", "POST", f"{TERMINALS}/{p1}/readmit", "admin", json=WHY)


class TestASpare:
    """Yunnan 27(1): one terminal acts for a room, by an approver's word, never across sites."""

    async def test_acts_for_the_room_from_the_next_moment_and_the_former_one_does_not(self, front):
        session = await front.visit()
        front.at(timedelta(minutes=-10))
        front.broker.tell(session, ev.SelfTested(Side.PRISON, True, "t", {"camera": "passed"}))
        p1, (spare, token) = await id_of(front, "p1"), await spare_of(front)
        async with talking(front, "p1") as former, talking(front, token) as waiting:
            assert (former.welcome.who.room, waiting.welcome.who.room) == ("p1", "")
            assert [len(each.sessions.sessions) for each in (former, waiting)] == [1, 0]
            view = (await front.ask("POST", f"{TERMINALS}/{spare}/assign", "approver", json={"room": "p1", **WHY})).data
            assert (view["duty"], view["room"]) == ("stand_in", "p1")
            assert [await former.closed(), await waiting.closed()] == [4014, 4014]
        async with talking(front, "p1") as former, talking(front, token) as acting:
            assert (former.welcome.who.room, acting.welcome.who.room) == ("", "p1")
            assert [len(each.sessions.sessions) for each in (former, acting)] == [0, 1]
            assert acting.sessions.sessions[0].my_side == "prison"
        live = front.broker.live(session).session
        assert Side.PRISON not in live.check_in.tested  # the new one has to test its own equipment
        (entry,) = await front.noted("TerminalAssigned")
        assert json.loads(entry.data) == {"room": "p1", "terminal": spare, "former": p1, **WHY}
        fact = next(fact for fact in front.broker.facts if isinstance(fact, ev.TerminalChanged))
        assert (fact.side, fact.terminal, fact.former, fact.by) == (Side.PRISON, spare, p1, "approver")

    async def test_publishes_as_the_room_and_the_former_one_is_refused_and_loses_its_media(self, front):
        session = await front.live_visit()
        sdp = {"data": "v=0\r\n", "headers": {"Content-Type": "application/sdp"}}
        spare, token = await spare_of(front)
        await front.refused("wrong_room", "POST", f"/whip/{session}", token, **sdp)
        assert (await front.ask("POST", f"/whip/{session}", "p1", **sdp)).status == 201
        await front.ask("POST", f"{TERMINALS}/{spare}/assign", "approver", json={"room": "p1", **WHY})
        assert len(front.broker.dropped) == 1
        await front.refused("wrong_room", "POST", f"/whip/{session}", "p1", **sdp)
        assert (await front.ask("POST", f"/whip/{session}", token, **sdp)).status == 201
        assert front.broker.live(session).session.state is State.LIVE

    async def test_gives_the_room_back_when_it_is_released(self, front):
        p1, (spare, token) = await id_of(front, "p1"), await spare_of(front)
        await front.ask("POST", f"{TERMINALS}/{spare}/assign", "approver", json={"room": "p1", **WHY})
        replaced = (await front.ask("GET", f"{TERMINALS}/{p1}", "approver")).data
        assert (replaced["duty"], replaced["room"], replaced["home"]) == ("replaced", None, "p1")
        view = (await front.ask("POST", f"{TERMINALS}/{spare}/release", "approver", json=WHY)).data
        assert (view["duty"], view["room"]) == ("spare", None)
        async with talking(front, "p1") as own, talking(front, token) as waiting:
            assert (own.welcome.who.room, waiting.welcome.who.room) == ("p1", "")
        assert len(await front.noted("TerminalReleased")) == 1
        await front.refused("conflict", "POST", f"{TERMINALS}/{spare}/release", "approver", json=WHY)

    async def test_leaves_when_the_rooms_own_terminal_takes_its_room_back(self, front):
        p1, (spare, _) = await id_of(front, "p1"), await spare_of(front)
        await front.ask("POST", f"{TERMINALS}/{spare}/assign", "approver", json={"room": "p1", **WHY})
        await front.ask("POST", f"{TERMINALS}/{p1}/assign", "approver", json={"room": "p1", **WHY})
        assert [(await front.store.terminal(id)).room for id in (p1, spare)] == ["p1", ""]

    @pytest.mark.parametrize("room", ["q1", "v1", "none"])
    async def test_takes_no_room_of_another_site(self, front, room):
        spare, _ = await spare_of(front)
        await front.refused("not_found", "POST", f"{TERMINALS}/{spare}/assign", "approver", json={"room": room, **WHY})
        assert (await front.store.terminal(spare)).room == ""

    async def test_of_another_site_is_not_moved_by_this_sites_approver(self, front):
        spare, _ = await spare_of(front, "second-prison")
        await front.refused("not_found", "POST", f"{TERMINALS}/{spare}/assign", "approver", json={"room": "q1", **WHY})
        other = await add(front, "other-approver", Role.APPROVER, "second-prison")
        await front.refused("not_found", "POST", f"{TERMINALS}/{spare}/assign", other, json={"room": "p1", **WHY})
        assert (await front.ask("POST", f"{TERMINALS}/{spare}/assign", other, json={"room": "q1", **WHY})).status == 200

    async def test_that_acts_for_a_room_takes_no_second_one(self, front):
        spare, _ = await spare_of(front)
        await front.ask("POST", f"{TERMINALS}/{spare}/assign", "approver", json={"room": "p1", **WHY})
        await front.refused("conflict", "POST", f"{TERMINALS}/{spare}/assign", "approver", json={"room": "p2", **WHY})
        assert (await front.store.terminal(await id_of(front, "p2"))).room == "p2"

    async def test_needs_an_approver_whose_password_is_old_enough(self, front):
        spare, _ = await spare_of(front)
        await front.store.add_user("new-approver", "新", Role.APPROVER, PASSWORD, "first-prison")
        token = await front.store.issue_user_token("new-approver", DAY)
        body = {"room": "p1", **WHY}
        await front.refused("credential_too_new", "POST", f"{TERMINALS}/{spare}/assign", token, json=body)

    async def test_needs_a_reason(self, front):
        spare, _ = await spare_of(front)
        await front.refused("bad_request", "POST", f"{TERMINALS}/{spare}/assign", "approver", json={"room": "p1"})

    async def test_is_refused_while_its_own_key_is_in_dispute(self, front):
        spare, _ = await spare_of(front)
        await front.store.conflict_terminal(spare)
        await front.refused("conflict", "POST", f"{TERMINALS}/{spare}/assign", "approver", json={"room": "p1", **WHY})

    async def test_a_second_terminal_for_a_room_is_refused_by_the_database_itself(self, front):
        spare, _ = await spare_of(front)
        with pytest.raises(Exception, match="UNIQUE"):
            async with writing(front.store.engine) as db:
                await db.execute(terminals.update().where(terminals.c.id == spare).values(room="p1"))
