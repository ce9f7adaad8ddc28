"""How the processes of one machine talk, over real unix sockets."""

import asyncio
import contextlib
import json
import os
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from broker.ipc import framing
from broker.ipc.client import Client, Disconnected
from broker.ipc.server import MAX_UNSENT, Connection, Server
from broker.kernel.errors import BadRequest, Conflict, TooLarge, VisitError

SOON = 5.0
ROLE = "relay"


@pytest.fixture
def path() -> Iterator[Path]:
    """A socket's path. tmp_path is often longer than the 107 bytes that a unix socket may have."""
    with tempfile.TemporaryDirectory(prefix="hj") as folder:
        yield Path(folder) / "s"


async def echo(with_: dict[str, Any]) -> dict[str, Any]:
    """The plainest handler."""
    return with_


async def refuse(with_: dict[str, Any]) -> dict[str, Any]:
    """A handler that knows why not."""
    raise Conflict("It is on hold.", "已中止。", state="held")


async def stumble(with_: dict[str, Any]) -> dict[str, Any]:
    """A handler with a fault."""
    raise KeyError("a secret")


async def hang(with_: dict[str, Any]) -> dict[str, Any]:
    """A handler that never answers."""
    await asyncio.Event().wait()
    return {}


HANDLERS = {"echo": echo, "refuse": refuse, "stumble": stumble, "hang": hang}


class End:
    """A Link, and what it has reported so far."""

    def __init__(self, path: Path, role: str = ROLE) -> None:
        self.seen: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue()
        self.link = Client(
            path,
            role,
            lambda fact, with_: self.seen.put_nowait((fact, with_)),
            lambda: self.seen.put_nowait(("up", {})),
            lambda: self.seen.put_nowait(("down", {})),
        )

    async def next(self) -> tuple[str, dict[str, Any]]:
        """The next report."""
        return await asyncio.wait_for(self.seen.get(), SOON)


@contextlib.asynccontextmanager
async def serving(path: Path, **kw: Any) -> AsyncIterator[Server]:
    """A server at the path."""
    server = Server(path, ROLE, HANDLERS, **kw)
    await server.start()
    try:
        yield server
    finally:
        await server.close()


@contextlib.asynccontextmanager
async def linked(path: Path, role: str = ROLE) -> AsyncIterator[End]:
    """A running link to the path, up or not."""
    end = End(path, role)
    task = asyncio.create_task(end.link.run())
    try:
        yield end
        assert not task.done(), "a link runs for ever"
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@contextlib.asynccontextmanager
async def raw(path: Path, greeting: dict[str, Any] | None = None) -> AsyncIterator[tuple[asyncio.StreamReader, Any]]:
    """A client of bare bytes, which has read the server's greeting and sent its own."""
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        await reader.readline()
        writer.write(framing.encode(greeting or framing.hello("control", "0", 1)))
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def closed(reader: asyncio.StreamReader) -> bool:
    """Whether the other end hangs up soon."""
    with contextlib.suppress(ConnectionError):
        while await asyncio.wait_for(reader.read(65536), SOON):
            continue
    return True


@pytest.fixture
async def pair(path: Path) -> AsyncIterator[tuple[Server, End]]:
    """A server and a link that is up."""
    async with serving(path) as server, linked(path) as end:
        assert await end.next() == ("up", {})
        yield server, end


Pair = tuple[Server, End]


