"""When the hot loop reads which sockets: at once, clients before strangers, and not while nothing arrives."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterable

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from broker.kernel.clock import monotonic
from broker.relay.transport import poller as poller_module
from broker.relay.transport.connected import ConnectedPorts, SharedPort
from broker.relay.transport.poller import (
    BUSY,
    LONGEST,
    MEMORY,
    QUIET,
    SHORTEST,
    SLICE,
    BusyTime,
    Moderation,
    Poller,
    TimeShare,
)
from broker.relay.transport.route import Port, PortSource, Route, Source
from tests.broker.relay.transport.test_demux import check
from tests.support.patience import PATIENCE

CHECK = check("abcd1234:x", "p" * 32)


class Reader:
    """What the poller uses of the hot loop; `looks` has for each read the addresses of its datagrams."""

    def __init__(self) -> None:
        self.looks: list[list[object]] = []
        self.came = asyncio.Semaphore(0)
        self.breaks = False
        self.flushed = 0
        self.takes = 0.0
        self.now = 1000.0

    def read(self, sources: Iterable[Source], most: int = 1) -> int:
        view = memoryview(bytearray(2000))
        found: list[object] = []
        for source in (source for source in sources for _ in range(most)):
            try:
                source.receive(view)
            except BlockingIOError:
                continue
            found.append(source.address)
            self.now += self.takes
            if self.breaks:
                self.breaks = False
                raise ValueError
        self.looks.append(found)
        for _ in found:
            self.came.release()
        return len(found)

    def flush(self) -> None:
        self.flushed = len(self.looks)

    def drain(self, port: Port, most: int = 64) -> int:
        return self.read([PortSource(port)], most)


class Line:
    """A worker's port, a client that has a socket of its own there, and a stranger."""

    def __init__(self) -> None:
        self.shared = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.shared.bind(("127.0.0.1", 0))
        self.shared.setblocking(False)
        self.reader = Reader()
        self.port = SharedPort(self.shared)
        self.connected = ConnectedPorts([self.port])
        self.client, self.stranger = self._sender(), self._sender()
        self.connected.own(Route(self.port.sendto, self.client.getsockname()))
        self.busy = BusyTime()
        self.poller = Poller(self.reader, self.connected, self.busy)  # type: ignore[arg-type]

    def _sender(self) -> socket.socket:
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sender.bind(("127.0.0.1", 0))
        sender.connect(self.shared.getsockname())
        return sender

    @property
    def found(self) -> list[object]:
        return [address for look in self.reader.looks for address in look]

    def turn(self) -> None:
        """Let the poller read now, in place of when it would."""
        self.poller.close()
        self.poller._turn()

    async def take(self, count: int) -> None:
        async with asyncio.timeout(PATIENCE):
            for _ in range(count):
                await self.reader.came.acquire()

    async def rest(self) -> None:
        """Wait until the poller waits for the next packet."""
        async with asyncio.timeout(PATIENCE):
            while not self.poller.waits:
                await asyncio.sleep(0.001)

    def close(self) -> None:
        self.poller.close()
        self.connected.close()
        for sock in (self.shared, self.client, self.stranger):
            sock.close()


@pytest_asyncio.fixture
async def line() -> AsyncIterator[Line]:
    line = Line()
    yield line
    line.close()


@pytest.mark.asyncio
async def test_a_datagram_is_read_at_any_time(line: Line) -> None:
    for sender in (line.client, line.stranger, line.client):
        sender.send(CHECK)
        await line.take(1)
        await line.rest()
    assert len(line.found) == 3


@pytest.mark.asyncio
async def test_all_that_a_client_has_sent_is_read_in_one_turn_before_strangers(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poller_module, "monotonic", lambda: line.reader.now)
    for _ in range(20):
        line.stranger.send(CHECK)
    for _ in range(100):
        line.client.send(b"media")
    line.turn()
    client, stranger = line.client.getsockname(), line.stranger.getsockname()
    assert line.found[:100] == [client] * 100
    assert line.found[100:] == [stranger] * 20


@pytest.mark.asyncio
async def test_clients_are_read_by_turns(line: Line) -> None:
    other = line._sender()
    line.connected.own(Route(line.port.sendto, other.getsockname()))
    for _ in range(10):
        line.client.send(b"media")
    other.send(b"media")
    line.turn()
    assert other.getsockname() in line.found[:2]
    other.close()


@pytest.mark.asyncio
async def test_a_turn_ends_while_more_is_there_and_the_next_follows_at_once(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poller_module, "monotonic", lambda: line.reader.now)
    line.reader.takes = poller_module.TURN / 4
    for _ in range(60):
        line.client.send(b"media")
    line.turn()
    first = len(line.found)
    assert first < 5 + poller_module.MOST_EACH
    done: list[int] = []
    asyncio.get_running_loop().call_soon(lambda: done.append(len(line.found)))
    await line.take(60)
    assert done[0] <= 2 * first, "what is due in the loop waited for the flood"


@pytest.mark.asyncio
async def test_strangers_take_a_part_of_the_time_only(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poller_module, "monotonic", lambda: line.reader.now)
    line.reader.takes = 0.001
    began = line.reader.now
    for _ in range(150):
        line.stranger.send(CHECK)
    line.turn()
    assert len(line.found) == SLICE, "what is read at once is little"
    for _ in range(100):
        line.reader.now += 0.001
        line.client.send(b"media")
        line.turn()
    of_strangers = line.found.count(line.stranger.getsockname()) * 0.001
    assert of_strangers <= poller_module.SHARE * (line.reader.now - began) + SLICE * 0.001
    assert line.found.count(line.client.getsockname()) == 100


