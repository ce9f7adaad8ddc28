"""The loopback server of a terminal: it serves the room's page, and takes its socket and its WHIP and WHEP requests, on
127.0.0.1 at a port of its own choice, under a path that only the agent's own browser is told. Requests with another
host or origin are refused, so that no other page on the machine can use it."""

import hmac
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import hdrs, web

WEB = Path(__file__).parents[1] / "web"
TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
}
PAGE = "room.html"
HOST = "127.0.0.1"
_LARGEST = 128 * 1024
"""Bytes of a request: an SDP offer of Chromium has about eight thousand."""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; media-src 'self' blob: mediastream:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(self), geolocation=(), display-capture=(), usb=(), serial=()",
    "Cache-Control": "no-store",
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class RoomServer:
    """Loopback server of one terminal. `link` takes the page's socket, `media` its offers, `audio` asks for the rules
    read aloud, `test` takes pictures and sounds of an equipment test. `url` is known inside `running`."""

    def __init__(self, link: Handler, media: Handler, audio: Handler, test: Handler, folder: Path = WEB) -> None:
        self.secret = secrets.token_urlsafe(24)
        self.url = ""
        self._folder, self._origin = folder.resolve(), ""
        self._app = web.Application(middlewares=(self._guard,), client_max_size=_LARGEST)
        self._app.on_response_prepare.append(_set_headers)
        self._app.router.add_get("/{secret}/", self._page)
        self._app.router.add_get("/{secret}/web/{path:.+}", self._file)
        self._app.router.add_get("/{secret}/link", link)
        self._app.router.add_get("/{secret}/audio/{language}", audio)
        self._app.router.add_post("/{secret}/test/{number}/{what}", test)
        for method in (hdrs.METH_POST, hdrs.METH_PATCH, hdrs.METH_DELETE):
            self._app.router.add_route(method, "/{secret}/media/{kind}/{attempt}", media)

    @property
    def base(self) -> str:
        """The path under which everything of the page is."""
        return f"/{self.secret}"

    @property
    def origin(self) -> str:
        """The origin of the page, the only one that may use camera and microphone."""
        return self._origin

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Listen until the block ends."""
        runner = web.AppRunner(self._app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, HOST, 0).start()
            self._origin = f"http://{HOST}:{runner.addresses[0][1]}"
            self.url = f"{self._origin}{self.base}/"
            yield
        finally:
            await runner.cleanup()

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse what does not come from the agent's own page, as if there were nothing here."""
        secret = request.match_info.get("secret", "")
        if not hmac.compare_digest(secret.encode(), self.secret.encode()) or not self._is_own(request):
            raise web.HTTPNotFound
        return await handler(request)

    def _is_own(self, request: web.Request) -> bool:
        """Whether host and origin are those of the page. Only loading it may come without an origin."""
        if f"http://{request.headers.get(hdrs.HOST)}" != self._origin:
            return False
        origin = request.headers.get(hdrs.ORIGIN)
        loads = request.method == hdrs.METH_GET and hdrs.UPGRADE not in request.headers
        return origin == self._origin or (origin is None and loads)

    async def _page(self, _: web.Request) -> web.StreamResponse:
        return self._answer(PAGE)

    async def _file(self, request: web.Request) -> web.StreamResponse:
        return self._answer(request.match_info["path"])

    def _answer(self, name: str) -> web.Response:
        """Answer with a file of the folder, 404 for what lies outside of it."""
        path = (self._folder / name).resolve() if "\x00" not in name else self._folder
        kind = TYPES.get(path.suffix)
        if kind is None or not path.is_relative_to(self._folder) or not path.is_file():
            raise web.HTTPNotFound
        return web.Response(body=path.read_bytes(), headers={hdrs.CONTENT_TYPE: f"{kind}; charset=utf-8"})


async def _set_headers(_: web.Request, answer: web.StreamResponse) -> None:
    answer.headers.popall(hdrs.SERVER, None)
    for name, value in HEADERS.items():
        answer.headers.setdefault(name, value)
