"""Grounds of interventions: what an article lets officers do under each of its items, who may use it, and when. Data of
a policy pack, checked against what the articles say."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from config.articles.bounds import OWNER_DECISION

AGREED = "END-"
"""Beginning of the codes by which both sides part; they stand in no article."""


class EndReason(StrEnum):
    """Kind of end under a code: as the officers' measure, as a fault after which the visit is booked again first,
    or as a farewell of both sides. The words are those of the session's end."""

    SUPERVISOR = "ended_by_supervisor"
    TECHNICAL = "technical"
    COMPLETED = "completed"


class By(StrEnum):
    """Office that alone may use a ground: the county's (县级司法行政机关; by Guangdong 38 a justice office, too)."""

    COUNTY = "county"


class Phase(StrEnum):
    """Part of the visit's life in which a ground may be used: before the rooms have seen each other."""

    BEFORE = "before"


class Issuer(StrEnum):
    """Office that announces (发布公告) why visits stop, by their cause (Guangdong 36)."""

    UNIT = "unit"
    BUREAU = "bureau"
    DEPARTMENT = "department"


@dataclass(frozen=True, slots=True)
class Intervention:
    """Ground on which a supervisor may intervene, as the article numbers it.

    `may_warn`: dissuading (劝阻) can close the matter. `must_end`: the visit has to be stopped
    (中止 or 取消, and not resumed on a warning). `may_suspend`: a suspension of one to three months
    can be proposed. `may_hold`: holding the visit (中止) is a lawful answer. `reason`: how an end under it counts.
    `late`: it says that visitors did not arrive in time. `by`, `phase`: who alone may use it, and when. `after`: the
    codes of the dissuasion that has to have been in vain before anything is done under it; where it names itself, its
    own warning is that dissuasion. `issuer`: who announces the cause. `usual`: its place among those that officers use
    most in a visit, which stand first where they choose; 0: after them.
    """

    code: str
    title_zh: str
    title_en: str
    may_warn: bool
    must_end: bool
    may_suspend: bool
    article: str = OWNER_DECISION
    may_hold: bool = True
    reason: EndReason = EndReason.SUPERVISOR
    late: bool = False
    by: By | None = None
    phase: Phase | None = None
    after: tuple[str, ...] = ()
    issuer: Issuer | None = None
    usual: int = 0

    @property
    def may_end(self) -> bool:
        """Whether a visit may be ended under it; a code that only reminds or explains ends nothing."""
        return self.may_hold or self.must_end

    @property
    def by_agreement(self) -> bool:
        """Whether an end under it needs the word of both sides: a code that no article demands shortens no visit at
        one officer's will (Guangdong 31(2))."""
        return self.reason is EndReason.COMPLETED or self.code.startswith(AGREED)

    @property
    def technical(self) -> bool:
        """Whether it is the code of a fault or an emergency, after which the visit is booked again first."""
        return self.reason is EndReason.TECHNICAL

    @property
    def closed_by_warning(self) -> bool:
        """Whether a warning under it may close the matter."""
        return self.may_warn and not self.must_end


@dataclass(frozen=True, slots=True)
class Measures:
    """Measures that one article allows on its grounds (numbered 1 to `items`; 0: unnumbered).

    `must_end`: the visit has to be stopped (中止或取消), a warning does not close the matter.
    `suspends`: the grounds that may bring a suspension of one to three months. `late`: the grounds that say that
    visitors did not arrive in time. `reason`: how an end under the article counts. `after`: the grounds whose text
    supposes that officers have dissuaded in vain. `issuers`: the office that announces each cause; with them the
    article's first sentence is a ground of its own, unnumbered.
    """

    code: str
    article: str
    items: int
    may_warn: bool
    must_end: bool
    suspends: frozenset[int] = frozenset()
    late: frozenset[int] = frozenset()
    reason: EndReason = EndReason.SUPERVISOR
    by: By | None = None
    phase: Phase | None = None
    after: frozenset[int] = frozenset()
    issuers: Mapping[int, Issuer] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "issuers", MappingProxyType(dict(self.issuers)))

    def codes(self) -> dict[str, int]:
        """Every code of the article, each with its number (0: unnumbered)."""
        whole = {self.code: 0} if self.items == 0 or self.issuers else {}
        return whole | {f"{self.code}-{number}": number for number in range(1, self.items + 1)}


def contradictions(grounds: Mapping[str, Intervention], law: tuple[Measures, ...]) -> Iterator[tuple[str, str]]:
    """Return each contradiction of a pack's grounds to the law as (what, article)."""
    own = dict(grounds)
    for measures in law:
        for code, number in measures.codes().items():
            ground = own.pop(code, None)
            if ground is None:
                yield f"ground {code} is missing", measures.article
                continue
            yield from _against_article(ground, measures, number)
            yield from _against_dissuasion(ground, grounds, number in measures.after, measures.article)
    for ground in own.values():
        yield from _against_no_article(ground)


def _against_article(ground: Intervention, measures: Measures, number: int) -> Iterator[tuple[str, str]]:
    lawful = (measures.may_warn, measures.must_end, number in measures.suspends)
    if (ground.may_warn, ground.must_end, ground.may_suspend) != lawful:
        yield f"ground {ground.code} has other measures", measures.article
    if ground.article != measures.article:
        yield f"ground {ground.code} stands under {ground.article}", measures.article
    if ground.title_zh != ITEMS[ground.code]:
        yield f"ground {ground.code} is not in the regulation's own words", measures.article
    if (ground.reason, ground.late) != (measures.reason, number in measures.late):
        yield f"an end under ground {ground.code} counts as something else", measures.article
    if (ground.by, ground.phase) != (measures.by, measures.phase):
        yield f"ground {ground.code} is another office's, or for another time", measures.article
    if ground.issuer is not measures.issuers.get(number):
        yield f"the cause {ground.code} is announced by another office", measures.article


