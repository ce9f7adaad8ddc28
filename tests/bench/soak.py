"""A long run at one load, which shows whether memory grows or latency drifts: a line each minute, and the trend."""

import asyncio
from dataclasses import dataclass
from statistics import median

import numpy as np
from rich.console import Console

from broker.kernel.clock import monotonic
from tests.bench import process
from tests.bench.generator import Generator
from tests.bench.system import FAN_OUT, STREAMS, Place, System, sessions

EVERY = 60.0  # seconds of a look
WARM = 3  # looks until caches and pools have their final size


@dataclass(frozen=True, slots=True)
class Look:
    """The measurements of EVERY seconds: minutes since the start, resident megabytes, CPU %, milliseconds, loss %."""

    minutes: float
    megabytes: float
    cpu: float
    p50: float
    p99: float
    loss: float


async def run(
    console: Console, system: System, place: Place, generator: Generator, count: int, minutes: float
) -> list[Look]:
    """Run `count` sessions for `minutes` and return the looks."""
    await system.start(place)
    consent = asyncio.create_task(generator.consent())
    try:
        for clients in await sessions(system, 0, count):
            for client in clients:
                generator.add(client)
        generator.busy(True)
        generator.play(count * STREAMS)
        began, looks = monotonic(), []
        while monotonic() - began < 60 * minutes:
            looks.append(await _look(system.pid, generator, began))
            console.print(_line(looks[-1]), highlight=False)
        console.print(trend(looks))
        if note := await system.note():
            console.print(note, style="yellow")
        return looks
    finally:
        consent.cancel()
        await asyncio.gather(consent, return_exceptions=True)
        await system.stop()


async def _look(pid: int, generator: Generator, began: float) -> Look:
    generator.reset()
    before, cpu = monotonic(), process.cpu_seconds(pid)
    await asyncio.sleep(EVERY)
    took, counts = monotonic() - before, generator.read(latencies=True)
    times = counts.latencies / 1000 if len(counts.latencies) else np.array([float("nan")])
    return Look(
        minutes=(monotonic() - began) / 60,
        megabytes=process.memory(pid) / 1e6,
        cpu=100 * (process.cpu_seconds(pid) - cpu) / took,
        p50=float(times[len(times) // 2]),
        p99=float(times[len(times) * 99 // 100]),
        loss=100 * counts.missing / max(1, counts.sent * FAN_OUT),
    )


def _line(look: Look) -> str:
    return (
        f"{look.minutes:6.1f} min  {look.megabytes:7.1f} MB  {look.cpu:4.0f} %  "
        f"p50 {look.p50:5.2f} ms  p99 {look.p99:6.2f} ms  loss {look.loss:.3f} %"
    )


def trend(looks: list[Look]) -> str:
    """Return the slope of memory after the warm-up, and the latency of the last third of the looks against the
    first."""
    warm = looks[WARM:]
    if len(warm) < 3:
        return "too short for a trend"
    slope = float(np.polyfit([look.minutes for look in warm], [look.megabytes for look in warm], 1)[0]) * 60
    third = max(1, len(warm) // 3)
    moved = []
    for name in ("p50", "p99"):
        before, after = (median(getattr(look, name) for look in part) for part in (warm[:third], warm[-third:]))
        moved.append(f"{name} {before:.2f} -> {after:.2f} ms")
    return f"memory {slope:+.1f} MB an hour; {', '.join(moved)}; worst loss {max(look.loss for look in warm):.3f} %"
