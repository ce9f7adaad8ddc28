"""Sign-ins in the store: their list, their end, and use that puts the end off."""

from datetime import timedelta

import pytest

from broker.control.store.records import Role

HOUR, IDLE = timedelta(hours=1), 600


@pytest.fixture
async def li(places):
    return await places.add_user("li", "李", Role.SUPERVISOR, "correct horse", "first-prison")


class TestIdleTime:
    async def test_ends_a_token_that_is_not_used(self, places, clock, li):
        token = await places.issue_user_token("li", HOUR, idle=IDLE)
        clock.forward(timedelta(seconds=IDLE - 1))
        assert await places.user_by_token(token)
        await places.touch_sign_ins([token])
        clock.forward(timedelta(seconds=IDLE - 1))
        assert await places.user_by_token(token)
        clock.forward(timedelta(seconds=1))
        assert await places.user_by_token(token) is None
        assert await places.sign_in_sessions("li", token) == []

    async def test_is_each_tokens_own(self, places, clock, li):
        short, long, none = [await places.issue_user_token("li", HOUR, idle=idle) for idle in (IDLE, 2 * IDLE, 0)]
        await places.touch_sign_ins([short, long, none])
        clock.forward(timedelta(seconds=IDLE))
        valid = [await places.user_by_token(token) is not None for token in (short, long, none)]
        assert valid == [False, True, True]

    async def test_never_puts_the_last_hour_off(self, places, clock, li):
        token = await places.issue_user_token("li", HOUR, idle=7200)
        await places.touch_sign_ins([token])
        clock.forward(HOUR)
        assert await places.user_by_token(token) is None


class TestEnrolment:
    async def test_is_lifted_for_one_token_and_ends_the_others(self, places, clock, li):
        token, other = [await places.issue_user_token("li", HOUR, must_enrol=True) for _ in range(2)]
        assert (await places.user_by_token(token)).must_enrol
        await places.lift_enrolment("li", token, 2 * HOUR, 0)
        assert not (await places.user_by_token(token)).must_enrol and await places.user_by_token(other) is None
        clock.forward(HOUR)
        assert await places.user_by_token(token)

    async def test_ends_alone(self, places, li):
        full, enrolling = [await places.issue_user_token("li", HOUR, must_enrol=only) for only in (False, True)]
        await places.end_enrolments("li")
        assert await places.user_by_token(full) and await places.user_by_token(enrolling) is None
