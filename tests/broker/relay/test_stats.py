"""The statistics that a worker reports about itself."""

import math
import socket
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.relay.stats import BOUNDS, EVERY, Histogram, Latency, cpu_seconds, memory_bytes
from tests.support.relay.visits import visit
from tests.support.relay_front import RelayFront


def pair() -> tuple[socket.socket, socket.socket]:
    """Return a socket on loopback, and another that sends to it."""
    here = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    here.bind(("127.0.0.1", 0))
    there = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    there.connect(here.getsockname())
    return here, there


class TestTheHistogram:
    @given(st.lists(st.floats(0, 5)))
    def test_counts_each_duration_in_the_first_bucket_whose_bound_is_not_exceeded(self, durations: list[float]) -> None:
        histogram = Histogram()
        for duration in durations:
            histogram.add(duration)
        assert sum(histogram.counts) == len(durations)
        assert math.isclose(histogram.seconds, sum(durations), abs_tol=1e-9)
        for index, bound in enumerate(BOUNDS):
            assert sum(histogram.counts[: index + 1]) == sum(duration <= bound for duration in durations)

    def test_as_json_has_bounds_and_counts(self) -> None:
        report = Histogram().report()
        assert list(report.bounds) == sorted(report.bounds) and len(report.counts) == len(report.bounds) + 1


class TestLatency:
    def test_counts_the_wait_in_the_sockets_buffer(self) -> None:
        here, there = pair()
        with here, there:
            latency = Latency()
            latency.begin(1, here)
            latency.end()  # the kernel begins to stamp
            there.send(b"quick")
            here.recv(10)
            latency.begin(100, here)
            latency.end()
            quick = latency.histogram.seconds
            there.send(b"slow")
            _spend(0.06)
            here.recv(10)
            latency.begin(200, here)
            latency.end()
            slow = latency.histogram.seconds - quick
        assert 0 < quick < 0.06 <= slow < 1
        assert sum(latency.histogram.counts) == 2

    def test_samples_one_packet_in_every_so_many(self) -> None:
        here, there = pair()
        with here, there:
            latency = Latency()
            latency.begin(7, here)
            latency.end()
            assert latency.due == 7 + EVERY

    def test_samples_are_kept_until_they_are_taken(self) -> None:
        here, there = pair()
        with here, there:
            latency = Latency()
            for received in (1, 2, 3):
                there.send(b"packet")
                here.recv(10)
                latency.begin(received, here)
                latency.end()
            waits = latency.take_waits()
            assert len(waits) == sum(latency.histogram.counts) >= 2
            assert sum(waits) == pytest.approx(latency.histogram.seconds)
            assert latency.take_waits() == []

    def test_sampling_ends_on_a_socket_without_stamps(self) -> None:
        here, there = socket.socketpair()  # unix sockets have no stamps
        with here, there:
            latency = Latency()
            latency.begin(1, here)
            latency.end()
            assert latency.due == math.inf and sum(latency.histogram.counts) == 0


class TestAWorker:
    @pytest.mark.asyncio(loop_scope="module")
    async def test_reports_how_long_packets_stayed_in_it(self, front: RelayFront) -> None:
        async with visit(front) as both:
            await front.lease("s")
            await both.kiosks["prison"].until(lambda: len(both.kiosks["prison"].rtp) > 150)
            status = await front.status()
        assert status["sending"] == 2
        assert 2 <= sum(status["latency"]["counts"]) <= status["received"] / EVERY + 2
        assert status["cpu_seconds"] > 0 and status["memory_bytes"] > 10_000_000


class TestTheProcess:
    def test_its_cpu_seconds_and_memory_are_measured(self) -> None:
        before = cpu_seconds()
        _work(0.05)
        assert cpu_seconds() >= before + 0.03
        assert 10_000_000 < memory_bytes() < 4_000_000_000


def _spend(seconds: float) -> None:
    """Wait busily for so many seconds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


def _work(seconds: float) -> None:
    """Use so many seconds of a processor, also on a busy machine."""
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass
