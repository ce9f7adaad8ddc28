"""Alerts (提醒; Yunnan 25, 26(3), Guangdong 27): their causes, how long these have to last, who takes an alert,
and when it is done."""

import json
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.kernel.errors import Conflict, Forbidden, NotFound
from broker.kernel.ids import AlertId, Side, SiteId, UserId
from broker.session import events as ev
from broker.session.alert_causes import KEYS, LAGGING
from broker.session.effects import AlertKind, AlertOver, AlertRaised
from broker.session.parts.alerts import GRAVE, JUST_LEFT, Alert, Alerts, Why
from broker.session.parts.alerts import State as Stage
from broker.session.parts.processes import Processes
from broker.session.snapshot import from_json, to_json
from broker.session.state import State
from config.alerts import ALERT_RULES, LASTING
from tests.support.session_story import CHILD, INMATE, KIN, PRISON, SITES, SLOT, VISITOR, YUNNAN, Visit, here, live
from tests.support.session_story import officers as watching

LI, MA = UserId("p-1"), UserId("v-1")
FIVE, ONE = AlertKind.FIVE_MINUTES, AlertKind.ONE_MINUTE


def seen(side: Side = PRISON, **found: object) -> ev.RoomObserved:
    """A report of a terminal on its own room, in which only what is named is wrong."""
    return replace(ev.RoomObserved(side, False, False, False, None, "trm_1"), **found)  # type: ignore[arg-type]


def open_in(visit: Visit) -> list[tuple[AlertKind, Side | None, str]]:
    """Kind, side and detail of each open alert."""
    return [(one.kind, one.side, one.detail) for one in visit.session.alerts.open]


def only(visit: Visit) -> Alert:
    """The one alert that is open."""
    (alert,) = visit.session.alerts.open
    return alert


def black() -> Visit:
    """A visit with an open alert of a black picture."""
    visit = live()
    visit.tell(seen(black=True))
    visit.wait(5)
    return visit


def take(alert: AlertId, by: UserId = LI, site: SiteId = SITES[PRISON]) -> ev.AlertTaken:
    return ev.AlertTaken(alert, by, site)


def finish(alert: AlertId, by: UserId = LI, site: SiteId = SITES[PRISON]) -> ev.AlertFinished:
    return ev.AlertFinished(alert, by, site)


