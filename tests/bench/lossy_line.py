"""Measures what a browser sees and hears on lines that lose packets or carry few: python -m tests.bench.lossy_line.
One Chromium publishes a picture in whose every tile its number can be checked, another watches it, and a proxy loses,
delays and reorders packets before the viewer, the publisher or both. The viewer asks for lost packets and gets them by
RTX, asks and gets them as they were, or never asks, as libdatachannel does.

Damage and what the proxy counts do not depend on how busy the machine is; what is frozen and concealed does, so that
the load is printed."""

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
from tests.support.udp_proxy import Impairment, Line, UdpProxy, udp_proxy

JITTER = 0.03  # seconds: packets of a picture overtake each other
LOSS = 0.05
BURST = 3.0  # losses in a row
WEAK = 250_000  # bit/s
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
    "weak": Impairment(rate=WEAK),
}
PLACES = ("viewer", "publisher", "both")
REPAIRS = ("RTX", "NACK", "none")
ROLES = {"supervisor": "guard@site", "room": "visitor"}
console = Console(width=max(Console().width, 140))


class Media:
    """The RTP packets that the viewer's line was given: which of the sound and of the picture never came, and how often
    packets of the picture were sent again."""

    def __init__(self, proxy: UdpProxy) -> None:
        self._proxy = proxy
        self._types: dict[int, str] = {}
        self._sent: dict[str, set[int]] = {"opus": set(), "H264": set()}
        self._arrived: dict[str, set[int]] = {"opus": set(), "H264": set()}
        self.lost = self.repairs = 0

    def begin(self, types: dict[int, str]) -> None:
        """Count from now on, packets of these payload types with the names of their codecs."""
        self._types, self._proxy.on_datagram = types, self._note

    def _note(self, line: Line, data: bytes, arrives: bool) -> None:
        if len(data) <= 12 or not 127 < data[0] < 192 or all(line is not down for _, down in self._proxy.lines):
            return
        codec, number = self._types.get(data[1] & 127), int.from_bytes(data[2:4], "big")
        if codec == "rtx" or (codec == "H264" and number in self._sent[codec]):
            self.repairs += 1
        elif codec == "H264" and not arrives:
            self.lost += 1
        if codec in self._sent:
            self._sent[codec].add(number)
            if arrives:
                self._arrived[codec].add(number)

    @property
    def sound_lost(self) -> float:
        """The part of the sound of which no copy arrived."""
        sent = self._sent["opus"]
        return 1 - len(self._arrived["opus"]) / len(sent) if sent else 0.0


@dataclass(frozen=True, slots=True)
class Run:
    """One run to be measured: the kind of line, where it is, how the viewer gets lost packets, and who it is."""

    kind: str
    place: str
    repairs: str
    role: str


@dataclass(frozen=True, slots=True)
class Row:
    """What one run has shown: parts of the time, of the samples and of the sound; pictures a second and how many were
    damaged; packets sent again for each that was lost on the viewer's line; keyframes a minute."""

    run: Run
    frozen: float
    concealed: float
    lost: float
    rate: float
    pictures: int
    damaged: int
    repairs: float
    keyframes: float
    load: float


async def _page(browser: Any, front: RelayFront) -> Page:
    page: Page = await browser.new_page()
    await page.goto(f"{front.url}/peer.html")
    await page.add_script_tag(content=PAGE.read_text(encoding="utf-8"))
    return page


async def _types(viewer: Page) -> dict[int, str]:
    found = await viewer.evaluate(
        "[...peers.own.remoteDescription.sdp.matchAll(/a=rtpmap:(\\d+) (\\w+)/g)].map(([, type, name]) => [type, name])"
    )
    return {int(number): name for number, name in found}


