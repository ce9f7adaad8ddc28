"""The timeline of one visit as auditors see it under the player: spans and moments in words, with the officers'
names."""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from broker.history.acts import INTERVENTIONS
from broker.history.visit import Level, level_of
from broker.kernel.ids import Side
from broker.session import events as ev
from config.policy import Policy
from recorder.explained.explain import Explained
from recorder.explained.spans import Happened, Span
from recorder.explained.words import CROSSED, hold_words
from signaling.api.audit.messages import (
    AlertMark,
    ExplainedView,
    ExtensionMark,
    ExtensionStep,
    HoldSpan,
    InterventionView,
    QualitySpan,
    QualityStretches,
    SpokenStretches,
    StateSpan,
    TimelineView,
)
from signaling.api.messages.session_view import Words
from signaling.history.film_facts import BEFORE, TRACKS
from signaling.history.story import Story
from signaling.views.names import Names
from signaling.views.texts import ALERTS, Text, text_of

KINDS = {
    "warning": Text("劝阻", "Warning"),
    "mute": Text("静音", "Mute"),
    "hold": Text("中止", "Hold"),
    "end": Text("终止", "End"),
    "talkback": Text("插话", "Talkback"),
    "note": Text("记录", "Note"),
}
EXTENSION_STEPS: Mapping[str, ExtensionStep] = {
    ev.ExtensionRequested.__name__: "requested",
    ev.ExtensionApproved.__name__: "approved",
    ev.ExtensionDeclined.__name__: "declined",
}
WINDOW = 10.0
"""Seconds over which the quality of a side is looked at: shorter ones would show every lost packet."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The means by which a timeline is put into words. `named`: whether words of officers, which may name people, are
    shown; `speech`: the stretches in which each side spoke."""

    names: Names
    policy: Policy | None
    named: bool
    speech: Mapping[str, Sequence[Sequence[float]]]


async def timeline_view(story: Story, shown: Shown) -> TimelineView:
    """Return the timeline of a visit."""
    spans, length = story.spans, story.spans.seconds
    return TimelineView(
        states=[StateSpan(at=_round(span.at), to=_round(span.to), state=span.what) for span in spans.states],
        holds=[_hold(span) for span in spans.holds],
        interventions=[view async for view in _interventions(story, shown)],
        alerts=[_alert(happened) for happened in spans.events if _is(happened, "alert", "AlertRaised")],
        gaps=[_explained(found) for found in story.explained],
        speech=SpokenStretches(
            prison=_stretches(shown.speech.get("prison", ())),
            visitor=_stretches(shown.speech.get("visitor", ())),
            supervisors=[[_round(span.at), _round(span.to)] for span in spans.talkback],
        ),
        quality=QualityStretches(
            prison=quality_spans(story.gaps, TRACKS[Side.PRISON], length),
            visitor=quality_spans(story.gaps, TRACKS[Side.VISITOR], length),
        ),
        extension=[mark async for mark in _extensions(spans.events, shown)],
    )


def _round(second: float) -> float:
    return round(second, 3)


def _stretches(spans: Sequence[Sequence[float]]) -> list[list[float]]:
    return [[_round(float(span[0])), _round(float(span[1]))] for span in spans if len(span) == 2]


def _is(happened: Happened, kind: str, what: str) -> bool:
    return (happened.event.get("kind"), happened.event.get("what")) == (kind, what)


def _hold(span: Span) -> HoldSpan:
    article = str(span.data.get("article") or "") if span.what == "supervisor" else ""
    words = hold_words(span.what, article)
    return HoldSpan(
        at=_round(span.at), to=_round(span.to), reason=span.what, article=article or None, zh=words.zh, en=words.en
    )


async def _interventions(story: Story, shown: Shown) -> Any:
    for happened in story.spans.events:
        event = happened.event
        kind = INTERVENTIONS.get(str(event.get("what"))) if event.get("kind") == "action" else None
        if kind is None or (kind == "mute" and not event.get("on", True)):
            continue
        yield await _intervention(happened, kind, story, shown)


async def _intervention(happened: Happened, kind: str, story: Story, shown: Shown) -> InterventionView:
    event = happened.event
    article, by = str(event.get("article") or ""), str(event.get("by") or "")
    title = _title(article, kind, shown.policy)
    return InterventionView(
        at=_round(happened.at),
        to=_until(happened, kind, story),
        kind=kind,
        article=article or None,
        zh=title.zh,
        en=title.en,
        by=by,
        by_name=await shown.names.user(by),
        sides=_sides(event),
        text=_text(event) if shown.named else "",
    )


