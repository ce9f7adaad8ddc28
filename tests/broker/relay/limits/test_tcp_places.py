"""Which TCP connection goes when there are too many: the oldest unproven one, of the network that has the most."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.relay.limits.tcp_places import (
    MAX_CONNECTIONS,
    MAX_OF_ONE_HOST,
    MAX_UNPROVEN,
    MAX_UNPROVEN_OF_ONE_HOST,
    Places,
    network,
)


@dataclass(eq=False)
class Connection:
    host: str
    proven: bool = False


@dataclass
class Door:
    """Places as the listener uses them: who has to go leaves."""

    places: Places[Connection] = field(default_factory=Places)

    def open(self, host: str, proven: bool = False) -> Connection | None:
        connection = Connection(host)
        entered, other = self.places.enter(connection)
        if other is not None:
            self.places.leave(other)
        connection.proven = proven
        return connection if entered else None

    def holds(self, connection: Connection | None) -> bool:
        return connection in self.places.all()


class TestUnprovenConnections:
    def test_of_many_hosts_leave_room_for_a_new_client(self) -> None:
        door = Door()
        for host in range(7):
            for _ in range(16):
                door.open(f"192.0.2.{host}")
        client = door.open("198.51.100.1")
        assert door.holds(client)
        for _ in range(500):
            door.open("192.0.2.9")
        assert door.holds(client), "the network that has the most gives way"

    def test_of_the_same_network_go_in_the_order_in_which_they_came(self) -> None:
        door = Door()
        first = [door.open(f"192.0.2.{host}") for host in range(MAX_UNPROVEN)]
        door.open("192.0.2.200")
        assert not door.holds(first[0]) and all(door.holds(other) for other in first[1:])

    def test_of_one_host_give_way_to_its_own(self) -> None:
        door = Door()
        other = door.open("198.51.100.1")
        many = [door.open("192.0.2.1") for _ in range(MAX_UNPROVEN_OF_ONE_HOST + 1)]
        assert door.holds(other) and not door.holds(many[0]) and door.holds(many[-1])

    def test_of_ipv6_are_counted_by_64_bits(self) -> None:
        door = Door()
        quiet = [door.open(f"198.51.{host}.1") for host in range(20)]
        for host in range(200):
            door.open(f"2001:db8::{host:x}")
        assert all(door.holds(connection) for connection in quiet)


class TestProvenConnections:
    @given(st.lists(st.tuples(st.integers(0, 300), st.booleans()), max_size=400))
    def test_never_go_for_a_stranger(self, opened: list[tuple[int, bool]]) -> None:
        door, proven = Door(), []
        for host, turns_out in opened:
            connection = door.open(f"192.0.{host // 100}.{host % 100}", turns_out)
            if turns_out and connection is not None:
                proven.append(connection)
        assert all(door.holds(connection) for connection in proven)
        assert len(door.places) <= MAX_CONNECTIONS
        assert sum(not connection.proven for connection in door.places.all()) <= MAX_UNPROVEN

    def test_of_one_host_are_limited_as_before(self) -> None:
        door = Door()
        for _ in range(MAX_OF_ONE_HOST):
            door.open("192.0.2.1", proven=True)
        assert door.open("192.0.2.1") is None
        assert door.open("192.0.2.2") is not None

    def test_that_fill_all_places_leave_none(self) -> None:
        door = Door()
        for number in range(MAX_CONNECTIONS):
            door.open(f"192.{number // 200}.{number % 200}.1", proven=True)
        assert door.open("198.51.100.1") is None


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("192.0.2.1", "192.0.2.250", True),
        ("192.0.2.1", "192.0.3.1", False),
        ("::ffff:192.0.2.1", "192.0.2.9", True),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("", "192.0.2.1", False),
    ],
)
def test_a_network_is_what_a_customer_has(first: str, second: str, same: bool) -> None:
    assert (network(first) == network(second)) is same
