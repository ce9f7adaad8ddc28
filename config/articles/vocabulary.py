"""The Chinese words of visits, each with its one meaning: on pages, terminals, the command line and papers.

The regulations' own words come first. Where they have none, the system's word is named, and why it was chosen; words
that officers could take for another measure are refused everywhere (`tests/test_vocabulary.py` reads all texts). The
packs quote articles word by word and are bound by nothing here.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Term:
    """Word that has one meaning wherever it stands. `law`: articles that use it so; empty for the system's own word.
    `refused`: regular expressions of words that would say the same otherwise, or something else by the same word."""

    zh: str
    en: str
    meaning_zh: str
    meaning_en: str
    law: str = ""
    refused: tuple[str, ...] = ()


TERMS: tuple[Term, ...] = (
    Term(
        "中止",
        "hold",
        "双方画面和声音立即断开，会见尚未结束；原因消除后可以恢复，应当终止的除外",
        "the rooms are cut off at once and the visit is not over; it may go on once the cause is gone, where no ground"
        " demands the end",
        "云南 第十六条、第十七条；广东 第二十九条",
        (r"会见(已|被|正在)?暂停(?!的)", r"暂停(本次|这场|该场|正在进行的)会见", r"挂起"),
    ),
    Term(
        "终止",
        "end",
        "已开始或已办理入场的会见按条款结束，不能恢复。两地条文均无此词：云南称“中止或取消本次视频会见”，广东称“取消会见”"
        "“立即中止会见”，都不分能否恢复；与中止读音相同，因此按钮同时写明能否恢复",
        "a visit whose check-in has begun is over under an article and cannot go on. Neither regulation has the word:"
        " Yunnan says 中止或取消, Guangdong 取消 or 立即中止, and neither tells what may go on from what may not; as it"
        " sounds like 中止, buttons say as well whether the visit can go on",
        "",
        (r"停止(本次|这场|该场|正在进行的)?会见", r"(强制|强行)(结束|关闭)会见", r"终结(本次)?会见"),
    ),
    Term(
        "取消",
        "cancel",
        "会见开始之前不再进行：时段由批准它的单位取消。条文的“取消”也指进行中的会见，本系统对此称终止",
        "a visit does not take place: its slot is cancelled before the visit. In the articles 取消 is said of visits"
        " under way, too, which the system calls 终止",
        "云南 第十六条、第十七条；广东 第二十五条",
        (r"作废(时段|会见)", r"撤销(时段|会见)"),
    ),
    Term(
        "暂停会见",
        "suspension",
        "一至三个月内不再安排会见的决定，与中止无关；广东第三十六条的“暂停视频会见”是全单位停办，另行公告",
        "the decision that for one to three months no visits are arranged; it has nothing to do with a hold. What is"
        " suspended under Guangdong 36 is the service of a place, which is announced",
        "云南 第十七条；广东 第二十五条、第二十九条",
        (r"停(会|访)[一二三123]",),
    ),
    Term(
        "会见完毕",
        "farewell",
        "双方都表示谈完，会见提前结束；任何一方不能单独决定",
        "both sides say that they have finished and the visit ends early; no side decides it alone",
        "",
        (r"(提前|主动)(挂断|挂机)",),
    ),
    Term(
        "劝阻",
        "warning",
        "向会见室发出的文字提醒；应当中止或取消的情形不能以此了结",
        "words to the rooms on what they may not do; no ground that demands the end is closed by them",
        "云南 第十六条；广东 第二十五条、第二十九条",
        (r"警告(会见|双方|会见室)",),
    ),
    Term(
        "管理员",
        "supervisor",
        "在岗监督会见的监狱人民警察和司法局、司法所工作人员，每方至少两名。维护系统的称“系统管理员”",
        "the prison police and the staff of bureaus and offices who watch a visit, two of each side at least. Who keeps"
        " the system is 系统管理员",
        "云南 第二十五条",
        (r"监督人员", r"监控人员", r"(请|联系|告知)管理员(安装|查看|核对时钟)?(?=，|。|；|$)", r"审计员或管理员"),
    ),
    Term(
        "会见人",
        "visitor",
        "与罪犯（服刑、戒毒人员）视频会见的亲属、监护人",
        "the kin or guardian who meets an inmate",
        "广东 第三十七条；云南 远程视频会见须知",
        (r"家属", r"探视者", r"来访者", r"亲友"),
    ),
    Term(
        "罪犯（服刑、戒毒人员）",
        "inmate",
        "在监狱或戒毒单位一方会见的人",
        "the person who meets on the side of a prison or rehabilitation unit",
        "云南 第二条；广东 第二条、第三十七条",
        (r"囚犯", r"囚徒", r"人犯"),
    ),
    Term(
        "工作人员",
        "staff",
        "司法局、司法所一方的人员；监狱一方称民警或人民警察",
        "people of a bureau or office; those of a prison are 民警 or 人民警察",
        "云南 第十七条、第二十五条；广东 第二十五条、第三十条、第三十一条",
        (r"干警", r"(?<!监)狱警", r"警官"),
    ),
    Term(
        "监所",
        "prison side",
        "监狱、戒毒单位的统称，会见两方之一",
        "prisons and rehabilitation units, as one side of a visit",
        "",
        (r"牢房", r"看守所"),
    ),
)
"""Every word that officers, rooms and papers use for measures and people."""

EXCEPT = {
    "broker/booking/relation.py": "kinds of relations that booking systems send, as they spell them",
    "config/articles/vocabulary.py": "this table",
}
"""Files whose texts are data that others spell, each with the reason."""


def refusals(text: str) -> list[tuple[str, str]]:
    """Return the refused words in a text, each with the word that is used instead."""
    return [
        (match.group(), term.zh)
        for term in TERMS
        for pattern in term.refused
        for match in re.finditer(pattern, text, re.MULTILINE)
    ]
