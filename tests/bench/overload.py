"""The relay beyond its limit: first the largest step that it sustains, then so many times as many sessions. Where the
generator would be full before the relay, other processes share the relay's core, which makes the limit lower.

What is left out must be supervisors' frames, whole ones: no sound, nothing of the far rooms' pictures, no record of the
tap. Nothing that arrives may be damaged, and no less may arrive than at the limit."""

import asyncio
import math
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from broker.ipc.relay_messages import RelayStatus
from broker.kernel.clock import monotonic
from tests.bench import process
from tests.bench.generator import Counts, Generator
from tests.bench.measure import LEAD, SETTLE, drain
from tests.bench.relay import Relay
from tests.bench.report import MAX_LOSS, MAX_P99
from tests.bench.system import STREAMS, SUPERVISORS, Place, sessions

BUSY = "while True: pass"


@dataclass(frozen=True, slots=True)
class Step:
    """The measurements of one number of sessions. Losses are per cent of what was sent; `delivered` are packets a
    second; `frames` is the part of all frames that supervisors got whole and decodable, per cent, `damaged` the number
    of frames that came and were neither; `still` the longest time without a frame (s). `missed` are records that the
    recorder did not take, all of which the relay reported; `lost` is how often a supervisor ceased to receive."""

    sessions: int
    cpu: float
    delivered: float
    p99: float
    sound: float
    far_picture: float
    far_damaged: int
    frames: float
    damaged: int
    still: float
    missed: int
    lost: int
    level: int
    share: float

    @property
    def sustained(self) -> bool:
        """Whether the relay carried all of it in time."""
        return max(self.sound, self.far_picture, 100 - self.frames) < MAX_LOSS and self.p99 < MAX_P99

    def to_json(self) -> dict[str, Any]:
        """Return the step for the file of `--json`."""
        return asdict(self)


async def run(
    console: Console,
    name: str,
    relay: Relay,
    place: Place,
    generator: Generator,
    steps: list[int],
    factor: float,
    window: float,
    beside: int,
) -> list[Step]:
    """Return the last step sustained, and the one at `factor` times its sessions, on a core that `beside` other
    processes use, too. A single step is taken for the limit, as it was found on a quieter machine."""
    await relay.start(place)
    consent = asyncio.create_task(generator.consent())
    async with _busy(place.core, beside):
        try:
            there, limit = 0, None
            for step in steps:
                there = await _set_up(relay, generator, there, step)
                measured = await _measure(relay, generator, step, window)
                console.print(_line(name, measured), highlight=False)
                if not measured.sustained and len(steps) > 1:
                    break
                limit = measured
            if limit is None:
                console.print(f"{name}: sustains none of the steps tried", style="yellow")
                return []
            beyond = math.ceil(limit.sessions * factor)
            await _set_up(relay, generator, there, beyond)
            over = await _measure(relay, generator, beyond, window)
            console.print(_line(name, over), highlight=False)
            return [limit, over]
        finally:
            consent.cancel()
            await asyncio.gather(consent, return_exceptions=True)
            await relay.stop()


@asynccontextmanager
async def _busy(core: int, count: int) -> AsyncIterator[None]:
    """Let `count` processes use all the time of a core that the kernel gives them beside others."""
    async with AsyncExitStack() as around:
        for _ in range(count):
            other = await process.start([sys.executable, "-c", BUSY], core)
            around.push_async_callback(process.stop, other)
        yield


async def _set_up(relay: Relay, generator: Generator, there: int, step: int) -> int:
    """Have at least `step` sessions, of which `there` are set up already. Return how many there are."""
    generator.busy(False)
    for clients in await sessions(relay, there, max(0, step - there)):
        for client in clients:
            generator.add(client)
    generator.busy(True)
    return max(there, step)