class TestCauses:
    def test_a_visit_without_trouble_raises_none_before_its_last_minutes(self) -> None:
        visit = live()
        visit.tell(seen(), seen(VISITOR, heads=2))
        visit.wait(20 * 60)
        assert visit.calls == []

    def test_a_quorum_that_needs_an_unanswered_officer_raises_one_at_once(self) -> None:
        visit = live()
        visit.tell(ev.QuorumWavers(frozenset({VISITOR})))
        assert open_in(visit) == [(AlertKind.QUORUM_AT_RISK, VISITOR, "unanswered")]

    def test_a_quorum_without_reserve_raises_one_until_there_is_a_reserve_again(self) -> None:
        visit = live()
        assert visit.calls == [], "two are enough where there never were three"
        visit.tell(ev.WatchersChanged(watching(prison=3)), ev.WatchersChanged(watching(prison=2)))
        assert open_in(visit) == [(AlertKind.QUORUM_AT_RISK, PRISON, "thin")]
        visit.tell(ev.WatchersChanged(watching(prison=3)))
        visit.wait(3)
        assert open_in(visit) == []

    def test_a_quorum_without_reserve_is_grave_for_a_minute_only(self) -> None:
        visit = live()
        visit.tell(ev.WatchersChanged(watching(prison=3)), ev.WatchersChanged(watching(prison=2)))
        alert = only(visit)
        assert alert.grave and alert.grave_until == alert.raised_at + JUST_LEFT

    def test_a_quorum_without_reserve_that_is_lost_calls_anew(self) -> None:
        visit = live()
        visit.tell(ev.WatchersChanged(watching(prison=3)), ev.WatchersChanged(watching(prison=2)))
        visit.tell(ev.WatchersChanged(watching(prison=1)))
        assert open_in(visit) == [(AlertKind.QUORUM_AT_RISK, PRISON, "lost")]
        assert only(visit).grave_until is None

    @pytest.mark.parametrize(
        ("fact", "side", "detail"),
        [
            (ev.WatchersChanged(watching(prison=1)), PRISON, "lost"),
            (ev.QuorumWavers(frozenset({PRISON})), PRISON, "unanswered"),
        ],
    )
    def test_a_quorum_that_fails_calls_also_officers_who_were_done_with_its_missing_reserve(
        self, fact: ev.Fact, side: Side, detail: str
    ) -> None:
        visit = live()
        visit.tell(ev.WatchersChanged(watching(prison=3)), ev.WatchersChanged(watching(prison=2)))
        visit.tell(finish(only(visit).id))
        visit.wait(600)
        assert open_in(visit) == [], "the officer is done with it as long as it gets no worse"
        visit.tell(fact)
        assert open_in(visit) == [(AlertKind.QUORUM_AT_RISK, side, detail)]

    def test_a_quorum_that_is_reached_again_is_not_thin(self) -> None:
        visit = live()
        visit.tell(ev.WatchersChanged(watching(prison=1)), ev.WatchersChanged(watching(prison=2)))
        visit.wait(3)
        assert open_in(visit) == []

    def test_a_quorum_that_is_lost_raises_one(self) -> None:
        visit = live()
        visit.tell(ev.WatchersChanged(watching(prison=1)))
        assert open_in(visit) == [(AlertKind.QUORUM_AT_RISK, PRISON, "lost")]

    def test_a_room_that_no_longer_sends_raises_one(self) -> None:
        visit = live()
        visit.tell(ev.RoomMedia(VISITOR, False))
        assert open_in(visit) == []
        visit.wait(1)
        assert open_in(visit) == [(AlertKind.ROOM_LOST, VISITOR, "")]

    def test_without_a_relay_it_is_unknown_whether_a_room_is_lost(self) -> None:
        visit = live()
        visit.tell(ev.RelayLost("died"))
        visit.wait(30)
        assert AlertKind.ROOM_LOST not in {kind for kind, _, _ in open_in(visit)}

    @pytest.mark.parametrize(
        ("found", "kind", "seconds"),
        [
            ({"black": True}, AlertKind.BLACK, 5),
            ({"frozen": True}, AlertKind.FROZEN, 5),
            ({"silent": True}, AlertKind.SILENT, 60),
            ({"heads": 3}, AlertKind.HEADS, 20),
        ],
    )
    def test_a_finding_of_a_terminal_raises_one_when_it_has_lasted(
        self, found: dict[str, object], kind: AlertKind, seconds: float
    ) -> None:
        visit = live()
        visit.tell(seen(VISITOR, **found))
        visit.wait(seconds - 0.1)
        assert open_in(visit) == []
        visit.wait(0.1)
        assert open_in(visit) == [(kind, VISITOR, "3/2" if kind is AlertKind.HEADS else "")]

    def test_silence_raises_none_in_a_visit_in_sign_language_and_a_black_picture_does(self) -> None:
        visit = live()
        visit.session = replace(visit.session, slot=replace(visit.session.slot, language="csl"))
        visit.tell(seen(VISITOR, silent=True, black=True))
        visit.wait(600)
        assert open_in(visit) == [(AlertKind.BLACK, VISITOR, "")]

    def test_heads_are_compared_with_the_people_who_were_checked_in(self) -> None:
        visit = live()
        visit.tell(seen(VISITOR, heads=2), seen(PRISON, heads=2))
        visit.wait(60)
        assert open_in(visit) == [(AlertKind.HEADS, PRISON, "2/1")]

    def test_heads_are_not_compared_before_the_visit_begins_or_where_the_rules_say_so(self) -> None:
        early = Visit(live().now)
        early.session = replace(early.session, state=State.CHECK_IN, processes=Processes(media=frozenset(Side)))
        early.tell(*here(INMATE), seen(heads=5))
        early.wait(60)
        policy = replace(YUNNAN, alerts=replace(YUNNAN.alerts, count_heads=False))
        without = live(policy=policy)
        without.tell(seen(heads=5))
        without.wait(60)
        assert open_in(early) == open_in(without) == []

    def test_a_recorder_that_is_lost_lags_or_has_no_disk_space_raises_one(self) -> None:
        for fact, detail in (
            (ev.RecorderLost("stalled"), "lost"),
            (ev.RecorderLagging(3, "tap"), "lagging"),
            (ev.RecorderDisk(True), "disk"),
        ):
            visit = live()
            visit.tell(fact)
            visit.wait(1)
            assert open_in(visit) == [(AlertKind.RECORDER, None, detail)]

    def test_a_single_loss_of_records_is_over_after_a_while(self) -> None:
        visit = live()
        visit.tell(ev.RecorderLagging(1, "writer"))
        visit.wait(LAGGING)
        assert open_in(visit) == [(AlertKind.RECORDER, None, "lagging")]
        visit.wait(3)
        assert open_in(visit) == [] and visit.session.alerts.done[-1].why is Why.GONE


