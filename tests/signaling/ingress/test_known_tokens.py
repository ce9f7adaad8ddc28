"""The list of valid tokens: what is issued here is known at once, whatever strangers ask meanwhile."""

import asyncio

from broker.control.store.secrets import token_hash
from signaling.auth.scope import Role, User
from signaling.ingress.known_tokens import KnownTokens

LI = User("li", "李", Role.SUPERVISOR, "first-prison", "usr_" + 40 * "a")


class Registry:
    """A store whose list of tokens is read when the test lets it."""

    def __init__(self):
        self.listed = {}
        self.may_read = asyncio.Event()

    async def authors_by_token_hash(self):
        found = dict(self.listed)
        await self.may_read.wait()
        return found


class TestIssuedTokens:
    async def test_are_known_before_the_list_is_read_again(self):
        tokens = KnownTokens(Registry(), None)
        assert tokens.author_of([LI.token]) is None
        tokens.learn(LI)
        assert tokens.author_of([LI.token]) == "user:li"

    async def test_stay_known_when_the_list_was_begun_before(self):
        store = Registry()
        tokens = KnownTokens(store, None)
        reading = asyncio.create_task(tokens.refresh())
        await asyncio.sleep(0)
        tokens.learn(LI)
        store.may_read.set()
        await reading
        assert tokens.author_of([LI.token]) == "user:li"

    async def test_are_forgotten_when_a_later_list_is_without_them(self):
        store = Registry()
        store.may_read.set()
        tokens = KnownTokens(store, None)
        tokens.learn(LI)
        await tokens.refresh()
        assert tokens.author_of([LI.token]) is None
        store.listed = {token_hash(LI.token): "user:li"}
        await tokens.refresh()
        assert tokens.author_of([LI.token]) == "user:li"
