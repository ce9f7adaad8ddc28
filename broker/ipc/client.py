"""The asking end: the control process holds one Link to each relay worker and to the recorder. A Link that breaks
is a fact of its own (`on_down`) and connects again by itself."""

import asyncio
import contextlib
import itertools
import os
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import structlog

from broker.ipc import framing
from broker.kernel.errors import TooLarge, VisitError, from_problem

log = structlog.get_logger()
RETRY = 0.2  # seconds between attempts: a restarted worker is found well inside the hold's grace


class Disconnected(VisitError):
    """The process at the other end is not there or did not answer in time."""

    code, http_status, close_code = "process_unavailable", 503, 1013
    title_zh, title_en = "内部服务暂不可用", "An internal service is not available"


class Client:
    """A connection to the `role` process listening at `path`."""

    def __init__(
        self,
        path: Path,
        role: str,
        on_fact: Callable[[str, dict[str, Any]], None],
        on_up: Callable[[], None],
        on_down: Callable[[], None],
    ) -> None:
        self.path, self.role = path, role
        self._on_fact, self._on_up, self._on_down = on_fact, on_up, on_down
        self._writer: asyncio.StreamWriter | None = None
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._numbers = itertools.count(1)

    @property
    def up(self) -> bool:
        """Whether the other end is connected and has greeted."""
        return self._writer is not None

    async def run(self) -> None:
        """Connect, listen, and connect again, until cancelled."""
        while True:
            try:
                await self._session()
            except (OSError, framing.WireError, ValueError) as error:
                log.debug("ipc link not up", role=self.role, why=str(error))
            except Exception:
                # A listener's fault, or a frame of a shape nobody sends: down, said so, and up again. For ever down
                # would need a restart of the control process to end.
                log.exception("ipc link broke", role=self.role)
            await asyncio.sleep(RETRY)

    async def call(self, do: str, timeout: float = 5.0, **with_: Any) -> dict[str, Any]:
        """Ask and wait for the answer. Raises what the other end raised, or LinkDown."""
        number = next(self._numbers)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            self._send({"id": number, "do": do, "with": with_})
            async with asyncio.timeout(timeout):  # not wait_for, which in 3.11 can swallow a cancellation
                return await answer
        except TimeoutError as error:
            raise Disconnected(f"{self.role} did not answer {do} within {timeout:g} s") from error
        finally:
            self._waiting.pop(number, None)

    def post(self, do: str, **with_: Any) -> None:
        """Ask without waiting; the answer is dropped. For leases, which must never queue behind anything."""
        if self.up:
            self._send({"id": 0, "do": do, "with": with_})

    def _send(self, frame: dict[str, Any]) -> None:
        if self._writer is None:
            raise Disconnected(f"{self.role} is not connected")
        try:
            self._writer.write(framing.encode(frame))
        except framing.WireError as error:
            raise TooLarge(f"{self.role}: {error}") from error

    async def _session(self) -> None:
        reader, writer = await asyncio.open_unix_connection(self.path, limit=framing.MAX_LINE)
        try:
            writer.write(framing.encode(framing.hello("control", version("huijian"), os.getpid())))
            framing.check_hello(framing.decode(await reader.readline()), self.role)
            self._writer = writer
            self._on_up()
            while line := await reader.readline():
                self._receive(framing.decode(line))
        finally:
            self._lost()
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    def _receive(self, frame: dict[str, Any]) -> None:
        if "fact" in frame:
            self._take_fact(str(frame["fact"]), dict(frame.get("with") or {}))
            return
        answer = self._waiting.get(frame.get("id", 0))
        if answer is None or answer.done():
            return
        if "ok" in frame:
            answer.set_result(frame["ok"])
        else:
            answer.set_exception(from_problem(frame.get("error") or {}))

    def _take_fact(self, name: str, members: dict[str, Any]) -> None:
        """A fact that cannot be taken breaks the link: down and up again fails closed, a dropped fact does not."""
        try:
            self._on_fact(name, members)
        except Exception as error:
            log.exception("ipc fact not taken", role=self.role, fact=name)
            raise framing.WireError(f"the fact {name!r} could not be taken") from error

    def _lost(self) -> None:
        was_up, self._writer = self.up, None
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(Disconnected(f"{self.role} went away"))
        if was_up:
            self._on_down()
