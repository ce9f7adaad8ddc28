"""Relations of visitors to the inmate: kin and guardians meet in a family visit, and others need an approval of another
kind (Yunnan 34 to 37; Guangdong 22, 37). Pure.

A defence lawyer's meeting is not listened to (司发通〔2017〕124号). Until there is a class of visits for it, booking
refuses it with that reason, and no officer's decision turns it into a family visit.
"""

from enum import StrEnum

from config.booking import BookingRules
from config.words import bare


class Standing(StrEnum):
    """Meaning of a relation for booking."""

    KIN = "kin"
    COUNSEL = "counsel"
    OFFICIAL = "official"
    INMATE = "inmate"
    UNKNOWN = "unknown"
    MISSING = "missing"


_COUNSEL = (
    *("律师", "律所", "辩护", "诉讼代理", "委托代理人", "代理人", "法律援助", "法援", "法律顾问", "法律服务"),
    *("lawyer", "counsel", "attorney", "solicitor", "barrister", "advocate", "defender", "legalaid", "lvshi", "lushi"),
)
_OFFICIAL = (
    *(
        "公证",
        "检察",
        "检查官",
        "警察",
        "民警",
        "刑警",
        "狱警",
        "干警",
        "公安",
        "侦查",
        "法院",
        "法官",
        "审判",
        "书记员",
    ),
    *("书记员", "纪委", "监委", "监察", "纪检", "政法委", "司法局", "司法所", "记者", "领事", "使馆"),
    *("notary", "police", "prosecutor", "procurator", "judge", "court", "inspector", "journalist", "consul", "embassy"),
)
_GUARDIANS = ("法定代理人", "法院指定", "法院判定")
"""Words for guardians that hold those of lawyers and courts; who is a guardian is an officer's decision (Yunnan 37)."""
_INMATE = ("罪犯", "服刑人员", "戒毒人员", "在押人员", "犯人", "本人", "同案犯", "inmate", "prisoner", "self")
_NAMED = ("律师", "辩护人", "公证员", "检察官", "法官")
"""Titles that stand in a person's name where a form has no other place for them."""


def standing(relation: str, name: str, rules: BookingRules) -> Standing:
    """Return what a listed person's relation means. `name`: as listed, where a title betrays the office."""
    word, title = bare(relation), bare(name)
    office = _without(word, _GUARDIANS)
    if any(part in office for part in _COUNSEL) or any(part in title for part in _NAMED[:2]):
        return Standing.COUNSEL
    if any(part in office for part in _OFFICIAL) or any(title.endswith(part) for part in _NAMED[2:]):
        return Standing.OFFICIAL
    if rules.knows(relation):
        return Standing.KIN
    if word in _INMATE:
        return Standing.INMATE
    return Standing.UNKNOWN if word else Standing.MISSING


def _without(word: str, parts: tuple[str, ...]) -> str:
    for part in parts:
        word = word.replace(part, "")
    return word