class TestTheLastMinutes:
    """Yunnan 14, Guangdong 11: the limit is announced."""

    def test_are_announced_once_each_to_the_second(self) -> None:
        visit = live()
        visit.wait(25 * 60 - 0.5)
        assert open_in(visit) == []
        visit.wait(0.5)
        assert open_in(visit) == [(FIVE, None, "")]
        visit.wait(4 * 60 + 3)
        assert open_in(visit) == [(ONE, None, "")]
        visit.wait(60)
        assert visit.state is State.ENDED
        assert [one.kind for one in visit.calls if isinstance(one, AlertRaised)] == [FIVE, ONE]

    def test_are_announced_in_a_held_visit_too(self) -> None:
        visit = live(policy=replace(YUNNAN, hold_grace=timedelta(minutes=30)))
        visit.tell(ev.HoldOrdered(LI, SITES[PRISON], "YN-16-2"))
        visit.wait(25 * 60)
        assert open_in(visit) == [(FIVE, None, "")]

    def test_are_not_announced_in_a_shorter_visit(self) -> None:
        visit = live(slot=replace(SLOT, minutes=1))
        visit.wait(60)
        assert visit.state is State.ENDED and visit.calls == []

    def test_are_not_announced_again_when_an_officer_is_done_with_the_alert(self) -> None:
        visit = live()
        visit.wait(25 * 60)
        visit.tell(finish(only(visit).id))
        visit.wait(3 * 60)
        assert open_in(visit) == []


class TestNoFlapping:
    def test_a_cause_shorter_than_it_has_to_last_raises_none(self) -> None:
        visit = live()
        for _ in range(20):
            visit.tell(seen(black=True))
            visit.wait(4.9)
            visit.tell(seen(black=False))
            visit.wait(0.1)
        assert visit.calls == []

    def test_a_cause_gone_for_less_than_it_has_to_be_gone_is_one_alert(self) -> None:
        visit = black()
        for _ in range(20):
            visit.tell(seen(black=False))
            visit.wait(2.9)
            visit.tell(seen(black=True))
            visit.wait(10)
        assert visit.session.alerts.raised == 1 and only(visit).state is Stage.NEW

    def test_an_alert_is_done_by_itself_when_its_cause_has_been_gone_long_enough(self) -> None:
        visit = black()
        visit.tell(seen(black=False))
        visit.wait(3)
        (done,) = visit.session.alerts.done
        assert (done.state, done.why, done.done_by) == (Stage.DONE, Why.GONE, None)
        assert visit.calls[-1] == AlertOver(done.id, AlertKind.BLACK, PRISON, "gone")

    def test_findings_about_a_room_that_is_lost_do_not_count(self) -> None:
        visit = black()
        visit.tell(ev.RoomMedia(PRISON, False))
        visit.wait(10)
        assert {kind for kind, _, _ in open_in(visit)} == {AlertKind.BLACK, AlertKind.ROOM_LOST}
        visit.tell(ev.RoomMedia(PRISON, True), seen(black=False))
        visit.wait(3)
        assert open_in(visit) == []


