"""Prints the answers of commands: a table for people, tabs for pipes, JSON for scripts. People read times as the clock
on their wall shows them (Asia/Shanghai); pipes and scripts get them as they are stored."""

import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from broker.kernel.clock import in_shanghai
from broker.kernel.errors import Conflict
from config import private_files
from huijian.streams import encodable

Json = Annotated[bool, typer.Option("--json", help="Answer in JSON, for scripts.")]
SECRETS = frozenset({"password_hash"})
"""Fields that no command prints."""
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def plain(row: Any) -> dict[str, Any]:
    """Return a record as values that JSON can encode, without secrets."""
    values = asdict(row) if is_dataclass(row) and not isinstance(row, type) else dict(row)
    return {key: _encodable(value) for key, value in values.items() if key not in SECRETS}


def say(row: Any, as_json: bool) -> None:
    """Print one answer: `key: value` lines, or one JSON object."""
    values = plain(row)
    if as_json:
        print(_json(values))
        return
    shown = _read if sys.stdout.isatty() else _cell
    for key, value in values.items():
        print(f"{key}: {shown(value)}")


def warn(text: str) -> None:
    """Print a line for the person who gave the command on standard error, beside the answer."""
    print(f"huijian: {text}", file=sys.stderr)


def free_file(file: Path | None) -> None:
    """Check that a secret can go into a new file, before it is made. Raises Conflict where there is one."""
    if file is not None and os.path.lexists(file):
        raise Conflict(f"{file} is there already: name a new file.", f"{file} 已存在，请换一个文件名。")


def say_secret(row: dict[str, Any], name: str, file: Path | None, as_json: bool) -> None:
    """Print one answer with a secret, its member `name`; with `file` the secret goes there, closed to other users, and
    not to the screen, into a history or a log."""
    if file is not None:
        private_files.create(file, f"{row.pop(name)}\n".encode())
        row = {**row, "file": str(file)}
    say(row, as_json)


def say_all(rows: Sequence[Any], as_json: bool) -> None:
    """Print a list: an aligned table on a terminal, tab-separated lines in a pipe, or a JSON array."""
    listed = [plain(row) for row in rows]
    if as_json:
        print(_json(listed))
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
        table.add_row(*(_read(value) for value in row.values()))
    Console().print(table, markup=False)


def _json(value: Any) -> str:
    """Return JSON; a character that cannot be printed is an escape of JSON, and not of the terminal."""
    text = json.dumps(value, ensure_ascii=False)
    return text if encodable(text) else json.dumps(value)


def _encodable(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _encodable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_encodable(inner) for inner in value]
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _read(value: Any) -> str:
    """A value for people: a moment is the time in Asia/Shanghai."""
    if not isinstance(value, str) or not MOMENT.fullmatch(value):
        return _cell(value)
    try:
        return f"{in_shanghai(datetime.fromisoformat(value)):%Y-%m-%d %H:%M:%S}"
    except ValueError:  # it only looks like a moment
        return _cell(value)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return " ".join(text.split())
