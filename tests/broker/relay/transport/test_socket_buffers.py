"""A kernel that gives less than was asked for says nothing of it; the worker does, once."""

import socket
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from broker.relay.transport import socket_buffers
from broker.relay.transport.socket_buffers import enlarge


class Socket:
    """One whose kernel gives at most `most` bytes."""

    def __init__(self, most: int) -> None:
        self._most = most

    def setsockopt(self, level: int, option: int, size: int) -> None:
        self._given = 2 * min(size, self._most)

    def getsockopt(self, level: int, option: int) -> int:
        return self._given


@pytest.fixture(autouse=True)
def nothing_said_yet() -> Iterator[None]:
    socket_buffers._warn.cache_clear()
    yield
    socket_buffers._warn.cache_clear()


def test_enough_is_no_matter() -> None:
    with capture_logs() as said:
        enlarge(Socket(1000), socket.SO_RCVBUF, 1000)  # type: ignore[arg-type]
    assert said == []


def test_too_little_is_said_once_with_the_limit_to_raise() -> None:
    with capture_logs() as said:
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF, socket.SO_RCVBUF):
            enlarge(Socket(400), option, 1000)  # type: ignore[arg-type]
    assert [(one["sysctl"], one["wanted"], one["given"]) for one in said] == [
        ("net.core.rmem_max", 1000, 400),
        ("net.core.wmem_max", 1000, 400),
    ]


def test_a_real_kernel_gives_what_it_says() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock, capture_logs() as said:
        enlarge(sock, socket.SO_RCVBUF, 65_536)
        assert said == []
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) == 2 * 65_536
