"""Suspensions (暂停会见; Yunnan 17; Guangdong 25, 29), and what booking refuses because of them. Pure.

A suspension is proposed after a visit in which an officer intervened under a code that may lead to one, decided step by
step by the roles that the rules name, and in force for whole months. Booking also refuses in a month that was forfeited
(Guangdong 23).
"""

import calendar
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType

from broker.booking.bar import Bar, BarKind
from broker.booking.packs import ground
from broker.booking.slot import Person, Slot
from broker.kernel.clock import in_shanghai
from broker.kernel.errors import Conflict, Forbidden, Forfeited, NotFound, PolicyViolation, Suspended
from broker.kernel.ids import PersonId, SessionId, Side, SiteId, SuspensionId, UserId
from broker.session.state import Session
from config.policy import Policy
from config.suspension import Step, Verdict


class Status(StrEnum):
    """State of a proposal on some day. `approved` and `filed` are in force, from the day of the approval on."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"
    FILED = "filed"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Author:
    """Officer who takes a step. `kind`: of the site; `below`: the sites that this one is over, itself among them."""

    user: UserId
    role: str
    site: SiteId
    kind: str
    below: frozenset[SiteId]


@dataclass(frozen=True, slots=True)
class Taken:
    """Step that was taken; `agreed` is False for a refusal."""

    step: str
    verdict: Verdict
    agreed: bool
    by: UserId
    site: SiteId
    article: str
    note: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Proposal:
    """One suspension, from its proposal on. `home`: the site of the suspended person's side; `plan`: the steps as the
    rules had them that day; `linked`: the interventions of the visit it rests on; `identity`: the digest of the
    person's identity number, where booking gave it: the suspension binds the person under any id."""

    id: SuspensionId
    session: SessionId
    side: Side
    home: SiteId
    person: PersonId
    months: int
    code: str
    article: str
    reason: str
    by: UserId
    site: SiteId
    at: datetime
    linked: tuple[str, ...]
    plan: tuple[Step, ...]
    taken: tuple[Taken, ...] = ()
    identity: str = ""

    @property
    def next(self) -> Step | None:
        """The step that is due; None where none is left."""
        if any(not one.agreed for one in self.taken) or len(self.taken) == len(self.plan):
            return None
        return self.plan[len(self.taken)]


STOPS = frozenset({"hold", "end"})
"""Interventions of which one at least comes before a suspension: the articles know it as what may follow after a visit
was stopped (中止) or cancelled (取消) on the same ground. A first warning never carries one."""


def acts_under(session: Session, code: str) -> tuple[str, ...]:
    """The interventions of this visit under that code, by name: `end`, `hold`, `mute:side` and the ids of warnings."""
    acts = [str(one.id) for one in session.interventions.warnings if one.article == code]
    acts += [f"mute:{side}" for side, why in sorted(session.interventions.muted.items()) if why.article == code]
    if session.hold is not None and session.hold.article == code:
        acts.append("hold")
    if session.end is not None and session.end.article == code:
        acts.append("end")
    return tuple(acts)


def propose(
    session: Session,
    policy: Policy,
    now: datetime,
    *,
    id: SuspensionId,
    person: PersonId,
    months: int,
    code: str,
    reason: str,
    by: UserId,
    site: SiteId,
) -> Proposal:
    """Make a proposal of an officer of one of the visit's sites.

    Raises NotFound (no such person), Forbidden (another site), PolicyViolation (the ground, the months, nothing done).
    """
    rules = policy.suspension
    cause = ground(policy, code)
    if session.slot.side_of_site(site) is None:
        raise Forbidden()
    subject = next((one for one in subjects(session.slot, policy) if one.id == person), None)
    if subject is None:
        raise NotFound("No person of that id can be suspended for this visit.", "该人员不是可暂停会见的对象。")
    if not cause.may_suspend:
        _refuse("This ground suspends nobody.", "该条款不得提出暂停会见。", cause.article)
    if not rules.least <= months <= rules.most:
        _refuse("A suspension lasts one to three months.", "暂停会见为一至三个月。", rules.articles["most"])
    linked = acts_under(session, code)
    if not STOPS & set(linked):
        _refuse(
            "No visit was held or ended on this ground; a warning alone suspends nobody.",
            "本次会见没有依据该条款中止或取消的记录；仅有劝阻的，不得提出暂停会见。",
            cause.article,
        )
    return Proposal(
        id, session.id, subject.side, session.slot.place(subject.side).site, person, months, code, cause.article,
        reason, by, site, now, linked, rules.steps, identity=subject.identity,
    )  # fmt: skip


def subjects(slot: Slot, policy: Policy) -> tuple[Person, ...]:
    """The people whose visits the rules may suspend: the inmates of either side (Yunnan 17), or the visitors who are
    none (Guangdong 25, 29, where inmates are punished by their own rules)."""
    inmates = policy.suspension.subject == "prison"
    return tuple(person for person in slot.people if person.meets and person.inmate == inmates)


def _refuse(english: str, chinese: str, article: str) -> None:
    raise PolicyViolation(english, chinese, articles=[article])


