"""The process of a server under test: started on its own core, its CPU time and its memory as the kernel counts
them."""

import asyncio
import os
import socket
import time
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).parents[2]
QUIET = 0.15  # seconds of CPU that other processes may use in a second, all cores together


async def start(command: list[str], core: int, quiet: bool = False, **environment: str) -> asyncio.subprocess.Process:
    """Start a process that may only use `core`. Its standard input is a pipe that closes when this process ends."""
    output = asyncio.subprocess.DEVNULL if quiet else None
    return await asyncio.create_subprocess_exec(
        *command,
        cwd=ROOT,
        env={**os.environ, **environment},
        stdin=asyncio.subprocess.PIPE,
        stdout=output,
        stderr=output,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )


async def stop(process: asyncio.subprocess.Process) -> None:
    """End a process by SIGTERM, and after five seconds by SIGKILL."""
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), 5)
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of all threads of a process so far, in seconds (schedstat, exact to nanoseconds)."""
    total = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):
            total += int((thread / "schedstat").read_text().split()[0])
    return total / 1e9


def memory(pid: int) -> int:
    """Return the resident memory of a process in bytes."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))


def core_seconds(core: int) -> float:
    """Return the seconds that a core has been busy so far, with any process."""
    line = next(
        each for each in Path("/proc/stat").read_text(encoding="utf-8").splitlines() if each.startswith(f"cpu{core} ")
    )
    user, nice, system, _idle, _iowait, irq, softirq, steal = (int(value) for value in line.split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


async def quiet(cores: tuple[int, ...], patience: float) -> None:
    """Wait until other processes leave the cores alone for a second, at most `patience` seconds."""
    give_up = time.monotonic() + patience
    while time.monotonic() < give_up:
        before = sum(map(core_seconds, cores))
        await asyncio.sleep(1)
        if sum(map(core_seconds, cores)) - before < QUIET:
            return


def pin(pid: int, core: int) -> None:
    """Let every thread of a running process use only `core`."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {core})


def free_port() -> int:
    """Return a TCP port on which no process listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def until_listening(port: int, seconds: float = 20.0) -> None:
    """Wait until a process listens on a port. Raises TimeoutError."""
    give_up = time.monotonic() + seconds
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            if time.monotonic() > give_up:
                raise TimeoutError(f"no process listens on port {port}") from None
            await asyncio.sleep(0.1)
            continue
        writer.close()
        return
