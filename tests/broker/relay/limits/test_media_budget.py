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
