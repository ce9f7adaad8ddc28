"""Accounts over HTTP: who sees and changes which, what waits for a second word, and links for new passwords."""

from datetime import timedelta

import pytest

from broker.authority.persons import ChangeKind, check_two
from broker.kernel.errors import SamePerson
from tests.support.signaling.front import PASSWORD
from tests.support.signaling.second_factor import IN

USERS = "/api/v1/users"
WORD = {"password": PASSWORD}
WHY = {"reason": "调离岗位"}
INVITE = {**WORD, "user": "li", "name": "李", "role": "supervisor", "site": "second-prison"}


async def users(front, caller="admin", query=""):
    return {user["id"]: user for user in (await front.ask("GET", USERS + query, caller)).data["users"]}


async def confirm(front, change, caller="auditor"):
    return await front.ask("POST", f"/api/v1/account-changes/{change}/confirm", caller, json=WORD)


class TestReading:
    async def test_the_province_sees_all_and_a_site_its_own(self, front):
        assert {"prison-sup", "clerk", "auditor", "admin"} <= set(await users(front))
        assert set(await users(front, "prison-admin")) == {"foreign-procurator", "prison-admin"}
        assert await users(front, "prison-admin", "?site=panlong") == {}
        assert set(await users(front, "auditor", "?site=panlong")) == {"clerk", "visitor-sup", "visitor-sup-2"}

    async def test_says_how_each_account_stands(self, front):
        await front.store.disable_user("clerk")
        await front.ask("POST", "/api/v1/invitations", "admin", json=INVITE)
        found = await users(front)
        assert (found["approver"]["state"], found["clerk"]["state"]) == ("active", "disabled")
        assert found["li"]["state"] == "invited" and found["li"]["invitation"]["by"] == "user:admin"
        front.clock.forward(timedelta(hours=100))
        admin = await front.store.issue_user_token("admin", timedelta(hours=1))
        assert (await users(front, admin))["li"]["state"] == "no_link"

    async def test_shows_what_waits_for_a_word(self, front):
        body = INVITE | {"role": "approver"}
        change = (await front.ask("POST", "/api/v1/invitations", "admin", json=body)).data["change"]
        found = (await users(front))["li"]
        assert (found["state"], found["change"]) == ("waiting", change)

    @pytest.mark.parametrize("caller", ["prison-sup", "clerk", "approver", "procurator", "p1", "booking", "observer"])
    async def test_is_for_administrators_and_auditors(self, front, caller):
        await front.refused("forbidden", "GET", USERS, caller)


class TestBarring:
    async def test_signs_out_at_once_and_comes_back_by_a_second_word(self, front):
        assert (await front.ask("POST", f"{USERS}/clerk/disable", "admin", json=WHY)).data["state"] == "disabled"
        await front.refused("not_signed_in", "GET", "/api/v1/me", "clerk")
        asked = (await front.ask("POST", f"{USERS}/clerk/enable", "admin", json=WORD)).data
        assert asked["state"] == "waiting" and asked["kind"] == "enable"
        await front.refused("same_person", "POST", f"/api/v1/account-changes/{asked['id']}/confirm", "admin", json=WORD)
        await confirm(front, asked["id"])
        assert (await users(front))["clerk"]["state"] == "active"
        assert [entry.author for entry in await front.noted("UserDisabled")] == ["user:admin"]

    async def test_an_account_that_is_not_barred_is_not_enabled(self, front):
        await front.refused("conflict", "POST", f"{USERS}/clerk/enable", "admin", json=WORD)


@pytest.mark.parametrize(
    ("act", "body"), [("disable", WHY), ("enable", WORD), ("reset-factors", WORD), ("new-password", WORD)]
)
class TestEveryAct:
    async def test_spares_the_own_account(self, front, act, body):
        await front.refused("same_person", "POST", f"{USERS}/admin/{act}", "admin", json=body)

    async def test_is_an_administrators(self, front, act, body):
        for caller in ("auditor", "approver", "foreign-auditor"):
            await front.refused("forbidden", "POST", f"{USERS}/clerk/{act}", caller, json=body)

    async def test_reaches_no_other_site(self, front, act, body):
        answers = [
            (await front.refused("not_found", "POST", f"{USERS}/{user}/{act}", "prison-admin", json=body)).data
            for user in ("clerk", "admin", "nowhere")
        ]
        assert answers[0] == answers[1] == answers[2]


