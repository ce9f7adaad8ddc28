"""Where an officer is signed in: the list, its end by hand, and the end of what is not used."""

from datetime import timedelta

import pytest

from signaling.auth import session_expiry
from signaling.server.context import BACKGROUND
from tests.support.signaling.front import PASSWORD
from tests.support.signaling.second_factor import IN, enrolled
from tests.support.signaling.talk import talking

SESSIONS = "/api/v1/me/sessions"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"


async def signed_in(front, user="prison-sup", agent=FIREFOX):
    headers = {"User-Agent": agent}
    answer = await front.ask("POST", IN, json={"user": user, "password": PASSWORD}, headers=headers)
    front.client.session.cookie_jar.clear()
    return answer.data["token"]


class TestTheList:
    async def test_names_each_sign_in_by_its_device_and_moments_and_no_address(self, front):
        token = await signed_in(front)
        answer = await front.ask("GET", SESSIONS, token)
        listed = answer.data["sessions"]
        mine = next(each for each in listed if each["current"])
        assert mine["device"] == "Firefox · Windows" and len(listed) == 2  # the other one is the fixture's
        assert "127.0.0.1" not in await answer.text() and token not in await answer.text()

    @pytest.mark.parametrize("caller", ["p1", "booking", "observer"])
    async def test_is_for_officers(self, front, caller):
        await front.refused("forbidden", "GET", SESSIONS, caller)


class TestTheEndByHand:
    async def test_ends_one_and_leaves_the_others(self, front):
        here, there = await signed_in(front), await signed_in(front)
        listed = (await front.ask("GET", SESSIONS, there)).data["sessions"]
        own = next(each["id"] for each in listed if each["current"])
        assert (await front.ask("DELETE", f"{SESSIONS}/{own}", here)).status == 204
        await front.refused("not_signed_in", "GET", "/api/v1/me", there)
        assert (await front.ask("GET", "/api/v1/me", here)).status == 200
        assert len(await front.noted("SignInEnded")) == 1

    async def test_ends_all_others_at_once(self, front):
        here, there = await signed_in(front), await signed_in(front)
        assert (await front.ask("POST", f"{SESSIONS}/end-others", here)).status == 204
        for token in (there, "prison-sup"):
            await front.refused("not_signed_in", "GET", "/api/v1/me", token)
        assert len((await front.ask("GET", SESSIONS, here)).data["sessions"]) == 1

    async def test_knows_no_sign_in_of_others(self, front):
        foreign = await signed_in(front, "visitor-sup")
        listed = (await front.ask("GET", SESSIONS, foreign)).data["sessions"]
        for id in (listed[0]["id"], "sgn_nosuch"):
            await front.refused("not_found", "DELETE", f"{SESSIONS}/{id}", "prison-sup")
        assert (await front.ask("GET", "/api/v1/me", foreign)).status == 200


class TestTheEndByItself:
    async def test_comes_after_half_an_hour_without_use_for_an_auditor(self, front):
        _, token = await enrolled(front)
        front.clock.forward(timedelta(minutes=29))
        assert (await front.ask("GET", "/api/v1/me", token)).status == 200
        await session_expiry.note_use(front.context)
        front.clock.forward(timedelta(minutes=29))
        assert (await front.ask("GET", "/api/v1/me", token)).status == 200
        front.clock.forward(timedelta(minutes=1))
        await front.refused("not_signed_in", "GET", "/api/v1/me", token)

    async def test_is_not_put_off_by_what_a_page_asks_for_by_itself(self, front):
        _, token = await enrolled(front)
        front.context.used.clear()
        front.clock.forward(timedelta(minutes=20))
        await front.ask("GET", "/api/v1/me", token, headers={BACKGROUND: "1"})
        await session_expiry.note_use(front.context)
        front.clock.forward(timedelta(minutes=10))
        await front.refused("not_signed_in", "GET", "/api/v1/me", token)

    async def test_does_not_come_in_a_supervisors_duty_and_comes_at_its_hours(self, front):
        token = await signed_in(front)
        front.clock.forward(timedelta(hours=11, minutes=59))
        assert (await front.ask("GET", "/api/v1/me", token)).status == 200
        front.clock.forward(timedelta(minutes=1))
        await front.refused("not_signed_in", "GET", "/api/v1/me", token)

    async def test_is_not_put_off_by_a_page_that_stands_open(self, front):
        _, token = await enrolled(front)
        await session_expiry.note_use(front.context)
        front.clock.forward(timedelta(minutes=20))
        async with talking(front, token):
            await session_expiry.note_use(front.context)
            front.clock.forward(timedelta(minutes=10))
            await front.refused("not_signed_in", "GET", "/api/v1/me", token)

    async def test_is_put_off_by_an_order_from_an_open_page(self, front):
        session = await front.live_visit()
        async with talking(front, "prison-sup") as talk:
            front.context.used.clear()
            await talk.send(type="hold", id=1, session=session, article="YN-16-2")
            await talk.receive("ack")
            assert front.context.used == {front.tokens["prison-sup"]}

    async def test_of_a_supervisor_shows_an_open_page_as_the_latest_use(self, front):
        token = await signed_in(front)
        async with talking(front, token):
            front.context.used.clear()
            front.clock.forward(timedelta(minutes=20))
            await session_expiry.note_use(front.context)
        listed = (await front.ask("GET", SESSIONS, token)).data["sessions"]
        assert [each["seen_at"] > each["created_at"] for each in listed if each["current"]] == [True]
