"""What is said of a sender follows from when its packets arrived; the recording itself is by the kernel's stamps."""

import asyncio
import socket
import time

import pytest

from broker.media.rtp import RTP_HEADER
from tests.bench.arrivals import Arrival, Recorder, compared, pattern
from tests.bench.senders import SENDERS, ffmpeg, table
from tests.support.patience import PATIENCE


def picture(begin: float, sizes: list[int], gap: float, timestamp: int, ssrc: int = 1) -> list[Arrival]:
    """Return the packets of one picture."""
    return [Arrival(begin + number * gap, size, 102, timestamp, ssrc) for number, size in enumerate(sizes)]


def stream(sizes: list[int], gap: float, count: int = 41) -> list[Arrival]:
    """Return so many equal pictures, thirty a second; the last one does not count."""
    return [one for number in range(count) for one in picture(number / 30, sizes, gap, number * 3000)]


class TestAPattern:
    def test_has_packets_spans_and_gaps_of_a_picture(self) -> None:
        found = pattern(stream([1000, 1000, 1000, 700], 0.0001))
        assert (found.pictures, found.packets) == (40, (4.0, 4.0))
        assert found.span == pytest.approx((0.3, 0.3))
        assert found.gap == pytest.approx((0.1, 0.1))

    def test_says_of_the_rare_picture_how_large_it_is(self) -> None:
        large = [
            one
            for number in range(100)
            for one in picture(number, [100] * (1 + 19 * (number % 10 == 0)), 0.001, number)
        ]
        found = pattern(large)
        assert found.packets == (1.0, 20.0)

    @pytest.mark.parametrize(
        ("sizes", "kind", "together"),
        [
            ([1000] * 4, "equal", 1.0),
            ([1000] * 3 + [1001] * 2, "a byte apart", 1.0),
            ([1000, 1000, 1001], "a byte apart", 2 / 3),
            ([1000] * 3 + [10], "equal, the last shorter", 1.0),
            ([1000, 900, 1000, 950], "others", 1.0),
            ([500, 900, 1000], "others", 0.0),
        ],
    )
    def test_compares_the_sizes_and_says_how_many_leave_together(
        self, sizes: list[int], kind: str, together: float
    ) -> None:
        found = pattern(stream(sizes, 0.0001))
        assert compared(sizes) == kind
        assert found.sizes == {kind: 1.0}
        assert found.together == pytest.approx(together)

    def test_is_of_the_stream_with_most_bytes_after_it_has_settled(self) -> None:
        sound = [Arrival(number / 50, 120, 111, number, 2) for number in range(300)]
        first = [one for number in range(60) for one in picture(number / 30, [10, 20], 0.01, number)]
        later = [one for number in range(60, 120) for one in picture(number / 30, [900] * 3, 0.0, number)]
        found = pattern(sorted([*sound, *first, *later], key=lambda one: one.at), settled=2.0)
        assert found.packets == (3.0, 3.0)

    def test_of_nothing_is_an_error(self) -> None:
        with pytest.raises(ValueError, match="no picture"):
            pattern([])


async def test_a_recorder_takes_the_moments_of_the_kernel_and_passes_all_on() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        server.bind(("127.0.0.1", 0))
        server.settimeout(PATIENCE)
        recorder = Recorder(server.getsockname())
        packets = [RTP_HEADER.pack(0x80, 102, number, 9, 7) + bytes(1 + number) for number in range(3)]
        began = time.time()
        for packet in (*packets, b"\x80\xc8 a report"):
            sender.sendto(packet, ("127.0.0.1", recorder.port))
        sent = time.time()
        time.sleep(0.2)  # the recorder reads late
        recorder._take()
        assert [server.recv(100) for _ in range(4)] == [*packets, b"\x80\xc8 a report"]
        assert [one.size for one in recorder.arrivals] == [13, 14, 15]
        assert {(one.timestamp, one.ssrc, one.payload_type) for one in recorder.arrivals} == {(9, 7, 102)}
        assert all(began - 0.01 < one.at < sent + 0.1 for one in recorder.arrivals)
        recorder.close()


async def test_a_real_sender_is_recorded() -> None:
    """It is FFmpeg, which needs nothing beside itself; how it spreads its packets is its own affair."""
    async with ffmpeg() as recorder:
        async with asyncio.timeout(PATIENCE):
            while len(recorder.arrivals) < 100:
                await asyncio.sleep(0.05)
        found = pattern(recorder.arrivals)
    assert found.pictures > 2 and found.packets[1] > 2
    assert found.together > 0.5
    assert "FFmpeg" in SENDERS and table({"FFmpeg": found}).row_count == 1
