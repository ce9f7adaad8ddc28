"""Longer visits (延长; Yunnan 14, 27(3); Guangdong 22, 31(2)): only through an approval object of an officer who may,
made before the limit, within what the rules allow. Pure; `broker/session/transitions.py` puts the change into its
table.

An approval moves the limit and nothing else: never the slot's end, and never a limit that has been reached.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from broker.booking.slot import Slot
from broker.kernel.clock import Instant
from broker.kernel.errors import (
    Conflict,
    Forbidden,
    NotFound,
    PolicyViolation,
    SessionEnded,
    StorageUnavailable,
    TooLate,
)
from broker.kernel.ids import ApprovalId, SiteId, UserId
from broker.session import events as ev
from broker.session.events import Effect
from config.extension import ExtensionRules, Until
from config.policy import Policy

if TYPE_CHECKING:
    from broker.session.transitions import Session

MARGIN = 2.0
"""Seconds before the limit in which no approval is taken any more: it has to reach relay and recorder before they stop
by themselves."""


@dataclass(frozen=True, slots=True)
class Extended:
    """An approval that was taken. `added` moves the limit; `made`: monotonic seconds, `at`: the same moment, aware."""

    id: ApprovalId
    by: UserId
    site: SiteId
    role: str
    added: timedelta
    article: str
    reason: str
    at: datetime
    made: float


def limit(slot: Slot, policy: Policy) -> timedelta:
    """How long media may cross: the approved minutes, never more than the policy's limit (Yunnan 14, Guangdong 11)."""
    return min(policy.hard_limit, timedelta(minutes=slot.minutes))


def allowed(session: "Session", policy: Policy) -> timedelta:
    """The limit with what was approved on top of it (Yunnan 14)."""
    return limit(session.slot, policy) + granted(session, policy)


def granted(session: "Session", policy: Policy) -> timedelta:
    """What the approvals have added to the limit, never more than the policy's most."""
    return min(policy.extension.most, sum((one.added for one in session.extensions), timedelta(0)))


# --- what the law lets be approved --------------------------------------------------------------------------------


def check(session: "Session", fact: ev.ExtensionApproved, now: Instant, policy: Policy, stop: float | None) -> None:
    """Refuse what does not make a visit longer lawfully; an approval that is known already passes and changes nothing.
    `stop`: the monotonic second at which media ends as things stand, None before the gate first opened.

    Raises NotFound (another visit's), Conflict, Forbidden, PolicyViolation, TooLate, SessionEnded, StorageUnavailable.
    """
    if fact.session != session.id:
        raise NotFound("This approval is for another visit.", "该批准不属于本次会见。")
    if known(session, fact) is not None:
        return
    if session.end is not None:
        raise SessionEnded("The visit is over; nothing makes it longer.", "会见已结束，不能再延长。")
    _check_author(session, fact, policy.extension)
    _check_rules(session, fact, policy)
    _check_time(session, now, policy.extension, stop)
    _check_slot(session, now, policy)
    if not session.storage:
        raise StorageUnavailable("An approval that leaves no trace is none.", "批准无法写入日志，不予延长。")


def known(session: "Session", fact: ev.ExtensionApproved) -> Extended | None:
    """The same approval, taken before. Raises Conflict for another one under its id."""
    found = next((one for one in session.extensions if one.id == fact.id), None)
    said = (fact.by, fact.site, fact.role, fact.added, fact.article, fact.reason)
    if found is not None and (found.by, found.site, found.role, found.added, found.article, found.reason) != said:
        raise Conflict("This approval says something else.", "该批准编号已用于其他内容。")
    return found


def _check_author(session: "Session", fact: ev.ExtensionApproved, rules: ExtensionRules) -> None:
    if fact.role != rules.role or fact.site != session.slot.prison.site:
        raise Forbidden(
            "A longer visit is approved by the warden of the prison's site.",
            "延长会见时间须由监所一方的批准人（监狱长）批准。",
            articles=[rules.articles["role"]],
        )


