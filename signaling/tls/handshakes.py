"""TLS handshakes (RFC 8446, 5246), from the accepted connection to the end of the negotiation. Their arithmetic runs in
threads of low priority, a step at a time and in turns by the place that connections are from, so that a flood of them
delays neither traffic that has been negotiated nor the handshake of a known sender. A connection that has not sent its
whole first message costs a few bytes."""

import asyncio
import os
import socket
import ssl
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

from signaling.auth.rate_limit import Limit
from signaling.ingress.counters import Counters
from signaling.ingress.fairness import FairQueue, FairSet, prefix_of

THREADS = 2
NICENESS = 10
READ = 4 * 1024
MAX_RECEIVED = 64 * 1024
"""Bytes of a client until its handshake is done: it sends no certificate, and 4 KiB are much."""
RECORD = 5  # bytes before a record: its type, a version and its length
HANDSHAKE = 0x16
ADDRESSES = 4096


@dataclass(frozen=True)
class HandshakeLimits:
    """The numbers of handshakes, each with its reason."""

    waiting: int = 1024
    """Connections whose handshake is not done; one more, and the oldest of the place that has the most is closed."""
    seconds: float = 10.0
    """A whole handshake: two round trips, and repeated segments on a poor line."""
    at_once: int = 600
    per_minute: float = 2400
    """Handshakes of one place: a page of eighty files, loaded by some officers behind one address who are not signed in
    yet, makes one for each file. Known addresses are not counted."""
    queued: int = 512
    """Steps that wait for a thread: those of a second, with a key of RSA."""


@dataclass(slots=True, eq=False)
class Handshake:
    """One connection until its handshake is done. `tls` reads from `incoming` and writes to `outgoing`."""

    socket: socket.socket
    peer: str
    place: str
    arrived: float
    first: bool
    """Whether it is from a known sender, whose handshake goes before others."""
    data: bytearray = field(default_factory=bytearray)
    received: int = 0
    incoming: ssl.MemoryBIO = field(default_factory=ssl.MemoryBIO)
    outgoing: ssl.MemoryBIO = field(default_factory=ssl.MemoryBIO)
    tls: ssl.SSLObject | None = None

    def step(self, context: ssl.SSLContext) -> bool:
        """Go on with what has come; return whether the handshake is done. Raises ssl.SSLError. Runs in a thread; until
        it returns, nothing else touches this object but its socket."""
        if self.tls is None:
            self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True


class KnownAddresses:
    """Addresses that a valid credential came from lately, as ingress tells them; the latest ones."""

    def __init__(self) -> None:
        self._addresses: OrderedDict[str, None] = OrderedDict()

    def __contains__(self, address: str) -> bool:
        return address in self._addresses

    def learn(self, addresses: Iterable[str]) -> None:
        """Take in addresses, as the latest ones."""
        for address in addresses:
            self._addresses[address] = None
            self._addresses.move_to_end(address)
        while len(self._addresses) > ADDRESSES:
            self._addresses.popitem(last=False)


