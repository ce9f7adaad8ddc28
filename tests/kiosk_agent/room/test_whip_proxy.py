"""The page's offers go to the server with the terminal's credential, for what the state machine has started only."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from broker.kernel.errors import NotFound
from broker.kernel.ids import Side
from kiosk_agent.room.server import RoomServer
from kiosk_agent.room.whip_proxy import WhipProxy
from kiosk_agent.state.events import MediaKind, StartMedia
from kiosk_agent.webrtc.peer import ServerAccess
from tests.support.kiosk.answerer import TOKEN, Answerer, answering

PUBLISH = StartMedia(MediaKind.PUBLICATION, "s_1", Side.PRISON, 1)
WATCH = StartMedia(MediaKind.SUBSCRIPTION, "s_1", Side.VISITOR, 4)
LISTEN = StartMedia(MediaKind.TALKBACK, "s_1", Side.PRISON, 2)
SDP = {"Content-Type": "application/sdp"}


async def _nothing(_: web.Request) -> web.StreamResponse:
    raise web.HTTPNotFound


class Page:
    """A page's requests through the proxy, and the server behind it."""

    def __init__(self, far: Answerer, proxy: WhipProxy, server: RoomServer, http: aiohttp.ClientSession) -> None:
        self.far, self.proxy = far, proxy
        self._server, self._http = server, http

    async def ask(self, path: str, method: str = "POST", **headers: str) -> tuple[int, str, str | None]:
        """Return status, body and location of a request to a path below the page's."""
        wanted = {"Origin": self._server.origin, **SDP, **headers}
        url = f"{self._server.origin}{path}" if path.startswith("/") else self._server.url + path
        async with self._http.request(method, url, data="v=0", headers=wanted) as answer:
            return answer.status, await answer.text(), answer.headers.get("Location")


@asynccontextmanager
async def _page(**answers: str) -> AsyncIterator[Page]:
    async with answering(**{"answer_with": "v=0 answer", **answers}) as (far, access):
        proxy = WhipProxy(access)
        server = RoomServer(_nothing, proxy.handle, _nothing, _nothing)
        async with server.running(), aiohttp.ClientSession() as http:
            yield Page(far, proxy, server, http)
        await proxy.close()


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    """Run a proxy before a server that answers every offer."""
    async with _page() as made:
        yield made


class TestAnOffer:
    @pytest.mark.parametrize(
        ("order", "path"),
        [(PUBLISH, "/whip/s_1"), (WATCH, "/whep/s_1/visitor"), (LISTEN, "/whep/s_1/voice")],
    )
    async def test_goes_to_the_session_and_side_that_were_started(
        self, page: Page, order: StartMedia, path: str
    ) -> None:
        status, answer, location = await page.ask(page.proxy.allow(order))
        assert (status, answer) == (201, "v=0 answer")
        assert [sent for sent, _ in page.far.offers] == [path]
        assert location is not None and location.endswith(f"/media/{order.kind}/{order.attempt}")

    async def test_the_page_never_sees_the_credential(self, page: Page) -> None:
        found = await page.ask(page.proxy.allow(PUBLISH))
        assert TOKEN not in repr(found)

    async def test_of_what_was_not_started_is_refused(self, page: Page) -> None:
        page.proxy.allow(PUBLISH)
        for path in ("media/publication/2", "media/subscription/1", "media/other/1", "media/publication/x"):
            assert (await page.ask(path))[0] == 410
        assert page.far.offers == []

    async def test_is_made_once(self, page: Page) -> None:
        path = page.proxy.allow(PUBLISH)
        assert (await page.ask(path))[0] == 201
        assert (await page.ask(path))[0] == 409

    async def test_that_is_none_is_refused(self, page: Page) -> None:
        assert (await page.ask(page.proxy.allow(PUBLISH), **{"Content-Type": "text/plain"}))[0] == 415

    async def test_a_refusal_of_the_server_is_passed_on(self, page: Page) -> None:
        page.far.refuse = NotFound()
        status, body, location = await page.ask(page.proxy.allow(PUBLISH))
        assert (status, location) == (NotFound.http_status, None) and NotFound.code in body

    async def test_a_resource_on_another_host_is_not_taken(self) -> None:
        async with _page(elsewhere="http://elsewhere.example") as page:
            assert (await page.ask(page.proxy.allow(PUBLISH)))[0] == 502

    async def test_a_server_that_is_away_is_said_so(self) -> None:
        async with aiohttp.ClientSession() as http:
            proxy = WhipProxy(ServerAccess(http, "http://127.0.0.1:1", TOKEN))
            server = RoomServer(_nothing, proxy.handle, _nothing, _nothing)
            headers = {**SDP}
            async with server.running():
                url = server.url + proxy.allow(PUBLISH)
                async with http.post(url, data="v=0", headers={**headers, "Origin": server.origin}) as answer:
                    assert answer.status == 502 and await answer.json(content_type=None) == {"code": "unreachable"}


class TestTheEnd:
    async def test_the_page_deletes_its_resource(self, page: Page) -> None:
        _, _, location = await page.ask(page.proxy.allow(PUBLISH))
        assert (await page.ask(location or "", "DELETE"))[0] == 200
        assert page.far.deleted == ["/whip/s_1/1"]

    async def test_what_the_page_leaves_is_deleted_and_its_address_is_gone(self, page: Page) -> None:
        path = page.proxy.allow(PUBLISH)
        await page.ask(path)
        await page.proxy.withdraw(MediaKind.PUBLICATION, 1)
        assert page.far.deleted == ["/whip/s_1/1"]
        assert (await page.ask(path))[0] == 410
