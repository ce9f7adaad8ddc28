"""The loopback server gives its page to the agent's own browser and to nothing else."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from kiosk_agent.room.server import WEB, RoomServer

OWN = object()


async def _reached(request: web.Request) -> web.StreamResponse:
    return web.Response(text=f"reached {request.path.rpartition('/')[2]}")


@pytest.fixture
async def server() -> AsyncIterator[RoomServer]:
    """Run a server whose socket, media and audio only say that they were reached."""
    made = RoomServer(_reached, _reached, _reached, _reached)
    async with made.running():
        yield made


async def ask(server: RoomServer, path: str, method: str = "GET", origin: object = None, host: str = "") -> int:
    """Return the status of a request below the page's path."""
    headers = {"Origin": server.origin if origin is OWN else str(origin)} if origin is not None else {}
    if host:
        headers["Host"] = host
    async with (
        aiohttp.ClientSession() as http,
        http.request(method, server.origin + path, headers=headers) as answer,
    ):
        return answer.status


class TestThePage:
    async def test_is_served_with_headers_that_refuse_all_that_is_not_its_own(self, server: RoomServer) -> None:
        async with aiohttp.ClientSession() as http, http.get(server.url) as answer:
            policy = answer.headers["Content-Security-Policy"]
            assert answer.status == 200 and "main.js" in await answer.text()
            assert "default-src 'none'" in policy and "unsafe" not in policy
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers["Permissions-Policy"].startswith("camera=(self), microphone=(self)")

    async def test_has_every_file_that_it_asks_for(self, server: RoomServer) -> None:
        files = [path.relative_to(WEB).as_posix() for path in WEB.rglob("*.*")]
        assert {await ask(server, f"{server.base}/web/{name}") for name in files} == {200}

    @pytest.mark.parametrize("path", ["../agent.py", "..%2fagent.py", "none.js", "styles", "room.html%00.js"])
    async def test_gives_nothing_from_elsewhere(self, server: RoomServer, path: str) -> None:
        assert await ask(server, f"{server.base}/web/{path}") == 404

    async def test_a_link_that_leads_out_gives_nothing(self, tmp_path: Path) -> None:
        (tmp_path / "web").mkdir()
        (tmp_path / "web" / "key.js").symlink_to(Path(__file__))
        made = RoomServer(_reached, _reached, _reached, _reached, tmp_path / "web")
        async with made.running():
            assert await ask(made, f"{made.base}/web/key.js") == 404


class TestOthers:
    async def test_without_the_secret_there_is_nothing(self, server: RoomServer) -> None:
        for path in ("/", "/x/", "/x/link", "/x/media/publication/1", f"/{server.secret[:-1]}/", "/favicon.ico"):
            assert await ask(server, path) == 404

    async def test_another_host_or_origin_gets_nothing(self, server: RoomServer) -> None:
        page, offer = f"{server.base}/", f"{server.base}/media/publication/1"
        assert await ask(server, page, host="rebound.example") == 404
        assert await ask(server, page, origin="https://elsewhere.example") == 404
        assert await ask(server, offer, "POST", origin="null") == 404
        assert await ask(server, offer, "POST") == 404
        assert await ask(server, offer, "POST", origin=OWN) == 200

    async def test_every_start_has_another_path(self, server: RoomServer) -> None:
        assert RoomServer(_reached, _reached, _reached, _reached).secret != server.secret
        assert len(server.secret) >= 32
