"""How the processes of one machine talk, over real unix sockets: client and server together."""

import asyncio
import contextlib
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from broker.ipc import framing
from broker.ipc.client import Client, Disconnected
from broker.ipc.framing import Greeting, Request
from broker.ipc.messages import Done
from broker.ipc.relay_messages import (
    RELAY,
    DropResource,
    GateChanged,
    LeaseGate,
    MediaReply,
    Publish,
    RelayFact,
    RestartIce,
    RestartReply,
    SessionAdmitted,
    ShutGate,
)
from broker.ipc.server import MAX_UNSENT, Connection, Server
from broker.kernel.errors import BadRequest, Conflict, NotFound, TooLarge, VisitError
from broker.kernel.ids import ResourceId, SessionId, Side
from tests.support.ipc import send_raw
from tests.support.patience import PATIENCE

SESSION = SessionId("s")
UP, DOWN = "up", "down"


@pytest.fixture
def path() -> Iterator[Path]:
    """Return the path of a socket. tmp_path is often longer than the 107 bytes that a unix socket may have."""
    with tempfile.TemporaryDirectory(prefix="hj") as folder:
        yield Path(folder) / "s"


def ask(fragment: str = "a") -> RestartIce:
    """Return the command that the server of these tests answers with its own fragment."""
    return RestartIce(session=SESSION, resource=ResourceId("r"), fragment=fragment)


async def echo(command: RestartIce) -> RestartReply:
    return RestartReply(fragment=command.fragment)


async def refuse(command: ShutGate) -> Done:
    raise Conflict("It is on hold.", "已中止。", state="held")


async def fail(command: DropResource) -> Done:
    raise KeyError("a secret")


async def hang(command: Publish) -> MediaReply:
    await asyncio.Event().wait()
    raise AssertionError


HANDLERS = dict(
    (
        RestartIce.handled_by(echo),
        ShutGate.handled_by(refuse),
        DropResource.handled_by(fail),
        Publish.handled_by(hang),
    )
)
REFUSED = ShutGate(session=SESSION)
FAILING = DropResource(session=SESSION, resource=ResourceId("r"))
HANGING = Publish(session=SESSION, side=Side.PRISON, sdp="v=0")


def lease(until: float) -> LeaseGate:
    return LeaseGate(session=SESSION, until=until, deadline=2.0, limit=3.0)


def gate(mono: float, why: str = "") -> GateChanged:
    return GateChanged(session=SESSION, open=True, mono=mono, why=why)


class End:
    """A client, and what its listener has received so far."""

    def __init__(self, path: Path) -> None:
        self.seen: asyncio.Queue[RelayFact | str] = asyncio.Queue()
        self.client = Client(path, RELAY)

    def connected(self) -> None:
        self.seen.put_nowait(UP)

    def received(self, fact: RelayFact) -> None:
        self.seen.put_nowait(fact)

    def disconnected(self) -> None:
        self.seen.put_nowait(DOWN)

    async def next(self) -> RelayFact | str:
        """Return the next fact or change of the connection."""
        return await asyncio.wait_for(self.seen.get(), PATIENCE)


@contextlib.asynccontextmanager
async def serving(path: Path, handlers: Any = HANDLERS, **kw: Any) -> AsyncIterator[Server[RelayFact]]:
    """Run a server at the path."""
    server = Server(path, RELAY, handlers, **kw)
    await server.start()
    try:
        yield server
    finally:
        await server.close()


@contextlib.asynccontextmanager
async def connected(path: Path, end: End | None = None) -> AsyncIterator[End]:
    """Run a client of the path, which may be up or not."""
    end = end or End(path)
    task = asyncio.create_task(end.client.run(end))
    try:
        yield end
        assert not task.done(), "a client runs until it is cancelled"
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@contextlib.asynccontextmanager
async def raw(path: Path, greeting: Struct | None = None) -> AsyncIterator[tuple[asyncio.StreamReader, Any]]:
    """A client of bare bytes, which has read the server's greeting and sent its own."""
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        await reader.readline()
        writer.write(framing.encode(greeting or framing.greeting("control")))  # type: ignore[arg-type]
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def closed(reader: asyncio.StreamReader) -> bool:
    """Whether the other end hangs up soon."""
    with contextlib.suppress(ConnectionError):
        while await asyncio.wait_for(reader.read(65536), PATIENCE):
            continue
    return True


