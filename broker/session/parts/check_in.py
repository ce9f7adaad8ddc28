"""Check-in (入场核验): what staff confirm of each person and of the room, what the rooms acknowledge, and what is still
lacking.

Yunnan 8, 10 to 12, 19 and 23; Guangdong 23, 24 and 28. The policy pack says which checks a person needs. A complete
check-in opens no gate by itself: it is one of the conditions in `broker.session.readiness`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from broker.booking.language import needs_interpreter
from broker.booking.slot import Person, PersonRole, Slot
from broker.kernel.errors import NotFound
from broker.kernel.ids import PersonId, Side
from broker.session import events as ev
from broker.session.parts.moment import Moment, Table
from config.articles.rules_text import RulesText
from config.check_in import CheckInRules, Manner, Tick
from config.policy import Policy


@dataclass(frozen=True, slots=True)
class Equipment:
    """Result of the last test of a room's equipment. `parts` maps each check to `passed`, `failed` or `not_checked`; it
    is empty where staff tested by hand, who gave a `reason` then. `test` is the id of a terminal's test."""

    passed: bool
    by: str
    at: datetime
    parts: Mapping[str, str]
    figures: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""
    test: str = ""


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What a room has acknowledged: the rules in the words of the `text` of that id, told in that `language`."""

    by: str
    at: datetime
    text: str
    language: str
    manner: Manner


@dataclass(frozen=True, slots=True)
class Lack:
    """Checks of one person that are still to be made, in the order of the check-in desk."""

    person: Person
    ticks: tuple[Tick, ...]


@dataclass(frozen=True, slots=True)
class CheckIn:
    """State of the check-in of both sides.

    `ticks`: checks made, by person; `checked` follows from them (`counted`). `absent`: people noted as not come.
    `seats`: sides whose seat is ready. `rules`: what the room of a side has acknowledged; it counts for this session
    only, and for all of it. `tested`: when the equipment of a side last passed (monotonic seconds);
    `equipment`: the result of its last test, passed or not.
    """

    checked: frozenset[PersonId] = frozenset()
    absent: frozenset[PersonId] = frozenset()
    ticks: Mapping[PersonId, frozenset[Tick]] = field(default_factory=dict)
    seats: frozenset[Side] = frozenset()
    rules: Mapping[Side, Acknowledgement] = field(default_factory=dict)
    equipment: Mapping[Side, Equipment] = field(default_factory=dict)
    tested: Mapping[Side, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The check-in as JSON values."""
        return {
            "checked": sorted(self.checked),
            "absent": sorted(self.absent),
            "tested": {str(side): at for side, at in self.tested.items()},
            "ticks": {person: sorted(done) for person, done in sorted(self.ticks.items())},
            "seats": sorted(self.seats),
            "rules": {
                str(side): {**asdict(word), "at": word.at.isoformat()} for side, word in sorted(self.rules.items())
            },
            "equipment": {
                str(side): {**asdict(test), "at": test.at.isoformat()} for side, test in sorted(self.equipment.items())
            },
        }

    @classmethod
    def from_json(cls, saved: Mapping[str, Any], same_boot: bool) -> "CheckIn":
        """The check-in that `to_json` wrote. Tests of equipment count on the boot on which they were made only."""
        equipment = saved.get("equipment", {}) if same_boot else {}
        return cls(
            checked=frozenset(PersonId(person) for person in saved["checked"]),
            absent=frozenset(PersonId(person) for person in saved["absent"]),
            ticks=_ticks_from_json(saved),
            seats=frozenset(Side(side) for side in saved.get("seats", ())),
            rules={Side(side): _rules_from_json(word) for side, word in (saved.get("rules") or {}).items()},
            equipment={Side(side): _equipment_from_json(test) for side, test in equipment.items()},
            tested={Side(side): at for side, at in saved["tested"].items()} if same_boot else {},
        )


def _ticks_from_json(saved: Mapping[str, Any]) -> dict[PersonId, frozenset[Tick]]:
    """The ticks of a snapshot. One that is older than ticks means the three checks that were known then."""
    former = {person: AT_ONCE for person in saved["checked"]}
    ticks: Mapping[str, Any] = saved.get("ticks", former)
    return {PersonId(person): frozenset(Tick(tick) for tick in done) for person, done in ticks.items()}


