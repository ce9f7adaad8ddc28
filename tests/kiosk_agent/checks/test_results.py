"""Results of equipment tests on their way to the server: each is taken once, whatever is between."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from broker.kernel.errors import Forbidden, TooMany, VisitError
from config.articles.equipment import Cause
from kiosk_agent.checks import results
from kiosk_agent.checks.results import MOST, Result, Results
from kiosk_agent.webrtc.peer import ServerAccess
from signaling.api.messages.equipment import EquipmentTestTaken
from tests.support.patience import PATIENCE

Answer = Callable[[dict[str, Any]], VisitError | None]


class History:
    """A server that takes results, or refuses one as `answer` says; `bodies` are what came."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.refusals: list[VisitError] = []
        self.answers: asyncio.Queue[EquipmentTestTaken] = asyncio.Queue()

    async def take(self, request: web.Request) -> web.Response:
        """Answer as the server does."""
        assert request.headers["Authorization"] == "Bearer trm_token"
        body = await request.json()
        self.bodies.append({**body, "room": request.match_info["room"]})
        if self.refusals:
            error = self.refusals.pop(0)
            content = "application/problem+json"
            return web.json_response(error.problem(), status=error.http_status, content_type=content)
        test = {"id": body["id"], "terminal": "trm_1", "at": "2026-03-02T00:00:00Z", "cause": body["cause"]}
        test |= {"session": body.get("session"), "passed": True, "figures": body["figures"], "checks": []}
        return web.json_response({"test": test, "opening": 480}, status=201)


@asynccontextmanager
async def sending(history: History) -> AsyncIterator[Results]:
    """Send results to a history until the block ends."""
    app = web.Application()
    app.router.add_post("/api/v1/rooms/{room}/tests", history.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with aiohttp.ClientSession() as http:
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        sender = Results(ServerAccess(http, url, "trm_token"), history.answers.put_nowait)
        running = asyncio.create_task(sender.run())
        try:
            yield sender
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await runner.cleanup()


def _result(number: int = 1, age: float = 0.0) -> Result:
    now = asyncio.get_running_loop().time()
    return Result(f"tst_{number}", "room-1", now - age, Cause.OPENING, None, {"width": 1280.0, "answer": 4.0})


async def _next(history: History) -> EquipmentTestTaken:
    return await asyncio.wait_for(history.answers.get(), PATIENCE)


class TestResults:
    async def test_tell_what_was_measured_when_and_why(self) -> None:
        history = History()
        async with sending(history) as sender:
            sender.add(_result(age=90.0))
            assert (await _next(history)).opening == 480
        (body,) = history.bodies
        assert 90 <= body.pop("age") < 120
        assert body == {
            "id": "tst_1",
            "room": "room-1",
            "cause": "opening",
            "figures": {"width": 1280.0, "answer": 4.0},
        }

    async def test_that_the_server_cannot_take_now_are_sent_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(results, "AGAIN", 0.01)
        history = History()
        history.refusals = [TooMany(), TooMany()]
        async with sending(history) as sender:
            sender.add(_result())
            await _next(history)
        assert [body["id"] for body in history.bodies] == ["tst_1"] * 3

    async def test_that_are_refused_do_not_keep_others_waiting(self) -> None:
        history = History()
        history.refusals = [Forbidden()]
        async with sending(history) as sender:
            sender.add(_result(1))
            sender.add(_result(2))
            assert (await _next(history)).test.id == "tst_2"

    async def test_wait_in_a_limited_number(self) -> None:
        history = History()
        async with sending(history) as sender:
            for number in range(MOST + 10):
                sender.add(_result(number))
            found = [(await _next(history)).test.id for _ in range(MOST)]
        assert found == [f"tst_{number}" for number in range(10, MOST + 10)]