@pytest.fixture
async def pair(path: Path) -> AsyncIterator[tuple[Server[RelayFact], End]]:
    """Return a server and a client that is up."""
    async with serving(path) as server, connected(path) as end:
        assert await end.next() == UP
        yield server, end


Pair = tuple[Server[RelayFact], End]


class TestCommands:
    """Commands go down and are answered."""

    async def test_a_command_is_answered(self, pair: Pair) -> None:
        assert await pair[1].client.call(ask("会见")) == RestartReply(fragment="会见")

    async def test_a_typed_error_crosses(self, pair: Pair) -> None:
        with pytest.raises(Conflict) as refused:
            await pair[1].client.call(REFUSED)
        assert refused.value.detail_zh == "已中止。" and refused.value.extra == {"state": "held"}

    async def test_a_fault_is_an_error_without_details_and_the_connection_lives(self, pair: Pair) -> None:
        with pytest.raises(VisitError) as failed:
            await pair[1].client.call(FAILING)
        assert "secret" not in str(failed.value.problem())
        assert await pair[1].client.call(ask()) == RestartReply(fragment="a")

    @pytest.mark.parametrize(
        "command",
        [
            {"type": "dance"},
            {"type": "restart_ice", "session": "s"},
            {"type": "restart_ice", "session": "s", "resource": "r", "fragment": 5},
            {"type": "restart_ice", "session": "s", "resource": "r", "fragment": "a", "more": 1},
            {"type": "lease_gate", "session": "s", "until": float("nan"), "deadline": 1, "limit": 1},
            {"type": "lease_gate", "session": "s", "until": float("inf"), "deadline": 1, "limit": 1},
            {"type": "lease_gate", "session": "s", "until": 10**400, "deadline": 1, "limit": 1},
            None,
        ],
    )
    async def test_one_that_cannot_be_understood_is_refused_and_no_fault(
        self, pair: Pair, path: Path, command: object
    ) -> None:
        with pytest.raises(BadRequest):
            await send_raw(path, command)
        assert await pair[1].client.call(ask()) == RestartReply(fragment="a")

    async def test_a_slow_command_does_not_hold_up_the_next(self, pair: Pair) -> None:
        slow = asyncio.create_task(pair[1].client.call(HANGING))
        answers = await asyncio.gather(*[pair[1].client.call(ask(str(n))) for n in range(50)])
        assert [answer.fragment for answer in answers] == [str(n) for n in range(50)] and not slow.done()
        slow.cancel()

    async def test_a_reply_that_does_not_come_is_the_connections_fault(self, pair: Pair) -> None:
        with pytest.raises(Disconnected):
            await pair[1].client.call(HANGING, timeout=0.01)
        assert await pair[1].client.call(ask()) == RestartReply(fragment="a")

    async def test_a_reply_too_long_for_a_line_is_an_error_and_the_connection_lives(self, path: Path) -> None:
        async def long(command: RestartIce) -> RestartReply:
            return RestartReply(fragment=command.fragment * framing.MAX_LINE)

        async with serving(path, dict([RestartIce.handled_by(long)])), connected(path) as end:
            await end.next()
            for _ in range(2):
                with pytest.raises(VisitError) as failed:
                    await end.client.call(ask())
                assert not isinstance(failed.value, Disconnected)

    async def test_a_lease_is_posted_without_waiting_and_has_no_reply(self, path: Path) -> None:
        leased: asyncio.Queue[LeaseGate] = asyncio.Queue()

        async def keep(command: LeaseGate) -> Done:
            leased.put_nowait(command)
            raise NotFound

        handlers = {**HANDLERS, **dict([LeaseGate.handled_by(keep)])}
        async with serving(path, handlers), connected(path) as end:
            await end.next()
            end.client.post(lease(until=1.5))
            assert await asyncio.wait_for(leased.get(), PATIENCE) == lease(until=1.5)
            assert await end.client.call(ask()) == RestartReply(fragment="a")

    async def test_a_request_with_number_nought_is_not_answered(self, path: Path) -> None:
        async with serving(path), raw(path) as (reader, writer):
            for number in (0, 7):
                writer.write(framing.encode(Request(number=number, command=ask())))
            answer = framing.decode_from_server(await asyncio.wait_for(reader.readline(), PATIENCE))
            assert isinstance(answer, framing.Reply) and answer.number == 7

    async def test_without_a_connection_a_call_fails_at_once_and_a_post_does_nothing(self, path: Path) -> None:
        client = End(path).client
        client.post(lease(until=1.0))
        with pytest.raises(Disconnected):
            await client.call(ask())
        assert not client.up

    async def test_what_is_too_long_is_not_sent(self, pair: Pair) -> None:
        with pytest.raises(TooLarge):
            await pair[1].client.call(ask("x" * framing.MAX_LINE))
        assert await pair[1].client.call(ask()) == RestartReply(fragment="a")

    async def test_the_longest_line_crosses(self, path: Path) -> None:
        async def measure(command: RestartIce) -> RestartReply:
            return RestartReply(fragment=str(len(command.fragment)))

        room = framing.MAX_LINE - len(framing.encode(Request(number=1, command=ask(""))))
        async with serving(path, dict([RestartIce.handled_by(measure)])), connected(path) as end:
            await end.next()
            assert (await end.client.call(ask("y" * room))).fragment == str(room)


