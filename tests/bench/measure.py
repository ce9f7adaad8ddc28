"""A run on a fresh server: sessions are set up as each step needs them, and each step is measured.

A step lets the streams settle, stops them, and waits until no packet is under way; then all packets count until none is
under way again. So loss is exact, without the edges of a window. CPU time is that of a window inside."""

import asyncio
import os
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from broker.kernel.clock import monotonic
from tests.bench import process
from tests.bench.generator import SPREAD, Counts, Generator
from tests.bench.system import FAN_OUT, STREAMS, Place, System, sessions

SETTLE = SPREAD + 0.7  # seconds until every stream has begun, and with it its first keyframe
LEAD = 0.4  # seconds of sending before the window
MAX_FOREIGN, MAX_LATE = 8.0, 0.5  # per cent of the server's core used by other processes, and of packets that left late
QUIET, MAX_DRAIN = 0.15, 3.0  # seconds without a packet after which none is under way, and the longest wait


@dataclass(frozen=True, slots=True)
class Work:
    """The work of a run: numbers of sessions, seconds of each measurement, and the seconds that a step may wait for a
    quiet machine."""

    steps: list[int]
    window: float
    patience: float


@dataclass(frozen=True, slots=True)
class Row:
    """The measurements of a step in one repetition.

    `micros` is the server's CPU time for each packet forwarded, `loss` the share of packets that did not arrive; `p50`,
    `p99` and `worst` are milliseconds. `foreign` is the share of the server's core that other processes used, `late`
    the share of packets that the generator sent 2 ms late or more. `wrong` are packets that could not be decrypted or
    were altered, `silent` streams of which no packet arrived."""

    system: str
    sessions: int
    repetition: int
    micros: float
    cpu: float
    packets_in: float
    packets_out: float
    loss: float
    p50: float
    p99: float
    worst: float
    megabytes: float
    sampled: int
    wrong: int
    silent: int
    foreign: float
    late: float
    load: float
    note: str

    @property
    def disturbed(self) -> bool:
        """Whether other processes on the machine disturbed the step."""
        return self.foreign > MAX_FOREIGN or self.late > MAX_LATE

    def to_json(self) -> dict[str, Any]:
        """Return the row for the file of `--json`."""
        return asdict(self)


async def run(name: str, system: System, place: Place, generator: Generator, work: Work, repetition: int) -> list[Row]:
    """Measure all steps on a fresh server and return their rows."""
    await system.start(place)
    consent = asyncio.create_task(generator.consent())
    try:
        empty, there, rows = process.memory(system.pid), 0, []
        for step in work.steps:
            generator.busy(False)
            for clients in await sessions(system, there, step - there):
                for client in clients:
                    generator.add(client)
            there = step
            generator.busy(True)
            rows.append(await _undisturbed(name, system, place, generator, step, work, repetition, empty))
        return rows
    finally:
        consent.cancel()
        await asyncio.gather(consent, return_exceptions=True)
        await system.stop()


async def _undisturbed(
    name: str, system: System, place: Place, generator: Generator, step: int, work: Work, repetition: int, empty: int
) -> Row:
    """Measure a step, and repeat it while other processes disturb it and patience lasts."""
    give_up = monotonic() + work.patience
    while True:
        seen = await _measure(system.pid, place.core, generator, step, work.window)
        size = (process.memory(system.pid) - empty) / step / 1e6
        load, note = os.getloadavg()[0], await system.note()
        row = Row(name, step, repetition, megabytes=size, load=load, note=note, **seen)
        if not row.disturbed or monotonic() > give_up:
            return row
        generator.busy(False)
        await process.quiet((place.core, place.other_core), give_up - monotonic())
        generator.busy(True)


async def _measure(pid: int, core: int, generator: Generator, step: int, window: float) -> dict[str, Any]:
    generator.play(step * STREAMS)
    await asyncio.sleep(SETTLE)
    await drain(generator)
    generator.reset()
    generator.play(step * STREAMS)
    await asyncio.sleep(LEAD)
    before = generator.read()
    began, cpu, core_busy = monotonic(), process.cpu_seconds(pid), process.core_seconds(core)
    await asyncio.sleep(window)
    cpu, core_busy = process.cpu_seconds(pid) - cpu, process.core_seconds(core) - core_busy
    took, after = monotonic() - began, generator.read()
    await drain(generator)
    received = after.received - before.received
    return {
        "micros": cpu * 1e6 / max(1, received),
        "cpu": 100 * cpu / took,
        "packets_in": (after.sent - before.sent) / took,
        "packets_out": received / took,
        "foreign": max(0.0, 100 * (core_busy - cpu) / took),
        **_judge(generator.read(latencies=True), step),
    }


def _judge(counts: Counts, step: int) -> dict[str, Any]:
    times = counts.latencies / 1000 if len(counts.latencies) else np.array([float("nan")])
    expected = counts.sent * FAN_OUT
    return {
        "loss": 100 * max(0.0, 1 - (counts.received - counts.repeated) / max(1, expected)),
        "p50": float(times[len(times) // 2]),
        "p99": float(times[len(times) * 99 // 100]),
        "worst": float(times[-1]),
        "sampled": counts.sampled,
        "wrong": counts.undecryptable + counts.altered,
        "late": 100 * counts.late / max(1, counts.sent),
        "silent": step * STREAMS * FAN_OUT - counts.streams,
    }


async def drain(generator: Generator) -> None:
    """Stop sending, and wait until no packet arrives any more."""
    generator.play(0)
    give_up, last = monotonic() + MAX_DRAIN, -1
    while monotonic() < give_up:
        received = generator.read().received
        if received == last:
            return
        last = received
        await asyncio.sleep(QUIET)
