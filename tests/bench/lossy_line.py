"""Measures what a browser sees and hears on a line that loses packets: python -m tests.bench.lossy_line. One Chromium
publishes a picture in whose every tile its number can be checked, another watches it, and a proxy loses, delays and
reorders packets before the viewer, the publisher or both.

Damage does not depend on how busy the machine is; what is frozen and concealed does, so that the load is printed."""

import asyncio
import itertools
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from playwright.async_api import Page
from rich.console import Console
from rich.table import Table

from tests.support.chromium import chromium
from tests.support.relay.pages import Numbers, numbers
from tests.support.relay_front import RelayFront, relay_front
from tests.support.udp_proxy import Impairment, Line, udp_proxy

JITTER = 0.03  # seconds: packets of a picture overtake each other
LOSS = 0.05
BURST = 3.0  # losses in a row
SETTLED = 5.0  # seconds before the measurement
PAGE = Path(__file__).with_name("lossy_page.js")
FOREGROUND = (
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
)
KINDS = {
    "random": Impairment(loss=LOSS, jitter=JITTER),
    "bursts": Impairment(loss=LOSS, jitter=JITTER, burst=BURST),
    "overtaking": Impairment(jitter=JITTER),
}
PLACES = ("viewer", "publisher", "both")
console = Console(width=max(Console().width, 120))


class Sound:
    """The sound packets that one direction of a line was given and delivered, without copies."""

    def __init__(self) -> None:
        self.payload_type: int | None = None
        self._given: set[int] = set()
        self._arrived: set[int] = set()

    def note(self, _: Line, data: bytes, arrives: bool) -> None:
        """Take note of one datagram that enters the line."""
        if len(data) > 12 and 127 < data[0] < 192 and data[1] & 127 == self.payload_type:
            number = int.from_bytes(data[2:4], "big")
            self._given.add(number)
            if arrives:
                self._arrived.add(number)

    @property
    def lost(self) -> float:
        """The part of which no copy arrived."""
        return 1 - len(self._arrived) / len(self._given) if self._given else 0.0


@dataclass(frozen=True, slots=True)
class Row:
    """What one run has shown: parts of the time, of the samples and of the sound, and numbers of pictures."""

    name: tuple[str, str, str]
    frozen: float
    concealed: float
    lost: float
    pictures: int
    damaged: int
    load: float


async def _page(browser: Any, front: RelayFront) -> Page:
    page: Page = await browser.new_page()
    await page.goto(f"{front.url}/peer.html")
    await page.add_script_tag(content=PAGE.read_text(encoding="utf-8"))
    return page


async def _sizes(publisher: Page, seconds: float, every: float) -> None:
    """Change the size of the picture regularly: with each, other parameter sets hold."""
    for step in range(max(1, int(seconds // every)) if every else 1):
        if every:
            await publisher.evaluate(f"scale('room', {1 + step % 2})")
        await asyncio.sleep(every or seconds)


async def measure(kind: str, place: str, repairs: bool, seconds: float, every: float) -> Row:
    """Measure one line for so many seconds; the picture's size changes every so many."""
    async with relay_front() as front, chromium(*FOREGROUND) as browser:
        await front.admit("s")
        bad, sound = KINDS[kind], Sound()
        async with udp_proxy(("127.0.0.1", front.port), bad, bad) as proxy:
            room, viewer = await _page(browser, front), await _page(browser, front)
            front.proxy_port = proxy.port if place != "viewer" else None
            await room.evaluate("publishPattern('room', 's', 'prison')")
            await front.fact("side_media", side="prison", on=True)
            front.proxy_port = proxy.port if place != "publisher" else None
            await viewer.evaluate("(repairs) => watchPattern('own', 's', 'prison', 'guard@site', repairs)", repairs)
            await front.fact("subscription_changed", side="prison", on=True)
            await asyncio.sleep(SETTLED)
            sound.payload_type = await viewer.evaluate(
                "Number(peers.own.remoteDescription.sdp.match(/a=rtpmap:(\\d+) opus/)[1])"
            )
            proxy.on_datagram = sound.note
            before, seen = await numbers(viewer, "own"), await viewer.evaluate("({...seen})")
            began = asyncio.get_running_loop().time()
            await _sizes(room, seconds, every)
            passed = asyncio.get_running_loop().time() - began
            after, now = await numbers(viewer, "own"), await viewer.evaluate("({...seen})")
        return Row(
            (kind, place, "RTX" if repairs else "none"),
            _grown(before, after, "inbound-rtp video", "totalFreezesDuration") / passed,
            _grown(before, after, "inbound-rtp audio", "concealedSamples")
            / max(1.0, _grown(before, after, "inbound-rtp audio", "totalSamplesReceived")),
            sound.lost,
            now["pictures"] - seen["pictures"],
            now["damaged"] - seen["damaged"],
            os.getloadavg()[0],
        )


def _grown(before: Numbers, after: Numbers, group: str, key: str) -> float:
    return after[group].get(key, 0.0) - before[group].get(key, 0.0)


def table(rows: list[Row]) -> Table:
    """Return the table of what was measured."""
    found = Table(title=f"{LOSS:.0%} loss, {JITTER * 1000:.0f} ms of jitter", header_style="bold")
    for head in ("loss", "at", "repairs", "frozen %", "concealed %", "sound that never came %", "damaged", "load"):
        found.add_column(head, justify="left" if head in ("loss", "at", "repairs") else "right")
    for row in rows:
        shares = [f"{100 * share:.2f}" for share in (row.frozen, row.concealed, row.lost)]
        found.add_row(*row.name, *shares, f"{row.damaged} of {row.pictures}", f"{row.load:.1f}")
    return found


def main(
    seconds: Annotated[float, typer.Option(help="Seconds of each measurement.")] = 30.0,
    every: Annotated[float, typer.Option(help="Seconds between changes of the picture's size; 0: none.")] = 3.0,
    kinds: Annotated[str, typer.Option(help="Kinds of loss, with commas.")] = ",".join(KINDS),
    places: Annotated[str, typer.Option(help="Where packets are lost, with commas.")] = ",".join(PLACES),
) -> None:
    """Measure each kind of loss at each place, with RTX and without it."""
    rows = []
    for kind, place, repairs in itertools.product(kinds.split(","), places.split(","), (True, False)):
        rows.append(asyncio.run(measure(kind, place, repairs, seconds, every)))
        console.print(rows[-1], highlight=False)
    console.print(table(rows))


if __name__ == "__main__":
    typer.run(main)
