"""The check-in desk's view of a session. It is for officers in full; rooms learn what is missing, but neither from
which person nor who tested or ticked what."""

from broker.booking.language import dialect_reason, needs_interpreter
from broker.booking.slot import Person, PersonRole
from broker.kernel.ids import Side
from broker.session.parts import check_in
from broker.session.readiness import Missing, self_test_fresh
from broker.session.state import Session
from config.check_in import Tick
from signaling.api.messages.session_view import EquipmentView, InterpreterState, LanguageView, MissingView, PersonView
from signaling.views.moment import SessionMoment
from signaling.views.texts import (
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


def person_view(moment: SessionMoment, person: Person, name: str, room: Side | None) -> PersonView:
    """Return a listed person, under the name that this viewer may read."""
    session, rules = moment.session, moment.policy.check_in
    needs = check_in.required(person, rules) if room is None else ()
    done = session.check_in.ticks.get(person.id, frozenset())
    return PersonView(
        id=person.id,
        name=name,
        relation=person.relation,
        checked=person.id in session.check_in.checked,
        role=str(person.role),
        first_visit=person.first_visit,
        absent=person.id in session.check_in.absent,
        required=[str(tick) for tick in needs],
        ticked=[str(tick) for tick in needs if tick in done],
    )


def equipment_view(moment: SessionMoment, side: Side, room: Side | None) -> EquipmentView | None:
    """Return the last equipment test of a side's room."""
    last = moment.session.check_in.equipment.get(side)
    if last is None or room is not None:
        return None
    return EquipmentView(
        by="terminal" if last.parts else "staff",
        passed=last.passed,
        fresh=self_test_fresh(moment.session, side, moment.now, moment.policy),
        at=last.at,
        parts=dict(last.parts),
    )


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
        views += _of_people(moment, code) if room is None else []
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
    named = [_lack(code, side, lack) for lack in lacks if lack.ticks]
    return named or [_view(code, _filled(NO_PERSON_HERE, side))]


def _lack(code: Missing, side: Side, lack: check_in.Lack) -> MissingView:
    words = [text_of(TICKS, tick) for tick in lack.ticks]
    zh, en = "、".join(word.zh for word in words), ", ".join(word.en for word in words)
    text = _filled(PERSON_LACKS, side, lack.person.name, zh, en)
    return _view(code, text, lack.person.id, [str(tick) for tick in lack.ticks])


def _filled(text: Text, side: Side, name: str = "", zh: str = "", en: str = "") -> Text:
    sides = SIDES[side]
    return Text(text.zh.format(side=sides.zh, name=name, ticks=zh), text.en.format(side=sides.en, name=name, ticks=en))


def _text(moment: SessionMoment, code: Missing) -> Text:
    unlisted = code is Missing.INTERPRETER and not _lists_interpreter(moment.session)
    return NO_INTERPRETER_LISTED if unlisted else text_of(MISSING, code)


def _view(code: Missing, text: Text, person: str | None = None, ticks: list[str] | None = None) -> MissingView:
    return MissingView(code=str(code), zh=text.zh, en=text.en, person=person, ticks=ticks or [])
