"""The history of a room's equipment tests (Yunnan 12): who adds to it, who reads it, and what is written once."""

import json
from datetime import timedelta

import pytest

GOOD = {"width": 1280, "height": 720, "rate": 25.0, "level": -40.0, "answer": 12.0}
PATH = "/api/v1/rooms/{}/tests"


async def report(front, caller="p1", room="p1", **changes):
    body = {"id": "tst_1", "cause": "opening", "figures": GOOD} | changes
    return await front.ask("POST", PATH.format(room), caller, json=body)


async def listed(front, caller, room="p1", **query):
    answer = await front.ask("GET", PATH.format(room), caller, params=query)
    assert answer.status == 200
    return answer.data["tests"]


class TestAdding:
    async def test_answers_with_the_verdicts_and_when_the_room_is_tested_next(self, front):
        answer = await report(front, figures=GOOD | {"loss_up": 0.2, "loss_down": 0.0, "jitter": 1.0})
        assert answer.status == 201
        test = answer.data["test"]
        assert not test["passed"] and test["session"] is None
        (line,) = [check for check in test["checks"] if check["code"] == "line"]
        assert line["verdict"] == "failed" and line["zh"] and line["en"]
        assert answer.data["opening"] == 8 * 60

    async def test_is_for_the_terminal_of_the_room_alone(self, front):
        assert (await report(front, "v1")).status == 403
        assert (await report(front, "prison-sup")).status == 403
        assert await listed(front, "p1") == []

    async def test_again_changes_nothing_and_is_journaled_once(self, front):
        for _ in range(3):
            assert (await report(front)).status == 201
        assert len(await listed(front, "p1")) == 1
        (entry,) = await front.noted("EquipmentTested")
        assert json.loads(entry.data) == {
            "room": "p1",
            "test": "tst_1",
            "cause": "opening",
            "passed": True,
            "failed": [],
        }

    async def test_of_a_failure_that_goes_on_is_kept_every_ten_minutes(self, front):
        bad = {"cause": "visit", "figures": GOOD | {"width": 0.0}}
        for number in range(4):
            await report(front, id=f"tst_{number}", **bad)
        assert len(await listed(front, "p1")) == 1
        front.clock.forward(timedelta(minutes=11))
        await report(front, id="tst_later", **bad)
        await report(front, id="tst_good", cause="visit")
        assert [test["id"] for test in await listed(front, "p1")] == ["tst_good", "tst_later", "tst_0"]

    async def test_for_a_visit_of_others_is_refused(self, front):
        session = await front.visit()
        assert (await report(front, session=session)).status == 201
        assert (await report(front, id="tst_2", session="ses_unknown")).status == 404
        assert [test["session"] for test in await listed(front, "p1")] == [session]
        assert await front.noted("EquipmentTested") == [], "the session has its own entry"

    async def test_that_was_made_a_while_ago_has_the_moment_at_which_it_was_made(self, front):
        await report(front, age=600.0)
        await report(front, id="tst_2")
        newer, older = await listed(front, "p1")
        assert older["id"] == "tst_1"
        assert older["at"] < newer["at"]

    @pytest.mark.parametrize("wrong", [{"cause": "boredom"}, {"figures": {"width": -1}}, {"age": 1e9}, {"id": "A b"}])
    async def test_of_nonsense_is_refused(self, front, wrong):
        assert (await report(front, **wrong)).status == 400


class TestReading:
    async def test_is_for_the_terminal_its_site_and_the_province(self, front):
        await report(front)
        for caller in ("p1", "prison-sup", "admin"):
            assert len(await listed(front, caller)) == 1
        for caller in ("v1", "panlong-sup"):
            if caller in front.tokens:
                await front.refused("not_found", "GET", PATH.format("p1"), caller)

    async def test_of_an_unknown_room_is_told_in_the_same_words(self, front):
        unknown = await front.refused("not_found", "GET", PATH.format("nowhere"), "v1")
        others = await front.refused("not_found", "GET", PATH.format("p1"), "v1")
        assert unknown.data == others.data

    async def test_is_limited_by_number_and_by_time(self, front):
        for number in range(3):
            await report(front, id=f"tst_{number}")
            front.clock.forward(timedelta(hours=1))
        assert [test["id"] for test in await listed(front, "p1", limit=2)] == ["tst_2", "tst_1"]
        since = (await listed(front, "p1", limit=1))[0]["at"]
        assert [test["id"] for test in await listed(front, "p1", since=since)] == ["tst_2"]


class TestTestingAgain:
    async def test_is_ordered_by_an_officer_of_the_room_and_reaches_its_terminal_once(self, front):
        session = await front.visit()
        for _ in range(2):
            answer = await front.ask(
                "POST", f"/api/v1/sessions/{session}/retest", "prison-sup", json={"side": "prison"}
            )
            assert answer.status == 200
        (order,) = await front.store.waiting_orders()
        assert (order.order, order.by) == ("test", "user:prison-sup")
        (terminal,) = [one for one in await front.store.terminals() if one.id == order.terminal]
        assert terminal.room == "p1"
        assert {entry.session for entry in await front.noted("TerminalOrdered")} == {session}

    async def test_of_the_other_room_or_by_a_room_is_refused(self, front):
        session = await front.visit()
        path = f"/api/v1/sessions/{session}/retest"
        await front.refused("forbidden", "POST", path, "prison-sup", json={"side": "visitor"})
        await front.refused("forbidden", "POST", path, "p1", json={"side": "prison"})
        assert await front.store.waiting_orders() == []
