"""The explanations of a recording: each stretch in which something is missing, or did not cross, with its cause, what
crossed meanwhile, and both in one sentence. One function for the player, the exported sheet and the timeline. Pure.

A gap of the manifest says what the recorder lacked; the timeline says what was going on. Together: a picture that is
missing while the sound goes on is the camera, both missing is the line; a hole between parts is the recorder; while the
gate was shut nothing crossed, whatever came.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from recorder.archive.timeline_coverage import SIDES
from recorder.explained.spans import Entry, FilmSpans, Span, spans_of
from recorder.explained.words import Words, absence_words, article_words, hold_words, sentence

TRACKS = {0: ("prison", "picture"), 1: ("prison", "sound"), 2: ("visitor", "picture"), 3: ("visitor", "sound")}
TOGETHER = 0.5
"""Seconds by which gaps of one cause may be apart and are one: a bad line makes thousands."""
AT_FIRST = 0.5
"""Seconds of the shortest wait for the gate that is explained: a film begins a moment before its visit."""
NEAR = 2.0
"""Seconds around a report of lost records in which a gap is the recorder's."""
RECORDER, RECONNECT, LOSS, SILENT, NOT_BEGUN = "recorder", "reconnect", "loss", "no_packets", "not_begun"
"""Causes of gaps in a manifest."""


@dataclass(frozen=True, slots=True)
class Explained:
    """One explanation, in seconds of the film. `side`: prison, visitor or both; `missing`: what the film lacks of it
    (picture, sound, both or none); `crossed`: what crossed meanwhile (nothing, sound, picture, everything, partly,
    or unrecorded)."""

    at: float
    to: float
    side: str
    cause: str
    missing: str
    crossed: str
    zh: str
    en: str

    def to_json(self) -> dict[str, Any]:
        """Return the explanation as JSON values, with times rounded to milliseconds."""
        texts = {name: getattr(self, name) for name in ("side", "cause", "missing", "crossed", "zh", "en")}
        return {"at": round(self.at, 3), "to": round(self.to, 3), **texts}


@dataclass(slots=True)
class _Gap:
    """Gaps of one track that are one for a viewer."""

    at: float
    to: float
    side: str
    what: str
    cause: str


def explain(timeline: Iterable[Entry], written: Mapping[str, Any], signed: bool = False) -> list[Explained]:
    """Return the explanations of a recording in the order of the film. `written`: its manifest; `signed`: the visit was
    in sign language."""
    return explained_in(spans_of(timeline, written), written.get("gaps") or (), signed)


def explained_in(spans: FilmSpans, gaps: Iterable[Mapping[str, Any]], signed: bool = False) -> list[Explained]:
    """Return the explanations that follow from spans and the gaps of a manifest."""
    found = [*_gate(spans), *_mutes(spans), *_talkback(spans), *_absences(spans)]
    found += _gaps(spans, _merged(gaps, spans.seconds), signed)
    return sorted(found, key=lambda found: (found.at, found.to, found.side, found.cause))


def _made(
    at: float, to: float, side: str, cause: str, missing: str, crossed: str, more: Words | None = None
) -> Explained:
    text = sentence(side, cause, missing, crossed, more)
    return Explained(at, to, side, cause, missing, crossed, text.zh, text.en)


# --- what the gate let through ------------------------------------------------------------------------------------


def _gate(spans: FilmSpans) -> Iterable[Explained]:
    """Yield the stretches in which the gate was shut: before the visit, in holds, and any other."""
    first = spans.open[0].at if spans.open else None
    for at, to in _outside(spans.open, spans.seconds):
        hold = next(_within(spans.holds, at, to), None)
        if hold is not None:
            yield _made(at, to, "both", "hold", "none", "nothing", hold_words(hold.what, _article(hold)))
        elif first is None or to <= first:
            if to - at >= AT_FIRST:
                yield _made(at, to, "both", "before", "none", "nothing")
        elif to < spans.seconds:  # what comes after the last crossing is the end, and needs no explanation
            yield _made(at, to, "both", "shut", "none", "nothing")


