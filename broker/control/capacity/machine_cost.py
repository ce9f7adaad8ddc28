"""The cost of a session as it was measured on this machine, kept in the data folder: it is measured once, by a process
of its own (`broker.relay.calibration`) while nothing else of the service runs yet, and again where processor, kernel,
Python or this software are others. A relay worker that is started again, or a service, waits for nothing."""

import asyncio
import json
import os
import platform
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import structlog

from broker.control.capacity.session_cost import UNMEASURED
from broker.kernel.atomic_files import read_json, write_json

log = structlog.get_logger()
FILE = "session-cost.json"
PATIENCE = 3.0  # seconds for the measurement, which takes one and a half: a start must not hang on it
SLOW = 2 * UNMEASURED  # cores, where that was too short: the machine is slow, or much else runs on it
_CPUINFO = Path("/proc/cpuinfo")
MODULE = "broker.relay.calibration"


def machine() -> dict[str, str]:
    """Return what the cost depends on: when any of it changes, the cost is measured again."""
    return {
        "processor": _processor(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "huijian": version("huijian"),
    }


def _processor() -> str:
    """Return the model of the first processor, or at least its kind."""
    try:
        lines = _CPUINFO.read_text("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()


@dataclass(frozen=True, slots=True)
class MachineCost:
    """The cores that a session takes on this machine; `final` where that was measured while the machine had time for
    it, otherwise the next start at which it has measures again."""

    cores: float
    final: bool


def kept(folder: Path) -> MachineCost | None:
    """Return what the last start found on a machine like this one, None where there is nothing."""
    found = read_json(folder / FILE) or {}
    cores = _cores(found)
    return MachineCost(cores, found.get("final") is True) if cores and found.get("machine") == machine() else None


def _cores(found: Any) -> float | None:
    """Return the cost in what a file or a process says, None where that is no cost."""
    cores = found.get("cores") if isinstance(found, dict) else None
    return cores if isinstance(cores, float) and 0 < cores < 100 else None


async def measure_once(folder: Path, module: str = MODULE) -> MachineCost:
    """Return what was measured on this machine, otherwise measure it now; the control process finds it by `kept`."""
    before = await asyncio.to_thread(kept, folder)
    if before is not None and (before.final or _is_busy()):  # busy, it would find nothing better, and delay a start
        return before
    found = await _measured(module)
    content = {"machine": machine(), "cores": found.cores, "final": found.final}
    try:
        await asyncio.to_thread(write_json, folder / FILE, content)
    except OSError as error:
        log.warning("cost of a session not kept", why=error.strerror)
    return found


async def _measured(module: str) -> MachineCost:
    """Return what the measuring process finds, or what is assumed where it fails or takes too long."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        out, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    except TimeoutError:
        return MachineCost(SLOW, final=False)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    try:
        cores = _cores(json.loads(out))
    except ValueError:
        cores = None
    return MachineCost(UNMEASURED, final=False) if cores is None else MachineCost(cores, final=not _is_busy())


def _is_busy() -> bool:
    """Whether others have used all cores of late: packets then cost more than they would (shared caches and cores)."""
    return os.getloadavg()[0] > (os.cpu_count() or 1)
