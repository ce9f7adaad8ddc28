"""A WHIP client of another project: FFmpeg's muxer, which gets only its token. It offers setup:passive with a
certificate on curve P-224, so here the relay begins the handshake, through the system's libssl."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from broker.ipc.relay_messages import CloseSession
from kiosk_agent.webrtc.peer import ServerAccess
from kiosk_agent.webrtc.receiver import Receiver
from tests.support.patience import PATIENCE
from tests.support.relay_front import RelayFront

pytestmark = pytest.mark.asyncio(loop_scope="module")


@asynccontextmanager
async def muxer(
    front: RelayFront, token: str, seconds: float, how: str = "copy"
) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.whip_push", f"{front.url}/whip/s", token, str(seconds), how,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


class TestTheWhipMuxer:
    @pytest.mark.parametrize("how", ["copy", "encode"])
    async def test_publishes_a_file_that_a_subscriber_decodes(self, front: RelayFront, how: str) -> None:
        async with muxer(front, "prison", 8, how) as process, aiohttp.ClientSession() as http:
            await front.fact("side_media", side="prison", on=True)
            enough = asyncio.Event()
            heard: list[int] = []

            def seen(_: object) -> None:
                if viewer.picture is not None and len(heard) > 50:
                    enough.set()

            viewer = Receiver(
                ServerAccess(http, front.url, "officer@site"), "s", "prison", seen, lambda _: heard.append(1)
            )
            await viewer.start()
            await front.fact("subscription_changed", side="prison", on=True)
            await asyncio.wait_for(enough.wait(), PATIENCE)
            stats = await viewer.measure()
            assert stats.video.lost == stats.audio.lost == 0
            assert stats.rms > 0.05
            assert viewer.picture is not None
            assert (viewer.picture.width, viewer.picture.height) == (320, 240)
            await viewer.close()
            assert process.returncode is None

    async def test_deletes_its_resource_at_the_end(self, front: RelayFront) -> None:
        async with muxer(front, "visitor", 1) as process:
            gone = await front.fact("resource_closed")
            assert gone["why"] in ("closed on request", "closed by the client")
            assert await asyncio.wait_for(process.wait(), PATIENCE) == 0
            assert (await front.status())["peers"] == 0

    async def test_gets_the_reason_of_a_refusal(self, front: RelayFront) -> None:
        await front.link.call(CloseSession(session="s"))
        async with muxer(front, "prison", 1) as process:
            _, output = await asyncio.wait_for(process.communicate(), PATIENCE)
            assert process.returncode == 1
            assert b"404" in output or b"Not Found" in output


@pytest.fixture(autouse=True)
def _needs_the_muxer() -> None:
    import av

    assert "whip" in av.formats_available
