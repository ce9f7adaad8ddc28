"""The service under attack: `huijian serve` in a process of its own, and what its processes cost. It starts on a folder
that holds nothing but what `people.py` has entered."""

import asyncio
import ctypes
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from config.settings import ADDRESS_FILE, TLS_ADDRESS_FILE, Settings
from tests.bench.process import cpu_seconds, memory
from tests.support.patience import PATIENCE

PROXY = "127.0.0.2"
"""The one address whose forwarding headers the service believes: all others of loopback are strangers'."""
SET_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of Linux
ENDING = ("python", "viewcopy")
"""Names of processes that end when their work is done."""
NOT_MADE = b"view copy not made"
VISIT = ("control", "relay-0", "recorder")
"""Processes on which a visit stands."""
LOOK = 0.2  # seconds between looks at the memory
STOPPING = 40.0  # seconds for an orderly stop of all processes


@dataclass(slots=True)
class Costs:
    """What the processes used in a stretch of time, by name: CPU seconds, and bytes of memory at first and at most."""

    seconds: float = 0.0
    cpu: dict[str, float] = field(default_factory=dict)
    before: dict[str, int] = field(default_factory=dict)
    most: dict[str, int] = field(default_factory=dict)
    log_bytes: int = 0
    log_end: str = ""
    died: list[str] = field(default_factory=list)
    waited: dict[str, float] = field(default_factory=dict)
    """The longest time for which a process was ready to run and got no core, between two looks: a service that was late
    by so much was late because of the machine."""

    @property
    def starved(self) -> tuple[float, str]:
        """The longest such wait of the processes that carry a visit, and its process."""
        return max(((wait, name) for name, wait in self.waited.items() if name in VISIT), default=(0.0, ""))

    def growth(self, quiet: "Costs") -> tuple[int, str]:
        """Return by how many bytes one process exceeded what it had needed in a quiet stretch, and its name. A single
        sign-in takes 64 MiB for a moment."""
        grown = [(most - max(quiet.most.get(name, most), self.before[name]), name) for name, most in self.most.items()]
        return max(grown, default=(0, ""))


class Service:
    """The running service: where it answers, its processes, its log."""

    def __init__(self, settings: Settings, log: Path) -> None:
        self.settings, self.log = settings, log
        self.url = ""
        """Where programs of this machine reach the pages, in plain; `tls_url` is what other machines have."""
        self.tls_url = ""
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start all processes and wait until the service answers."""
        environment = {
            **os.environ,
            "HUIJIAN_TRUSTED_PROXIES": json.dumps([PROXY]),
            "HUIJIAN_RELAY_WORKERS": "1",
            "HUIJIAN_DISK_RESERVE_BYTES": "0",
        }
        command = (
            "-m",
            "huijian",
            "--data-dir",
            str(self.settings.data_dir),
            "serve",
            "--demo",
            "--tls",
            "--port",
            "0",
        )
        with self.log.open("ab") as out:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, *command),
                cwd=Path(__file__).parents[2],
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )
        async with asyncio.timeout(PATIENCE), aiohttp.ClientSession() as http:
            while not await self._answers(http):
                if self._process.returncode is not None:
                    raise RuntimeError(f"the service did not start:\n{self.last_lines()}")
                await asyncio.sleep(0.05)

    async def _answers(self, http: aiohttp.ClientSession) -> bool:
        with suppress(FileNotFoundError, aiohttp.ClientError):
            self.url = (self.settings.run_dir / ADDRESS_FILE).read_text().strip()
            self.tls_url = (self.settings.run_dir / TLS_ADDRESS_FILE).read_text().strip()
            async with http.get(f"{self.url}/healthz") as response:
                return response.status == 200
        return False

    async def stop(self) -> None:
        """Stop the service as its operator does, by SIGTERM."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), STOPPING)
        except TimeoutError:
            for pid in self.pids().values():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.kill()
            await process.wait()

    def pids(self) -> dict[str, int]:
        """Return the service's processes by name, its supervisor as `serve`."""
        assert self._process is not None
        parents = {int(entry.name): _parent(entry) for entry in Path("/proc").iterdir() if entry.name.isdigit()}
        ours, found = {self._process.pid}, {"serve": self._process.pid}
        while more := {pid for pid, parent in parents.items() if parent in ours} - ours:
            ours |= more
        for pid in sorted(ours - {self._process.pid}):
            name = _name(pid)
            if name:
                found[name if name not in found else f"{name}/{pid}"] = pid
        return found

    def logged(self, since: int) -> bytes:
        """Return what was written to the log after its byte `since`."""
        with self.log.open("rb") as file:
            file.seek(since)
            return file.read()

    def last_lines(self, count: int = 20) -> str:
        """Return the end of the log."""
        with self.log.open("rb") as file:
            file.seek(max(0, self.log.stat().st_size - 8000))
            return "\n".join(file.read().decode("utf-8", "replace").splitlines()[-count:])


