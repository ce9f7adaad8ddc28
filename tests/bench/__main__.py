"""`make bench`: the relay against Janus and plain aiortc on this machine, one core each, repetitions interleaved."""

import asyncio
import json
import os
import platform
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from config.logs import configure
from tests.bench import overload as overloading
from tests.bench import process, tools
from tests.bench import soak as soaking
from tests.bench.generator import Generator
from tests.bench.janus import Janus
from tests.bench.measure import Row, Work, run
from tests.bench.media import Clip, Pace, clips
from tests.bench.plain import Plain
from tests.bench.relay import Relay
from tests.bench.report import show, sustained
from tests.bench.system import Place, System

QUICK = {
    "relay": [15, 24, 28, 32, 36, 40],
    "relay, plain watchers": [15, 28, 32, 36, 40, 45],
    "janus": [15, 20],
    "janus, event_loops = 1": [15, 20, 24, 28, 32],
    "aiortc": [15],
}
FULL = {
    "relay": [5, 10, 15, 20, 30, 35, 40, 45, 50],
    "relay, plain watchers": [5, 10, 15, 20, 30, 35, 40, 45, 50],
    "janus": [5, 10, 15, 18, 22],
    "janus, event_loops = 1": [5, 10, 15, 20, 26, 30, 36],
    "aiortc": [5, 10, 15, 18],
}
console = Console(width=max(Console().width, 140))  # the width of the table, also where the output is not a terminal


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of a run: which systems and steps to measure, and how."""

    steps: dict[str, list[int]]
    repetitions: int
    window: float
    record: bool
    discard: bool
    patience: float
    pace: Pace


def main(
    full: Annotated[bool, typer.Option("--full/--quick", help="All steps, five repetitions of long windows.")] = False,
    only: Annotated[str, typer.Option(help="Systems, with commas: relay,janus,aiortc.")] = "relay,janus,aiortc",
    steps: Annotated[str, typer.Option(help="Numbers of sessions, with commas, for every system.")] = "",
    repetitions: Annotated[int, typer.Option(help="How often to measure each step.")] = 0,
    window: Annotated[float, typer.Option(help="Seconds of each measurement.")] = 0.0,
    record: Annotated[bool, typer.Option(help="With the recorder at work (Janus: its own).")] = True,
    pace: Annotated[
        Pace, typer.Option(help="How the packets of a picture leave: evenly, or as Chromium sends them.")
    ] = Pace.EVEN,
    tap: Annotated[
        bool, typer.Option("--tap", help="As --record, but the records of the tap are thrown away.")
    ] = False,
    soak: Annotated[
        float, typer.Option(help="Instead: --steps sessions (20) for so many minutes, in search of drift.")
    ] = 0.0,
    overload: Annotated[
        float,
        typer.Option(help="Instead: the relay at its limit, among --steps, and at so many times that."),
    ] = 0.0,
    beside: Annotated[
        int, typer.Option(help="With --overload: busy processes that share the relay's core, and so lower its limit.")
    ] = 0,
    patience: Annotated[float, typer.Option(help="Seconds that each step may wait for a quiet machine.")] = 0.0,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write every measurement to this file.")] = None,
) -> None:
    """Measure what a forwarded packet costs, how many sessions a core carries, and how late packets are.

    A session is two publishers (720p H.264 of 1.57 Mbit/s and Opus), their two kiosks behind the gate and four
    supervisors who get both sides, with real ICE, DTLS, SRTP and RTCP: some 470 packets/s in, 2,350 out. Watchers of
    `relay` negotiate and report like browsers, those of `relay, plain watchers` once a second as with the other
    systems."""
    wanted = {name.strip() for name in only.split(",")}
    chosen = {name: each for name, each in (FULL if full else QUICK).items() if name.split(",")[0] in wanted}
    if not chosen:
        raise typer.BadParameter(f"no system of that name: {only}")
    if steps:
        chosen = dict.fromkeys(chosen, sorted({int(step) for step in steps.split(",")}))
    if not tools.require(tools.NEEDED, "the load generator"):
        raise typer.Exit(1)
    if any(name.startswith("janus") for name in chosen) and not tools.require(tools.JANUS, "the comparison with Janus"):
        chosen = {name: each for name, each in chosen.items() if not name.startswith("janus")}
    plan = Plan(
        chosen, repetitions or (5 if full else 3), window or (5.0 if full else 3.0), record or tap, tap, patience, pace
    )
    configure("warning")
    if soak:
        with tempfile.TemporaryDirectory(prefix="hjb") as folder:
            asyncio.run(_soak(plan, Path(folder), int(steps or 20), soak))
        return
    if overload:
        with tempfile.TemporaryDirectory(prefix="hjb") as folder:
            overloaded = asyncio.run(_overload(plan, Path(folder), overload, beside))
        overloading.show(console, overloaded, overload, _named(pace), beside)
        if json_file is not None:
            found = {name: [step.to_json() for step in each] for name, each in overloaded.items()}
            kept = {"machine": _machine(), "pace": pace, "factor": overload, "beside": beside, "overload": found}
            json_file.write_text(json.dumps(kept, indent=1))
        return
    with tempfile.TemporaryDirectory(prefix="hjb") as folder:
        rows = asyncio.run(_measure(plan, Path(folder)))
    show(console, rows, _named(pace))
    if json_file is not None:
        kept = {"machine": _machine(), "pace": pace, "rows": [row.to_json() for row in rows]}
        json_file.write_text(json.dumps(kept, indent=1))


def _named(pace: Pace) -> str:
    return f"{pace} pace" if pace is Pace.EVEN else "pictures in bursts as Chromium's"


async def _overload(plan: Plan, folder: Path, factor: float, beside: int) -> dict[str, list[overloading.Step]]:
    core, other = tools.cores()
    os.sched_setaffinity(0, {other})
    library = tools.compile_shared("generator", folder, "srtp2", "pthread")
    console.print(f"relay on core {core}, load on core {other}; load average {os.getloadavg()[0]:.1f}; {_machine()}")
    found: dict[str, list[overloading.Step]] = {}
    for name, steps in plan.steps.items():
        if not name.startswith("relay"):
            continue
        generator = Generator(library, clips(plan.pace), other)
        try:
            with tempfile.TemporaryDirectory(prefix="run", dir=folder) as own:
                place = Place(core, other, Path(own), plan.record, plan.discard)
                relay = Relay("plain" not in name)
                work = (relay, place, generator, steps, factor, plan.window, beside)
                found[name] = await overloading.run(console, name, *work)
        finally:
            generator.close()
    return found


async def _soak(plan: Plan, folder: Path, sessions: int, minutes: float) -> None:
    core, other = tools.cores()
    os.sched_setaffinity(0, {other})
    library = tools.compile_shared("generator", folder, "srtp2", "pthread")
    place = Place(core, other, folder, plan.record, plan.discard)
    generator = Generator(library, clips(plan.pace), other)
    try:
        await soaking.run(console, Relay(True), place, generator, sessions, minutes)
    finally:
        generator.close()


async def _measure(plan: Plan, folder: Path) -> list[Row]:
    core, other = tools.cores()
    os.sched_setaffinity(0, {other})
    library = tools.compile_shared("generator", folder, "srtp2", "pthread")
    shim = tools.compile_shared("loopback", folder, "dl")
    media = clips(plan.pace)
    makers: dict[str, Callable[[], System]] = {
        "relay": lambda: Relay(True),
        "relay, plain watchers": lambda: Relay(False),
        "janus": lambda: Janus(shim, None),
        "janus, event_loops = 1": lambda: Janus(shim, 1),
        "aiortc": Plain,
    }
    console.print(f"server on core {core}, load on core {other}; load average {os.getloadavg()[0]:.1f}; {_machine()}")
    rows: list[Row] = []
    for repetition in range(1, plan.repetitions + 1):
        for name, steps in plan.steps.items():
            recording = plan.record and name != "aiortc"
            kind = "tapped" if plan.discard and name.startswith("relay") else "recording"
            title = f"{name}, {kind}" if recording else name
            await process.quiet((core, other), plan.patience)
            with tempfile.TemporaryDirectory(prefix="run", dir=folder) as own:
                place = Place(core, other, Path(own), recording, plan.discard)
                work = Work(steps, plan.window, plan.patience)
                rows += await _run(title, makers[name](), place, (library, media), work, repetition)
    return rows


async def _run(
    name: str, system: System, place: Place, load: tuple[Path, tuple[Clip, Clip]], work: Work, repetition: int
) -> list[Row]:
    generator = Generator(*load, place.other_core)
    try:
        rows = await run(name, system, place, generator, work, repetition)
    finally:
        generator.close()
    for row in rows:
        console.print(
            f"{row.repetition}  {name:<33} {row.sessions:>3} sessions  {row.micros:5.1f} µs/packet  "
            f"{row.cpu:3.0f} %  loss {row.loss:.3f} %  p99 {row.p99:6.2f} ms"
            + ("  (disturbed)" if row.disturbed else ""),
            style=None if sustained(row) else "dim",
            highlight=False,
        )
    return rows


def _machine() -> str:
    models = [
        line for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if line.startswith("model name")
    ]
    model = models[0].partition(":")[2].strip() if models else platform.machine()
    return f"{os.cpu_count()} x {model}, Linux {platform.release()}, Python {platform.python_version()}"


if __name__ == "__main__":
    typer.run(main)
