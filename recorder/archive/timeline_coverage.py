"""Supervision coverage of a recording, computed from its timeline (Yunnan 25, 26(3); Guangdong 27, 31(1)): for each
officer the spans in which they were present, for each side the spans in which too few were, and the counts of attention
checks. Times are seconds of the film, from 0 to its length. Pure, so that it can be computed again from the log."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

RULE = 1
"""Number of this way of computing. A stored coverage names the rule by which it was computed."""
NEED = 2  # officers a side, where an older plan does not say (Yunnan 25)
SIDES = ("prison", "visitor")
_COUNTS = {"AttentionAsked": "asked", "AttentionAnswered": "answered", "AttentionMissed": "missed"}


class Span(NamedTuple):
    """A span of the film, in seconds."""

    start: float
    end: float

    def to_json(self) -> list[float]:
        """Return start and end, rounded to milliseconds."""
        return [round(self.start, 3), round(self.end, 3)]

    def has(self, second: float) -> bool:
        """Whether a second lies in the span; its end does not."""
        return self.start <= second < self.end


class Officer(NamedTuple):
    """An officer who watched, by id. `site` is "" where an old timeline does not say it."""

    user: str
    site: str


@dataclass(slots=True)
class Presence:
    """The presence of one officer; `questions` counts attention checks asked, answered and missed."""

    spans: list[Span] = field(default_factory=list)
    questions: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_COUNTS.values(), 0))

    @property
    def seconds(self) -> float:
        """Return how long the officer was present."""
        return sum(end - start for start, end in self.spans)


@dataclass(frozen=True, slots=True)
class Coverage:
    """The coverage of one film. `short`: for each side, when fewer than `need` officers of its site were present."""

    seconds: float
    need: int
    sites: tuple[str, str]
    officers: Mapping[Officer, Presence]
    short: tuple[tuple[Span, ...], tuple[Span, ...]]

    def of_side(self, side: int) -> list[tuple[Officer, Presence]]:
        """Return the officers of a side's site, in order of their ids."""
        officers = sorted(self.officers.items())
        return [(officer, presence) for officer, presence in officers if officer.site == self.sites[side]]

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object in the manifest."""
        return {
            "rule": RULE,
            "seconds": round(self.seconds, 3),
            "need": self.need,
            "officers": [
                {
                    "user": officer.user,
                    "site": officer.site,
                    "seconds": round(presence.seconds, 3),
                    "spans": [span.to_json() for span in presence.spans],
                    "questions": presence.questions,
                }
                for officer, presence in sorted(self.officers.items())
            ],
            "sides": {
                side: {
                    "site": self.sites[number],
                    "short_seconds": round(sum(end - start for start, end in self.short[number]), 3),
                    "short": [span.to_json() for span in self.short[number]],
                }
                for number, side in enumerate(SIDES)
            },
        }


def coverage(timeline: Iterable[Mapping[str, Any]], written: Mapping[str, Any]) -> Coverage:
    """Return the coverage of a film. `written`: its manifest, of which `started_at`, `parts`, `tracks`, `sides` and
    `policy` are used."""
    length = max((float(track["seconds"]) for track in written.get("tracks") or ()), default=0.0)
    zero = _Zero(written)
    officers: dict[Officer, Presence] = {}
    changes: list[tuple[float, frozenset[Officer]]] = []
    for entry in timeline:
        event = entry.get("event") or {}
        if event.get("kind") in ("people", "control") and "at" in entry:
            changes.append((min(max(zero.second(entry), 0.0), length), officers_in(event)))
        elif event.get("kind") == "attention" and event.get("what") in _COUNTS:
            officer = Officer(str(event.get("user")), str(event.get("site")))
            officers.setdefault(officer, Presence()).questions[_COUNTS[event["what"]]] += 1
    changes.sort(key=lambda change: change[0])
    _add_spans(officers, changes, length)
    sides = written.get("sides") or {}
    sites = tuple(str((sides.get(side) or {}).get("site", "")) for side in SIDES)
    need = int((written.get("policy") or {}).get("min_supervisors") or NEED)
    short = tuple(tuple(_short(changes, (sites[side], sites[1 - side]), need, length)) for side in (0, 1))
    return Coverage(length, need, (sites[0], sites[1]), officers, (short[0], short[1]))


def officers_in(event: Mapping[str, Any]) -> frozenset[Officer]:
    """Return the officers who are present by a `people` event, which names them with their sites, or in old timelines
    by user alone. Empty for a `control` event: without the control process no officer counts as present."""
    found = event.get("watchers") or ()
    return frozenset(
        Officer(str(item.get("user")), str(item.get("site"))) if isinstance(item, Mapping) else Officer(str(item), "")
        for item in found
    )


class _Zero:
    """The film's beginning on both clocks. The monotonic clock is used where an entry has it, because it cannot be set.

    After a restart of the machine the monotonic clock begins anew; entries after that only close the timeline.
    """

    def __init__(self, written: Mapping[str, Any]) -> None:
        parts = written.get("parts") or ()
        self._mono: float | None = parts[0].get("zero_mono") if parts else None
        self._wall = datetime.fromisoformat(str(written["started_at"]))

    def second(self, entry: Mapping[str, Any]) -> float:
        """Return when an entry was written, in seconds of the film."""
        if self._mono is not None and isinstance(entry.get("mono"), int | float):
            return float(entry["mono"]) - self._mono
        return (datetime.fromisoformat(str(entry["at"])) - self._wall).total_seconds()


def _add_spans(
    officers: dict[Officer, Presence], changes: Sequence[tuple[float, frozenset[Officer]]], length: float
) -> None:
    """Add to each officer the spans in which they were present."""
    since: dict[Officer, float] = {}
    for at, present in [*changes, (length, frozenset[Officer]())]:
        for officer in since.keys() - present:
            start = since.pop(officer)
            if at > start:
                officers.setdefault(officer, Presence()).spans.append(Span(start, at))
        for officer in present - since.keys():
            since[officer] = at


def _short(
    changes: Sequence[tuple[float, frozenset[Officer]]], sites: tuple[str, str], need: int, length: float
) -> Iterable[Span]:
    """Yield the spans with fewer than `need` officers of the first site. An officer of both sites counts for none."""
    since: float | None = 0.0
    for at, present in [*changes, (length, None)]:
        enough = present is not None and _count(present, sites) >= need
        if since is not None and (enough or present is None):
            if at > since:
                yield Span(since, at)
            since = None
        elif since is None and not enough:
            since = at


def _count(present: frozenset[Officer], sites: tuple[str, str]) -> int:
    other_side = {officer.user for officer in present if officer.site == sites[1]}
    return len({officer.user for officer in present if officer.site == sites[0]} - other_side)
