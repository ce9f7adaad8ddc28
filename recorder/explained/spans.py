"""The spans of a recording: the stretches and moments of its timeline in seconds of the film. Pure."""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from recorder.archive.timeline_coverage import SIDES, Officer, officers_in

AT_ONCE = 1.5
"""Seconds by which the event of a shut gate may be apart from the change of state that it belongs to."""
END = ("ended", "closed")
Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the film. `what`: its kind; `sides`: whom it concerns, all where it is empty; `data`: the event that
    began it."""

    at: float
    to: float
    what: str
    sides: tuple[str, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)

    def has(self, second: float) -> bool:
        """Whether a second lies in the span; its end does not."""
        return self.at <= second < self.to


@dataclass(frozen=True, slots=True)
class Happened:
    """One event of the timeline, at a second of the film."""

    at: float
    event: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FilmSpans:
    """What happened when in a recording. `states`: of the session; `open`: the gate; `holds` with the reason as `what`;
    `mutes` and `talkback` with their sides; `absences` of officers who had been present, with their side, by officer;
    `events`: everything, in order."""

    seconds: float
    states: tuple[Span, ...]
    open: tuple[Span, ...]
    holds: tuple[Span, ...]
    mutes: tuple[Span, ...]
    talkback: tuple[Span, ...]
    absences: tuple[Span, ...]
    events: tuple[Happened, ...]


def seconds_of(written: Mapping[str, Any]) -> float:
    """Return the length of the film that a manifest describes."""
    return max((float(track.get("seconds") or 0.0) for track in written.get("tracks") or ()), default=0.0)


def spans_of(timeline: Iterable[Entry], written: Mapping[str, Any]) -> FilmSpans:
    """Return the spans of a recording, from its timeline and its manifest."""
    length, zero = seconds_of(written), Zero(written)
    return spans_in(zero.events(timeline), length)


def spans_in(events: Iterable[Happened], length: float) -> FilmSpans:
    """Return the spans of what happened in a stretch of `length` seconds."""
    ordered = tuple(sorted(events, key=lambda happened: happened.at))
    states = tuple(_spans(_states(ordered), length))
    opened = tuple(span for span in _spans(_gates(ordered), length) if span.what == "open")
    return FilmSpans(
        seconds=length,
        states=states,
        open=opened,
        holds=tuple(_hold(span, ordered) for span in states if span.what == "held"),
        mutes=tuple(_mutes(ordered, length)),
        talkback=tuple(_talkback(ordered, length)),
        absences=tuple(_absences(ordered, length)),
        events=ordered,
    )


class Zero:
    """The film's beginning on both clocks. The monotonic clock is used where an entry has it, because it cannot be set;
    after a restart of the machine it begins anew, and the wall clock is used."""

    def __init__(self, written: Mapping[str, Any]) -> None:
        parts = written.get("parts") or ()
        self._mono: float | None = parts[0].get("zero_mono") if parts else None
        self.wall = datetime.fromisoformat(str(written["started_at"]))

    def second(self, entry: Entry) -> float | None:
        """Return when an entry was written, in seconds of the film; None where it says no moment."""
        by_wall, mono = self._by_wall(entry.get("at")), entry.get("mono")
        if self._mono is None or not isinstance(mono, int | float):
            return by_wall
        by_mono = float(mono) - self._mono
        return by_wall if by_mono < 0 and (by_wall or 0) > 0 else by_mono

    def _by_wall(self, at: object) -> float | None:
        try:
            return (datetime.fromisoformat(str(at)) - self.wall).total_seconds()
        except (ValueError, TypeError):
            return None

    def events(self, timeline: Iterable[Entry]) -> Iterator[Happened]:
        """Yield the events of a timeline that have a moment. What the relay has measured has its own."""
        for entry in timeline:
            event = entry.get("event")
            if not isinstance(event, Mapping):
                continue
            measured = {**entry, "mono": event["mono"]} if isinstance(event.get("mono"), int | float) else entry
            second = self.second(measured)
            if second is not None:
                yield Happened(second, event)


Change = tuple[float, str, Mapping[str, Any]]


def _spans(changes: Iterable[Change], length: float) -> Iterator[Span]:
    """Yield the stretches between changes, cut to the film. A state of "" is none."""
    last: Change | None = None
    for change in (*changes, (length, "", {})):
        if last is not None and last[1]:
            at, to = min(max(last[0], 0.0), length), min(max(change[0], 0.0), length)
            if to > at:
                yield Span(at, to, last[1], (), last[2])
        last = change


def _states(events: Sequence[Happened]) -> Iterator[Change]:
    for happened in events:
        if happened.event.get("kind") == "state":
            state = str(happened.event.get("to"))
            yield happened.at, "" if state in END else state, happened.event
        elif happened.event.get("kind") == "closed":
            yield happened.at, "", happened.event


def _gates(events: Sequence[Happened]) -> Iterator[Change]:
    for happened in events:
        if happened.event.get("kind") == "gate":
            yield happened.at, "open" if happened.event.get("open") else "shut", happened.event


def _hold(span: Span, events: Sequence[Happened]) -> Span:
    """Return a hold with its reason: an officer's order with its article, else what shut the gate at that moment."""
    first = bisect_left(events, span.at - AT_ONCE, key=_moment)
    behind = bisect_right(events, span.at + AT_ONCE, key=_moment)
    near = [happened.event for happened in events[first:behind]]
    ordered = next((event for event in near if event.get("what") == "HoldOrdered"), None)
    if ordered is not None:
        return Span(span.at, span.to, "supervisor", (), ordered)
    shut = next((event for event in near if event.get("kind") == "gate" and not event.get("open")), None)
    control = any(event.get("kind") == "control" for event in near)
    why = str(shut.get("why") or "") if shut is not None else ""
    reason = "taken_up" if control or why == "lease ran out" else why or "unknown"
    return Span(span.at, span.to, reason, (), shut or {})


