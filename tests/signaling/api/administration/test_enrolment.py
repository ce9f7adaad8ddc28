"""Codes for terminals over HTTP, the register of terminals, and their end."""

import pytest

from broker.control.store.devices.terminals import PublicKey
from broker.kernel.errors import EnrolmentRefused
from tests.support.signaling.front import PASSWORD

WORD = {"password": PASSWORD}
WHY = {"reason": "设备报废"}
KEY = PublicKey(b"a public key of a test", "file")


async def terminal_of(front, room):
    return next(each.id for each in await front.store.terminals() if each.room == room and each.revoked_at is None)


class TestCodes:
    async def test_enrol_the_terminal_of_a_new_room(self, front):
        await front.ask("POST", "/api/v1/rooms", "admin", json={"id": "q2", "site": "second-prison", "name": "二室"})
        made = await front.ask("POST", "/api/v1/rooms/q2/enrolment", "prison-admin", json=WORD)
        assert made.status == 201 and made.data["site"] == "second-prison"
        rooms = (await front.ask("GET", "/api/v1/rooms", "prison-admin")).data["rooms"]
        assert rooms[-1]["code_until"] == made.data["expires_at"]
        assert (await front.store.enrol_by_code(made.data["code"], KEY)).terminal.room == "q2"
        assert made.data["code"] not in "".join(entry.data for entry in await front.noted("EnrolmentOpened"))

    async def test_of_a_room_with_a_terminal_replace_it_by_request_alone(self, front):
        before = await terminal_of(front, "q1")
        await front.refused("conflict", "POST", "/api/v1/rooms/q1/enrolment", "admin", json=WORD)
        made = (await front.ask("POST", "/api/v1/rooms/q1/enrolment", "admin", json=WORD | {"replace": True})).data
        assert await terminal_of(front, "q1") == before
        assert (await front.store.enrol_by_code(made["code"], KEY)).replaced == before

    async def test_a_new_one_makes_the_one_before_worthless(self, front):
        body = WORD | {"replace": True}
        first = (await front.ask("POST", "/api/v1/rooms/q1/enrolment", "admin", json=body)).data
        await front.ask("POST", "/api/v1/rooms/q1/enrolment", "admin", json=body)
        with pytest.raises(EnrolmentRefused):
            await front.store.enrol_by_code(first["code"], KEY)

    async def test_of_a_spare_name_the_site(self, front):
        made = (await front.ask("POST", "/api/v1/sites/second-prison/spare-enrolment", "prison-admin", json=WORD)).data
        assert made["room"] is None
        assert (await front.store.enrol_by_code(made["code"], KEY)).terminal.home is None

    async def test_of_a_spare_are_none_of_a_room_that_has_the_id_of_its_site(self, front):
        form = {"id": "second-prison", "site": "second-prison", "name": "二室"}
        await front.ask("POST", "/api/v1/rooms", "admin", json=form)
        await front.ask("POST", "/api/v1/sites/second-prison/spare-enrolment", "prison-admin", json=WORD)
        rooms = (await front.ask("GET", "/api/v1/rooms", "prison-admin")).data["rooms"]
        assert {room["code_until"] for room in rooms} == {None}

    async def test_need_the_own_password(self, front):
        body = {"password": "wrong", "replace": True}
        await front.refused("forbidden", "POST", "/api/v1/rooms/q1/enrolment", "admin", json=body)
        await front.refused("bad_request", "POST", "/api/v1/rooms/q1/enrolment", "admin", json={})

    @pytest.mark.parametrize("path", ["/api/v1/rooms/{}/enrolment", "/api/v1/sites/{}/spare-enrolment"])
    async def test_of_another_site_are_answered_like_none(self, front, path):
        there = "v1" if "rooms" in path else "panlong"
        answers = [
            (await front.refused("not_found", "POST", path.format(id), "prison-admin", json=WORD)).data
            for id in (there, "nowhere")
        ]
        assert answers[0] == answers[1]


class TestRevoking:
    async def test_ends_the_terminal_for_good_and_frees_its_room(self, front):
        id = await terminal_of(front, "q1")
        answer = await front.ask("POST", f"/api/v1/terminals/{id}/revoke", "prison-admin", json=WHY)
        assert answer.data["state"] == "revoked"
        await front.refused("not_signed_in", "GET", "/api/v1/me", "q1")
        await front.refused("not_found", "POST", f"/api/v1/terminals/{id}/revoke", "prison-admin", json=WHY)
        assert (await front.ask("POST", "/api/v1/rooms/q1/enrolment", "prison-admin", json=WORD)).status == 201
        assert [entry.author for entry in await front.noted("TerminalRevoked")] == ["user:prison-admin"]

    @pytest.mark.parametrize("caller", ["approver", "auditor", "prison-sup"])
    async def test_is_an_administrators(self, front, caller):
        path = f"/api/v1/terminals/{await terminal_of(front, 'p1')}/revoke"
        await front.refused("forbidden", "POST", path, caller, json=WHY)


class TestTheRegister:
    async def test_keeps_terminals_that_were_revoked(self, front):
        id = await terminal_of(front, "q1")
        await front.store.revoke_terminal(id)
        found = (await front.ask("GET", "/api/v1/terminal-register", "prison-admin")).data["terminals"]
        assert [(each["id"], each["state"]) for each in found] == [(id, "revoked")]
        assert "public_key" not in found[0]

    async def test_is_of_the_own_site(self, front):
        path = "/api/v1/terminal-register"
        assert len((await front.ask("GET", path, "auditor")).data["terminals"]) == 6
        assert (await front.ask("GET", f"{path}?site=panlong", "prison-admin")).data["terminals"] == []
