"""The story of one visit: its spans and moments in seconds, from the timeline beside its film, or, where it has none,
from the journal. Reads files and the journal; blocks nothing."""

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from broker.booking.language import is_signed
from broker.booking.slot import Slot
from broker.control.journal.entry import Entry
from broker.kernel import atomic_files
from broker.session import events as ev
from recorder.archive.manifest import stored_coverage
from recorder.archive.paths import MANIFEST, TIMELINE
from recorder.explained.explain import Explained, explained_in
from recorder.explained.spans import FilmSpans, Happened, Zero, seconds_of, spans_in

log = structlog.get_logger()
_ACTIONS = frozenset(kind.__name__ for kind in ev.ACTIONS)
_GATES = {"GateOpened": True, "GateShut": False}
_TALKBACK = {"FloorOpened": True, "FloorShut": False}


@dataclass(frozen=True, slots=True)
class Story:
    """What happened at one visit. `zero`: the moment of second 0; `gaps`: those of the manifest; `pack`: name, version
    and hash of the rules; `coverage`: officers with their spans, as the manifest has them. `film`: its length."""

    zero: datetime
    spans: FilmSpans
    explained: Sequence[Explained] = ()
    gaps: Sequence[Mapping[str, Any]] = ()
    coverage: Mapping[str, Any] | None = None
    pack: Mapping[str, Any] | None = None
    film: float | None = None


async def story_of_film(film: Path, slot: Slot) -> Story | None:
    """Return the story of a visit by the files beside its film, None where they cannot be read."""
    try:
        return await asyncio.to_thread(_read, film, slot)
    except Exception as error:  # whatever a file that was changed makes of its reader
        log.error("the files of a recording cannot be read", session=slot.session, why=type(error).__name__)
        return None


def _read(film: Path, slot: Slot) -> Story | None:
    written = atomic_files.read_json(film.with_name(MANIFEST))
    if written is None or "started_at" not in written:
        return None
    timeline, zero, length = atomic_files.read_lines(film.with_name(TIMELINE)), Zero(written), seconds_of(written)
    spans, gaps = spans_in(zero.events(timeline), length), written.get("gaps") or ()
    policy = written.get("policy")
    return Story(
        zero=zero.wall,
        spans=spans,
        explained=explained_in(spans, gaps, is_signed(slot.language)),
        gaps=gaps,
        coverage=stored_coverage(film),
        pack=policy if isinstance(policy, Mapping) and policy.get("sha256") else None,
        film=length,
    )


def story_of_journal(entries: Sequence[Entry], slot: Slot, now: datetime) -> Story:
    """Return the story of a visit that has no film: from the opening of its check-in to its end, or to `now`."""
    moments = [datetime.fromisoformat(entry.at) for entry in entries if entry.kind == "StateChanged"]
    zero = moments[0] if moments else slot.starts_at
    over = any(entry.kind == "StateChanged" and json.loads(entry.data).get("to") == "ended" for entry in entries)
    end = moments[-1] if over else max(now, zero)
    length = (end - zero).total_seconds() if moments else 0.0
    packs = [json.loads(entry.data) for entry in entries if entry.kind == "PackFrozen"]
    spans = spans_in(_events(entries, zero), length)
    return Story(zero=zero, spans=spans, pack=packs[-1] if packs else None)


def _events(entries: Iterable[Entry], zero: datetime) -> Iterator[Happened]:
    """Yield the entries of a journal as the events of a timeline."""
    for entry in entries:
        second, data = (datetime.fromisoformat(entry.at) - zero).total_seconds(), json.loads(entry.data)
        if entry.kind == "StateChanged":
            yield Happened(second, {"kind": "state", **data})
        elif entry.kind in _ACTIONS:
            yield Happened(second, {**data, "kind": "action", "what": entry.kind})
        elif entry.kind == "AlertRaised":
            yield Happened(second, {**data, "kind": "alert", "what": entry.kind, "of": data.get("kind")})
        elif entry.kind in _GATES:
            yield Happened(second, {**data, "kind": "gate", "open": _GATES[entry.kind]})
        elif entry.kind in _TALKBACK:
            yield Happened(second, {**data, "kind": "floor", "open": _TALKBACK[entry.kind]})