class TestHandling:
    def test_an_officer_takes_an_alert_and_finishes_it(self) -> None:
        visit = black()
        alert = only(visit)
        visit.wait(2)
        visit.tell(take(alert.id))
        assert (only(visit).state, only(visit).taken_by) == (Stage.TAKEN, LI)
        visit.wait(2)
        visit.tell(finish(alert.id))
        (done,) = visit.session.alerts.done
        assert (done.state, done.done_by, done.why) == (Stage.DONE, LI, Why.OFFICER)
        assert done.taken_at and done.done_at and done.raised_at < done.taken_at < done.done_at

    def test_an_officer_of_the_other_side_may_finish_it_but_not_take_it_over(self) -> None:
        visit = black()
        alert = only(visit)
        visit.tell(take(alert.id))
        with pytest.raises(Conflict) as refused:
            visit.tell(take(alert.id, MA, SITES[VISITOR]))
        assert refused.value.extra == {"taken_by": LI}
        visit.tell(finish(alert.id, MA, SITES[VISITOR]))
        assert visit.session.alerts.done[-1].done_by == MA

    def test_an_officer_of_another_site_is_refused(self) -> None:
        visit = black()
        for order in (take, finish):
            with pytest.raises(Forbidden):
                visit.tell(order(only(visit).id, LI, SiteId("prison-2")))

    def test_an_unknown_or_finished_alert_is_refused(self) -> None:
        visit = black()
        alert = only(visit)
        for order in (take, finish):
            with pytest.raises(NotFound):
                visit.tell(order(AlertId("alt_99")))
        visit.tell(finish(alert.id))
        for order in (take, finish):
            with pytest.raises(Conflict):
                visit.tell(order(alert.id))

    def test_a_finished_alert_is_raised_again_only_after_its_cause_was_gone(self) -> None:
        visit = black()
        visit.tell(finish(only(visit).id))
        visit.wait(60)
        assert open_in(visit) == []
        visit.tell(seen(black=False))
        visit.wait(3)
        visit.tell(seen(black=True))
        visit.wait(5)
        assert open_in(visit) == [(AlertKind.BLACK, PRISON, "")] and visit.session.alerts.raised == 2

    def test_times_of_an_alert_never_go_back_when_the_clock_is_set_back(self) -> None:
        visit = black()
        alert = only(visit)
        visit.step_wall_clock(timedelta(hours=-1))
        visit.tell(take(alert.id), finish(alert.id))
        done = visit.session.alerts.done[-1]
        assert done.raised_at == done.taken_at == done.done_at


class TestAtTheEnd:
    def test_all_alerts_are_done(self) -> None:
        visit = black()
        visit.tell(ev.RecorderLagging(1, "tap"))
        visit.wait(1)
        visit.tell(ev.EndOrdered(LI, SITES[PRISON], "YN-17-8"))
        assert visit.session.alerts.open == ()
        assert {one.why for one in visit.session.alerts.done} == {Why.SESSION_OVER}
        assert visit.calls[-2:] == [
            AlertOver(one.id, one.kind, one.side, "session_over") for one in visit.session.alerts.done
        ]

    def test_no_alert_is_raised_any_more(self) -> None:
        visit = black()
        visit.tell(ev.EndOrdered(LI, SITES[PRISON], "YN-17-8"))
        calls = list(visit.calls)
        visit.tell(seen(frozen=True), ev.RecorderDisk(True))
        visit.wait(60)
        assert visit.calls == calls and visit.wake is None


class TestRestart:
    def test_alerts_are_kept_with_the_officers_who_took_them(self) -> None:
        visit = black()
        visit.tell(ev.QuorumWavers(frozenset({VISITOR})), take(only(visit).id))
        visit.tell(finish(visit.session.alerts.open[1].id))
        kept = json.loads(json.dumps(to_json(visit.session, "boot")))
        again = from_json(SLOT, kept, visit.now, "boot").alerts
        before = visit.session.alerts
        assert (again.raised, again.open, again.done) == (before.raised, before.open, before.done)
        assert again.dismissed == before.dismissed != frozenset()

    def test_a_snapshot_of_a_version_without_alerts_has_none(self) -> None:
        kept = to_json(live().session, "boot")
        del kept["alerts"]
        assert from_json(SLOT, kept, live().now, "boot").alerts == Alerts()

    def test_an_alert_of_a_black_picture_stays_open_until_its_terminal_reports_otherwise(self) -> None:
        visit = black()
        visit.session = from_json(SLOT, to_json(visit.session, "boot"), visit.now, "boot")
        visit.tell(ev.RelayReady(), *[ev.RoomMedia(side, True) for side in Side])
        visit.wait(5)
        assert (AlertKind.BLACK, PRISON, "") in open_in(visit)
        visit.tell(seen(black=False))
        visit.wait(3)
        assert (AlertKind.BLACK, PRISON, "") not in open_in(visit)


