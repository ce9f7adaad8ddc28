"""Conditions under which a ground may be used at all, beside what it allows: whose it is, in which part of the visit,
and whether a dissuasion had to be in vain before (Yunnan 16(1); Guangdong 25, 29(2), 36). Pure; `refusals` asks it."""

from typing import NoReturn

from broker.booking.packs import ground
from broker.booking.slot import Slot
from broker.kernel.clock import Instant
from broker.kernel.errors import PolicyViolation
from broker.kernel.ids import Side, SiteId
from broker.session import events as ev
from broker.session.state import Session
from config.articles.grounds import By, Intervention, Issuer, Phase
from config.policy import Policy
from config.words import bare

Measure = ev.HoldOrdered | ev.EndOrdered | ev.WarningGiven | ev.MuteOrdered | ev.SpeechBegan
"""Orders that are given under a ground."""


def check(session: Session, fact: Measure, now: Instant, policy: Policy) -> None:
    """Raise PolicyViolation where the ground of this order is another office's, is for another part of the visit, or
    comes before its dissuasion. A mute that is lifted is no new measure."""
    if isinstance(fact, ev.MuteOrdered) and not fact.on:
        return
    code = ground(policy, fact.article)
    _check_office(session.slot, fact.site, code)
    _check_phase(session, code)
    _check_dissuasion(session, fact, code)


def check_cancelled(session: Session, fact: ev.SlotCancelled, now: Instant, policy: Policy) -> None:
    """Raise PolicyViolation where a slot is cancelled under a ground that does not exist yet, or is another office's:
    who cancels is a booking system or an admin, and no officer of the county."""
    code = ground(policy, fact.article)
    if code.by is By.COUNTY:
        _refuse(
            code,
            "This ground is the county bureau's or justice office's: one of its officers ends the visit under it"
            " while people are checked in.",
            "该条款由会见人一方的县级司法行政机关（司法所）适用：请由其管理员在入场核验时据以取消会见。",
        )
    _check_dissuasion(session, fact, code)
    check_announcement(session, fact, now, policy)


def check_announcement(
    session: Session, fact: ev.HoldOrdered | ev.EndOrdered | ev.SlotCancelled, now: Instant, policy: Policy
) -> None:
    """Raise PolicyViolation where the cause is announced by an office that is not the visit's, and the order does not
    say by which announcement (Guangdong 36(2), (3))."""
    code = ground(policy, fact.article)
    if code.issuer in (None, Issuer.UNIT) or bare(fact.note):
        return
    _refuse(
        code,
        "This cause is announced by a provincial office; name its announcement in the note.",
        "该事由由省级主管部门发布公告，须在备注中注明公告名称或文号。",
    )


def is_county(slot: Slot, site: SiteId) -> bool:
    """Whether the site acts as the county's authority in this visit: the visitors' side does, where it is no second
    prison (Guangdong 2, 38)."""
    return slot.side_of_site(site) is Side.VISITOR and not slot.between_inmates


def _check_office(slot: Slot, site: SiteId, code: Intervention) -> None:
    if code.by is By.COUNTY and not is_county(slot, site):
        _refuse(
            code,
            "This ground is the county bureau's or justice office's, on the visitors' side.",
            "该条款由会见人一方的县级司法行政机关（司法所）适用。",
        )


def _check_phase(session: Session, code: Intervention) -> None:
    if code.phase is Phase.BEFORE and session.begun:
        _refuse(
            code,
            "This ground is for before the visit; during it, use a ground for what happens in it.",
            "该条款用于会见开始前不予安排或取消会见；会见过程中应当适用会见过程的条款。",
        )


def _check_dissuasion(session: Session, fact: Measure | ev.SlotCancelled, code: Intervention) -> None:
    """Refuse a ground whose text supposes a dissuasion in vain (劝阻) before one is on record in this visit."""
    dissuades = isinstance(fact, ev.WarningGiven | ev.SpeechBegan) and code.code in code.after
    if not code.after or dissuades or isinstance(fact, ev.MuteOrdered) or dissuaded(session, code):
        return
    codes = "、".join(code.after)
    _refuse(
        code,
        f"This ground exists only after a warning in vain; warn first, under {codes.replace('、', ', ')}.",
        f"该条款以经劝阻不改为条件；请先以 {codes} 劝阻并留下记录。",
    )


def dissuaded(session: Session, code: Intervention) -> bool:
    """Whether a warning of this visit is the dissuasion that the ground supposes; of visitors by the county, one that
    their room was shown."""
    return any(
        warning.article in code.after and (code.by is not By.COUNTY or Side.VISITOR in warning.sides)
        for warning in session.interventions.warnings
    )


def _refuse(code: Intervention, english: str, chinese: str) -> NoReturn:
    raise PolicyViolation(english, chinese, articles=[code.article])
