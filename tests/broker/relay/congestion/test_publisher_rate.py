"""The limit of a publisher: the cap, its own line and that of the far room, and no other line."""

from math import inf

from broker.relay.congestion.estimator import STEP
from broker.relay.congestion.publisher_rate import CAP, PublisherRate
from tests.support.relay.track_model import Line


class Room:
    """A room that sends; `limit` is what it may send."""

    def __init__(self, floor: float = 0.0) -> None:
        self.lines = {"audio": Line("audio"), "video": Line("video")}
        self.rate = PublisherRate([line.track for line in self.lines.values()], floor)
        self.seq, self.now, self.limit = 0, 1000.0, 0

    def send(self, seconds: float, late: float = 0.0, lose: int = 0, need: float = inf) -> None:
        """Send fifty packets a second of each stream, `late` seconds behind their time, and lose every `lose`-th."""
        for _ in range(int(seconds * 50)):
            self.now += 0.02
            self.seq += 1
            if not lose or self.seq % lose:
                for kind, line in self.lines.items():
                    line.now = self.now + late - 0.02
                    line.send(self.seq, bytes(2000), round(self.now * (90_000 if kind == "video" else 48_000)))
            self.limit = self.rate.tick(self.now, need) or self.limit


def test_is_the_cap_on_a_good_line_from_the_beginning() -> None:
    room = Room()
    room.send(STEP * 2)
    assert room.limit == CAP
    room.send(30)
    assert room.limit == CAP


def test_falls_within_two_seconds_of_a_queue() -> None:
    room = Room()
    room.send(10)
    room.send(2, late=0.2)
    assert room.limit < CAP


def test_falls_with_much_loss_and_not_with_a_little() -> None:
    for lose, less in ((20, False), (4, True)):
        room = Room()
        room.send(10, lose=lose)
        assert (room.limit < CAP) is less


def test_is_the_cap_again_once_the_line_recovers() -> None:
    room = Room()
    room.send(10)
    room.send(5, late=0.2)
    room.send(15)
    assert room.limit == CAP


def test_is_not_more_than_the_far_room_can_take() -> None:
    room = Room()
    room.send(2, need=400_000.0)
    assert room.limit == 400_000


def test_begins_at_the_cap_for_another_client() -> None:
    room = Room()
    room.send(10)
    room.send(3, late=0.3)
    for line in room.lines.values():
        line.publisher(9)
    room.send(1)
    assert room.limit == CAP


def test_is_never_below_what_a_picture_in_sign_language_needs() -> None:
    for floor, least in ((300_000.0, 300_000), (0.0, 100_000)):
        room = Room(floor)
        room.send(10, need=100_000.0)
        assert room.limit == least
        room.send(30, late=0.2, need=0.0)
        assert room.limit >= floor


def test_is_the_cap_above_the_floor_of_a_picture_in_sign_language() -> None:
    room = Room(300_000.0)
    room.send(STEP * 2)
    assert room.limit == CAP
