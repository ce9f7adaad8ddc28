"""Silent, slow and malformed connections: a fixed number of them waits, and a new one always gets its turn."""

import asyncio
import socket
import struct
from contextlib import contextmanager

import pytest

from signaling.ingress.admission import Limits
from tests.support.signaling.ingress import request, running_entrance

QUICK = Limits(first_byte_seconds=0.3, head_seconds=0.8, body_seconds=0.8)
FEW = Limits(waiting=20)


@pytest.fixture
async def quick(tmp_path, clock, made):
    """A front door that loses its patience within a second."""
    async with running_entrance(tmp_path, clock, made, QUICK) as running:
        yield running


@pytest.fixture
async def few(tmp_path, clock, made):
    """A front door at which twenty connections wait at most; 127.0.0.9 is no proxy."""
    async with running_entrance(tmp_path, clock, made, FEW, trusted_proxies=("127.0.0.1",)) as running:
        yield running


async def beginning(entrance, source=None):
    """Open a connection and say one byte: what says nothing stays with the system for a while."""
    line = await entrance.connect(source=source)
    line.send(b"G")
    return line


class TestTime:
    async def test_a_silent_connection_is_closed_without_a_word(self, quick):
        line = await quick.connect()
        assert await line.ended() == b""
        assert quick.counts["refused_silent"] == 1

    async def test_half_a_head_is_answered_with_408(self, quick):
        line = await quick.connect()
        line.send(b"GET /api/v1/me HTTP/1.1\r\nHost: a\r\n")
        assert (await line.answer()).status == 408
        assert await line.ended() == b""

    async def test_one_byte_after_the_other_gains_no_time(self, quick):
        line = await quick.connect()

        async def drip():
            for byte in request("GET", "/monitor", "X: " + "y" * 500):
                line.send(bytes([byte]))
                await asyncio.sleep(0.05)

        dripping = asyncio.create_task(drip())
        try:
            assert (await line.answer()).status == 408
        finally:
            dripping.cancel()

    async def test_a_head_in_very_many_pieces_is_given_up(self, tmp_path, clock, made):
        async with running_entrance(tmp_path, clock, made, Limits(reads=5)) as entrance:
            line = await entrance.connect()
            for byte in b"GET /":
                line.send(bytes([byte]))
                await asyncio.sleep(0.01)
            assert (await line.answer()).status == 408

    async def test_the_body_of_a_sign_in_has_to_come_in_time(self, quick):
        line = await quick.connect()
        line.send(request("POST", "/api/v1/sign-in", "Content-Length: 100") + b"{")
        assert (await line.answer()).status == 408

    async def test_a_line_that_is_closed_in_the_middle_leaves_nothing(self, quick):
        for data in (b"", b"GET /", request("POST", "/api/v1/sign-in", "Content-Length: 100") + b"{"):
            line = await quick.connect()
            line.send(data)
            await quick.until(lambda: len(quick.door.dispatch.reader) == 1)
            line.close()
            await quick.until(lambda: len(quick.door.dispatch.reader) == 0)


class TestWhatIsNoRequest:
    @pytest.mark.parametrize(
        ("data", "status"),
        [
            (b"\x16\x03\x01\x02\x00", 400),
            (b"GET / HTTP/1.1\n\n", 400),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\nA: b\r\n" + b"X" * 20_000, 431),
            (request("POST", "/api/v1/sign-in", "Content-Length: 5", "Transfer-Encoding: chunked"), 400),
        ],
    )
    async def test_it_is_answered_with_a_problem_and_no_line_in_the_log(self, quick, data, status, capsys):
        line = await quick.connect()
        line.send(data)
        answer = await line.answer()
        assert answer.status == status and answer.headers["content-type"] == "application/problem+json"
        assert await line.ended() == b""
        captured = capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err