def _article(hold: Span) -> str:
    return str(hold.data.get("article") or "") if hold.what == "supervisor" else ""


def _outside(spans: Iterable[Span], length: float) -> Iterable[tuple[float, float]]:
    at = 0.0
    for span in spans:
        if span.at > at:
            yield at, span.at
        at = max(at, span.to)
    if length > at:
        yield at, length


def _mutes(spans: FilmSpans) -> Iterable[Explained]:
    for span in spans.mutes:
        article = str(span.data.get("article") or "")
        yield _made(span.at, span.to, span.sides[0], "mute", "none", "picture", article_words(article))


def _talkback(spans: FilmSpans) -> Iterable[Explained]:
    for span in spans.talkback:
        side = span.sides[0] if len(span.sides) == 1 else "both"
        yield _made(span.at, span.to, side, "talkback", "none", _crossed_at(spans, span.at, span.to))


def _absences(spans: FilmSpans) -> Iterable[Explained]:
    for span in spans.absences:
        side = span.sides[0] if span.sides[0] in SIDES else "both"
        why = absence_words(span.data.get("why"))
        yield _made(span.at, span.to, side, "absent", "none", _crossed_in(spans, span.at, span.to), why)


def _crossed_in(spans: FilmSpans, at: float, to: float) -> str:
    """Return what crossed in a stretch during which the gate may have opened and shut."""
    seconds = sum(min(span.to, to) - max(span.at, at) for span in _within(spans.open, at, to))
    if seconds <= 0:
        return "nothing"
    return "everything" if seconds >= to - at else "partly"


def _crossed_at(spans: FilmSpans, at: float, to: float) -> str:
    middle = (at + to) / 2
    return "everything" if any(span.has(middle) for span in _within(spans.open, at, to)) else "nothing"


def _within(spans: Sequence[Span], at: float, to: float) -> Iterator[Span]:
    """Yield the spans that overlap a stretch. They lie in order and apart, so that the first is found by halves: a bad
    line makes thousands of stretches."""
    for number in range(bisect_right(spans, at, key=lambda span: span.to), len(spans)):
        if spans[number].at >= to:
            return
        yield spans[number]


# --- what the film lacks ------------------------------------------------------------------------------------------


def _merged(gaps: Iterable[Mapping[str, Any]], length: float) -> list[_Gap]:
    """Return the gaps of the rooms' tracks, those close together as one."""
    found: list[_Gap] = []
    last: dict[tuple[object, str], _Gap] = {}
    for gap in sorted(gaps, key=lambda gap: float(gap.get("start") or 0.0)):
        if gap.get("track") not in TRACKS:
            continue
        side, what = TRACKS[gap["track"]]
        cause, at = str(gap.get("cause") or ""), max(float(gap.get("start") or 0.0), 0.0)
        to = min(at + float(gap.get("seconds") or 0.0), length)
        before = last.get((gap["track"], cause))
        if before is not None and at - before.to <= TOGETHER:
            before.to = max(before.to, to)
        elif to > at:
            last[gap["track"], cause] = _Gap(at, to, side, what, cause)
            found.append(last[gap["track"], cause])
    return found


@dataclass(frozen=True, slots=True)
class _Meanwhile:
    """What was going on in the film, in order. `lags`: when the recorder reported lost records; `mutes` by side."""

    open: Sequence[Span]
    holds: Sequence[Span]
    lags: Sequence[float]
    mutes: Mapping[str, Sequence[Span]]

    def lagged(self, at: float, to: float) -> bool:
        """Whether records were lost near a stretch."""
        first = bisect_left(self.lags, at - NEAR)
        return first < len(self.lags) and self.lags[first] <= to + NEAR

    def muted(self, side: str, at: float, to: float) -> bool:
        """Whether a side was muted for a whole stretch."""
        return any(span.at <= at and span.to >= to for span in _within(self.mutes[side], at, to))


