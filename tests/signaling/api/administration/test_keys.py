"""Keys of other systems over HTTP: shown once, revoked at once, and the province's alone."""

import pytest

from tests.support.signaling.front import PASSWORD

KEYS = "/api/v1/keys"
NEW = {"password": PASSWORD, "name": "省预约平台", "kind": "booking"}
WHY = {"reason": "更换系统"}


class TestKeys:
    async def test_are_shown_once_and_work_until_they_are_revoked(self, front):
        made = await front.ask("POST", KEYS, "admin", json=NEW)
        assert made.status == 201 and made.data["key"].startswith("key_")
        listed = (await front.ask("GET", KEYS, "auditor")).data["keys"]
        assert made.data["key"] not in str(listed) and listed[-1]["name"] == "省预约平台"
        assert (await front.ask("GET", "/api/v1/me", made.data["key"])).status == 200
        revoked = (await front.ask("POST", f"{KEYS}/{made.data['id']}/revoke", "admin", json=WHY)).data
        assert revoked["revoked_at"] is not None
        await front.refused("not_signed_in", "GET", "/api/v1/me", made.data["key"])
        await front.refused("not_found", "POST", f"{KEYS}/{made.data['id']}/revoke", "admin", json=WHY)
        assert [entry.author for entry in await front.noted("KeyRevoked")] == ["user:admin"]
        assert made.data["key"] not in "".join(entry.data for entry in await front.noted("KeyAdded"))

    async def test_of_a_monitoring_program_read_numbers_alone(self, front):
        made = (await front.ask("POST", KEYS, "admin", json=NEW | {"kind": "monitoring"})).data
        assert (await front.ask("GET", "/api/v1/overview", made["key"])).status == 200
        await front.refused("forbidden", "GET", "/api/v1/sessions", made["key"])

    async def test_need_the_own_password(self, front):
        before = len(await front.store.api_keys())
        await front.refused("forbidden", "POST", KEYS, "admin", json=NEW | {"password": "wrong"})
        assert len(await front.store.api_keys()) == before

    @pytest.mark.parametrize("caller", ["prison-admin", "foreign-auditor", "approver", "booking", "observer"])
    async def test_are_the_provinces(self, front, caller):
        await front.refused("forbidden", "GET", KEYS, caller)
        await front.refused("forbidden", "POST", KEYS, caller, json=NEW)

    async def test_are_read_by_its_auditors_and_issued_by_its_administrators(self, front):
        await front.refused("forbidden", "POST", KEYS, "auditor", json=NEW)
        await front.refused("forbidden", "POST", f"{KEYS}/key_x/revoke", "auditor", json=WHY)

    @pytest.mark.parametrize("wrong", [{"kind": "root"}, {"name": ""}, {"name": None}])
    async def test_of_a_wrong_form_are_refused(self, front, wrong):
        assert (await front.ask("POST", KEYS, "admin", json=NEW | wrong)).status == 400