def take(proposal: Proposal, author: Author, verdict: Verdict, agreed: bool, note: str, now: datetime) -> Proposal:
    """Take the next step, by the author whom the rules name. Raises NotFound, Forbidden or Conflict."""
    if not concerns(proposal, author.below):
        raise NotFound()
    step = proposal.next
    if step is None:
        raise Conflict("This proposal has no step left.", "该建议已办结。")
    if step.verdict is not verdict:
        raise Conflict(f"The next step is to {step.verdict}.", "该建议目前不在此步骤。", step=step.name)
    if not may_take(proposal, author):
        raise Forbidden(
            "This step belongs to another office or role.", "此步骤不由本单位、本角色办理。", articles=[step.article]
        )
    if verdict is Verdict.FILE and not agreed:
        raise Conflict("A step that files cannot be refused.", "备案步骤不能驳回。")
    done = Taken(step.name, verdict, agreed, author.user, author.site, step.article, note, now)
    return replace(proposal, taken=(*proposal.taken, done))


def may_take(proposal: Proposal, author: Author) -> bool:
    """Whether the step that is due is this author's: by role, kind of site, and a site over the person's own."""
    step = proposal.next
    if step is None:
        return False
    return author.role == step.role and author.kind in step.kinds and proposal.home in author.below


def concerns(proposal: Proposal, below: frozenset[SiteId]) -> bool:
    """Whether one of these sites proposed the suspension or is the home of the person whom it concerns."""
    return bool({proposal.home, proposal.site} & below)


# --- what is in force ---------------------------------------------------------------------------------------------


def period(proposal: Proposal) -> tuple[date, date] | None:
    """The days in Asia/Shanghai [first, last + 1) of a suspension that was decided; None before that, or when refused.

    From the day of the last approval that the rules demand; filing comes after and changes nothing.
    """
    deciding = [step.name for step in proposal.plan if step.verdict is Verdict.APPROVE]
    agreed = {one.step: one.at for one in proposal.taken if one.agreed}
    if any(not one.agreed for one in proposal.taken) or not all(name in agreed for name in deciding):
        return None
    first = in_shanghai(max(agreed[name] for name in deciding)).date()
    return first, months_later(first, proposal.months)


def months_later(day: date, months: int) -> date:
    """The same day so many months later, or the last one of a shorter month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def status(proposal: Proposal, today: date) -> Status:
    """The state of a proposal on that day."""
    if any(not one.agreed for one in proposal.taken):
        return Status.REJECTED
    span = period(proposal)
    if span is None:
        return Status.PROPOSED
    if today >= span[1]:
        return Status.EXPIRED
    return Status.APPROVED if proposal.next is not None or len(proposal.plan) == 1 else Status.FILED


# --- what booking refuses -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LostMonth:
    """Month whose visits visitors have lost by coming late or not at all (Guangdong 23)."""

    people: frozenset[PersonId]
    starts_at: datetime
    article: str
    identities: frozenset[str] = frozenset()


Aliases = Mapping[PersonId, Collection[Person]]
"""Listed people by id, each as listed here and as booked elsewhere: under other ids or identities."""
NO_ALIASES: Aliases = MappingProxyType({})


def check_eligible(
    slot: Slot, proposals: Iterable[Proposal], lost: Iterable[LostMonth], aliases: Aliases = NO_ALIASES
) -> None:
    """Check that the people of a slot may meet on its day. Raises Suspended or Forfeited, which name the end, the
    article and the person by id."""
    for bar in bars(slot, proposals, lost, aliases):
        until, articles = bar.until.isoformat(), [bar.article]
        if bar.kind is BarKind.SUSPENDED:
            raise Suspended(
                f"A listed person's visits are suspended until {bar.until} ({bar.article}).",
                f"所列人员已暂停会见，{bar.until} 起恢复（{bar.article}）。",
                until=until,
                articles=articles,
                person=bar.person,
            )
        raise Forfeited(
            f"No further visit before {bar.until} ({bar.article}).",
            f"无故迟到或爽约，{bar.until} 前不再安排会见（{bar.article}）。",
            until=until,
            articles=articles,
            person=bar.person,
        )


def bars(
    slot: Slot, proposals: Iterable[Proposal], lost: Iterable[LostMonth], aliases: Aliases = NO_ALIASES
) -> tuple[Bar, ...]:
    """Return what stands against the listed people on the slot's day, suspensions first, in a fixed order."""
    day = in_shanghai(slot.starts_at).date()
    found = {bar for proposal in proposals for bar in _suspensions(slot, proposal, day, aliases)}
    found |= {bar for month in lost for bar in _lost_months(slot, month, day, aliases)}
    return tuple(sorted(found, key=lambda bar: (bar.kind is BarKind.FORFEITED, bar.person, bar.until, bar.article)))


def _suspensions(slot: Slot, proposal: Proposal, day: date, aliases: Aliases) -> Iterator[Bar]:
    """The bar of one suspension. It binds its person on whichever side and in whichever role they are listed."""
    span = period(proposal)
    if span is None or not span[0] <= day < span[1]:
        return
    for person in slot.people:
        if any(_same(proposal, alias) for alias in aliases.get(person.id, (person,))):
            yield Bar(BarKind.SUSPENDED, person.id, proposal.article, span[1])


def _same(proposal: Proposal, person: Person) -> bool:
    return person.id == proposal.person or (bool(proposal.identity) and person.identity == proposal.identity)


def _lost_months(slot: Slot, month: LostMonth, day: date, aliases: Aliases) -> Iterator[Bar]:
    """The bars of one lost month. Inmates lose none: they are brought (Guangdong 26)."""
    missed = in_shanghai(month.starts_at).date()
    if (missed.year, missed.month) != (day.year, day.month):
        return
    until = months_later(missed.replace(day=1), 1)
    for person in slot.people_of(Side.VISITOR):
        listed = aliases.get(person.id, (person,))
        if not person.inmate and any(
            alias.id in month.people or alias.identity in month.identities for alias in listed
        ):
            yield Bar(BarKind.FORFEITED, person.id, month.article, until)
