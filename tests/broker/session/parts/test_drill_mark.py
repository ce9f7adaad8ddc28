"""Yunnan 12, 26(5): a failed drill marks the day's first visit of its rooms; whether it may begin all the same is an
officer's word."""

import json

import pytest

from broker.kernel.errors import BadRequest, Conflict
from broker.kernel.ids import UserId
from broker.session import events as ev
from broker.session.effects import AlertKind, AlertRaised
from broker.session.readiness import Missing, missing
from broker.session.snapshot import from_json, to_json
from broker.session.state import State
from tests.support.session_story import PRISON, SITES, YUNNAN, Visit, at, prepared

FAILED, BLOCKING = ev.DrillFailed("ses_d", "cut", False), ev.DrillFailed("ses_d", "cut", True)
OVERRIDDEN = ev.DrillOverridden(UserId("p-1"), SITES[PRISON], "设备已更换")


def lacks(visit: Visit) -> bool:
    return Missing.DRILL in missing(visit.session, visit.now, YUNNAN)


class TestMark:
    def test_of_a_visit_that_waits_is_kept_until_its_check_in_and_calls_officers_then(self) -> None:
        visit = Visit(at(-200))
        visit.tell(FAILED)
        assert (visit.state, visit.calls) == (State.SCHEDULED, [])
        visit.wait_until(-20)
        raised = [one for one in visit.calls if isinstance(one, AlertRaised)]
        assert [(one.kind, one.detail) for one in raised] == [(AlertKind.DRILL, "cut")]

    def test_warns_and_lets_the_visit_begin_where_the_installation_does_not_block(self) -> None:
        visit = prepared()
        visit.tell(FAILED)
        assert not lacks(visit)

    def test_keeps_a_visit_from_ready_until_an_officer_says_why(self) -> None:
        visit = prepared()
        assert visit.state is State.READY
        visit.tell(BLOCKING)
        assert lacks(visit) and visit.state is State.CHECK_IN
        visit.tell(OVERRIDDEN)
        assert not lacks(visit) and visit.state is State.READY

    @pytest.mark.parametrize("reason", ["", " \n", "\u200b"])
    def test_is_not_passed_over_without_words(self, reason: str) -> None:
        visit = prepared()
        visit.tell(BLOCKING)
        with pytest.raises(BadRequest):
            visit.tell(ev.DrillOverridden(UserId("p-1"), SITES[PRISON], reason))

    def test_that_is_not_there_cannot_be_passed_over(self) -> None:
        with pytest.raises(Conflict):
            prepared().tell(OVERRIDDEN)

    def test_goes_with_a_drill_that_passes(self) -> None:
        visit = prepared()
        visit.tell(BLOCKING, ev.DrillPassed("ses_e"))
        assert visit.session.drill is None and visit.state is State.READY

    def test_keeps_the_word_of_an_officer_when_the_same_failure_is_told_again(self) -> None:
        visit = prepared()
        visit.tell(BLOCKING, OVERRIDDEN, BLOCKING)
        assert visit.session.drill is not None and visit.session.drill.by == "p-1"

    def test_outlives_a_restart(self) -> None:
        visit = prepared()
        visit.tell(BLOCKING, OVERRIDDEN)
        saved = json.loads(json.dumps(to_json(visit.session, "boot")))
        assert from_json(visit.session.slot, saved, visit.now, "boot").drill == visit.session.drill
