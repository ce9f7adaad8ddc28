"""Orders that are sent again because their answer was lost: under one id an order counts once, and its author may ask
whether it arrived."""

from datetime import timedelta

import pytest

from broker.kernel.errors import Conflict
from broker.session import events as ev
from signaling.api.messages.orders import End, Hold, Hush
from signaling.live.order_ids import KEPT_SECONDS, PER_AUTHOR, OrderIds
from tests.support.control.fixtures import StoodClock
from tests.support.signaling.talk import talking

HOLD = {"article": "YN-16-2"}
KEY = "ord_1"


def told(front, kind):
    return [fact for fact in front.broker.facts if isinstance(fact, kind)]


class TestAnOrderThatArrivesTwice:
    async def test_counts_once_on_two_sockets(self, front):
        session = await front.live_visit()
        for _ in range(2):
            async with talking(front, "prison-sup") as talk:
                await talk.send(type="hold", id=1, session=session, order=KEY, **HOLD)
                await talk.receive("ack")
        assert len(told(front, ev.HoldOrdered)) == 1

    async def test_counts_once_by_socket_and_by_rest(self, front):
        session = await front.live_visit()
        async with talking(front, "prison-sup") as talk:
            await talk.send(type="hold", id=1, session=session, order=KEY, **HOLD)
            await talk.receive("ack")
        again = await front.ask(
            "POST", f"/api/v1/sessions/{session}/hold", "prison-sup", json=HOLD, headers={"Idempotency-Key": f'"{KEY}"'}
        )
        assert again.status == 200
        assert len(told(front, ev.HoldOrdered)) == 1

    async def test_counts_for_each_author_by_itself(self, front):
        session = await front.live_visit()
        for caller in ("prison-sup", "visitor-sup"):
            async with talking(front, caller) as talk:
                await talk.send(type="remark", id=1, session=session, order=KEY, text="安静")
                await talk.receive("ack")
        assert len(told(front, ev.NoteMade)) == 2

    async def test_is_refused_when_it_says_something_else(self, front):
        session = await front.live_visit()
        async with talking(front, "prison-sup") as talk:
            await talk.send(type="remark", id=1, session=session, order=KEY, text="安静")
            await talk.receive("ack")
            await talk.send(type="remark", id=2, session=session, order=KEY, text="吵闹")
            assert (await talk.receive("error")).problem.code == "conflict"

    async def test_that_was_refused_is_judged_anew(self, front):
        session = await front.live_visit()
        async with talking(front, "prison-sup") as talk:
            for _ in range(2):
                await talk.send(type="resume", id=1, session=session, order=KEY)
                assert (await talk.receive("error")).problem.code == "conflict"

    async def test_may_not_have_a_key_that_is_no_id(self, front):
        session = await front.live_visit()
        headers = {"Idempotency-Key": "No Id!"}
        answer = await front.ask("POST", f"/api/v1/sessions/{session}/hold", "prison-sup", json=HOLD, headers=headers)
        assert (answer.status, answer.data["code"]) == (400, "bad_request")
        assert told(front, ev.HoldOrdered) == []


class TestAskingForTheOutcome:
    async def ask(self, front, session, caller="prison-sup", order=KEY):
        return await front.ask("GET", f"/api/v1/sessions/{session}/orders/{order}", caller)

    async def test_says_when_the_order_was_carried_out(self, front):
        session = await front.live_visit()
        assert (await self.ask(front, session)).data == {"order": KEY, "carried_out": False, "at": None}
        async with talking(front, "prison-sup") as talk:
            await talk.send(type="hold", id=1, session=session, order=KEY, **HOLD)
            await talk.receive("ack")
        found = (await self.ask(front, session)).data
        assert found["carried_out"] and found["at"] is not None

    async def test_tells_nothing_of_the_orders_of_others(self, front):
        session = await front.live_visit()
        async with talking(front, "prison-sup") as talk:
            await talk.send(type="hold", id=1, session=session, order=KEY, **HOLD)
            await talk.receive("ack")
        assert not (await self.ask(front, session, "visitor-sup")).data["carried_out"]

    async def test_finds_no_session_of_other_sites(self, front):
        session = await front.live_visit()
        other = await self.ask(front, session, "foreign-sup")
        none = await self.ask(front, "ses_none", "foreign-sup")
        assert (other.status, other.data) == (404, none.data)


class TestTakingBack:
    async def take_back(self, front, session, caller="prison-sup"):
        return await front.ask("DELETE", f"/api/v1/sessions/{session}/orders/{KEY}", caller)

    async def test_refuses_an_order_that_arrives_later(self, front):
        session = await front.live_visit()
        answer = await self.take_back(front, session)
        assert (answer.status, answer.data) == (200, {"order": KEY, "carried_out": False, "at": None})
        async with talking(front, "prison-sup") as talk:
            await talk.send(type="hold", id=1, session=session, order=KEY, **HOLD)
            assert (await talk.receive("error")).problem.code == "conflict"
        assert told(front, ev.HoldOrdered) == []

    async def test_changes_nothing_for_an_order_that_has_arrived(self, front):
        session = await front.live_visit()
        async with talking(front, "prison-sup") as talk:
            await talk.send(type="hold", id=1, session=session, order=KEY, **HOLD)
            await talk.receive("ack")
            assert (await self.take_back(front, session)).data["carried_out"]
            await talk.send(type="hold", id=2, session=session, order=KEY, **HOLD)
            await talk.receive("ack")
        assert len(told(front, ev.HoldOrdered)) == 1

    async def test_reaches_no_order_of_others(self, front):
        session = await front.live_visit()
        await self.take_back(front, session, "visitor-sup")
        async with talking(front, "prison-sup") as talk:
            await talk.send(type="hold", id=1, session=session, order=KEY, **HOLD)
            await talk.receive("ack")
        assert len(told(front, ev.HoldOrdered)) == 1


class TestTheMemory:
    @pytest.fixture
    def clock(self):
        return StoodClock()

    def test_keeps_the_latest_orders_of_an_author(self, clock):
        ids = OrderIds(clock)
        for number in range(PER_AUTHOR + 1):
            ids.remember("user:li", f"ord_{number}", "ses_a", Hush())
        assert ids.carried_out("user:li", "ord_0", "ses_a") is None
        assert ids.carried_out("user:li", "ord_1", "ses_a") is not None

    def test_forgets_an_order_after_an_hour(self, clock):
        ids = OrderIds(clock)
        ids.remember("user:li", KEY, "ses_a", Hush())
        clock.forward(timedelta(seconds=KEPT_SECONDS + 1))
        assert ids.carried_out("user:li", KEY, "ses_a") is None

    def test_tells_orders_apart_by_their_kind_and_session(self, clock):
        ids = OrderIds(clock)
        ids.remember("user:li", KEY, "ses_a", End(article="YN-16-2"))
        assert ids.repeats("user:li", KEY, "ses_a", End(article="YN-16-2"))
        for session, order in (("ses_b", End(article="YN-16-2")), ("ses_a", Hold(article="YN-16-2"))):
            with pytest.raises(Conflict):
                ids.repeats("user:li", KEY, session, order)
