"""Texts that rooms are shown: the ready words of warnings, and those that the regulations themselves lay down word for
word, each with the grounds under which it stands: the ten don'ts (十不准) and the letter of commitment (承诺书)."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from config.articles.grounds import Intervention

TEXT_LENGTH = 400
"""Most characters of a ready text in one language: twice as many as the longest sentence of a regulation has."""
_LETTERS = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class CannedWarning:
    """Ready words for a room, and the grounds under which they may be given, the first one being the usual.

    Under a ground that a warning may close they are a warning. Under one that demands the end they are shown with the
    hold, and close nothing."""

    id: str
    codes: tuple[str, ...]
    zh: str
    en: str
    article: str

    @property
    def code(self) -> str:
        """The code of the usual ground, the first one."""
        return self.codes[0]


@dataclass(frozen=True, slots=True)
class Notice:
    """One sentence that a regulation lays down, in its own words, and the grounds that it names."""

    id: str
    zh: str
    codes: frozenset[str]
    article: str


@dataclass(frozen=True, slots=True)
class Heading:
    """Title and leading sentence of the text to which a regulation's sentences belong, in its own words."""

    title: str
    lead: str
    article: str


def spelled(text: str) -> str:
    """A text without blanks, marks and case, as two texts are compared."""
    return _LETTERS.sub("", text).casefold()


def contradictions(
    warnings: tuple[CannedWarning, ...], grounds: Mapping[str, Intervention], notices: tuple[Notice, ...]
) -> Iterator[tuple[str, str]]:
    """Return each contradiction of a pack's texts to the law as (what, article)."""
    for warning in warnings:
        if missing := [code for code in warning.codes if code not in grounds]:
            yield f"warning {warning.id} has no ground {', '.join(missing)}", warning.article
        for notice in notices:
            if warning.id == notice.id and warning.zh != notice.zh:
                yield f"warning {warning.id} is not in the regulation's own words", notice.article
            same = warning.id == notice.id or spelled(warning.zh) == spelled(notice.zh)
            if same and set(warning.codes) != notice.codes:
                yield f"warning {warning.id} stands under {', '.join(sorted(notice.codes))}", notice.article
    yield from _incomplete(warnings, notices)


def _incomplete(warnings: tuple[CannedWarning, ...], notices: tuple[Notice, ...]) -> Iterator[tuple[str, str]]:
    """Check that a pack has all of the sentences or none: ten don'ts of which one is missing are another notice."""
    present = {warning.id for warning in warnings}
    missing = [notice for notice in notices if notice.id not in present]
    if len(missing) < len(notices):
        yield from ((f"the words of {notice.id} are missing", notice.article) for notice in missing)


def check_words(warnings: tuple[CannedWarning, ...]) -> None:
    """Raise ValueError where an id is given twice, or a text has no words, too many, or no ground."""
    if len({warning.id for warning in warnings}) != len(warnings):
        raise ValueError("a warning's id is given twice")
    for warning in warnings:
        if not all(0 < len(text) <= TEXT_LENGTH and spelled(text) for text in (warning.zh, warning.en)):
            raise ValueError(f"warning {warning.id} has no words, or more than a room can read")
        if not warning.codes or len(set(warning.codes)) != len(warning.codes):
            raise ValueError(f"warning {warning.id} has no ground, or one twice")