class TestRequests:
    """Commands go down and are answered."""

    async def test_a_request_is_answered(self, pair: Pair) -> None:
        assert await pair[1].link.call("echo", session="s", 名="会见") == {"session": "s", "名": "会见"}

    async def test_a_typed_error_crosses(self, pair: Pair) -> None:
        with pytest.raises(Conflict) as refused:
            await pair[1].link.call("refuse")
        assert refused.value.detail_zh == "已中止。" and refused.value.extra == {"state": "held"}

    async def test_a_fault_is_an_error_that_tells_nothing_and_the_link_lives(self, pair: Pair) -> None:
        with pytest.raises(VisitError) as failed:
            await pair[1].link.call("stumble")
        assert "secret" not in str(failed.value.problem())
        assert await pair[1].link.call("echo", a=1) == {"a": 1}

    async def test_an_unknown_request_is_refused(self, pair: Pair) -> None:
        with pytest.raises(BadRequest):
            await pair[1].link.call("dance")

    async def test_a_slow_request_does_not_hold_up_the_next(self, pair: Pair) -> None:
        slow = asyncio.create_task(pair[1].link.call("hang"))
        answers = await asyncio.gather(*[pair[1].link.call("echo", n=n) for n in range(50)])
        assert answers == [{"n": n} for n in range(50)] and not slow.done()
        slow.cancel()

    async def test_an_answer_that_does_not_come_is_the_links_fault(self, pair: Pair) -> None:
        with pytest.raises(Disconnected):
            await pair[1].link.call("hang", timeout=0.01)
        assert await pair[1].link.call("echo") == {}

    async def test_an_answer_too_long_for_a_line_is_an_error_and_not_a_broken_link(self, path: Path) -> None:
        async def shout(with_: dict[str, Any]) -> dict[str, Any]:
            return {"text": "x" * framing.MAX_LINE}

        server = Server(path, ROLE, {"shout": shout, "echo": echo})
        await server.start()
        async with linked(path) as end:
            await end.next()
            with pytest.raises(VisitError):
                await end.link.call("shout")
            assert await end.link.call("echo") == {}
        await server.close()

    async def test_a_lease_is_posted_without_waiting_and_its_answer_dropped(self, path: Path) -> None:
        leased: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

        async def lease(with_: dict[str, Any]) -> dict[str, Any]:
            leased.put_nowait(with_)
            return {}

        server = Server(path, ROLE, {"lease": lease, "echo": echo})
        await server.start()
        async with linked(path) as end:
            await end.next()
            end.link.post("lease", until=1.5)
            assert await asyncio.wait_for(leased.get(), SOON) == {"until": 1.5}
            assert await end.link.call("echo", a=1) == {"a": 1}
        await server.close()

    async def test_without_a_connection_a_call_fails_at_once_and_a_post_is_nothing(self, path: Path) -> None:
        link = End(path).link
        link.post("lease", until=1.0)
        with pytest.raises(Disconnected):
            await link.call("echo")
        assert not link.up


class TestFacts:
    """Facts come up, unasked."""

    async def test_every_client_is_told_in_order(self, path: Path) -> None:
        async with serving(path) as server, linked(path) as one, linked(path) as two:
            assert (await one.next(), await two.next()) == (("up", {}), ("up", {}))
            await asyncio.gather(one.link.call("echo"), two.link.call("echo"))
            for number in range(20):
                server.tell("media", number=number)
            for end in (one, two):
                assert [await end.next() for _ in range(20)] == [("media", {"number": n}) for n in range(20)]

    async def test_a_new_client_can_be_told_what_happened_before(self, path: Path) -> None:
        def greet(connection: Connection) -> None:
            connection.tell("archived", session="s")

        async with serving(path, on_connect=greet), linked(path) as end:
            assert [await end.next(), await end.next()] == [("up", {}), ("archived", {"session": "s"})]

    async def test_a_fact_that_cannot_be_taken_breaks_the_link_which_comes_back(self, path: Path) -> None:
        """Down and up again fails closed; a fact that is dropped in silence would not."""
        heard: asyncio.Queue[str] = asyncio.Queue()

        def listen(fact: str, with_: dict[str, Any]) -> None:
            raise KeyError(fact)

        link = Client(path, ROLE, listen, lambda: heard.put_nowait("up"), lambda: heard.put_nowait("down"))
        async with serving(path) as server:
            task = asyncio.create_task(link.run())
            assert await asyncio.wait_for(heard.get(), SOON) == "up"
            await link.call("echo")
            server.tell("one")
            assert [await asyncio.wait_for(heard.get(), SOON) for _ in range(2)] == ["down", "up"]
            assert await link.call("echo", a=1) == {"a": 1}
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


