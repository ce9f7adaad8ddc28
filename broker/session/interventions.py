"""What officers do to a visit short of holding and ending it: warn (劝阻), mute (制止) and note, and what the law lets
each ground close. Pure; `broker/session/transitions.py` puts the changes into its table and asks `check` before each.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from broker.kernel.clock import Instant
from broker.kernel.errors import Conflict, NotFound, PolicyViolation, TooMany
from broker.kernel.ids import Side, SiteId, UserId, WarningId
from broker.session import events as ev
from broker.session.events import Fact
from config.policy import Intervention, Policy

if TYPE_CHECKING:
    from broker.session.transitions import Session

MOST_WARNINGS = 30
"""In one visit. Who has been warned that often is not warned again: the visit is held or ended."""
MOST_NOTES = 100
AT_ONCE = timedelta(seconds=15)


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


@dataclass(frozen=True, slots=True)
class Muted:
    """Why a side is not heard in the far room; only the same site lets it be heard again."""

    by: UserId
    site: SiteId
    article: str


@dataclass(frozen=True, slots=True)
class Noted:
    """An officer's note. `since`: seconds after the first crossing, None before it."""

    by: UserId
    site: SiteId
    text: str
    at: datetime
    since: float | None


# --- what the law lets be done ------------------------------------------------------------------------------------


def ground(policy: Policy, code: str) -> Intervention:
    """The ground of that code. Raises PolicyViolation: nobody steps in without an article (Guangdong 31(2))."""
    known = policy.intervention(code)
    if known is None:
        raise PolicyViolation(
            f"The rules of {policy.name} have no such code.", "该条款代码不在适用规定中。", articles=[code]
        )
    return known


def check(session: "Session", fact: Fact, policy: Policy) -> None:
    """Refuse what would close a matter with less than its ground demands (Yunnan 17, Guangdong 29).

    Raises PolicyViolation. It stands before the change itself, so that no door leads past it: what was not lawful is
    never taken, written down or shown.
    """
    match fact:
        case ev.WarningGiven(article=code) | ev.SpeechBegan(article=code):
            _check_warning(ground(policy, code))
        case ev.MuteOrdered(on=True, article=code):
            _check_mute(ground(policy, code))
        case ev.ResumeOrdered():
            _check_resume(_held_on(session, policy))
        case ev.EndOrdered(article=code):
            _check_end(_held_on(session, policy), policy.intervention(code))
        case _:
            pass


def _held_on(session: "Session", policy: Policy) -> Intervention | None:
    return policy.intervention(session.hold.article) if session.hold is not None else None


def _check_warning(given: Intervention) -> None:
    if given.must_end or not given.may_warn:
        raise PolicyViolation(
            "This ground is not closed by a warning; hold or end the visit under it.",
            "该条款不得以劝阻了结，应当中止或终止会见。",
            articles=[given.article],
        )


def _check_mute(given: Intervention) -> None:
    if given.must_end:
        raise PolicyViolation(
            "This ground ends the visit; muting does not close it.",
            "该条款应当终止会见，不得以静音了结。",
            articles=[given.article],
        )


def _check_resume(held: Intervention | None) -> None:
    if held is not None and held.must_end:
        raise PolicyViolation(
            "This ground ends the visit; end it under its article.",
            "该条款应当终止会见，不得恢复。",
            articles=[held.article],
        )


def _check_end(held: Intervention | None, named: Intervention | None) -> None:
    """What was held on a ground that demands the end is not written down as a farewell or a lesser matter."""
    if held is None or not held.must_end:
        return
    if named is None or not (named.must_end and named.may_hold):
        raise PolicyViolation(
            "The visit is held on a ground that ends it; end it under that or another such ground.",
            "会见因应当终止的条款中止，须按该类条款终止。",
            articles=[held.article],
        )


# --- facts change what is known -----------------------------------------------------------------------------------


def _warned(session: "Session", fact: ev.WarningGiven, now: Instant) -> "Session":
    if len(session.warnings) >= MOST_WARNINGS:
        raise TooMany("Too many warnings in one visit; hold or end it.", "本次会见劝阻次数已达上限，请中止或终止会见。")
    if any(_stands(one, fact) for one in session.warnings):
        raise Conflict("This warning stands there already, not yet acknowledged.", "该项劝阻已显示，尚待确认。")
    given = Warned(fact.id, fact.by, fact.site, fact.sides, fact.article, fact.text_zh, fact.text_en, now.wall)
    return replace(session, warnings=(*session.warnings, given))


