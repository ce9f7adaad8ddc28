"""Refusals: what the law, or another part of the session, forbids. `REFUSALS` is the table; `check` stands before every
change, so that no caller leads past it: what is not lawful is never taken, written down or shown.

Yunnan 14, 16, 17 and 27(3); Guangdong 22, 29 and 31(2)."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, NoReturn

from broker.booking import drill
from broker.booking.packs import ground
from broker.kernel.clock import Instant
from broker.kernel.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    NotFound,
    PolicyViolation,
    ReasonNeeded,
    SessionEnded,
    StorageUnavailable,
    TooLate,
)
from broker.session import events as ev
from broker.session import ground_conditions
from broker.session.events import Fact
from broker.session.parts import check_in, extension, extension_request, talkback
from broker.session.state import Session, State
from config.articles.grounds import Intervention
from config.articles.notices import spelled
from config.extension import ExtensionRules, Until
from config.law import LAWS
from config.policy import Policy
from config.words import bare

Refusal = Callable[[Session, Any, Instant, Policy], None]


def check(session: Session, fact: Fact, now: Instant, policy: Policy) -> None:
    """Raise the first error of the refusals of this kind of fact; return where none applies. Whatever it is, a drill's
    synthetic officer says it in that drill only."""
    if not drill.may_act(str(getattr(fact, "by", "")), session.slot):
        raise Forbidden("A drill's officer acts in that drill alone.", "演练人员只能参与本次演练。")
    for refuse in REFUSALS.get(type(fact), ()):
        refuse(session, fact, now, policy)


def _refuse(ground: Intervention, english: str, chinese: str) -> NoReturn:
    raise PolicyViolation(english, chinese, articles=[ground.article])


# --- check-in (Yunnan 11, 12, 19; Guangdong 24) -------------------------------------------------------------------


def _incomplete(session: Session, fact: ev.PersonCheckedIn, now: Instant, policy: Policy) -> None:
    if not set(check_in.AT_ONCE) <= set(fact.ticks):
        raise PolicyViolation(
            "Identity, security check and rules must all be ticked.",
            "身份核验、安全检查、告知规定须全部完成。",
            articles=LAWS[policy.law].check_in.articles_of(check_in.AT_ONCE),
        )


def _without_reason(session: Session, fact: ev.SelfTested, now: Instant, policy: Policy) -> None:
    """Refuse that staff let equipment count without saying why (Yunnan 12): the terminal's test may have failed."""
    if fact.passed and not fact.parts and not fact.reason.strip():
        raise BadRequest("Say why the equipment counts as good.", "请写明认定设备合格的理由。")


def _needless(session: Session, fact: ev.Ticked, now: Instant, policy: Policy) -> None:
    """Refuse a check that the rules do not ask of this person. Whether they are listed is asked with the change."""
    person = next((person for person in session.slot.people_of(fact.side) if person.id == fact.person), None)
    if person is not None and fact.tick not in check_in.required(person, policy.check_in):
        raise BadRequest("This person does not need this check.", "该人员不需要此项核验。", tick=str(fact.tick))


def _unexplained(session: Session, fact: ev.DrillOverridden, now: Instant, policy: Policy) -> None:
    """Refuse to pass over a failed drill without a reason in words."""
    if not bare(fact.reason):
        raise BadRequest("Say why the visit can begin after a failed drill.", "请写明演练未通过仍可开始会见的理由。")


def _other_text(session: Session, fact: ev.RulesAcknowledged, now: Instant, policy: Policy) -> None:
    """Refuse the acknowledgement of another text than that of the visit's rules: the room was shown a former one."""
    if fact.text != policy.rules_text.id:
        raise Conflict(
            "The rules of this visit are in another text; show that one.",
            "本次会见适用的告知文本不同，请重新显示并确认。",
            text=policy.rules_text.id,
        )


# --- interventions: each closes a matter only where its code lets it (Yunnan 16, 17; Guangdong 29) -----------------


def _words(session: Session, fact: ev.WarningGiven, now: Instant, policy: Policy) -> None:
    """Refuse words of the pack under another code than theirs: words and article must agree in the evidence."""
    _check_words(fact.text_zh, fact.text_en, fact.article, policy)


