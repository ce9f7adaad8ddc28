"""What the check-in desk shows of a session. In full it is for officers: rooms learn that something is missing, never
whose, and nothing of who tested or ticked what."""

from typing import TYPE_CHECKING

from broker.booking.language import dialect_reason, needs_interpreter
from broker.booking.slot import Person, PersonRole
from broker.kernel.ids import Side
from broker.session.parts import check_in
from broker.session.readiness import Missing, self_test_fresh
from broker.session.state import Session
from config.checkin import Tick
from signaling.api import messages as msg
from signaling.views.texts import (
    MISSING,
    NO_INTERPRETER_LISTED,
    NOBODY_HERE,
    PERSON_LACKS,
    SIDES,
    TICKS,
    Text,
    language_name,
    text_of,
)

if TYPE_CHECKING:
    from signaling.views.session import Scene


def person_view(scene: "Scene", person: Person, name: str, room: Side | None) -> msg.PersonView:
    """Somebody listed, under the name that this viewer may read."""
    session, rules = scene.session, scene.policy.check_in
    needs = check_in.required(person, rules) if room is None else ()
    done = session.check_in.ticks.get(person.id, frozenset())
    return msg.PersonView(
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


def equipment_view(scene: "Scene", side: Side, room: Side | None) -> msg.EquipmentView | None:
    """The last equipment test of a side's room."""
    last = scene.session.check_in.equipment.get(side)
    if last is None or room is not None:
        return None
    return msg.EquipmentView(
        by="terminal" if last.parts else "staff",
        passed=last.passed,
        fresh=self_test_fresh(scene.session, side, scene.now, scene.policy),
        at=last.at,
        parts=dict(last.parts),
    )


def language_view(scene: "Scene", room: Side | None) -> msg.LanguageView | None:
    """What is spoken, and who interprets it."""
    if room is not None:
        return None
    slot = scene.session.slot
    name = language_name(slot.language)
    return msg.LanguageView(
        tag=slot.language,
        zh=name.zh,
        en=name.en,
        interpreter=_interpreter(scene),
        reason=dialect_reason(slot),
    )


def _interpreter(scene: "Scene") -> msg.InterpreterState:
    session = scene.session
    if check_in.interpreter_here(session.check_in, session.slot):
        return "here"
    if not needs_interpreter(session.slot, scene.policy.check_in):
        return "not_needed"
    return "missing" if _lists_interpreter(session) else "not_listed"


def _lists_interpreter(session: Session) -> bool:
    return any(person.role is PersonRole.INTERPRETER for person in session.slot.people)


def missing_views(scene: "Scene", found: tuple[Missing, ...], room: Side | None) -> list[msg.MissingView]:
    """What is missing in words; of the people it says to officers who lacks what."""
    said: list[msg.MissingView] = []
    for code in found:
        said += _of_people(scene, code) if room is None else []
        if not said or said[-1].code != code:
            said.append(_words(code, _text(scene, code)))
    return said


def _of_people(scene: "Scene", code: Missing) -> list[msg.MissingView]:
    """One line a person for the two codes that are about people; none for the others."""
    side = next((side for side in Side if code in (f"{side}_check_in", f"{side}_letter")), None)
    if side is None:
        return []
    letters = code is Missing.VISITOR_LETTER
    lacks = [
        check_in.Lack(lack.person, tuple(tick for tick in lack.ticks if (tick is Tick.LETTER) is letters))
        for lack in check_in.lacks(scene.session.check_in, scene.session.slot, side, scene.policy.check_in)
    ]
    named = [_lack(code, side, lack) for lack in lacks if lack.ticks]
    return named or [_words(code, _filled(NOBODY_HERE, side))]


def _lack(code: Missing, side: Side, lack: check_in.Lack) -> msg.MissingView:
    words = [text_of(TICKS, tick) for tick in lack.ticks]
    zh, en = "、".join(one.zh for one in words), ", ".join(one.en for one in words)
    text = _filled(PERSON_LACKS, side, lack.person.name, zh, en)
    return _words(code, text, lack.person.id, [str(tick) for tick in lack.ticks])


def _filled(text: Text, side: Side, name: str = "", zh: str = "", en: str = "") -> Text:
    sides = SIDES[side]
    return Text(text.zh.format(side=sides.zh, name=name, ticks=zh), text.en.format(side=sides.en, name=name, ticks=en))


def _text(scene: "Scene", code: Missing) -> Text:
    unlisted = code is Missing.INTERPRETER and not _lists_interpreter(scene.session)
    return NO_INTERPRETER_LISTED if unlisted else text_of(MISSING, code)


def _words(code: Missing, text: Text, person: str | None = None, ticks: list[str] | None = None) -> msg.MissingView:
    return msg.MissingView(code=str(code), zh=text.zh, en=text.en, person=person, ticks=ticks or [])
