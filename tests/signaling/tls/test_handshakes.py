"""Handshakes under budgets: what is never finished, too slow or no TLS ends by itself, and known senders go first."""

import asyncio
import socket
import ssl
import threading
from dataclasses import replace

import pytest

from signaling.tls import handshakes
from signaling.tls.handshakes import Handshake, HandshakeLimits, KnownAddresses
from tests.support.patience import PATIENCE
from tests.support.signaling.ingress import request, running_entrance
from tests.support.signaling.tls import running_tls

LIMITS = HandshakeLimits()


@pytest.fixture
async def entrance(tmp_path, clock, made):
    async with running_entrance(tmp_path, clock, made) as running:
        yield running


def hello():
    """Return the first message of a client."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context()
    end = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        end.do_handshake()
    return outgoing.read()


async def closed(raw):
    """Wait until the other side closes; return what it sent before."""
    loop, found = asyncio.get_running_loop(), b""
    async with asyncio.timeout(PATIENCE):
        try:
            while data := await loop.sock_recv(raw, 65536):
                found += data
        except ConnectionError:
            pass
    return found


class TestUnfinishedHandshakes:
    @pytest.mark.parametrize("part", [1, 5, 40, None], ids=["a byte", "a length", "a piece", "the first message"])
    async def test_they_end_when_their_time_is_over(self, entrance, tmp_path, part):
        async with running_tls(entrance, tmp_path, replace(LIMITS, seconds=0.3)) as tls:
            raw = await tls.plain()
            raw.send(hello()[:part])
            await closed(raw)
            assert tls.counts["refused_slow"] == 1 and len(tls.terminator.handshakes) == 0

    async def test_bytes_that_come_one_by_one_do_not_lengthen_it(self, entrance, tmp_path):
        async with running_tls(entrance, tmp_path, replace(LIMITS, seconds=0.3)) as tls:
            raw = await tls.plain()
            with pytest.raises(OSError):
                async with asyncio.timeout(PATIENCE):
                    for byte in hello():
                        raw.send(bytes([byte]))
                        await asyncio.sleep(0.05)

    async def test_where_there_are_too_many_the_largest_place_loses_its_oldest(self, entrance, tmp_path):
        async with running_tls(entrance, tmp_path, replace(LIMITS, waiting=3)) as tls:
            many = [await tls.plain(source="127.0.0.7") for _ in range(3)]
            for raw in many:
                raw.send(hello()[:1])
            await entrance.until(lambda: len(tls.terminator.handshakes) == 3)
            line = await tls.connect(source="127.0.0.8")
            assert line.writer.get_extra_info("ssl_object").version() == "TLSv1.3"
            assert tls.counts["refused_crowded_out"] == 1
            await closed(many[0])


class TestBudgets:
    async def test_a_place_that_makes_too_many_is_refused_and_others_are_not(self, entrance, tmp_path):
        async with running_tls(entrance, tmp_path, replace(LIMITS, at_once=2, per_minute=0.01)) as tls:
            for _ in range(2):
                await tls.connect(source="127.0.0.7")
            with pytest.raises((OSError, ssl.SSLError)):
                await tls.connect(source="127.0.0.7")
            await tls.connect(source="127.0.0.8")
            assert tls.counts["refused_too_often"] == 1

    async def test_the_address_of_a_known_sender_is_not_counted(self, entrance, tmp_path):
        async with running_tls(entrance, tmp_path, replace(LIMITS, at_once=1, per_minute=0.01)) as tls:
            line = await tls.connect(source="127.0.0.7")
            line.send(b"GET /api/v1/me HTTP/1.1\r\nHost: x\r\n")
            line.send(f"Authorization: Bearer {entrance.tokens['admin']}\r\n\r\n")
            assert (await line.answer()).status == 200
            await entrance.until(lambda: "127.0.0.7" in tls.terminator.handshakes.known)
            await tls.connect(source="127.0.0.7")
            assert not tls.counts["refused_too_often"]

    async def test_connections_in_all_are_bounded_and_known_senders_get_in(self, entrance, tmp_path):
        async with running_tls(entrance, tmp_path, most=1) as tls:
            await tls.connect()
            await entrance.until(lambda: len(tls.terminator) == 1)
            line = await tls.connect()
            await line.ended()
            assert tls.counts["refused_full"] == 1
            tls.terminator.handshakes.known.learn(["127.0.0.9"])
            await tls.connect(source="127.0.0.9")
            await entrance.until(lambda: len(tls.terminator) == 2)

    def test_known_addresses_are_bounded_and_the_latest_stay(self, monkeypatch):
        monkeypatch.setattr(handshakes, "ADDRESSES", 2)
        addresses = KnownAddresses()
        addresses.learn(["a", "b"])
        addresses.learn(["a", "c"])
        assert "a" in addresses and "c" in addresses and "b" not in addresses


class TestStrangersBesideOthers:
    """What strangers' handshakes cost, others do not pay."""

    async def test_orders_of_those_who_are_in_are_answered_while_all_threads_compute(
        self, entrance, tmp_path, monkeypatch
    ):
        computed, step = threading.Event(), Handshake.step
        async with running_tls(entrance, tmp_path) as tls:
            line = await tls.connect()
            await entrance.until(lambda: len(tls.terminator) == 1)
            monkeypatch.setattr(
                Handshake, "step", lambda self, context: computed.wait(PATIENCE) and step(self, context)
            )
            try:
                for _ in range(20):
                    (await tls.plain(source="127.0.0.7")).send(hello())
                await entrance.until(lambda: tls.terminator.handshakes._running == handshakes.THREADS)
                line.send(request("GET", "/api/v1/me", token=entrance.tokens["prison-sup"]))
                assert (await line.answer()).status == 200
            finally:
                computed.set()

    async def test_the_handshake_of_a_known_sender_goes_first(self, entrance, tmp_path, monkeypatch):
        order, step = [], Handshake.step

        def noted(self, context):
            order.append(self.peer)
            return step(self, context)

        monkeypatch.setattr(Handshake, "step", noted)
        async with running_tls(entrance, tmp_path) as tls:
            shakes = tls.terminator.handshakes
            shakes.known.learn(["127.0.0.9"])
            shakes._running = handshakes.THREADS  # all are busy
            for source in ("127.0.0.7", "127.0.0.7", "127.0.0.8", "127.0.0.9"):
                (await tls.plain(source=source)).send(hello())
            await entrance.until(lambda: len(shakes._others) == 3 and len(shakes._first) == 1)
            shakes._running = handshakes.THREADS - 1
            shakes._begin()
            await entrance.until(lambda: len(order) == 4)
            assert order[0] == "127.0.0.9"
            assert order[1:3] in (["127.0.0.7", "127.0.0.8"], ["127.0.0.8", "127.0.0.7"])  # in turns


