"""Kiosks on aiortc: pictures that name themselves, through the relay and through every change."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from av import VideoFrame

from broker.kernel.ids import Side
from huijian.demo.synthetic.frame_code import FrameCode, code_in
from huijian.demo.synthetic.sources import generated_sources
from kiosk_agent.webrtc.peer import Publication, ServerAccess, publish
from kiosk_agent.webrtc.receiver import Receiver
from tests.support.patience import PATIENCE
from tests.support.relay_front import RelayFront

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Eyes:
    """A kiosk's receiver that reads the source named in each picture."""

    def __init__(self, front: RelayFront, http: aiohttp.ClientSession, client: str, side: str) -> None:
        self.codes: list[FrameCode | None] = []
        self._more = asyncio.Event()
        self.viewer = Receiver(ServerAccess(http, front.url, client), "s", side, self._see)

    def _see(self, frame: VideoFrame) -> None:
        self.codes.append(code_in(frame.to_ndarray(format="gray")))
        self._more.set()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while len(self.codes) < count:
                self._more.clear()
                await self._more.wait()


@asynccontextmanager
async def publication(front: RelayFront, http: aiohttp.ClientSession, side: Side) -> AsyncIterator[Publication]:
    sources = generated_sources(side, size=(320, 192), fps=15)
    after = len(front.facts)
    peer = await publish(ServerAccess(http, front.url, side), "s", *sources.tracks())
    try:
        await front.fact("side_media", side=side, on=True, after=after)
        yield peer
    finally:
        await peer.close()
        await sources.close()


class TestKiosks:
    async def test_see_and_hear_each_other_through_the_open_gate(self, front: RelayFront) -> None:
        async with (
            aiohttp.ClientSession() as http,
            publication(front, http, Side.PRISON),
            publication(front, http, Side.VISITOR),
        ):
            eyes = {side: Eyes(front, http, side, side.other) for side in Side}
            for kiosk in eyes.values():
                await kiosk.viewer.start()
            await front.lease("s")
            for side, kiosk in eyes.items():
                await kiosk.until(15)
                assert {code.side for code in kiosk.codes if code is not None} == {side.other}
                assert kiosk.codes.count(None) == 0
                stats = await kiosk.viewer.measure()
                assert stats.audio.frames > 10
                assert stats.rms > 0.005
                await kiosk.viewer.close()

    async def test_go_on_seeing_when_the_far_kiosk_connects_again(self, front: RelayFront) -> None:
        async with aiohttp.ClientSession() as http, publication(front, http, Side.PRISON):
            eyes = Eyes(front, http, "officer@site", Side.PRISON)
            await eyes.viewer.start()
            await eyes.until(10)
            sources = generated_sources(Side.PRISON, size=(320, 192), fps=15)
            since = len(front.facts)
            second = await publish(ServerAccess(http, front.url, "prison"), "s", *sources.tracks())
            await front.fact("resource_closed", after=since, why="replaced by a newer connection")
            count = len(eyes.codes)
            await eyes.until(count + 20)
            numbers = [code.number for code in eyes.codes if code is not None]
            assert numbers[-1] < numbers[9] + 20 + len(numbers)
            assert eyes.codes[-15:].count(None) == 0
            assert (await eyes.viewer.measure()).connections == 1
            assert (await eyes.viewer.measure()).video.lost == 0
            await eyes.viewer.close()
            await second.close()
            await sources.close()