class Watch:
    """Looks at the processes of a service for a stretch of time."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._costs = Costs()
        self._pids = service.pids()

    async def __aenter__(self) -> Costs:
        self._log_at = self._service.log.stat().st_size
        self._cpu_at = self._cpu()
        self._costs.before = self._memory()
        self._began = asyncio.get_running_loop().time()
        self._task = asyncio.create_task(self._look())
        return self._costs

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        costs, cpu = self._costs, self._cpu()
        costs.seconds = asyncio.get_running_loop().time() - self._began
        costs.cpu = {name: cpu[name] - before for name, before in self._cpu_at.items() if name in cpu}
        costs.log_bytes = self._service.log.stat().st_size - self._log_at
        costs.log_end = self._service.last_lines(5) if costs.log_bytes else ""
        pids = self._service.pids()
        lasting = {name for name in self._pids if "/" not in name}
        costs.died = sorted(name for name in lasting if pids.get(name) != self._pids[name] and name not in ENDING)
        if NOT_MADE in self._service.logged(self._log_at):
            costs.died.append("viewcopy")

    async def _look(self) -> None:
        before = self._waits()
        while True:
            waits = self._waits()
            for name in waits.keys() & before.keys():
                threads = (wait - before[name].get(thread, wait) for thread, wait in waits[name].items())
                self._costs.waited[name] = max([self._costs.waited.get(name, 0.0), *threads])
            before = waits
            for name, size in self._memory().items():
                self._costs.before.setdefault(name, size)
                self._costs.most[name] = max(size, self._costs.most.get(name, 0))
            await asyncio.sleep(LOOK)

    def _memory(self) -> dict[str, int]:
        return _each(self._pids, memory)

    def _cpu(self) -> dict[str, float]:
        return _each(self._pids, cpu_seconds)

    def _waits(self) -> dict[str, dict[str, float]]:
        return _each(self._pids, _waited)


def _end_with_parent() -> None:
    """Have the kernel stop this process when its parent ends, however suddenly (prctl(2))."""
    ctypes.CDLL(None).prctl(SET_DEATH_SIGNAL, signal.SIGTERM)


def _each(pids: Mapping[str, int], measure):
    found = {}
    for name, pid in pids.items():
        with suppress(OSError, StopIteration):  # it has ended
            found[name] = measure(pid)
    return found


def _waited(pid: int) -> dict[str, float]:
    """Return for how many seconds each thread of a process has waited for a core (proc(5), schedstat)."""
    found = {}
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):  # it has ended
            found[thread.name] = int((thread / "schedstat").read_text("ascii").split()[1]) / 1e9
    return found


def _parent(entry: Path) -> int:
    with suppress(OSError):
        return int((entry / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()[1])
    return 0


def _name(pid: int) -> str:
    """Return a short name of a process by its command line: what follows `-m`, or its program."""
    with suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")
        if "-m" not in words:
            return Path(words[0]).name
        module, *rest = words[words.index("-m") + 1 :]
        short = {"broker.relay": rest[0] if rest else "relay", "huijian.control": "control"}
        return short.get(module, module.rpartition(".")[2])
    return ""


def counted(pids: Mapping[str, int]) -> Counter[str]:
    """Return how many processes there are of each name."""
    return Counter(name.partition("/")[0] for name in pids)
