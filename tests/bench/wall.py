"""How much of the supervisors' wall is picture: python -m tests.bench.wall. The real page, in Chromium, with 1, 4 and 9
live visits, in calm and with sixteen alerts, in both sizes of screen and both languages."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from playwright.async_api import Browser
from rich.console import Console
from rich.table import Table

from config.logs import configure
from tests.support.chromium import chromium
from tests.support.monitor.fake_server import OFFICER, TOKEN, FakeMonitor, fake_monitor
from tests.support.monitor.wall_measure import SIZES, Measured, measure, show, small_bar

VISITS, ALERTS, LANGUAGES = (1, 4, 9), (0, 16), ("zh-CN", "en")
console = Console(width=max(Console().width, 120))
Row = tuple[str, str, int, int, Measured, int]


async def rows(visits: Sequence[int], alerts: Sequence[int], folder: Path | None) -> list[Row]:
    """Return size, language, visits, alerts, what was measured and how many pictures the page reports, for each wall.
    Screenshots go into `folder`."""
    found: list[Row] = []
    async with fake_monitor(small_bar) as server, chromium() as browser:
        for size in SIZES:
            for language in LANGUAGES:
                for count in visits:
                    for many in alerts:
                        found.append(await _row(server, browser, (size, language, count, many), folder))
                        console.print(_line(found[-1]), highlight=False)
    return found


async def _row(server: FakeMonitor, browser: Browser, wall: tuple[str, str, int, int], folder: Path | None) -> Row:
    size, language, visits, alerts = wall
    await server.reset()
    server.me = {**OFFICER, "sessions_per_supervisor": visits, "site_name": "青云监狱"}
    window = await browser.new_context(viewport=SIZES[size], locale=language)  # type: ignore[arg-type]
    await window.add_cookies([{"name": "huijian", "value": TOKEN, "url": server.url}])
    try:
        page = await window.new_page()
        if language == "en":
            await page.add_init_script("localStorage.setItem('huijian.language', JSON.stringify('en'))")
        await page.goto(f"{server.url}/monitor")
        await page.get_by_text("已连接" if language != "en" else "Connected").first.wait_for()
        await show(server, page, visits, alerts)
        if folder is not None:
            await page.screenshot(path=folder / f"wall-{size}-{language}-{visits}-{alerts}.png")
        return (*wall, await measure(page), len(server.presence[-1]["showing"]) if server.presence else 0)
    finally:
        await window.close()


def _line(row: Row) -> str:
    size, language, visits, alerts, found, shown = row
    small = found.smallest
    return (
        f"{size} {language} {visits} visits {alerts} alerts: {found.share:.1%}, smallest {small.width:.0f}x"
        f"{small.height:.0f}, {found.good} of {2 * visits} large enough and whole, {shown} reported"
    )


def table(found: Sequence[Row]) -> Table:
    """Return what was measured as a table."""
    made = Table(header_style="bold")
    for head in ("screen", "language", "visits", "alerts", "picture", "smallest", "large enough", "reported"):
        made.add_column(head, justify="right")
    for size, language, visits, alerts, wall, shown in found:
        small = f"{wall.smallest.width:.0f}x{wall.smallest.height:.0f}"
        counts = f"{wall.good} / {2 * visits}"
        made.add_row(size, language, str(visits), str(alerts), f"{wall.share:.1%}", small, counts, str(shown))
    return made


def main(
    visits: Annotated[list[int], typer.Option(help="Numbers of visits; may be repeated.")] = list(VISITS),  # noqa: B006
    alerts: Annotated[list[int], typer.Option(help="Numbers of alerts; may be repeated.")] = list(ALERTS),  # noqa: B006
    pictures: Annotated[Path | None, typer.Option(help="Folder for a screenshot of each wall.")] = None,
) -> None:
    """Measure the wall and print a table."""
    configure("error")
    if pictures is not None:
        pictures.mkdir(parents=True, exist_ok=True)
    console.print(table(asyncio.run(rows(visits, alerts, pictures))))


if __name__ == "__main__":
    typer.run(main)