def test_every_kind_has_a_rule_a_place_and_a_gravity() -> None:
    ruled = {AlertKind(rule) for rule in ALERT_RULES[:9]}
    at_once = {AlertKind.CLOCK, AlertKind.ELIGIBILITY, AlertKind.DRILL}
    assert {kind for kind, _ in KEYS} == set(AlertKind) == ruled | at_once
    assert {str(kind) for kind in GRAVE - at_once} < set(LASTING)


sides = st.sampled_from(list(Side))
alerts = st.integers(1, 12).map(lambda number: AlertId(f"alt_{number}"))
authors = st.sampled_from([(LI, SITES[PRISON]), (MA, SITES[VISITOR]), (UserId("s-1"), SiteId("prison-2"))])
facts: st.SearchStrategy[ev.Fact] = st.one_of(
    st.builds(
        ev.RoomObserved, sides, st.booleans(), st.booleans(), st.booleans(), st.none() | st.integers(0, 4), st.just("t")
    ),
    st.builds(ev.QuorumWavers, st.frozensets(sides)),
    st.builds(ev.RecorderDisk, st.booleans()),
    st.builds(ev.RoomMedia, sides, st.booleans()),
    st.integers(1, 3).map(lambda count: ev.WatchersChanged(watching(prison=count))),
    st.sampled_from([ev.RecorderLagging(1, "tap"), ev.RecorderLost("x"), ev.RecorderReady(), ev.RecorderFlushed()]),
    st.sampled_from([ev.RelayLost("x"), ev.RelayReady(), ev.TimePassed()]),
    st.builds(lambda alert, by: ev.AlertTaken(alert, *by), alerts, authors),
    st.builds(lambda alert, by: ev.AlertFinished(alert, *by), alerts, authors),
    st.just(ev.PersonAbsent(VISITOR, CHILD, KIN)),  # type: ignore[arg-type]
)
waits = st.sampled_from([0.0, 0.5, 1.0, 3.0, 5.0, 20.0, 60.0, 400.0])


@given(st.lists(st.tuples(facts, waits), max_size=40), st.booleans())
def test_in_any_story_each_alert_is_raised_once_and_done_once(
    facts: list[tuple[ev.Fact, float]], restart: bool
) -> None:
    visit = live()
    seen: dict[AlertId, Alert] = {}
    for number, (fact, pause) in enumerate([*facts, (ev.EndOrdered(LI, SITES[PRISON], "YN-17-8"), 0.0)]):
        with suppress(Conflict, NotFound, Forbidden):
            visit.tell(fact)
        visit.wait(pause)
        if restart and number == 10 and visit.state is not State.ENDED:
            kept = json.loads(json.dumps(to_json(visit.session, "boot")))
            visit.session = from_json(SLOT, kept, visit.now, "boot")
        now = visit.session.alerts
        assert len({one.key for one in now.open}) == len(now.open), "two of a kind on one side"
        for alert in (*now.open, *now.done):
            before = seen.get(alert.id, alert)
            assert before.state is not Stage.DONE or alert == before, "done is done"
            assert (before.kind, before.side, before.raised_at) == (alert.kind, alert.side, alert.raised_at)
            assert alert.taken_by in (None, LI, MA) and alert.done_by in (None, LI, MA), (
                "an officer of neither site took it"
            )
            times = [at for at in (alert.raised_at, alert.taken_at, alert.done_at) if at is not None]
            assert times == sorted(times)
            seen[alert.id] = alert
    assert visit.state is State.ENDED and visit.session.alerts.open == ()
    raised = {one.alert for one in visit.calls if isinstance(one, AlertRaised)}
    assert set(seen) <= raised and len(raised) == visit.session.alerts.raised
    finished = {one.alert for one in visit.calls if isinstance(one, AlertOver)}
    by_hand = {one.id for one in visit.session.alerts.done if one.why is Why.OFFICER}
    if len(raised) <= 100:
        assert finished | by_hand == raised and not finished & by_hand
