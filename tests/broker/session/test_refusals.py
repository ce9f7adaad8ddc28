"""The law in the core (Yunnan 16, 17; Guangdong 29, 31(2)): whichever caller orders it, nothing is done under a code
that does not allow it. Extensions are in parts/test_extension.py."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broker.kernel.errors import BadRequest, PolicyViolation, VisitError
from broker.kernel.ids import WarningId
from broker.session import events as ev
from broker.session.state import Session, State
from broker.session.transitions import step
from config.articles.grounds import Issuer
from config.check_in import Tick
from config.policy import Policy
from tests.support.session_story import (
    DEMO,
    GUANGDONG,
    INMATE,
    OFFICER,
    PRISON,
    SITES,
    VISITOR,
    YUNNAN,
    Visit,
    at,
    live,
    prepared,
)

SITE = SITES[PRISON]
PACKS = (YUNNAN, GUANGDONG, DEMO)
CODES = sorted({ground.code for policy in PACKS for ground in policy.interventions})

Order = ev.HoldOrdered | ev.EndOrdered | ev.MuteOrdered | ev.WarningGiven | ev.SpeechBegan
ORDERS: dict[str, Callable[[str], Order]] = {
    "hold": lambda code: ev.HoldOrdered(OFFICER, SITE, code),
    "end": lambda code: ev.EndOrdered(OFFICER, SITE, code),
    "mute": lambda code: ev.MuteOrdered(OFFICER, SITE, PRISON, True, code),
    "warn": lambda code: ev.WarningGiven(WarningId("wrn_1"), OFFICER, SITE, (PRISON,), code, "请注意", "please"),
    "talkback": lambda code: ev.SpeechBegan(OFFICER, SITE, frozenset({PRISON}), code),
}


def lawful(session: Session, name: str, code: str, policy: Policy) -> bool:
    """Whether the pack allows it, read from its data alone. The officer who orders is the prison's."""
    ground = policy.intervention(code)
    held = policy.intervention(session.hold.article) if session.hold is not None else None
    if ground is None or ground.by is not None:
        return False
    warned = {warning.article for warning in session.interventions.warnings}
    if name in ("hold", "end") and ground.after and not warned & set(ground.after):
        return False
    if name in ("hold", "end") and ground.issuer in (Issuer.BUREAU, Issuer.DEPARTMENT):
        return False  # no order here names an announcement
    match name:
        case "hold":
            return ground.may_hold
        case "end" if held is not None and held.must_end:
            return ground.must_end and ground.may_hold
        case "end":
            return ground.may_hold or ground.must_end
        case "mute":
            return not ground.must_end
        case _:
            return ground.may_warn and not ground.must_end


def scheduled(policy: Policy) -> Visit:
    return Visit(at(-60), policy=policy)


def checking_in(policy: Policy) -> Visit:
    return Visit(at(-20), policy=policy)


def ready(policy: Policy) -> Visit:
    return prepared(-4, policy=policy)  # a self-test of the demonstration counts for five minutes


def running(policy: Policy) -> Visit:
    return live(minutes=-4, policy=policy)


def held_by_itself(policy: Policy) -> Visit:
    visit = running(policy)
    visit.tell(ev.RoomMedia(PRISON, False))
    return visit


STORIES = (scheduled, checking_in, ready, running, held_by_itself)
"""A visit in each state but ENDED, which takes no order at all; holds by officers come with the orders."""


