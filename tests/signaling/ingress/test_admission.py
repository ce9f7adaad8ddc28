"""The budgets of the front door: whatever comes in whatever order, none of them is exceeded, and none of them is spent
by another place or author."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.kernel.errors import TooMany
from signaling.ingress.admission import Admission, Limits, is_author

SMALL = Limits(
    terminal_connections=2,
    user_connections=3,
    open_in_control=6,
    unknown_open=3,
    unknown_open_of_place=2,
    unknown_at_once=2,
    unknown_per_second=1,
    known_at_once=2,
    known_per_second=1,
)
AUTHORS = ["user:li", "terminal:trm_1", "observer:obs_1"]
STRANGERS = ["10.0.0.0/24", "2001:db8::/64", "127.0.0.1", "10.0.0.1 _hidden"]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["author", "place", "close"]),
        st.integers(0, 3),
        st.booleans(),
        st.floats(0, 3, allow_nan=False),
    ),
    max_size=120,
)


def allowed(check, *args):
    try:
        check(*args)
    except TooMany:
        return False
    return True


class TestConnectionsInControl:
    @given(STEPS)
    def test_no_cap_is_ever_exceeded(self, steps):
        admission, now, open_, number = Admission(SMALL), 0.0, {}, 0
        for action, index, met, passed in steps:
            now += passed
            payer = None
            if action == "author" and allowed(admission.hand_over, AUTHORS[index % 3], now):
                payer = AUTHORS[index % 3]
            if action == "place" and allowed(admission.hand_over_unknown, STRANGERS[index], met, now):
                payer = STRANGERS[index]
            if payer is not None:
                number += 1
                open_[str(number)] = payer
                admission.opened(str(number), payer)
            if action == "close" and open_:
                gone = sorted(open_)[index % len(open_)]
                del open_[gone]
                admission.closed(gone)
            payers = list(open_.values())
            assert admission.open == len(payers) <= 6
            assert payers.count("user:li") <= 3 and payers.count("terminal:trm_1") <= 2
            assert all(payers.count(place) <= 2 for place in STRANGERS)
            assert all(admission.open_of(payer) == payers.count(payer) for payer in [*AUTHORS, *STRANGERS])

    def test_strangers_never_take_the_room_of_authors(self):
        admission = Admission(Limits(open_in_control=100, unknown_open=5))
        for number in range(50):
            if allowed(admission.hand_over_unknown, f"10.0.{number}.0/24", False, 0.0):
                admission.opened(f"s{number}", f"10.0.{number}.0/24")
        assert admission.open == 5 and allowed(admission.hand_over, "user:li", 0.0)

    def test_addresses_of_known_senders_have_a_budget_of_their_own(self):
        admission = Admission(SMALL)
        assert [allowed(admission.hand_over_unknown, f"10.0.{n}.0/24", False, 0.0) for n in range(4)].count(True) == 2
        assert allowed(admission.hand_over_unknown, "10.9.9.0/24", True, 0.0)

    def test_a_socket_that_signs_in_no_longer_counts_as_unknown(self):
        admission = Admission(SMALL)
        for number in range(2):
            admission.hand_over_unknown("10.0.0.0/24", False, 0.0)
            admission.opened(str(number), "10.0.0.0/24")
        assert not allowed(admission.hand_over_unknown, "10.0.0.0/24", False, 10.0)
        admission.opened("0", "terminal:trm_1")
        assert allowed(admission.hand_over_unknown, "10.0.0.0/24", False, 10.0)
        assert admission.open == 2 and admission.open_of("terminal:trm_1") == 1

    def test_what_a_dead_control_process_had_is_forgotten(self):
        admission = Admission(SMALL)
        for number in range(3):
            admission.opened(str(number), "10.0.0.0/24" if number else "user:li")
        admission.forget_open()
        admission.closed("0")
        assert admission.open == 0 and allowed(admission.hand_over_unknown, "10.0.0.0/24", False, 0.0)

    def test_an_author_opens_no_more_than_so_many_a_minute(self):
        admission = Admission(Limits(terminal_handovers_at_once=3, terminal_handovers_per_minute=60))
        assert [allowed(admission.hand_over, "terminal:trm_1", 0.0) for _ in range(5)].count(True) == 3
        assert allowed(admission.hand_over, "terminal:trm_2", 0.0) and allowed(admission.hand_over, "user:li", 0.0)
        assert allowed(admission.hand_over, "terminal:trm_1", 1.1)


class TestPlaces:
    def test_a_flood_of_one_place_spends_its_own_budget(self):
        admission = Admission(Limits(arrivals_at_once=5, arrivals_per_minute=60))
        assert [admission.may_arrive("10.0.0.0/24", 0.0) for _ in range(9)].count(True) == 5
        assert admission.may_arrive("10.0.1.0/24", 0.0) and admission.may_arrive("10.0.0.0/24", 1.1)

    def test_guesses_cost_the_place_and_all_together_a_total(self):
        admission = Admission(Limits(guesses_at_once=3, lookups_at_once=5))
        first = [allowed(admission.look_up, "10.0.0.0/24", 0.0) for _ in range(9)]
        others = [allowed(admission.look_up, f"10.0.{n}.0/24", 0.0) for n in range(1, 9)]
        assert first.count(True) == 3 and others.count(True) == 2

    def test_the_metrics_have_a_small_budget(self):
        admission = Admission(Limits(metrics_at_once=2, metrics_per_second=1))
        assert [allowed(admission.read_metrics, 0.0) for _ in range(4)].count(True) == 2


@pytest.mark.parametrize(
    ("payer", "author"), [(each, True) for each in AUTHORS] + [(each, False) for each in STRANGERS]
)
def test_places_are_no_authors(payer, author):
    assert is_author(payer) is author
