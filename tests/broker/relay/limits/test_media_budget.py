"""How much media one client may send: an honest one never notices, and another is decrypted at the budget's rate."""

from broker.relay.limits.media_budget import OCTETS, PACKETS, PACKETS_AT_ONCE, MediaBudget


def sent(budget: MediaBudget, rate: int, seconds: float, size: int = 1000) -> list[bool]:
    """Return whether the client was within its budget, at each of ten looks a second."""
    return [
        budget.within({"picture": (int(rate * step / 10), int(rate * step / 10) * size)}, 100 + step / 10)
        for step in range(int(seconds * 10))
    ]


def test_a_camera_and_three_encodings_are_within_it() -> None:
    assert all(sent(MediaBudget(), 900, 60))


def test_a_keyframe_at_once_is_within_it() -> None:
    budget = MediaBudget()
    budget.within({"picture": (0, 0)}, 100.0)
    assert budget.within({"picture": (400, 480_000)}, 100.1)


def test_a_flood_of_packets_is_over_it_within_a_few_looks() -> None:
    looks = sent(MediaBudget(), 30_000, 1, size=50)
    assert looks[0] and not any(looks[2:])


def test_a_flood_of_bytes_is_over_it_too() -> None:
    assert not all(sent(MediaBudget(), PACKETS // 2, 10, size=3 * OCTETS // PACKETS))


def test_a_client_that_stops_is_within_it_again() -> None:
    budget = MediaBudget()
    budget.within({"picture": (0, 0)}, 100.0)
    assert not budget.within({"picture": (2 * PACKETS_AT_ONCE, 0)}, 100.1)
    assert budget.within({"picture": (2 * PACKETS_AT_ONCE, 0)}, 105.0)


def test_what_a_track_counted_before_is_another_clients() -> None:
    budget = MediaBudget()
    budget.within({}, 100.0)
    assert budget.within({"picture": (10**6, 10**9)}, 100.1)


class TestAClientThatFeedsNoTrack:
    """It is looked at briefly, and nothing is forgiven for that."""

    def test_is_idle_from_the_second_look_on(self) -> None:
        budget = MediaBudget()
        assert not budget.idle(3, 100.0)
        assert budget.within({None: (3, 0)}, 100.0)
        assert budget.idle(3, 100.1)

    def test_is_not_idle_when_a_packet_has_come(self) -> None:
        budget = MediaBudget()
        budget.within({None: (0, 0)}, 100.0)
        assert not budget.idle(1, 100.1)

    def test_is_not_idle_while_something_counts_from_before(self) -> None:
        budget = MediaBudget()
        budget.within({None: (0, 0)}, 100.0)
        assert not budget.within({None: (2 * PACKETS_AT_ONCE, 0)}, 100.1)
        assert not budget.idle(2 * PACKETS_AT_ONCE, 100.2)

    def test_gains_nothing_for_the_time_in_which_it_was_idle(self) -> None:
        looked, idle = MediaBudget(), MediaBudget()
        for budget in (looked, idle):
            budget.within({None: (0, 0)}, 100.0)
        for step in range(1, 100):
            assert looked.within({None: (0, 0)}, 100 + step / 10) and idle.idle(0, 100 + step / 10)
        flood = {None: (2 * PACKETS_AT_ONCE, 0)}
        assert not looked.within(flood, 110.0) and not idle.within(flood, 110.0)
