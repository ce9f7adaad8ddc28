"""Keeps the room's browser alive: Chromium as an app window in kiosk mode, each time with a fresh profile in which the
page's origin alone may use camera and microphone. It is started again, with growing pauses, when it ends by itself or
when its page gives no sign of life."""

import asyncio
import json
import logging
import os
import random
import shutil
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path

from kiosk_agent.state.state import STEADY, backoff

log = logging.getLogger(__name__)

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
BEATS_WITHIN = 10.0
"""Seconds without a beat of the page after which the browser is started again; the page sends one a second."""
FIRST_BEAT_WITHIN = 45.0
"""Seconds for the first beat: a cold start from a slow disk takes half a minute."""
LOOK_EVERY = 1.0
"""Seconds between looks at the beats."""
END_WITHIN = 3.0
"""Seconds in which the browser ends in order, before it is killed."""

FLAGS = (
    "--kiosk",
    "--no-first-run",
    "--no-default-browser-check",
    "--noerrdialogs",
    "--disable-session-crashed-bubble",
    "--disable-infobars",
    "--disable-extensions",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-pinch",
    "--overscroll-history-navigation=0",
    "--disable-features=Translate,MediaRouter,TouchpadOverscrollHistoryNavigation,GlobalMediaControls",
    "--autoplay-policy=no-user-gesture-required",
    "--password-store=basic",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--lang=zh-CN",
)
"""Flags of the room's browser. As an app window it hands every key to the page before it acts on it, so that the page
can refuse what would lead out (`web/locks.js`)."""
_GRANTED, _REFUSED = 1, 2


class NoBrowser(Exception):
    """There is no Chromium on this machine."""

    for_operators = True


def find_browser(program: str | None = None) -> str:
    """Return the path of Chromium. Raises NoBrowser."""
    for name in (program,) if program else PROGRAMS:
        if name is not None and (path := shutil.which(name)) is not None:
            return path
    raise NoBrowser(
        "Chromium is missing: `apt-get install chromium`, or start with --headless for a room of tests. "
        "未安装 Chromium：请执行 apt-get install chromium。"
    )


class BrowserKeeper:
    """Keeper of the browser that shows the page at `url`. `beat_at` returns the loop time of the page's last sign of
    life, `flags` are further ones of the command line."""

    def __init__(
        self, program: str, url: str, origin: str, beat_at: Callable[[], float | None], flags: tuple[str, ...] = ()
    ) -> None:
        self.pid: int | None = None
        """Process id of the browser while it runs."""
        self.starts = 0
        self._program, self._url, self._origin = program, url, origin
        self._beat_at, self._flags = beat_at, flags

    async def run(self) -> None:
        """Keep the browser running until cancelled; then it has ended."""
        loop = asyncio.get_running_loop()
        tries = 0
        while True:
            began = loop.time()
            with tempfile.TemporaryDirectory(prefix="huijian-browser-", ignore_cleanup_errors=True) as folder:
                why = await self._run_once(Path(folder))
            tries = 0 if loop.time() - began >= STEADY else tries + 1
            pause = backoff(tries, random.random())
            log.warning("the browser is started again", extra={"why": why, "seconds": round(pause, 1)})
            await asyncio.sleep(pause)

    async def _run_once(self, profile: Path) -> str:
        """Run the browser once; return why it is over."""
        await asyncio.to_thread(write_profile, profile, self._origin)
        process = await asyncio.create_subprocess_exec(
            *_bound_to_agent(),
            self._program,
            *FLAGS,
            *self._flags,
            f"--user-data-dir={profile}",
            f"--app={self._url}",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        self.pid = process.pid
        self.starts += 1
        ended = asyncio.create_task(process.wait())
        try:
            return await self._watch(ended)
        finally:
            await _end(process, ended)
            self.pid = None

    async def _watch(self, ended: asyncio.Task[int]) -> str:
        """Return why the browser is over: it has ended, or its page is dead."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while True:
            await asyncio.wait([ended], timeout=LOOK_EVERY)
            if ended.done():
                return f"it ended with status {ended.result()}"
            beat = self._beat_at()
            if beat is None or beat < began:
                if loop.time() - began > FIRST_BEAT_WITHIN:
                    return "its page did not come"
            elif loop.time() - beat > BEATS_WITHIN:
                return "its page gives no sign of life"


def write_profile(folder: Path, origin: str) -> None:
    """Write a fresh profile in which `origin` may use camera and microphone without a question."""
    granted = {f"{origin},*": {"setting": _GRANTED}}
    preferences = {
        "profile": {
            "content_settings": {"exceptions": {"media_stream_camera": granted, "media_stream_mic": granted}},
            "default_content_setting_values": {"media_stream_camera": _REFUSED, "media_stream_mic": _REFUSED},
            "exit_type": "Normal",
        },
        "browser": {"has_seen_welcome_page": True},
        "credentials_enable_service": False,
        "translate": {"enabled": False},
        "intl": {"accept_languages": "zh-CN,zh,en"},
    }
    default = folder / "Default"
    default.mkdir(parents=True)
    (default / "Preferences").write_text(json.dumps(preferences), "utf-8")
    (folder / "First Run").touch()


def _bound_to_agent() -> tuple[str, ...]:
    """Return the command that has the kernel end the browser with the agent, also where that is killed."""
    path = shutil.which("setpriv")
    return () if path is None else (path, "--pdeathsig", "KILL", "--")


async def _end(process: asyncio.subprocess.Process, ended: asyncio.Task[int]) -> None:
    """End the browser and all of its processes: in order if it can, killed otherwise."""
    _signal(process.pid, signal.SIGTERM)
    await asyncio.wait([ended], timeout=END_WITHIN)
    _signal(process.pid, signal.SIGKILL)
    await asyncio.wait([ended])


def _signal(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        log.debug("no process of the browser is left")
