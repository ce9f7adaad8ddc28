"""Whose a ground is, when it may be used, and what has to come before it (Yunnan 16(1), 17; Guangdong 25, 29, 36); and
the words that are shown with a hold (F8: a stop is never closed as a warning)."""

import json
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.kernel.errors import Conflict, PolicyViolation, VisitError
from broker.kernel.ids import Side, WarningId
from broker.session import events as ev
from broker.session.snapshot import from_json, to_json
from broker.session.state import State
from config.policy import Policy
from tests.support.session_story import (
    GUANGDONG,
    OFFICER,
    PRISON,
    SITES,
    SLOT,
    VISITOR,
    YUNNAN,
    Visit,
    at,
    live,
    prepared,
)

COUNTY = [f"GD-25-{number}" for number in range(1, 10)]
numbers = count()


def warn(code: str, site: Side = VISITOR, sides: tuple[Side, ...] = (VISITOR,)) -> ev.WarningGiven:
    number = next(numbers)
    return ev.WarningGiven(WarningId(f"w_{number}"), OFFICER, SITES[site], sides, code, f"请注意{number}", "please")


def end(code: str, site: Side = VISITOR, note: str = "") -> ev.EndOrdered:
    return ev.EndOrdered(OFFICER, SITES[site], code, note)


def hold(code: str, site: Side = VISITOR, shown: ev.Shown | None = None, note: str = "") -> ev.HoldOrdered:
    return ev.HoldOrdered(OFFICER, SITES[site], code, note, shown)


def words(policy: Policy, id: str, sides: tuple[Side, ...] = (PRISON, VISITOR)) -> ev.Shown:
    canned = policy.canned(id)
    assert canned is not None
    return ev.Shown(WarningId(f"w_{next(numbers)}"), sides, canned.zh, canned.en)


def checking_in(policy: Policy = GUANGDONG) -> Visit:
    return Visit(at(-10), policy=policy)


class TestGuangdong25:
    """县级司法行政机关可以不予安排或者取消会见: the county's, before the visit."""

    @pytest.mark.parametrize("code", COUNTY)
    def test_the_county_cancels_before_the_visit(self, code: str) -> None:
        for visit in (checking_in(), prepared(policy=GUANGDONG)):
            visit.tell(warn("WARN-CONDUCT"), end(code))
            assert visit.state is State.ENDED and visit.session.end is not None
            assert visit.session.end.article == code

    @pytest.mark.parametrize("code", COUNTY)
    def test_the_prison_does_not(self, code: str) -> None:
        visit = checking_in()
        visit.tell(warn("WARN-CONDUCT", PRISON))
        before = visit.session
        for order in (
            end(code, PRISON),
            warn(code, PRISON),
            ev.MuteOrdered(OFFICER, SITES[PRISON], VISITOR, True, code),
        ):
            with pytest.raises(PolicyViolation, match="county") as refused:
                visit.tell(order)
            assert refused.value.extra["articles"] == ["广东 第二十五条"]
        assert visit.session is before

    @pytest.mark.parametrize("code", COUNTY)
    def test_a_second_prison_is_no_county(self, code: str) -> None:
        """Inmates of two prisons meet (Guangdong 16): neither side has a county's authority."""
        people = tuple(replace(person, detained=person.side is VISITOR) for person in SLOT.people)
        visit = Visit(
            at(-10),
            slot=replace(SLOT, people=people, second_approved_by="监狱", second_article="广东 第十六条"),
            policy=GUANGDONG,
        )
        visit.tell(warn("WARN-CONDUCT"))
        with pytest.raises(PolicyViolation, match="county"):
            visit.tell(end(code))

    @pytest.mark.parametrize("code", COUNTY)
    def test_nobody_does_during_the_visit(self, code: str) -> None:
        """会见过程中 it is article 29."""
        visit = live(policy=GUANGDONG)
        visit.tell(warn("WARN-CONDUCT"))
        orders = (
            end(code),
            hold(code),
            warn(code),
            ev.MuteOrdered(OFFICER, SITES[VISITOR], VISITOR, True, code),
            ev.SpeechBegan(OFFICER, SITES[VISITOR], frozenset({VISITOR}), code),
        )
        for order in orders:
            with pytest.raises(PolicyViolation, match="before the visit"):
                visit.tell(order)
        visit.tell(ev.RoomMedia(PRISON, False))
        assert visit.state is State.HELD
        with pytest.raises(PolicyViolation, match="before the visit"):
            visit.tell(end(code))

    @pytest.mark.parametrize("site", list(Side))
    def test_article_29_is_both_sides(self, site: Side) -> None:
        visit = live(policy=GUANGDONG)
        visit.tell(hold("GD-29-1", site))
        assert visit.state is State.HELD