def _title(article: str, kind: str, policy: Policy | None) -> Text:
    ground = policy.intervention(article) if policy is not None and article else None
    return Text(ground.title_zh, ground.title_en) if ground is not None else KINDS[kind]


def _until(happened: Happened, kind: str, story: Story) -> float | None:
    """Return when a mute, a talkback or a hold ended that this order began."""
    spans = {"mute": story.spans.mutes, "talkback": story.spans.talkback, "hold": story.spans.holds}.get(kind, ())
    begun = (span for span in spans if abs(span.at - happened.at) <= 1.5)
    own = (span for span in begun if kind != "mute" or str(happened.event.get("side")) in span.sides)
    return next((_round(span.to) for span in own), None)


def _sides(event: Mapping[str, Any]) -> list[Side]:
    listed = event.get("sides") or ([event["side"]] if event.get("side") else [])
    return [Side(side) for side in listed if side in set(Side)]


def _text(event: Mapping[str, Any]) -> str:
    return str(next((event[name] for name in ("text_zh", "text", "note") if event.get(name)), ""))


def _alert(happened: Happened) -> AlertMark:
    event = happened.event
    kind, detail = str(event.get("of")), str(event.get("detail") or "")
    text = text_of(ALERTS, f"{kind}_{detail}" if detail.isalpha() else kind)
    count, _, listed = detail.partition("/")
    side = event.get("side")
    return AlertMark(
        at=_round(happened.at),
        kind=kind,
        side=Side(side) if side in set(Side) else None,
        zh=text.zh.format(count=count, listed=listed),
        en=text.en.format(count=count, listed=listed),
    )


def _explained(found: Explained) -> ExplainedView:
    crossed = CROSSED[found.crossed]
    return ExplainedView(
        at=_round(found.at),
        to=_round(found.to),
        side=found.side,  # type: ignore[arg-type]
        cause=found.cause,
        zh=found.zh,
        en=found.en,
        crossed=Words(code=found.crossed, zh=crossed.zh, en=crossed.en),
    )


async def _extensions(events: Iterable[Happened], shown: Shown) -> AsyncIterator[ExtensionMark]:
    """The requests for a longer visit and their answers; one that is declined keeps the length that was asked for."""
    asked = 0.0
    for happened in events:
        step = EXTENSION_STEPS.get(str(happened.event.get("what")))
        if step is None or happened.event.get("kind") != "action":
            continue
        asked = float(happened.event.get("added") or asked)
        yield await _extension(happened, step, asked, shown)


async def _extension(happened: Happened, step: ExtensionStep, seconds: float, shown: Shown) -> ExtensionMark:
    by = str(happened.event.get("by") or "")
    return ExtensionMark(
        at=_round(happened.at),
        what=step,
        seconds=seconds,
        by=by,
        by_name=await shown.names.user(by),
        article=str(happened.event.get("article") or ""),
        reason=str(happened.event.get("reason") or "") if shown.named else "",
    )


def quality_spans(gaps: Iterable[Mapping[str, Any]], tracks: Sequence[int], length: float) -> list[QualitySpan]:
    """Return the stretches in which a side was recorded less than well, by the share of each window of which the worse
    of its tracks lacks something."""
    windows = [dict.fromkeys(tracks, 0.0) for _ in range(int(length // WINDOW) + 1)]
    for track, at, to in _missing(gaps, tracks, length):
        for number in range(int(at // WINDOW), int(to // WINDOW) + 1):
            windows[number][track] += max(0.0, min(to, (number + 1) * WINDOW) - max(at, number * WINDOW))
    found: list[QualitySpan] = []
    for number, lacking in enumerate(windows):
        at, to = number * WINDOW, min((number + 1) * WINDOW, length)
        level = level_of(max(lacking.values()) / (to - at)) if to > at else Level.GOOD
        if level is Level.GOOD:
            continue
        if found and found[-1].to == _round(at) and found[-1].level == str(level):
            found[-1] = found[-1].model_copy(update={"to": _round(to)})
        else:
            found.append(QualitySpan.model_validate({"at": _round(at), "to": _round(to), "level": str(level)}))
    return found


def _missing(
    gaps: Iterable[Mapping[str, Any]], tracks: Sequence[int], length: float
) -> Iterator[tuple[int, float, float]]:
    for gap in gaps:
        track, at = int(gap.get("track") or 0), float(gap.get("start") or 0.0)
        if track in tracks and gap.get("cause") not in BEFORE:
            yield track, max(0.0, at), min(length, at + float(gap.get("seconds") or 0.0))
