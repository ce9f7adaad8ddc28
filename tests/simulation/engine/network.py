"""Sockets between simulated processes: streams (the unix sockets of the commands) and packets (the tap).

Streams keep their order, arrive a little later, and break when a process dies. What was sent before a death may arrive
or not, as the kernel delivers what it has; a peer that is stopped leaves its bytes waiting."""

import asyncio
import os
from collections import deque
from collections.abc import Callable
from typing import Any

from tests.simulation.engine.scheduler import SimLoop

SEQPACKET_ROOM = 2000
"""Messages of the tap that wait for a recorder which does not read, at most."""


class Network:
    """All listening ends by path. `delay` returns the seconds that the next bytes take."""

    def __init__(self, delay: Callable[[], float]) -> None:
        self.delay = delay
        self.listeners: dict[str, _Listener] = {}
        self.transports: list[Transport] = []
        self.packets: dict[str, PacketListener] = {}

    def listen(self, loop: SimLoop, factory: Callable[[], Any], path: str) -> "_Listener":
        """Begin to listen for streams at a path."""
        with open(path, "wb"):  # a name, as a real socket leaves it
            listener = self.listeners[path] = _Listener(self, loop, factory, path)
        return listener

    async def connect(self, loop: SimLoop, factory: Callable[[], Any], path: str) -> tuple["Transport", Any]:
        """Connect to the listener at a path. Raises ConnectionRefusedError or FileNotFoundError."""
        await asyncio.sleep(self.delay())
        listener = self.listeners.get(path)
        if listener is None or listener.loop.dead:
            raise ConnectionRefusedError(path) if os.path.exists(path) else FileNotFoundError(path)
        here, there = Transport(self, loop), Transport(self, listener.loop)
        here.far, there.far = there, here
        here.protocol, there.protocol = factory(), listener.factory()
        self.transports += [here, there]
        there.loop.call_soon(there.protocol.connection_made, there)
        here.protocol.connection_made(here)
        return here, here.protocol

    def died(self, loop: SimLoop) -> None:
        """Break what a dead process had open."""
        self.listeners = {path: one for path, one in self.listeners.items() if one.loop is not loop}
        self.packets = {path: one for path, one in self.packets.items() if one.loop is not loop}
        for transport in [one for one in self.transports if one.loop is loop]:
            transport.vanish()
        self.transports = [one for one in self.transports if not one.closed]

    def cut(self, transport: "Transport") -> None:
        """Break one connection, as a reset does."""
        for end in (transport, transport.far):
            if end is not None:
                end.vanish()


class _Listener:
    """A listening stream socket; asyncio calls it a server."""

    def __init__(self, network: Network, loop: SimLoop, factory: Callable[[], Any], path: str) -> None:
        self.network, self.loop, self.factory, self.path = network, loop, factory, path

    def close(self) -> None:
        self.network.listeners.pop(self.path, None)

    async def wait_closed(self) -> None:
        return None


class Transport(asyncio.Transport):
    """One end of a stream."""

    def __init__(self, network: Network, loop: SimLoop) -> None:
        super().__init__()
        self.network, self.loop = network, loop
        self.protocol: Any = None
        self.far: Transport | None = None
        self.closed = False
        self._lost = False
        self._last = 0.0

    def write(self, data: Any) -> None:
        far = self.far
        if self.closed or self.loop.dead or far is None:
            return
        far.loop.call_at(self._arrival(), far.arrived, bytes(data))

    def _arrival(self) -> float:
        """Bytes of one stream never overtake each other."""
        self._last = max(self._last, self.loop.scheduler.now + self.network.delay())
        return self._last

    def arrived(self, data: bytes) -> None:
        if not self.closed and not self._lost:
            self.protocol.data_received(data)

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self.loop.call_soon(self._connection_lost)
            if self.far is not None:
                self.far.loop.call_at(self._arrival(), self.far.ended)

    abort = close

    def vanish(self) -> None:
        """The process of this end is gone, or the connection broke."""
        if not self.closed:
            self.closed = True
            if not self.loop.dead:
                self.loop.call_soon(self._connection_lost)
            if self.far is not None and not self.far.loop.dead:
                self.far.loop.call_at(self._arrival(), self.far.ended)

    def ended(self) -> None:
        if not self.closed:
            self.closed = True
            self.protocol.eof_received()
            self._connection_lost()

    def _connection_lost(self) -> None:
        if not self._lost:
            self._lost = True
            self.protocol.connection_lost(None)

    def is_closing(self) -> bool:
        return self.closed

    def get_write_buffer_size(self) -> int:
        return 0

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default

    def set_write_buffer_limits(self, high: Any = None, low: Any = None) -> None:
        return None

    def pause_reading(self) -> None:
        return None

    def resume_reading(self) -> None:
        return None

    def is_reading(self) -> bool:
        return True

    def set_protocol(self, protocol: Any) -> None:
        self.protocol = protocol

    def get_protocol(self) -> Any:
        return self.protocol


class PacketListener:
    """The recorder's listening tap socket."""

    def __init__(self, network: Network, loop: SimLoop, path: str) -> None:
        self.network, self.loop, self.path = network, loop, path
        self._waiting: deque[PacketEnd] = deque()
        self._callback: tuple[Any, tuple[Any, ...]] | None = None
        with open(path, "wb"):
            network.packets[path] = self

    def watch(self, loop: SimLoop, callback: Any, args: tuple[Any, ...]) -> None:
        self._callback = None if callback is None else (callback, args)

    def offer(self, end: "PacketEnd") -> None:
        """Take a connection; the accepting process hears of it when it runs."""
        self._waiting.append(end)
        if self._callback is not None:
            self.loop.call_soon(self._callback[0], *self._callback[1])

    def accept(self) -> tuple["PacketEnd", str]:
        if not self._waiting:
            raise BlockingIOError
        return self._waiting.popleft(), ""

    def close(self) -> None:
        self.network.packets.pop(self.path, None)


class PacketEnd:
    """The reading end of a tap connection."""

    def __init__(self, loop: SimLoop) -> None:
        self.loop = loop
        self.messages: deque[bytes] = deque()
        self.closed = self.far_closed = False
        self._callback: tuple[Any, tuple[Any, ...]] | None = None

    def put(self, message: bytes) -> None:
        """Take a message for the reader. Raises BlockingIOError when it is full, BrokenPipeError without a reader."""
        if self.closed or self.loop.dead:
            raise BrokenPipeError(32, "broken pipe")
        if len(self.messages) >= SEQPACKET_ROOM:
            raise BlockingIOError
        self.messages.append(message)
        self._call()

    def hang_up(self) -> None:
        """The writing process is gone."""
        self.far_closed = True
        self._call()

    def _call(self) -> None:
        if self._callback is not None:
            callback, args = self._callback
            self._callback = None
            self.loop.call_soon(callback, *args)

    def watch(self, loop: SimLoop, callback: Any, args: tuple[Any, ...]) -> None:
        self._callback = None if callback is None else (callback, args)
        if callback is not None and (self.messages or self.far_closed):
            self._call()

    def recv_into(self, buffer: bytearray) -> int:
        if self.messages:
            message = self.messages.popleft()
            buffer[: len(message)] = message
            return len(message)
        if self.far_closed:
            return 0
        raise BlockingIOError

    def setblocking(self, _on: bool) -> None:
        return None

    def setsockopt(self, *_: Any) -> None:
        return None

    def close(self) -> None:
        self.closed = True
