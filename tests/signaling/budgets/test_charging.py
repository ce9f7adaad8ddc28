"""The allowance at the front door: REST and socket pay from one, over it the author alone waits, and orders that say
nothing new cause nothing."""

import asyncio
from datetime import timedelta

import aiohttp
import pytest

from broker.booking.slot import Place
from broker.kernel.ids import RoomId, SiteId
from broker.session import events as ev
from signaling.auth.rate_limit import Limit
from signaling.budgets import charging, payers
from signaling.budgets.allowance import BUDGETS, ORDER, READ, RESERVE
from signaling.budgets.charging import PER_PAYER
from signaling.live import socket
from tests.support.figures import self_test
from tests.support.patience import PATIENCE
from tests.support.signaling.talk import talking

ME = "/api/v1/me"
PASSED = self_test()


@pytest.fixture
async def session(front, monkeypatch):
    """A visit in its check-in window, on an application with the usual budgets and quick refusals."""
    front.context.allowance.budgets = BUDGETS
    monkeypatch.setattr(charging, "SECONDS", 0.01)
    session = await front.visit()
    front.at(timedelta(minutes=-10))
    return session


@pytest.fixture(autouse=True)
def patient_sockets(monkeypatch):
    """No socket is given up that says nothing while an allowance is used up, which a busy machine takes long for."""
    monkeypatch.setattr(socket, "HEARTBEAT", PATIENCE)


async def used_up(front, caller):
    """Ask until the caller's allowance for REST is used up."""
    while True:
        answer = await front.ask("GET", ME, caller)
        if answer.status == 429:
            return answer


class TestOverTheAllowance:
    async def test_the_refusal_says_in_both_languages_when_to_come_back_and_ends_the_connection(self, front, session):
        answer = await used_up(front, "p1")
        assert answer.content_type == "application/problem+json" and answer.headers["Connection"] == "close"
        wait = answer.headers["Retry-After"]
        assert int(wait) > 0 and wait in answer.data["detail"] and wait in answer.data["detail_en"]
        front.clock.forward(timedelta(seconds=int(wait)))
        assert (await front.ask("GET", ME, "p1")).status == 200

    async def test_no_other_author_notices(self, front, session):
        await used_up(front, "p1")
        for other in ("v1", "prison-sup", "booking", "observer"):
            assert (await front.ask("GET", ME, other)).status == 200

    async def test_nothing_is_looked_up_for_what_is_refused(self, front, session, monkeypatch):
        await used_up(front, "p1")

        async def looked_up(_):
            raise AssertionError("a refused request reaches the database")

        monkeypatch.setattr(front.store, "terminal_by_token", looked_up)
        assert (await front.ask("GET", ME, "p1")).status == 429

    async def test_of_many_at_once_a_few_are_answered_and_the_others_are_closed(self, front, session, monkeypatch):
        await used_up(front, "p1")
        monkeypatch.setattr(charging, "SECONDS", 3.0)  # more than forty connections need on a busy machine
        headers = {"Authorization": f"Bearer {front.tokens['p1']}"}

        async def one():
            async with aiohttp.ClientSession() as http:
                try:
                    return (await http.get(front.client.make_url(ME), headers=headers)).status
                except aiohttp.ClientConnectionError:
                    return "closed"

        found = await asyncio.gather(*(one() for _ in range(40)))
        assert 0 < found.count(429) <= PER_PAYER and found.count("closed") == 40 - found.count(429)

    async def test_what_stops_a_visit_is_taken_all_the_same(self, front, session):
        await used_up(front, "prison-sup")
        await front.refused("too_many", "POST", f"/api/v1/sessions/{session}/remark", "prison-sup", json={"text": "a"})
        end = {"article": "YN-18", "note": "停电"}
        assert (await front.ask("POST", f"/api/v1/sessions/{session}/end", "prison-sup", json=end)).status == 200

    async def test_a_request_without_a_credential_is_paid_by_the_author_of_its_connection(
        self, front, session, monkeypatch
    ):
        author = f"terminal:{(await front.ask('GET', ME, 'p1')).data['who']['id']}"
        monkeypatch.setattr(payers, "payer_of", lambda _: author)
        answer = await front.ask("GET", "/api/v1/openapi.json")
        assert answer.status == 200 and answer.headers["Connection"] == "close"
        left = BUDGETS["terminal"].burst * (1 - RESERVE) - READ
        for _ in range(int(left)):
            assert (await front.ask("GET", "/api/v1/openapi.json")).status == 200
        assert (await front.ask("GET", "/api/v1/openapi.json")).status == 429