def _check_words(zh: str, en: str, article: str, policy: Policy) -> None:
    words = {spelled(zh), spelled(en)} - {""}
    same = [canned for canned in policy.warnings if words & {spelled(canned.zh), spelled(canned.en)}]
    if same and not any(article in canned.codes for canned in same):
        codes = "、".join(code for canned in same for code in canned.codes)
        raise PolicyViolation(
            f"This text is given under {codes.replace('、', ' or ')}.",
            f"该劝阻用语适用条款 {codes}。",
            articles=[same[0].article],
        )


def _warning(session: Session, fact: ev.WarningGiven | ev.SpeechBegan, now: Instant, policy: Policy) -> None:
    code = ground(policy, fact.article)
    if not code.closed_by_warning:
        _refuse(
            code,
            "This ground is not closed by a warning; hold or end the visit under it.",
            "该条款不得以劝阻了结，应当中止或终止会见。",
        )


def _mute(session: Session, fact: ev.MuteOrdered, now: Instant, policy: Policy) -> None:
    if fact.on and (code := ground(policy, fact.article)).must_end:
        _refuse(code, "This ground ends the visit; muting does not close it.", "该条款应当终止会见，不得以静音了结。")


def _hold(session: Session, fact: ev.HoldOrdered, now: Instant, policy: Policy) -> None:
    code = ground(policy, fact.article)
    if not code.may_hold or code.by_agreement:
        _refuse(code, "This code holds no visit.", "该条款不适用于中止。")
    if fact.shown is not None:
        _check_words(fact.shown.zh, fact.shown.en, fact.article, policy)
        if not code.must_end:
            _refuse(code, "Under this ground words are a warning of their own.", "该条款的用语应当以劝阻单独发出。")


def _resume(session: Session, fact: ev.ResumeOrdered, now: Instant, policy: Policy) -> None:
    code = _held_under(session, policy)
    if code is not None and code.must_end:
        _refuse(code, "This ground ends the visit; end it under its article.", "该条款应当终止会见，不得恢复。")


def _end(session: Session, fact: ev.EndOrdered, now: Instant, policy: Policy) -> None:
    """Refuse an end by a code that only reminds, and one by which what was held under a code that demands the end would
    be written down as a farewell or a lesser matter."""
    held, code = _held_under(session, policy), ground(policy, fact.article)
    if not code.may_end:
        _refuse(code, "This code only reminds; it ends nothing.", "该代码仅用于提醒，不得据以终止会见。")
    if code.by_agreement and not session.begun:
        raise Conflict(
            "The visit has not begun, so nobody has finished it; end it under an article, or cancel the slot.",
            "会见尚未开始，不能以会见完毕终止；请按条款终止，或取消时段。",
            state=str(session.state),
        )
    if held is not None and held.must_end and not (code.must_end and code.may_hold and not code.by_agreement):
        _demands_an_end(held)


def _demands_an_end(held: Intervention) -> NoReturn:
    _refuse(
        held,
        "The visit is held on a ground that ends it; end it under that or another such ground.",
        "会见因应当终止的条款中止，须按该类条款终止。",
    )


def _finished(session: Session, fact: ev.RoomFinished, now: Instant, policy: Policy) -> None:
    """Refuse a room's word where the rules know no end by agreement, or the visit is held on a ground that ends it."""
    if policy.farewell is None:
        raise PolicyViolation(
            "These rules have no code for it; ask the staff.", "适用规定没有相应代码，请联系工作人员。"
        )
    held = _held_under(session, policy)
    if held is not None and held.must_end:
        _demands_an_end(held)


# --- cancelling (Guangdong 31(2)) ---------------------------------------------------------------------------------


