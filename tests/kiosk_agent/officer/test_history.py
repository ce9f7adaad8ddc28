"""The terminal's own history of tests is bounded, outlives a restart, and a damaged file is an empty one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from kiosk_agent.officer.history import KEPT, EquipmentHistory, KeptTest, fetch_tests
from kiosk_agent.webrtc.peer import ServerAccess


def test_the_newest_come_first_and_the_oldest_give_way(tmp_path: Path) -> None:
    history = EquipmentHistory(tmp_path / "tests.json")
    for number in range(KEPT + 10):
        history.add(KeptTest(f"{number}", {"level": float(number)}, ("camera",)))
    history.write()
    again = EquipmentHistory(tmp_path / "tests.json").tests
    assert again == history.tests and len(again) == KEPT
    assert again[0].figures == {"level": KEPT + 9} and again[0].faults == ("camera",)


@pytest.mark.parametrize("text", ["", "[]", '{"tests": 7}', '{"tests": [{"at": 1}]}'])
def test_a_damaged_file_is_an_empty_one(tmp_path: Path, text: str) -> None:
    (tmp_path / "tests.json").write_text(text)
    assert EquipmentHistory(tmp_path / "tests.json").tests == ()


def test_without_a_place_nothing_is_written() -> None:
    history = EquipmentHistory(None)
    history.add(KeptTest("now", {}))
    history.write()
    assert len(history.tests) == 1


@asynccontextmanager
async def _server(answer: object, status: int = 200) -> AsyncIterator[ServerAccess]:
    async def tests(request: web.Request) -> web.Response:
        assert request.query["limit"] == "60" and request.headers["Authorization"] == "Bearer token"
        return web.json_response(answer, status=status)

    app = web.Application()
    app.router.add_get("/api/v1/rooms/room-1/tests", tests)
    async with TestServer(app) as server, aiohttp.ClientSession() as http:
        yield ServerAccess(http, str(server.make_url("")).rstrip("/"), "token")


async def test_the_server_tells_its_tests_with_the_checks_that_failed_by_its_verdict() -> None:
    checks = [{"code": "line", "verdict": "failed"}, {"code": "camera", "verdict": "passed"}]
    test = {"at": "2026-11-30T01:00:00Z", "figures": {"loss_up": 2.0}, "checks": checks, "passed": False}
    async with _server({"tests": [test]}) as access:
        assert await fetch_tests(access, "room-1") == (KeptTest("2026-11-30T01:00:00Z", {"loss_up": 2.0}, ("line",)),)


@pytest.mark.parametrize(("answer", "status"), [({"code": "too_many"}, 429), ({"tests": 7}, 200), ([], 200)])
async def test_a_server_that_does_not_tell_has_none(answer: object, status: int) -> None:
    async with _server(answer, status) as access:
        assert await fetch_tests(access, "room-1") is None


async def test_a_server_that_is_away_has_none() -> None:
    async with aiohttp.ClientSession() as http:
        assert await fetch_tests(ServerAccess(http, "http://127.0.0.1:1", "token"), "room-1") is None
