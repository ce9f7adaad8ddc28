"""One negotiated connection between a client and the process that answers: what a client may not do with it."""

import asyncio
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from signaling.tls.certificate import load
from signaling.tls.pump import FREE, PRICE, Pump
from tests.support.patience import PATIENCE
from tests.support.signaling.tls import HOST, trusting, write_pair


@dataclass
class Ends:
    """A client, the pump, and the inner end that ingress or control has."""

    client: socket.socket
    inner: socket.socket
    tls: ssl.SSLObject
    written: ssl.MemoryBIO
    lost: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    pump: Pump | None = None

    def say(self, data):
        """Encrypt one record; return its bytes."""
        self.tls.write(data)
        return self.written.read()

    async def send(self, data):
        await asyncio.get_running_loop().sock_sendall(self.client, data)

    async def heard(self, size):
        """Return the next bytes at the inner end."""
        loop, data = asyncio.get_running_loop(), b""
        async with asyncio.timeout(PATIENCE):
            while len(data) < size and (more := await loop.sock_recv(self.inner, size - len(data))):
                data += more
        return data


def negotiated(folder):
    """Make a handshake in memory; return the server's and the client's object, each with its two buffers."""
    files = write_pair(folder)
    server, client = (ssl.MemoryBIO(), ssl.MemoryBIO()), (ssl.MemoryBIO(), ssl.MemoryBIO())
    ours = load(*files).context.wrap_bio(*server, server_side=True)
    theirs = trusting(files[0]).wrap_bio(*client, server_hostname=HOST)
    for each in (theirs, ours, theirs, ours):
        with suppress(ssl.SSLWantReadError):
            each.do_handshake()
        server[0].write(client[1].read())
        client[0].write(server[1].read())
    return (ours, *server), (theirs, *client)


@pytest.fixture
async def ends(tmp_path):
    server, (tls, _, written) = negotiated(tmp_path)
    (client, outer), (ours, inner) = socket.socketpair(), socket.socketpair()
    for each in (client, outer, ours, inner):
        each.setblocking(False)
    found = Ends(client, inner, tls, written)
    found.pump = Pump(*server, on_ended=found.ended.set, on_lost=found.lost.set)
    found.open = lambda: found.pump.open(outer, ours)
    yield found
    found.pump.abort()
    client.close()
    inner.close()


class TestClients:
    async def test_may_say_little_in_many_records(self, ends):
        await ends.open()
        message = b"pongs."
        await ends.send(b"".join(ends.say(message) for _ in range(500)))
        assert await ends.heard(3000) == message * 500

    async def test_may_say_much_in_one_record(self, ends):
        await ends.open()
        await ends.send(ends.say(b"x" * 16_384))
        assert await ends.heard(16_384) == b"x" * 16_384

    async def test_are_given_up_where_their_records_say_nothing(self, ends):
        """Each costs the loop that all connections share a tenth of a millisecond, as a change of keys does."""
        await ends.open()
        await ends.send(b"".join(ends.say(b"a") for _ in range(FREE // (PRICE - 1) + 1)))
        await asyncio.wait_for(ends.lost.wait(), PATIENCE)

    async def test_that_have_announced_the_end_fill_no_memory(self, ends):
        await ends.open()
        with pytest.raises(ssl.SSLError):  # it would wait for the other side to say the same
            ends.tls.unwrap()
        await ends.send(ends.written.read())
        assert await ends.heard(1) == b""
        await ends.send(b"\x17\x03\x03\x40\x00" + b"x" * 5_000_000)
        assert ends.pump._incoming.pending < 5_000


class TestAnswers:
    async def test_that_come_before_the_clients_end_is_there_reach_it(self, ends):
        """Ingress refuses some connections in the moment in which it gets them."""
        ends.pump.answered(b"HTTP/1.1 429 Too Many Requests\r\n\r\n")
        ends.inner.close()
        await ends.open()
        await asyncio.wait_for(ends.ended.wait(), PATIENCE)
        loop, data = asyncio.get_running_loop(), b""
        async with asyncio.timeout(PATIENCE):
            while more := await loop.sock_recv(ends.client, 4096):
                data += more
        assert len(data) > 40 and data[0] == 0x17
