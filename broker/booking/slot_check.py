"""Checks of a slot before it is stored, whether it comes by the API, the command line or the demonstration. Pure."""

from datetime import datetime, timedelta

from broker.booking.slot import Place, Slot
from broker.kernel.errors import BadRequest, PolicyViolation
from broker.kernel.ids import Side, SiteId
from config.policy import Policy


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
    if not slot.approved_by.strip() or not slot.article.strip():
        raise BadRequest("The approver or the article is missing.", "缺少批准人或依据条款。")
    _check_people(slot, policy)
    # Whole minutes, rounded up: a demonstration's 20 seconds are its first minute.
    if timedelta(minutes=slot.minutes - 1) >= policy.hard_limit:
        _refuse(policy, "hard_limit", f"{slot.minutes} minutes are too long.", "会见时间超过规定。")


def check_place(side: Side, place: Place, room_site: SiteId, holds_inmates: bool) -> None:
    """Raise BadRequest unless the room is one of the place's site, and the site can be on that side. `room_site`: the
    site to which the room belongs; `holds_inmates`: whether the place's site does."""
    if room_site != place.site:
        raise BadRequest(f"Room {place.room} is not of site {place.site}.", f"会见室 {place.room} 不属于该单位。")
    if side is Side.PRISON and not holds_inmates:
        raise BadRequest(f"Site {place.site} holds no inmates.", f"单位 {place.site} 不是监所。")


def _check_people(slot: Slot, policy: Policy) -> None:
    if any(not slot.parties_of(side) for side in Side):
        raise BadRequest("Each side lists at least one person.", "每一方至少登记一人。")
    if len({person.id for person in slot.people}) != len(slot.people):
        raise BadRequest("A person is listed twice.", "同一人员重复登记。")
    if any(not person.name.strip() for person in slot.people):
        raise BadRequest("A person has no name.", "人员姓名不能为空。")
    visitors = len(slot.parties_of(Side.VISITOR))
    if visitors > policy.max_visitors:
        _refuse(policy, "max_visitors", f"{visitors} visitors are too many.", "会见人数超过规定。")
    # Interpreters do not count as visitors. Without a limit of their own, any number of people could come as such.
    interpreters = sum(not person.meets for person in slot.people)
    if interpreters > policy.check_in.max_interpreters:
        _refuse(policy, "max_interpreters", f"{interpreters} interpreters are too many.", "翻译人员人数过多。")


def _refuse(policy: Policy, rule: str, english: str, chinese: str) -> None:
    article = policy.articles.get(rule) or policy.check_in.articles[rule]
    raise PolicyViolation(f"{english} ({article})", f"{chinese}（{article}）", articles=[article])