def check_cancellation(session: Session, fact: ev.SlotCancelled, now: Instant, policy: Policy) -> None:
    """Refuse to cancel what has been checked in without a code of the pack and a reason.

    | the session | what cancelling needs |
    |---|---|
    | SCHEDULED, or CHECK_IN where no check was made of a person | its author; a code that is given must be the pack's |
    | CHECK_IN with a check made of a person, or READY | a code that may end a visit, and a reason in words |
    | LIVE, HELD, ENDED | refused: a visit that has begun is ended under an article |

    A code of a fault or an emergency (YN-18, GD-36) requests that the visit is booked again first; any other is the
    measure under its article. A code by which both sides part cancels nothing, nor one of the county (Guangdong 25) or
    one whose dissuasion is not on record.
    """
    if session.state is State.ENDED:
        raise Conflict("The visit is over or was cancelled already.", "会见已结束或已取消。")
    if session.begun:
        raise Conflict("The visit has begun; end it under an article.", "会见已开始，须按条款终止。")
    code = ground(policy, fact.article) if fact.article else None
    if code is not None and (not code.may_end or code.by_agreement):
        _refuse(code, "This code cancels no visit.", "该代码不得用于取消会见。")
    if code is not None:
        ground_conditions.check_cancelled(session, fact, now, policy)
    begun = session.state is State.READY or any(session.check_in.ticks.values())
    if begun and (code is None or not bare(fact.note)):
        ending = [known for known in policy.interventions if known.may_end and not known.by_agreement]
        lawful = [known.code for known in ending if known.by is None]
        raise ReasonNeeded(
            "People have been checked in: cancelling needs `article`, a code of the rules, and a `reason` in words.",
            "已有人员办理入场：取消会见须写明条款代码（article）和理由（reason）。",
            codes=lawful,
        )


def _held_under(session: Session, policy: Policy) -> Intervention | None:
    return policy.intervention(session.hold.article) if session.hold is not None else None


def _talkback(session: Session, fact: ev.SpeechBegan, now: Instant, policy: Policy) -> None:
    talkback.check(session.talkback, fact, session.begun and session.processes.can_record_talkback)


# --- extensions (Yunnan 14, 27(3); Guangdong 22, 31(2)) -----------------------------------------------------------

MARGIN = 2.0
"""Seconds before the limit in which no approval is taken any more: it has to reach relay and recorder before they stop
by themselves."""


def check_extension(session: Session, fact: ev.ExtensionApproved, now: Instant, policy: Policy) -> None:
    """Refuse what does not make a visit longer lawfully; an approval that is known already passes and changes nothing.

    Raises NotFound (another visit's), Conflict, Forbidden, PolicyViolation, TooLate, SessionEnded, StorageUnavailable.
    """
    if fact.session != session.id:
        raise NotFound("This approval is for another visit.", "该批准不属于本次会见。")
    if extension.same_approval(session.extensions, fact) is not None:
        return
    if session.end is not None:
        raise SessionEnded("The visit is over and cannot be made longer.", "会见已结束，不能再延长。")
    if session.slot.drill:
        raise Conflict("A drill is not made longer.", "演练不能延长。")
    _check_author(session, fact, policy.extension)
    _check_rules(session, fact, policy)
    _check_time(session, now, policy.extension)
    _check_slot(session, now, policy)
    if not session.processes.storage:
        raise StorageUnavailable(
            "The approval cannot be written to the journal, so it is refused.", "批准无法写入日志，不予延长。"
        )


def _asked(session: Session, fact: ev.ExtensionRequested, now: Instant, policy: Policy) -> None:
    """Refuse to ask for what could not be approved, or twice at once."""
    if extension_request.same_request(session.extension_requests, fact):
        return
    if extension_request.open_request(session.extension_requests) is not None:
        raise Conflict("A request for a longer visit waits already.", "已有延长申请等待批准。")
    if session.slot.drill:
        raise Conflict("A drill is not made longer.", "演练不能延长。")
    _check_rules(session, fact, policy)
    _check_time(session, now, policy.extension)
    _check_slot(session, now, policy)


def _declined(session: Session, fact: ev.ExtensionDeclined, now: Instant, policy: Policy) -> None:
    waits = extension_request.open_request(session.extension_requests)
    if waits is None or waits.id != fact.id:
        raise NotFound("No such request waits.", "没有等待批准的该项延长申请。")
    _check_author(session, fact, policy.extension)
    if not bare(fact.reason):
        raise BadRequest("Say why the visit is not made longer.", "请写明不予延长的理由。")


