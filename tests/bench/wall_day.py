"""Whether the supervisors' page grows over a day: python -m tests.bench.wall_day. Eight hours of incidents are repeated
in minutes: alerts that come and go, a room that is lost, a hold, a visit that ends and another that begins, a sheet
that is opened and left. A line for each look, and the trend."""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import typer
from playwright.async_api import CDPSession, Page
from rich.console import Console

from broker.kernel.clock import monotonic
from config.logs import configure
from tests.support.chromium import chromium
from tests.support.monitor.fake_server import OFFICER, TOKEN, FakeMonitor, fake_monitor
from tests.support.monitor.visits import because, with_media
from tests.support.monitor.wall_measure import alert, choose, show, small_bar, visit

VISITS = 4
EVERY = 20  # rounds between two looks
WARM = 2  # looks until caches have their final size
ROUNDS = 320  # eight hours in which something happens each minute and a half
console = Console(width=max(Console().width, 120))


@dataclass(frozen=True, slots=True)
class Look:
    """What the page holds after so many rounds: nodes, listeners, documents, megabytes of the JS heap."""

    rounds: int
    nodes: int
    listeners: int
    documents: int
    megabytes: float


async def day(rounds: int) -> list[Look]:
    """Repeat so many rounds of incidents and return the looks."""
    looks: list[Look] = []
    async with fake_monitor(small_bar) as server, chromium() as browser:
        server.me = {**OFFICER, "sessions_per_supervisor": VISITS, "site_name": "青云监狱"}
        window = await browser.new_context(viewport={"width": 1366, "height": 768}, locale="zh-CN")
        await window.add_cookies([{"name": "huijian", "value": TOKEN, "url": server.url}])
        page = await window.new_page()
        await page.goto(f"{server.url}/monitor")
        await page.get_by_text("已连接").first.wait_for()
        await choose(page, VISITS)
        await show(server, page, VISITS)
        cdp = await window.new_cdp_session(page)
        await cdp.send("Performance.enable")
        for number in range(rounds):
            if number % EVERY == 0:
                looks.append(await _look(cdp, number))
                console.print(_line(looks[-1]), highlight=False)
            await _round(server, page, number)
        looks.append(await _look(cdp, rounds))
        console.print(_line(looks[-1]), highlight=False)
    return looks


async def _round(server: FakeMonitor, page: Page, number: int) -> None:
    """Let one visit have all that can happen to it, and end well."""
    turn = number % VISITS
    calm = visit(turn)
    await server.put(calm, alerts=[alert(each) for each in range(4)])
    lost = {**with_media(calm, "prison"), "state": "held", "gate": "shut"}
    lost["reason"] = because("room_lost", "会见室线路中断", "The line of a room broke")
    await server.put(lost, alerts=[alert(each) for each in range(8)])
    await _drawn(page)
    await page.keyboard.press("F9")
    await _drawn(page)
    await page.keyboard.press("Escape")
    await _drawn(page)
    await server.put(calm, alerts=[])
    if number % 10 == 9:
        await server.put({**calm, "state": "ended", "gate": "shut", "remaining_ms": None})
        await _drawn(page)
        await server.put(calm)
    await _drawn(page)


async def _drawn(page: Page) -> None:
    """Wait until the page has drawn twice."""
    await page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


async def _look(cdp: CDPSession, rounds: int) -> Look:
    await cdp.send("HeapProfiler.collectGarbage")
    found: dict[str, Any] = {
        each["name"]: each["value"] for each in (await cdp.send("Performance.getMetrics"))["metrics"]
    }
    heap = round(found["JSHeapUsedSize"] / 1e6, 2)
    return Look(rounds, int(found["Nodes"]), int(found["JSEventListeners"]), int(found["Documents"]), heap)


def _line(look: Look) -> str:
    return (
        f"{look.rounds:5d} rounds  {look.nodes:6d} nodes  {look.listeners:5d} listeners  "
        f"{look.documents:3d} documents  {look.megabytes:6.2f} MB"
    )


def trend(looks: list[Look]) -> str:
    """Return how much each count grows in a hundred rounds, after the page has warmed up."""
    warm = looks[WARM:]
    if len(warm) < 3:
        return "too short for a trend"
    rounds = [look.rounds for look in warm]
    slopes = {
        name: 100 * float(np.polyfit(rounds, [getattr(look, name) for look in warm], 1)[0])
        for name in ("nodes", "listeners", "documents", "megabytes")
    }
    return "in a hundred rounds: " + ", ".join(f"{slope:+.2f} {name}" for name, slope in slopes.items())


def main(rounds: Annotated[int, typer.Option(help="Rounds of incidents.")] = ROUNDS) -> None:
    """Repeat incidents on the page and print what it holds."""
    configure("error")
    began = monotonic()
    looks = asyncio.run(day(rounds))
    console.print(trend(looks))
    console.print(f"{rounds} rounds in {(monotonic() - began) / 60:.1f} minutes", highlight=False)


if __name__ == "__main__":
    typer.run(main)
