"""Extensions (延长): a visit is longer only by an approval in time, by its author and within the rules (Yunnan 14,
27(3); Guangdong 22, 31(2)). Invariants over any story are in test_transitions_properties.py."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from broker.kernel.errors import Conflict, Forbidden, NotFound, PolicyViolation, StorageUnavailable, TooLate, VisitError
from broker.kernel.ids import ApprovalId, SessionId, UserId
from broker.session import events as ev
from broker.session.effects import ExtendLimit, LeaseGate, Reason, SetDeadline
from broker.session.refusals import MARGIN
from broker.session.snapshot import from_json, to_json
from broker.session.state import State
from config.extension import Until
from tests.support.session_story import (
    GUANGDONG,
    PREPARED,
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

WARDEN = UserId("warden")
TEN_MINUTES = timedelta(minutes=10)
LONG = replace(SLOT, ends_at=SLOT.ends_at + timedelta(minutes=20))


def approval(**changes: Any) -> ev.ExtensionApproved:
    """The warden of the prison approves ten minutes, as the family has had a death."""
    made = ev.ExtensionApproved(
        ApprovalId("apr_1"),
        SLOT.session,
        WARDEN,
        SITES[PRISON],
        "approver",
        TEN_MINUTES,
        "YN-14-FAMILY",
        "家中亲属去世",
    )
    return replace(made, **changes)


def refused(visit: Visit, kind: type[VisitError], **changes: Any) -> VisitError:
    """The error of a refused approval, which changes nothing."""
    before = visit.session
    with pytest.raises(kind) as caught:
        visit.tell(approval(**changes))
    assert visit.session is before
    return caught.value


class TestTheLimit:
    """Yunnan 14: a longer visit needs the approval of the warden (需要延长会见时间的，应当经监狱长批准)."""

    def test_without_an_approval_it_is_thirty_minutes(self) -> None:
        visit = live(slot=LONG)
        visit.wait_until(30)
        assert visit.state is State.ENDED

    def test_an_approval_in_time_moves_it_by_the_minutes_approved_and_no_second_more(self) -> None:
        visit = live(slot=LONG)
        visit.wait_until(20)
        assert visit.tell(approval()) == (
            ExtendLimit(visit.now.mono, timedelta(minutes=40), at(40).mono),
            SetDeadline(at(40).mono),
        )
        visit.wait_until(39, 59.9)
        assert visit.crossing()
        visit.wait_until(40)
        assert not visit.crossing()
        assert visit.session.end is not None and visit.session.end.reason is Reason.TIME_LIMIT

    def test_it_is_kept_with_author_time_reason_and_article(self) -> None:
        visit = live(slot=LONG)
        visit.wait_until(20)
        visit.tell(approval())
        (extended,) = visit.session.extensions
        assert (extended.by, extended.article, extended.reason, extended.at) == (
            WARDEN,
            "YN-14-FAMILY",
            "家中亲属去世",
            visit.now.wall,
        )

    def test_the_same_approval_sent_twice_counts_once(self) -> None:
        visit = live(slot=LONG)
        visit.tell(approval())
        assert visit.tell(approval()) == ()
        assert visit.session.gate.deadline == at(40).mono and len(visit.session.extensions) == 1

    def test_another_approval_under_the_same_id_is_refused(self) -> None:
        visit = live(slot=LONG)
        visit.tell(approval())
        refused(visit, Conflict, added=timedelta(minutes=5))

    def test_holds_do_not_stretch_it_further(self) -> None:
        visit = live(slot=LONG)
        visit.tell(approval(), ev.HoldOrdered(UserId("p-1"), SITES[PRISON], "YN-16-2"))
        visit.wait(120)
        visit.tell(ev.ResumeOrdered(UserId("p-1"), SITES[PRISON]))
        assert visit.session.gate.deadline == at(40).mono

    def test_it_never_runs_past_the_end_of_the_slot(self) -> None:
        visit = live()  # thirty minutes in a slot of forty
        visit.tell(approval(added=timedelta(minutes=15)))
        visit.wait_until(39, 59)
        assert visit.crossing()
        visit.wait_until(40)
        assert visit.session.end is not None and visit.session.end.reason is Reason.SLOT_END

    def test_it_may_be_approved_before_the_visit_begins(self) -> None:
        visit = Visit(at(-60), slot=LONG)
        assert visit.tell(approval()) == ()
        visit.wait_until(-10)
        visit.tell(*PREPARED)
        visit.wait_until(0)
        effects = visit.tell(ev.RecorderFlushed(), ev.Crossed(visit.now.mono))
        kinds = [type(effect) for effect in effects]
        assert kinds.index(ExtendLimit) < kinds.index(LeaseGate), "a gate knows it before it opens"
        visit.wait_until(39, 59)
        assert visit.crossing()


class TestAuthor:
    """Yunnan 14: 监狱长; 27(3): 不得私自延长会见时间."""

    @pytest.mark.parametrize("role", ["supervisor", "clerk", "auditor", "admin", "terminal", ""])
    def test_no_other_role_approves(self, role: str) -> None:
        assert "云南 第十四条" in refused(live(slot=LONG), Forbidden, role=role).extra["articles"]

    @pytest.mark.parametrize("site", [SITES[VISITOR], "prison-2"])
    def test_no_other_site_approves(self, site: str) -> None:
        refused(live(slot=LONG), Forbidden, site=site)

    def test_an_approval_for_another_session_never_counts(self) -> None:
        refused(live(slot=LONG), NotFound, session=SessionId("session_2"))


class TestRules:
    """The policy pack: how often, how much, on what ground."""

    @pytest.mark.parametrize(
        "changes",
        [
            {"added": timedelta(minutes=11)},
            {"added": timedelta(minutes=60)},
            {"added": timedelta(0)},
            {"added": timedelta(minutes=-5)},
            {"article": "YN-16-2"},
            {"article": ""},
            {"reason": "  "},
        ],
    )
    def test_what_the_pack_does_not_allow_is_refused_with_its_article(self, changes: dict[str, Any]) -> None:
        assert refused(live(slot=LONG), PolicyViolation, **changes).extra["articles"]

    def test_a_visit_is_extended_once(self) -> None:
        visit = live(slot=LONG)
        visit.tell(approval(added=timedelta(minutes=5)))
        refused(visit, PolicyViolation, id=ApprovalId("apr_2"), added=timedelta(minutes=5))

    def test_a_pack_may_allow_several_but_never_more_than_its_most(self) -> None:
        twice = replace(YUNNAN, extension=replace(YUNNAN.extension, times=3))
        visit = live(slot=LONG, policy=twice)
        visit.tell(approval())
        visit.tell(approval(id=ApprovalId("apr_2"), added=timedelta(minutes=5)))
        assert visit.session.gate.deadline == at(45).mono
        refused(visit, PolicyViolation, id=ApprovalId("apr_3"), added=timedelta(minutes=5))

    def test_guangdong_makes_no_visit_longer(self) -> None:
        assert refused(live(slot=LONG, policy=GUANGDONG), PolicyViolation, article="GD-22").extra["articles"]

    def test_a_guangdong_pack_that_allows_some_takes_them_before_the_start_only(self) -> None:
        rules = replace(GUANGDONG.extension, times=1, steps=(TEN_MINUTES,), most=TEN_MINUTES)
        allowed = replace(GUANGDONG, extension=rules)
        assert rules.until is Until.START
        visit = Visit(at(-60), slot=LONG, policy=allowed)
        visit.tell(approval(article="GD-22"))
        refused(live(slot=LONG, policy=allowed), TooLate, article="GD-22")


class TestInTime:
    """F4: created before the limit."""

    def test_at_the_limit_it_is_too_late(self) -> None:
        visit = live(slot=LONG)
        visit.pass_to(at(30).mono)  # the runner has not woken up yet
        refused(visit, TooLate)

    def test_within_the_margin_before_the_limit_it_is_too_late(self) -> None:
        visit = live(slot=LONG)
        visit.wait_until(30, -MARGIN)
        refused(visit, TooLate)

    def test_before_the_margin_it_is_in_time(self) -> None:
        visit = live(slot=LONG)
        visit.wait_until(30, -MARGIN - 0.01)
        visit.tell(approval())
        assert visit.session.gate.deadline == at(40).mono

    def test_after_the_end_it_is_refused(self) -> None:
        visit = live(slot=LONG)
        visit.tell(ev.EndOrdered(UserId("p-1"), SITES[PRISON], "YN-17-8"))
        refused(visit, Conflict)

    def test_a_slot_that_ends_with_the_visit_has_no_time_to_add(self) -> None:
        tight = replace(SLOT, ends_at=SLOT.starts_at + timedelta(minutes=30))
        refused(Visit(at(-60), slot=tight), Conflict)
        refused(live(slot=tight), Conflict)

    def test_without_a_journal_there_is_no_approval(self) -> None:
        visit = live(slot=LONG)
        visit.tell(ev.StorageChanged(False))
        refused(visit, StorageUnavailable)


class TestRestarts:
    """Approvals survive a restart, and no other ones appear."""

    def test_it_survives_a_restart_of_the_control_process(self) -> None:
        visit = live(slot=LONG)
        visit.tell(approval())
        kept = to_json(visit.session, "boot")
        after = from_json(LONG, kept, visit.now, "boot")
        assert after.extensions == visit.session.extensions
        assert after.gate.stop_at == at(40).mono

    def test_a_snapshot_of_a_version_without_extensions_has_none(self) -> None:
        kept = to_json(live(slot=LONG).session, "boot")
        former = {name: value for name, value in kept.items() if name != "extensions"}
        assert from_json(LONG, former, at(1), "boot").extensions == ()

    def test_another_relay_worker_gets_it_before_the_gate_opens(self) -> None:
        visit = live(slot=LONG)
        visit.tell(approval(), ev.RelayLost("died"))
        effects = visit.tell(
            ev.RelayReady(), *[fact for fact in PREPARED if isinstance(fact, ev.RoomMedia | ev.RoomReceiving)]
        )
        effects += visit.tell(next(fact for fact in PREPARED if isinstance(fact, ev.WatchersChanged)))
        effects += visit.wait(2)
        orders = [effect for effect in effects if isinstance(effect, ExtendLimit | LeaseGate)]
        assert [type(effect) for effect in orders] == [ExtendLimit, LeaseGate]
        lease = orders[1]
        assert isinstance(lease, LeaseGate) and lease.limit == timedelta(minutes=30), "a lease raises no limit"
        assert lease.crossed == at(0).mono

    def test_an_approval_before_the_gate_first_opened_reaches_the_relay_then(self) -> None:
        visit = prepared(slot=LONG)
        visit.tell(approval())
        kept = from_json(LONG, to_json(visit.session, "boot"), visit.now, "another boot")
        assert len(kept.extensions) == 1