class TestTheUnforeseen:
    async def test_it_ends_one_connection_and_fills_no_log(self, quick, capsys):
        def broken(connection):
            raise RuntimeError("password of 刘某甲")

        quick.door.dispatch.reader._on_request = broken
        for _ in range(30):
            line = await quick.connect()
            line.send(request("GET", "/healthz"))
            assert await line.ended() == b""
        assert quick.counts["refused_incident"] == 30
        captured = capsys.readouterr()
        logged = captured.out + captured.err
        assert 1 <= logged.count("RuntimeError") <= 5 and "刘某甲" not in logged


class TestThoseWhoAreGone:
    async def test_what_was_reset_before_it_had_its_turn_costs_no_answer(self, quick):
        with crowd(quick.port, 300, request("POST", "/whip/x", "Content-Length: 0")):
            pass
        await quick.until(lambda: quick.counts["refused_gone"] == 300)
        assert quick.counts["served"] == 0 and (await quick.ask("GET", "/healthz")).status == 200

    async def test_what_was_reset_without_a_word_never_gets_here(self, quick):
        with crowd(quick.port, 300, b""):
            pass
        assert (await quick.ask("GET", "/healthz")).status == 200
        assert quick.counts["accepted"] == 1

    async def test_a_request_that_waits_in_the_queue_is_dropped_when_its_sender_resets(self, quick):
        strangers = quick.door.dispatch._strangers
        strangers.pages.at_once = 0
        with crowd(quick.port, 5, request("GET", "/healthz")):
            await quick.until(lambda: strangers.queued == 5)
        strangers.pages.at_once = 1
        assert (await quick.ask("GET", "/healthz")).status == 200
        assert quick.counts["refused_gone"] == 5


@contextmanager
def crowd(port, number, data):
    """Open connections that send `data`; they are reset at the end. The loop does not turn meanwhile."""
    opened = []
    for _ in range(number):
        line = socket.create_connection(("127.0.0.1", port), source_address=("127.0.0.9", 0))
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        line.sendall(data)
        opened.append(line)
    yield
    for line in opened:
        line.close()


class TestCrowds:
    async def test_a_crowd_of_silent_connections_does_not_keep_a_new_one_out(self, few):
        crowd = [await beginning(few, source="127.0.0.9") for _ in range(200)]
        assert (await few.ask("GET", "/api/v1/me", token=few.tokens["p1"])).status == 200
        assert (await few.ask("GET", "/healthz")).status == 200
        assert len(few.door.dispatch.reader) <= 20
        assert few.counts["refused_crowded_out"] >= 180
        assert await crowd[0].ended() == b""

    async def test_those_of_the_crowded_place_go_and_another_place_stays(self, few):
        waiting = await few.connect(source="127.0.0.10")
        waiting.send(b"GET /api/v1/me HTTP/1.1\r\n")
        for _ in range(100):
            await beginning(few, source="127.0.0.9")
        waiting.send(request("GET", "/", token=few.tokens["p1"]).partition(b"\r\n")[2])
        assert (await waiting.answer()).status == 200

    async def test_a_crowd_from_the_same_proxy_does_not_keep_a_new_one_out(self, few):
        for _ in range(100):
            await beginning(few)  # from a trusted proxy: each may be another client
        assert (await few.ask("GET", "/api/v1/me", token=few.tokens["p1"])).status == 200

    async def test_thousands_one_after_the_other_leave_nothing_behind(self, few):
        for _ in range(40):
            lines = [await beginning(few, source="127.0.0.9") for _ in range(50)]
            for line in lines:
                line.close()
        few.lines.clear()
        await few.until(lambda: len(few.door.dispatch.reader) == 0)
        assert few.counts["accepted"] + few.counts["refused_too_often"] >= 1000
        assert (await few.ask("GET", "/healthz")).status == 200

    async def test_a_flood_of_refusals_is_one_line_a_minute(self, few, capsys):
        for _ in range(50):
            line = await few.connect()
            line.send(b"\x00")
            await line.ended()
        few.door.counters.log_line(1000.0, dict)
        few.door.counters.log_line(1001.0, dict)
        captured = capsys.readouterr()
        assert (captured.out + captured.err).count("\n") <= 2
