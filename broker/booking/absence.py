"""Absences (未到场): what is noted of a side that was not complete when check-in closed, and what officers decide about
it (Yunnan 10; Guangdong 23). Pure.

| state | means | next, by an officer of the side's site, with a reason |
|---|---|---|
| NOTED | by the check-in, the side had not arrived; nothing follows | FORFEIT, or EXCUSE |
| FORFEITED | an officer found no reason (无故): given up is the visit (Yunnan 10) or the month | TAKE_BACK |
| TAKEN_BACK | another officer took the forfeit back; nothing follows | nothing |
| EXCUSED | there was a reason, or the desk's own mistake; nothing follows | nothing |

No timer, clock or machine decides. A prison's side is only noted: inmates who are not brought lose nothing.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from broker.booking.slot import Slot
from broker.kernel.errors import BadRequest, Conflict, Forbidden, PolicyViolation
from broker.kernel.ids import AbsenceId, PersonId, SessionId, Side, SiteId, SlotId, UserId
from broker.session.effects import Reason
from broker.session.state import Session, State
from config.check_in import Consequence
from config.policy import Policy
from config.words import bare


class Decision(StrEnum):
    """What an officer decides about an absence."""

    FORFEIT = "forfeit"
    TAKE_BACK = "take_back"
    EXCUSE = "excuse"


class AbsenceState(StrEnum):
    """State to which decisions bring an absence."""

    NOTED = "noted"
    FORFEITED = "forfeited"
    TAKEN_BACK = "taken_back"
    EXCUSED = "excused"


_LEADS_TO = {
    (AbsenceState.NOTED, Decision.FORFEIT): AbsenceState.FORFEITED,
    (AbsenceState.NOTED, Decision.EXCUSE): AbsenceState.EXCUSED,
    (AbsenceState.FORFEITED, Decision.TAKE_BACK): AbsenceState.TAKEN_BACK,
}


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision that was made. A forfeit names the `people` who lose what `consequence` says, by `article`. `by` is
    empty for what an earlier version did by a timer."""

    decision: Decision
    by: UserId
    site: SiteId
    reason: str
    at: datetime
    people: tuple[PersonId, ...] = ()
    consequence: Consequence | None = None
    article: str = ""


@dataclass(frozen=True, slots=True)
class Absence:
    """What is noted of one session: the `side` of `site` was not complete at `at`, because `people` were not checked
    in. `by` is the officer who ended the visit under a code of lateness, empty for the timer."""

    id: AbsenceId
    session: SessionId
    slot: SlotId
    side: Side
    site: SiteId
    people: tuple[PersonId, ...]
    at: datetime
    by: str = ""
    decided: tuple[Decided, ...] = ()

    @property
    def state(self) -> AbsenceState:
        """The state to which the decisions have led."""
        state = AbsenceState.NOTED
        for step in self.decided:
            state = _LEADS_TO[state, step.decision]
        return state

    @property
    def forfeit(self) -> Decided | None:
        """The forfeit that is in force, or None."""
        return self.decided[-1] if self.state is AbsenceState.FORFEITED else None


def noted(session: Session) -> Absence | None:
    """The note that the end of a session made of a side that did not come, or None."""
    end, slot = session.end, session.slot
    if session.state is not State.ENDED or end is None or end.reason is not Reason.NO_SHOW or end.side is None:
        return None
    if slot.drill:
        return None
    away = tuple(person.id for person in slot.parties_of(end.side) if person.id not in session.check_in.checked)
    site = slot.place(end.side).site
    return Absence(AbsenceId(f"abs_{session.id}"), session.id, slot.id, end.side, site, away, end.at, end.by)


def decide(
    absence: Absence,
    slot: Slot,
    policy: Policy,
    decision: Decision,
    *,
    by: UserId,
    site: SiteId,
    reason: str,
    now: datetime,
    people: Collection[PersonId] | None = None,
    inmates: bool = False,
) -> Absence:
    """Return the absence after an officer's decision. `people`: who forfeits, of those of the note; None means all of
    them. `inmates`: the side's site holds inmates.

    Raises Forbidden (another site), Conflict (the state, or the same officer), PolicyViolation (a side that loses
    nothing), BadRequest (no reason, other people).
    """
    if site != absence.site:
        raise Forbidden("The site of the side that did not come decides.", "由未到场一方的单位办理。")
    if not bare(reason):
        raise BadRequest("A decision gives its reason in words.", "须写明理由。")
    if (absence.state, decision) not in _LEADS_TO:
        raise Conflict(f"This absence is {absence.state}.", "该未到场记录当前状态不允许此操作。", state=absence.state)
    step = Decided(decision, by, site, reason.strip(), now)
    if decision is Decision.TAKE_BACK and absence.decided[-1].by == by:
        raise Conflict(
            "A forfeit is taken back by another officer than the one who made it.",
            "须由作出决定以外的另一名管理员撤回。",
        )
    if decision is Decision.FORFEIT:
        step = _forfeit(absence, slot, policy, step, people, inmates)
    return replace(absence, decided=(*absence.decided, step))


def _forfeit(
    absence: Absence, slot: Slot, policy: Policy, step: Decided, people: Collection[PersonId] | None, inmates: bool
) -> Decided:
    article = policy.check_in.articles["late_consequence"]
    if absence.side is not Side.VISITOR or inmates:
        raise PolicyViolation(
            "Inmates who were not brought lose nothing.", "未被带到的服刑（戒毒）人员不承担后果。", articles=[article]
        )
    chosen = tuple(absence.people if people is None else dict.fromkeys(people))
    if not chosen or not set(chosen) <= set(absence.people):
        raise BadRequest("Name the visitors of this visit who did not come.", "请指明本次会见中未到场的会见人。")
    return replace(step, people=chosen, consequence=policy.check_in.late_consequence, article=article)
