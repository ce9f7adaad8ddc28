"""Demands of the two regulations, as bounds and codes that no pack can loosen.

A pack is data that an operator may edit; this table is not. Sources: Yunnan 云司规〔2023〕1号 and the
Guangdong measures of 2 September 2020. Bounds are inclusive (广东 第三十九条).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Literal

from config.check_in import CheckInLaw, Consequence, Tick
from config.extension import ExtensionLaw, Until
from config.suspension import SuspensionLaw, Verdict

OWNER_DECISION = "业主决定"
Value = int | timedelta


@dataclass(frozen=True, slots=True)
class Bound:
    """Bound of one policy field, itself allowed, and the article that sets it."""

    field: str
    edge: Literal["at_most", "at_least"]
    value: Value
    article: str

    def allows(self, value: Value) -> bool:
        """Whether `value` (of the same type as the bound's) is the edge itself or stricter."""
        if isinstance(value, timedelta) and isinstance(self.value, timedelta):
            return value <= self.value if self.edge == "at_most" else value >= self.value
        if isinstance(value, int) and isinstance(self.value, int):
            return value <= self.value if self.edge == "at_most" else value >= self.value
        raise TypeError(f"{self.field} is a {type(self.value).__name__}")


class EndReason(StrEnum):
    """Kind of end under a code: as the officers' measure, as a fault after which the visit is booked again first,
    or as a farewell of both sides. The words are those of the session's end."""

    SUPERVISOR = "ended_by_supervisor"
    TECHNICAL = "technical"
    COMPLETED = "completed"


@dataclass(frozen=True, slots=True)
class Measures:
    """Measures that one article allows on its grounds (numbered 1 to `items`; 0: unnumbered).

    `must_end`: the visit has to be stopped (中止或取消), a warning does not close the matter.
    `suspends`: the grounds that may bring a suspension of one to three months. `late`: the grounds that say that
    visitors did not arrive in time. `reason`: how an end under the article counts.
    """

    code: str
    article: str
    items: int
    may_warn: bool
    must_end: bool
    suspends: frozenset[int] = frozenset()
    late: frozenset[int] = frozenset()
    reason: EndReason = EndReason.SUPERVISOR

    def codes(self) -> dict[str, int]:
        """Every code of the article, each with its number (0: unnumbered)."""
        if self.items == 0:
            return {self.code: 0}
        return {f"{self.code}-{number}": number for number in range(1, self.items + 1)}


@dataclass(frozen=True, slots=True)
class Law:
    """The regulation of one province."""

    title: str
    bounds: tuple[Bound, ...]
    measures: tuple[Measures, ...]
    check_in: CheckInLaw
    extension: ExtensionLaw
    suspension: SuspensionLaw


_MINUTES_30 = timedelta(minutes=30)

YUNNAN = Law(
    title="云南省远程视频会见管理办法",
    bounds=(
        Bound("hard_limit", "at_most", _MINUTES_30, "云南 第十四条"),
        Bound("max_visitors", "at_most", 3, "云南 第十四条"),
        Bound("min_supervisors", "at_least", 2, "云南 第二十五条"),
        Bound("retention_months", "at_least", 6, "云南 第十三条"),
        # Kin arrive 30 minutes before the time; check-in that opens later could not receive them.
        Bound("check_in_lead", "at_least", _MINUTES_30, "云南 第十条"),
    ),
    measures=(
        Measures("YN-16", "云南 第十六条", 7, may_warn=True, must_end=False),
        Measures(
            "YN-17",
            "云南 第十七条",
            10,
            may_warn=False,
            must_end=True,
            suspends=frozenset({6, 7, 8, 9}),
            late=frozenset({2}),
        ),
        # 18 has the visit arranged again first.
        Measures("YN-18", "云南 第十八条", 0, may_warn=False, must_end=False, reason=EndReason.TECHNICAL),
    ),
    check_in=CheckInLaw(
        visitor_checks={
            Tick.IDENTITY: "云南 第十一条",
            Tick.SECURITY: "云南 第十一条",
            Tick.PHONE: "云南 第十九条",
            Tick.RULES: "云南 第十二条",
        },
        # Prisoners have no telephone to hand in; they, too, are searched (20) and told the rules (12).
        prisoner_checks={Tick.SECURITY: "云南 第二十条", Tick.RULES: "云南 第十二条"},
        late=Consequence.VISIT,
        late_article="云南 第十条",
        no_dialect="云南 第二十三条",
    ),
    # 14 sets no bound to what the warden approves; the owner's is as much again as the visit itself.
    extension=ExtensionLaw(
        role="approver", most=_MINUTES_30, until=Until.LIMIT, article=f"{OWNER_DECISION}（云南 第十四条未定数）"
    ),
    suspension=SuspensionLaw(  # 监狱可以暂停罪犯一至三个月以内会见
        "prison", 1, 3, ((Verdict.APPROVE, frozenset({"prison", "rehab"})),), "云南 第十七条"
    ),
)

GUANGDONG = Law(
    title="广东省司法行政视频会见管理办法",
    bounds=(
        Bound("hard_limit", "at_most", _MINUTES_30, "广东 第十一条"),
        Bound("max_visitors", "at_most", 7, "广东 第十一条"),
        # Article 27 asks for watching and recording without numbers; the owner took Yunnan's.
        Bound("min_supervisors", "at_least", 2, f"{OWNER_DECISION}（广东 第二十七条未定数）"),
        Bound("retention_months", "at_least", 6, f"{OWNER_DECISION}（广东 第二十七条未定数）"),
        Bound("check_in_lead", "at_least", timedelta(0), "广东 第二十三条"),
    ),
    measures=(
        # 25 says "may" refuse or cancel, so less is open too; 29 says "at once".
        Measures(
            "GD-25",
            "广东 第二十五条",
            9,
            may_warn=True,
            must_end=False,
            suspends=frozenset(range(1, 10)),
        ),
        Measures(
            "GD-29",
            "广东 第二十九条",
            5,
            may_warn=False,
            must_end=True,
            suspends=frozenset(range(1, 6)),
        ),
        Measures("GD-36", "广东 第三十六条", 0, may_warn=False, must_end=False, reason=EndReason.TECHNICAL),
    ),
    check_in=CheckInLaw(
        visitor_checks={
            Tick.IDENTITY: "广东 第二十四条",
            Tick.SECURITY: "广东 第二十四条",
            Tick.PHONE: "广东 第二十九条第四项",
            Tick.RULES: "广东 第二十四条",
        },
        prisoner_checks={},  # 26 leaves the prison's own measures to the prison
        late=Consequence.MONTH,
        late_article="广东 第二十三条",
        letter="广东 第二十四条",
        dialect="广东 第二十八条",
    ),
    # 22 knows longer visits as something that is applied for; 31(2) forbids to lengthen one at will while it runs.
    extension=ExtensionLaw(
        role="approver", most=_MINUTES_30, until=Until.START, article="广东 第二十二条、第三十一条第二项"
    ),
    suspension=SuspensionLaw(  # 经地级以上市司法局批准、省司法厅备案
        "visitor",
        1,
        3,
        ((Verdict.APPROVE, frozenset({"city", "province"})), (Verdict.FILE, frozenset({"province"}))),
        "广东 第二十五条、第二十九条",
    ),
)

LAWS: Mapping[str, Law] = MappingProxyType({"yunnan": YUNNAN, "guangdong": GUANGDONG})
