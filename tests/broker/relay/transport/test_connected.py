"""Sockets of proven addresses: the kernel keeps them apart from what strangers send, under one port number."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from broker.relay.transport import connected as connected_module
from broker.relay.transport.connected import ConnectedPorts, SharedPort
from broker.relay.transport.route import Route
from broker.relay.transport.udp import open_ports
from tests.broker.relay.transport.test_demux import check
from tests.support.patience import PATIENCE

CHECK = check("abcd1234:x", "p" * 32)
FLOOD = 20_000  # datagrams: more than any buffer here holds


class Worker:
    """A worker's sockets on `hosts`, and clients that send to them."""

    def __init__(self, hosts: list[str], stack: ExitStack) -> None:
        self.opened = open_ports(hosts, 0)
        self._stack = stack
        self.shared = [SharedPort(sock) for sock in self.opened.udp]
        self.ports = ConnectedPorts(self.shared)
        stack.callback(self.ports.close)
        stack.callback(self.opened.close)

    def client(self, host: str, to: str | None = None) -> socket.socket:
        sender = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self._stack.callback(sender.close)
        sender.bind((host, 0))
        sender.connect((to or host, self.opened.port))
        sender.settimeout(PATIENCE)
        return sender

    def prove(self, client: socket.socket) -> Route:
        """Read the client's check at a shared socket, and return its own route."""
        client.send(CHECK)
        buffer = memoryview(bytearray(2000))
        for port in self.shared:
            try:
                _, address = port.recvfrom_into(buffer)
            except BlockingIOError:
                continue
            return self.ports.own(Route(port.sendto, address))
        raise AssertionError("no check came")

    def read(self) -> list[bytes]:
        buffer, found = memoryview(bytearray(2000)), []
        while ready := self.ports.ready()[0]:
            found += [bytes(buffer[: port.receive(buffer)]) for port in ready]
        return found


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


WAYS = [
    (["127.0.0.1"], "127.0.0.1", "127.0.0.1"),
    (["127.0.0.1", "127.0.0.2"], "127.0.0.1", "127.0.0.2"),
    (["0.0.0.0"], "127.0.0.1", "127.0.0.1"),
    (["0.0.0.0"], "127.0.0.1", "127.0.0.3"),
    (["::1"], "::1", "::1"),
    (["::"], "::1", "::1"),
    (["::"], "127.0.0.1", "127.0.0.1"),
    (["::"], "127.0.0.1", "127.0.0.4"),
    (["127.0.0.1", "::1"], "::1", "::1"),
]


class TestAProvenAddress:
    @pytest.mark.parametrize(("hosts", "host", "to"), WAYS)
    def test_has_a_socket_of_its_own_on_the_same_port_and_address(
        self, stack: ExitStack, hosts: list[str], host: str, to: str
    ) -> None:
        worker = Worker(hosts, stack)
        client = worker.client(host, to)
        route = worker.prove(client)
        assert len(worker.ports) == 1
        route.send(b"answer", route.to)
        assert client.recv(100) == b"answer", "a client hears only whom it sends to"
        client.send(b"\x80media")
        assert worker.read() == [b"\x80media"]

    @pytest.mark.parametrize(("hosts", "host", "to"), WAYS)
    def test_is_never_mistaken_for_another_that_sends_as_its_socket_is_made(
        self, stack: ExitStack, monkeypatch: pytest.MonkeyPatch, hosts: list[str], host: str, to: str
    ) -> None:
        """Between bind and connect the kernel gives the new socket what any client sends."""
        worker = Worker(hosts, stack)
        client, other = worker.client(host, to), worker.client(host, to)
        bind = connected_module._bind_beside

        def meanwhile(sock: socket.socket, shared: SharedPort) -> None:
            bind(sock, shared)
            other.send(CHECK)
            client.send(b"own")

        monkeypatch.setattr(connected_module, "_bind_beside", meanwhile)
        worker.prove(client)
        assert worker.read() == [b"own"]

    def test_keeps_its_datagrams_while_strangers_flood_the_port(self, stack: ExitStack) -> None:
        worker = Worker(["127.0.0.1"], stack)
        client, stranger = worker.client("127.0.0.1"), worker.client("127.0.0.1")
        worker.prove(client)
        for number in range(FLOOD):
            stranger.send(CHECK)
            if number % 200 == 0:
                client.send(number.to_bytes(4, "big"))
        assert [int.from_bytes(data, "big") for data in worker.read()] == list(range(0, FLOOD, 200))
        assert worker.shared[0].drops > 0, "the flood was too small to prove anything"

    def test_keeps_its_datagrams_while_another_client_floods(self, stack: ExitStack) -> None:
        worker = Worker(["127.0.0.1"], stack)
        client, other = worker.client("127.0.0.1"), worker.client("127.0.0.1")
        for proven in (client, other):
            worker.prove(proven)
        for number in range(FLOOD):
            other.send(bytes(500))
            if number % 200 == 0:
                client.send(number.to_bytes(4, "big"))
        assert len([data for data in worker.read() if len(data) == 4]) == FLOOD // 200
        assert worker.ports.drops > 0, "the flood was too small to prove anything"

    def test_has_one_socket_however_often_it_is_proven(self, stack: ExitStack) -> None:
        worker = Worker(["127.0.0.1"], stack)
        client = worker.client("127.0.0.1")
        route = worker.prove(client)
        shared = worker.shared[0]
        assert worker.ports.own(Route(shared.sendto, client.getsockname())) == route
        assert len(worker.ports) == 1

    def test_loses_its_socket_a_sweep_after_it_is_used_no_more(self, stack: ExitStack) -> None:
        worker = Worker(["0.0.0.0"], stack)
        client = worker.client("127.0.0.1")
        route = worker.prove(client)
        worker.ports.sweep({client.getsockname()})
        worker.ports.sweep(())
        route.send(b"goodbye", route.to)
        assert client.recv(100) == b"goodbye"
        worker.ports.sweep(())
        assert len(worker.ports) == 0
        with pytest.raises(OSError):
            route.send(b"more", route.to)
        assert worker.prove(client).connected and len(worker.ports) == 1


class TestThePort:
    def test_is_shared_with_no_other_process(self, stack: ExitStack) -> None:
        worker = Worker(["127.0.0.1"], stack)
        worker.prove(worker.client("127.0.0.1"))
        for host in ("127.0.0.1", "0.0.0.0"):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other, pytest.raises(OSError):
                other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                other.bind((host, worker.opened.port))

    def test_takes_everything_when_a_client_can_have_no_socket(
        self, stack: ExitStack, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        worker = Worker(["127.0.0.1"], stack)
        client = worker.client("127.0.0.1")
        monkeypatch.setattr(connected_module, "MOST", 0)
        worker.prove(client)
        assert len(worker.ports) == 0 and not worker.shared[0].filtered
        client.send(b"\x80media")
        buffer = memoryview(bytearray(100))
        assert worker.shared[0].recvfrom_into(buffer) == (6, client.getsockname())

    def test_of_a_kernel_without_filters_takes_everything(
        self, stack: ExitStack, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(connected_module, "_SO_ATTACH_FILTER", 10_000)
        worker = Worker(["127.0.0.1"], stack)
        assert not worker.shared[0].filtered
        worker.prove(worker.client("127.0.0.1"))
        assert len(worker.ports) == 1

    def test_gives_other_routes_back_as_they_are(self, stack: ExitStack) -> None:
        worker = Worker(["127.0.0.1"], stack)
        route = Route(lambda data, address: len(data), ("192.0.2.1", 5, 7, "tcp"))
        assert worker.ports.own(route) is route
