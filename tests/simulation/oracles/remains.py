"""What is left of a world when it is over: the rows of its database and the files of its archive, read without the
product."""

import json
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.simulation.world.media import sounds_in

if TYPE_CHECKING:
    from tests.simulation.world.world import World

Row = dict[str, Any]


@dataclass(frozen=True)
class Remains:
    """Rows by table, and the sound packets found in the media files of each session."""

    slots: list[Row]
    snapshots: dict[str, Row]
    journal: list[Row]
    recordings: dict[str, Row]
    tables: dict[str, list[Row]]
    sounds: dict[str, set[tuple[int, int, int]]]
    archived: dict[str, set[tuple[int, int, int]]]
    work: tuple[str, ...]

    @classmethod
    def of(cls, world: "World") -> "Remains":
        """Read what is left of a world."""
        tables = _tables(world)
        sounds: dict[str, set[tuple[int, int, int]]] = {}
        archived: dict[str, set[tuple[int, int, int]]] = {}
        for path, data in world.films().items():
            session = path.split("/")[-2]
            found = sounds_in(data)
            sounds.setdefault(session, set()).update(found)
            if not path.startswith(".work/"):
                archived.setdefault(session, set()).update(found)
        root = world.folder / "archive" / ".work"
        work = tuple(sorted(path.name for path in root.iterdir())) if root.is_dir() else ()
        snapshots = {row["session"]: {**row, "data": _json(row["data"])} for row in tables.get("snapshots", [])}
        return cls(
            tables.get("slots", []),
            snapshots,
            [{**row, "data": _json(row["data"])} for row in tables.get("journal", [])],
            {row["session"]: row for row in tables.get("recordings", [])},
            tables,
            sounds,
            archived,
            work,
        )

    def entries(self, session: str, *kinds: str) -> list[Row]:
        """Return the journal's entries of a session, of some kinds, in their order."""
        return [row for row in self.journal if row["session"] == session and (not kinds or row["kind"] in kinds)]


def _json(text: Any) -> Any:
    return json.loads(text) if isinstance(text, str | bytes) else text


def _tables(world: "World") -> dict[str, list[Row]]:
    path = world.folder / "data" / "huijian.sqlite"
    connection = sqlite3.connect(path)
    try:
        connection.row_factory = sqlite3.Row
        names = [row["name"] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: [dict(row) for row in connection.execute(f'SELECT * FROM "{name}"')] for name in names}
    finally:
        connection.close()
