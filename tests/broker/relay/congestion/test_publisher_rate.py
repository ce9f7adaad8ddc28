"""How much a publisher may send: the cap, its own line, and the far room's; nobody else's."""

from math import inf

from broker.relay.congestion.estimator import STEP
from broker.relay.congestion.publisher_rate import CAP, PublisherRate
from tests.support.relay.track_model import Line


class Room:
    """A room that sends; `told` is what it was allowed last."""

    def __init__(self) -> None:
        self.lines = {"audio": Line("audio"), "video": Line("video")}
        self.uplink = PublisherRate([line.track for line in self.lines.values()])
        self.seq, self.now, self.told = 0, 1000.0, 0

    def send(self, seconds: float, late: float = 0.0, lose: int = 0, need: float = inf) -> None:
        """Fifty packets a second of each stream, `late` seconds behind their time, every `lose`-th of them lost."""
        for _ in range(int(seconds * 50)):
            self.now += 0.02
            self.seq += 1
            if not lose or self.seq % lose:
                for kind, line in self.lines.items():
                    line.now = self.now + late - 0.02
                    line.send(self.seq, bytes(2000), round(self.now * (90_000 if kind == "video" else 48_000)))
            self.told = self.uplink.tick(self.now, need) or self.told


def test_on_a_good_line_it_is_the_cap_from_the_beginning() -> None:
    room = Room()
    room.send(STEP * 2)
    assert room.told == CAP
    room.send(30)
    assert room.told == CAP


def test_a_queue_on_its_line_makes_it_less_within_two_seconds() -> None:
    room = Room()
    room.send(10)
    room.send(2, late=0.2)
    assert room.told < CAP


def test_much_loss_makes_it_less_and_a_little_does_not() -> None:
    for lose, less in ((20, False), (4, True)):
        room = Room()
        room.send(10, lose=lose)
        assert (room.told < CAP) is less


def test_it_is_the_cap_again_when_the_line_is() -> None:
    room = Room()
    room.send(10)
    room.send(5, late=0.2)
    room.send(15)
    assert room.told == CAP


def test_it_is_not_more_than_the_far_room_can_take() -> None:
    room = Room()
    room.send(2, need=400_000.0)
    assert room.told == 400_000


def test_another_client_of_the_room_begins_at_the_cap() -> None:
    room = Room()
    room.send(10)
    room.send(3, late=0.3)
    for line in room.lines.values():
        line.publisher(9)
    room.send(1)
    assert room.told == CAP
