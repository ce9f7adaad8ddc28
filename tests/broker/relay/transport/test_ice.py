"""ICE-lite of a client (RFC 8445 2.5, RFC 7675): which checks count, where the relay sends, and when that changes."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from broker.relay.transport.ice import CONSENT, MAX_ADDRESSES, MAX_CHECKS, QUIET, RECORD, Check, Ice
from broker.relay.transport.route import Address, Route


def udp(number: int) -> Route:
    return Route(_send, (f"192.0.2.{number}", 5000))


def tcp(number: int) -> Route:
    return Route(_send, (f"192.0.2.{number}", 5000, "tcp"))


def _send(data: bytes | memoryview, address: Address) -> int:
    return len(data)


def check(ice: Ice, nominated: bool = True, ufrag: str = "") -> Check:
    return Check(ufrag or ice.credentials.ufrag, nominated)


class Client:
    """An Ice with its book of addresses, and a clock that the test moves."""

    def __init__(self, settled: bool = True) -> None:
        self.book: dict[Address, object] = {}
        self.ice = Ice(self, self.book)
        self.now = 100.0
        self.comes(udp(1))
        self.ice.settled = settled

    def comes(self, route: Route, nominated: bool = True, ufrag: str = "") -> bool:
        return self.ice.checked(route, check(self.ice, nominated, ufrag), self.now)


class TestTheRoute:
    def test_is_none_before_the_first_check(self) -> None:
        assert Ice(None, {}).route is None

    def test_is_the_first_address_with_the_password_even_before_it_is_nominated(self) -> None:
        ice = Ice(None, {})
        assert ice.checked(udp(1), check(ice, nominated=False), 100.0)
        assert ice.route == udp(1)

    def test_is_a_nominated_address_at_once(self) -> None:
        client = Client()
        assert client.comes(udp(2))
        assert client.ice.route == udp(2)
        assert client.comes(udp(1))

    def test_is_not_every_address_that_a_client_probes(self) -> None:
        client = Client(settled=False)
        assert not client.comes(udp(2), nominated=False)
        assert client.ice.route == udp(1)

    def test_is_the_new_address_of_a_connected_client(self) -> None:
        client = Client()
        assert client.comes(udp(2), nominated=False)
        assert client.ice.route == udp(2)

    def test_does_not_alternate_between_two_live_addresses(self) -> None:
        client = Client()
        client.comes(udp(2), nominated=False)
        client.comes(udp(1))
        for _ in range(5):
            client.now += QUIET / 2
            assert not client.comes(udp(2), nominated=False)
            client.comes(udp(1))

    def test_is_the_other_address_once_the_first_is_quiet(self) -> None:
        client = Client()
        client.comes(udp(2), nominated=False)
        client.comes(udp(1))
        client.now += QUIET + 0.1
        assert client.comes(udp(2), nominated=False)

    def test_stays_while_reports_arrive_along_it(self) -> None:
        client = Client()
        client.comes(udp(2), nominated=False)
        client.comes(udp(1))
        client.now += QUIET
        client.ice.heard(udp(1), client.now)
        client.now += 0.1
        assert not client.comes(udp(2), nominated=False)

    def test_is_a_tcp_connection_only_when_nominated_or_nothing_else_works(self) -> None:
        client = Client()
        assert not client.comes(tcp(1), nominated=False)
        assert client.comes(tcp(1))

    def test_is_a_connection_made_before_the_close_of_the_last_one_was_noticed(self) -> None:
        client = Client()
        client.comes(tcp(1))
        client.now += 20.0
        client.ice.heard(tcp(1), client.now)
        client.comes(tcp(2), nominated=False)
        assert client.ice.route == tcp(1)
        client.ice.lost(tcp(1).address, client.now)
        assert client.ice.route == tcp(2)

    def test_is_the_same_address_through_another_socket_of_the_worker(self) -> None:
        client = Client()
        other = Route(lambda data, address: 0, udp(1).address)
        assert client.comes(other)
        assert client.ice.route == other


class TestCopiedChecks:
    def test_from_another_address_prove_nothing(self) -> None:
        ice = Client().ice
        assert ice.original(udp(1), b"transaction1")
        assert not ice.original(udp(66), b"transaction1")
        assert not ice.original(Route(_send, (*udp(1).address, "tcp")), b"transaction1")

    def test_are_told_from_checks_that_the_client_repeats(self) -> None:
        ice = Client().ice
        assert ice.original(udp(1), b"transaction1")
        assert ice.original(udp(1), b"transaction1")

    def test_prove_nothing_at_the_end_of_a_long_visit_either(self) -> None:
        ice = Client().ice
        for number in range(60 * 60):  # an hour with one each second, more often than any client checks
            assert ice.original(udp(1 + number % 3), number.to_bytes(12, "big"))
        for number in (0, 1, 60 * 60 - 1):
            assert ice.original(udp(1 + number % 3), number.to_bytes(12, "big"))
            assert not ice.original(udp(66), number.to_bytes(12, "big"))

    def test_are_found_with_bounded_memory(self) -> None:
        ice = Client().ice
        for number in range(2 * MAX_CHECKS):
            assert ice.original(udp(1), number.to_bytes(12, "big"))
        assert len(ice._checks) == RECORD * MAX_CHECKS


class TestForgotten:
    def test_are_all_but_the_newest_addresses(self) -> None:
        client = Client()
        for number in range(2, 20):
            client.comes(udp(number), nominated=False)
        assert len(client.book) == MAX_ADDRESSES
        assert client.ice.route is not None
        assert client.ice.route.address in client.book

    def test_is_an_address_that_is_not_checked_any_more(self) -> None:
        client = Client()
        client.comes(udp(2))
        client.now += CONSENT
        client.comes(udp(2))
        client.ice.expire(client.now + 0.1)
        assert list(client.book) == [udp(2).address]

    def test_is_a_connection_that_was_closed(self) -> None:
        client = Client()
        client.comes(tcp(1))
        client.now += QUIET + 0.1
        client.ice.lost(tcp(1).address, client.now)
        assert client.ice.route is None
        assert client.comes(udp(1), nominated=False)

    def test_is_no_address_that_another_client_has_now(self) -> None:
        first, other = Client(), Client()
        other.ice._book = first.book
        other.comes(udp(1))
        first.ice.close()
        assert first.book == {udp(1).address: other}

    def test_is_everything_at_the_end_except_the_route_for_bye(self) -> None:
        client = Client()
        client.ice.close()
        assert not client.book
        assert client.ice.route == udp(1)


class TestRestart:
    """RFC 8445 9: media flows over the old pair until the new one is nominated."""

    def test_issues_new_credentials_beside_the_old_ones(self) -> None:
        client = Client()
        old = client.ice.credentials
        new = client.ice.restart()
        assert new.ufrag != old.ufrag and new.pwd != old.pwd
        assert (client.ice.password(old.ufrag), client.ice.password(new.ufrag)) == (old.pwd, new.pwd)

    def test_keeps_the_route_until_a_check_with_the_new_ones_nominates(self) -> None:
        client = Client()
        new = client.ice.restart()
        assert not client.comes(udp(2), nominated=False, ufrag=new.ufrag)
        assert client.ice.route == udp(1)
        assert client.comes(udp(2), ufrag=new.ufrag)
        assert client.ice.route == udp(2)

    def test_then_drops_the_old_ones_and_the_addresses_they_proved(self) -> None:
        client = Client()
        old = client.ice.credentials
        client.comes(udp(3), nominated=False)
        client.comes(udp(2), ufrag=client.ice.restart().ufrag)
        assert client.ice.password(old.ufrag) is None
        assert list(client.book) == [udp(2).address]

    def test_from_the_same_address_keeps_it(self) -> None:
        client = Client()
        client.comes(udp(1), ufrag=client.ice.restart().ufrag)
        assert client.ice.route == udp(1)
        assert list(client.book) == [udp(1).address]

    def test_that_the_client_ignored_leaves_the_old_ones_valid(self) -> None:
        client = Client()
        old, first = client.ice.credentials, client.ice.restart()
        second = client.ice.restart()
        assert client.ice.password(first.ufrag) is None
        assert client.comes(udp(2), ufrag=old.ufrag)
        assert client.comes(udp(1), ufrag=second.ufrag)


class IceModel(RuleBasedStateMachine):
    """Any client: the relay sends only to addresses that were proven with a valid password."""

    def __init__(self) -> None:
        super().__init__()
        self.client, self.proven = Client(), {udp(1).address}

    @rule(number=st.integers(1, 8), stream=st.booleans(), nominated=st.booleans(), old=st.booleans())
    def a_check_comes(self, number: int, stream: bool, nominated: bool, old: bool) -> None:
        route = tcp(number) if stream else udp(number)
        ufrags = [session.ufrag for session in self.client.ice._sessions]
        self.client.comes(route, nominated, ufrags[0] if old else ufrags[-1])
        self.proven.add(route.address)

    @rule()
    def it_restarts(self) -> None:
        self.client.ice.restart()

    @rule(seconds=st.sampled_from([0.1, QUIET + 1, CONSENT + 1]))
    def time_passes(self, seconds: float) -> None:
        self.client.now += seconds
        self.client.ice.expire(self.client.now)

    @rule(number=st.integers(1, 8))
    def a_connection_closes(self, number: int) -> None:
        self.client.ice.lost(tcp(number).address, self.client.now)
        self.proven.discard(tcp(number).address)

    @invariant()
    def the_route_has_been_proven(self) -> None:
        route = self.client.ice.route
        assert route is None or route.address in self.proven & set(self.client.book)

    @invariant()
    def little_is_remembered(self) -> None:
        assert len(self.client.book) <= MAX_ADDRESSES
        assert set(self.client.book) == set(self.client.ice.addresses())


TestAnyClient = IceModel.TestCase


class TestTheMappedAddress:
    @pytest.mark.parametrize(
        ("address", "mapped"),
        [
            (("192.0.2.1", 5), ("192.0.2.1", 5)),
            (("::ffff:192.0.2.1", 5, 0, 0), ("192.0.2.1", 5)),
            (("2001:db8::1", 5, 0, 0), ("2001:db8::1", 5)),
            (("fe80::1%eth0", 5, 0, 2), ("fe80::1", 5)),
            (("192.0.2.1", 5, "tcp"), ("192.0.2.1", 5)),
        ],
    )
    def test_is_the_one_that_the_clients_network_sees(self, address: Address, mapped: tuple[str, int]) -> None:
        assert Route(_send, address).mapped == mapped
