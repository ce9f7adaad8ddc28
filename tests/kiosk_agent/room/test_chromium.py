"""The room's browser is kept alive: it is started again when it ends and when its page is dead, and nothing is left."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from kiosk_agent.room import chromium
from kiosk_agent.room.chromium import BrowserKeeper, NoBrowser, find_browser, write_profile
from tests.support.patience import PATIENCE

ORIGIN = "http://127.0.0.1:4711"


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program in place of the browser: it writes down how it was started, and waits. Pauses are short."""
    monkeypatch.setattr(chromium, "LOOK_EVERY", 0.05)
    monkeypatch.setattr(chromium, "END_WITHIN", 5.0)
    monkeypatch.setattr(chromium, "backoff", lambda tries, jitter: 0.0)
    path = tmp_path / "browser"
    path.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/arguments\nexec sleep 1000\n', "utf-8")
    path.chmod(0o755)
    return path


@asynccontextmanager
async def _kept(program: Path, beat_at: Callable[[], float | None]) -> AsyncIterator[BrowserKeeper]:
    keeper = BrowserKeeper(str(program), f"{ORIGIN}/secret/", ORIGIN, beat_at, ("--further",))
    running = asyncio.create_task(keeper.run())
    try:
        yield keeper
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert keeper.pid is None


async def _until_start(keeper: BrowserKeeper, number: int) -> int:
    async with asyncio.timeout(PATIENCE):
        while keeper.starts < number or keeper.pid is None:
            await asyncio.sleep(0.01)
    return keeper.pid


class TestTheKeeper:
    async def test_a_browser_that_dies_is_started_again_with_a_fresh_profile(
        self, program: Path, tmp_path: Path
    ) -> None:
        async with _kept(program, lambda: None) as keeper:
            pid = await _until_start(keeper, 1)
            os.kill(pid, signal.SIGKILL)
            assert await _until_start(keeper, 2) != pid
            async with asyncio.timeout(PATIENCE):
                while not (tmp_path / "arguments").exists():
                    await asyncio.sleep(0.01)

    async def test_a_page_that_gives_no_sign_of_life_ends_its_browser(
        self, program: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(chromium, "BEATS_WITHIN", 0.2)
        once: list[float] = []

        def beat() -> float:
            once.append(asyncio.get_running_loop().time())
            return once[0]

        async with _kept(program, beat) as keeper:
            await _until_start(keeper, 2)

    async def test_a_page_that_never_comes_ends_its_browser(
        self, program: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(chromium, "FIRST_BEAT_WITHIN", 0.1)
        async with _kept(program, lambda: None) as keeper:
            await _until_start(keeper, 2)

    async def test_a_living_page_is_left_alone(self, program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(chromium, "BEATS_WITHIN", 0.1)
        looks: list[float] = []

        def beat() -> float:
            looks.append(asyncio.get_running_loop().time())
            return looks[-1]

        async with _kept(program, beat) as keeper:
            async with asyncio.timeout(PATIENCE):
                while len(looks) < 10:
                    await asyncio.sleep(0.01)
            assert keeper.starts == 1


class TestTheBrowser:
    async def test_is_an_app_window_in_kiosk_mode_that_knows_one_host(self, program: Path, tmp_path: Path) -> None:
        async with _kept(program, lambda: None) as keeper:
            await _until_start(keeper, 1)
            async with asyncio.timeout(PATIENCE):
                while not (found := _arguments(tmp_path)):
                    await asyncio.sleep(0.01)
        assert {"--kiosk", "--further", f"--app={ORIGIN}/secret/", "--no-proxy-server"} <= set(found)
        assert "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1" in found
        assert not any("remote-debugging" in flag for flag in found)

    def test_its_profile_lets_one_origin_have_camera_and_microphone(self, tmp_path: Path) -> None:
        write_profile(tmp_path, ORIGIN)
        profile = json.loads((tmp_path / "Default" / "Preferences").read_text("utf-8"))["profile"]
        for device in ("media_stream_camera", "media_stream_mic"):
            assert profile["content_settings"]["exceptions"][device] == {f"{ORIGIN},*": {"setting": 1}}
            assert profile["default_content_setting_values"][device] == 2

    def test_that_is_not_installed_is_an_error_that_says_what_to_do(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", "/nonexistent")
        with pytest.raises(NoBrowser, match="apt-get install chromium"):
            find_browser()


def _arguments(folder: Path) -> list[str]:
    path = folder / "arguments"
    return path.read_text("utf-8").splitlines() if path.exists() else []
