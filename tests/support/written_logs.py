"""A whole installation whose processes write all that they log into files: `huijian serve` and two terminals, each as
on its own machine, at debug level. And the search of such files for what must not be in them."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp

from broker.control.store.store import Store
from broker.kernel.ids import Side
from config.settings import Settings
from huijian.demo.setup import Credentials
from kiosk_agent.identity import identity_file
from tests.support.installation import Installation
from tests.support.kiosk.terminal_process import descendants
from tests.support.patience import PATIENCE

MODULES = {
    "recorder": "recorder",
    "relay-0": "broker.relay",
    "control": "huijian.control",
    "ingress": "signaling.ingress",
}
"""The module of each process of the service, as its command line names it."""
_ADDRESS = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])")
NO_CLIENTS = frozenset({"127.0.0.1", "0.0.0.0"})  # what the service listens on
_TIMESTAMP = re.compile(r"timestamp='[^']*'")
LONG = 24  # letters from which a secret is looked for in parts, too


class WritingInstallation(Installation):
    """An Installation whose service and terminals are programs of their own, with all output below `folder`."""

    def __init__(
        self, settings: Settings, store: Store, credentials: Credentials, http: aiohttp.ClientSession, folder: Path
    ) -> None:
        super().__init__(settings, store, credentials, http)
        self.folder = folder
        self._programs: list[asyncio.subprocess.Process] = []

    async def start(self) -> None:
        """Start the service and wait until it answers."""
        await self._run("serve", "--data-dir", str(self.settings.data_dir), "serve", "--port", "0", "--demo")
        await self.answering()

    async def start_terminals(self) -> None:
        """Start the terminal of each side's room, which keeps logs and state in a folder of its own."""
        for side in Side:
            place = self.folder / f"terminal-{side}"
            place.mkdir(mode=0o700)
            identity_file.write(place / "terminal.json", self.credentials.terminals[side].identity(self.server))
            values = f'state_dir = "{place}"\nlog_level = "debug"\nheadless = true\nsource = "generated"\n'
            (place / "kiosk.toml").write_text(values, "utf-8")
            options = "--config", str(place / "kiosk.toml"), "--side", str(side)
            await self._run(f"kiosk-{side}", "kiosk", *options, "--acknowledge-rules", "--confirm-warnings")

    async def _run(self, name: str, *arguments: str) -> None:
        environ = {name: value for name, value in os.environ.items() if not name.startswith("HUIJIAN_")}
        settings = {"LOG_LEVEL": "debug", "RELAY_WORKERS": "1", "DISK_RESERVE_BYTES": "0"}
        environ |= {f"HUIJIAN_{key}": value for key, value in settings.items()}
        with (self.folder / f"{name}.log").open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "huijian", *arguments), stdout=output, stderr=output, env=environ
            )
        self._programs.append(process)

    def pid(self, name: str) -> int:
        """Return the process id of one of the service's processes."""
        for pid in descendants(self._programs[0].pid):
            words = Path("/proc", str(pid), "cmdline").read_bytes().decode().split("\0")
            if "-m" in words and words[words.index("-m") + 1] == MODULES[name]:
                return pid
        raise LookupError(name)

    def kill(self, name: str) -> None:
        """Kill one of the service's processes (SIGKILL); its supervisor starts it again."""
        os.kill(self.pid(name), signal.SIGKILL)

    def abort(self, name: str) -> None:
        """Have one of the service's processes crash (SIGABRT), as by a fault in a library."""
        os.kill(self.pid(name), signal.SIGABRT)

    async def stop_programs(self) -> None:
        """End the terminals, then the service, in order."""
        for process in reversed(self._programs):
            if process.returncode is None:
                process.terminate()
            await asyncio.wait_for(process.wait(), PATIENCE)

    def written(self) -> dict[str, str]:
        """Return the text of each log and of each file that a terminal keeps but its identity, by name."""
        files = [path for path in sorted(self.folder.rglob("*")) if path.is_file() and path.name != "terminal.json"]
        return {str(path.relative_to(self.folder)): path.read_text("utf-8", "surrogateescape") for path in files}


def addresses_in(text: str) -> set[str]:
    """Return the IPv4 addresses in a text that are not the service's own."""
    return set(_ADDRESS.findall(text)) - NO_CLIENTS


def found_in(text: str, looked_for: Mapping[str, str]) -> list[str]:
    """Return the names of what is in a text, however it is spelled there: plain, as JSON or Python escapes it, in
    addresses, as bytes in hex; of long ones each half, too. Digits alone count where no other digit stands beside."""
    plain = _TIMESTAMP.sub("", text).lower()
    return [name for name, value in looked_for.items() if any(map(plain.__contains__, _spellings(value, plain)))]


def _spellings(value: str, text: str) -> Iterable[str]:
    if value.isdecimal():
        return [value] if re.search(rf"(?<!\d){value}(?!\d)", text) else []
    parts = [value, value[: len(value) // 2], value[len(value) // 2 :]] if len(value) >= LONG else [value]
    return {spelled.lower() for part in parts for spelled in _all_spellings(part)}


def _all_spellings(value: str) -> tuple[str, ...]:
    escaped = ascii(value)[1:-1]
    return value, escaped, escaped.replace("\\", "\\\\"), repr(value.encode())[2:-1], quote(value), value.encode().hex()


def tokens_in(answer: Any) -> list[str]:
    """Return the secrets in an answer to a sign-in or to an order that makes some."""
    secret = ("token", "ticket", "secret", "recovery_codes", "code", "link", "key", "uri")
    found: list[str] = []
    for name, value in answer.items() if isinstance(answer, dict) else ():
        found += tokens_in(value)
        if name in secret:
            found += [text for text in (value if isinstance(value, list) else [value]) if isinstance(text, str)]
    return [text for text in found if len(text) >= 6]