class TestAfterADissuasionInVain:
    """经工作人员劝阻不予改正 (Guangdong 25(3)), 不听劝阻 (29(2)), 经告知仍携带 (Yunnan 16(1))."""

    def test_pledge_2_stands_under_25_3_only_after_a_first_warning(self) -> None:
        visit, canned = checking_in(), GUANGDONG.canned("pledge-2")
        assert canned is not None

        def pledge(code: str) -> ev.WarningGiven:
            number = WarningId(f"w_{next(numbers)}")
            return ev.WarningGiven(number, OFFICER, SITES[VISITOR], (VISITOR,), code, canned.zh, canned.en)

        for order in (pledge("GD-25-3"), end("GD-25-3")):
            with pytest.raises(PolicyViolation, match="WARN-CONDUCT"):
                visit.tell(order)
        visit.tell(pledge("WARN-CONDUCT"), pledge("GD-25-3"), end("GD-25-3"))
        assert visit.state is State.ENDED

    @pytest.mark.parametrize("code", ["WARN-RULES", "WARN-SPEECH", "GD-25-2"])
    def test_a_warning_of_something_else_is_none(self, code: str) -> None:
        visit = checking_in()
        visit.tell(warn(code))
        with pytest.raises(PolicyViolation, match="WARN-CONDUCT"):
            visit.tell(end("GD-25-3"))

    def test_a_warning_that_the_visitors_never_saw_is_none(self) -> None:
        visit = checking_in()
        visit.tell(warn("WARN-CONDUCT", sides=(PRISON,)))
        with pytest.raises(PolicyViolation, match="WARN-CONDUCT"):
            visit.tell(end("GD-25-3"))

    def test_coded_speech_stops_the_visit_after_it_was_told_to_stop(self) -> None:
        visit = live(policy=GUANGDONG)
        for order in (hold("GD-29-2"), end("GD-29-2")):
            with pytest.raises(PolicyViolation, match="WARN-SPEECH"):
                visit.tell(order)
        assert visit.state is State.LIVE
        visit.tell(warn("WARN-SPEECH", PRISON), hold("GD-29-2", VISITOR))
        assert visit.state is State.HELD

    @pytest.mark.parametrize("visit", [lambda: checking_in(YUNNAN), live])
    def test_in_yunnan_a_warning_under_16_1_is_itself_the_dissuasion(self, visit: type[Visit]) -> None:
        story = visit()  # type: ignore[call-arg]
        with pytest.raises(PolicyViolation, match="warn first"):
            story.tell(end("YN-16-1"))
        story.tell(warn("YN-16-1"), end("YN-16-1"))
        assert story.state is State.ENDED

    def test_is_remembered_over_a_restart(self) -> None:
        visit = live()
        visit.tell(warn("YN-16-1"))
        kept = json.loads(json.dumps(to_json(visit.session, "boot")))
        visit.session = from_json(SLOT, kept, visit.now, "boot")
        visit.tell(end("YN-16-1"))
        assert visit.state is State.ENDED


