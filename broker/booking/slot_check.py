"""Checks of a slot before it is stored, whether it comes by the API, the command line or the demonstration. Pure.

`people_check` has those of the people; this module has the window, the places and the approvals. A refusal by an
article names it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from broker.booking.people_check import check_people, refuse
from broker.booking.slot import Place, Slot
from broker.kernel.errors import BadRequest
from broker.kernel.ids import Side, SiteId
from config.booking import BookingLaw
from config.law import LAWS
from config.policy import Policy
from config.words import bare


def check_slot(slot: Slot, policy: Policy, now: datetime) -> None:
    """Raise BadRequest where the slot makes no sense, PolicyViolation where it breaks an article."""
    if slot.starts_at.tzinfo is None or slot.ends_at.tzinfo is None:
        raise BadRequest("A time has no time zone.", "时间缺少时区。")
    if not (slot.starts_at < slot.ends_at and slot.ends_at > now):
        raise BadRequest("The slot is over or ends before it starts.", "时段已过或起止时间颠倒。")
    if slot.minutes < 1:
        raise BadRequest("A visit has at least one minute.", "会见时长至少一分钟。")
    if slot.prison.room == slot.visitor.room:
        raise BadRequest("The two sides need two rooms.", "双方必须在不同会见室。")
    if not bare(slot.approved_by) or not bare(slot.article):
        raise BadRequest("The approver or the article is missing.", "缺少批准人或依据条款。")
    _check_second_approval(slot, LAWS[policy.law].booking)
    if not slot.drill:  # its people are invented
        check_people(slot, policy)
    # Whole minutes, rounded up: a demonstration's 20 seconds are its first minute.
    if timedelta(minutes=slot.minutes - 1) >= policy.hard_limit:
        article = policy.articles["hard_limit"]
        refuse(article, f"{slot.minutes} minutes are too long.", "会见时间超过规定。")


def _check_second_approval(slot: Slot, law: BookingLaw) -> None:
    """Check that a second approval stands where both sides hold inmates, and is whole. It may also come later."""
    if bool(bare(slot.second_approved_by)) != bool(bare(slot.second_article)):
        raise BadRequest(
            "The second approval names both who approved and the article.", "第二方批准须同时注明批准人和依据条款。"
        )
    if slot.second_approved_by and not slot.between_inmates:
        raise BadRequest(
            "A second approval is for visits between two prisons.",
            "仅双方均为监所的会见需要双方批准。",
            articles=[law.pairing],
        )


@dataclass(frozen=True, slots=True)
class SiteOfSide:
    """What a side's site is: its kind, and the law and the pack that hold there."""

    id: SiteId
    kind: str
    law: str
    demo: bool


def check_place(side: Side, place: Place, room_site: SiteId, site: SiteOfSide, policy: Policy) -> None:
    """Check that the room is one of the place's site, and that the site can be on that side under the prison's policy.

    Raises BadRequest or PolicyViolation."""
    law, rules = LAWS[policy.law].booking, policy.booking
    if room_site != place.site:
        raise BadRequest(f"Room {place.room} is not of site {place.site}.", f"会见室 {place.room} 不属于该单位。")
    if side is Side.PRISON and site.kind not in ("prison", "rehab"):
        raise BadRequest(
            f"Site {place.site} holds no inmates.", f"单位 {place.site} 不是监所。", articles=[law.sites_article]
        )
    allowed = rules.inmate_sites if side is Side.PRISON else rules.inmate_sites | rules.visitor_sites
    if site.kind not in allowed:
        refuse(
            law.sites_article,
            f"Site {place.site} ({site.kind}) is no side of a visit under these rules; book a room of"
            f" {', '.join(sorted(allowed))}.",
            f"单位 {place.site} 的类别不能作为本规定会见的一方，请选择符合规定的单位会见室。",
        )
    if site.law != policy.law or site.demo != policy.demo:
        refuse(
            law.province,
            f"Site {place.site} follows the rules of another province; both sides of a visit follow the same.",
            f"单位 {place.site} 适用其他省份的规定，会见双方须适用同一省份的规定。",
        )


def check_detained(slot: Slot, holds_inmates: bool) -> None:
    """Check that the people of the visitor side are listed as what its site makes them. Raises BadRequest."""
    if any(person.detained != holds_inmates for person in slot.parties_of(Side.VISITOR)):
        raise BadRequest("The people of a side are not what its site holds.", "人员身份与所在单位类别不符。")