@pytest.mark.asyncio
async def test_what_is_no_check_does_not_arrive_from_strangers(line: Line) -> None:
    other_kind, other_cookie = b"\x01\x01" + CHECK[2:], CHECK[:4] + bytes(4) + CHECK[8:]
    for datagram in (b"", b"x", b"\x80" + bytes(40), CHECK[:-4], CHECK + bytes(4), other_kind, other_cookie, CHECK):
        line.stranger.send(datagram)
    await line.take(1)
    await line.rest()
    assert len(line.found) == 1
    assert line.port.drops == 7


@pytest.mark.asyncio
async def test_an_idle_socket_is_not_polled(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    line.client.send(b"media")
    await line.take(1)
    await line.rest()
    turns: list[int] = []
    monkeypatch.setattr(line.poller, "_turn", lambda: turns.append(1))
    await asyncio.sleep(0.05)
    assert turns == []


@pytest.mark.asyncio
async def test_reading_goes_on_after_an_error_over_a_datagram(line: Line) -> None:
    broken: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: broken.append(context["exception"]))
    line.reader.breaks = True
    line.client.send(b"first")
    line.client.send(b"second")
    await line.take(1)
    assert len(broken) == 1


@pytest.mark.asyncio
async def test_a_closed_poller_does_not_read(line: Line) -> None:
    line.client.send(b"first")
    await line.take(1)
    line.poller.close()
    looks = len(line.reader.looks)
    line.client.send(b"second")
    await asyncio.sleep(0.05)
    assert len(line.reader.looks) == looks


class TestTimeShare:
    def test_is_gained_with_time_and_spent(self) -> None:
        share = TimeShare(0.5, 0.01)
        assert share.gain(100.0)
        assert share.spend(0.005)
        assert not share.spend(0.025)
        assert not share.gain(100.02)
        assert share.gain(100.05)
        assert share.left == pytest.approx(0.005)

    def test_is_kept_up_to_its_bound(self) -> None:
        share = TimeShare(0.5, 0.01)
        share.gain(100.0)
        share.gain(5000.0)
        assert share.left == 0.01


class TestBusyTime:
    def test_is_the_time_of_turns(self) -> None:
        busy = BusyTime()
        busy.spent(10.0, 10.5, False)
        busy.spent(11.0, 11.25, False)
        assert busy.seconds == 0.75

    def test_is_also_the_time_between_turns_of_which_one_follows_at_once(self) -> None:
        busy = BusyTime()
        busy.spent(10.0, 10.5, True)
        busy.spent(10.75, 11.0, False)
        busy.spent(12.0, 12.5, False)
        assert busy.seconds == 1.5


class TestModeration:
    """How long packets wait to be taken together."""

    def load(self, share: float, seconds: float = 1.0) -> Moderation:
        """Return what is measured after `seconds` of turns that take this share of the time."""
        moderation, now = Moderation(), 1000.0
        while now < 1000.0 + seconds:
            now += 0.002
            moderation.spent(now - 0.002 * share, now)
        return moderation

    @given(st.floats(0.0, 1.0), st.floats(0.0, 1.0))
    def test_follows_the_load(self, first: float, second: float) -> None:
        less, more = sorted((first, second))
        assert self.load(less).interval <= self.load(more).interval + 1e-9

    def test_is_none_while_there_is_little_to_do(self) -> None:
        assert Moderation().interval == 0.0
        assert self.load(QUIET * 0.9).interval == 0.0
        assert self.load(QUIET * 1.1).interval >= SHORTEST

    def test_has_a_bound(self) -> None:
        assert self.load(BUSY).interval == pytest.approx(LONGEST, rel=0.01)
        assert self.load(1.0).interval == LONGEST

    def test_ends_soon_after_the_load(self) -> None:
        moderation = self.load(1.0)
        moderation.spent(1001.0 + MEMORY, 1001.0 + MEMORY + 0.0001)
        assert moderation.interval == 0.0

    def test_is_not_begun_by_one_turn(self) -> None:
        moderation = self.load(0.05)
        moderation.spent(1001.01, 1001.013)
        assert moderation.interval == 0.0

    @given(st.lists(st.tuples(st.floats(0, 10), st.floats(0, 10)), max_size=50))
    def test_is_measured_as_a_part_of_the_time_at_any_moments(self, moments: list[tuple[float, float]]) -> None:
        moderation, now = Moderation(), 0.0
        for pause, took in moments:
            moderation.spent(now + pause, now + pause + took)
            now += pause + took
            assert 0.0 <= moderation.share <= 1.0


@pytest.mark.asyncio
async def test_packets_wait_to_be_taken_together_while_there_is_much_to_do(line: Line) -> None:
    now = monotonic()
    for began, ended in ((now - 1, now - 1), (now - 1, now)):
        line.poller._moderation.spent(began, ended)
    line.client.send(b"media")
    await line.take(1)
    assert not line.poller.waits
    await line.rest()


@pytest.mark.asyncio
async def test_the_time_of_turns_is_counted(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poller_module, "monotonic", lambda: line.reader.now)
    line.reader.takes = 0.001
    for _ in range(3):
        line.client.send(b"media")
    line.turn()
    assert line.busy.seconds == pytest.approx(0.003)


@pytest.mark.asyncio
async def test_what_was_read_is_sent_at_the_end_of_the_turn(line: Line) -> None:
    for _ in range(5):
        line.client.send(b"media")
    line.turn()
    assert line.reader.flushed == len(line.reader.looks) > 1
