"""Invitations over HTTP: who invites whom, the word of a second officer, and the link that counts once."""

from datetime import timedelta

import pytest

from broker.kernel.errors import NotFound
from tests.support.signaling.front import PASSWORD
from tests.support.signaling.second_factor import IN

INVITATIONS, REDEEM = "/api/v1/invitations", "/api/v1/invitations/redeem"
CHOSEN = "quiet mountain river"
LI = {"password": PASSWORD, "user": "li", "name": "李", "role": "supervisor", "site": "panlong"}


async def invited(front, **changes):
    return (await front.ask("POST", INVITATIONS, "admin", json=LI | changes)).data


def token_of(answer):
    return answer["path"].partition("#")[2]


async def redeem(front, answer, password=CHOSEN):
    return await front.ask("POST", REDEEM, json={"token": token_of(answer), "password": password})


class TestInviting:
    async def test_a_supervisor_is_in_at_once_and_sets_the_own_password(self, front):
        answer = await invited(front)
        assert answer["state"] == "applied" and answer["path"].startswith("/invitation#inv_")
        await front.refused("not_signed_in", "POST", IN, json={"user": "li", "password": "x"})
        assert (await redeem(front, answer)).data == {"user": "li", "name": "李"}
        assert (await front.ask("POST", IN, json={"user": "li", "password": CHOSEN})).status == 200
        assert [entry.author for entry in await front.noted("InvitationRedeemed")] == ["user:li"]
        assert token_of(answer) not in "".join(entry.data for entry in await front.noted("UserAdded"))

    async def test_an_auditor_waits_for_a_second_officer_and_the_link_counts_from_then(self, front):
        answer = await invited(front, user="shen", role="auditor", site=None)
        assert answer["state"] == "waiting"
        assert (await redeem(front, answer)).status == 403
        front.clock.forward(timedelta(hours=71))
        auditor = await front.store.issue_user_token("auditor", timedelta(hours=1))
        confirm = f"/api/v1/account-changes/{answer['change']}/confirm"
        assert (await front.ask("POST", confirm, auditor, json={"password": PASSWORD})).status == 200
        front.clock.forward(timedelta(hours=71))
        assert (await redeem(front, answer)).status == 200
        data = (await front.ask("POST", IN, json={"user": "shen", "password": CHOSEN})).data
        assert data["must_enrol"] is True
        assert (await front.store.user_named("shen")).vouchers == ("admin", "auditor")

    @pytest.mark.parametrize("caller", ["prison-sup", "clerk", "approver", "auditor", "p1", "booking", "observer"])
    async def test_is_for_administrators(self, front, caller):
        await front.refused("forbidden", "POST", INVITATIONS, caller, json=LI)

    async def test_needs_the_own_password(self, front):
        await front.refused("forbidden", "POST", INVITATIONS, "admin", json=LI | {"password": "wrong"})
        assert await front.store.user_named("li") is None

    async def test_of_a_site_reaches_that_site_alone(self, front):
        await front.refused("forbidden", "POST", INVITATIONS, "prison-admin", json=LI)
        await front.refused("forbidden", "POST", INVITATIONS, "prison-admin", json=LI | {"role": "admin", "site": None})
        own = LI | {"site": "second-prison"}
        assert (await front.ask("POST", INVITATIONS, "prison-admin", json=own)).status == 201

    async def test_does_not_touch_an_account_that_exists(self, front):
        await front.refused("conflict", "POST", INVITATIONS, "admin", json=LI | {"user": "clerk"})
        assert (await front.ask("POST", IN, json={"user": "clerk", "password": PASSWORD})).status == 200


class TestTheLink:
    async def test_counts_once(self, front):
        answer = await invited(front)
        assert (await redeem(front, answer)).status == 200
        await front.refused("invitation_refused", "POST", REDEEM, json={"token": token_of(answer), "password": CHOSEN})

    async def test_is_too_old_after_three_days(self, front):
        answer = await invited(front)
        front.clock.forward(timedelta(hours=72))
        assert (await redeem(front, answer)).status == 403

    async def test_outlives_a_weak_password(self, front):
        answer = await invited(front)
        assert (await redeem(front, answer, "password123")).status == 400
        assert (await redeem(front, answer)).status == 200

    async def test_of_a_barred_account_is_worthless(self, front):
        answer = await invited(front)
        await front.store.disable_user("li")
        assert (await redeem(front, answer)).status == 403

    async def test_is_replaced_by_a_newer_one(self, front):
        first = await invited(front)
        second = await front.store.invite("li", timedelta(hours=72), "command:root")
        assert (await redeem(front, first)).status == 403
        assert (await front.ask("POST", REDEEM, json={"token": second, "password": CHOSEN})).status == 200

    async def test_of_an_account_that_waits_for_a_word_is_replaced_too(self, front):
        first = await invited(front, user="shen", role="auditor", site=None)
        again = await front.store.invite("shen", timedelta(hours=72), "command:root")
        confirm = f"/api/v1/account-changes/{first['change']}/confirm"
        assert (await front.ask("POST", confirm, "auditor", json={"password": PASSWORD})).status == 200
        assert (await redeem(front, first)).status == 403
        assert (await front.ask("POST", REDEEM, json={"token": again, "password": CHOSEN})).status == 200

    async def test_for_nobody_is_not_made(self, front):
        with pytest.raises(NotFound):
            await front.store.invite("nobody", timedelta(hours=72), "command:root")

    async def test_is_not_guessed_at(self, front):
        body = {"token": "inv_" + "x" * 40, "password": CHOSEN}
        statuses = [(await front.client.post(REDEEM, json=body)).status for _ in range(12)]
        assert statuses == [403] * 10 + [429] * 2
