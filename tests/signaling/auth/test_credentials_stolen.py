"""A cookie that was copied from an officer's browser opens nothing once its sign-in has ended: by the officer, by a
colleague, or by time. What goes on under it ends, too (`test_session_expiry.py`)."""

from datetime import timedelta

import pytest

from signaling.auth.session_expiry import check_all
from tests.support.signaling.front import PASSWORD
from tests.support.signaling.second_factor import IN, enrolled

ME, OUT, SESSIONS = "/api/v1/me", "/api/v1/sign-out", "/api/v1/me/sessions"
USERS, REDEEM = "/api/v1/users", "/api/v1/invitations/redeem"
WORD, WHY = {"password": PASSWORD}, {"reason": "调离岗位"}
OFFICER, CHOSEN = "clerk", "quiet mountain river"


def own(front):
    return {"Origin": str(front.client.make_url("/")).rstrip("/")}


async def signed_in(front, user=OFFICER, password=PASSWORD):
    """Sign in as a browser does, and return the cookie as its thief sends it."""
    answer = await front.ask("POST", IN, json={"user": user, "password": password})
    front.client.session.cookie_jar.clear()
    return {"Cookie": f"huijian={answer.cookies['huijian'].value}"}


async def ask(front, cookie, method, path, **kw):
    answer = await front.ask(method, path, headers=cookie | own(front), **kw)
    front.client.session.cookie_jar.clear()
    return answer


async def signs_out(front, cookie):
    assert (await ask(front, cookie, "POST", OUT)).status == 204


async def ends_it_from_elsewhere(front, cookie):
    (listed,) = [each for each in (await ask(front, cookie, "GET", SESSIONS)).data["sessions"] if each["current"]]
    assert (await ask(front, await signed_in(front), "DELETE", f"{SESSIONS}/{listed['id']}")).status == 204


async def ends_all_others(front, cookie):
    assert (await ask(front, await signed_in(front), "POST", f"{SESSIONS}/end-others")).status == 204


async def changes_the_password(front, cookie):
    body = WORD | {"new": CHOSEN}
    assert (await ask(front, await signed_in(front), "POST", "/api/v1/me/password", json=body)).status == 204


async def gets_a_new_password(front, cookie):
    made = (await front.ask("POST", f"{USERS}/{OFFICER}/new-password", "admin", json=WORD)).data
    await confirmed(front, made["change"])
    body = {"token": made["path"].partition("#")[2], "password": CHOSEN}
    assert (await front.ask("POST", REDEEM, json=body)).status == 200


async def loses_the_factors(front, cookie):
    made = (await front.ask("POST", f"{USERS}/{OFFICER}/reset-factors", "admin", json=WORD)).data
    await confirmed(front, made["id"])


async def is_barred(front, cookie):
    assert (await front.ask("POST", f"{USERS}/{OFFICER}/disable", "admin", json=WHY)).status == 200


async def lets_the_hours_pass(front, cookie):
    front.clock.forward(timedelta(hours=12))


async def confirmed(front, change):
    answer = await front.ask("POST", f"/api/v1/account-changes/{change}/confirm", "auditor", json=WORD)
    assert answer.data["state"] == "confirmed", answer.data


ENDS = (
    signs_out,
    ends_it_from_elsewhere,
    ends_all_others,
    changes_the_password,
    gets_a_new_password,
    loses_the_factors,
    is_barred,
    lets_the_hours_pass,
)


async def opens_nothing(front, cookie):
    """Check that a cookie is answered as an invented one: for reading, for changing, and for the page's socket."""
    stranger = await front.refused("not_signed_in", "GET", ME, headers={"Cookie": f"huijian=usr_{'x' * 43}"})
    refused = await front.refused("not_signed_in", "GET", ME, headers=cookie)
    assert await refused.text() == await stranger.text()
    for method, path in (("GET", "/api/v1/slots"), ("POST", OUT), ("POST", f"{SESSIONS}/end-others")):
        await front.refused("not_signed_in", method, path, headers=cookie | own(front))
    headers = cookie | own(front)
    async with front.client.ws_connect("/api/v1/ws", protocols=["huijian.v1"], headers=headers) as socket:
        await socket.receive()
        assert socket.close_code == 4001


class TestACopiedCookie:
    @pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
    async def test_opens_nothing_after_its_officer(self, front, end):
        cookie = await signed_in(front)
        assert (await ask(front, cookie, "GET", ME)).data["who"]["id"] == OFFICER
        await end(front, cookie)
        await check_all(front.context)
        await opens_nothing(front, cookie)

    async def test_opens_nothing_after_half_an_hour_without_use_where_the_role_may_see_recordings(self, front):
        _, token = await enrolled(front)
        cookie = {"Cookie": f"huijian={token}"}
        assert (await ask(front, cookie, "GET", ME)).status == 200
        front.clock.forward(timedelta(minutes=30))
        await opens_nothing(front, cookie)

    async def test_does_not_come_back_with_the_next_sign_in_of_its_officer(self, front):
        cookie = await signed_in(front)
        await signs_out(front, cookie)
        assert (await ask(front, await signed_in(front), "GET", ME)).status == 200
        await opens_nothing(front, cookie)

    async def test_of_an_account_that_is_enabled_again_stays_worthless(self, front):
        cookie = await signed_in(front)
        await is_barred(front, cookie)
        made = (await front.ask("POST", f"{USERS}/{OFFICER}/enable", "admin", json=WORD)).data
        await confirmed(front, made["id"])
        assert (await ask(front, await signed_in(front), "GET", ME)).status == 200
        await opens_nothing(front, cookie)

    async def test_is_neither_a_password_nor_a_known_device(self, front):
        cookie = await signed_in(front)
        await signs_out(front, cookie)
        value = cookie["Cookie"].partition("=")[2]
        asked = {"Cookie": f"huijian-device={value}; huijian={value}"}
        await front.refused("not_signed_in", "POST", IN, json={"user": OFFICER, "password": value}, headers=asked)
