"""Control's end of the handover: connections that are idle or not read end by themselves, and ingress hears of it."""

import asyncio
import os
import socket
import stat

import pytest

from signaling.ingress.handover import MAX_MESSAGE, HandedOver, PacketSocket
from signaling.server import handed_over
from tests.support.patience import PATIENCE
from tests.support.signaling.ingress import request, running_entrance

DOCUMENT = "/api/v1/openapi.json"
UPGRADE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol: huijian.v1",
)


@pytest.fixture
async def entrance(tmp_path, clock, made):
    """A front door for this test alone."""
    async with running_entrance(tmp_path, clock, made) as running:
        yield running


async def known_line(entrance, **options):
    """Return a connection that control serves, after its first answer."""
    line = await entrance.connect(**options)
    line.send(request("GET", "/api/v1/me", token=entrance.tokens["admin"]))
    assert (await line.answer()).status == 200
    return line


class TestTimeouts:
    async def test_an_idle_connection_is_closed(self, tmp_path, clock, made, monkeypatch):
        monkeypatch.setattr(handed_over, "IDLE_SECONDS", 0.3)
        async with running_entrance(tmp_path, clock, made) as entrance:
            line = await known_line(entrance)
            assert await line.ended() == b""
            await entrance.until(lambda: entrance.door.dispatch._admission.open == 0)

    async def test_half_of_a_next_head_does_not_keep_it_open(self, tmp_path, clock, made, monkeypatch):
        monkeypatch.setattr(handed_over, "IDLE_SECONDS", 0.3)
        async with running_entrance(tmp_path, clock, made) as entrance:
            line = await known_line(entrance)
            line.send(b"GET /api/v1/me HTTP/1.1\r\n")
            assert await line.ended() == b""

    async def test_answers_that_are_not_read_are_given_up(self, tmp_path, clock, made, monkeypatch):
        monkeypatch.setattr(handed_over, "UNREAD_SECONDS", 1.0)
        async with running_entrance(tmp_path, clock, made) as entrance:
            line = await known_line(entrance, buffer=4096)
            line.writer.transport.pause_reading()
            line.send(request("GET", DOCUMENT, token=entrance.tokens["admin"]) * 30)
            await entrance.until(lambda: len(entrance.handed_over) == 0)

    async def test_one_that_reads_slowly_gets_all_of_them(self, tmp_path, clock, made, monkeypatch):
        monkeypatch.setattr(handed_over, "UNREAD_SECONDS", 1.0)
        async with running_entrance(tmp_path, clock, made) as entrance:
            line = await known_line(entrance, buffer=64 * 1024)
            line.send(request("GET", DOCUMENT, token=entrance.tokens["admin"]) * 10)
            for _ in range(10):
                await asyncio.sleep(0.2)  # two seconds in all, twice the patience
                assert len((await line.answer()).body) > 100_000

    async def test_a_socket_stays_without_requests(self, tmp_path, clock, made, monkeypatch):
        monkeypatch.setattr(handed_over, "IDLE_SECONDS", 0.2)
        async with running_entrance(tmp_path, clock, made) as entrance:
            line = await entrance.connect()
            upgrade = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13")
            offered = ("Sec-WebSocket-Protocol: huijian.v1", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
            line.send(request("GET", "/api/v1/ws", *upgrade, *offered, token=entrance.tokens["p1"]))
            assert (await line.answer()).status == 101
            await asyncio.sleep(0.8)
            assert len(entrance.handed_over) == 1


class TestSendersThatSayNothingMore:
    @pytest.mark.parametrize("caller", ["admin", None], ids=["signed in", "stranger"])
    async def test_they_get_their_answer_and_the_connection_ends(self, entrance, caller):
        line = await entrance.connect()
        line.send(request("GET", "/api/v1/me", token=caller and entrance.tokens[caller]))
        line.writer.write_eof()
        assert (await line.answer()).status == (200 if caller else 401)
        assert await line.ended() == b""

    async def test_on_an_idle_connection_they_are_gone(self, entrance):
        line = await known_line(entrance)
        line.writer.write_eof()
        assert await line.ended() == b""
        await entrance.until(lambda: len(entrance.handed_over) == 0)

    async def test_in_the_middle_of_a_body_they_are_gone(self, entrance):
        line = await entrance.connect()
        line.send(request("POST", "/api/v1/slots", "Content-Length: 100", token=entrance.tokens["admin"]) + b"{")
        await entrance.until(lambda: len(entrance.handed_over) == 1)
        line.writer.write_eof()
        await line.ended()
        await entrance.until(lambda: len(entrance.handed_over) == 0)

    async def test_on_a_websocket_they_are_gone(self, entrance):
        line = await entrance.connect()
        line.send(request("GET", "/api/v1/ws", *UPGRADE, token=entrance.tokens["p1"]))
        assert (await line.answer()).status == 101
        line.writer.write_eof()
        await line.ended()
        await entrance.until(lambda: len(entrance.handed_over) == 0)


class TestRefusals:
    async def test_a_refused_credential_ends_the_connection(self, entrance):
        line = await known_line(entrance)
        line.send(request("GET", "/api/v1/me", token="usr_" + "x" * 43))
        answer = await line.answer()
        assert answer.status == 401 and answer.headers["connection"] == "close"
        assert await line.ended() == b""

    async def test_what_is_no_request_ends_the_connection(self, entrance):
        line = await known_line(entrance)
        line.send(b"\x16\x03\x01\x02\x00\r\n\r\n")
        assert (await line.answer()).status == 400
        assert await line.ended() == b""


class TestTheSocketBetween:
    async def test_other_users_may_not_use_it(self, entrance):
        path = entrance.settings.run_dir / "ingress.sock"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) & 0o077 == 0

    @pytest.mark.parametrize("message", [b"", b"\xc1", b"{}", b"\x80", b"x" * (MAX_MESSAGE + 10)])
    async def test_what_is_no_message_closes_it_and_leaves_no_descriptor(self, entrance, message):
        await known_line(entrance)
        before, link = len(os.listdir("/proc/self/fd")), entrance.door.link
        first = link._packets
        raw = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        raw.setblocking(False)
        raw.connect(str(entrance.settings.run_dir / "ingress.sock"))
        held, other = socket.socketpair()
        if message:
            socket.send_fds(raw, [message], [held.fileno()])
        else:
            raw.close()
        held.close()
        other.close()
        await entrance.until(lambda: link.ready and link._packets is not first)  # ingress comes again
        raw.close()
        assert (await entrance.ask("GET", "/api/v1/me", token=entrance.tokens["admin"])).status == 200
        await entrance.until(lambda: len(os.listdir("/proc/self/fd")) <= before + 3)

    async def test_a_message_waits_until_the_other_side_reads(self):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        got, connection = [], socket.socketpair()
        sender = PacketSocket(ours, lambda *_: None, lambda: None)
        message = HandedOver("1", "user:li", b"x" * 60_000, False)
        sender.send(message, connection[0])
        for _ in range(20):
            sender.send(message)
        assert sender.unsent > 0
        receiver = PacketSocket(theirs, lambda *each: got.append(each), lambda: None)
        async with asyncio.timeout(PATIENCE):
            while len(got) < 21:
                await asyncio.sleep(0.01)
        assert [received == message for received, _ in got] == [True] * 21
        assert [len(descriptors) for _, descriptors in got] == [1] + [0] * 20
        assert connection[0].fileno() == -1, "the sender kept its copy"
        os.write(got[0][1][0], b"hello")
        assert connection[1].recv(10) == b"hello"
        os.close(got[0][1][0])
        for end in (sender, receiver, connection[1]):
            end.close()