async def _measure(relay: Relay, generator: Generator, step: int, window: float) -> Step:
    generator.play(step * STREAMS)
    await asyncio.sleep(SETTLE)
    await drain(generator)
    generator.reset()
    status, lost = await relay.status(), relay.supervisors_lost()
    generator.play(step * STREAMS)
    await asyncio.sleep(LEAD)
    before, began, cpu = generator.read(), monotonic(), process.cpu_seconds(relay.pid)
    await asyncio.sleep(window)
    took, after = monotonic() - began, generator.read()
    cpu = (process.cpu_seconds(relay.pid) - cpu) / took
    during, lost = await relay.status(), relay.supervisors_lost() - lost
    await drain(generator)
    delivered = (after.received - before.received) / took
    return judge(step, generator.read(latencies=True), status, during, delivered, cpu, lost)


def judge(
    step: int, counts: Counts, before: RelayStatus, during: RelayStatus, delivered: float, cpu: float, lost: int
) -> Step:
    """Return the step of these counts, and of the worker's status before and at the end of the load."""
    times = counts.latencies / 1000
    sound = counts.far_sound + counts.supervisor_sound
    return Step(
        sessions=step,
        cpu=100 * cpu,
        delivered=delivered,
        p99=float(times[len(times) * 99 // 100]) if len(times) else float("nan"),
        sound=_missing(sound, counts.sound_sent * (1 + SUPERVISORS)),
        far_picture=_missing(counts.far_picture, counts.picture_sent),
        far_damaged=counts.far_damaged,
        frames=100 - _missing(counts.supervisor_frames, counts.frames_sent * SUPERVISORS),
        damaged=counts.supervisor_damaged,
        still=counts.still / 1e9,
        missed=during.tap_lost - before.tap_lost,
        lost=lost,
        level=during.overload,
        share=during.picture_share,
    )


def _missing(came: int, expected: int) -> float:
    return 100 * max(0.0, 1 - came / max(1, expected))


def _line(name: str, step: Step) -> str:
    return (
        f"{name:<24} {step.sessions:>3} sessions  {step.cpu:3.0f} %  {step.delivered:,.0f}/s  p99 {step.p99:.1f} ms  "
        f"sound lost {step.sound:.3f} %  far pictures {step.far_picture:.3f} %  supervisors' frames {step.frames:.1f} %"
    )


LINES: tuple[tuple[str, Callable[[Step], str]], ...] = (
    ("CPU %", lambda step: f"{step.cpu:.0f}"),
    ("packets delivered a second", lambda step: f"{step.delivered:,.0f}"),
    ("p99 ms", lambda step: f"{step.p99:.1f}"),
    ("sound lost %", lambda step: f"{step.sound:.3f}"),
    ("far rooms' pictures lost %", lambda step: f"{step.far_picture:.3f}"),
    ("far rooms' damaged frames", lambda step: str(step.far_damaged)),
    ("supervisors' whole frames %", lambda step: f"{step.frames:.1f}"),
    ("supervisors' damaged frames", lambda step: str(step.damaged)),
    ("longest without a frame s", lambda step: f"{step.still:.2f}"),
    ("records the recorder missed", lambda step: str(step.missed)),
    ("supervisors who ceased to receive", lambda step: str(step.lost)),
    ("level, share of pictures", lambda step: f"{step.level}, {step.share:.2f}"),
)
"""What the table says of each step."""


def show(console: Console, rows: dict[str, list[Step]], factor: float, load: str, beside: int) -> None:
    """Print the table of all systems: what each delivered at its limit and beyond."""
    title = f"{factor:g} times the limit, {load}"
    if beside:
        title += f"; the relay shares its core with {beside} busy {'process' if beside == 1 else 'processes'}"
    steps = [(name, step) for name, each in rows.items() for step in each]
    table = Table(title=title, header_style="bold")
    table.add_column("")
    for name, step in steps:
        table.add_column(f"{name}\n{step.sessions} sessions", justify="right")
    for title, value in LINES:
        table.add_row(title, *(value(step) for _, step in steps))
    console.print(table)
    for name, each in rows.items():
        if len(each) == 2:
            ratio = each[1].delivered / max(1.0, each[0].delivered)
            console.print(f"{name}: delivers {ratio:.2f} times what it delivered at the limit")
