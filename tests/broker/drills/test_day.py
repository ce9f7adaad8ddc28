"""Yunnan 12, 26(5): which rooms are tried in the morning, and which visit a failed drill marks."""

from dataclasses import replace
from datetime import datetime, time, timedelta

from broker.booking.slot import Place
from broker.drills.day import Outcome, Pair, due, first_visits, is_time, marks
from broker.kernel.clock import SHANGHAI
from broker.kernel.ids import RoomId, SessionId, SlotId
from broker.session.effects import Reason
from broker.session.state import End, Session, State
from tests.support.session_story import SITES, SLOT

DAY = datetime(2026, 3, 2, tzinfo=SHANGHAI)
MORNING = DAY.replace(hour=7, minute=30)


def visit(
    name: str, hour: int, prison: str = "p1", visitor: str = "v1", state: State = State.SCHEDULED, days: int = 0
) -> Session:
    """A visit of two rooms that begins at that hour in Shanghai."""
    starts = DAY.replace(hour=hour) + timedelta(days=days)
    sites = list(SITES.values())
    slot = replace(
        SLOT,
        id=SlotId(f"slt_{name}"),
        session=SessionId(name),
        prison=Place(sites[0], RoomId(prison)),
        visitor=Place(sites[1], RoomId(visitor)),
        starts_at=starts,
        ends_at=starts + timedelta(minutes=40),
    )
    return Session(slot, state)


def outcome(failed_at: str | None = "cut", prison: str = "p1", visitor: str = "v1", minutes: int = 0) -> Outcome:
    return Outcome(f"d{minutes}", RoomId(prison), RoomId(visitor), MORNING + timedelta(minutes=minutes), failed_at)


def pairs(found: tuple[Pair, ...]) -> list[tuple[str, str]]:
    return [(pair.prison.room, pair.visitor.room) for pair in found]


class TestWhatIsDue:
    def test_is_each_pair_of_todays_first_visits_once_in_their_order(self) -> None:
        visits = [visit("b", 10, "p2", "v2"), visit("a", 9), visit("c", 14), visit("d", 15, "p1", "v3")]
        assert pairs(due(visits, [], MORNING)) == [("p1", "v1"), ("p2", "v2"), ("p1", "v3")]

    def test_is_nothing_of_other_days(self) -> None:
        assert due([visit("a", 9, days=1), visit("b", 9, days=-1)], [], MORNING) == ()

    def test_is_not_what_was_tried_however_it_went(self) -> None:
        for failed_at in ("cut", "", None):
            assert due([visit("a", 9)], [outcome(failed_at)], MORNING) == ()

    def test_is_not_a_room_whose_first_visit_has_opened(self) -> None:
        assert due([visit("a", 9, state=State.CHECK_IN), visit("b", 15)], [], MORNING) == ()

    def test_is_not_what_was_cancelled_but_the_next(self) -> None:
        gone = replace(visit("a", 9, "p1", "v9"), state=State.ENDED, end=End(Reason.CANCELLED, MORNING))
        assert pairs(due([gone, visit("b", 10)], [], MORNING)) == [("p1", "v1")]

    def test_is_never_a_drill(self) -> None:
        drill = visit("a", 8, "p7", "v7")
        assert due([replace(drill, slot=replace(drill.slot, drill=True))], [], MORNING) == ()


class TestTheTime:
    def test_comes_by_the_clock_in_shanghai(self) -> None:
        assert not is_time(time(7, 30), MORNING - timedelta(seconds=1))
        assert is_time(time(7, 30), MORNING)

    def test_never_comes_where_none_is_set(self) -> None:
        assert not is_time(None, MORNING)


class TestMarks:
    def test_are_on_the_first_visit_of_each_room_of_a_failed_drill(self) -> None:
        visits = [visit("a", 9), visit("b", 10), visit("c", 11, "p1", "v3"), visit("d", 12, "p5", "v5")]
        assert [session.id for session, _ in marks(visits, [outcome()], MORNING)] == ["a"]

    def test_are_on_two_visits_where_the_rooms_have_different_first_ones(self) -> None:
        visits = [visit("a", 9, "p1", "v2"), visit("b", 10, "p2", "v1")]
        assert {session.id for session, _ in marks(visits, [outcome()], MORNING)} == {"a", "b"}

    def test_follow_the_last_drill_of_a_room(self) -> None:
        found = marks([visit("a", 9)], [outcome("cut", minutes=0), outcome("", minutes=5)], MORNING)
        assert [one.failed_at for _, one in found] == [""]

    def test_wait_for_a_drill_that_runs(self) -> None:
        assert marks([visit("a", 9)], [outcome(None)], MORNING) == ()

    def test_are_not_on_a_visit_that_has_begun(self) -> None:
        assert marks([visit("a", 9, state=State.LIVE)], [outcome()], MORNING) == ()

    def test_prefer_the_room_that_failed(self) -> None:
        drills = [outcome("", "p1", "v8", 1), outcome("line", "p8", "v1", 2)]
        assert [one.failed_at for _, one in marks([visit("a", 9)], drills, MORNING)] == ["line"]

    def test_day_has_one_first_visit_a_room(self) -> None:
        assert first_visits([visit("b", 10), visit("a", 9)], MORNING)[RoomId("p1")].id == "a"
