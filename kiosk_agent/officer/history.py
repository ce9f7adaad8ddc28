"""Equipment tests of a terminal's room: those that the server keeps, over months, and the last ones, kept by the
terminal itself. The officer's screen shows its own while the server is away, and they are part of the exported logs.
They hold figures and no picture or sound."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from broker.kernel.atomic_files import read_json, write_json
from kiosk_agent.webrtc.peer import ServerAccess

log = logging.getLogger(__name__)

ANSWER_WITHIN = 5.0
"""Seconds for the server to list the tests of the room."""
_LARGEST = 512 * 1024
_ASKED = 60
"""Tests that are asked for: the last weeks of a room."""
KEPT = 100
"""Tests that are kept: two weeks of a busy room."""


class KeptTest(msgspec.Struct, frozen=True):
    """A test: when (UTC, ISO 8601), its figures, and the parts that did not work at all."""

    at: str
    figures: Mapping[str, float]
    faults: tuple[str, ...] = ()


class EquipmentHistory:
    """The tests in a file, the newest first; without a path they last as long as the program."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self.tests = self._read()

    def add(self, test: KeptTest) -> None:
        """Keep one more test; the oldest gives way."""
        self.tests = (test, *self.tests)[:KEPT]

    def write(self) -> None:
        """Write the tests where there is a place for them. It blocks; raises OSError."""
        if self._path is not None:
            write_json(self._path, self.to_json())

    def to_json(self) -> dict[str, Any]:
        """Return the tests as plain values."""
        return {"tests": msgspec.to_builtins(self.tests)}

    def _read(self) -> tuple[KeptTest, ...]:
        values = (read_json(self._path) if self._path is not None else None) or {}
        try:
            return msgspec.convert(values.get("tests", []), tuple[KeptTest, ...])[:KEPT]
        except msgspec.ValidationError:
            return ()


class _Check(msgspec.Struct):
    code: str
    verdict: str


class _Listed(msgspec.Struct):
    at: str
    figures: dict[str, float]
    checks: tuple[_Check, ...]


class _Answer(msgspec.Struct):
    tests: tuple[_Listed, ...]


async def fetch_tests(access: ServerAccess, room: str) -> tuple[KeptTest, ...] | None:
    """Return the tests of a room as the server keeps them, the newest first, with the checks that failed by its
    verdict; None where it does not tell."""
    url, limit = f"{access.url}/api/v1/rooms/{room}/tests", aiohttp.ClientTimeout(total=ANSWER_WITHIN)
    ask = access.http.get(url, params={"limit": _ASKED}, headers=access.headers, timeout=limit, allow_redirects=False)
    try:
        async with ask as response:
            if response.status != 200 or response.content_type != "application/json":
                raise ValueError(f"HTTP status {response.status}")
            answer = msgspec.json.decode(await response.content.read(_LARGEST), type=_Answer)
    except (TimeoutError, aiohttp.ClientError, ValueError, msgspec.DecodeError) as error:
        log.info("the room's tests did not come", extra={"error": type(error).__name__})
        return None
    return tuple(KeptTest(test.at, test.figures, _failed(test)) for test in answer.tests)


def _failed(test: _Listed) -> tuple[str, ...]:
    return tuple(check.code for check in test.checks if check.verdict == "failed")