async def _sizes(publisher: Page, seconds: float, every: float) -> None:
    """Change the size of the picture regularly: with each, other parameter sets hold."""
    for step in range(max(1, int(seconds // every)) if every else 1):
        if every:
            await publisher.evaluate(f"scale('room', {1 + step % 2})")
        await asyncio.sleep(every or seconds)


async def _keep_open(front: RelayFront, seconds: float) -> None:
    while True:
        await front.lease("s", deadline=seconds, limit=seconds)
        await asyncio.sleep(1.0)


async def measure(run: Run, seconds: float, every: float) -> Row:
    """Measure one line for so many seconds; the picture's size changes every so many."""
    async with relay_front() as front, chromium(*FOREGROUND) as browser:
        await front.admit("s")
        bad = KINDS[run.kind]
        async with udp_proxy(("127.0.0.1", front.port), Impairment() if bad.rate else bad, bad) as proxy:
            room, viewer = await _page(browser, front), await _page(browser, front)
            front.proxy_port = proxy.port if run.place != "viewer" else None
            await room.evaluate("publishPattern('room', 's', 'prison')")
            await front.fact("side_media", side="prison", on=True)
            front.proxy_port = proxy.port if run.place != "publisher" else None
            opening = asyncio.create_task(_keep_open(front, 3 * (seconds + SETTLED)))
            watch = f"watchPattern('own', 's', 'prison', '{ROLES[run.role]}', '{run.repairs}')"
            await viewer.evaluate(watch)
            await front.fact("subscription_changed", side="prison", on=True)
            await asyncio.sleep(SETTLED)
            media = Media(proxy)
            media.begin(await _types(viewer))
            before, seen = await numbers(viewer, "own"), await viewer.evaluate("({...seen})")
            began = asyncio.get_running_loop().time()
            await _sizes(room, seconds, every)
            passed = asyncio.get_running_loop().time() - began
            after, now = await numbers(viewer, "own"), await viewer.evaluate("({...seen})")
            opening.cancel()
        pictures = now["pictures"] - seen["pictures"]
        return Row(
            run,
            _grown(before, after, "inbound-rtp video", "totalFreezesDuration") / passed,
            _grown(before, after, "inbound-rtp audio", "concealedSamples")
            / max(1.0, _grown(before, after, "inbound-rtp audio", "totalSamplesReceived")),
            media.sound_lost,
            pictures / passed,
            pictures,
            now["damaged"] - seen["damaged"],
            media.repairs / media.lost if media.lost else 0.0,
            60 * _grown(before, after, "inbound-rtp video", "keyFramesDecoded") / passed,
            os.getloadavg()[0],
        )


def _grown(before: Numbers, after: Numbers, group: str, key: str) -> float:
    return after[group].get(key, 0.0) - before[group].get(key, 0.0)


LEFT = ("line", "at", "repairs", "viewer")
RIGHT = (
    "frozen %", "concealed %", "sound lost %", "pictures/s", "damaged", "repairs/lost", "keyframes/min", "load"
)  # fmt: skip


def table(rows: list[Row]) -> Table:
    """Return the table of what was measured."""
    found = Table(
        title=f"{LOSS:.0%} loss, {JITTER * 1000:.0f} ms of jitter; weak: {WEAK / 1000:.0f} kbit/s", header_style="bold"
    )
    for head in LEFT:
        found.add_column(head)
    for head in RIGHT:
        found.add_column(head, justify="right")
    for row in rows:
        shares = [f"{100 * share:.2f}" for share in (row.frozen, row.concealed, row.lost)]
        found.add_row(
            row.run.kind,
            row.run.place,
            row.run.repairs,
            row.run.role,
            *shares,
            f"{row.rate:.1f}",
            f"{row.damaged} of {row.pictures}",
            f"{row.repairs:.1f}",
            f"{row.keyframes:.0f}",
            f"{row.load:.1f}",
        )
    return found


def plan(kinds: str, places: str, repairs: str, roles: str) -> list[Run]:
    """Return the runs of all kinds, places, repairs and roles that are named; a line is weak before the viewer only."""
    every = itertools.product(*(names.split(",") for names in (kinds, places, repairs, roles)))
    runs = [Run(kind, "viewer" if KINDS[kind].rate else place, *more) for kind, place, *more in every]
    return list(dict.fromkeys(runs))


def main(
    seconds: Annotated[float, typer.Option(help="Seconds of each measurement.")] = 30.0,
    every: Annotated[float, typer.Option(help="Seconds between changes of the picture's size; 0: none.")] = 3.0,
    kinds: Annotated[str, typer.Option(help="Kinds of line, with commas.")] = ",".join(KINDS),
    places: Annotated[str, typer.Option(help="Where packets are lost, with commas.")] = ",".join(PLACES),
    repairs: Annotated[str, typer.Option(help="How the viewer gets lost packets, with commas.")] = ",".join(REPAIRS),
    roles: Annotated[str, typer.Option(help="Who the viewer is, with commas.")] = "supervisor",
    times: Annotated[int, typer.Option(help="How often each is measured.")] = 1,
) -> None:
    """Measure each kind of line at each place, for each way to get lost packets."""
    rows = []
    for run in plan(kinds, places, repairs, roles) * times:
        rows.append(asyncio.run(measure(run, seconds, every)))
        console.print(rows[-1], highlight=False)
    console.print(table(rows))


if __name__ == "__main__":
    typer.run(main)
