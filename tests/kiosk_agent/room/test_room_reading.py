"""Yunnan 12, Guangdong 24: the rules are read aloud by the pack's recording in the chosen language; where there is
none, the machine's own voice reads them, point by point."""

import asyncio
import io
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import numpy as np
import pytest
from aiohttp import web
from playwright.async_api import Page, expect

from kiosk_agent.officer.desk import OfficerPlaces
from kiosk_agent.room.room import Room
from kiosk_agent.room.screens import Name, Screen
from kiosk_agent.webrtc.peer import ServerAccess
from tests.support.chromium import chromium
from tests.support.kiosk.room_page import TerminalOfTests, room_page, rules, shows
from tests.support.patience import PATIENCE

pytestmark = pytest.mark.browser

RATE, SECONDS = 16_000, 0.5
LISTEN = """{
    window.played = [];
    window.spoken = [];
    const play = HTMLMediaElement.prototype.play;
    HTMLMediaElement.prototype.play = function () { if (this.src) played.push(this); return play.call(this); };
    speechSynthesis.speak = (utterance) => { spoken.push([utterance.lang, utterance.text]); utterance.onend(); };
}"""
"""Script that notes what is played, and that stands for the machine's voice."""


def _recording() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE)
        tone = 8000 * np.sin(2 * np.pi * 300 * np.arange(round(RATE * SECONDS)) / RATE)
        sound.writeframes(tone.astype("<i2").tobytes())
    return file.getvalue()


class Server:
    """Server with the rules of one session, and a recording in Chinese."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []

    async def rules(self, _: web.Request) -> web.Response:
        text = rules()
        return web.json_response(
            {
                "title": {"zh": text.title.zh, "en": text.title.en},
                "lead": {"zh": text.lead.zh, "en": text.lead.en},
                "points": [{"zh": point.zh, "en": point.en} for point in text.points],
                "audio": {"zh": "/api/v1/sessions/s_1/rules/audio/zh"},
            }
        )

    async def audio(self, request: web.Request) -> web.Response:
        self.asked.append((request.match_info["language"], request.headers.get("Authorization")))
        return web.Response(body=_recording(), content_type="audio/wav")


@asynccontextmanager
async def _check_in() -> AsyncIterator[tuple[Server, Page]]:
    """Show the rules of a session in a page, once the server has sent them."""
    server, app = Server(), web.Application()
    app.router.add_get("/api/v1/sessions/s_1/rules", server.rules)
    app.router.add_get("/api/v1/sessions/s_1/rules/audio/{language}", server.audio)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with aiohttp.ClientSession() as http, chromium() as browser:
        access = ServerAccess(http, f"http://127.0.0.1:{runner.addresses[0][1]}", "secret")
        officer = OfficerPlaces(), TerminalOfTests()
        room = Room(access, lambda _: None, lambda _: None, lambda *_: None, None, *officer)
        running = asyncio.create_task(room.run())
        try:
            async with asyncio.timeout(PATIENCE):
                room.want_rules("s_1")
                while not room.server.url or (text := room.rules.of("s_1")) is None:
                    await asyncio.sleep(0.01)
            room.show(Screen(name=Name.CHECK_IN, title=text.title, rules=text, session="s_1"), 0.0)
            async with room_page(browser, room, script=LISTEN) as page:
                await shows(page, "check_in")
                yield server, page
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await runner.cleanup()


@pytest.mark.timeout(300)
async def test_by_the_recording_to_its_end_or_until_it_is_stopped_and_else_by_the_machines_voice() -> None:
    async with _check_in() as (server, page):
        await page.get_by_role("button", name="朗读").click()
        await page.wait_for_function("() => played.length === 1 && played[0].ended")
        assert await page.evaluate("() => played[0].duration") == pytest.approx(SECONDS, abs=0.05)
        assert server.asked == [("zh", "Bearer secret")] and await page.evaluate("() => spoken") == []
        await expect(page.get_by_role("button", name="朗读", exact=True)).to_be_visible()

        # It stops when the people want it to.
        await page.get_by_role("button", name="朗读", exact=True).press("Enter")
        await page.wait_for_function("() => played.length === 2")
        stop = page.get_by_role("button", name="停止朗读")
        if await stop.is_visible():  # half a second may be over already
            await stop.press("Enter")
        await page.wait_for_function("() => played[1].paused")

        # There is no recording in English.
        await page.locator(".switches button").first.click()
        await page.get_by_role("button", name="Read aloud").click()
        points = len(rules().points)
        await page.wait_for_function("(count) => spoken.length === count", arg=2 + points)
        assert {language for language, _ in await page.evaluate("() => spoken")} == {"en-US"}
        assert [text for _, text in await page.evaluate("() => spoken")][2:] == [each.en for each in rules().points]
