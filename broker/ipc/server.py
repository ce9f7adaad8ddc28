"""The serving end: a relay worker or the recorder listens; the control process sends commands and receives facts."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

import structlog

from broker.ipc import framing
from broker.ipc.messages import Command, Handler, Role
from broker.kernel.errors import BadRequest, VisitError
from broker.kernel.tasks import Tasks

log = structlog.get_logger()
F = TypeVar("F")

MAX_UNSENT = 4 * 1024 * 1024
"""A client that leaves this many bytes unread is cut off: facts must not pile up for one that hangs."""


class Connection(Generic[F]):
    """The connection to one client."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    def send(self, frame: framing.Frame) -> None:
        """Hand a frame over; never blocks. A client that does not read is dropped."""
        transport = self._writer.transport
        if transport.is_closing():
            return
        if transport.get_write_buffer_size() > MAX_UNSENT:
            log.error("ipc client does not read, dropped")
            transport.abort()
            return
        self._writer.write(framing.encode(frame))

    def report(self, fact: F) -> None:
        """Send this client a fact."""
        self.send(framing.News(fact=fact))

    def abort(self) -> None:
        """Close the connection at once."""
        self._writer.transport.abort()


class Server(Generic[F]):
    """Listens at `path` (mode 0600), answers commands by `handlers`, sends facts to all connected clients.

    `on_connect` is called with each client that has greeted, `on_alone` when the last of them has gone.
    """

    def __init__(
        self,
        path: Path,
        role: Role[F],
        handlers: Mapping[type[Command[Any]], Handler],
        on_connect: Callable[[Connection[F]], None] = lambda _: None,
        on_alone: Callable[[], None] = lambda: None,
    ) -> None:
        self._path, self._role, self._handlers = path, role, handlers
        self._on_connect, self._on_alone = on_connect, on_alone
        self._accepted: set[Connection[F]] = set()
        self._connections: set[Connection[F]] = set()  # those of them that have greeted
        self._answering, self._serving = Tasks(), Tasks()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Begin to listen at the path. A socket file left by a killed predecessor is replaced."""
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._accept, self._path, limit=framing.MAX_LINE)
        self._path.chmod(0o600)

    async def close(self) -> None:
        """Stop listening, drop every client."""
        if self._server is not None:
            self._server.close()
        for connection in list(self._accepted):
            connection.abort()
        await self._answering.close()
        await self._serving.wait()
        self._path.unlink(missing_ok=True)

    def report(self, fact: F) -> None:
        """Send every client a fact; never blocks."""
        for connection in list(self._connections):
            connection.report(fact)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._serving.spawn(self._serve(reader, writer))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection: Connection[F] = Connection(writer)
        self._accepted.add(connection)
        connection.send(framing.greeting(self._role.name))
        try:
            framing.check_greeting(framing.decode(await reader.readline(), framing.Greeting), "control")
            self._connections.add(connection)
            self._on_connect(connection)
            while line := await reader.readline():
                self._start(connection, framing.decode(line, framing.Request))
        except (framing.WireError, ValueError, ConnectionError) as error:
            log.warning("ipc client refused", role=self._role.name, why=error)
        finally:
            last = self._connections == {connection}
            self._connections.discard(connection)
            self._accepted.discard(connection)
            if last:
                self._on_alone()
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    def _start(self, connection: Connection[F], request: framing.Request) -> None:
        self._answering.spawn(self._answer(connection, request))

    async def _answer(self, connection: Connection[F], request: framing.Request) -> None:
        frame = await self._reply(request)
        if not request.number:
            return
        try:
            connection.send(frame)
        except framing.WireError:  # the reply is longer than a line may be
            log.exception("ipc reply not sent", role=self._role.name)
            connection.send(_failed(request))

    async def _reply(self, request: framing.Request) -> framing.Frame:
        try:
            command = self._role.command(request.command)
            answer = await self._handlers[type(command)](command)
            return framing.Reply(number=request.number, reply=answer)
        except VisitError as error:
            if isinstance(error, BadRequest):  # of a command that was posted nothing else tells
                log.error("ipc command refused", role=self._role.name, why=error)
            return framing.Refusal(number=request.number, problem=error.problem())
        except Exception:
            log.exception("ipc command failed", role=self._role.name)
            return _failed(request)


def _failed(request: framing.Request) -> framing.Refusal:
    return framing.Refusal(number=request.number, problem=VisitError("Internal error.", "内部错误。").problem())
