"""A worker looks for garbage while no gate is open: packets wait meanwhile."""

from hypothesis import given
from hypothesis import strategies as st

from broker.relay.limits.full_collections import MOST, FullCollections


def test_is_due_once_when_a_session_has_ended_and_no_gate_is_open() -> None:
    collections = FullCollections()
    assert not collections.due(0, 0)
    assert not collections.due(1, 2)
    assert collections.due(1, 0)
    assert not collections.due(1, 0)
    assert collections.due(2, 0)


def test_is_due_beside_open_gates_when_much_was_left_behind() -> None:
    collections = FullCollections()
    assert not collections.due(MOST - 1, 5)
    assert collections.due(MOST, 5)
    assert not collections.due(2 * MOST - 1, 5)


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=300))
def test_leaves_no_more_than_that_many_ended_sessions_behind(seen: list[tuple[int, int]]) -> None:
    collections, ended, left = FullCollections(), 0, 0
    for more, gates in seen:
        ended, left = ended + more, left + more
        if collections.due(ended, gates):
            left = 0
        assert left < MOST
        assert not left or gates
