"""The edge of the product: every place where it reads a clock, draws a random number or reaches a kernel. While a world
runs they all lead to that world, so that a seed decides everything."""

import logging
import random
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import structlog

import broker.kernel.clock as clock_module
from tests.simulation.engine import database
from tests.simulation.engine.scheduler import Killed, Scheduler

MONOTONIC, MONOTONIC_NS = clock_module.monotonic, clock_module.monotonic_ns
OURS = ("broker.", "recorder.", "config.", "huijian.")


class DiskUsage(NamedTuple):
    """The numbers that shutil.disk_usage returns."""

    total: int
    used: int
    free: int


@dataclass
class Edge:
    """The answers of a world to what the product asks the machine. `logged` gets what the product logs."""

    scheduler: Scheduler
    trouble: database.Trouble
    mono: Callable[[], float]
    wall: Callable[[], Any]
    boot: Callable[[], str]
    discipline: Callable[[], clock_module.Discipline]
    free: Callable[[], int]
    chance: random.Random
    logged: Callable[[dict[str, Any]], None]


@contextmanager
def installed(edge: Edge) -> Iterator[None]:
    """Lead the product's edge to a world, until the block is left."""
    with pytest.MonkeyPatch.context() as patch:
        _clocks(patch, edge)
        _chance(patch, edge)
        _boots(patch, edge)
        patch.setattr(sys, "unraisablehook", _unraisable)
        patch.setitem(sys.modules, "aiosqlite", database.module(edge.scheduler, edge.trouble))
        patch.setattr(shutil, "disk_usage", lambda _path: DiskUsage(1 << 40, 0, edge.free()))
        before, level = structlog.get_config(), logging.root.manager.disable
        state = random.getstate()
        structlog.configure(
            processors=[_capture(edge)],
            wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
            logger_factory=structlog.ReturnLoggerFactory(),
            cache_logger_on_first_use=False,
        )
        logging.disable(logging.CRITICAL)
        random.seed(edge.chance.getrandbits(64))
        try:
            yield
        finally:
            random.setstate(state)
            logging.disable(level)
            structlog.configure(**before)


def _unraisable(found: Any) -> None:
    """Say nothing of a process that was killed while a library called it back."""
    if not isinstance(found.exc_value, Killed):
        sys.__unraisablehook__(found)


def _clocks(patch: pytest.MonkeyPatch, edge: Edge) -> None:
    def nanoseconds() -> int:
        return round(edge.mono() * 1e9)

    for name, loaded in list(sys.modules.items()):
        if name.startswith(OURS):
            for attribute, real, ours in (
                ("monotonic", MONOTONIC, edge.mono),
                ("monotonic_ns", MONOTONIC_NS, nanoseconds),
            ):
                if getattr(loaded, attribute, None) is real:
                    patch.setattr(loaded, attribute, ours)
    patch.setattr(clock_module.SystemClock, "now", lambda _self: clock_module.Instant(edge.wall(), edge.mono()))


def _chance(patch: pytest.MonkeyPatch, edge: Edge) -> None:
    chance = edge.chance
    patch.setattr(secrets, "token_bytes", lambda size=32: chance.randbytes(size))
    patch.setattr(secrets, "token_hex", lambda size=32: chance.randbytes(size).hex())
    patch.setattr(random, "SystemRandom", lambda: chance)


def _boots(patch: pytest.MonkeyPatch, edge: Edge) -> None:
    for name, loaded in list(sys.modules.items()):
        if name.startswith(OURS):
            for attribute, ours in (
                ("this_boot", edge.boot),
                ("boot_id", edge.boot),
                ("discipline", lambda: edge.discipline()),
            ):
                if callable(getattr(loaded, attribute, None)):
                    patch.setattr(loaded, attribute, ours)


def _capture(edge: Edge) -> Callable[..., Any]:
    def capture(_logger: Any, method: str, event: dict[str, Any]) -> Any:
        edge.logged({**event, "level": method})
        raise structlog.DropEvent

    return capture


def folder() -> Path:
    """Return the parent of a world's files: memory, where there is such a folder."""
    shared = Path("/dev/shm")
    return shared if shared.is_dir() else Path("/tmp")
