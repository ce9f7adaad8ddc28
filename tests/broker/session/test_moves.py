"""The table of moves, from which the state diagram in ARCHITECTURE.md is drawn. What each move does is told as stories
in test_transitions.py."""

import pytest

from broker.session.moves import MOVES, edges
from broker.session.state import State

GRAPH = {
    State.SCHEDULED: {State.CHECK_IN, State.ENDED},
    State.CHECK_IN: {State.READY, State.ENDED},
    State.READY: {State.CHECK_IN, State.LIVE, State.ENDED},
    State.LIVE: {State.HELD, State.ENDED},
    State.HELD: {State.LIVE, State.ENDED},
    State.ENDED: set(),
}
"""SCHEDULED -> CHECK_IN <-> READY -> LIVE <-> HELD -> ENDED, and an end from every other state."""


@pytest.mark.parametrize("state", State)
def test_from_each_state_the_table_leads_to_these_states_only(state: State) -> None:
    assert {after for before, after in edges() if before is state} == GRAPH[state]


def test_every_edge_has_its_causes_in_the_order_of_the_table() -> None:
    for (before, after), causes in edges().items():
        assert causes == tuple(move.cause for move in MOVES if (move.before, move.after) == (before, after))
        assert len(set(causes)) == len(causes) and all(causes)


def test_an_order_to_end_comes_before_every_other_move_of_a_state() -> None:
    for state in State:
        moves = [move for move in MOVES if move.before is state]
        assert not moves or moves[0].after is State.ENDED
