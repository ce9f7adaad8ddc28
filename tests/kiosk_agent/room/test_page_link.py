"""The socket between agent and page: one page at a time, and nothing but the messages that are listed."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from kiosk_agent.room import words
from kiosk_agent.room.messages import CheckEquipment, Finished, PageMessage, Show
from kiosk_agent.room.page_link import NOT_UNDERSTOOD, REPLACED, PageLink
from kiosk_agent.room.screens import Name, Screen
from kiosk_agent.room.server import RoomServer
from tests.support.patience import PATIENCE


async def _nothing(_: web.Request) -> web.StreamResponse:
    raise web.HTTPNotFound


@dataclass
class Story:
    """A link behind its server: `taken` are the messages, `comings` 1 for a page that came and -1 for one that went."""

    http: aiohttp.ClientSession
    taken: asyncio.Queue[PageMessage] = field(default_factory=asyncio.Queue)
    comings: asyncio.Queue[int] = field(default_factory=asyncio.Queue)

    def __post_init__(self) -> None:
        self.link = PageLink(
            self.taken.put_nowait, lambda: self.comings.put_nowait(1), lambda: self.comings.put_nowait(-1)
        )
        self.server = RoomServer(self.link.serve, _nothing, _nothing, _nothing)

    async def page(self) -> aiohttp.ClientWebSocketResponse:
        """Connect as the page does, and wait until the link knows."""
        socket = await self.http.ws_connect(self.server.url + "link", headers={"Origin": self.server.origin})
        assert await self.next(self.comings) in (1, -1)
        return socket

    @staticmethod
    async def next(queue: asyncio.Queue[Any]) -> Any:
        """Return the next item of a queue."""
        async with asyncio.timeout(PATIENCE):
            return await queue.get()


@pytest.fixture
async def story() -> AsyncIterator[Story]:
    """Run a link in its server."""
    async with aiohttp.ClientSession() as http:
        made = Story(http)
        async with made.server.running():
            yield made


async def test_a_message_of_the_page_is_typed(story: Story) -> None:
    page = await story.page()
    await page.send_str('{"type": "finished", "on": true}')
    assert await story.next(story.taken) == Finished(on=True)


async def test_the_page_gets_screens_in_order(story: Story) -> None:
    page = await story.page()
    story.link.send(Show(screen=Screen(name=Name.IDLE, title=words.IDLE), left=None))
    story.link.send(CheckEquipment(number=4))
    async with asyncio.timeout(PATIENCE):
        found = [json.loads((await page.receive()).data) for _ in range(2)]
    assert found[0]["screen"]["name"] == "idle" and found[0]["screen"]["title"]["zh"] == words.IDLE.zh
    assert found[1] == {"type": "test", "number": 4, "sweep": False, "listen": False}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"type": "other"}',
        '{"type": "finished"}',
        '{"type": "finished", "on": 1}',
        '{"type": "finished", "on": true, "more": 1}',
        '{"type": "figures", "luma": -1, "spread": 0, "change": 0, "level": 0}',
        '{"type": "trouble", "code": "' + "x" * 65 + '"}',
    ],
)
async def test_a_page_that_sends_anything_else_is_disconnected(story: Story, text: str) -> None:
    page = await story.page()
    await page.send_str(text)
    async with asyncio.timeout(PATIENCE):
        await page.receive()
    assert page.close_code == NOT_UNDERSTOOD
    assert story.taken.empty()


async def test_a_beat_shows_that_the_page_lives_and_is_no_message(story: Story) -> None:
    page = await story.page()
    first = story.link.beat_at
    await page.send_str('{"type": "beat"}')
    await page.send_str('{"type": "finished", "on": false}')
    assert await story.next(story.taken) == Finished(on=False)
    assert story.link.beat_at is not None and first is not None and story.link.beat_at >= first


async def test_a_newer_page_replaces_the_older_one(story: Story) -> None:
    older = await story.page()
    await story.page()
    async with asyncio.timeout(PATIENCE):
        await older.receive()
    assert older.close_code == REPLACED
    assert story.link.connected


async def test_without_a_page_nothing_waits_for_the_next(story: Story) -> None:
    story.link.send(CheckEquipment(number=1))
    page = await story.page()
    story.link.send(CheckEquipment(number=2))
    async with asyncio.timeout(PATIENCE):
        assert json.loads((await page.receive()).data)["number"] == 2
    await page.close()
    assert await story.next(story.comings) == -1
    assert not story.link.connected
