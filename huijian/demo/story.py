"""Following one session over the socket, as a supervisor's page does, and telling it in lines on a terminal."""

import asyncio
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


class Story:
    """What has happened so far, as events to wait for, and one line for each new thing."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._said: dict[str, Any] = {}
        self._remaining: int | None = None
        self.both_tested, self.both_rooms, self.three_watch = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.live, self.ended = asyncio.Event(), asyncio.Event()
        self.archived, self.failed = asyncio.Event(), asyncio.Event()

    def say(self, text: str) -> None:
        """One line with the time in Shanghai."""
        now = in_shanghai(SystemClock().now().wall)
        self._console.print(f"[dim]{now:%H:%M:%S.%f}[/dim]"[:-10] + f"[/dim] {text}")

    def tell(self, view: dict[str, Any]) -> None:
        """A new view of the session."""
        sides = view["sides"]
        self._once("tested", {side: one["self_test"] for side, one in sides.items()}, _tested)
        self._once("people", {s: [p["checked"] for p in one["people"]] for s, one in sides.items()}, _people)
        self._once("media", {side: one["media"] for side, one in sides.items()}, _media)
        watching = {side: len(one["have"]) for side, one in view["quorum"].items()}
        self._once(
            "quorum", watching, lambda told: f"监督 / watching: 监狱 {told['prison']}/2, 司法局 {told['visitor']}/2"
        )
        self._once("recording", view["recording"]["state"], lambda told: f"录制 / recording: {told}")
        self._once("state", view["state"], lambda told: f"[bold]{_STATES[told]}[/bold]{_why(view)}")
        self._count_down(view.get("remaining_ms"))
        self._set_events(view, watching)

    def _set_events(self, view: dict[str, Any], watching: dict[str, int]) -> None:
        sides = view["sides"].values()
        holds = {
            self.both_tested: all(one["self_test"] for one in sides),
            self.both_rooms: all(one["media"] for one in sides),
            self.three_watch: sum(watching.values()) >= 3,
            self.live: view["state"] == "live",
            self.ended: view["state"] == "ended",
            self.archived: view["recording"]["state"] == "archived",
            self.failed: view["state"] == "ended" and view["recording"]["state"] in ("none", "failed"),
        }
        for event, happened in holds.items():
            if happened:
                event.set()

    def _once(self, key: str, value: Any, words: Any) -> None:
        if self._said.get(key) != value:
            self._said[key] = value
            text = words(value)
            if text:
                self.say(text)

    def _count_down(self, remaining: int | None) -> None:
        """The last seconds, five at a time."""
        if remaining is None:
            return
        seconds = -(-remaining // 5000) * 5
        if seconds != self._remaining:
            self._remaining = seconds
            self.say(f"剩余 / remaining: {seconds} s")


def _tested(told: dict[str, bool]) -> str:
    return f"设备自检 / self-test: {_list(told)}" if any(told.values()) else ""


def _people(told: dict[str, list[bool]]) -> str:
    checked = {side: all(people) for side, people in told.items()}
    return f"人员核验 / checked in: {_list(checked)}" if any(checked.values()) else ""


def _media(told: dict[str, bool]) -> str:
    return f"画面声音到达 / picture and sound: {_list(told)}" if any(told.values()) else ""


def _list(told: dict[str, bool]) -> str:
    words = {"prison": "监狱", "visitor": "司法局"}
    return "、".join(words[side] for side, holds in told.items() if holds)


def _why(view: dict[str, Any]) -> str:
    reason = view.get("reason")
    return f"：{reason['zh']} / {reason['en']}" if reason else ""


async def follow(http: aiohttp.ClientSession, server: str, token: str, session: str, story: Story) -> None:
    """Tell `story` every view of `session`, until cancelled or the server goes."""
    headers = {"Authorization": f"Bearer {token}"}
    url = f"{server}/api/v1/ws"
    async with http.ws_connect(url, headers=headers, protocols=[PROTOCOL], heartbeat=10) as socket:
        async for message in socket:
            told = message.json()
            views = told["sessions"] if told["type"] == "sessions" else [told.get("session")]
            for view in views:
                if isinstance(view, dict) and view["id"] == session:
                    story.tell(view)
