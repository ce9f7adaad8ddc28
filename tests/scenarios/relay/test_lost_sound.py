"""Lost sound of a real publisher is requested and comes again, though no publisher offers to send it again."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from broker.kernel.ids import Side
from huijian.demo.synthetic.sources import generated_sources
from kiosk_agent.webrtc.peer import ServerAccess, publish
from tests.support.chromium import chromium
from tests.support.patience import PATIENCE
from tests.support.relay_front import RelayFront
from tests.support.udp_proxy import Impairment, Line, UdpProxy, udp_proxy

pytestmark = pytest.mark.asyncio(loop_scope="module")

BURSTS = Impairment(loss=0.1, burst=3.0)


class SoundAgain:
    """The packets of sound that a publisher sends through a bad network: whether a lost one comes again."""

    def __init__(self, front: RelayFront, proxy: UdpProxy) -> None:
        self._front, self._lost = front, set[int]()
        self.came = asyncio.Event()
        proxy.on_datagram = self._note

    def _note(self, line: Line, data: bytes, arrives: bool) -> None:
        if len(data) <= 12 or not 127 < data[0] < 192 or not self._is_sound(data[1] & 127):
            return
        number = int.from_bytes(data[2:4], "big")
        if not arrives:
            self._lost.add(number)
        elif number in self._lost:
            self.came.set()

    def _is_sound(self, payload_type: int) -> bool:
        return re.search(rf"a=rtpmap:{payload_type} (opus|red)/48000", self._front.offers[-1]) is not None


@asynccontextmanager
async def losing(front: RelayFront) -> AsyncIterator[SoundAgain]:
    """Have clients that join send through a network that loses packets."""
    async with udp_proxy(("127.0.0.1", front.port), up=BURSTS) as proxy:
        front.proxy_port = proxy.port
        try:
            yield SoundAgain(front, proxy)
        finally:
            front.proxy_port = None


async def test_a_kiosk_sends_lost_sound_again(front: RelayFront) -> None:
    sources = generated_sources(Side.PRISON, size=(320, 192), fps=15)
    async with losing(front) as sound, aiohttp.ClientSession() as http:
        peer = await publish(ServerAccess(http, front.url, "prison"), "s", *sources.tracks())
        try:
            await asyncio.wait_for(sound.came.wait(), PATIENCE)
        finally:
            await peer.close()
            await sources.close()


@pytest.mark.browser
async def test_chromium_sends_lost_sound_again_though_it_does_not_offer_to(front: RelayFront) -> None:
    async with losing(front) as sound, chromium() as browser:
        page = await browser.new_page()
        await page.goto(f"{front.url}/peer.html")
        await page.evaluate("publish('room', 's', 'prison')")
        assert not re.search(r"a=rtcp-fb:(\d+) nack\r\n(?=(.*\r\n)*a=rtpmap:\1 opus)", front.offers[-1])
        await asyncio.wait_for(sound.came.wait(), PATIENCE)