def _rules_from_json(saved: Mapping[str, Any]) -> Acknowledgement:
    at, manner = datetime.fromisoformat(saved["at"]), Manner(saved["manner"])
    return Acknowledgement(saved["by"], at, saved["text"], saved["language"], manner)


def _equipment_from_json(saved: Mapping[str, Any]) -> Equipment:
    at, figures = datetime.fromisoformat(saved["at"]), saved.get("figures", {})
    reason, test = saved.get("reason", ""), saved.get("test", "")
    return Equipment(saved["passed"], saved["by"], at, saved["parts"], figures, reason, test)


# --- what is needed, and what is there ----------------------------------------------------------------------------

AT_ONCE = (Tick.IDENTITY, Tick.SECURITY, Tick.RULES)
"""The checks without which no person is checked in by one order (Yunnan 11, 12; Guangdong 24)."""


def required(person: Person, rules: CheckInRules) -> tuple[Tick, ...]:
    """The checks that this person needs. Inmates are checked as such on either side (Yunnan 7, Guangdong 16); an
    interpreter comes from outside, on whichever side."""
    if person.inmate:
        return rules.prisoner_checks
    signs = rules.commitment_letter and person.meets and person.first_visit
    return (*rules.visitor_checks, Tick.LETTER) if signs else rules.visitor_checks


def lacks(part: CheckIn, slot: Slot, side: Side, rules: CheckInRules) -> tuple[Lack, ...]:
    """What the people of a side still need; those noted absent need nothing."""
    found = (
        Lack(person, _not_done(part, person, rules)) for person in slot.people_of(side) if person.id not in part.absent
    )
    return tuple(lack for lack in found if lack.ticks)


def _not_done(part: CheckIn, person: Person, rules: CheckInRules) -> tuple[Tick, ...]:
    done = part.ticks.get(person.id, frozenset())
    return tuple(tick for tick in required(person, rules) if tick not in done)


def counted(part: CheckIn, slot: Slot, rules: CheckInRules) -> CheckIn:
    """The check-in with `checked` as its ticks say. It is asked while check-in is open, and not changed afterwards."""
    lacking = {lack.person.id for side in Side for lack in lacks(part, slot, side, rules)}
    checked = frozenset(person.id for person in slot.people) - part.absent - lacking
    return part if checked == part.checked else replace(part, checked=checked)


def complete(part: CheckIn, slot: Slot, side: Side) -> bool:
    """Whether every listed person of the side is checked in or noted absent, and one of those who meet is there."""
    listed = {person.id for person in slot.people_of(side)}
    return parties_complete(part, slot, side) and listed <= part.checked | part.absent


def parties_complete(part: CheckIn, slot: Slot, side: Side) -> bool:
    """Whether those of the side who meet are checked in or noted absent, and at least one of them is there."""
    parties = {person.id for person in slot.parties_of(side)}
    return bool(parties & part.checked) and parties <= part.checked | part.absent


def all_came(part: CheckIn, slot: Slot) -> bool:
    """Whether none of those who meet can be late any more. An absent interpreter is not the family's fault."""
    return all(parties_complete(part, slot, side) for side in Side)


def late_side(part: CheckIn, slot: Slot) -> Side | None:
    """The side that has not come in time, the visitors' first."""
    return next((side for side in (Side.VISITOR, Side.PRISON) if not parties_complete(part, slot, side)), None)


def lacks_only_letters(part: CheckIn, slot: Slot, side: Side, rules: CheckInRules) -> bool:
    """Whether the check-in of a side waits for nothing but signatures (Guangdong 24)."""
    found = lacks(part, slot, side, rules)
    return bool(found) and all(lack.ticks == (Tick.LETTER,) for lack in found)


def lacks_letter(part: CheckIn, slot: Slot, side: Side, rules: CheckInRules) -> bool:
    """Whether a person of the side still has to sign the commitment letter."""
    return any(Tick.LETTER in lack.ticks for lack in lacks(part, slot, side, rules))


def acknowledged(part: CheckIn, side: Side, text: RulesText) -> bool:
    """Whether the room of a side has acknowledged this text (Yunnan 12, Guangdong 24)."""
    word = part.rules.get(side)
    return word is not None and word.text == text.id


def interpreted(part: CheckIn, slot: Slot, rules: CheckInRules) -> bool:
    """Whether no interpreter is needed, or one is checked in, in whichever room (F16)."""
    return not needs_interpreter(slot, rules) or interpreter_here(part, slot)