class TestTheSocketPaysFromTheSame:
    async def test_orders_are_refused_and_reports_go_on(self, front, session):
        async with talking(front, "prison-sup") as talk:
            await used_up(front, "prison-sup")
            await talk.send(type="remark", id=1, session=session, text="…")
            assert (await talk.receive("error")).problem.code == "too_many"
            for _ in range(50):
                await talk.send(type="presence", page="pageoftest1", visible=True, showing=[], duty=[])
            await talk.send(type="attentive", id=2, prompt="att_none")
            assert (await talk.receive("error")).problem.code == "not_found"
            assert len(front.broker.page_reports) == 50

    async def test_a_loop_of_orders_on_the_socket_leaves_rest_less(self, front, session):
        front.context.changes = Limit(burst=10**6, per_minute=1)
        async with talking(front, "prison-sup") as talk:
            for number in range(int(BUDGETS["user"].burst / ORDER)):
                await talk.send(type="seat", id=number, session=session, side="prison", ready=bool(number % 2))
                while (answer := await talk.receive()).type not in ("ack", "error"):
                    pass
                if answer.type == "error":
                    break
            assert answer.problem.code == "too_many"
            left = [(await front.ask("GET", ME, "prison-sup")).status for _ in range(3)]
            assert left[-1] == 429


class TestNothingNew:
    async def test_the_same_self_test_is_one_fact_however_often_it_is_sent(self, front, session):
        path, before = f"/api/v1/sessions/{session}/self-test", len(front.broker.facts)
        for _ in range(30):
            assert (await front.ask("POST", path, "p1", json=PASSED)).status == 200
        async with talking(front, "p1") as talk:
            await talk.send(type="self_test", id=1, session=session, **PASSED)
            assert (await talk.receive("ack")).re == 1
        assert [type(fact) for fact in front.broker.facts[before:]] == [ev.SelfTested]
        front.clock.forward(timedelta(seconds=11))
        await front.ask("POST", path, "p1", json=PASSED)
        assert len(front.broker.facts) == before + 2

    async def test_a_terminal_that_changes_its_mind_all_the_time_is_slowed_down(self, front, session):
        front.context.terminal_changes = Limit(burst=20, per_minute=30)
        path, before = f"/api/v1/sessions/{session}/self-test", len(front.broker.facts)
        statuses = [
            (await front.ask("POST", path, "p1", json=self_test(blur=4.0 * (number % 2)))).status
            for number in range(40)
        ]
        assert statuses == [200] * 20 + [429, 200] * 10 and len(front.broker.facts) == before + 20
        other = await front.ask("POST", path, "v1", json=PASSED)
        assert other.status == 200

    @pytest.mark.parametrize(
        ("order", "body"),
        [
            ("tick", {"side": "prison", "person": "in-1", "tick": "identity", "on": True}),
            ("seat", {"side": "prison", "ready": True}),
            ("absent", {"side": "prison", "person": "in-1"}),
            ("equipment", {"side": "prison", "passed": True, "reason": "手工检查"}),
            ("check-in", {"side": "prison", "person": "in-1", "identity": True, "security": True, "rules": True}),
        ],
    )
    async def test_nor_is_the_same_order_of_an_officer(self, front, session, order, body):
        before = len(front.broker.facts)
        for _ in range(5):
            path = f"/api/v1/sessions/{session}/{order}"
            assert (await front.ask("POST", path, "prison-sup", json=body)).status == 200
        assert len(front.broker.facts) == before + 1


class TestLongLists:
    async def test_a_day_comes_in_pages_and_each_session_is_paid_for(self, front, session, monkeypatch):
        monkeypatch.setattr("signaling.api.sessions.MOST_VIEWS", 1)
        second = await front.visit(
            prison=Place(SiteId("first-prison"), RoomId("p2")), visitor=Place(SiteId("panlong"), RoomId("v2"))
        )
        first = (await front.ask("GET", "/api/v1/sessions", "admin")).data
        rest = (await front.ask("GET", f"/api/v1/sessions?after={first['next']}", "admin")).data
        found = [one["id"] for page in (first, rest) for one in page["sessions"]]
        assert sorted(found) == sorted([session, second]) and rest["next"] is None
        await front.refused("not_found", "GET", "/api/v1/sessions?after=ses_none", "admin")
