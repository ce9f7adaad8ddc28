"""Changes of accounts over HTTP: the word of a second officer, who shows the own password."""

from datetime import timedelta

import pytest

from broker.authority.persons import ChangeKind
from broker.control.store.records import Role
from tests.support.signaling.front import PASSWORD

CHANGES = "/api/v1/account-changes"
WORD = {"password": PASSWORD}


@pytest.fixture
async def change(front):
    """A new password for the province's auditor, which a shell user has proposed."""
    made = await front.store.change_account(
        ChangeKind.PASSWORD, "auditor", author="command:root", password="a newer long secret"
    )
    return made.change.id


async def signs_in(front, user, password):
    answer = await front.ask("POST", "/api/v1/sign-in", json={"user": user, "password": password})
    return answer.status == 200


class TestConfirming:
    async def test_takes_effect_with_the_own_password_of_another_officer(self, front, change):
        (listed,) = (await front.ask("GET", CHANGES, "admin")).data["changes"]
        assert (listed["user"], listed["kind"], listed["mine"]) == ("auditor", "password", True)
        done = (await front.ask("POST", f"{CHANGES}/{change}/confirm", "admin", json=WORD)).data
        assert (done["state"], done["decided_by"]) == ("confirmed", "user:admin")
        assert await signs_in(front, "auditor", "a newer long secret")
        (entry,) = await front.noted("PasswordSet")
        assert entry.author == "user:admin" and '"proposed_by":"command:root"' in entry.data
        assert (await front.ask("GET", CHANGES, "admin")).data["changes"] == []

    async def test_is_refused_with_a_wrong_password_although_the_token_is_right(self, front, change):
        await front.refused("forbidden", "POST", f"{CHANGES}/{change}/confirm", "admin", json={"password": "wrong"})
        assert not await signs_in(front, "auditor", "a newer long secret")

    async def test_is_refused_to_the_account_itself(self, front, change):
        await front.refused("same_person", "POST", f"{CHANGES}/{change}/confirm", "auditor", json=WORD)

    @pytest.mark.parametrize("caller", ["prison-sup", "clerk", "approver", "p1", "booking", "observer"])
    async def test_is_for_auditors_and_administrators(self, front, change, caller):
        await front.refused("forbidden", "GET", CHANGES, caller)
        await front.refused("forbidden", "POST", f"{CHANGES}/{change}/confirm", caller, json=WORD)

    async def test_of_a_site_shows_nothing_of_other_sites(self, front, change):
        """A change of the province's account is answered to a site's officer as one that does not exist."""
        assert (await front.ask("GET", CHANGES, "prison-admin")).data["changes"] == []
        answers = [
            await front.refused("not_found", "POST", f"{CHANGES}/{id}/confirm", "prison-admin", json=WORD)
            for id in (change, "chg_nosuch")
        ]
        assert len({await answer.text() for answer in answers}) == 1

    async def test_is_done_once(self, front, change):
        await front.ask("POST", f"{CHANGES}/{change}/confirm", "admin", json=WORD)
        await front.refused("conflict", "POST", f"{CHANGES}/{change}/confirm", "admin", json=WORD)

    async def test_makes_the_account_too_new_for_permits(self, front, change):
        await front.store.change_account(ChangeKind.PASSWORD, "admin", author="command:root", password="x long secret")
        (other,) = [one for one in await front.store.account_changes() if one.change.user == "admin"]
        await front.ask("POST", f"{CHANGES}/{other.change.id}/confirm", "auditor", json=WORD)
        token = await front.store.issue_user_token("admin", timedelta(hours=1))
        refused = await front.refused("credential_too_new", "POST", "/api/v1/clock/agree", token)
        assert refused.data["until"].startswith("2026-03-05")


class TestRejecting:
    async def test_has_a_reason_and_leaves_the_account_as_it_was(self, front, change):
        path = f"{CHANGES}/{change}/reject"
        await front.refused("bad_request", "POST", path, "admin", json=WORD)
        assert (await front.ask("POST", path, "admin", json=WORD | {"reason": "未申请"})).data["state"] == "rejected"
        assert await signs_in(front, "auditor", PASSWORD)
        assert len(await front.noted("AccountChangeRejected")) == 1


class TestOnesOwnPassword:
    async def test_needs_the_present_one_and_signs_out_everywhere(self, front):
        body = {"password": "wrong", "new": "a newer long secret"}
        await front.refused("forbidden", "POST", "/api/v1/me/password", "clerk", json=body)
        body["password"] = PASSWORD
        assert (await front.ask("POST", "/api/v1/me/password", "clerk", json=body)).status == 204
        await front.refused("not_signed_in", "GET", "/api/v1/me", "clerk")
        assert await signs_in(front, "clerk", "a newer long secret")

    async def test_may_not_be_short(self, front):
        body = {"password": PASSWORD, "new": "short"}
        await front.refused("bad_request", "POST", "/api/v1/me/password", "clerk", json=body)


async def test_a_new_auditor_of_a_site_is_confirmed_by_the_sites_or_the_provinces_officers(front):
    made = await front.store.change_account(
        ChangeKind.ADD, "new", author="command:root", password=PASSWORD, name="新", role=Role.AUDITOR, site="panlong"
    )
    path = f"{CHANGES}/{made.change.id}/confirm"
    await front.refused("not_found", "POST", path, "foreign-auditor", json=WORD)
    assert (await front.ask("POST", path, "auditor", json=WORD)).data["state"] == "confirmed"
