"""The HTTP client of a terminal: it asks its server and no other address, and soon finds a line that is back."""

import pytest
from aiohttp import web

from kiosk_agent.http_client import CONNECT_WITHIN, KEPT, http_client
from kiosk_agent.webrtc.peer import Redirected
from tests.support.kiosk.answerer import answering


async def _elsewhere(_: web.Request) -> web.StreamResponse:
    raise web.HTTPFound("http://127.0.0.1:1/")


async def test_it_follows_no_redirect_which_would_carry_the_credential_elsewhere() -> None:
    async with answering(lambda app: app.router.add_get("/moved", _elsewhere)) as (server, _), http_client() as http:
        with pytest.raises(Redirected):
            await http.get(f"{server.url}/moved")


async def test_it_waits_no_longer_for_a_connection_than_a_new_try_would_take() -> None:
    """Linux repeats an unanswered SYN after 1, 3 and 7 s; a connection from before a cut is not used after it."""
    async with http_client() as http:
        assert http.timeout.sock_connect == CONNECT_WITHIN < 3
        assert http.connector is not None and http.connector._keepalive_timeout == KEPT
        assert not http.trust_env