class TestFacts:
    """Facts come up without being asked for."""

    async def test_every_client_receives_them_in_order(self, path: Path) -> None:
        async with serving(path) as server, connected(path) as first, connected(path) as second:
            assert (await first.next(), await second.next()) == (UP, UP)
            await asyncio.gather(first.client.call(ask()), second.client.call(ask()))
            for number in range(20):
                server.report(gate(number))
            for end in (first, second):
                assert [await end.next() for _ in range(20)] == [gate(number) for number in range(20)]

    async def test_a_new_client_can_be_sent_what_happened_before(self, path: Path) -> None:
        def greet(connection: Connection[RelayFact]) -> None:
            connection.report(SessionAdmitted(session=SESSION))

        async with serving(path, on_connect=greet), connected(path) as end:
            assert [await end.next(), await end.next()] == [UP, SessionAdmitted(session=SESSION)]

    async def test_one_that_cannot_be_taken_breaks_the_connection_which_comes_back(self, path: Path) -> None:
        """Down and up again fails closed; a fact that is dropped in silence would not."""

        class Failing(End):
            def received(self, fact: RelayFact) -> None:
                raise KeyError(fact)

        async with serving(path) as server, connected(path, Failing(path)) as end:
            assert await end.next() == UP
            await end.client.call(ask())
            server.report(gate(1))
            assert [await end.next(), await end.next()] == [DOWN, UP]
            assert await end.client.call(ask()) == RestartReply(fragment="a")

    @pytest.mark.parametrize(
        "fact", [{"type": "eclipse"}, {"type": "gate_changed", "session": "s"}, {"type": "recorder_alive"}, 5]
    )
    async def test_one_that_the_control_process_does_not_know_breaks_the_connection(
        self, path: Path, fact: object
    ) -> None:
        def greet(connection: Connection[RelayFact]) -> None:
            connection.send(framing.News(fact=fact))

        async with serving(path, on_connect=greet), connected(path) as end:
            assert [await end.next() for _ in range(3)] == [UP, DOWN, UP]


class TestReconnection:
    """A connection that breaks is reported and made again."""

    async def test_it_comes_up_when_the_server_comes(self, path: Path) -> None:
        async with connected(path) as end, serving(path):
            assert await end.next() == UP and end.client.up

    async def test_it_comes_back_after_the_server_restarts(self, path: Path) -> None:
        async with connected(path) as end:
            for _ in range(2):
                async with serving(path):
                    assert await end.next() == UP
                    assert await end.client.call(ask()) == RestartReply(fragment="a")
                assert await end.next() == DOWN
                with pytest.raises(Disconnected):
                    await end.client.call(ask())

    async def test_calls_on_the_way_fail_when_the_server_goes(self, path: Path) -> None:
        async with connected(path) as end:
            async with serving(path):
                await end.next()
                call = asyncio.create_task(end.client.call(HANGING))
                await end.client.call(ask())
            with pytest.raises(Disconnected):
                await asyncio.wait_for(call, PATIENCE)

    async def test_a_socket_left_by_a_killed_server_is_replaced(self, path: Path) -> None:
        left = socket.socket(socket.AF_UNIX)
        left.bind(str(path))
        left.close()
        async with serving(path), connected(path) as end:
            assert await end.next() == UP

    async def test_the_socket_is_the_owners_alone_and_is_removed(self, path: Path) -> None:
        async with serving(path):
            assert path.stat().st_mode & 0o777 == 0o600
        assert not path.exists()

    async def test_closing_hangs_up_also_on_clients_that_never_greeted(self, path: Path) -> None:
        async with serving(path):
            reader, writer = await asyncio.open_unix_connection(path)
            await reader.readline()
        assert await closed(reader)
        writer.close()

    async def test_the_server_notices_that_the_last_client_has_gone(self, path: Path) -> None:
        alone = asyncio.Event()
        async with serving(path, on_alone=alone.set):
            async with connected(path) as first, connected(path) as second:
                assert (await first.next(), await second.next()) == (UP, UP)
                assert not alone.is_set()
            await asyncio.wait_for(alone.wait(), PATIENCE)


