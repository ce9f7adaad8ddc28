"""Places and turns: addresses become places, the largest place gives way first, and each place gets its turn."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.ingress.fairness import FairQueue, FairSet, prefix_of

PLACES = st.sampled_from(["a", "b", "c", "d"])


class TestPrefixOf:
    @pytest.mark.parametrize(
        ("address", "place"),
        [
            ("10.1.2.3", "10.1.2.0/24"),
            ("10.1.2.250", "10.1.2.0/24"),
            ("::ffff:10.1.2.3", "10.1.2.0/24"),
            ("2001:db8:1:2:3::9", "2001:db8:1:2::/64"),
            ("2001:db8:1:2::1%eth0", "2001:db8:1:2::/64"),
            ("fe80::1%eth0", "fe80::/64"),
        ],
    )
    def test_a_network_is_one_place(self, address, place):
        assert prefix_of(address) == place

    @pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.10", "::1", "10.0.0.1 _hidden", "unknown"])
    def test_loopback_addresses_and_names_of_proxies_are_places_of_their_own(self, address):
        assert prefix_of(address) == address

    def test_a_mapped_loopback_address_is_the_loopback_address(self):
        assert prefix_of("::ffff:127.0.0.1") == "127.0.0.1"

    @given(st.ip_addresses(v=4))
    def test_256_neighbours_at_most_share_a_place(self, address):
        if not address.is_loopback:
            assert prefix_of(str(address)).endswith(".0/24")


class TestFairSet:
    @given(st.lists(st.tuples(st.sampled_from(["add", "discard", "evict"]), st.integers(0, 30), PLACES), max_size=200))
    def test_it_is_as_a_plain_list_would_be(self, steps):
        fair, plain = FairSet(), []
        for action, member, place in steps:
            if action == "add":
                plain = [pair for pair in plain if pair[0] != member] + [(member, place)]
                fair.add(member, place)
            elif action == "discard":
                assert fair.discard(member) == any(member == kept for kept, _ in plain)
                plain = [pair for pair in plain if pair[0] != member]
            elif plain:
                sizes = Counter(place for _, place in plain)
                oldest = fair.oldest_of_largest()
                place = dict(plain)[oldest]
                assert sizes[place] == max(sizes.values())
                assert oldest == next(kept for kept, at in plain if at == place)
            assert list(fair) == [kept for kept, _ in plain]
            assert len(fair) == len(plain)
            assert all(fair.size(place) == sum(at == place for _, at in plain) for place in "abcd")
        if not plain:
            assert fair.oldest_of_largest() is None

    def test_a_flood_of_one_place_never_pushes_out_another(self):
        fair = FairSet()
        fair.add("kiosk", "b")
        for number in range(1000):
            if len(fair) >= 10:
                fair.discard(fair.oldest_of_largest())
            fair.add(number, "a")
        assert "kiosk" in fair and 999 in fair and len(fair) == 10

    def test_of_many_places_with_one_member_each_the_oldest_goes(self):
        fair = FairSet()
        for number in range(5):
            fair.add(number, f"place {number}")
        assert fair.oldest_of_largest() == 0


class TestFairQueue:
    @given(st.lists(st.one_of(st.tuples(st.integers(), PLACES), st.none()), max_size=200), st.integers(1, 12))
    def test_nothing_is_lost_twice_and_the_bound_holds(self, steps, most):
        queue, inside = FairQueue(most), Counter()
        for number, step in enumerate(steps):
            if step is None:
                member = queue.pop()
                assert (member is None) == (not inside.total())
                if member is not None:
                    inside[member] -= 1
            else:
                member = (number, step[1])
                displaced = queue.push(member, step[1])
                inside[member] += 1
                if displaced is not None:
                    inside[displaced] -= 1
            assert min(inside.values(), default=0) >= 0
            assert len(queue) == inside.total() <= most

    def test_each_place_gets_one_turn_after_the_other(self):
        queue = FairQueue(100)
        for number in range(50):
            queue.push(f"flood {number}", "a")
        queue.push("person", "b")
        assert [queue.pop(), queue.pop()] == ["flood 0", "person"]

    def test_a_full_queue_takes_one_of_a_smaller_place_and_refuses_the_largest(self):
        queue = FairQueue(3)
        for number in range(3):
            queue.push(number, "a")
        assert queue.push(3, "a") == 3
        assert queue.push("person", "b") == 2
        assert [queue.pop() for _ in range(4)] == [0, "person", 1, None]