def _check_rules(session: "Session", fact: ev.ExtensionApproved, policy: Policy) -> None:
    rules = policy.extension
    if not rules.allowed:
        _refuse(rules, "times", "These rules allow no longer visits.", "适用规定不允许延长会见时间。")
    if rules.ground(fact.article) is None:
        _refuse(rules, "grounds", "The rules have no such ground for a longer visit.", "该代码不是延长会见的依据。")
    if not fact.reason.strip():
        _refuse(rules, "grounds", "An approval gives its reason in words.", "批准延长须写明理由。")
    if fact.added not in rules.steps:
        _refuse(rules, "steps", "The rules do not allow that many minutes.", "延长时间不在规定的范围内。")
    if len(session.extensions) >= rules.times:
        _refuse(rules, "times", "The visit has been made longer as often as is allowed.", "本次会见延长次数已达上限。")
    if granted(session, policy) + fact.added > rules.most:
        _refuse(rules, "most", "All extensions together would be too long.", "累计延长时间超过上限。")


def _refuse(rules: ExtensionRules, rule: str, english: str, chinese: str) -> None:
    raise PolicyViolation(english, chinese, articles=[rules.articles[rule]])


def _check_time(session: "Session", now: Instant, rules: ExtensionRules, stop: float | None) -> None:
    late = stop is not None and now.mono >= stop - MARGIN
    if rules.until is Until.START:
        late = session.begun or now.wall >= session.slot.starts_at
    if late:
        raise TooLate(
            "A longer visit is approved before its limit; book another one.",
            "延长须在时限届满之前批准；请另行预约会见。",
            articles=[rules.articles["until"]],
        )


def _check_slot(session: "Session", now: Instant, policy: Policy) -> None:
    """An approval that the slot's end swallows whole would promise what never comes."""
    span = allowed(session, policy)
    if session.hard_stop is None:
        end = session.slot.ends_at + policy.slot_reserve
        full = max(now.wall, session.slot.starts_at) + span >= end
    else:
        begins = now.mono if session.crossed is None else session.crossed
        full = begins + span.total_seconds() >= session.hard_stop
    if full:
        raise Conflict(
            "The slot ends with the visit; there is no time to add.",
            "预约时段与会见同时结束，没有可延长的时间。",
            ends_at=session.slot.ends_at.isoformat(),
        )


# --- the approval changes what is known ---------------------------------------------------------------------------


def _extended(session: "Session", fact: ev.ExtensionApproved, now: Instant) -> "Session":
    """The limit moves with it: a deadline that was known is made anew, by the one rule that makes it."""
    if known(session, fact) is not None:
        return session
    given = Extended(fact.id, fact.by, fact.site, fact.role, fact.added, fact.article, fact.reason, now.wall, now.mono)
    return replace(session, extensions=(*session.extensions, given), deadline=None)


APPROVED: dict[type, Callable[..., "Session"]] = {ev.ExtensionApproved: _extended}
"""In every state but ENDED."""


def orders(session: "Session", policy: Policy) -> tuple[Effect, ...]:
    """What a relay has to know of the approvals before it opens: one order each, in the order in which they were made,
    as a later one may have been made in the time of an earlier one."""
    total, told = limit(session.slot, policy), []
    most = total + policy.extension.most
    for one in session.extensions:
        total = min(total + one.added, most)
        told.append(ev.ExtendLimit(one.made, total, _deadline(session, total)))
    return tuple(told)


def _deadline(session: "Session", total: timedelta) -> float:
    assert session.hard_stop is not None, "a gate is told of longer visits once the slot's end is known"
    if session.crossed is None:
        return session.hard_stop
    return min(session.hard_stop, session.crossed + total.total_seconds())


def follow(before: "Session", after: "Session", policy: Policy) -> tuple[Effect, ...]:
    """What a step means for a gate that may be open, or for one that is held: it learns of a new approval at once."""
    if len(after.extensions) == len(before.extensions) or not after.begun:
        return ()
    return orders(after, policy)[-1:]


# --- through a restart --------------------------------------------------------------------------------------------


def freeze(session: "Session") -> list[dict[str, Any]]:
    """The approvals as JSON values."""
    return [
        {
            "id": one.id,
            "by": one.by,
            "site": one.site,
            "role": one.role,
            "added": one.added.total_seconds(),
            "article": one.article,
            "reason": one.reason,
            "at": one.at.isoformat(),
            "made": one.made,
        }
        for one in session.extensions
    ]


def thaw(kept: list[Mapping[str, Any]]) -> tuple[Extended, ...]:
    """The approvals that `freeze` kept."""
    return tuple(
        Extended(
            **{
                **one,
                "added": timedelta(seconds=one["added"]),
                "at": datetime.fromisoformat(one["at"]),
            }
        )
        for one in kept
    )
