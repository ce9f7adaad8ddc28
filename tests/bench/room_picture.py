"""Measures what arrives of a room's picture (issue: 704×576 where the line allows it, 25 a second where people sign):
python -m tests.bench.room_picture. Two terminals with pages in real Chromiums hold a visit with real processes and four
officers; the prison's camera shows 1280×720 pixels at 25 a second, and what counts is what the other room's page
receives and what the recording holds. The lines of both rooms lead through a proxy that carries so many bit/s. The
officers are programs that decode keyframes alone, for the machine's sake.

On a busy machine the sending browser itself takes smaller pictures (`limit` says cpu), and the receiving one shows
fewer: the load is printed beside each number."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest
import typer
from rich.console import Console
from rich.table import Table

from broker.kernel.ids import Side
from tests.bench import tools
from tests.support.installation import Installation, installation, patient_pack
from tests.support.kiosk.arriving import (
    SIGNING,
    Counts,
    Picture,
    counts,
    most_common,
    pictures_in,
    signing_film,
    size_of,
)
from tests.support.kiosk.cut_line import CutLine, cut_line
from tests.support.kiosk.footage import footage
from tests.support.kiosk.keyframes import decode_keyframes
from tests.support.kiosk.page_kiosk import CONNECTIONS
from tests.support.kiosk.room_page import SMALL_PICTURE
from tests.support.kiosk.two_rooms import PageRoom, page_room
from tests.support.visit import Visit

NEEDED = {"chromium": "chromium", "ffmpeg": "ffprobe"}
LIMIT = 300.0
"""Seconds of a visit, which no measurement reaches."""
GOOD = 0
"""Line without a limit."""
console = Console(width=max(Console().width, 130), highlight=False)


@dataclass(frozen=True, slots=True)
class Line:
    """A line to measure: the visit's language, and the kbit/s that each connection carries each way; 0 for no limit."""

    language: str
    kbits: int


@dataclass(frozen=True, slots=True)
class Row:
    """What has arrived over a line: pixels and pictures a second of the far page and of the recording, kbit/s of the
    picture, the part of the sound that was made up, and why the sender has sent less than it could."""

    line: Line
    size: tuple[int, int]
    rate: float
    kept: tuple[int, int]
    kept_rate: float
    kbits: float
    concealed: float
    reason: str
    load: float


@dataclass(frozen=True, slots=True)
class Window:
    """Counts at both ends of one measurement (loop times), and the sizes that arrived meanwhile."""

    line: Line
    began: float
    ended: float
    before: Counts
    after: Counts
    sizes: list[tuple[int, int]]
    reason: str
    load: float


Rooms = dict[Side, PageRoom]


@asynccontextmanager
async def rooms_of(here: Installation, line: CutLine, folder: Path) -> AsyncIterator[Rooms]:
    """Run both rooms; the visitors' camera is a small one, for the machine's sake."""
    films = {Side.PRISON: signing_film(folder / "prison.y4m"), Side.VISITOR: footage(folder / "visitor.y4m", 2)}
    scripts = {Side.PRISON: CONNECTIONS, Side.VISITOR: CONNECTIONS + SMALL_PICTURE}
    async with (
        page_room(here, Side.PRISON, line.url, films[Side.PRISON], scripts[Side.PRISON]) as prison,
        page_room(here, Side.VISITOR, line.url, films[Side.VISITOR], scripts[Side.VISITOR]) as visitor,
    ):
        yield {Side.PRISON: prison, Side.VISITOR: visitor}


async def hold(
    here: Installation, line: CutLine, rooms: Rooms, lines: list[Line], settle: float, seconds: float
) -> list[Row]:
    """Hold one visit in the language of these lines, and measure each of them."""
    officers = await here.officers()
    language = lines[0].language
    more = {"people": SIGNING} if language == "csl" else {}
    visit = Visit(here, await here.slot(language=language, **more), officers)
    loop = asyncio.get_running_loop()
    try:
        for room in rooms.values():
            await room.acknowledge()
        await visit.check_in()
        await visit.watch(officers)
        for room in rooms.values():
            await room.sees_more()
        windows = []
        for each in lines:
            line.limit(1000.0 * each.kbits or None)
            await asyncio.sleep(settle)
            windows.append(await _window(each, rooms, seconds))
        line.limit(None)
    finally:
        await visit.close()
    ended = loop.time()
    archived = await visit.archived()
    film = here.settings.archive_dir / archived["path"]
    kept = await asyncio.to_thread(pictures_in, film, 0)
    return [_row(window, kept, ended) for window in windows]