class TestNewPasswords:
    async def test_come_by_a_link_that_counts_after_a_second_word(self, front):
        made = (await front.ask("POST", f"{USERS}/clerk/new-password", "admin", json=WORD)).data
        assert made["state"] == "waiting"
        redeem = {"token": made["path"].partition("#")[2], "password": "quiet mountain river"}
        await front.refused("invitation_refused", "POST", "/api/v1/invitations/redeem", json=redeem)
        assert (await front.ask("POST", IN, json={"user": "clerk", **WORD})).status == 200
        await confirm(front, made["change"])
        await front.refused("not_signed_in", "POST", IN, json={"user": "clerk", **WORD})
        assert (await front.ask("POST", "/api/v1/invitations/redeem", json=redeem)).status == 200
        assert (await front.ask("POST", IN, json={"user": "clerk", "password": redeem["password"]})).status == 200
        assert set((await front.store.user_named("clerk")).vouchers) == {"admin", "auditor"}

    async def test_that_are_refused_leave_no_link(self, front):
        made = (await front.ask("POST", f"{USERS}/clerk/new-password", "admin", json=WORD)).data
        reject = f"/api/v1/account-changes/{made['change']}/reject"
        await front.ask("POST", reject, "auditor", json=WORD | {"reason": "未申请"})
        assert await front.store.open_invitations() == {}
        assert (await front.ask("POST", IN, json={"user": "clerk", **WORD})).status == 200

    async def test_need_the_own_password(self, front):
        await front.refused("forbidden", "POST", f"{USERS}/clerk/new-password", "admin", json={"password": "wrong"})
        assert await front.store.account_changes() == []


class TestInvitations:
    async def test_are_renewed_and_the_former_link_is_worthless(self, front):
        first = (await front.ask("POST", "/api/v1/invitations", "prison-admin", json=INVITE)).data
        second = (await front.ask("POST", f"{USERS}/li/invitation", "prison-admin", json=WORD)).data
        assert second["state"] == "applied" and second["path"] != first["path"]
        body = {"token": first["path"].partition("#")[2], "password": "quiet mountain river"}
        await front.refused("invitation_refused", "POST", "/api/v1/invitations/redeem", json=body)

    async def test_whose_link_another_officer_made_anew_stand_on_that_ones_word_too(self, front):
        """The maker of a link could set the password by it: the two accounts are then no two people."""
        await front.ask("POST", "/api/v1/invitations", "admin", json=INVITE)
        again = (await front.ask("POST", f"{USERS}/li/invitation", "prison-admin", json=WORD)).data
        body = {"token": again["path"].partition("#")[2], "password": "quiet mountain river"}
        assert (await front.ask("POST", "/api/v1/invitations/redeem", json=body)).status == 200
        li, maker = [(await front.store.user_named(id)).standing for id in ("li", "prison-admin")]
        assert li.vouchers == {"admin", "prison-admin"}
        with pytest.raises(SamePerson):
            check_two(li, maker)

    async def test_are_not_made_for_an_account_with_a_password(self, front):
        await front.refused("conflict", "POST", f"{USERS}/clerk/invitation", "admin", json=WORD)

    async def test_are_withdrawn(self, front):
        made = (await front.ask("POST", "/api/v1/invitations", "admin", json=INVITE)).data
        path = f"{USERS}/li/withdraw-invitation"
        assert (await front.ask("POST", path, "prison-admin", json=WHY)).data["users"][0]["state"] == "no_link"
        body = {"token": made["path"].partition("#")[2], "password": "quiet mountain river"}
        await front.refused("invitation_refused", "POST", "/api/v1/invitations/redeem", json=body)
        await front.refused("not_found", "POST", path, "admin", json=WHY)
        assert [entry.author for entry in await front.noted("InvitationWithdrawn")] == ["user:prison-admin"]

    @pytest.mark.parametrize(("act", "body"), [("invitation", WORD), ("withdraw-invitation", WHY)])
    async def test_of_another_site_are_answered_like_none(self, front, act, body):
        await front.ask("POST", "/api/v1/invitations", "admin", json=INVITE | {"site": "panlong"})
        answers = [
            (await front.refused("not_found", "POST", f"{USERS}/{user}/{act}", "prison-admin", json=body)).data
            for user in ("li", "nowhere")
        ]
        assert answers[0] == answers[1]


class TestWithoutASecondOfficer:
    """A change takes effect alone only after the long wait (`break_glass_days`)."""

    async def test_the_list_says_from_when(self, front):
        await front.store.change_account(ChangeKind.PASSWORD, "clerk", author="user:admin", password="a long secret")
        listed = (await front.ask("GET", "/api/v1/account-changes", "admin")).data["changes"][0]
        force = f"/api/v1/account-changes/{listed['id']}/force"
        body = WORD | {"reason": "另一名审计员已调离"}
        answer = await front.refused("too_early", "POST", force, "admin", json=body)
        assert answer.data["opens_at"][:16] == listed["force_from"][:16]
        front.clock.forward(timedelta(days=31))
        admin = await front.store.issue_user_token("admin", timedelta(hours=1))
        assert (await front.ask("POST", force, admin, json=body)).data["state"] == "forced"
        assert (await front.store.user_named("clerk")).vouchers == ("admin", "break-glass")

    async def test_is_an_administrators_act_on_what_concerns_the_own_site(self, front):
        made = await front.store.change_account(ChangeKind.PASSWORD, "clerk", author="x", password="a long secret")
        force = f"/api/v1/account-changes/{made.change.id}/force"
        body = WORD | {"reason": "无人可确认"}
        await front.refused("forbidden", "POST", force, "auditor", json=body)
        await front.refused("not_found", "POST", force, "prison-admin", json=body)
