"""What is known of the other processes: a room that was there and whose line broke is lost, and never one that has not
come."""

from broker.kernel.ids import Side
from broker.session import events as ev
from broker.session.parts.moment import Moment
from broker.session.parts.processes import FACTS, Processes
from tests.support.session_story import PRISON, SLOT, VISITOR, at


def told(*facts, part=None, minutes=-10):
    part = part or Processes(relay=True)
    for fact in facts:
        part = FACTS[type(fact)](part, fact, Moment(SLOT, at(minutes), None))
    return part


class TestRooms:
    def test_that_never_came_is_not_lost(self):
        part = told(ev.RoomMedia(VISITOR, True), ev.RoomMedia(PRISON, False), ev.RelayLost("worker"))
        assert PRISON not in part.came | part.lost and PRISON not in part.stopped

    def test_whose_line_broke_is_lost_since_then(self):
        part = told(ev.RoomMedia(VISITOR, True), ev.RoomMedia(VISITOR, False))
        assert part.lost == {VISITOR} and part.stopped == {VISITOR: at(-10).wall}
        again = told(ev.RoomMedia(VISITOR, False), part=part, minutes=-5)
        assert again.stopped == {VISITOR: at(-10).wall}, "since it broke, not since it was last reported"

    def test_that_is_back_is_not_lost(self):
        part = told(*(ev.RoomMedia(VISITOR, on) for on in (True, False, True)))
        assert part.lost == set() and part.stopped == {} and part.came == {VISITOR}

    def test_are_lost_with_the_relay(self):
        part = told(*(ev.RoomMedia(side, True) for side in Side), ev.RelayLost("worker"))
        assert part.lost == set(Side) and set(part.stopped) == set(Side)

    def test_that_came_before_a_restart_are_lost_since_an_unknown_moment_until_they_are_back(self):
        before = told(ev.RoomMedia(VISITOR, True))
        after = Processes.from_json(before.to_json())
        assert after.lost == {VISITOR} and after.stopped == {}
        assert told(ev.RoomMedia(VISITOR, True), part=after).lost == set()

    def test_of_a_former_version_have_not_come(self):
        assert Processes.from_json({"recorded": True}).came == set()