@given(
    st.sampled_from(PACKS),
    st.sampled_from(STORIES),
    st.lists(st.tuples(st.sampled_from(sorted(ORDERS)), st.sampled_from(CODES) | st.text(max_size=8)), max_size=8),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_order_under_a_code_that_does_not_allow_it_is_ever_accepted(
    policy: Policy, story: Callable[[Policy], Visit], orders: list[tuple[str, str]]
) -> None:
    visit = story(policy)
    for name, code in orders:
        before = visit.session
        try:
            visit.tell(ORDERS[name](code))
        except VisitError:
            assert visit.session == before, "refused, and yet something changed"
        else:
            assert lawful(before, name, code, policy), f"{name} under {code!r} was accepted"


@pytest.mark.parametrize("policy", PACKS, ids=lambda policy: policy.name)
@pytest.mark.parametrize("name", ORDERS)
def test_in_a_running_visit_each_code_of_the_pack_decides_by_itself(policy: Policy, name: str) -> None:
    session, now = (visit := running(policy)).session, visit.now
    for code in CODES:
        if lawful(session, name, code, policy):
            step(session, ORDERS[name](code), now, policy)
        else:
            with pytest.raises(PolicyViolation):
                step(session, ORDERS[name](code), now, policy)


@pytest.mark.parametrize("policy", PACKS, ids=lambda policy: policy.name)
def test_what_is_held_under_a_code_that_demands_the_end_is_ended_under_such_a_code_only(policy: Policy) -> None:
    stops = [ground for ground in policy.interventions if ground.must_end and ground.may_hold and not ground.after]
    for held in [ground.code for ground in stops]:
        visit = running(policy)
        visit.tell(ORDERS["hold"](held))
        for code in CODES:
            if not lawful(visit.session, "end", code, policy):
                with pytest.raises(PolicyViolation):
                    visit.tell(ORDERS["end"](code))
        with pytest.raises(PolicyViolation):
            visit.tell(ev.ResumeOrdered(OFFICER, SITE))
        assert visit.state is State.HELD


class TestWordsOfThePack:
    def test_are_given_under_their_own_code_only(self) -> None:
        visit = live()
        canned = YUNNAN.canned("dont-9")
        assert canned is not None
        order = ev.WarningGiven(WarningId("wrn_1"), OFFICER, SITE, (VISITOR,), "YN-16-2", canned.zh, canned.en)
        with pytest.raises(PolicyViolation) as refusal:
            visit.tell(order)
        assert refusal.value.extra["articles"] == [canned.article]
        visit.tell(replace(order, article="YN-16-7"))
        assert visit.session.interventions.warnings[0].zh == canned.zh

    @pytest.mark.parametrize("typed", ["不准谈论案情，进行串供、通风报信；", "不准 谈论案情 进行串供 通风报信!"])
    def test_are_not_given_under_another_code_by_typing_them(self, typed: str) -> None:
        order = ev.WarningGiven(WarningId("wrn_1"), OFFICER, SITE, (VISITOR,), "YN-16-5", typed, typed)
        with pytest.raises(PolicyViolation, match="YN-17-8"):
            live().tell(order)

    def test_under_several_codes_are_given_under_the_one_the_officer_picks(self) -> None:
        """The third don't is 17(6) and 16(3), the seventh 17(9) and 16(6)."""
        for id, milder, stop in (("dont-3", "YN-16-3", "YN-17-6"), ("dont-7", "YN-16-6", "YN-17-9")):
            visit, canned = live(), YUNNAN.canned(id)
            assert canned is not None
            order = ev.WarningGiven(WarningId("wrn_1"), OFFICER, SITE, (VISITOR,), stop, canned.zh, canned.en)
            with pytest.raises(PolicyViolation):
                visit.tell(order)
            visit.tell(replace(order, article=milder))
            assert [one.article for one in visit.session.interventions.warnings] == [milder]


class TestCheckIn:
    @pytest.mark.parametrize(
        ("policy", "articles"), [(YUNNAN, ["云南 第十一条", "云南 第十二条"]), (GUANGDONG, ["广东 第二十四条"])]
    )
    @pytest.mark.parametrize("left_out", [Tick.IDENTITY, Tick.SECURITY, Tick.RULES])
    def test_by_one_order_needs_identity_security_and_rules(
        self, policy: Policy, articles: list[str], left_out: Tick
    ) -> None:
        ticks = tuple(tick for tick in (Tick.IDENTITY, Tick.SECURITY, Tick.RULES) if tick is not left_out)
        visit = checking_in(policy)
        with pytest.raises(PolicyViolation) as refusal:
            visit.tell(ev.PersonCheckedIn(PRISON, INMATE, OFFICER, ticks))
        assert refusal.value.extra["articles"] == articles

    @pytest.mark.parametrize("on", [True, False])
    def test_of_a_prisoner_asks_for_no_telephone(self, on: bool) -> None:
        with pytest.raises(BadRequest):
            checking_in(YUNNAN).tell(ev.Ticked(PRISON, INMATE, Tick.PHONE, on, OFFICER))