def _check_author(session: Session, fact: ev.ExtensionApproved | ev.ExtensionDeclined, rules: ExtensionRules) -> None:
    if fact.role != rules.role or fact.site != session.slot.prison.site:
        raise Forbidden(
            "A longer visit is approved by the warden of the prison's site.",
            "延长会见时间须由监所一方的批准人（监狱长）批准。",
            articles=[rules.articles["role"]],
        )


def _check_rules(session: Session, fact: ev.ExtensionApproved | ev.ExtensionRequested, policy: Policy) -> None:
    rules, extensions = policy.extension, session.extensions
    found = (
        (not rules.allowed, "times", "These rules allow no longer visits.", "适用规定不允许延长会见时间。"),
        (
            rules.ground(fact.article) is None,
            "grounds",
            "The rules have no such ground for a longer visit.",
            "该代码不是延长会见的依据。",
        ),
        (not bare(fact.reason), "grounds", "An approval gives its reason in words.", "批准延长须写明理由。"),
        (
            fact.added not in rules.steps,
            "steps",
            "The rules do not allow that many minutes.",
            "延长时间不在规定的范围内。",
        ),
        (
            len(extensions) >= rules.times,
            "times",
            "The visit has been made longer as often as is allowed.",
            "本次会见延长次数已达上限。",
        ),
        (
            extension.granted(extensions, policy) + fact.added > rules.most,
            "most",
            "All extensions together would be too long.",
            "累计延长时间超过上限。",
        ),
    )
    for refused, rule, english, chinese in found:
        if refused:
            raise PolicyViolation(english, chinese, articles=[rules.articles[rule]])


def _check_time(session: Session, now: Instant, rules: ExtensionRules) -> None:
    stop = session.gate.stop_at
    late = stop is not None and now.mono >= stop - MARGIN
    if rules.until is Until.START:
        late = session.begun or now.wall >= session.slot.starts_at
    if late:
        raise TooLate(
            "A longer visit is approved before its limit; book another one.",
            "延长须在时限届满之前批准；请另行预约会见。",
            articles=[rules.articles["until"]],
        )


def _check_slot(session: Session, now: Instant, policy: Policy) -> None:
    """Refuse an approval that the slot's end swallows whole: it would promise what never comes."""
    slot, gate = session.slot, session.gate
    span: timedelta = extension.allowed(session.extensions, slot, policy)
    if gate.hard_stop is None:
        full = max(now.wall, slot.starts_at) + span >= slot.ends_at + policy.slot_reserve
    else:
        begins = now.mono if gate.crossed is None else gate.crossed
        full = begins + span.total_seconds() >= gate.hard_stop
    if full:
        raise Conflict(
            "The slot ends with the visit, so there is no time to add.",
            "预约时段与会见同时结束，没有可延长的时间。",
            ends_at=slot.ends_at.isoformat(),
        )


REFUSALS: Mapping[type, tuple[Refusal, ...]] = {
    ev.PersonCheckedIn: (_incomplete,),
    ev.SelfTested: (_without_reason,),
    ev.Ticked: (_needless,),
    ev.RulesAcknowledged: (_other_text,),
    ev.DrillOverridden: (_unexplained,),
    ev.WarningGiven: (_words, _warning, ground_conditions.check),
    ev.SpeechBegan: (_warning, ground_conditions.check, _talkback),
    ev.MuteOrdered: (_mute, ground_conditions.check),
    ev.HoldOrdered: (_hold, ground_conditions.check, ground_conditions.check_announcement),
    ev.ResumeOrdered: (_resume,),
    ev.EndOrdered: (_end, ground_conditions.check, ground_conditions.check_announcement),
    ev.RoomFinished: (_finished,),
    ev.SlotCancelled: (check_cancellation,),
    ev.ExtensionApproved: (check_extension,),
    ev.ExtensionRequested: (_asked,),
    ev.ExtensionDeclined: (_declined,),
}
"""Class of a fact -> its refusals, asked in this order."""