def _against_dissuasion(
    ground: Intervention, grounds: Mapping[str, Intervention], demanded: bool, article: str
) -> Iterator[tuple[str, str]]:
    """Check that a dissuasion goes before where the text says so, and nowhere else, where it would only delay."""
    if bool(ground.after) != demanded:
        what = "without a dissuasion before it" if demanded else "only after a dissuasion"
        yield f"ground {ground.code} is used {what}", article
    for code in ground.after:
        before = grounds.get(code)
        # A first warning under a ground that suspends would carry the suspension by itself.
        own = (code == ground.code and not ground.may_suspend) or code.startswith("WARN-")
        if before is None or not before.closed_by_warning or not own:
            yield f"ground {ground.code}: {code} is no dissuasion", article


def _against_no_article(ground: Intervention) -> Iterator[tuple[str, str]]:
    """Check a code that is in no article: it ends a visit by agreement of both sides (END-), reminds of the rules
    (WARN-) or explains and answers (SAY-), and never punishes."""
    ends = (ground.must_end, ground.may_warn) == (True, False) and ground.code.startswith(AGREED)
    talks = (ground.must_end, ground.may_warn, ground.may_hold) == (False, True, False)
    reasons = {EndReason.SUPERVISOR, EndReason.COMPLETED} if ends else {EndReason.SUPERVISOR}
    lawful = (ends or (talks and ground.code.startswith(("WARN-", "SAY-")))) and ground.reason in reasons
    special = ground.may_suspend or ground.late or ground.by or ground.phase or ground.after or ground.issuer
    if not lawful or special:
        yield f"ground {ground.code} is in no article", ground.article


ITEMS: Mapping[str, str] = MappingProxyType(
    {
        "YN-16-1": "罪犯的亲属、监护人不配合寄存手机、录音、"
        "摄影（像）设备或经告知仍携带可能危害会见场所安全的管制、违禁危险物品的",
        "YN-16-2": "使用隐语、暗语、非规定语种交谈或以手势（聋哑人除外）等方式进行交流的",
        "YN-16-3": "谈论监狱人民警察家庭住址、社会关系、家庭情况、电话号码等信息的",
        "YN-16-4": "谈论不利于罪犯改造事项的",
        "YN-16-5": "谈论有碍监管安全内容的",
        "YN-16-6": "影响会见场所正常秩序的",
        "YN-16-7": "其他违反会见纪律和规定的行为",
        "YN-17-1": "罪犯拒绝会见的",
        "YN-17-2": "罪犯的亲属、监护人未在约定会见时间内到达的",
        "YN-17-3": "罪犯的亲属、监护人所持身份证件为无效证件的，或与所持身份证件不符，或证明材料不真实、弄虚作假的",
        "YN-17-4": "罪犯的亲属、监护人有明显精神异常、醉酒或其他异常行为的",
        "YN-17-5": "罪犯不听从监狱警察安排，罪犯的亲属、监护人不听从司法局、司法所工作人员安排的",
        "YN-17-6": "谈论涉及监狱警力配备、监管警戒设施等监狱安全防范内容的",
        "YN-17-7": "谈论托关系、走门路以达到调整劳动岗位、办理减刑、假释、暂予监外执行等有碍罪犯改造内容的",
        "YN-17-8": "谈论案情，涉嫌串供、通风报信的",
        "YN-17-9": "捏造事实诽谤、诬陷、诋毁、辱骂监狱和监狱人民警察，或司法行政部门及其工作人员，或他人的",
        "YN-17-10": "其他违背社会公德、扰乱会见场所秩序、违反会见管理规定等情形",
        "YN-18": "视频会见过程中出现网络故障、停电、设备故障不能及时修复导致会见中断或者因不可预见、"
        "不可抗拒的紧急情况、自然灾害等不能按时安排会见的",
        "GD-25-1": "携带危险品或管制物品，有暴力倾向的",
        "GD-25-2": "无理取闹、扰乱正常秩序或辱骂威胁工作人员的",
        "GD-25-3": "大声喧哗、举止不文明，经工作人员劝阻不予改正的",
        "GD-25-4": "呈现醉酒状态的",
        "GD-25-5": "有明显精神病症状的",
        "GD-25-6": "易突发重大疾病或引发猝死的",
        "GD-25-7": "未经允许，擅自进入会见室的",
        "GD-25-8": "多次无故迟到或爽约，情节严重的",
        "GD-25-9": "不遵守司法行政机关办公场所管理规定的",
        "GD-29-1": "扰乱会见场所秩序的",
        "GD-29-2": "使用隐语、暗语或非规定语种交谈，不听劝阻的",
        "GD-29-3": "谈论有碍服刑、戒毒人员改造戒治或涉及监狱、戒毒单位保密内容的",
        "GD-29-4": "携带或使用手机、录音、摄影（像）设备的",
        "GD-29-5": "其他违反会见、探访规定情形的",
        "GD-36": "因系统升级、网络故障、自然灾害、公共卫生安全、重大社会政治事件等影响，以及监狱、"
        "戒毒单位监管安全需要等特殊情形暂停视频会见的",
        "GD-36-1": "网络、设备故障或其他原因的",
        "GD-36-2": "会见、探访规定调整的",
        "GD-36-3": "系统升级的",
    }
)
"""Code of a ground -> the regulation's own words, which no pack shortens (Yunnan 16 to 18; Guangdong 25, 29, 36)."""
