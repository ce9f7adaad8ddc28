"""Socket buffers: the worker logs once when the kernel grants less than was requested."""

import socket
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from broker.relay.transport import socket_buffers
from broker.relay.transport.socket_buffers import enlarge


class Socket:
    """A socket whose kernel grants at most `most` bytes."""

    def __init__(self, most: int) -> None:
        self._most = most

    def setsockopt(self, level: int, option: int, size: int) -> None:
        self._granted = 2 * min(size, self._most)

    def getsockopt(self, level: int, option: int) -> int:
        return self._granted


@pytest.fixture(autouse=True)
def nothing_logged_yet() -> Iterator[None]:
    socket_buffers._warn.cache_clear()
    yield
    socket_buffers._warn.cache_clear()


def test_a_granted_size_is_not_logged() -> None:
    with capture_logs() as logged:
        enlarge(Socket(1000), socket.SO_RCVBUF, 1000)  # type: ignore[arg-type]
    assert logged == []


def test_a_smaller_size_is_logged_once_with_the_limit_to_raise() -> None:
    with capture_logs() as logged:
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF, socket.SO_RCVBUF):
            enlarge(Socket(400), option, 1000)  # type: ignore[arg-type]
    assert [(entry["sysctl"], entry["wanted"], entry["granted"]) for entry in logged] == [
        ("net.core.rmem_max", 1000, 400),
        ("net.core.wmem_max", 1000, 400),
    ]


def test_a_real_kernel_grants_what_it_reports() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock, capture_logs() as logged:
        enlarge(sock, socket.SO_RCVBUF, 65_536)
        assert logged == []
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) == 2 * 65_536
