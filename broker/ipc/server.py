"""The serving end: a relay worker or the recorder listens, the control process asks and is told facts."""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import structlog

from broker.ipc import framing
from broker.kernel.errors import BadRequest, VisitError
from broker.kernel.tasks import Tasks

log = structlog.get_logger()
Handler = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]

MAX_UNSENT = 4 * 1024 * 1024
"""A client that leaves this many bytes unread is cut off: facts must never pile up for somebody who hangs."""


class Connection:
    """One connected client."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    def send(self, frame: dict[str, Any]) -> None:
        """Hand a frame over; never blocks. A client that does not read is dropped."""
        transport = self._writer.transport
        if transport.is_closing():
            return
        if transport.get_write_buffer_size() > MAX_UNSENT:
            log.error("ipc client does not read, dropped")
            transport.abort()
            return
        self._writer.write(framing.encode(frame))

    def tell(self, fact: str, **with_: Any) -> None:
        """Tell this client a fact."""
        self.send({"fact": fact, "with": with_})

    def abort(self) -> None:
        """Close at once."""
        self._writer.transport.abort()


class Server:
    """Listens at `path` (mode 0600), answers requests with `handlers`, tells facts to all who are connected.

    `on_alone` is called when the last of them has gone.
    """

    def __init__(
        self,
        path: Path,
        role: str,
        handlers: Mapping[str, Handler],
        on_connect: Callable[[Connection], None] | None = None,
        on_alone: Callable[[], None] | None = None,
    ) -> None:
        self._path, self._role, self._handlers, self._on_connect = path, role, handlers, on_connect
        self._on_alone = on_alone
        self._accepted: set[Connection] = set()
        self._connections: set[Connection] = set()  # those of them that have greeted
        self._answering, self._serving = Tasks(), Tasks()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Begin to listen. A socket file left by a killed predecessor is replaced."""
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

    def tell(self, fact: str, **with_: Any) -> None:
        """Tell every client a fact; never blocks."""
        for connection in list(self._connections):
            connection.tell(fact, **with_)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._serving.spawn(self._serve(reader, writer))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(writer)
        self._accepted.add(connection)
        connection.send(framing.hello(self._role, version("huijian"), os.getpid()))
        try:
            framing.check_hello(framing.decode(await reader.readline()), "control")
            self._connections.add(connection)
            if self._on_connect is not None:
                self._on_connect(connection)
            while line := await reader.readline():
                self._start(connection, framing.decode(line))
        except (framing.WireError, ValueError, ConnectionError) as error:
            log.warning("ipc client refused", role=self._role, why=str(error))
        finally:
            last = self._connections == {connection}
            self._connections.discard(connection)
            self._accepted.discard(connection)
            if last and self._on_alone is not None:
                self._on_alone()
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    def _start(self, connection: Connection, frame: dict[str, Any]) -> None:
        self._answering.spawn(self._answer(connection, frame))

    async def _answer(self, connection: Connection, frame: dict[str, Any]) -> None:
        number = frame.get("id")
        try:
            handler = self._handlers.get(str(frame.get("do")))
            if handler is None or not isinstance(frame.get("with"), dict):
                log.error("ipc request unknown", role=self._role, do=frame.get("do"))  # who posts sees no answer
                raise BadRequest(f"unknown request {frame.get('do')!r}")
            connection.send({"id": number, "ok": await handler(frame["with"])})
        except VisitError as error:
            connection.send({"id": number, "error": error.problem()})
        except Exception:
            log.exception("ipc request failed", role=self._role, do=frame.get("do"))
            connection.send({"id": number, "error": VisitError("Internal error.", "内部错误。").problem()})
