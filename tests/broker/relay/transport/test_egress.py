"""Packets that leave together arrive as they would have one by one: the same datagrams, in the same order."""

import errno
import os
import socket
import struct
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.relay.transport import egress as egress_module
from broker.relay.transport.connected import ConnectedPort
from broker.relay.transport.egress import MOST, MOST_BYTES, Egress, joins, runs
from broker.relay.transport.route import Route

SO_NO_CHECK, UDP_GRO = 11, 104
SIZES = st.lists(st.one_of(st.sampled_from([100, 1049, 1050, 1100]), st.integers(1, 1900)), max_size=200)


class Line:
    """A connected socket, its far end, and what is sent along it; `calls` are the calls of the kernel."""

    def __init__(self) -> None:
        self.far = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.far.bind(("127.0.0.1", 0))
        self.far.setblocking(False)
        self.near = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.near.connect(self.far.getsockname())
        self.near.setblocking(False)
        self.calls: list[int] = []
        self.fails: list[int] = []
        self.egress = Egress(Route(self._send, self.far.getsockname(), True, self._batch))

    def _send(self, datagram: bytes | memoryview, flags: int) -> int:
        self.calls.append(1)
        return self.near.send(datagram, flags)

    def _batch(self, run: list[memoryview], segments: Any) -> int:
        if self.fails:
            raise OSError(self.fails.pop(0), "refused")
        self.calls.append(len(run))
        return self.near.sendmsg(run, segments)

    def put(self, *datagrams: bytes) -> list[bytes]:
        self.egress.waiting += [memoryview(datagram) for datagram in datagrams]
        return list(datagrams)

    def arrived(self) -> list[bytes]:
        found = []
        while True:
            try:
                found.append(self.far.recv(1 << 16))
            except BlockingIOError:
                return found

    def close(self) -> None:
        self.near.close()
        self.far.close()


@pytest.fixture
def line() -> Iterator[Line]:
    line = Line()
    yield line
    line.close()


def picture(*sizes: int) -> list[bytes]:
    """Return packets of these sizes, no two of which are alike."""
    return [os.urandom(size) for size in sizes]


class TestRuns:
    @given(SIZES)
    def test_bring_every_packet_once_and_in_order(self, sizes: list[int]) -> None:
        assert [number for start, end in runs(sizes) for number in range(start, end)] == list(range(len(sizes)))

    @given(SIZES)
    def test_are_of_one_size_but_for_a_shorter_last_one(self, sizes: list[int]) -> None:
        for start, end in runs(sizes):
            assert set(sizes[start : end - 1]) <= {sizes[start]} and sizes[end - 1] <= sizes[start]
            assert end - start <= MOST and sum(sizes[start:end]) <= MOST_BYTES

    @given(SIZES)
    def test_end_only_where_the_next_packet_does_not_fit(self, sizes: list[int]) -> None:
        bounds = list(runs(sizes))
        for (start, end), _ in pairwise(bounds):
            ended = sizes[end - 1] < sizes[start] or sizes[end] > sizes[start]
            full = end - start == MOST or (end - start + 1) * sizes[start] > MOST_BYTES
            assert ended or full

    def test_of_chromiums_fragments_are_two(self) -> None:
        assert list(runs([1049] * 4 + [1050] * 3)) == [(0, 4), (4, 7)]

    def test_of_a_picture_with_sound_behind_it_is_one(self) -> None:
        assert list(runs([1100, 1100, 1100, 120, 1100])) == [(0, 4), (4, 5)]