class TestReconnection:
    """A link that breaks says so and connects again by itself."""

    async def test_it_comes_up_when_the_server_comes(self, path: Path) -> None:
        async with linked(path) as end, serving(path):
            assert await end.next() == ("up", {}) and end.link.up

    async def test_it_comes_back_after_the_server_restarts(self, path: Path) -> None:
        async with linked(path) as end:
            for _ in range(2):
                async with serving(path):
                    assert await end.next() == ("up", {})
                    assert await end.link.call("echo", a=1) == {"a": 1}
                assert await end.next() == ("down", {})
                with pytest.raises(Disconnected):
                    await end.link.call("echo")

    async def test_calls_on_the_way_fail_when_the_server_goes(self, path: Path) -> None:
        async with linked(path) as end:
            async with serving(path):
                await end.next()
                call = asyncio.create_task(end.link.call("hang"))
                await end.link.call("echo")
            with pytest.raises(Disconnected):
                await asyncio.wait_for(call, SOON)

    async def test_a_socket_left_by_a_killed_server_is_replaced(self, path: Path) -> None:
        left = socket.socket(socket.AF_UNIX)
        left.bind(str(path))
        left.close()
        async with serving(path), linked(path) as end:
            assert await end.next() == ("up", {})

    async def test_the_socket_is_the_owners_alone_and_is_taken_away(self, path: Path) -> None:
        async with serving(path):
            assert path.stat().st_mode & 0o777 == 0o600
        assert not path.exists()

    async def test_closing_hangs_up_even_on_those_who_never_greeted(self, path: Path) -> None:
        async with serving(path):
            reader, writer = await asyncio.open_unix_connection(path)
            await reader.readline()
        assert await closed(reader)
        writer.close()


class TestGreeting:
    """Both ends say who they are and which protocol they speak."""

    @pytest.mark.parametrize(
        "greeting",
        [
            {"hello": "control", "protocol": framing.PROTOCOL + 1, "version": "9", "pid": 1},
            {"hello": "recorder", "protocol": 1, "version": "0", "pid": 1},
            {"id": 1, "do": "echo", "with": {}},
        ],
    )
    async def test_the_server_hangs_up_on_a_stranger(self, path: Path, greeting: dict[str, Any]) -> None:
        async with serving(path), raw(path, greeting) as (reader, _):
            assert await closed(reader)

    @pytest.mark.parametrize(
        "greeting", [framing.hello(ROLE, "9", 1) | {"protocol": 99}, framing.hello("recorder", "0", 1)]
    )
    async def test_the_link_never_comes_up_on_a_stranger(self, path: Path, greeting: dict[str, Any]) -> None:
        tries: asyncio.Queue[None] = asyncio.Queue()

        async def stranger(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(framing.encode(greeting))
            await closed(reader)
            writer.close()
            tries.put_nowait(None)

        server = await asyncio.start_unix_server(stranger, path)
        async with linked(path) as end:
            for _ in range(2):
                await asyncio.wait_for(tries.get(), SOON)
            assert not end.link.up and end.seen.empty()
        server.close()

    async def test_a_greeting_names_role_protocol_version_and_process(self, path: Path) -> None:
        async with serving(path):
            reader, writer = await asyncio.open_unix_connection(path)
            greeting = json.loads(await reader.readline())
            writer.close()
        assert (greeting["hello"], greeting["protocol"], greeting["pid"]) == (ROLE, framing.PROTOCOL, os.getpid())
        assert greeting["version"]


class TestBadCompany:
    """Garbage, endless lines and clients that do not read harm nobody else."""

    @pytest.mark.parametrize(
        "line",
        [b"x" * (framing.MAX_LINE + 10), b"not json\n", b"[]\n", b"\xff\xfe\n", b"[" * 100_000 + b"\n"],
        ids=["oversized", "not json", "not an object", "not text", "too deep"],
    )
    async def test_the_server_hangs_up_on_it_and_serves_the_others(self, pair: Pair, path: Path, line: bytes) -> None:
        async with raw(path) as (reader, writer):
            writer.write(line)
            assert await closed(reader)
        assert await pair[1].link.call("echo", a=1) == {"a": 1}

    @pytest.mark.parametrize("frame", [{"id": [], "ok": {}}, {"fact": "x", "with": 5}, {"id": 1, "error": 5}, {}])
    async def test_the_link_survives_odd_frames(self, path: Path, frame: dict[str, Any]) -> None:
        async def odd(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(framing.encode(framing.hello(ROLE, "0", 1)) + framing.encode(frame))
            await reader.readline()
            writer.close()

        server = await asyncio.start_unix_server(odd, path)
        async with linked(path) as end:
            assert [await end.next() for _ in range(3)] == [("up", {}), ("down", {}), ("up", {})]
        server.close()

    async def test_a_client_that_never_reads_is_dropped_and_the_server_does_not_block(
        self, pair: Pair, path: Path
    ) -> None:
        server, end = pair
        deaf = socket.socket(socket.AF_UNIX)
        deaf.connect(str(path))
        deaf.sendall(framing.encode(framing.hello("control", "0", 1)))
        await end.link.call("echo")
        count = 2 * MAX_UNSENT // 200_000
        for _ in range(count):
            server.tell("media", filling="x" * 200_000)
            assert (await end.next())[0] == "media"
        deaf.settimeout(SOON)
        assert read_all(deaf) < count * 200_000
        assert await end.link.call("echo", a=1) == {"a": 1}

    async def test_what_is_too_long_is_not_sent(self, pair: Pair) -> None:
        with pytest.raises(TooLarge):
            await pair[1].link.call("echo", text="x" * framing.MAX_LINE)
        assert await pair[1].link.call("echo", a=1) == {"a": 1}


class TestWire:
    """One JSON object a line."""

    def test_a_frame_comes_back_as_it_was(self) -> None:
        frame = {"id": 1, "do": "note", "with": {"text": "第一行\n第二行", "half": "\ud800", "n": [1.5, None]}}
        line = framing.encode(frame)
        assert line.count(b"\n") == 1 and framing.decode(line) == frame

    @pytest.mark.parametrize("line", [b"", b"\n", b"{", b"[]", b"1", b"null", b"\xff", b'{"a":' * 50_000])
    def test_anything_but_an_object_is_refused_by_its_type(self, line: bytes) -> None:
        with pytest.raises(framing.WireError):
            framing.decode(line)

    def test_the_longest_line_is_just_allowed(self) -> None:
        room = framing.MAX_LINE - len(framing.encode({"x": ""}))
        assert len(framing.encode({"x": "y" * room})) == framing.MAX_LINE
        with pytest.raises(framing.WireError):
            framing.encode({"x": "y" * (room + 1)})

    async def test_and_it_crosses(self, path: Path) -> None:
        seen: asyncio.Queue[int] = asyncio.Queue()

        async def measure(with_: dict[str, Any]) -> dict[str, Any]:
            seen.put_nowait(len(with_["x"]))
            return {}

        handlers: dict[str, Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]] = {"measure": measure}
        server = Server(path, ROLE, handlers)
        await server.start()
        room = framing.MAX_LINE - len(framing.encode({"id": 1, "do": "measure", "with": {"x": ""}}))
        async with linked(path) as end:
            await end.next()
            await end.link.call("measure", x="y" * room)
            assert seen.get_nowait() == room
        await server.close()


def read_all(connection: socket.socket) -> int:
    """How many bytes come before the other end hangs up."""
    total = 0
    with contextlib.closing(connection), contextlib.suppress(ConnectionError):
        while data := connection.recv(1 << 20):
            total += len(data)
    return total
