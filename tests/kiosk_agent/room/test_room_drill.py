"""Yunnan 25: a drill crosses without people who supervise, so that the room's camera and microphone must not be in it,
and nothing may be heard; both are closed meanwhile. The page in a real Chromium with its fake camera, against a
simulated server with real media."""

import asyncio

import aiohttp
import numpy as np
import pytest

from kiosk_agent.agent import Kiosk, KioskConfig
from kiosk_agent.media.frames import mono_samples
from tests.support.chromium import chromium
from tests.support.kiosk.answerer import TOKEN, answering
from tests.support.kiosk.control import Control, view
from tests.support.kiosk.room_page import room_page, shows
from tests.support.patience import PATIENCE

pytestmark = pytest.mark.browser

OPENED = """{
    window.opened = [];
    window.sent = [];
    window.players = [];
    const devices = navigator.mediaDevices;
    const ask = devices.getUserMedia.bind(devices);
    devices.getUserMedia = async (wanted) => {
        const stream = await ask(wanted);
        opened.push(...stream.getTracks());
        return stream;
    };
    const add = RTCPeerConnection.prototype.addTransceiver;
    RTCPeerConnection.prototype.addTransceiver = function (track, ...rest) {
        if (track instanceof MediaStreamTrack) sent.push(track.id);
        return add.call(this, track, ...rest);
    };
    window.Audio = class extends Audio { constructor(...all) { super(...all); players.push(this); } };
}"""
"""Script that notes the tracks of camera and microphone, those that are sent, and what can be heard."""


@pytest.mark.timeout(300)
async def test_sends_a_made_up_picture_and_tone_and_plays_nothing() -> None:
    control, ending = Control(), asyncio.Event()
    async with answering(control.routes) as (far, access), aiohttp.ClientSession() as http, chromium() as browser:
        kiosk = Kiosk(KioskConfig(access.url, TOKEN, headless=False), http, lambda _: None)
        assert kiosk.room is not None
        running = asyncio.create_task(kiosk.run(ending))
        try:
            async with asyncio.timeout(PATIENCE):
                while not kiosk.room.server.url:
                    await asyncio.sleep(0.01)
            async with room_page(browser, kiosk.room, script=OPENED) as page:
                await control.until(1, "connections")
                await control.report(view("live", tested=True, remaining=20_000) | {"drill": True})
                await shows(page, "drill")
                await far.until(lambda: len(far.pictures) > 10 and len(far.sounds) > 100)
                await page.wait_for_function("players.some(({ srcObject }) => srcObject)", timeout=PATIENCE * 1000)
                assert await page.evaluate("sent.length") == 2
                assert not await page.evaluate("opened.some(({ id }) => sent.includes(id))")
                closed = "opened.length && opened.every(({ readyState }) => readyState === 'ended')"
                await page.wait_for_function(closed, timeout=PATIENCE * 1000)  # what a test before had opened
                assert await page.evaluate("players.filter(({ srcObject }) => srcObject).every(({ muted }) => muted)")
            sound = np.concatenate([mono_samples(frame) for frame in far.sounds[-100:]])
            assert np.abs(sound).max() > 1000, "the tone"
        finally:
            ending.set()
            await asyncio.wait_for(running, PATIENCE)
