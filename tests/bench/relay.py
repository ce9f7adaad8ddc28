"""Huijian's relay under test: the real worker process, which gets its commands over its unix socket as from the broker,
and on request the real recorder process behind its tap. Kiosks and supervisors are WHEP clients, one for each side."""

import asyncio
import socket
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path

from broker.ipc.client import Client as IpcClient
from broker.ipc.relay_messages import (
    RELAY,
    AdmitSession,
    GetStatus,
    LeaseGate,
    Publish,
    RelayStatus,
    Subscribe,
    TapSession,
)
from broker.kernel.clock import monotonic
from broker.kernel.database import engine_for
from recorder.archive.tables import METADATA
from tests.bench import process
from tests.bench.client import Client
from tests.bench.system import KINDS, SIDES, SUPERVISORS, Place, connected
from tests.support.ipc import FactLog
from tests.support.recorder import RecorderProcess, start_order

LEASE, RENEW = 3.0, 1.0  # seconds; the gate of each session is leased as by the broker
FOR_EVER = 4 * 3600.0  # seconds, longer than any run, also than a soak of two hours
OTHER = {"prison": "visitor", "visitor": "prison"}


class Relay:
    """A worker with its recorder. Watchers that are `like_browsers` negotiate retransmissions and transport-wide
    feedback, and report twenty times a second; Janus does not number packets for its subscribers and is spared that."""

    def __init__(self, like_browsers: bool) -> None:
        self.pid, self._like_browsers = 0, like_browsers
        self._open: list[str] = []
        self._log = FactLog()
        self._around = AsyncExitStack()
        self._recorder: RecorderProcess | None = None
        self._tap: Path | None = None

    async def start(self, place: Place) -> None:
        """Start the worker, and with `record` the recorder on the other core, or a reader that discards the records."""
        if place.discard:
            self._tap = self._around.enter_context(_discarding(place.folder / "tap.sock"))
        elif place.record:
            self._recorder = await self._start_recorder(place)
            self._tap = place.folder / "tap.sock"
        self._link = IpcClient(place.folder / "relay-0.sock", RELAY)
        command = [sys.executable, "-m", "broker.relay", "relay-0", str(place.folder), "127.0.0.1", "0"]
        self._process = await process.start(command, place.core, HUIJIAN_LOG_LEVEL="warning")
        self.pid = self._process.pid
        self._tasks = [asyncio.create_task(self._link.run(self._log)), asyncio.create_task(self._lease())]
        await asyncio.wait_for(self._log.up.wait(), 20)

    async def session(self, number: int) -> list[Client]:
        """Admit a session, publish, watch, open its gate and record it."""
        name = f"ses_{number}"
        await self._link.call(AdmitSession(session=name, tap=number + 1))
        clients = [await self._publisher(name, side) for side in SIDES]
        clients += [await self._watcher(name, OTHER[side], side, gated=True) for side in SIDES]
        for supervisor in range(SUPERVISORS):
            clients += [await self._watcher(name, side, f"supervisor-{supervisor}", gated=False) for side in SIDES]
        if self._recorder is not None:
            await self._recorder.call(start_order(name, number + 1))
        if self._tap is not None:
            await self._link.call(TapSession(session=name, on=True, socket=str(self._tap)))
        self._open.append(name)
        return clients

    async def note(self) -> str:
        """Return the packets that the recorder did not take, what was refused, and the errors that the worker reported.
        Some handshakes are always refused: a worker begins a hundred at once and fifty a second, and checks come again.
        """
        status = await self._link.call(GetStatus())
        facts = Counter(name for name, _ in self._log.facts)
        wrong = {name: facts[name] for name in ("session_failed", "resource_closed") if facts[name]}
        if status.tap_lost:
            wrong["tap_lost"] = status.tap_lost
        wrong |= {f"rejected {reason}": count for reason, count in status.refused.items() if count}
        return ", ".join(f"{name} {count}" for name, count in wrong.items())

    async def status(self) -> RelayStatus:
        """Return what the worker counts."""
        return await self._link.call(GetStatus())

    def supervisors_lost(self) -> int:
        """Return how often so far the worker reported that a supervisor no longer receives."""
        changes = (members for name, members in self._log.facts if name == "subscription_changed")
        return sum(not change["gated"] and not change["on"] for change in changes)

    async def stop(self) -> None:
        """End the worker and the recorder."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await process.stop(self._process)
        if self._recorder is not None:
            await self._recorder.kill()  # its files are thrown away, so their checksums are not waited for
        await self._around.aclose()

    async def _start_recorder(self, place: Place) -> RecorderProcess:
        url = f"sqlite+aiosqlite:///{place.folder / 'huijian.sqlite'}"
        engine = engine_for(url)
        async with engine.begin() as connection:
            await connection.run_sync(METADATA.create_all)
        await engine.dispose()
        environment = {"HUIJIAN_DATABASE_URL": url, "HUIJIAN_LOG_LEVEL": "warning"}
        recorder = await self._around.enter_async_context(RecorderProcess(place.folder, place.folder, **environment))
        process.pin(recorder.process.pid, place.other_core)
        return recorder

    async def _publisher(self, session: str, side: str) -> Client:
        client = Client()
        sdp = client.offer(KINDS, "sendonly")
        client.take_answer((await self._link.call(Publish(session=session, side=side, sdp=sdp))).sdp)
        return await connected(client)

    async def _watcher(self, session: str, side: str, subscriber: str, gated: bool) -> Client:
        client = Client(self._like_browsers, far=gated)
        sdp = client.offer(KINDS, "recvonly")
        command = Subscribe(session=session, side=side, subscriber=subscriber, gated=gated, sdp=sdp)
        client.take_answer((await self._link.call(command)).sdp)
        return await connected(client)

    async def _lease(self) -> None:
        while True:
            for session in self._open:
                now = monotonic()
                self._link.post(LeaseGate(session=session, until=now + LEASE, deadline=now + FOR_EVER, limit=FOR_EVER))
            await asyncio.sleep(RENEW)


@contextmanager
def _discarding(path: Path) -> Iterator[Path]:
    """Open a tap socket at `path` and discard its records: this costs the relay the tap, without a recorder's load."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(path))
        listener.listen()
        listener.setblocking(False)
        taken: list[socket.socket] = []

        def read(connection: socket.socket) -> None:
            with suppress(BlockingIOError):
                while connection.recv(1 << 16):
                    pass
                loop.remove_reader(connection)

        def accept() -> None:
            taken.append(listener.accept()[0])
            taken[-1].setblocking(False)
            loop.add_reader(taken[-1], read, taken[-1])

        loop.add_reader(listener, accept)
        yield path
        loop.remove_reader(listener)
        for connection in taken:
            loop.remove_reader(connection)
            connection.close()