class TestWordsWithAHold:
    """A don't under article 17 is shown with the hold (中止), never as a warning; the end or the hold's end follows."""

    @pytest.mark.parametrize(("id", "code"), [("dont-1", "YN-17-8"), ("dont-2", "YN-17-7"), ("dont-7", "YN-17-9")])
    def test_stop_the_visit_with_them_and_leave_the_matter_open(self, id: str, code: str) -> None:
        visit = live()
        visit.tell(hold(code, shown=words(YUNNAN, id)))
        assert visit.state is State.HELD and visit.session.hold is not None
        (shown,) = visit.session.interventions.warnings
        assert (shown.article, shown.zh, shown.acknowledged) == (code, YUNNAN.canned(id).zh, {})  # type: ignore[union-attr]
        visit.tell(*(ev.WarningAcknowledged(side, shown.id, "t_1") for side in Side))
        with pytest.raises(PolicyViolation):  # acknowledged, and yet not closed
            visit.tell(ev.ResumeOrdered(OFFICER, SITES[VISITOR]))
        visit.tell(end(code))
        assert visit.session.end is not None and visit.session.end.article == code

    def test_are_refused_as_the_only_measure(self) -> None:
        visit, canned = live(), YUNNAN.canned("dont-1")
        assert canned is not None
        order = ev.WarningGiven(WarningId("w"), OFFICER, SITES[PRISON], (VISITOR,), "YN-17-8", canned.zh, canned.en)
        with pytest.raises(PolicyViolation, match="hold or end"):
            visit.tell(order)
        assert visit.state is State.LIVE and not visit.session.interventions.warnings

    @pytest.mark.parametrize(
        ("code", "id"),
        [("YN-17-7", "dont-1"), ("YN-16-6", "dont-1"), ("YN-16-6", "dont-7"), ("YN-16-2", "dont-4")],
    )
    def test_are_those_of_the_ground_and_of_one_that_demands_the_end(self, code: str, id: str) -> None:
        visit = live()
        with pytest.raises(PolicyViolation):
            visit.tell(hold(code, shown=words(YUNNAN, id)))
        assert visit.state is State.LIVE

    def test_of_a_hold_that_is_refused_are_not_shown(self) -> None:
        visit = live()
        visit.tell(hold("YN-16-2"))
        with pytest.raises(Conflict):
            visit.tell(hold("YN-17-8", shown=words(YUNNAN, "dont-1")))
        assert not visit.session.interventions.warnings

    @given(st.lists(st.sampled_from([one.id for one in YUNNAN.warnings]), max_size=6), st.booleans())
    def test_whatever_is_done_with_the_donts_no_stop_is_closed_by_words(self, ids: list[str], held: bool) -> None:
        visit = live()
        for id in ids:
            canned = YUNNAN.canned(id)
            assert canned is not None
            for code in canned.codes:
                order: ev.Fact = warn(code)
                if held:
                    order = hold(code, shown=words(YUNNAN, id))
                try:
                    visit.tell(order)
                except VisitError:
                    continue
        stops = [one for one in visit.session.interventions.warnings if one.article.startswith("YN-17")]
        if stops:
            assert visit.state is State.HELD and visit.session.hold is not None
            assert visit.session.hold.article == stops[-1].article
            with pytest.raises(PolicyViolation):
                visit.tell(ev.ResumeOrdered(OFFICER, visit.session.hold.site))


class TestGuangdong36:
    """The unit announces what broke; what a provincial office announces is cited."""

    @pytest.mark.parametrize("code", ["GD-36", "GD-36-1"])
    def test_a_fault_is_the_units_own(self, code: str) -> None:
        visit = live(policy=GUANGDONG)
        visit.tell(hold(code))
        assert visit.state is State.HELD

    @pytest.mark.parametrize("code", ["GD-36-2", "GD-36-3"])
    def test_changed_rules_and_upgrades_name_their_announcement(self, code: str) -> None:
        visit = live(policy=GUANGDONG)
        for order in (hold(code), end(code), hold(code, note="  ")):
            with pytest.raises(PolicyViolation, match="announcement") as refused:
                visit.tell(order)
            assert refused.value.extra["articles"] == ["广东 第三十六条"]
        visit.tell(hold(code, note="粤司公告〔2026〕3号"), end(code, note="粤司公告〔2026〕3号"))
        assert visit.state is State.ENDED