def _moment(happened: Happened) -> float:
    return happened.at


def _mutes(events: Sequence[Happened], length: float) -> Iterator[Span]:
    for side in SIDES:
        changes: list[Change] = []
        for happened in events:
            event = happened.event
            if event.get("what") == "MuteOrdered" and event.get("side") == side:
                changes.append((happened.at, "mute" if event.get("on", True) else "", event))
            elif event.get("kind") == "closed":
                changes.append((happened.at, "", event))
        yield from (Span(span.at, span.to, span.what, (side,), span.data) for span in _spans(changes, length))


def _talkback(events: Sequence[Happened], length: float) -> Iterator[Span]:
    changes: list[Change] = []
    for happened in events:
        if happened.event.get("kind") == "floor":
            changes.append((happened.at, "talkback" if happened.event.get("open") else "", happened.event))
        elif happened.event.get("kind") == "closed":
            changes.append((happened.at, "", happened.event))
    for span in _spans(changes, length):
        sides = tuple(str(side) for side in span.data.get("sides") or ())
        yield Span(span.at, span.to, span.what, sides, span.data)


def _absences(events: Sequence[Happened], length: float) -> Iterator[Span]:
    """Yield the stretches in which an officer who had been present was not, until the officer is again or the visit is
    over. A loss of the control process, without which no officer counts, has its own explanation."""
    changes: dict[Officer, list[Change]] = {}
    for happened in events:
        event = happened.event
        for officer in _there(event, changes):
            changes[officer].append((happened.at, "", event))
        for gone in _items(event.get("left")):
            officer = Officer(str(gone.get("user")), str(gone.get("site")))
            changes.setdefault(officer, []).append((happened.at, "absent", gone))
    for found in changes.values():
        for span in _spans(found, length):
            yield Span(span.at, span.to, span.what, (str(span.data.get("side")),), span.data)


def _there(event: Mapping[str, Any], officers: Collection[Officer]) -> Iterator[Officer]:
    """Yield the officers whose absence an event ends."""
    kind = event.get("kind")
    over = kind in ("control", "closed") or (kind == "state" and event.get("to") in END)
    present = officers_in(event) if kind == "people" else frozenset[Officer]()
    yield from (officer for officer in officers if over or officer in present)


def _items(value: object) -> Iterator[Mapping[str, Any]]:
    yield from (item for item in (value if isinstance(value, list) else ()) if isinstance(item, Mapping))
