"""Sign-ins with real password hashing: whose turn it is, and what happens to those that wait in vain."""

import asyncio
from datetime import timedelta

import pytest
from argon2 import PasswordHasher

from broker.control.store import secrets
from broker.control.store.records import Role
from broker.kernel.errors import Busy, NotSignedIn, TooMany
from signaling.auth.factors.checks import FactorChecks
from signaling.auth.hashing import Hashing
from signaling.auth.hashing_queue import MOST, PATIENCE
from signaling.auth.sign_ins import Browser, SignIns
from tests.support.signaling.front import PASSWORD

OFFICER, HOME = "real-li", "192.0.2.1"


@pytest.fixture
def real_passwords(monkeypatch):
    """The product's own parameters of argon2."""
    monkeypatch.setattr(secrets, "_hasher", PasswordHasher())
    secrets._unused_hash.cache_clear()
    yield
    secrets._unused_hash.cache_clear()


@pytest.fixture
async def sign_ins(front, real_passwords):
    await front.store.add_user(OFFICER, "李", Role.SUPERVISOR, PASSWORD, "panlong")
    checks = FactorChecks(front.store, front.journal, front.clock, b"f" * 32)
    hashing = Hashing(front.clock, at_once=1)
    made = SignIns(front.store, front.journal, front.clock, b"k" * 32, checks, front.context.settings, hashing)
    yield made
    made.close()


async def outcome(sign_ins, order, *attempt):
    """Note the answer to an attempt in the order of answers."""
    try:
        user, password, *origin = attempt
        await sign_ins.sign_in(user, password, Browser(*origin))
        order.append("in")
    except (NotSignedIn, TooMany, Busy) as error:
        order.append(error.code)


class TestBesideAFlood:
    @pytest.mark.parametrize("known_by", ["device", "address"])
    async def test_the_officer_waits_for_the_hash_in_progress_and_for_no_other(self, sign_ins, known_by):
        success = await sign_ins.sign_in(OFFICER, PASSWORD, Browser(HOME))
        order = []
        flood = [
            asyncio.create_task(outcome(sign_ins, order, OFFICER, "wrong password", f"203.0.{number}.9"))
            for number in range(200)
        ]
        await asyncio.sleep(0)  # all of them are in the queue, or were refused
        before = order.count("not_signed_in")
        cookie, address = (success.device, "198.51.100.5") if known_by == "device" else ("", HOME)
        await outcome(sign_ins, order, OFFICER, PASSWORD, address, cookie)
        assert order[-1] == "in" and order.count("not_signed_in") - before <= 2
        await asyncio.gather(*flood)
        assert order.count("busy") >= 200 - MOST - 2

    async def test_what_waits_too_long_is_told_to_come_back_and_is_not_charged(self, sign_ins, front):
        order = []
        waiting = [
            asyncio.create_task(outcome(sign_ins, order, OFFICER, PASSWORD, f"203.0.{number}.9")) for number in range(9)
        ]
        await asyncio.sleep(0)
        front.clock.forward(timedelta(seconds=PATIENCE + 1))
        await asyncio.gather(*waiting)
        assert order.count("busy") == 8 and order.count("in") == 1
        for _ in range(6):
            assert (await sign_ins.sign_in(OFFICER, PASSWORD, Browser("203.0.5.9"))).user.id == OFFICER

    async def test_one_that_gives_up_leaves_its_turn_to_the_next(self, sign_ins):
        order = []
        tasks = [asyncio.create_task(outcome(sign_ins, order, OFFICER, PASSWORD, f"203.0.{n}.9")) for n in range(4)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        tasks[2].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert order == ["in", "in"]
        assert (await sign_ins.sign_in(OFFICER, PASSWORD, Browser(HOME))).user.id == OFFICER
