"""The check-in desk's view of a session. It is for officers in full; rooms learn what is missing, but neither from
which person nor who tested or ticked what."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Literal, NamedTuple

from broker.booking.language import dialect_reason, is_signed, needs_interpreter
from broker.booking.slot import Person, PersonRole
from broker.kernel.clock import SHANGHAI
from broker.kernel.ids import Side
from broker.session.parts import check_in
from broker.session.parts.equipment import CHECKS, Verdict
from broker.session.readiness import Missing, self_test_fresh
from broker.session.state import Session
from config.check_in import Manner, Tick
from signaling.api.messages.session_view import (
    CheckView,
    DrillFailedView,
    EquipmentView,
    InterpreterState,
    LanguageView,
    MissingView,
    PersonView,
    SignedView,
)
from signaling.views.film import film_texts
from signaling.views.moment import SessionMoment
from signaling.views.names import Names
from signaling.views.texts import (
    ADVICE,
    BARS,
    DRILL_STEPS,
    FIGURE_UNITS,
    LINE_BROKEN,
    LINE_BROKEN_SINCE,
    MISSING,
    NO_INTERPRETER_LISTED,
    NO_PERSON_HERE,
    PERSON_LACKS,
    SIDES,
    TICKS,
    Text,
    language_name,
    text_of,
)


class RulesStatus(NamedTuple):
    """Whether a room has acknowledged the rules, when and how."""

    acknowledged: bool
    at: datetime | None = None
    manner: Manner | None = None


def person_view(moment: SessionMoment, person: Person, room: Side | None) -> PersonView:
    """Return a listed person; for the person's own room the name and whether staff are waited for, without ids."""
    session, rules = moment.session, moment.policy.check_in
    needs = check_in.required(person, rules)
    done = session.check_in.ticks.get(person.id, frozenset())
    if room is not None:
        absent, checked = person.id in session.check_in.absent, person.id in session.check_in.checked
        return PersonView(id="", name=person.name, relation="", checked=checked, absent=absent)
    return PersonView(
        id=person.id,
        name=person.name,
        relation=person.relation,
        checked=person.id in session.check_in.checked,
        role=str(person.role),
        first_visit=person.first_visit,
        absent=person.id in session.check_in.absent,
        required=[str(tick) for tick in needs],
        ticked=[str(tick) for tick in needs if tick in done],
        inmate=person.inmate,
    )


def equipment_view(moment: SessionMoment, side: Side, room: Side | None) -> EquipmentView | None:
    """Return the last equipment test of a side's room, for officers and for the room itself."""
    last = moment.session.check_in.equipment.get(side)
    if last is None or room not in (None, side):
        return None
    tester: Literal["terminal", "staff"] = "terminal" if last.parts else "staff"
    return EquipmentView(
        by=tester if room is None else "",
        passed=last.passed,
        fresh=self_test_fresh(moment.session, side, moment.now, moment.policy),
        at=last.at,
        parts=dict(last.parts),
        checks=check_views(last.parts, last.figures),
        reason=last.reason if room is None else "",
        test=last.test,
    )


async def drill_failed_view(session: Session, names: Names, room: Side | None) -> DrillFailedView | None:
    """Return the failed drill of a visit's rooms for officers; None where none failed, and for a `room`."""
    mark = session.drill
    if mark is None or room is not None:
        return None
    text = text_of(DRILL_STEPS, mark.step)
    by = await names.officer(mark.by) if mark.by else None
    return DrillFailedView(
        drill=mark.drill, step=mark.step, zh=text.zh, en=text.en, blocks=mark.blocks, by=by, reason=mark.reason
    )


def signed_view(moment: SessionMoment, room: Side | None) -> SignedView | None:
    """Return what a visit in sign language needs of the terminals, None for one that is spoken. The frame of a room
    flashes while a warning to it is not acknowledged: no bell is heard there."""
    session, policy = moment.session, moment.policy
    if not is_signed(session.slot.language):
        return None
    unread = (
        warning
        for warning in session.interventions.warnings
        if room in warning.sides and room not in warning.acknowledged
    )
    return SignedView(frames=policy.sign_frames, kbits=policy.sign_kbits, flash=any(unread))


def rules_view(moment: SessionMoment, side: Side, room: Side | None) -> RulesStatus:
    """Return whether the room of a side has acknowledged the rules, and when; for officers also how."""
    acknowledgement = moment.session.check_in.rules.get(side)
    if acknowledgement is None or not check_in.acknowledged(moment.session.check_in, side, moment.policy.rules_text):
        return RulesStatus(False)
    return RulesStatus(True, acknowledgement.at, acknowledgement.manner if room is None else None)


def check_views(parts: Mapping[str, str], figures: Mapping[str, float]) -> list[CheckView]:
    """Return the checks of a terminal's test in the order of the table; none for a test of staff."""
    return [_check(code, Verdict(parts[code]), figures) for code in CHECKS if code in parts]


def _check(code: str, verdict: Verdict, figures: Mapping[str, float]) -> CheckView:
    measured = [_measured(limit.figure, figures[limit.figure]) for limit in CHECKS[code] if limit.figure in figures]
    advice = ADVICE[code] if verdict is Verdict.FAILED else Text("", "")
    return CheckView(code=code, verdict=verdict.value, measured=", ".join(measured), zh=advice.zh, en=advice.en)


