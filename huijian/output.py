"""How commands answer: a table for people, tabs for pipes, JSON for scripts."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="Answer in JSON, for scripts.")]
SECRETS = frozenset({"password_hash"})


def plain(row: Any) -> dict[str, Any]:
    """A record as something JSON can spell, without what nobody may see."""
    values = asdict(row) if is_dataclass(row) and not isinstance(row, type) else dict(row)
    return {key: _spelled(value) for key, value in values.items() if key not in SECRETS}


def say(row: Any, as_json: bool) -> None:
    """One answer: `key: value` lines, or one JSON object."""
    values = plain(row)
    if as_json:
        print(json.dumps(values, ensure_ascii=False))
        return
    for key, value in values.items():
        print(f"{key}: {_cell(value)}")


def say_all(rows: Sequence[Any], as_json: bool) -> None:
    """A list: an aligned table on a terminal, tab-separated lines in a pipe, or a JSON array."""
    listed = [plain(row) for row in rows]
    if as_json:
        print(json.dumps(listed, ensure_ascii=False))
    elif sys.stdout.isatty():
        _table(listed)
    else:
        for row in listed:
            print("\t".join(_cell(value) for value in row.values()))


def _table(rows: Sequence[Mapping[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    if not rows:
        print("(none)")
        return
    table = Table(box=None, header_style="bold")
    for key in rows[0]:
        table.add_column(key, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    Console().print(table, markup=False)


def _spelled(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _spelled(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_spelled(inner) for inner in value]
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return " ".join(text.split())