_DONTS = "云南 远程视频会见须知"
NOTICE = Heading("远程视频会见须知", "罪犯和会见人应当自觉遵守“十不准”规定：", _DONTS)
DONTS = (
    Notice("dont-1", "不准谈论案情，进行串供、通风报信；", frozenset({"YN-17-8"}), _DONTS),
    Notice(
        "dont-2",
        "不准谈论托关系、走门路以达到调整劳动岗位、办理减刑、假释、暂予监外执行等有碍罪犯改造的内容；",
        frozenset({"YN-17-7"}),
        _DONTS,
    ),
    Notice(
        "dont-3",
        "不准谈论监管场所武装看押、警力配备、监管警戒设施、监狱人民警察个人信息等有碍监管安全的内容；",
        frozenset({"YN-17-6", "YN-16-3"}),
        _DONTS,
    ),
    Notice(
        "dont-4",
        "不准使用隐语、暗语、非规定语种交谈，或未经许可使用外语、民族语言或手语交谈；",
        frozenset({"YN-16-2"}),
        _DONTS,
    ),
    Notice(
        "dont-5",
        "不准携带手机、录音机（笔）、录（摄）相机等具有录音、摄影（像）功能的设备，"
        "或可能危害会见场所安全的管制、违禁危险物品进入会见室；",
        frozenset({"YN-16-1"}),
        _DONTS,
    ),
    # 16 names no recording as such: the device was not handed in (item 1), or another rule was broken (item 7).
    Notice("dont-6", "不准在会见场所录音、录像、拍照、摄影；", frozenset({"YN-16-1", "YN-16-7"}), _DONTS),
    Notice(
        "dont-7",
        "不准捏造事实诽谤、诬陷、诋毁、辱骂监狱和监狱人民警察，或司法行政机关及其工作人员，或他人，"
        "大声喧哗、吵闹，影响会见场所正常秩序；",
        frozenset({"YN-17-9", "YN-16-6"}),
        _DONTS,
    ),
    # 8 and 10 are what the last items of both articles are for: a rule (16(7)), or public morals and order (17(10)).
    Notice("dont-8", "不准损坏远程视频会见设施设备；", frozenset({"YN-16-7", "YN-17-10"}), _DONTS),
    Notice("dont-9", "不准进行与远程视频会见无关的事项；", frozenset({"YN-16-7"}), _DONTS),
    Notice("dont-10", "不准有其他违反会见管理规定的行为。", frozenset({"YN-16-7", "YN-17-10"}), _DONTS),
)
"""The ten don'ts of Yunnan's notice, each under the grounds of 云南 第十六条 and 第十七条 that it names."""

_LETTER = "广东 附件承诺书"
LETTER = Heading(
    "广东省司法行政视频会见承诺书",
    "视频会见是广东司法行政系统实施亲情帮教、提高改造戒治质量的有力举措，是一项便民、惠民工程。本人郑重承诺：",
    _LETTER,
)
PLEDGES = (
    Notice(
        "pledge-1",
        "严格遵守《广东省司法行政视频会见管理办法》的规定；",
        frozenset({"WARN-RULES", "GD-29-5"}),
        _LETTER,
    ),
    # Loud or unmannerly: told first (WARN-CONDUCT); only who does not listen is under 25(3).
    Notice("pledge-2", "举止文明，不大声喧哗，听从工作人员安排；", frozenset({"WARN-CONDUCT", "GD-25-3"}), _LETTER),
    Notice(
        "pledge-3",
        "不无理取闹、扰乱正常秩序或辱骂威胁工作人员；",
        frozenset({"GD-25-2", "GD-29-1"}),
        _LETTER,
    ),
    Notice("pledge-4", "不未经允许擅自进入会见室；", frozenset({"GD-25-7", "GD-29-5"}), _LETTER),
    Notice(
        "pledge-5",
        "不谈论有碍服刑人员改造、戒毒人员戒治或涉及监狱、戒毒单位保密的内容；",
        frozenset({"GD-29-3"}),
        _LETTER,
    ),
    Notice(
        "pledge-6",
        "不未经批准使用手机等移动通讯设备，或使用摄像录音设备进行录音、录像、照相；",
        frozenset({"GD-29-4"}),
        _LETTER,
    ),
    # 7 and 8 forbid nothing: they are reminders.
    Notice("pledge-7", "充分发挥亲情感化作用，教育、引导亲属积极改造（戒治）；", frozenset({"WARN-RULES"}), _LETTER),
    Notice(
        "pledge-8",
        "会见过程中保持平和心态，出现身体不适或者其它重大变故的，本人愿意承担一切后果和责任。",
        frozenset({"WARN-RULES"}),
        _LETTER,
    ),
)
"""The eight points of Guangdong's letter, each under the grounds of 广东 第二十五条 and 第二十九条 that it names."""
