"""Interventions short of holding and ending a visit: warnings (劝阻), mutes (制止) and notes (Yunnan 16, 26(3);
Guangdong 29). What the law lets each code close is refused before (`broker.session.refusals`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from broker.kernel.clock import Instant
from broker.kernel.errors import Conflict, NotFound, TooMany
from broker.kernel.ids import Side, SiteId, UserId, WarningId
from broker.session import events as ev
from broker.session.parts.moment import Moment, Table

MOST_WARNINGS = 30
"""Warnings in one visit. After that many, another warning changes nothing: the visit is held or ended."""
MOST_NOTES = 100
"""Notes in one visit: what fits on the page of a recording and still is read."""
AT_ONCE = timedelta(seconds=15)
"""Within this time the same note of the same officer is a repeated request, not a second note."""


@dataclass(frozen=True, slots=True)
class Warned:
    """A warning that was given. `acknowledged`: the rooms that have confirmed it, each with when."""

    id: WarningId
    by: UserId
    site: SiteId
    sides: tuple[Side, ...]
    article: str
    zh: str
    en: str
    at: datetime
    acknowledged: Mapping[Side, datetime] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The warning as JSON values."""
        return {
            "id": self.id,
            "by": self.by,
            "site": self.site,
            "sides": [str(side) for side in self.sides],
            "article": self.article,
            "zh": self.zh,
            "en": self.en,
            "at": self.at.isoformat(),
            "acknowledged": {str(side): at.isoformat() for side, at in self.acknowledged.items()},
        }

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> "Warned":
        """The warning that `to_json` wrote."""
        converted = {
            "sides": tuple(Side(side) for side in saved["sides"]),
            "at": datetime.fromisoformat(saved["at"]),
            "acknowledged": {Side(side): datetime.fromisoformat(at) for side, at in saved["acknowledged"].items()},
        }
        return cls(**{**saved, **converted})


@dataclass(frozen=True, slots=True)
class Muted:
    """The order by which a side is not heard in the far room; only the same site lifts it."""

    by: UserId
    site: SiteId
    article: str


@dataclass(frozen=True, slots=True)
class Noted:
    """A note of one officer. `since`: seconds after the first crossing, None before it."""

    by: UserId
    site: SiteId
    text: str
    at: datetime
    since: float | None


@dataclass(frozen=True, slots=True)
class Interventions:
    """What the officers of one visit have done, in the order of time; `muted` maps the sides that are muted now."""

    warnings: tuple[Warned, ...] = ()
    muted: Mapping[Side, Muted] = field(default_factory=dict)
    notes: tuple[Noted, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The interventions as JSON values."""
        return {
            "warnings": [warning.to_json() for warning in self.warnings],
            "muted": {str(side): [mute.by, mute.site, mute.article] for side, mute in self.muted.items()},
            "notes": [[note.by, note.site, note.text, note.at.isoformat(), note.since] for note in self.notes],
        }

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> "Interventions":
        """The interventions that `to_json` wrote; none where a snapshot is older than they are."""
        return cls(
            warnings=tuple(Warned.from_json(warning) for warning in saved.get("warnings", ())),
            muted={Side(side): Muted(*mute) for side, mute in saved.get("muted", {}).items()},
            notes=tuple(
                Noted(by, site, text, datetime.fromisoformat(at), since)
                for by, site, text, at, since in saved.get("notes", ())
            ),
        )


# --- facts --------------------------------------------------------------------------------------------------------


def _warned(part: Interventions, fact: ev.WarningGiven, moment: Moment) -> Interventions:
    if len(part.warnings) >= MOST_WARNINGS:
        raise TooMany("Too many warnings in one visit; hold or end it.", "本次会见劝阻次数已达上限，请中止或终止会见。")
    if any(_stands(warning, fact) for warning in part.warnings):
        raise Conflict("This warning is shown already and not acknowledged yet.", "该项劝阻已显示，尚待确认。")
    at = moment.now.wall
    warning = Warned(fact.id, fact.by, fact.site, fact.sides, fact.article, fact.text_zh, fact.text_en, at)
    return replace(part, warnings=(*part.warnings, warning))


def shown(part: Interventions, fact: ev.HoldOrdered, moment: Moment) -> Interventions:
    """The interventions with the words that go with a hold. They are beyond the count of warnings: a hold waits for
    nothing."""
    words = fact.shown
    if words is None:
        return part
    warning = Warned(words.id, fact.by, fact.site, words.sides, fact.article, words.zh, words.en, moment.now.wall)
    return replace(part, warnings=(*part.warnings, warning))


def _stands(warning: Warned, fact: ev.WarningGiven) -> bool:
    """Whether the same words wait on the same screens: a repeated request is one warning."""
    same = (warning.sides, warning.article, warning.zh) == (fact.sides, fact.article, fact.text_zh)
    return same and not all(side in warning.acknowledged for side in warning.sides)


def _acknowledged(part: Interventions, fact: ev.WarningAcknowledged, moment: Moment) -> Interventions:
    found = next((warning for warning in part.warnings if warning.id == fact.id and fact.side in warning.sides), None)
    if found is None:
        raise NotFound("There is no such warning.", "没有该项劝阻。")
    if fact.side in found.acknowledged:
        raise Conflict("This warning is acknowledged already.", "该项劝阻已确认。")
    read = replace(found, acknowledged={**found.acknowledged, fact.side: moment.now.wall})
    return replace(part, warnings=tuple(read if warning is found else warning for warning in part.warnings))


def _muted(part: Interventions, fact: ev.MuteOrdered, moment: Moment) -> Interventions:
    """Mute a side or lift its mute. The next lease of the gate carries it (`gate.FOLLOWS`)."""
    present = part.muted.get(fact.side)
    if fact.on and present is not None:
        raise Conflict("This side is muted already.", "该方已被静音。")
    if not fact.on and present is None:
        raise Conflict("This side is not muted.", "该方未被静音。")
    if present is not None and present.site != fact.site:
        raise Conflict("A mute is lifted by its own site.", "只能由作出静音的单位解除。")
    others = {side: mute for side, mute in part.muted.items() if side is not fact.side}
    return replace(part, muted={**others, fact.side: Muted(fact.by, fact.site, fact.article)} if fact.on else others)


def _noted(part: Interventions, fact: ev.NoteMade, moment: Moment) -> Interventions:
    now = moment.now
    if len(part.notes) >= MOST_NOTES:
        raise TooMany("Too many notes in one visit.", "本次会见记录条数已达上限。")
    if part.notes and _repeats(part.notes[-1], fact, now):
        raise Conflict("This note is saved already.", "该记录已保存。")
    since = None if moment.crossed is None else max(0.0, now.mono - moment.crossed)
    return replace(part, notes=(*part.notes, Noted(fact.by, fact.site, fact.text, now.wall, since)))


def _repeats(last: Noted, fact: ev.NoteMade, now: Instant) -> bool:
    return (last.by, last.text) == (fact.by, fact.text) and now.wall - last.at < AT_ONCE


ORDERS: Table = {
    ev.WarningGiven: _warned,
    ev.WarningAcknowledged: _acknowledged,
    ev.MuteOrdered: _muted,
    ev.NoteMade: _noted,
}
"""From check-in to the end, held or not."""
