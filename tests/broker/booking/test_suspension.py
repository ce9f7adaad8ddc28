"""Suspensions: proposal, decision and period, and what booking refuses (Yunnan 17; Guangdong 23, 25, 29), by example
and for any order of steps."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.booking.suspension import (
    Author,
    LostMonth,
    Proposal,
    Status,
    check_eligible,
    concerns,
    months_later,
    period,
    propose,
    status,
    take,
)
from broker.kernel.clock import in_shanghai
from broker.kernel.errors import Conflict, Forbidden, Forfeited, NotFound, PolicyViolation, Suspended, VisitError
from broker.kernel.ids import SiteId, SuspensionId, UserId
from broker.session import events as ev
from config.policy import Policy
from config.suspension import Verdict
from tests.support.session_story import (
    CHILD,
    GUANGDONG,
    INMATE,
    KIN,
    PRISON,
    SITES,
    SLOT,
    START,
    VISITOR,
    YUNNAN,
    Visit,
    at,
    live,
)

OFFICER = UserId("p-1")
DAY = timedelta(days=1)
PRISON_SITE, BUREAU = SITES[PRISON], SITES[VISITOR]
CITY, PROVINCE = SiteId("city-1"), SiteId("province-1")
WARDEN = Author(UserId("warden"), "approver", PRISON_SITE, "prison", frozenset({PRISON_SITE}))
COUNTY = Author(UserId("county"), "approver", BUREAU, "bureau", frozenset({BUREAU}))
MAYOR = Author(UserId("mayor"), "approver", CITY, "city", frozenset({CITY, BUREAU}))
FILER = Author(UserId("filer"), "approver", PROVINCE, "province", frozenset({PROVINCE, CITY, BUREAU}))
OTHER_CITY = Author(UserId("other"), "approver", SiteId("city-2"), "city", frozenset({SiteId("city-2")}))
AUTHORS = [
    WARDEN,
    COUNTY,
    MAYOR,
    FILER,
    OTHER_CITY,
    *(replace(proposal, role="supervisor") for proposal in (WARDEN, MAYOR)),
]


def ended(policy: Policy = YUNNAN, code: str = "YN-17-8") -> Visit:
    """A visit that an officer ended under that code."""
    visit = live(policy=policy)
    visit.tell(ev.EndOrdered(OFFICER, PRISON_SITE, code))
    return visit


def proposed(policy: Policy = YUNNAN, code: str = "YN-17-8", visit: Visit | None = None, **changes: Any) -> Proposal:
    """A proposal of an officer for two months."""
    members: dict[str, Any] = {"id": SuspensionId("sus_1"), "person": INMATE if policy is YUNNAN else KIN, "months": 2}
    members |= {"code": code, "reason": "谈论案情", "by": OFFICER, "site": PRISON_SITE, **changes}
    return propose((visit or ended(policy, code)).session, policy, START, **members)


def approved(at: datetime = START, months: int = 2) -> Proposal:
    """A proposal that the warden of Yunnan has approved."""
    return take(proposed(months=months), WARDEN, Verdict.APPROVE, True, "", at)


class TestProposing:
    def test_rests_on_what_an_officer_did_in_the_visit(self) -> None:
        proposal = proposed()
        assert (proposal.person, proposal.home, proposal.linked, proposal.article) == (
            INMATE,
            PRISON_SITE,
            ("end",),
            "云南 第十七条",
        )
        assert status(proposal, date(2026, 3, 2)) is Status.PROPOSED and period(proposal) is None

    def test_first_warnings_carry_none(self) -> None:
        """The articles know a suspension as what may follow a visit that was stopped or cancelled on the ground."""
        visit = Visit(at(-10), policy=GUANGDONG)
        for number, code in enumerate(("WARN-CONDUCT", "GD-25-3", "GD-25-3")):
            words = f"请勿喧哗{number}"
            visit.tell(ev.WarningGiven(f"wrn_{number}", OFFICER, BUREAU, (VISITOR,), code, words, ""))  # type: ignore[arg-type]
            for ground in ("GD-25-3", "GD-25-2"):
                with pytest.raises(PolicyViolation, match="warning alone"):
                    proposed(GUANGDONG, ground, visit)
        visit.tell(ev.EndOrdered(OFFICER, BUREAU, "GD-25-3"))
        assert proposed(GUANGDONG, "GD-25-3", visit).linked == ("wrn_1", "wrn_2", "end")

    def test_a_hold_on_the_ground_carries_one(self) -> None:
        visit = live()
        visit.tell(ev.HoldOrdered(OFFICER, PRISON_SITE, "YN-17-8"))
        assert proposed(YUNNAN, "YN-17-8", visit).linked == ("hold",)

    @pytest.mark.parametrize(
        ("error", "changes"),
        [
            (PolicyViolation, {"code": "YN-17-2"}),
            (PolicyViolation, {"code": "YN-16-2"}),
            (PolicyViolation, {"code": "YN-17-6"}),  # may suspend, but no officer intervened under it
            (PolicyViolation, {"code": "GD-29-1"}),
            (PolicyViolation, {"months": 0}),
            (PolicyViolation, {"months": 4}),
            (NotFound, {"person": KIN}),  # in Yunnan it is the prisoner whose visits are suspended
            (Forbidden, {"site": "prison-9"}),
        ],
    )
    def test_anything_else_is_refused(self, error: type[VisitError], changes: dict[str, Any]) -> None:
        visit = ended()
        with pytest.raises(error):
            proposed(visit=visit, **changes)

    def test_in_guangdong_the_visitor_is_suspended(self) -> None:
        assert proposed(GUANGDONG, "GD-29-1").home == BUREAU
        with pytest.raises(NotFound):
            proposed(GUANGDONG, "GD-29-1", person=INMATE)


class TestDeciding:
    def test_in_yunnan_the_prison_decides(self) -> None:
        proposal = approved()
        assert status(proposal, date(2026, 3, 2)) is Status.APPROVED and proposal.next is None
        assert (proposal.taken[0].by, proposal.taken[0].article, proposal.taken[0].at) == (
            "warden",
            "云南 第十七条",
            START,
        )

    def test_in_guangdong_the_city_approves_and_the_province_files(self) -> None:
        proposal = proposed(GUANGDONG, "GD-29-1")
        with pytest.raises(Forbidden):
            take(proposal, COUNTY, Verdict.APPROVE, True, "", START)
        proposal = take(proposal, MAYOR, Verdict.APPROVE, True, "", START)
        assert status(proposal, date(2026, 3, 2)) is Status.APPROVED and period(proposal) is not None
        with pytest.raises(Forbidden):
            take(proposal, MAYOR, Verdict.FILE, True, "", START)
        assert status(take(proposal, FILER, Verdict.FILE, True, "", START + DAY), date(2026, 3, 3)) is Status.FILED

    def test_another_city_does_not_learn_of_it(self) -> None:
        with pytest.raises(NotFound):
            take(proposed(GUANGDONG, "GD-29-1"), OTHER_CITY, Verdict.APPROVE, True, "", START)

    def test_a_refused_proposal_is_over(self) -> None:
        proposal = take(proposed(), WARDEN, Verdict.APPROVE, False, "情节轻微", START)
        assert status(proposal, date(2026, 3, 2)) is Status.REJECTED and period(proposal) is None
        with pytest.raises(Conflict):
            take(proposal, WARDEN, Verdict.APPROVE, True, "", START)

    @pytest.mark.parametrize(("policy", "code"), [(YUNNAN, "YN-17-8"), (GUANGDONG, "GD-29-1")])
    @given(
        story=st.lists(st.tuples(st.sampled_from(AUTHORS), st.sampled_from(list(Verdict)), st.booleans()), max_size=8)
    )
    def test_in_any_order_of_steps_only_the_roles_of_the_rules_put_one_in_force(
        self, policy: Policy, code: str, story: list[tuple[Author, Verdict, bool]]
    ) -> None:
        proposal = proposed(policy, code)
        for author, verdict, agreed in story:
            before = proposal
            try:
                proposal = take(proposal, author, verdict, agreed, "", START)
            except VisitError:
                assert proposal is before
                continue
            step = before.next
            assert step is not None and not any(not done.agreed for done in before.taken)
            assert (author.role, step.verdict) == (step.role, verdict) and author.kind in step.kinds
            assert proposal.home in author.below and concerns(proposal, author.below)
        done = [(taken.by, taken.agreed) for taken in proposal.taken]
        decider = "warden" if policy is YUNNAN else "mayor"
        assert (period(proposal) is not None) == (done[:1] == [(decider, True)])


class TestPeriod:
    """一至三个月: from the day of the approval, whole months, in Asia/Shanghai."""

    def test_begins_on_the_day_of_the_approval_there(self) -> None:
        assert period(approved(datetime(2026, 3, 2, 16, 30, tzinfo=UTC))) == (date(2026, 3, 3), date(2026, 5, 3))

    @pytest.mark.parametrize(
        ("day", "months", "later"),
        [
            (date(2026, 1, 31), 1, date(2026, 2, 28)),
            (date(2027, 11, 30), 3, date(2028, 2, 29)),
            (date(2026, 12, 1), 1, date(2027, 1, 1)),
            (date(2026, 3, 31), 3, date(2026, 6, 30)),
        ],
    )
    def test_ends_on_the_last_day_of_a_shorter_month(self, day: date, months: int, later: date) -> None:
        assert months_later(day, months) == later

    @given(st.dates(date(2000, 1, 1), date(2090, 1, 1)), st.integers(1, 3))
    def test_never_lasts_longer_than_the_months_that_were_decided(self, day: date, months: int) -> None:
        later = months_later(day, months)
        assert timedelta(days=28 * months) <= later - day <= timedelta(days=31 * months)
        assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == months

    def test_is_over_afterwards(self) -> None:
        proposal = approved()
        assert status(proposal, date(2026, 5, 1)) is Status.APPROVED
        assert status(proposal, date(2026, 5, 2)) is Status.EXPIRED


def on(moment: datetime) -> Any:
    """A slot of the same people at another time."""
    return replace(SLOT, starts_at=moment, ends_at=moment + timedelta(minutes=40))


class TestBooking:
    @given(days=st.integers(-100, 200), months=st.integers(1, 3))
    def test_refuses_a_suspended_person_on_every_day_of_it_and_on_no_other(self, days: int, months: int) -> None:
        slot = on(START + days * DAY)
        proposal = approved(months=months)
        first, until = months_later(date(2026, 3, 2), 0), months_later(date(2026, 3, 2), months)
        held = first <= in_shanghai(slot.starts_at).date() < until
        try:
            check_eligible(slot, [proposal], [])
        except Suspended as refusal:
            assert held
            assert refusal.extra == {"until": until.isoformat(), "articles": ["云南 第十七条"], "person": INMATE}
        else:
            assert not held

    def test_ignores_proposals_undecided_refused_or_of_other_people(self) -> None:
        check_eligible(SLOT, [proposed(), replace(approved(), person="other"), replace(approved(), taken=())], [])

    @given(days=st.integers(-70, 70))
    def test_refuses_visitors_who_lost_the_month_until_the_next_one(self, days: int) -> None:
        lost = LostMonth(frozenset({CHILD}), START, "广东 第二十三条")
        slot = on(START + days * DAY)
        same = in_shanghai(slot.starts_at).strftime("%Y-%m") == "2026-03"
        try:
            check_eligible(slot, [], [lost])
        except Forfeited as refusal:
            assert same
            assert refusal.extra == {"until": "2026-04-01", "articles": ["广东 第二十三条"], "person": CHILD}
        else:
            assert not same

    def test_takes_visitors_who_lost_no_month(self) -> None:
        check_eligible(SLOT, [], [LostMonth(frozenset({"another"}), START, "广东 第二十三条")])  # type: ignore[arg-type]
