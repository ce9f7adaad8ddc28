"""Who watched when, from a recording's timeline (Yunnan 25, 26(3); Guangdong 27, 31(1)): for each officer the stretches
in which they counted, for each side those in which too few did, and what came of the questions whether they still
watched. A second is one of the film's, from 0 to its length. Pure, so that anybody can reckon it again from the log."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

RULE = 1
"""The number of this way of reckoning; what is stored was reckoned by the rule it names."""
NEED = 2  # where the plan is of a version that did not say it: Yunnan 25
SIDES = ("prison", "visitor")
_COUNTS = {"AttentionAsked": "asked", "AttentionAnswered": "answered", "AttentionMissed": "missed"}


class Stretch(NamedTuple):
    """A stretch of the film, in seconds."""

    start: float
    end: float

    def to_json(self) -> list[float]:
        """Rounded to milliseconds."""
        return [round(self.start, 3), round(self.end, 3)]


class Officer(NamedTuple):
    """Somebody who watched. `site` is "" where an old timeline did not say it."""

    user: str
    site: str


@dataclass(slots=True)
class Watched:
    """What one officer did for a visit; `questions` counts those asked, answered and missed."""

    stretches: list[Stretch] = field(default_factory=list)
    questions: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_COUNTS.values(), 0))

    @property
    def seconds(self) -> float:
        """How long they counted."""
        return sum(end - start for start, end in self.stretches)


@dataclass(frozen=True, slots=True)
class Coverage:
    """`short` holds, for each side, when fewer than `need` officers of its site counted."""

    seconds: float
    need: int
    sites: tuple[str, str]
    officers: Mapping[Officer, Watched]
    short: tuple[tuple[Stretch, ...], tuple[Stretch, ...]]

    def of_side(self, side: int) -> list[tuple[Officer, Watched]]:
        """The officers of a side's site, in order."""
        return [(one, watched) for one, watched in sorted(self.officers.items()) if one.site == self.sites[side]]

    def to_json(self) -> dict[str, Any]:
        """As the manifest keeps it."""
        return {
            "rule": RULE,
            "seconds": round(self.seconds, 3),
            "need": self.need,
            "officers": [
                {
                    "user": one.user,
                    "site": one.site,
                    "seconds": round(watched.seconds, 3),
                    "spans": [stretch.to_json() for stretch in watched.stretches],
                    "questions": watched.questions,
                }
                for one, watched in sorted(self.officers.items())
            ],
            "sides": {
                side: {
                    "site": self.sites[number],
                    "short_seconds": round(sum(end - start for start, end in self.short[number]), 3),
                    "short": [stretch.to_json() for stretch in self.short[number]],
                }
                for number, side in enumerate(SIDES)
            },
        }


def coverage(timeline: Iterable[Mapping[str, Any]], written: Mapping[str, Any]) -> Coverage:
    """The coverage of a film. `written` is its manifest, or as much of one as says when the film begins
    (`started_at`, `parts`), how long it is (`tracks`), its `sides` and its `policy`."""
    length = max((float(track["seconds"]) for track in written.get("tracks") or ()), default=0.0)
    zero = _Zero(written)
    known: dict[Officer, Watched] = {}
    changes: list[tuple[float, frozenset[Officer]]] = []
    for entry in timeline:
        event = entry.get("event") or {}
        if event.get("kind") in ("people", "control") and "at" in entry:
            changes.append((min(max(zero.second(entry), 0.0), length), officers_in(event)))
        elif event.get("kind") == "attention" and event.get("what") in _COUNTS:
            one = Officer(str(event.get("user")), str(event.get("site")))
            known.setdefault(one, Watched()).questions[_COUNTS[event["what"]]] += 1
    changes.sort(key=lambda change: change[0])
    _stretch(known, changes, length)
    sides = written.get("sides") or {}
    sites = tuple(str((sides.get(side) or {}).get("site", "")) for side in SIDES)
    need = int((written.get("policy") or {}).get("min_supervisors") or NEED)
    short = tuple(tuple(_short(changes, (sites[side], sites[1 - side]), need, length)) for side in (0, 1))
    return Coverage(length, need, (sites[0], sites[1]), known, (short[0], short[1]))


def officers_in(event: Mapping[str, Any]) -> frozenset[Officer]:
    """Who watches, as a `people` event says it: with sites, or by user alone as older ones do. Nobody where the event
    is that the control process, which alone could say so, is gone."""
    found = event.get("watchers") or ()
    return frozenset(
        Officer(str(one.get("user")), str(one.get("site"))) if isinstance(one, Mapping) else Officer(str(one), "")
        for one in found
    )


class _Zero:
    """The film's beginning on both clocks: the monotonic one is not moved by anybody, so it counts where it is there.
    After a restart of the machine it began anew; what is then written only closes the timeline."""

    def __init__(self, written: Mapping[str, Any]) -> None:
        parts = written.get("parts") or ()
        self._mono: float | None = parts[0].get("zero_mono") if parts else None
        self._wall = datetime.fromisoformat(str(written["started_at"]))

    def second(self, entry: Mapping[str, Any]) -> float:
        """When an entry was, in seconds of the film."""
        if self._mono is not None and isinstance(entry.get("mono"), int | float):
            return float(entry["mono"]) - self._mono
        return (datetime.fromisoformat(str(entry["at"])) - self._wall).total_seconds()


def _stretch(known: dict[Officer, Watched], changes: Sequence[tuple[float, frozenset[Officer]]], length: float) -> None:
    """Write down for each officer when they were among those who watched."""
    since: dict[Officer, float] = {}
    for at, there in [*changes, (length, frozenset[Officer]())]:
        for one in since.keys() - there:
            start = since.pop(one)
            if at > start:
                known.setdefault(one, Watched()).stretches.append(Stretch(start, at))
        for one in there - since.keys():
            since[one] = at


def _short(
    changes: Sequence[tuple[float, frozenset[Officer]]], sites: tuple[str, str], need: int, length: float
) -> Iterable[Stretch]:
    """When fewer than `need` officers of the first site watched who did not watch for the other one as well."""
    since: float | None = 0.0
    for at, there in [*changes, (length, None)]:
        enough = there is not None and _count(there, sites) >= need
        if since is not None and (enough or there is None):
            if at > since:
                yield Stretch(since, at)
            since = None
        elif since is None and not enough:
            since = at


def _count(there: frozenset[Officer], sites: tuple[str, str]) -> int:
    far = {one.user for one in there if one.site == sites[1]}
    return len({one.user for one in there if one.site == sites[0]} - far)
