"""Forwards the page's WHIP (RFC 9725) and WHEP requests to the server with the terminal's credential, which the page
never has. It forwards what the state machine has started and nothing else: each attempt has one address on loopback,
which leads to one address of the server, and makes one resource there."""

import logging
from dataclasses import dataclass
from urllib.parse import urljoin

import aiohttp
from aiohttp import hdrs, web

from kiosk_agent.state.events import MediaKind, StartMedia
from kiosk_agent.webrtc.peer import ANSWER_WITHIN, DELETE_WITHIN, ServerAccess, same_origin

log = logging.getLogger(__name__)

CONNECT_WITHIN = 2.0
"""Seconds to reach the server: on a line that was cut and is back, a new try finds it sooner than one that waits."""
_LARGEST = 64 * 1024
"""Bytes of an answer that are read."""
_PASSED = (hdrs.CONTENT_TYPE, hdrs.ETAG, hdrs.RETRY_AFTER)
_TYPES = {hdrs.METH_POST: "application/sdp", hdrs.METH_PATCH: "application/trickle-ice-sdpfrag"}
_UNREACHABLE = b'{"code":"unreachable"}'


@dataclass(slots=True)
class _Attempt:
    """An attempt that the page may make: its path on the server, and its resource there once it exists."""

    path: str
    posted: bool = False
    resource: str | None = None
    withdrawn: bool = False


class WhipProxy:
    """Way of one page's media requests to the server."""

    def __init__(self, access: ServerAccess) -> None:
        self._access = access
        self._attempts: dict[tuple[str, int], _Attempt] = {}

    def allow(self, order: StartMedia) -> str:
        """Let the page make this attempt; return its address below the page's own path."""
        self._attempts[(order.kind, order.attempt)] = _Attempt(_path_of(order))
        return f"media/{order.kind}/{order.attempt}"

    async def withdraw(self, kind: MediaKind, attempt: int) -> None:
        """Forward nothing more of this attempt, and delete its resource if the page has left it."""
        found = self._attempts.pop((kind, attempt), None)
        if found is not None:
            found.withdrawn = True
            await self._delete(found)

    async def close(self) -> None:
        """Delete all resources that are left."""
        for kind, attempt in list(self._attempts):
            await self.withdraw(MediaKind(kind), attempt)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request of the page."""
        number = request.match_info["attempt"]
        key = (request.match_info["kind"], int(number) if number.isdecimal() else -1)
        attempt = self._attempts.get(key)
        if attempt is None:
            raise web.HTTPGone
        if request.content_type != _TYPES.get(request.method, request.content_type):
            raise web.HTTPUnsupportedMediaType
        if request.method == hdrs.METH_POST:
            return await self._post(request, attempt)
        if attempt.resource is None:
            raise web.HTTPNotFound
        if request.method == hdrs.METH_DELETE:
            await self._delete(attempt)
            return web.Response(status=200)
        return await self._patch(request, attempt.resource)

    async def _post(self, request: web.Request, attempt: _Attempt) -> web.Response:
        if attempt.posted:
            raise web.HTTPConflict
        attempt.posted = True
        url = urljoin(self._access.url, attempt.path)
        answer, location = await self._forward(request, url)
        if location is not None:
            attempt.resource = location
        if attempt.withdrawn:  # while the server answered, the visit ended or the page was given up
            await self._delete(attempt)
            raise web.HTTPGone
        if location is not None:
            answer.headers[hdrs.LOCATION] = request.path
        return answer

    async def _patch(self, request: web.Request, url: str) -> web.Response:
        return (await self._forward(request, url))[0]

    async def _forward(self, request: web.Request, url: str) -> tuple[web.Response, str | None]:
        """Return the server's answer, and the resource that it names; 502 where it does not answer by the rules."""
        headers = {**self._access.headers, hdrs.CONTENT_TYPE: request.content_type}
        if hdrs.IF_MATCH in request.headers:
            headers[hdrs.IF_MATCH] = request.headers[hdrs.IF_MATCH]
        limit = aiohttp.ClientTimeout(total=ANSWER_WITHIN, sock_connect=CONNECT_WITHIN)
        body = await request.read()
        try:
            async with self._access.http.request(
                request.method, url, data=body, headers=headers, timeout=limit, allow_redirects=False
            ) as response:
                text = await response.content.read(_LARGEST)
                passed = {name: response.headers[name] for name in _PASSED if name in response.headers}
                location = same_origin(url, response.headers[hdrs.LOCATION]) if response.status == 201 else None
                return web.Response(status=response.status, body=text, headers=passed), location
        except (aiohttp.ClientError, TimeoutError, KeyError, ValueError) as error:
            log.info("media request not answered", extra={"error": type(error).__name__})
            return web.Response(status=502, body=_UNREACHABLE, content_type="application/problem+json"), None

    async def _delete(self, attempt: _Attempt) -> None:
        resource, attempt.resource = attempt.resource, None
        if resource is None:
            return
        limit = aiohttp.ClientTimeout(total=DELETE_WITHIN, sock_connect=CONNECT_WITHIN)
        try:
            async with self._access.http.delete(
                resource, headers=self._access.headers, timeout=limit, allow_redirects=False
            ) as response:
                log.debug("resource deleted", extra={"status": response.status})
        except (aiohttp.ClientError, TimeoutError) as error:
            # The server detects by itself that consent ended (RFC 7675).
            log.info("DELETE not answered", extra={"error": type(error).__name__})


def _path_of(order: StartMedia) -> str:
    match order.kind:
        case MediaKind.PUBLICATION:
            return f"/whip/{order.session}"
        case MediaKind.SUBSCRIPTION:
            return f"/whep/{order.session}/{order.side}"
        case MediaKind.TALKBACK:
            return f"/whep/{order.session}/voice"
