"""Rooms over HTTP: an administrator reaches those of the own site alone; a closed room takes no visits."""

import pytest

from broker.control.store.records import SiteKind

ROOMS = "/api/v1/rooms"
NEW = {"id": "q2", "site": "second-prison", "name": "视频会见室二"}
WHY = {"reason": "装修"}


async def without_terminal(front, room):
    terminal = next(each.id for each in await front.store.terminals() if each.room == room)
    await front.store.revoke_terminal(terminal)


class TestReading:
    async def test_shows_the_terminal_and_the_code_that_waits(self, front):
        found = {room["id"]: room for room in (await front.ask("GET", ROOMS, "admin")).data["rooms"]}
        assert set(found) == {"p1", "p2", "q1", "v1", "v2", "w1"}
        assert found["p1"]["terminal_state"] == "active" and found["p1"]["code_until"] is None

    async def test_a_site_sees_its_own(self, front):
        assert [room["id"] for room in (await front.ask("GET", ROOMS, "prison-admin")).data["rooms"]] == ["q1"]
        foreign = (await front.ask("GET", f"{ROOMS}?site=panlong", "prison-admin")).data
        assert foreign == (await front.ask("GET", f"{ROOMS}?site=nowhere", "prison-admin")).data == {"rooms": []}

    async def test_may_be_of_one_site(self, front):
        answer = await front.ask("GET", f"{ROOMS}?site=panlong", "auditor")
        assert [room["id"] for room in answer.data["rooms"]] == ["v1", "v2"]


class TestAdding:
    @pytest.mark.parametrize("caller", ["admin", "prison-admin"])
    async def test_is_journaled_under_its_author(self, front, caller):
        assert (await front.ask("POST", ROOMS, caller, json=NEW)).status == 201
        assert [entry.author for entry in await front.noted("RoomAdded")] == [f"user:{caller}"]
        await front.refused("conflict", "POST", ROOMS, caller, json=NEW)

    async def test_another_site_is_answered_like_one_that_does_not_exist(self, front):
        answers = [
            (await front.refused("not_found", "POST", ROOMS, "prison-admin", json=NEW | {"site": site})).data
            for site in ("panlong", "nowhere")
        ]
        assert answers[0] == answers[1]

    async def test_a_citys_bureau_has_no_rooms(self, front):
        await front.store.add_site("city", SiteKind.CITY, "市局", "yunnan")
        await front.refused("bad_request", "POST", ROOMS, "admin", json=NEW | {"site": "city"})


class TestChanging:
    async def test_a_new_name_shows_at_once(self, front):
        assert await front.context.names.room("q1") == "q1 室"
        await front.ask("POST", f"{ROOMS}/q1/rename", "prison-admin", json={"name": "一号会见室"})
        assert await front.context.names.room("q1") == "一号会见室"

    @pytest.mark.parametrize(("change", "body"), [("rename", {"name": "新名"}), ("close", WHY), ("reopen", WHY)])
    async def test_auditors_change_nothing(self, front, change, body):
        await front.refused("forbidden", "POST", f"{ROOMS}/q1/{change}", "auditor", json=body)


class TestClosing:
    async def test_waits_for_the_terminal(self, front):
        answer = await front.refused("conflict", "POST", f"{ROOMS}/q1/close", "prison-admin", json=WHY)
        assert len(answer.data["terminals"]) == 1

    async def test_waits_for_the_visits_that_are_booked(self, front):
        await front.visit()
        await without_terminal(front, "p1")
        await front.refused("conflict", "POST", f"{ROOMS}/p1/close", "admin", json=WHY)

    async def test_a_closed_room_is_booked_no_more(self, front):
        await without_terminal(front, "p1")
        answer = await front.ask("POST", f"{ROOMS}/p1/close", "admin", json=WHY)
        assert answer.data["closed_at"] is not None
        with pytest.raises(Exception, match="closed"):
            await front.visit()
        await front.ask("POST", f"{ROOMS}/p1/reopen", "admin", json=WHY)
        await front.visit()
        assert [entry.author for entry in await front.noted("RoomReopened")] == ["user:admin"]

    async def test_twice_is_a_conflict(self, front):
        await without_terminal(front, "q1")
        await front.ask("POST", f"{ROOMS}/q1/close", "prison-admin", json=WHY)
        await front.refused("conflict", "POST", f"{ROOMS}/q1/close", "prison-admin", json=WHY)
        await front.ask("POST", f"{ROOMS}/q1/reopen", "prison-admin", json=WHY)
        await front.refused("conflict", "POST", f"{ROOMS}/q1/reopen", "prison-admin", json=WHY)