class TestWhatIsNoHandshake:
    async def test_plain_http_is_told_to_use_tls(self, entrance, tmp_path):
        async with running_tls(entrance, tmp_path) as tls:
            raw = await tls.plain()
            raw.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = await closed(raw)
            assert answer.startswith(b"HTTP/1.1 400 ") and b"tls_required" in answer
            assert tls.counts["refused_plain"] == 1

    @pytest.mark.parametrize("data", [b"\x00" * 64, b"\x16\x02\x01\x00\x05hello", b"\x80\x2e\x01\x00\x02"])
    async def test_anything_else_is_closed_without_a_word(self, entrance, tmp_path, data):
        async with running_tls(entrance, tmp_path) as tls:
            raw = await tls.plain()
            raw.send(data)
            assert await closed(raw) == b""
            assert tls.counts["refused_malformed"] == 1

    async def test_a_handshake_that_fails_gets_its_alert(self, entrance, tmp_path):
        async with running_tls(entrance, tmp_path) as tls:
            raw = await tls.plain()
            raw.send(b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00")
            assert (await closed(raw))[:1] == b"\x15"  # an alert (RFC 8446, 5.1)
            assert tls.counts["refused_failed"] == 1

    async def test_a_message_without_an_end_is_closed(self, entrance, tmp_path):
        async with running_tls(entrance, tmp_path) as tls:
            raw = await tls.plain()
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**20)
            loop = asyncio.get_running_loop()
            try:
                record = b"\x16\x03\x01\x40\x00\x01\x00\xff\xff" + b"\x00" * (0x4000 - 4)
                async with asyncio.timeout(PATIENCE):
                    await loop.sock_sendall(raw, record + b"\x16\x03\x01\x40\x00" + b"\x00" * 200_000)
            except ConnectionError:
                pass  # closed while it was sending
            await closed(raw)
            assert tls.counts["refused_malformed"] + tls.counts["refused_failed"] == 1