def interpreter_here(part: CheckIn, slot: Slot) -> bool:
    """Whether an interpreter is checked in."""
    return any(person.role is PersonRole.INTERPRETER and person.id in part.checked for person in slot.people)


# --- late (Yunnan 10, 17(2); Guangdong 23) ------------------------------------------------------------------------


def deadline(slot: Slot, policy: Policy) -> datetime:
    """Until when those who meet must be checked in; afterwards it is noted that they were not."""
    return min(slot.starts_at + policy.late_grace, slot.ends_at)


# --- facts --------------------------------------------------------------------------------------------------------


def _check_listed(slot: Slot, side: Side, person: PersonId) -> None:
    if person not in {listed.id for listed in slot.people_of(side)}:
        raise NotFound("This person is not on the approved list.", "该人员不在批准名单中。")


def _with_ticks(part: CheckIn, person: PersonId, ticks: frozenset[Tick]) -> CheckIn:
    others = {other: done for other, done in part.ticks.items() if other != person}
    return replace(part, ticks=others | {person: ticks} if ticks else others)


def _ticked(part: CheckIn, fact: ev.Ticked, moment: Moment) -> CheckIn:
    """Note a check, or take it back. A person who is being checked is not absent."""
    _check_listed(moment.slot, fact.side, fact.person)
    done = part.ticks.get(fact.person, frozenset())
    if not fact.on:
        return _with_ticks(part, fact.person, done - {fact.tick})
    part = _with_ticks(part, fact.person, done | {fact.tick})
    return replace(part, absent=part.absent - {fact.person})


def _checked_in(part: CheckIn, fact: ev.PersonCheckedIn, moment: Moment) -> CheckIn:
    _check_listed(moment.slot, fact.side, fact.person)
    done = part.ticks.get(fact.person, frozenset())
    part = _with_ticks(part, fact.person, done | frozenset(fact.ticks))
    return replace(part, absent=part.absent - {fact.person})


def _absent(part: CheckIn, fact: ev.PersonAbsent, moment: Moment) -> CheckIn:
    """Note that a person is not here. Earlier checks are void: they are made again should the person come after all."""
    _check_listed(moment.slot, fact.side, fact.person)
    part = _with_ticks(part, fact.person, frozenset())
    return replace(part, absent=part.absent | {fact.person})


def _seat(part: CheckIn, fact: ev.SeatReady, moment: Moment) -> CheckIn:
    return replace(part, seats=part.seats | {fact.side} if fact.on else part.seats - {fact.side})


def _acknowledged(part: CheckIn, fact: ev.RulesAcknowledged, moment: Moment) -> CheckIn:
    """Note that a room has acknowledged the rules. The first time counts, unless it was for another text."""
    before = part.rules.get(fact.side)
    if before is not None and before.text == fact.text:
        return part
    word = Acknowledgement(fact.by, moment.now.wall, fact.text, fact.language, fact.manner)
    return replace(part, rules={**part.rules, fact.side: word})


def _tested(part: CheckIn, fact: ev.SelfTested, moment: Moment) -> CheckIn:
    """Note a test of the equipment. A passed one counts from now on; a failed one takes the earlier one away. Both are
    shown."""
    now = moment.now
    others = {side: at for side, at in part.tested.items() if side is not fact.side}
    test = Equipment(fact.passed, fact.by, now.wall, fact.parts, fact.figures, fact.reason, fact.test)
    equipment = {**part.equipment, fact.side: test}
    return replace(part, tested=others | {fact.side: now.mono} if fact.passed else others, equipment=equipment)


def _terminal_changed(part: CheckIn, fact: ev.TerminalChanged, moment: Moment) -> CheckIn:
    """Forget the test of the equipment that is not in use any more: the new terminal tests its own."""
    tested = {side: at for side, at in part.tested.items() if side is not fact.side}
    equipment = {side: test for side, test in part.equipment.items() if side is not fact.side}
    return replace(part, tested=tested, equipment=equipment)


ORDERS: Table = {
    ev.PersonCheckedIn: _checked_in,
    ev.PersonAbsent: _absent,
    ev.Ticked: _ticked,
    ev.SeatReady: _seat,
    ev.RulesAcknowledged: _acknowledged,
    ev.SelfTested: _tested,
    ev.TerminalChanged: _terminal_changed,
}
"""What staff and rooms do while check-in is open. Once people meet, only the equipment may be tested again."""