def _measured(name: str, figure: float) -> str:
    unit, factor, decimals = FIGURE_UNITS[name]
    return f"{figure * factor:.{decimals}f} {unit}"


def language_view(moment: SessionMoment, room: Side | None) -> LanguageView | None:
    """Return the language of the visit and the state of its interpreter."""
    if room is not None:
        return None
    slot = moment.session.slot
    name = language_name(slot.language)
    return LanguageView(
        tag=slot.language,
        zh=name.zh,
        en=name.en,
        interpreter=_interpreter(moment),
        reason=dialect_reason(slot),
    )


def _interpreter(moment: SessionMoment) -> InterpreterState:
    session = moment.session
    if check_in.interpreter_here(session.check_in, session.slot):
        return "here"
    if not needs_interpreter(session.slot, moment.policy.check_in):
        return "not_needed"
    return "missing" if _lists_interpreter(session) else "not_listed"


def _lists_interpreter(session: Session) -> bool:
    return any(person.role is PersonRole.INTERPRETER for person in session.slot.people)


def missing_views(moment: SessionMoment, codes: tuple[Missing, ...], room: Side | None) -> list[MissingView]:
    """Return what is missing in words; officers also learn which person lacks what."""
    views: list[MissingView] = []
    for code in codes:
        if room is None:
            views += _bars(moment) if code is Missing.ELIGIBILITY else _of_people(moment, code)
            views += _of_films(moment, code)
        if not views or views[-1].code != code:
            views.append(_view(code, _text(moment, code)))
    return views


def _of_people(moment: SessionMoment, code: Missing) -> list[MissingView]:
    """One view a person for the two codes that are about people; none for the others."""
    side = next((side for side in Side if code in (f"{side}_check_in", f"{side}_letter")), None)
    if side is None:
        return []
    letters = code is Missing.VISITOR_LETTER
    lacks = [
        check_in.Lack(lack.person, tuple(tick for tick in lack.ticks if (tick is Tick.LETTER) is letters))
        for lack in check_in.lacks(moment.session.check_in, moment.session.slot, side, moment.policy.check_in)
    ]
    between = moment.session.slot.between_inmates
    named = [_lack(code, side, between, lack) for lack in lacks if lack.ticks]
    return named or [_view(code, _filled(NO_PERSON_HERE, side, between))]


def _of_films(moment: SessionMoment, code: Missing) -> list[MissingView]:
    """The view of a film that could not be watched, with its cause; none for other codes."""
    return [_view(code, text) for side, text in film_texts(moment.session).items() if code == f"{side}_film"]


def _bars(moment: SessionMoment) -> list[MissingView]:
    """One view for each bar against a listed person, with its article and until when."""
    views = []
    for bar in moment.session.bars:
        person = next((person for person in moment.session.slot.people if person.id == bar.person), None)
        text, name = BARS[bar.kind], person.name if person else bar.person
        text = Text(*(words.format(name=name, until=bar.until, article=bar.article) for words in text))
        views.append(_view(Missing.ELIGIBILITY, text, bar.person, articles=[bar.article], until=bar.until))
    return views


def _lack(code: Missing, side: Side, between: bool, lack: check_in.Lack) -> MissingView:
    words = [text_of(TICKS, tick) for tick in lack.ticks]
    zh, en = "、".join(word.zh for word in words), ", ".join(word.en for word in words)
    text = _filled(PERSON_LACKS, side, between, lack.person.name, zh, en)
    return _view(code, text, lack.person.id, [str(tick) for tick in lack.ticks])


def _filled(text: Text, side: Side, between: bool, name: str = "", zh: str = "", en: str = "") -> Text:
    sides = text_of(SIDES, side, between)
    return Text(text.zh.format(side=sides.zh, name=name, ticks=zh), text.en.format(side=sides.en, name=name, ticks=en))


def _text(moment: SessionMoment, code: Missing) -> Text:
    if (lost := _lost(moment, code)) is not None:
        return lost
    unlisted = code is Missing.INTERPRETER and not _lists_interpreter(moment.session)
    return NO_INTERPRETER_LISTED if unlisted else text_of(MISSING, code, moment.session.slot.between_inmates)


def _lost(moment: SessionMoment, code: Missing) -> Text | None:
    """The words for a room that was there and whose line broke, with since when; None for other codes and rooms."""
    session = moment.session
    side = next((side for side in session.processes.lost if code == f"{side}_media"), None)
    if side is None:
        return None
    at, between = session.processes.stopped.get(side), session.slot.between_inmates
    text, sides = (LINE_BROKEN if at is None else LINE_BROKEN_SINCE), text_of(SIDES, side, between)
    time = "" if at is None else f"{at.astimezone(SHANGHAI):%H:%M}"
    return Text(text.zh.format(side=sides.zh, time=time), text.en.format(side=sides.en, time=time))


def _view(
    code: Missing,
    text: Text,
    person: str | None = None,
    ticks: list[str] | None = None,
    articles: list[str] | None = None,
    until: date | None = None,
) -> MissingView:
    return MissingView(
        code=str(code),
        zh=text.zh,
        en=text.en,
        person=person,
        ticks=ticks or [],
        articles=articles or [],
        until=until,
    )