def _meanwhile(spans: FilmSpans) -> _Meanwhile:
    lags = sorted(happened.at for happened in spans.events if happened.event.get("kind") == "lagging")
    mutes = {side: [span for span in spans.mutes if span.sides == (side,)] for side in SIDES}
    return _Meanwhile(spans.open, spans.holds, lags, mutes)


def _gaps(spans: FilmSpans, gaps: list[_Gap], signed: bool) -> Iterable[Explained]:
    going_on = _meanwhile(spans)
    for at, to, parts in _stretches(gaps):
        causes = {side: _cause(going_on, at, to, [gap for gap in parts if gap.side == side], signed) for side in SIDES}
        lacks = {side: _lacks([gap for gap in parts if gap.side == side]) for side in SIDES}
        here = [side for side in SIDES if lacks[side] != "none"]
        if len(here) == 2 and len({(causes[side], lacks[side]) for side in here}) == 1:
            yield _made(at, to, "both", causes[here[0]], lacks[here[0]], _crossed(going_on, at, to, parts, here[0]))
            continue
        for side in here:
            yield _made(at, to, side, causes[side], lacks[side], _crossed(going_on, at, to, parts, side))


def _stretches(gaps: list[_Gap]) -> Iterable[tuple[float, float, list[_Gap]]]:
    """Yield the stretches in which the same gaps are open, neighbours that explain the same as one."""
    edges = sorted({edge for gap in gaps for edge in (gap.at, gap.to)})
    ordered, active = sorted(gaps, key=lambda gap: gap.at), list[_Gap]()
    begun: tuple[float, list[_Gap]] | None = None
    next_gap = 0
    for at in edges:
        active = [gap for gap in active if gap.to > at]
        while next_gap < len(ordered) and ordered[next_gap].at <= at:
            active.append(ordered[next_gap])
            next_gap += 1
        if begun is not None and _same(begun[1], active):
            continue
        if begun is not None and begun[1]:
            yield begun[0], at, begun[1]
        begun = (at, list(active))


def _same(before: list[_Gap], after: list[_Gap]) -> bool:
    return {(gap.side, gap.what, gap.cause) for gap in before} == {(gap.side, gap.what, gap.cause) for gap in after}


def _lacks(gaps: list[_Gap]) -> str:
    lacking = {gap.what for gap in gaps}
    return "both" if len(lacking) == 2 else next(iter(lacking), "none")


def _cause(going_on: _Meanwhile, at: float, to: float, gaps: list[_Gap], signed: bool) -> str:
    """Return why a side lacks what these gaps say, from their causes and what was going on."""
    causes = {gap.cause for gap in gaps}
    if RECORDER in causes or going_on.lagged(at, to):
        return "recorder"
    held = {span.what for span in _within(going_on.holds, at, to)}
    if "relay_lost" in held:
        return "relay"
    if RECONNECT in causes:
        return "reconnect"
    if causes == {NOT_BEGUN}:
        return "not_begun"
    if LOSS in causes:
        return "film" if "film_unusable" in held else "line"
    lacking = _lacks(gaps)
    if SILENT in causes and lacking == "sound":
        return "sign_language" if signed else "microphone"
    if SILENT in causes and lacking == "picture":
        return "camera"
    return "line" if SILENT in causes else "unknown"


def _crossed(going_on: _Meanwhile, at: float, to: float, gaps: list[_Gap], side: str) -> str:
    """Return what of a side crossed while these gaps were open."""
    if next(_within(going_on.open, at, to), None) is None:
        return "nothing"
    mine = [gap for gap in gaps if gap.side == side]
    if any(gap.cause == RECORDER for gap in mine) or going_on.lagged(at, to):
        return "unrecorded"
    lacking = _lacks(mine)
    if lacking == "both" or (lacking == "picture" and going_on.muted(side, at, to)):
        return "nothing"
    return "sound" if lacking == "picture" else "picture"