class TestPacketsOfOneDestination:
    def test_arrive_as_the_same_datagrams_in_the_same_order(self, line: Line) -> None:
        sent = line.put(*picture(*[1049] * 4, *[1050] * 3, 120, 1050, 300, 300, 1900, 12))
        assert line.egress.flush() == (len(sent), sum(map(len, sent)))
        assert line.arrived() == sent
        assert line.calls == [4, 4, 2, 1, 2]

    @given(sizes=SIZES)
    def test_are_the_same_whatever_their_sizes(self, sizes: list[int]) -> None:
        line = Line()
        try:
            for start in range(0, len(sizes), 50):  # what a receiver's buffer holds
                sent = line.put(*picture(*sizes[start : start + 50]))
                line.egress.flush()
                assert line.arrived() == sent
        finally:
            line.close()

    def test_leave_by_one_call(self, line: Line) -> None:
        line.far.setsockopt(17, UDP_GRO, 1)
        sent = line.put(*picture(*[1100] * 5, 700))
        line.egress.flush()
        assert line.calls == [6]
        assert line.arrived() == [b"".join(sent)], "the kernel did not get them as one"

    def test_fill_one_call_at_most(self, line: Line) -> None:
        line.far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        sent = line.put(*picture(*[100] * (MOST + 10)))
        line.egress.flush()
        assert line.calls == [MOST, 10]
        assert line.arrived() == sent

    def test_are_sent_once_only(self, line: Line) -> None:
        line.put(*picture(100, 100))
        line.egress.flush()
        assert line.egress.flush() == (0, 0)
        assert len(line.arrived()) == 2

    def test_that_are_cut_do_not_leave(self, line: Line) -> None:
        line.put(*picture(100, 100, 90))
        line.egress.cut()
        assert line.egress.flush() == (0, 0)
        assert line.arrived() == []


class TestARefusal:
    @pytest.mark.parametrize("error", [errno.EIO, errno.EINVAL, errno.EMSGSIZE])
    def test_by_kernel_or_device_loses_nothing_and_is_remembered(self, line: Line, error: int) -> None:
        line.fails.append(error)
        sent = line.put(*picture(1100, 1100, 1100, 200, 200))
        assert line.egress.flush() == (5, 3700)
        sent += line.put(*picture(1100, 1100))
        line.egress.flush()
        assert line.arrived() == sent
        assert line.calls == [1] * 7

    def test_by_the_real_kernel_loses_nothing(self, line: Line) -> None:
        line.near.setsockopt(socket.SOL_SOCKET, SO_NO_CHECK, 1)  # then it does not compute checksums of segments either
        sent = line.put(*picture(1100, 1100, 1100))
        assert line.egress.flush() == (3, 3300)
        assert line.arrived() == sent
        line.put(*picture(1100, 1100))
        line.egress.flush()
        assert line.calls[-2:] == [1, 1]

    def test_for_one_destination_is_none_for_others(self, line: Line) -> None:
        other = Line()
        line.fails.append(errno.EIO)
        for each in (line, other):
            each.put(*picture(1100, 1100))
            each.egress.flush()
        assert (line.calls, other.calls) == ([1, 1], [2])
        other.close()

    def test_by_the_far_host_is_none_for_what_follows(self, line: Line) -> None:
        address = line.far.getsockname()
        line.far.close()
        line.near.send(b"to nobody")  # the ICMP error of this one is reported by the next call
        line.far = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        line.far.bind(address)
        line.far.setblocking(False)
        sent = line.put(*picture(1100, 1100, 1100))
        assert line.egress.flush() == (3, 3300)
        assert line.arrived() == sent
        line.put(*picture(1100, 1100))
        line.egress.flush()
        assert line.calls[-1] == 2

    def test_as_the_buffer_is_full_drops_a_run_and_is_not_remembered(self, line: Line) -> None:
        line.fails.append(errno.EAGAIN)
        line.put(*picture(1100, 1100, 200, 900, 900, 900))
        assert line.egress.flush() == (3, 2700)
        assert [len(data) for data in line.arrived()] == [900] * 3
        assert line.calls == [3]


class TestAKernelWithoutSegments:
    def test_is_recognised(self, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
        assert joins(line.near)
        monkeypatch.setattr(egress_module, "_UDP_SEGMENT", 10_000)
        assert not joins(line.near)
        assert ConnectedPort(line.near, line.far.getsockname()).route.batch is None

    def test_sends_one_by_one(self, line: Line) -> None:
        line.egress = Egress(Route(line.near.send, line.far.getsockname(), True))
        sent = line.put(*picture(1100, 1100, 100))
        assert line.egress.flush() == (3, 2300)
        assert line.arrived() == sent


def test_the_size_of_a_segment_is_given_in_the_kernels_form() -> None:
    assert egress_module._segments(1100) == [(17, 103, struct.pack("H", 1100))]
