"""The front door in one event loop: ingress with real sockets before the application of signaling, whose broker is
pretended. Requests are written byte for byte, because what no library would send is what has to be refused."""

import asyncio
import json
import shutil
import socket
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from broker.control.journal.journal import Journal
from broker.control.rules.clock_watch import ClockWatch
from broker.control.store.store import Store
from broker.kernel.agreed_time import AgreedClock
from config.settings import Settings
from signaling.api.metrics import check_health
from signaling.ingress.__main__ import FrontDoor, front_door
from signaling.ingress.admission import Limits
from signaling.server.app import CONTEXT, build_app
from signaling.server.handed_over import HandedOverConnections
from tests.support.patience import PATIENCE
from tests.support.signaling.front import PretendBroker


@dataclass
class Answer:
    """One HTTP answer, and what came behind it."""

    status: int
    headers: dict[str, str]
    body: bytes
    version: str
    rest: bytes = b""

    @property
    def data(self):
        return json.loads(self.body)


class Line:
    """One client connection as a plain socket."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    def send(self, data):
        self.writer.write(data if isinstance(data, bytes) else data.encode())

    async def answer(self, head_only=False):
        """Read one answer with its body."""
        async with asyncio.timeout(PATIENCE):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
            line, *lines = head.rstrip().split("\r\n")
            headers = {name.lower(): value for name, _, value in (each.partition(": ") for each in lines)}
            status = int(line.split()[1])
            bare = head_only or status in (101, 204, 304) or status < 200
            body = b"" if bare else await self.reader.readexactly(int(headers.get("content-length", 0)))
            return Answer(status, headers, body, line.split()[0])

    async def ended(self):
        """Wait until the other side closes; return what it sent before."""
        async with asyncio.timeout(PATIENCE):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b""

    @property
    def socket(self):
        return self.writer.get_extra_info("socket")

    def close(self):
        self.writer.transport.abort()


def request(method, target, *headers, body=b"", token=None, version="1.1"):
    """Return the bytes of a request."""
    lines = [f"{method} {target} HTTP/{version}", "Host: 127.0.0.1", *headers]
    if token is not None:
        lines.append(f"Authorization: Bearer {token}")
    if body and not any(line.lower().startswith(("content-length", "transfer-encoding")) for line in lines):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass
class Entrance:
    """A running front door with its control side, which tests may end and begin again."""

    settings: Settings
    store: Store
    journal: Journal
    tokens: dict[str, str]
    door: FrontDoor
    runner: web.AppRunner
    port: int = 0
    handed_over: HandedOverConnections | None = None
    lines: list[Line] = field(default_factory=list)

    @property
    def context(self):
        """The context of control's application."""
        return self.runner.app[CONTEXT]

    @property
    def counts(self):
        return self.door.counters.counts

    async def connect(self, host="127.0.0.1", source=None, buffer=None):
        """Open a connection, from the local address `source` and with a receive buffer of `buffer` bytes."""
        raw = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        raw.setblocking(False)
        if buffer:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        if source:
            raw.bind((source, 0))
        await asyncio.get_running_loop().sock_connect(raw, (host, self.port))
        line = Line(*await asyncio.open_connection(sock=raw, limit=2**20))
        self.lines.append(line)
        return line

    async def ask(self, method, target, *headers, source=None, **options):
        """Send one request on a connection of its own; return the answer."""
        line = await self.connect(source=source)
        line.send(request(method, target, *headers, **options))
        answer = await line.answer(head_only=method == "HEAD")
        line.close()
        return answer

    async def start_control(self):
        """Take connections from now on."""
        context = self.context
        self.handed_over = HandedOverConnections(
            self.settings.run_dir,
            self.runner.server,
            lambda: check_health(context),
            context.ingress.update,
            context.clock,
        )
        await self.handed_over.__aenter__()
        await asyncio.wait_for(self.door.link.until_ready(), PATIENCE)

    async def stop_control(self):
        """Take no more connections, and close those that were taken, as the end of the process would."""
        if self.handed_over is not None:
            for taken in list(self.handed_over._open.values()):
                taken.abort()
            await self.handed_over.__aexit__(None, None, None)
            self.handed_over = None

    async def until(self, holds):
        """Wait until something is true that another socket causes."""
        async with asyncio.timeout(PATIENCE):
            while not holds():
                await asyncio.sleep(0.01)


@asynccontextmanager
async def running_entrance(folder, clock, made, limits=None, host="127.0.0.1", **settings):
    """The front door with a database of its own in `folder`."""
    file, tokens = made
    shutil.copy(file, folder / "huijian.sqlite")
    values = Settings(data_dir=folder, http_port=0, **settings)
    values.prepare()
    async with Store(values.database_url, clock) as store, Journal(store.engine, clock) as journal:
        broker = PretendBroker(store, clock)
        broker.clock_watch = ClockWatch(AgreedClock(clock), {}, journal, lambda: None, "boot-1")
        app = build_app(broker=broker, store=store, journal=journal, settings=values, clock=clock, version="0.0.test")
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        async with front_door(values, store, journal, AgreedClock(clock), limits or Limits()) as door:
            entrance = Entrance(values, store, journal, tokens, door, runner)
            await entrance.start_control()
            entrance.port = await door.listener.open(host, 0)
            try:
                yield entrance
            finally:
                for line in entrance.lines:
                    line.close()
                await entrance.stop_control()
        await runner.cleanup()