async def _window(line: Line, rooms: Rooms, seconds: float) -> Window:
    loop, far, near = asyncio.get_running_loop(), rooms[Side.VISITOR].page, rooms[Side.PRISON].page
    began, before, sizes, reasons = loop.time(), await counts(far), [], []
    while loop.time() - began < seconds:
        await asyncio.sleep(1.0)
        sizes.append(size_of(await counts(far)))
        reasons.append(str((await counts(near, "outbound-rtp"))["video"].get("qualityLimitationReason", "")))
    after = await counts(far)
    reason = max(set(reasons), key=reasons.count)
    return Window(line, began, loop.time(), before, after, sizes, reason, os.getloadavg()[0])


def _row(window: Window, kept: list[Picture], ended: float) -> Row:
    """Return what a window shows. The recording ends with the visit, so that its moments are told from there."""
    passed = window.ended - window.began
    end = kept[-1].at
    part = [each for each in kept if window.began < ended - (end - each.at) <= window.ended]

    def grown(kind: str, name: str) -> float:
        return float(window.after[kind].get(name, 0.0)) - float(window.before[kind].get(name, 0.0))

    return Row(
        window.line,
        most_common(window.sizes),
        grown("video", "framesDecoded") / passed,
        most_common([each.size for each in part]),
        len(part) / passed,
        8 * grown("video", "bytesReceived") / passed / 1000,
        grown("audio", "concealedSamples") / max(1.0, grown("audio", "totalSamplesReceived")),
        window.reason,
        window.load,
    )


async def measure(lines: list[Line], settle: float, seconds: float) -> list[Row]:
    """Measure all lines, those of one language in one visit."""
    found: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="hj") as folder, pytest.MonkeyPatch.context() as patch:
        decode_keyframes(patch)
        async with installation(patient_pack(Path(folder), LIMIT)) as here:
            here.minutes = round(LIMIT / 60)
            async with cut_line(here.server, patch) as line, rooms_of(here, line, Path(folder)) as rooms:
                for language in dict.fromkeys(each.language for each in lines):
                    group = [each for each in lines if each.language == language]
                    found += await hold(here, line, rooms, group, settle, seconds)
    return found


def table(rows: list[Row]) -> Table:
    """Return the table of what was measured."""
    made = Table(title="What arrives of a camera's 1280×720 at 25 a second", header_style="bold")
    for name in (
        "language",
        "line",
        "page",
        "a second",
        "recording",
        "a second",
        "kbit/s",
        "concealed",
        "limit",
        "load",
    ):
        made.add_column(name)
    for row in rows:
        made.add_row(
            row.line.language,
            f"{row.line.kbits} kbit/s" if row.line.kbits else "good",
            "×".join(map(str, row.size)),
            f"{row.rate:.1f}",
            "×".join(map(str, row.kept)),
            f"{row.kept_rate:.1f}",
            f"{row.kbits:.0f}",
            f"{row.concealed:.1%}",
            row.reason,
            f"{row.load:.1f}",
        )
    return made


def main(
    spoken: Annotated[str, typer.Option(help="kbit/s of the lines of a spoken visit, 0 for a good one.")] = "0",
    signed: Annotated[str, typer.Option(help="kbit/s of the lines of a visit in sign language.")] = "0,2000,700,400",
    settle: Annotated[float, typer.Option(help="Seconds before each measurement.")] = 20.0,
    seconds: Annotated[float, typer.Option(help="Seconds of each measurement.")] = 15.0,
) -> None:
    """Measure each line, and print what arrives."""
    if not tools.require(NEEDED, "pages and recordings"):
        raise typer.Exit(1)
    lines = [
        Line(name, int(kbits)) for name, each in (("zh", spoken), ("csl", signed)) for kbits in each.split(",") if kbits
    ]
    console.print(table(asyncio.run(measure(lines, settle, seconds))))


if __name__ == "__main__":
    typer.run(main)
