"""What the page hands to the agent for an equipment test: measured like a headless terminal's, limited, and of the
present test only."""

import asyncio
import wave
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import numpy as np
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from numpy.typing import NDArray

from broker.session.parts.equipment import verdicts
from config.pack_loader import load_pack
from kiosk_agent.agent import Kiosk, KioskConfig
from kiosk_agent.checks.measures.sweep import sweep
from kiosk_agent.room.equipment_check import PICTURES, EquipmentCheck, SoundTest
from tests.support.chromium import chromium
from tests.support.kiosk.answerer import TOKEN, answering
from tests.support.kiosk.control import Control
from tests.support.kiosk.room_page import room_page
from tests.support.patience import PATIENCE

Page = tuple[EquipmentCheck, TestClient[web.Request, web.Application]]
GREY = np.full((90, 160), 120, np.uint8).tobytes()


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    """A check, and a client that may be its page."""
    check, app = EquipmentCheck(), web.Application()
    app.router.add_post("/test/{number}/{what}", check.handle)
    async with TestClient(TestServer(app)) as client:
        yield check, client


async def _status(page: Page, path: str, body: bytes) -> int:
    return (await page[1].post(path, data=body)).status


PICTURE = "/test/1/picture?width=160&height=90"


class TestTheCheck:
    async def test_measures_what_came_and_forgets_it(self, page: Page) -> None:
        page[0].begin(1)
        for _ in range(3):
            assert await _status(page, PICTURE, GREY) == 204
        tone = sweep(48_000)
        recording = np.concatenate([np.zeros(4800, np.int16), tone // 4, np.zeros(9600, np.int16)])
        path = f"/test/1/sweep?rate=48000&count={len(recording)}"
        assert await _status(page, path, recording.astype("<i2").tobytes()) == 204
        figures = await page[0].figures(25.0)
        assert figures["luma"] == 120 and figures["rate"] == 25.0 and figures["change"] == 0.0
        assert figures["sweep"] > 30 and figures["delay"] == pytest.approx(100, abs=1)
        assert await page[0].figures(25.0) == {}

    async def test_takes_nothing_of_another_test_or_of_none(self, page: Page) -> None:
        assert await _status(page, PICTURE, GREY) == 410
        page[0].begin(2)
        assert await _status(page, PICTURE, GREY) == 410
        assert await _status(page, "/test/0/picture?width=160&height=90", GREY) == 410

    @pytest.mark.parametrize(
        "path,body,status",
        [
            ("/test/1/picture?width=9000&height=9000", b"x", 413),
            ("/test/1/picture?width=160&height=90", GREY[:-1], 400),
            ("/test/1/picture?width=-1&height=90", GREY, 400),
            ("/test/1/picture", GREY, 400),
            ("/test/1/sound?rate=48000&count=480001", b"x", 413),
            ("/test/1/sound?rate=1&count=1", b"xx", 400),
            ("/test/1/anything?rate=48000&count=1", b"xx", 404),
        ],
    )
    async def test_takes_nothing_of_a_wrong_kind_or_size(self, page: Page, path: str, body: bytes, status: int) -> None:
        page[0].begin(1)
        assert await _status(page, path, body) == status

    async def test_takes_few_pictures_and_one_recording_of_a_kind(self, page: Page) -> None:
        page[0].begin(1)
        assert [await _status(page, PICTURE, GREY) for _ in range(PICTURES + 1)] == [204] * PICTURES + [404]
        sounds = [await _status(page, "/test/1/sound?rate=48000&count=2", b"abcd") for _ in range(2)]
        assert sounds == [204, 404]


def _file(folder: Path, samples: NDArray[np.int16]) -> Path:
    """Write what the fake microphone of a browser hears, over and over."""
    path = folder / "heard.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes(samples.astype("<i2").tobytes())
    return path


@pytest.mark.browser
@pytest.mark.parametrize("heard", [True, False])
async def test_the_page_records_its_microphone_while_it_plays_the_tone(tmp_path: Path, heard: bool) -> None:
    """A fake microphone hears the tone whenever it is played, or only a quiet room."""
    noise = np.random.default_rng(1).normal(0, 40, 52_800).astype(np.int16)
    tone = np.concatenate([sweep(48_000) // 2, np.zeros(4800, np.int16)]) + noise
    flag = f"--use-file-for-fake-audio-capture={_file(tmp_path, tone if heard else noise)}"
    control = Control()
    async with answering(control.routes) as (_, access), aiohttp.ClientSession() as http, chromium(flag) as browser:
        config = KioskConfig(access.url, TOKEN, headless=False, sound_test=SoundTest(listens=True, sweeps=True))
        kiosk = Kiosk(config, http, lambda _: None)
        assert kiosk.room is not None
        ending = asyncio.Event()
        running = asyncio.create_task(kiosk.run(ending))
        try:
            await control.until(1, "connections")
            async with room_page(browser, kiosk.room), asyncio.timeout(2 * PATIENCE), control.changed:
                await control.changed.wait_for(lambda: any(report.get("test") for report in control.reports))
        finally:
            ending.set()
            await asyncio.wait_for(running, PATIENCE)
    figures = next(report["test"]["figures"] for report in control.reports if report.get("test"))
    figures = {name: figure for name, figure in figures.items() if figure is not None}
    found = verdicts(figures, load_pack("yunnan").equipment)
    assert found["speaker"] == ("passed" if heard else "failed")
    assert {found[check] for check in ("black", "frozen", "blurred", "backlit", "clipped", "hum")} == {"passed"}
