"""The last equipment tests of a terminal, kept by itself: the officer's screen shows them while the server is away, and
they are part of the exported logs. They hold figures and no picture or sound."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from broker.kernel.atomic_files import read_json, write_json

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
