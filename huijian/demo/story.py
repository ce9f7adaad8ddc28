"""Follows one session over the socket, as a supervisor's page does, and prints each change as a line on a terminal."""

import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp
from rich.console import Console

from broker.kernel.clock import SystemClock, in_shanghai

PROTOCOL = "huijian.v1"
_STATES = {
    "scheduled": "待办理 scheduled",
    "check_in": "办理入场 check-in",
    "ready": "准备就绪 ready",
    "live": "会见中 live: 两室相通 / the rooms see each other",
    "held": "已中止 on hold",
    "ended": "已结束 ended",
}
_SIDES = {"prison": "监狱", "visitor": "司法局"}


class Story:
    """Progress of one session: an event for each step to wait for, and a printed line for each change."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._printed: dict[str, Any] = {}
        self._remaining: int | None = None
        self.both_tested, self.both_rooms, self.three_watch = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.live, self.ended = asyncio.Event(), asyncio.Event()
        self.archived, self.failed = asyncio.Event(), asyncio.Event()

    def print(self, text: str) -> None:
        """Print one line with the time in Shanghai."""
        now = in_shanghai(SystemClock().now().wall)
        self._console.print(f"[dim]{now:%H:%M:%S.%f}[/dim]"[:-10] + f"[/dim] {text}")

    def handle_view(self, view: dict[str, Any]) -> None:
        """Print what is new in a view of the session and set the events whose step is reached."""
        sides = view["sides"]
        have = {side: len(quorum["have"]) for side, quorum in view["quorum"].items()}
        self._print_change("tested", {name: side["self_test"] for name, side in sides.items()}, _tested)
        checked = {name: all(person["checked"] for person in side["people"]) for name, side in sides.items()}
        self._print_change("people", checked, _checked_in)
        self._print_change("media", {name: side["media"] for name, side in sides.items()}, _media)
        self._print_change("quorum", have, _watching)
        self._print_change("recording", view["recording"]["state"], lambda state: f"录制 / recording: {state}")
        self._print_change("state", view["state"], lambda state: f"[bold]{_STATES[state]}[/bold]{_reason(view)}")
        self._count_down(view.get("remaining_ms"))
        self._set_events(view, have)

    def _set_events(self, view: dict[str, Any], have: dict[str, int]) -> None:
        sides = view["sides"].values()
        reached = {
            self.both_tested: all(side["self_test"] for side in sides),
            self.both_rooms: all(side["media"] for side in sides),
            self.three_watch: sum(have.values()) >= 3,
            self.live: view["state"] == "live",
            self.ended: view["state"] == "ended",
            self.archived: view["recording"]["state"] == "archived",
            self.failed: view["state"] == "ended" and view["recording"]["state"] in ("none", "failed"),
        }
        for event, happened in reached.items():
            if happened:
                event.set()

    def _print_change(self, key: str, value: Any, text_of: Callable[[Any], str]) -> None:
        if self._printed.get(key) != value:
            self._printed[key] = value
            text = text_of(value)
            if text:
                self.print(text)

    def _count_down(self, remaining: int | None) -> None:
        """Print the remaining time at each whole five seconds."""
        if remaining is None:
            return
        seconds = -(-remaining // 5000) * 5
        if seconds != self._remaining:
            self._remaining = seconds
            self.print(f"剩余 / remaining: {seconds} s")


def _tested(sides: dict[str, bool]) -> str:
    return f"设备自检 / self-test: {_list(sides)}" if any(sides.values()) else ""


def _checked_in(sides: dict[str, bool]) -> str:
    return f"人员核验 / checked in: {_list(sides)}" if any(sides.values()) else ""


def _media(sides: dict[str, bool]) -> str:
    return f"画面声音到达 / picture and sound: {_list(sides)}" if any(sides.values()) else ""


def _watching(have: dict[str, int]) -> str:
    return f"监督 / watching: 监狱 {have['prison']}/2, 司法局 {have['visitor']}/2"


def _list(sides: dict[str, bool]) -> str:
    return "、".join(_SIDES[side] for side, holds in sides.items() if holds)


def _reason(view: dict[str, Any]) -> str:
    reason = view.get("reason")
    return f"：{reason['zh']} / {reason['en']}" if reason else ""


async def follow(http: aiohttp.ClientSession, server: str, token: str, session: str, story: Story) -> None:
    """Pass every view of `session` to `story`, until cancelled or until the server closes the socket."""
    headers = {"Authorization": f"Bearer {token}"}
    url = f"{server}/api/v1/ws"
    async with http.ws_connect(url, headers=headers, protocols=[PROTOCOL], heartbeat=10) as socket:
        async for frame in socket:
            message = frame.json()
            views = message["sessions"] if message["type"] == "sessions" else [message.get("session")]
            for view in views:
                if isinstance(view, dict) and view["id"] == session:
                    story.handle_view(view)
