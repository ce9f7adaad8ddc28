"""What intents, files and catalog do not agree on; each one is journaled by the control process. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count
from typing import Any

AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Difference:
    """`kind`: archived_without_notice, unfinished, plan_lost, intent_without_files, work_without_row,
    work_without_plan, file_without_row, row_without_files, film_missing, manifest_changed, manifest_unreadable or
    purged_with_files."""

    kind: str
    session: str


class Differences:
    """Those that are not journaled yet, numbered: they are asked for, and taken off when that is done."""

    def __init__(self, found: Iterable[Difference] = ()) -> None:
        self._numbers = count(1)
        self._waiting = {next(self._numbers): one for one in found}

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, difference: Difference) -> None:
        """Take one in."""
        self._waiting[next(self._numbers)] = difference

    def first(self) -> list[dict[str, Any]]:
        """The oldest, as they are told."""
        oldest = list(self._waiting.items())[:AT_ONCE]
        return [{"number": number, "kind": one.kind, "session": one.session} for number, one in oldest]

    def noted(self, up_to: int) -> None:
        """All up to a number are journaled."""
        for number in [number for number in self._waiting if number <= up_to]:
            del self._waiting[number]
