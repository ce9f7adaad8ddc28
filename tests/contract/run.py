"""Runs schemathesis as one role after another, each in a process of its own against an application of its own."""

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.contract.hooks import THINGS
from tests.contract.service import running

ROOT = Path(__file__).parents[2]
CALLERS = {
    "auditor": "auditor",
    "admin": "admin",
    "supervisor": "prison-sup",
    "approver": "approver",
    "terminal": "p1",
    "integrator": "booking",
    "clerk": "clerk",
    "procurator": "procurator",
    "observer": "observer",
    "": "",
}
"""Accounts of the tests of signaling by role; "" asks for what is open to everybody, without a credential."""
SPOKEN = frozenset({"get_sockets_connect"})
"""Operations that are no requests: the WebSocket has tests of its own."""
GRACE = 120.0
"""Seconds that a process has beyond its time for what it has begun: it makes failing cases smaller."""
_COUNT = re.compile(r"([0-9,]+) generated")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one role: how many requests were sent, whether all answers were as described, and the report."""

    role: str
    sent: int
    sound: bool
    report: str


async def run(roles: Iterable[str], seconds: float, seed: int) -> AsyncIterator[Outcome]:
    """Ask as each role for so many seconds. The same seed sends the same requests, as far as answers are the same."""
    for role in roles:
        with TemporaryDirectory(prefix="hj-contract") as folder:
            async with running(Path(folder)) as (front, things):
                chosen = operations(front.context.openapi, role)
                credential = ("-H", f"Authorization: Bearer {front.tokens[CALLERS[role]]}") if role else ()
                url = str(front.client.make_url("/api/v1/openapi.json"))
                options = *credential, *_options(seconds, seed)
                try:
                    async with asyncio.timeout(seconds + GRACE):
                        report = await _schemathesis(url, chosen, options, things, folder)
                except TimeoutError:
                    report = 1, f"It did not end within {GRACE:.0f} s after its time."
        yield _outcome(role, *report)


def name_of(role: str) -> str:
    """Return what a role is called on the command line."""
    return role or "open"


def operations(document: Mapping[str, Any], role: str) -> list[str]:
    """Return the ids of the operations that a role may ask for; for "" those that are open."""
    every = [operation for methods in document["paths"].values() for operation in methods.values()]
    allowed = [one["operationId"] for one in every if (role or None) in one.get("x-roles", (None,))]
    return [id for id in allowed if id not in SPOKEN]


def _options(seconds: float, seed: int) -> tuple[str, ...]:
    return (
        *("--max-time", str(max(1, round(seconds))), "--seed", str(seed), "--request-timeout", "30"),
        *("--continue-on-failure", "--no-color", "--warnings", "off", "--generation-database", "none"),
    )


async def _schemathesis(
    url: str, chosen: Iterable[str], options: Iterable[str], things: Mapping[str, Any], folder: str
) -> tuple[int, str]:
    """Run the command in a folder, where it leaves what it remembers; return its exit code and what it has written."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "SCHEMATHESIS_HOOKS": "tests.contract.hooks"}
    named = [word for id in chosen for word in ("--include-operation-id", id)]
    config = str(Path(__file__).with_name("schemathesis.toml"))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", config, "run", url, *options, *named),
        cwd=folder,
        env={**environment, THINGS: json.dumps(things)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        written, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, written.decode(errors="replace")


def _outcome(role: str, code: int, report: str) -> Outcome:
    found = _COUNT.search(report)
    sent = int(found[1].replace(",", "")) if found else 0
    return Outcome(name_of(role), sent, code == 0 and sent > 0, report)
