"""Checks of the people of a slot: how many of which kind, who they are to each other, in which language they speak, and
whether each can be recognised again. Pure. A refusal names its article, and says what to send instead."""

from typing import NoReturn

from broker.booking.identity import normal_id, recognised
from broker.booking.language import interpreters, is_known, needs_interpreter
from broker.booking.relation import Standing, standing
from broker.booking.slot import Person, Slot
from broker.kernel.errors import BadRequest, PolicyViolation
from broker.kernel.ids import Side
from config.booking import BookingLaw
from config.law import LAWS
from config.policy import Policy
from config.words import bare


def check_people(slot: Slot, policy: Policy) -> None:
    """Check the people of a slot. Raises BadRequest or PolicyViolation."""
    law = LAWS[policy.law].booking
    _check_listed(slot)
    _check_counts(slot, policy, law)
    _check_languages(slot, policy, law)
    for person in slot.people:
        _check_identity(person, law)
        _check_relation(person, policy, law)


def refuse(article: str, english: str, chinese: str) -> NoReturn:
    """Refuse what breaks an article, by naming it in both languages."""
    raise PolicyViolation(f"{english} ({article})", f"{chinese}（{article}）", articles=[article])


def _check_listed(slot: Slot) -> None:
    if any(not slot.parties_of(side) for side in Side):
        raise BadRequest("Each side lists at least one person.", "每一方至少登记一人。")
    if any(not bare(person.name) for person in slot.people):
        raise BadRequest("A person has no name.", "人员姓名不能为空。")
    for marks in (
        [normal_id(person.id) for person in slot.people],
        [person.identity for person in slot.people if person.identity],
    ):
        if len(set(marks)) != len(marks):
            raise BadRequest("A person is listed twice.", "同一人员重复登记。")
    if any(normal_id(person.id) != person.id for person in slot.people):
        raise BadRequest("A person's id is not in its normal form.", "人员编号格式不规范。")


def _check_counts(slot: Slot, policy: Policy, law: BookingLaw) -> None:
    for side in Side:
        inmates = sum(person.inmate for person in slot.people_of(side))
        if inmates > policy.booking.inmates:
            article = law.inmates_article if side is Side.PRISON else law.pairing
            refuse(
                article,
                f"{inmates} inmates on one side: a visit is one inmate's.",
                "一次会见每方只能有一名罪犯（戒毒人员）。",
            )
    visitors = len(slot.parties_of(Side.VISITOR))
    if visitors > policy.max_visitors:
        refuse(policy.articles["max_visitors"], f"{visitors} visitors are too many.", "会见人数超过规定。")


def _check_languages(slot: Slot, policy: Policy, law: BookingLaw) -> None:
    if not is_known(slot.language):
        raise BadRequest(
            "The language is unknown: send a tag after BCP 47 such as zh, zh-yue, bo, ii, en or csl.",
            "未知的语言代码，请按 BCP 47 填写，如 zh、zh-yue、bo、ii、en、csl。",
            articles=[law.interpreter],
        )
    listed, needed = interpreters(slot), needs_interpreter(slot, policy.check_in)
    if needed and not listed:
        refuse(
            law.interpreter,
            "This language needs an interpreter and none is listed: list one with the role interpreter.",
            "使用该语言会见须有翻译人员在场，请在名单中登记翻译人员（role 为 interpreter）。",
        )
    if listed and not needed:
        refuse(
            law.interpreter,
            "This language needs no interpreter: list none, or send the language that is spoken.",
            "该语言会见不需要翻译人员，请勿登记；如使用其他语言，请填写实际语言。",
        )
    # Interpreters do not count as visitors. Without a limit of their own, any number of people could come as such.
    if listed > policy.check_in.max_interpreters:
        article = policy.check_in.articles["max_interpreters"]
        refuse(article, f"{listed} interpreters are too many.", "翻译人员人数过多。")


def _check_identity(person: Person, law: BookingLaw) -> None:
    """Refuse a person whom a later booking could not recognise: a suspension would not bind them."""
    if not recognised(person.id, person.identity):
        refuse(
            law.identity,
            "Every person is registered by real name: send the booking system's lasting `id` of the person, or the"
            " `id_number`.",
            "所有人员须实名登记：请提供预约系统中该人员的固定编号（id）或证件号码（id_number）。",
        )


# --- relations ----------------------------------------------------------------------------------------------------

_REFUSALS = {
    Standing.COUNSEL: (
        "Meetings with a defence lawyer are not listened to and have no class here yet; a family visit cannot be one.",
        "律师（辩护人）会见不被监听，系统暂无该类会见，不得以亲属会见名义预约。",
    ),
    Standing.OFFICIAL: (
        "Persons who come by office need a visit of their own class; a family visit cannot be one.",
        "因公（办案、公证等）会见须按相应类别办理，不得以亲属会见名义预约。",
    ),
    Standing.INMATE: (
        "An inmate is no visitor: two inmates meet from the rooms of their own prisons.",
        "罪犯（戒毒人员）不能作为会见人；双方均在押的，应在各自监所会见。",
    ),
    Standing.UNKNOWN: (
        "This relation is not one of kin or guardians: send one that is, or `relation_decision` with the officer who"
        " decided and the reason.",
        "该关系不在亲属、监护人范围内：请填写规定的关系，或附承办人认定（relation_decision：by 与 reason）。",
    ),
    Standing.MISSING: (
        "A visitor's relation to the inmate is missing: send `relation`, such as 母亲 or 配偶.",
        "缺少会见人与罪犯（戒毒人员）的关系：请填写 relation，如母亲、配偶。",
    ),
}


def _check_relation(person: Person, policy: Policy, law: BookingLaw) -> None:
    found = standing(person.relation, person.name, policy.booking)
    if found is Standing.COUNSEL:
        refuse(law.private_counsel, *_REFUSALS[found])
    if found is Standing.OFFICIAL and person.meets:
        refuse(law.official, *_REFUSALS[found])
    if bool(bare(person.relation_by)) != bool(bare(person.relation_reason)):
        raise BadRequest("A decision on a relation names its author and a reason.", "关系认定须注明认定人和理由。")
    if person.side is Side.PRISON or not person.meets or found is Standing.KIN:
        return
    decided = found is Standing.UNKNOWN and person.relation_by
    if not decided:
        refuse(law.relation, *_REFUSALS[found])
