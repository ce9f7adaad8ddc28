"""Formats the overview of a server as a table of sessions and a table of workers, for a live screen or as lines.
Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

Row = dict[str, str]
JOURNAL = {
    "differs": "JOURNAL NOT AS SIGNED: huijian admin journal verify",
    "no_checkpoint": "no journal checkpoint can be made",
    "copy_fails": "a copy of the journal's checkpoints FAILS",
}
_COLOURS = {"live": "green", "held": "red", "ready": "cyan", "check_in": "yellow", "lost": "red", "failed": "red"}


def session_rows(overview: Mapping[str, Any]) -> list[Row]:
    """Return one row for each session, every cell a text; `-` stands for what does not exist yet."""
    return [_session(session) for session in overview["sessions"]]


def worker_rows(overview: Mapping[str, Any]) -> list[Row]:
    """Return one row for each relay worker."""
    return [_worker(worker) for worker in overview["workers"]]


def plain_lines(overview: Mapping[str, Any]) -> Iterator[str]:
    """Yield the overview as tab-separated lines, with a header before each table."""
    for rows in (session_rows(overview), worker_rows(overview)):
        if rows:
            yield "\t".join(rows[0])
        yield from ("\t".join(row.values()) for row in rows)
    yield " ".join(_service(overview))


def screen(overview: Mapping[str, Any], trouble: str = "") -> RenderableType:
    """Return the overview with colours for a terminal; `trouble` is why there is nothing newer."""
    parts: list[RenderableType] = [
        Text(" · ".join(_service(overview)), "bold"),
        _table(session_rows(overview)),
        _table(worker_rows(overview)),
    ]
    if trouble:
        parts.insert(0, Text(trouble, "bold red"))
    return Group(*parts)


def _session(session: Mapping[str, Any]) -> Row:
    return {
        "session": session["id"],
        "state": session["state"] if session["reason"] is None else f"{session['state']}:{session['reason']}",
        "prison": session["prison_room"],
        "visitor": session["visitor_room"],
        "quorum": " ".join(
            f"{session[side]['have']}/{session[side]['need']}" for side in ("prison_quorum", "visitor_quorum")
        ),
        "gate": session["gate"],
        "left": _left(session["remaining_ms"]),
        "kbit/s": _each_side(session["quality"], _bitrate),
        "fps": _each_side(session["quality"], _frames),
        "loss": _each_side(session["quality"], _loss),
        "viewers": _of_viewers(session, lambda counts: f"{counts['receiving']}/{counts['connected']}"),
        "v.loss": _of_viewers(session, lambda counts: f"{counts['loss']:.1%}"),
        "v.jitter": _of_viewers(session, lambda counts: f"{counts['jitter_ms']:.0f}"),
        "v.rtt": _of_viewers(session, _round_trip),
        "recording": session["recording"],
        "worker": session["worker"] or "-",
    }


def _worker(worker: Mapping[str, Any]) -> Row:
    p99 = worker["latency_p99_ms"]
    return {
        "worker": worker["name"],
        "up": "yes" if worker["ready"] else "NO",
        "sessions": _of(worker["sessions"], worker.get("carries")),
        "cpu": f"{worker['cpu']:.0%}",
        "a session": _share(worker.get("session_cpu")),
        "in/s": f"{worker['packets_in']:.0f}",
        "out/s": f"{worker['packets_out']:.0f}",
        "p99": "-" if p99 is None else f"{p99:.1f} ms",
        "memory": f"{worker['memory_bytes'] / 2**20:.0f} MiB",
        "left out": _left_out(worker),
    }


def _of(sessions: int, carries: int | None) -> str:
    """Return how many sessions a worker has, and how many it carries; an older server does not say."""
    return str(sessions) if carries is None else f"{sessions}/{carries}"


def _share(cores: float | None) -> str:
    """Return the part of a core that a session costs; an older server does not say."""
    return "-" if cores is None else f"{cores:.1%}"


def _left_out(worker: Mapping[str, Any]) -> str:
    """Return what an overloaded worker leaves out; an older server says nothing of it."""
    overload = worker.get("overload", 0)
    return ("-", "repairs", f"pictures {1 - worker.get('picture_share', 1.0):.0%}")[overload]


def _service(overview: Mapping[str, Any]) -> list[str]:
    parts = [
        f"recorder {'up' if overview['recorder'] else 'DOWN'}",
        f"storage {'works' if overview['storage'] else 'FAILS'}",
    ]
    if trouble := overview.get("journal"):  # an older server says nothing of it
        parts.append(JOURNAL[trouble])
    if overview["waiting"]:
        parts.append(f"{overview['waiting']} waiting for a relay with room")
    if overview["left_out"]:
        parts.append(f"{overview['left_out']} sessions more")
    return parts


def _left(milliseconds: int | None) -> str:
    if milliseconds is None:
        return "-"
    minutes, seconds = divmod(-(-milliseconds // 1000), 60)
    return f"{minutes}:{seconds:02}"


def _each_side(quality: Mapping[str, Any] | None, text_of: Callable[[Sequence[Mapping[str, Any]]], str]) -> str:
    """Return a text about each side's tracks, the prison's first."""
    if quality is None:
        return "-"
    sides = [[track for track in (quality[side] or {}).values() if track] for side in ("prison", "visitor")]
    return " ".join(text_of(tracks) for tracks in sides)


def _of_viewers(session: Mapping[str, Any], text_of: Callable[[Mapping[str, Any]], str]) -> str:
    """Return a text about each side's supervisors, the prison's first; an older server reports none."""
    viewers = session.get("viewers")
    return "-" if viewers is None else " ".join(text_of(viewers[side]) for side in ("prison", "visitor"))


def _round_trip(counts: Mapping[str, Any]) -> str:
    """Return the round-trip time in milliseconds."""
    trip = counts["round_trip_ms"]
    return "-" if trip is None else f"{trip:.0f}"


def _bitrate(tracks: Sequence[Mapping[str, float]]) -> str:
    return f"{sum(track['bitrate'] for track in tracks) / 1000:.0f}"


def _frames(tracks: Sequence[Mapping[str, Any]]) -> str:
    return f"{max((track.get('fps') or 0.0 for track in tracks), default=0.0):.0f}"


def _loss(tracks: Sequence[Mapping[str, float]]) -> str:
    return f"{max((track['loss'] for track in tracks), default=0.0):.1%}"


def _table(rows: Iterable[Row]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for number, row in enumerate(rows):
        if number == 0:
            for name in row:
                table.add_column(name, no_wrap=name != "session", overflow="ellipsis")
        table.add_row(*(Text(cell, _COLOURS.get(cell.partition(":")[0], "")) for cell in row.values()))
    return table
