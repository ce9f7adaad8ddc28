"""Second factors and recovery codes in the store: each counts once, also where two ask at the same moment."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from broker.authority.persons import ChangeKind, Waits
from broker.control.store.records import ChangeState, Role
from broker.control.store.sign_in.factors import Factor
from broker.kernel.errors import Conflict, NotFound, SamePerson

PASSWORD = "long enough, all of them"


@pytest.fixture
async def factor(places):
    await places.add_user("shen", "沈", Role.AUDITOR, PASSWORD)
    made = Factor("fac_1", "shen", "totp", "手机", "sealed", 100, places.clock.now().wall)
    await places.add_factor(made)
    await places.set_recovery_codes("shen", ["a" * 64, "b" * 64])
    return made


class TestCounting:
    async def test_a_step_is_taken_once_and_none_before_it(self, places, factor):
        taken = await asyncio.gather(*(places.take_counter("fac_1", 101) for _ in range(5)))
        assert sorted(taken) == [False] * 4 + [True]
        assert not await places.take_counter("fac_1", 100)
        assert await places.take_counter("fac_1", 102)

    async def test_a_recovery_code_is_taken_once(self, places, factor):
        taken = await asyncio.gather(*(places.take_recovery_code("shen", "a" * 64) for _ in range(5)))
        assert sorted(taken) == [False] * 4 + [True]
        assert not await places.take_recovery_code("wang", "b" * 64)
        assert await places.recovery_codes_left("shen") == 1

    async def test_a_factor_of_others_is_not_removed(self, places, factor):
        with pytest.raises(NotFound):
            await places.remove_factor("wang", "fac_1")
        await places.remove_factor("shen", "fac_1")
        assert await places.factors("shen") == []

    async def test_an_account_that_needs_one_keeps_one_when_two_are_removed_at_once(self, places, factor):
        await places.add_factor(replace(factor, id="fac_2"))
        removals = (places.remove_factor("shen", id, keeps_one=True) for id in ("fac_1", "fac_2"))
        answers = await asyncio.gather(*removals, return_exceptions=True)
        assert {type(answer) for answer in answers} == {type(None), Conflict}
        assert len(await places.factors("shen")) == 1

    async def test_the_first_one_is_the_first_one(self, places, factor):
        with pytest.raises(Conflict, match="by now"):
            await places.add_factor(replace(factor, id="fac_2"), first=True)
        with pytest.raises(Conflict, match="added before"):
            await places.add_factor(factor)
        assert not await places.add_factor(replace(factor, id="fac_2"))
        assert await places.factors("shen") == [factor, replace(factor, id="fac_2")]


class TestResetting:
    async def test_waits_for_another_officer_and_then_removes_all_of_it(self, places, factor):
        await places.add_user("wang", "王", Role.ADMIN, PASSWORD)
        token = await places.issue_user_token("shen", timedelta(hours=1))
        made = await places.change_account(ChangeKind.FACTORS, "shen", author="command:root")
        assert made.state is ChangeState.WAITING and await places.factors("shen") == [factor]
        waits, now = Waits(timedelta(0), timedelta(0)), places.clock.now().wall
        with pytest.raises(SamePerson):
            await places.confirm_change(made.change.id, "shen", waits, now)
        await places.confirm_change(made.change.id, "wang", waits, now)
        assert await places.factors("shen") == [] and await places.recovery_codes_left("shen") == 0
        assert await places.user_by_token(token) is None
        shen = await places.user_named("shen")
        assert shen.vouchers == ("wang",) and not shen.disabled

    async def test_of_the_only_officer_needs_no_word(self, places, factor):
        made = await places.change_account(ChangeKind.FACTORS, "shen", author="command:root")
        assert made.state is ChangeState.APPLIED and await places.factors("shen") == []
