"""Requests for a longer visit (申请延长): a supervisor asks for what may be approved, and the approver answers once
(Yunnan 14, 27(3); Guangdong 22, 31(2))."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from broker.kernel.errors import BadRequest, Conflict, Forbidden, NotFound, PolicyViolation, TooLate
from broker.kernel.ids import ApprovalId, UserId
from broker.session import events as ev
from broker.session.parts.extension_request import open_request
from broker.session.repeats import says_nothing_new
from broker.session.snapshot import from_json, to_json
from broker.session.state import Session
from config.extension import Until
from tests.broker.session.parts.test_extension import LONG, approval
from tests.support.session_story import GUANGDONG, PRISON, SITES, SLOT, VISITOR, YUNNAN, at, live

TEN_MINUTES = timedelta(minutes=10)


def request(**changes: Any) -> ev.ExtensionRequested:
    """A supervisor of the county asks for ten minutes, as the family has had a death."""
    made = ev.ExtensionRequested(
        ApprovalId("ext_1"), UserId("ma"), SITES[VISITOR], TEN_MINUTES, "YN-14-FAMILY", "家中亲属去世"
    )
    return replace(made, **changes)


def declined(**changes: Any) -> ev.ExtensionDeclined:
    made = ev.ExtensionDeclined(ApprovalId("ext_1"), UserId("warden"), SITES[PRISON], "approver", "无须延长")
    return replace(made, **changes)


@pytest.fixture
def visit() -> Any:
    return live(slot=LONG)


def last(visit: Any) -> Any:
    return visit.session.extension_requests[-1]


class TestAsking:
    def test_changes_no_limit(self, visit: Any) -> None:
        before = visit.session.gate.stop_at
        visit.tell(request())
        assert last(visit).state == "open" and visit.session.gate.stop_at == before

    def test_is_for_what_the_rules_allow(self, visit: Any) -> None:
        for changes in ({"added": timedelta(minutes=7)}, {"article": "YN-17-8"}, {"reason": " "}):
            with pytest.raises(PolicyViolation):
                visit.tell(request(**changes))

    def test_waits_for_one_answer_at_a_time(self, visit: Any) -> None:
        visit.tell(request())
        with pytest.raises(Conflict):
            visit.tell(request(id=ApprovalId("ext_2")))

    def test_ends_with_the_start_where_the_rules_say_so(self) -> None:
        before = replace(YUNNAN, extension=replace(YUNNAN.extension, until=Until.START))
        with pytest.raises(TooLate):
            live(slot=LONG, policy=before).tell(request())

    def test_is_refused_where_the_rules_know_no_longer_visits(self) -> None:
        with pytest.raises(PolicyViolation):
            live(slot=LONG, policy=GUANGDONG).tell(request())


class TestAnswering:
    def test_an_approval_answers_it_whatever_its_minutes(self, visit: Any) -> None:
        visit.tell(request())
        visit.tell(approval(added=timedelta(minutes=5)))
        assert (last(visit).state, last(visit).decided_by) == ("approved", "warden")
        assert open_request(visit.session.extension_requests) is None

    def test_it_is_declined_by_the_prisons_approver_with_a_reason(self, visit: Any) -> None:
        visit.tell(request())
        with pytest.raises(Forbidden):
            visit.tell(declined(site=SITES[VISITOR]))
        with pytest.raises(BadRequest):
            visit.tell(declined(reason=" "))
        visit.tell(declined())
        assert (last(visit).state, last(visit).note) == ("declined", "无须延长")

    def test_what_does_not_wait_is_not_found(self, visit: Any) -> None:
        with pytest.raises(NotFound):
            visit.tell(declined())
        visit.tell(request())
        with pytest.raises(NotFound):
            visit.tell(declined(id=ApprovalId("ext_2")))

    def test_after_a_refusal_another_one_may_be_made(self, visit: Any) -> None:
        visit.tell(request())
        visit.tell(declined())
        visit.tell(request(id=ApprovalId("ext_2")))
        assert [one.state for one in visit.session.extension_requests] == ["declined", "open"]


def test_it_survives_a_restart(visit: Any) -> None:
    visit.tell(request())
    found = from_json(LONG, to_json(visit.session, "boot"), at(minutes=2), "boot")
    assert found.extension_requests == visit.session.extension_requests
    assert "requests" not in to_json(Session(SLOT), "boot")


def test_the_same_request_again_causes_no_step(visit: Any) -> None:
    visit.tell(request())
    assert says_nothing_new(visit.session, request(), at(minutes=2), YUNNAN)
    assert not says_nothing_new(visit.session, request(reason="其他"), at(minutes=2), YUNNAN)