class Handshakes:
    """All handshakes of the process. `context` returns the present certificate, `on_done` gets each connection that has
    been negotiated, and `on_plain` the socket of one that speaks HTTP without TLS."""

    def __init__(
        self,
        limits: HandshakeLimits,
        counters: Counters,
        context: Callable[[], ssl.SSLContext],
        on_done: Callable[[Handshake], None],
        on_plain: Callable[[socket.socket], None],
    ) -> None:
        self._limits, self._counters, self._context = limits, counters, context
        self._on_done, self._on_plain = on_done, on_plain
        self.known = KnownAddresses()
        self._arrivals = Limit(limits.at_once, limits.per_minute)
        self._waiting: FairSet[Handshake] = FairSet()
        self._first: FairQueue[Handshake] = FairQueue(limits.queued)
        self._others: FairQueue[Handshake] = FairQueue(limits.queued)
        self._running = 0
        self._loop = asyncio.get_running_loop()
        self._threads = ThreadPoolExecutor(THREADS, "handshake", _give_way)

    def __len__(self) -> int:
        return len(self._waiting)

    def accept(self, connection: socket.socket, peer: str) -> None:
        """Take an accepted connection, if its place has not opened too many."""
        now, place, first = self._loop.time(), prefix_of(peer), peer in self.known
        if not first and not self._arrivals.may(place, now):
            self._counters.count("refused_too_often")
            return connection.close()
        if len(self._waiting) >= self._limits.waiting:
            oldest = self._waiting.oldest_of_largest()
            if oldest is not None:
                self._close(oldest, "crowded_out")
        handshake = Handshake(connection, peer, place, now, first)
        self._waiting.add(handshake, place)
        self._loop.add_reader(connection.fileno(), self._readable, handshake)

    def tick(self, now: float) -> None:
        """Close what is too slow."""
        for handshake in self._waiting:
            if now - handshake.arrived <= self._limits.seconds:
                return  # the others are younger
            self._close(handshake, "slow")

    def close(self) -> None:
        """Close all connections that are not negotiated."""
        for handshake in self._waiting:
            self._close(handshake, "stopping")
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _readable(self, handshake: Handshake) -> None:
        try:
            data = handshake.socket.recv(READ)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            return self._close(handshake, "gone")
        handshake.received += len(data)
        if not data:
            self._close(handshake, "gone")
        elif handshake.received > MAX_RECEIVED:
            self._close(handshake, "malformed")
        elif handshake.tls is not None:
            handshake.incoming.write(data)
            self._queue(handshake, self._first)
        else:
            self._begins(handshake, data)

    def _begins(self, handshake: Handshake, data: bytes) -> None:
        """Gather the first record, and queue the handshake when it is whole."""
        gathered = handshake.data
        gathered += data
        if gathered[0] != HANDSHAKE or (len(gathered) > 1 and gathered[1] != 3):
            self._refuse_plain(handshake)
        elif len(gathered) >= RECORD and len(gathered) >= RECORD + int.from_bytes(gathered[3:RECORD], "big"):
            handshake.incoming.write(bytes(gathered))
            handshake.data = bytearray()
            self._queue(handshake, self._first if handshake.first else self._others)

    def _refuse_plain(self, handshake: Handshake) -> None:
        speaks_http = handshake.data[:1].isalpha()
        if not speaks_http:
            return self._close(handshake, "malformed")
        self._release(handshake)
        self._counters.count("refused_plain")
        self._on_plain(handshake.socket)

    def _queue(self, handshake: Handshake, queue: FairQueue[Handshake]) -> None:
        """Let a handshake wait for a thread. Until then nothing more is read: the thread has the object for itself."""
        self._loop.remove_reader(handshake.socket.fileno())
        displaced = queue.push(handshake, handshake.place)
        if displaced is not None:
            self._close(displaced, "busy")
        self._begin()

    def _begin(self) -> None:
        while self._running < THREADS:
            handshake = self._first.pop() or self._others.pop()
            if handshake is None:
                return
            if handshake not in self._waiting:  # it was closed meanwhile
                continue
            self._running += 1
            work = self._loop.run_in_executor(self._threads, handshake.step, self._context())
            work.add_done_callback(lambda work, handshake=handshake: self._stepped(handshake, work))  # type: ignore[misc]

    def _stepped(self, handshake: Handshake, work: "asyncio.Future[bool]") -> None:
        self._running -= 1
        if not work.cancelled():
            done, failed = work.exception() is None and work.result(), work.exception() is not None
            if handshake in self._waiting:
                self._go_on(handshake, done, failed)
            self._begin()

    def _go_on(self, handshake: Handshake, done: bool, failed: bool) -> None:
        """Send what the step has made, an alert where it failed, and wait for the answer."""
        answer = handshake.outgoing.read()
        try:
            sent = handshake.socket.send(answer) if answer else 0
        except OSError:
            return self._close(handshake, "gone")
        if failed or sent < len(answer):
            return self._close(handshake, "failed")
        if not done:
            self._loop.add_reader(handshake.socket.fileno(), self._readable, handshake)
            return
        self._waiting.discard(handshake)
        self._counters.count("done")
        self._on_done(handshake)

    def _release(self, handshake: Handshake) -> None:
        self._waiting.discard(handshake)
        self._loop.remove_reader(handshake.socket.fileno())

    def _close(self, handshake: Handshake, reason: str) -> None:
        self._release(handshake)
        self._counters.count(f"refused_{reason}")
        handshake.socket.close()


def _give_way() -> None:
    """Give this thread a lower priority than that of the loop; where that is not allowed, it has the same."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