class TestGreeting:
    """Both ends name their role and the protocol they speak."""

    @pytest.mark.parametrize(
        "greeting",
        [
            Greeting(role="control", protocol=framing.PROTOCOL + 1, version="9", pid=1),
            Greeting(role="recorder", protocol=framing.PROTOCOL, version="0", pid=1),
            Request(number=1, command={}),
        ],
    )
    async def test_the_server_hangs_up_on_a_stranger(self, path: Path, greeting: Struct) -> None:
        async with serving(path), raw(path, greeting) as (reader, _):
            assert await closed(reader)

    @pytest.mark.parametrize(
        "greeting", [Greeting(role="relay", protocol=99, version="9", pid=1), framing.greeting("recorder")]
    )
    async def test_the_client_never_comes_up_on_a_stranger(self, path: Path, greeting: Greeting) -> None:
        tries: asyncio.Queue[None] = asyncio.Queue()

        async def stranger(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(framing.encode(greeting))
            await closed(reader)
            writer.close()
            tries.put_nowait(None)

        server = await asyncio.start_unix_server(stranger, path)
        async with connected(path) as end:
            for _ in range(2):
                await asyncio.wait_for(tries.get(), PATIENCE)
            assert not end.client.up and end.seen.empty()
        server.close()


class TestBadCompany:
    """Garbage, endless lines and clients that do not read harm no other client."""

    @pytest.mark.parametrize(
        "line",
        [b"x" * (framing.MAX_LINE + 10), b"not json\n", b"[]\n", b"{}\n", b"\xff\xfe\n", b"[" * 100_000 + b"\n"],
        ids=["oversized", "not json", "not an object", "not a frame", "not text", "too deep"],
    )
    async def test_the_server_hangs_up_on_it_and_serves_the_others(self, pair: Pair, path: Path, line: bytes) -> None:
        async with raw(path) as (reader, writer):
            writer.write(line)
            assert await closed(reader)
        assert await pair[1].client.call(ask()) == RestartReply(fragment="a")

    @pytest.mark.parametrize(
        "line",
        [
            b'{"frame":"reply","number":[],"reply":{}}',
            b'{"frame":"news","fact":5}',
            b'{"frame":"refusal","number":1,"problem":5}',
            b"{}",
        ],
    )
    async def test_the_client_survives_odd_frames(self, path: Path, line: bytes) -> None:
        async def odd(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(framing.encode(framing.greeting("relay")) + line + b"\n")
            await reader.readline()
            writer.close()

        server = await asyncio.start_unix_server(odd, path)
        async with connected(path) as end:
            assert [await end.next() for _ in range(3)] == [UP, DOWN, UP]
        server.close()

    async def test_a_client_that_never_reads_is_dropped_and_the_server_does_not_block(
        self, pair: Pair, path: Path
    ) -> None:
        server, end = pair
        deaf = socket.socket(socket.AF_UNIX)
        deaf.connect(str(path))
        deaf.sendall(framing.encode(framing.greeting("control")))
        await end.client.call(ask())
        count = 2 * MAX_UNSENT // 200_000
        for number in range(count):
            server.report(gate(number, "x" * 200_000))
            assert await end.next() != DOWN
        deaf.settimeout(PATIENCE)
        assert read_all(deaf) < count * 200_000
        assert await end.client.call(ask()) == RestartReply(fragment="a")


def read_all(connection: socket.socket) -> int:
    """Return how many bytes come before the other end hangs up."""
    total = 0
    with contextlib.closing(connection), contextlib.suppress(ConnectionError):
        while data := connection.recv(1 << 20):
            total += len(data)
    return total
