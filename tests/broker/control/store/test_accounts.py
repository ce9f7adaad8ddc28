"""Accounts: passwords, tokens and their end, and keys of other systems."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from broker.control.store.records import Role
from broker.control.store.secrets import verify_password
from broker.control.store.tables import users
from broker.kernel.database import writing
from broker.kernel.errors import BadRequest, Conflict, NotFound

HOUR = timedelta(hours=1)


@pytest.fixture
async def li(places):
    return await places.add_user("li", "李", Role.SUPERVISOR, "correct horse", "first-prison")


class TestUsers:
    async def test_are_signed_in_by_their_password_and_no_other(self, places, li):
        stored = (await places.user_named("li")).password_hash
        assert stored.startswith("$argon2id$") and stored not in repr(li)
        assert await verify_password(stored, "correct horse")
        assert not await verify_password(stored, "wrong horse!")

    async def test_that_do_not_exist_have_no_password(self, places):
        assert await places.user_named("wang") is None
        assert not await verify_password(None, "anything at all")
        assert not await verify_password("not a hash", "anything at all")

    async def test_of_a_site_need_their_site(self, places):
        with pytest.raises(BadRequest):
            await places.add_user("zhao", "赵", Role.SUPERVISOR, "correct horse")
        with pytest.raises(NotFound):
            await places.add_user("zhao", "赵", Role.SUPERVISOR, "correct horse", "nowhere")
        assert (await places.add_user("zhao", "赵", Role.AUDITOR, "correct horse")).site is None

    async def test_with_short_passwords_are_refused(self, places, li):
        with pytest.raises(BadRequest):
            await places.add_user("zhao", "赵", Role.ADMIN, "short")
        with pytest.raises(BadRequest):
            await places.set_password("li", "short")

    async def test_cannot_have_an_id_that_is_taken(self, places, li):
        with pytest.raises(Conflict):
            await places.add_user("li", "李二", Role.ADMIN, "correct horse")


class TestTokens:
    async def test_end_when_they_expire(self, places, li, clock):
        token = await places.issue_user_token("li", HOUR)
        assert (await places.user_by_token(token)).id == "li"
        clock.forward(HOUR)
        assert await places.user_by_token(token) is None

    async def test_end_when_their_user_signs_out_and_others_of_the_user_do_not(self, places, li):
        here, there = [await places.issue_user_token("li", HOUR) for _ in range(2)]
        await places.revoke_user_token(here)
        await places.revoke_user_token(here)
        assert await places.user_by_token(here) is None
        assert await places.user_by_token(there) is not None

    async def test_end_when_the_user_gets_a_new_password(self, places, li):
        token = await places.issue_user_token("li", HOUR)
        await places.set_password("li", "another horse")
        assert await places.user_by_token(token) is None

    async def test_end_when_the_user_is_disabled(self, places, li):
        token = await places.issue_user_token("li", HOUR)
        await places.disable_user("li")
        assert await places.user_by_token(token) is None
        with pytest.raises(NotFound):
            await places.issue_user_token("li", HOUR)
        await places.disable_user("li", disabled=False)
        assert await places.user_by_token(token) is None
        await places.issue_user_token("li", HOUR)

    async def test_of_a_disabled_user_do_not_count_where_they_still_exist(self, places, li):
        """Two processes may sign a user in and disable the user at the same moment."""
        token = await places.issue_user_token("li", HOUR)
        async with writing(places.engine) as db:
            await db.execute(update(users).values(disabled=True))
        assert await places.user_by_token(token) is None

    async def test_are_not_issued_to_users_that_do_not_exist(self, places):
        with pytest.raises(NotFound):
            await places.issue_user_token("wang", HOUR)


class TestKeys:
    async def test_work_until_they_are_revoked(self, store):
        key = await store.add_api_key("预约系统")
        record = await store.api_key_by_token(key)
        assert record.name == "预约系统"
        await store.revoke_api_key(record.id)
        assert await store.api_key_by_token(key) is None
        assert (await store.api_keys())[0].revoked_at is not None
        with pytest.raises(NotFound):
            await store.revoke_api_key(record.id)

    async def test_are_not_tokens_of_users_or_terminals(self, store):
        key = await store.add_api_key("预约系统")
        assert await store.user_by_token(key) is None
        assert await store.terminal_by_token(key) is None
