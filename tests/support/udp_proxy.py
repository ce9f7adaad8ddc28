"""Simulation of a bad network: datagrams between clients and one server port are lost, delayed, reordered, doubled or
queued, at random from a seed. Each client gets a port of its own towards the server, as behind a NAT."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

LATEST = 0.3  # seconds that a full line keeps a datagram waiting before it drops it


@dataclass
class Impairment:
    """Impairment of datagrams in one direction. `loss` and `twice` are probabilities. `delay` and `jitter` are seconds;
    the jitter is drawn for each datagram, so that one may overtake another. `rate` is the bit/s that pass, None for no
    limit. Losses come `burst` in a row on average: 1 for each by itself."""

    loss: float = 0.0
    delay: float = 0.0
    jitter: float = 0.0
    twice: float = 0.0
    rate: float | None = None
    burst: float = 1.0


class Line:
    """Line in one direction of one client."""

    def __init__(self, impairment: Impairment, chance: random.Random) -> None:
        self.impairment, self._chance = impairment, chance
        self._free_at = 0.0
        self._losing = False
        self.sent = self.lost = self.octets = 0

    def carry(self, size: int, now: float) -> list[float]:
        """Return when a datagram of `size` bytes that enters at `now` comes out: never, once or twice."""
        impairment = self.impairment
        self.sent += 1
        if self._loses():
            self.lost += 1
            return []
        out = now
        if impairment.rate is not None:
            out = max(now, self._free_at) + (size + 28) * 8 / impairment.rate
            if out - now > LATEST:
                self.lost += 1
                return []
            self._free_at = out
        self.octets += size
        times = 2 if self._chance.random() < impairment.twice else 1
        return [out + impairment.delay + self._chance.random() * impairment.jitter for _ in range(times)]

    def _loses(self) -> bool:
        """Whether the next datagram is lost, by the model of Gilbert: a good state, and a bad one that loses all."""
        loss, burst = self.impairment.loss, self.impairment.burst
        if burst <= 1.0:
            return self._chance.random() < loss
        begins, ends = loss / (burst * (1 - loss)), 1 / burst
        self._losing = self._chance.random() < (1 - ends if self._losing else begins)
        return self._losing


class _Port(asyncio.DatagramProtocol):
    def __init__(self, take: Any) -> None:
        self._take = take
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._take(data, addr)


class UdpProxy:
    """Proxy for datagrams before `server`. `up` impairs what clients send, `down` what they get; both may be changed at
    any time. `port` is the port for clients."""

    def __init__(self, server: tuple[str, int], up: Impairment, down: Impairment, seed: int) -> None:
        self.server, self.up, self.down = server, up, down
        self.port = 0
        self.lines: list[tuple[Line, Line]] = []
        self._chance = random.Random(seed)
        self._clients: dict[Any, _Port] = {}
        self._ways: dict[Any, tuple[Line, Line]] = {}
        self._opening: dict[Any, asyncio.Task[None]] = {}
        self.on_datagram: Callable[[Line, bytes, bool], None] | None = None
        """Called with each datagram, and whether it will arrive."""

    async def start(self) -> None:
        """Open the port for clients."""
        loop = asyncio.get_running_loop()
        transport, self._front = await loop.create_datagram_endpoint(
            lambda: _Port(self._from_client), local_addr=("127.0.0.1", 0)
        )
        self.port = transport.get_extra_info("sockname")[1]

    def close(self) -> None:
        """Close every port of the proxy."""
        for task in self._opening.values():
            task.cancel()
        for port in (self._front, *self._clients.values()):
            if port.transport is not None:
                port.transport.close()

    def _from_client(self, data: bytes, client: Any) -> None:
        if client in self._clients:
            self._later(self._ways[client][0], data, self._clients[client], None)
        elif client not in self._opening:  # datagrams that come meanwhile are lost, as on any network
            self._opening[client] = asyncio.get_running_loop().create_task(self._open(data, client))

    async def _open(self, data: bytes, client: Any) -> None:
        loop = asyncio.get_running_loop()
        ways = (Line(self.up, self._chance), Line(self.down, self._chance))
        _, port = await loop.create_datagram_endpoint(
            lambda: _Port(lambda answer, _: self._later(ways[1], answer, self._front, client)), remote_addr=self.server
        )
        self._clients[client], self._ways[client] = port, ways
        self.lines.append(ways)
        self._later(ways[0], data, port, None)

    def _later(self, line: Line, data: bytes, port: _Port, to: Any) -> None:
        loop = asyncio.get_running_loop()
        arrivals = line.carry(len(data), loop.time())
        if self.on_datagram is not None:
            self.on_datagram(line, data, bool(arrivals))
        for at in arrivals:
            loop.call_at(at, self._send, port, data, to)

    def _send(self, port: _Port, data: bytes, to: Any) -> None:
        if port.transport is not None and not port.transport.is_closing():
            port.transport.sendto(data, to)


@asynccontextmanager
async def udp_proxy(
    server: tuple[str, int], up: Impairment | None = None, down: Impairment | None = None, seed: int = 1
) -> AsyncIterator[UdpProxy]:
    """Run a proxy before `server` until the block ends. The same impairment object may serve both directions."""
    proxy = UdpProxy(server, up or Impairment(), down or Impairment(), seed)
    await proxy.start()
    try:
        yield proxy
    finally:
        proxy.close()