def _stands(one: Warned, fact: ev.WarningGiven) -> bool:
    """Whether the same words wait on the same screens: an order that was sent twice is one warning."""
    same = (one.sides, one.article, one.zh) == (fact.sides, fact.article, fact.text_zh)
    return same and not all(side in one.acknowledged for side in one.sides)


def _acknowledged(session: "Session", fact: ev.WarningAcknowledged, now: Instant) -> "Session":
    found = next((one for one in session.warnings if one.id == fact.id and fact.side in one.sides), None)
    if found is None:
        raise NotFound("There is no such warning.", "没有该项劝阻。")
    if fact.side in found.acknowledged:
        raise Conflict("It is acknowledged already.", "该项劝阻已确认。")
    known = replace(found, acknowledged={**found.acknowledged, fact.side: now.wall})
    return replace(session, warnings=tuple(known if one is found else one for one in session.warnings))


def _muted(session: "Session", fact: ev.MuteOrdered, now: Instant) -> "Session":
    """The next lease carries it, and is due at once: `leased_at` is forgotten."""
    present = session.muted.get(fact.side)
    if fact.on and present is not None:
        raise Conflict("This side is muted already.", "该方已被静音。")
    if not fact.on and present is None:
        raise Conflict("This side is not muted.", "该方未被静音。")
    if present is not None and present.site != fact.site:
        raise Conflict("A mute is lifted by its own site.", "只能由作出静音的单位解除。")
    others = {side: why for side, why in session.muted.items() if side is not fact.side}
    muted = {**others, fact.side: Muted(fact.by, fact.site, fact.article)} if fact.on else others
    return replace(session, muted=muted, leased_at=None)


def _repeats(last: Noted, fact: ev.NoteMade, now: Instant) -> bool:
    """Whether the same words of the same officer come again at once: an order that was sent twice is one note."""
    return (last.by, last.text) == (fact.by, fact.text) and now.wall - last.at < AT_ONCE


def _noted(session: "Session", fact: ev.NoteMade, now: Instant) -> "Session":
    if len(session.notes) >= MOST_NOTES:
        raise TooMany("Too many notes in one visit.", "本次会见记录条数已达上限。")
    if any(_repeats(one, fact, now) for one in session.notes[-1:]):
        raise Conflict("It is noted already.", "该记录已保存。")
    since = None if session.crossed is None else max(0.0, now.mono - session.crossed)
    return replace(session, notes=(*session.notes, Noted(fact.by, fact.site, fact.text, now.wall, since)))


ACTS: dict[type, Callable[..., "Session"]] = {
    ev.WarningGiven: _warned,
    ev.WarningAcknowledged: _acknowledged,
    ev.MuteOrdered: _muted,
    ev.NoteMade: _noted,
}
"""From check-in to the end, held or not."""


# --- through a restart --------------------------------------------------------------------------------------------


def freeze(session: "Session") -> dict[str, Any]:
    """What officers did, as JSON values."""
    return {
        "warnings": [_warning_kept(one) for one in session.warnings],
        "muted": {str(side): [why.by, why.site, why.article] for side, why in session.muted.items()},
        "notes": [[one.by, one.site, one.text, one.at.isoformat(), one.since] for one in session.notes],
    }


def thaw(kept: Mapping[str, Any]) -> dict[str, Any]:
    """The members of Session that `freeze` kept; none of them in a snapshot from before there were any."""
    return {
        "warnings": tuple(_warning_known(one) for one in kept.get("warnings", ())),
        "muted": {Side(side): Muted(*why) for side, why in kept.get("muted", {}).items()},
        "notes": tuple(
            Noted(by, site, text, datetime.fromisoformat(at), since)
            for by, site, text, at, since in kept.get("notes", ())
        ),
    }


def _warning_kept(one: Warned) -> dict[str, Any]:
    return {
        "id": one.id,
        "by": one.by,
        "site": one.site,
        "sides": [str(side) for side in one.sides],
        "article": one.article,
        "zh": one.zh,
        "en": one.en,
        "at": one.at.isoformat(),
        "acknowledged": {str(side): at.isoformat() for side, at in one.acknowledged.items()},
    }


def _warning_known(kept: Mapping[str, Any]) -> Warned:
    return Warned(
        **{
            **kept,
            "sides": tuple(Side(side) for side in kept["sides"]),
            "at": datetime.fromisoformat(kept["at"]),
            "acknowledged": {Side(side): datetime.fromisoformat(at) for side, at in kept["acknowledged"].items()},
        }
    )
