"""The overview of a server as a table of sessions and one of workers: for a live screen, or as plain lines. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

Row = dict[str, str]
_COLOURS = {"live": "green", "held": "red", "ready": "cyan", "check_in": "yellow", "lost": "red", "failed": "red"}


def session_rows(seen: Mapping[str, Any]) -> list[Row]:
    """One row a session, every cell a text; `-` is what does not exist yet."""
    return [_session(one) for one in seen["sessions"]]


def worker_rows(seen: Mapping[str, Any]) -> list[Row]:
    """One row a relay worker."""
    return [_worker(one) for one in seen["workers"]]


def plain_lines(seen: Mapping[str, Any]) -> Iterator[str]:
    """The whole picture without a terminal: tab-separated, with a header before each table."""
    for rows in (session_rows(seen), worker_rows(seen)):
        if rows:
            yield "\t".join(rows[0])
        yield from ("\t".join(row.values()) for row in rows)
    yield " ".join(_service(seen))


def screen(seen: Mapping[str, Any], trouble: str = "") -> RenderableType:
    """The same with colours; `trouble` is why there is nothing newer."""
    parts: list[RenderableType] = [
        Text(" · ".join(_service(seen)), "bold"),
        _table(session_rows(seen)),
        _table(worker_rows(seen)),
    ]
    if trouble:
        parts.insert(0, Text(trouble, "bold red"))
    return Group(*parts)


def _session(one: Mapping[str, Any]) -> Row:
    return {
        "session": one["id"],
        "state": one["state"] if one["reason"] is None else f"{one['state']}:{one['reason']}",
        "prison": one["prison_room"],
        "visitor": one["visitor_room"],
        "quorum": " ".join(f"{one[side]['have']}/{one[side]['need']}" for side in ("prison_quorum", "visitor_quorum")),
        "gate": one["gate"],
        "left": _left(one["remaining_ms"]),
        "kbit/s": _each_side(one["quality"], _bitrate),
        "fps": _each_side(one["quality"], _frames),
        "loss": _each_side(one["quality"], _loss),
        "viewers": _of_viewers(one, lambda told: f"{told['receiving']}/{told['connected']}"),
        "v.loss": _of_viewers(one, lambda told: f"{told['loss']:.1%}"),
        "v.jitter": _of_viewers(one, lambda told: f"{told['jitter_ms']:.0f}"),
        "v.rtt": _of_viewers(one, _round_trip),
        "recording": one["recording"],
        "worker": one["worker"] or "-",
    }


def _worker(one: Mapping[str, Any]) -> Row:
    p99 = one["latency_p99_ms"]
    return {
        "worker": one["name"],
        "up": "yes" if one["ready"] else "NO",
        "sessions": str(one["sessions"]),
        "cpu": f"{one['cpu']:.0%}",
        "in/s": f"{one['packets_in']:.0f}",
        "out/s": f"{one['packets_out']:.0f}",
        "p99": "-" if p99 is None else f"{p99:.1f} ms",
        "memory": f"{one['memory_bytes'] / 2**20:.0f} MiB",
    }


def _service(seen: Mapping[str, Any]) -> list[str]:
    told = [f"recorder {'up' if seen['recorder'] else 'DOWN'}", f"storage {'works' if seen['storage'] else 'FAILS'}"]
    if seen["waiting"]:
        told.append(f"{seen['waiting']} waiting for a relay")
    if seen["left_out"]:
        told.append(f"{seen['left_out']} sessions more")
    return told


def _left(milliseconds: int | None) -> str:
    if milliseconds is None:
        return "-"
    minutes, seconds = divmod(-(-milliseconds // 1000), 60)
    return f"{minutes}:{seconds:02}"


def _each_side(quality: Mapping[str, Any] | None, told: Any) -> str:
    """What is told of each side's tracks, the prison's first."""
    if quality is None:
        return "-"
    return " ".join(told([one for one in (quality[side] or {}).values() if one]) for side in ("prison", "visitor"))


def _of_viewers(one: Mapping[str, Any], told: Callable[[Mapping[str, Any]], str]) -> str:
    """What is told of each side's supervisors, the prison's first; a server of an older version tells nothing."""
    viewers = one.get("viewers")
    return "-" if viewers is None else " ".join(told(viewers[side]) for side in ("prison", "visitor"))


def _round_trip(told: Mapping[str, Any]) -> str:
    """Milliseconds."""
    trip = told["round_trip_ms"]
    return "-" if trip is None else f"{trip:.0f}"


def _bitrate(tracks: Sequence[Mapping[str, float]]) -> str:
    return f"{sum(one['bitrate'] for one in tracks) / 1000:.0f}"


def _frames(tracks: Sequence[Mapping[str, Any]]) -> str:
    return f"{max((one.get('fps') or 0.0 for one in tracks), default=0.0):.0f}"


def _loss(tracks: Sequence[Mapping[str, float]]) -> str:
    return f"{max((one['loss'] for one in tracks), default=0.0):.1%}"


def _table(rows: Iterable[Row]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for number, row in enumerate(rows):
        if number == 0:
            for name in row:
                table.add_column(name, no_wrap=name != "session", overflow="ellipsis")
        table.add_row(*(Text(cell, _COLOURS.get(cell.partition(":")[0], "")) for cell in row.values()))
    return table
