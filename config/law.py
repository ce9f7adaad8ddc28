"""Demands of the two regulations, as bounds and codes that no pack can loosen.

A pack is data that an operator may edit; this table is not. Sources: Yunnan 云司规〔2023〕1号 and the
Guangdong measures of 2 September 2020. Bounds are inclusive (广东 第三十九条).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

from config.articles.bounds import Bound, owner_bounds, owners
from config.articles.grounds import By, EndReason, Issuer, Measures, Phase
from config.articles.notices import DONTS, LETTER, NOTICE, PLEDGES, Heading, Notice
from config.booking import BookingLaw
from config.check_in import CheckInLaw, Consequence, Tick
from config.extension import ExtensionLaw, Until
from config.suspension import SuspensionLaw, Verdict


@dataclass(frozen=True, slots=True)
class Law:
    """The regulation of one province. `notices` are the sentences that are told to the rooms, under their `heading`."""

    title: str
    bounds: tuple[Bound, ...]
    measures: tuple[Measures, ...]
    notices: tuple[Notice, ...]
    heading: Heading
    check_in: CheckInLaw
    extension: ExtensionLaw
    suspension: SuspensionLaw
    booking: BookingLaw


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
        *owner_bounds(
            "云南",
            arrival="第十条",
            equipment="第十二条",
            fault="第十八条",
            watching="第二十五条、第二十六条第三项",
            visits="第十四条",
            recording="第十三条",
            language="第二十三条",
        ),
    ),
    measures=(
        # Item 1 supposes that kin were asked (不配合寄存) or told (经告知仍携带) before.
        Measures("YN-16", "云南 第十六条", 7, may_warn=True, must_end=False, after=frozenset({1})),
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
    notices=DONTS,
    heading=NOTICE,
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
        acknowledged="云南 第十二条、远程视频会见须知",
        no_dialect="云南 第二十三条",
    ),
    # 14 sets no bound to what the warden approves; the owner's is as much again as the visit itself.
    extension=ExtensionLaw(role="approver", most=_MINUTES_30, until=Until.LIMIT, article=owners("云南", "第十四条")),
    suspension=SuspensionLaw(  # 监狱可以暂停罪犯一至三个月以内会见
        "prison", 1, 3, "approver", ((Verdict.APPROVE, frozenset({"prison", "rehab"})),), "云南 第十七条"
    ),
    booking=BookingLaw(
        inmate_sites=frozenset({"prison"}),  # 2, 3: 监狱内服刑的罪犯; the measures know no rehabilitation units
        visitor_sites=frozenset({"bureau", "office"}),
        inmates=1,
        sites_article="云南 第二条、第三条、第十三条",
        inmates_article="云南 第二条",
        official="云南 第三十四条",
        private_counsel="云南 第三十四条、司发通〔2017〕124号",
        interpreter="云南 第二十三条",
        pairing="云南 第七条",
        province="云南 第三条、第六条",
        identity="云南 第八条第一项、第十一条",
        relation="云南 第三十五条至第三十七条",
    ),
)

GUANGDONG = Law(
    title="广东省司法行政视频会见管理办法",
    bounds=(
        Bound("hard_limit", "at_most", _MINUTES_30, "广东 第十一条"),
        Bound("max_visitors", "at_most", 7, "广东 第十一条"),
        # Article 27 asks for watching and recording without numbers; the owner took Yunnan's.
        Bound("min_supervisors", "at_least", 2, owners("广东", "第二十七条")),
        Bound("retention_months", "at_least", 6, owners("广东", "第二十七条")),
        Bound("check_in_lead", "at_least", timedelta(0), "广东 第二十三条"),
        *owner_bounds(
            "广东",
            arrival="第二十三条",
            equipment="第三十三条",
            fault="第三十六条",
            watching="第二十七条",
            visits="第十一条",
            recording="第二十七条",
            language="第二十八条",
        ),
    ),
    measures=(
        # 25 is the county's, before the visit (不予安排或者取消会见); what happens in a visit is 29's (会见过程中).
        # 25 says "may", so less is open too; 29 says "at once" (立即中止).
        Measures(
            "GD-25",
            "广东 第二十五条",
            9,
            may_warn=True,
            must_end=False,
            suspends=frozenset(range(1, 10)),
            by=By.COUNTY,
            phase=Phase.BEFORE,
            after=frozenset({3}),  # 经工作人员劝阻不予改正的
        ),
        Measures(
            "GD-29",
            "广东 第二十九条",
            5,
            may_warn=False,
            must_end=True,
            suspends=frozenset(range(1, 6)),
            after=frozenset({2}),  # 不听劝阻的
        ),
        Measures(
            "GD-36",
            "广东 第三十六条",
            3,
            may_warn=False,
            must_end=False,
            reason=EndReason.TECHNICAL,
            issuers={0: Issuer.UNIT, 1: Issuer.UNIT, 2: Issuer.BUREAU, 3: Issuer.DEPARTMENT},
        ),
    ),
    notices=PLEDGES,
    heading=LETTER,
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
        acknowledged="广东 第二十四条、附件承诺书",
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
        "approver",
        ((Verdict.APPROVE, frozenset({"city"})), (Verdict.FILE, frozenset({"province"}))),
        "广东 第二十五条、第二十九条",
    ),
    booking=BookingLaw(
        inmate_sites=frozenset({"prison", "rehab"}),
        visitor_sites=frozenset({"bureau", "office"}),  # 38: offices act as the county's
        inmates=1,
        sites_article="广东 第二条、第三十八条",
        inmates_article="广东 第二条、第三十七条",
        official="广东 第二十二条、第三十七条",
        private_counsel="广东 第三十七条、司发通〔2017〕124号",
        interpreter="广东 第二十八条",
        pairing="广东 第十六条",
        province="广东 第二条",
        identity="广东 第九条",
        relation="广东 第七条、第三十七条",
    ),
)

LAWS: Mapping[str, Law] = MappingProxyType({"yunnan": YUNNAN, "guangdong": GUANGDONG})
