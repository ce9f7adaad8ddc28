"""The queue in front of password hashing: its bounds, its lanes, and whose turn it is. Time is an argument."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.kernel.errors import Busy
from signaling.auth.hashing_queue import PATIENCE, HashingQueue, Lane, Ticket, network_of, place_of


def queued(*tickets, at_once=1, most=8):
    queue = HashingQueue(at_once, most)
    for ticket in tickets:
        queue.enter(ticket)
    return queue


def ticket(lane=Lane.REST, place="192.0.2.1", at=0.0):
    return Ticket(lane, place, at)


def order(queue):
    """The places in the order in which their hashes begin."""
    places = []
    while (begun := queue.begin()) is not None:
        places.append(begun.place)
        queue.done()
    return places


class TestPlaces:
    @pytest.mark.parametrize(
        ("address", "place", "network"),
        [
            ("192.0.2.77", "192.0.2.77", "192.0.2.0/24"),
            ("2001:db8:1:2:3::4", "2001:db8:1:2::/64", "2001:db8:1::/48"),
            ("10.0.0.1 _gazonk", "10.0.0.1 _gazonk", "10.0.0.0/24"),
            ("unknown", "unknown", "unknown"),
        ],
    )
    def test_a_client_has_a_place_and_its_organisation_a_network(self, address, place, network):
        assert (place_of(address), network_of(place)) == (place, network)


class TestBounds:
    def test_no_more_hashes_are_in_progress_than_there_are_places(self):
        queue = queued(*(ticket(Lane.PLACE) for _ in range(4)), at_once=2)
        assert queue.begin() and queue.begin() and queue.begin() is None
        queue.done()
        assert queue.begin()

    def test_the_last_place_is_kept_for_those_who_are_known(self):
        queue = queued(*(ticket(lane) for lane in (Lane.REST, Lane.UNFAILED)), at_once=2)
        assert queue.begin().lane is Lane.UNFAILED and queue.begin() is None
        queue.enter(ticket(Lane.DEVICE))
        assert queue.begin().lane is Lane.DEVICE

    def test_a_full_queue_refuses_and_says_when_to_come_back(self):
        queue = queued(*(ticket(place=f"192.0.{n}.1") for n in range(8)))
        with pytest.raises(Busy) as refused:
            queue.enter(ticket(place="192.0.99.1"))
        assert refused.value.extra["retry_after"] > 0 and refused.value.http_status == 503

    def test_who_has_waited_too_long_is_let_go(self):
        old, new = ticket(at=0.0), ticket(at=1.5)
        queue = queued(old, new)
        assert queue.expired(PATIENCE) == [] and queue.expired(PATIENCE + 0.1) == [old] and queue.waiting == 1

    @given(st.lists(st.tuples(st.sampled_from(Lane), st.integers(0, 5), st.integers(0, 3)), max_size=60))
    def test_the_count_is_always_right_and_bounded(self, entered):
        queue, inside = HashingQueue(1, 8), set()
        for lane, network, host in entered:
            new = ticket(lane, f"10.0.{network}.{host}")
            try:
                gone = queue.enter(new)
            except Busy:
                continue
            inside = (inside | {new}) - {gone}
            assert queue.waiting == len(inside) <= 8
        begun = set()
        while (next_one := queue.begin()) is not None:
            queue.done()
            begun.add(next_one)
        assert begun == inside and queue.waiting == 0


class TestTurns:
    def test_lanes_come_one_after_another(self):
        lanes = [Lane.REST, Lane.UNFAILED, Lane.NEAR, Lane.PLACE, Lane.DEVICE]
        queue = queued(*(ticket(lane, f"192.0.2.{lane.value}") for lane in lanes))
        assert order(queue) == [f"192.0.2.{lane.value}" for lane in sorted(Lane)]

    def test_networks_take_turns_and_so_do_the_addresses_of_one(self):
        places = ["192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.1", "198.51.100.1"]
        queue = queued(*(ticket(place=place) for place in places))
        assert order(queue) == ["192.0.2.1", "198.51.100.1", "192.0.2.2", "192.0.2.1", "192.0.2.1"]

    def test_in_a_full_queue_the_last_of_whoever_has_most_goes_for_a_better_one(self):
        greedy = [ticket(place="192.0.2.1") for _ in range(7)]
        queue = queued(ticket(place="198.51.100.1"), *greedy)
        assert queue.enter(ticket(Lane.DEVICE, "192.0.2.1")) is greedy[-1]

    def test_in_a_full_queue_a_network_that_has_less_gets_in(self):
        greedy = [ticket(place="192.0.2.1") for _ in range(8)]
        queue = queued(*greedy)
        assert queue.enter(ticket(place="198.51.100.1")) is greedy[-1]
        with pytest.raises(Busy):
            queue.enter(ticket(place="192.0.2.1"))

    def test_a_worse_lane_pushes_nobody_out(self):
        queue = queued(*(ticket(Lane.UNFAILED, "192.0.2.1") for _ in range(8)))
        with pytest.raises(Busy):
            queue.enter(ticket(Lane.REST, "198.51.100.1"))
