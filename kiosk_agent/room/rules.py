"""The rules of the present visit, as the server tells them: asked for once a session, again after a failure, and kept
until the next. Recordings that read them aloud are passed through to the page, which has no credential for them."""

import asyncio
import logging
import random

import aiohttp
import msgspec
from aiohttp import web

from kiosk_agent.room.screens import Rules
from kiosk_agent.room.words import Words
from kiosk_agent.state.state import backoff
from kiosk_agent.webrtc.peer import ServerAccess, same_origin

log = logging.getLogger(__name__)

ANSWER_WITHIN = 10.0
"""Seconds to wait for the text, or for the beginning of a recording."""
_LARGEST_TEXT, _LARGEST_AUDIO = 256 * 1024, 8 * 2**20


class _Answer(msgspec.Struct, frozen=True):
    """The part of the server's answer that a room needs. `audio`: language -> address of a recording."""

    title: Words
    lead: Words
    points: tuple[Words, ...]
    audio: dict[str, str]


class RulesText:
    """Text of the rules of one session at a time. `session` is the session whose `text` is here."""

    def __init__(self, access: ServerAccess) -> None:
        self.text: Rules | None = None
        self.session: str | None = None
        self._access = access
        self._audio: dict[str, str] = {}

    def of(self, session: str) -> Rules | None:
        """Return the rules of the session, None while they are not here."""
        return self.text if self.session == session else None

    async def fetch(self, session: str) -> None:
        """Ask the server for the rules of the session until it has told them."""
        tries = 0
        while True:
            try:
                answer = await self._ask(session)
                self.text = Rules(answer.title, answer.lead, answer.points, tuple(sorted(answer.audio)))
                self.session, self._audio = session, answer.audio
                return
            except (aiohttp.ClientError, TimeoutError, ValueError, msgspec.DecodeError) as error:
                log.warning("the rules of the visit did not come", extra={"error": type(error).__name__})
            tries += 1
            await asyncio.sleep(backoff(tries, random.random()))

    async def audio(self, request: web.Request) -> web.StreamResponse:
        """Answer the page with the recording in the language that it asks for."""
        path = self._audio.get(request.match_info["language"])
        if path is None:
            raise web.HTTPNotFound
        url = same_origin(self._access.url, path)
        limit = aiohttp.ClientTimeout(total=ANSWER_WITHIN)
        try:
            async with self._access.http.get(
                url, headers=self._access.headers, timeout=limit, allow_redirects=False
            ) as response:
                body = await response.content.read(_LARGEST_AUDIO)
                if response.status != 200 or not response.content_type.startswith("audio/"):
                    raise web.HTTPNotFound
                return web.Response(body=body, content_type=response.content_type)
        except (aiohttp.ClientError, TimeoutError) as error:
            log.warning("the recording of the rules did not come", extra={"error": type(error).__name__})
            raise web.HTTPBadGateway from error

    async def _ask(self, session: str) -> _Answer:
        url = f"{self._access.url}/api/v1/sessions/{session}/rules"
        limit = aiohttp.ClientTimeout(total=ANSWER_WITHIN)
        async with self._access.http.get(
            url, headers=self._access.headers, timeout=limit, allow_redirects=False
        ) as response:
            if response.status != 200 or response.content_type != "application/json":
                raise ValueError(f"HTTP status {response.status}")
            return msgspec.json.decode(await response.content.read(_LARGEST_TEXT), type=_Answer)
