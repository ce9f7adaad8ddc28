"""The control process's view of the relay workers: one link each, every session placed on one of them."""

import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from broker.control.load_balancing import Load, choose
from broker.control.statistics import Worker
from broker.control.worker_load import Meter
from broker.ipc.client import Client, Disconnected
from broker.kernel.clock import Clock
from broker.kernel.errors import RelayUnavailable, VisitError
from broker.kernel.ids import ResourceId, SessionId, Side

FactTaker = Callable[[str, dict[str, Any]], None]
MEASURE = 2.0  # seconds between looks at what the workers do
ANSWER = 1.0  # seconds for an answer: a worker that takes longer gets no new sessions
SETTLE = 2.0  # seconds after our start for workers that already run to say whom they have: nobody is placed twice
_OF_ITS_PLACE = frozenset({"media", "watching", "quality", "failed"})


def tap_of(session: SessionId) -> int:
    """The number under which a session's packets go to the recorder; the same after every restart."""
    return int.from_bytes(hashlib.sha256(session.encode()).digest()[:4], "big")


class RelayPool:
    """All workers. `on_fact(name, members)` gets what they say; "up" and "down" name the sessions concerned."""

    def __init__(self, run_dir: Path, workers: int, most: int, clock: Clock, on_fact: FactTaker) -> None:
        self._on_fact, self._most, self._clock = on_fact, most, clock
        self._places: dict[SessionId, int] = {}
        self._tap_socket = str(run_dir / "tap.sock")
        self._ready = [False] * workers
        self._answers = [True] * workers
        self._meters = [Meter() for _ in range(workers)]
        self._since = [0] * workers  # sessions placed since the last measurement
        self._settled = asyncio.Event()
        self._links = [self._link(run_dir, number) for number in range(workers)]

    def _link(self, run_dir: Path, number: int) -> Client:
        return Client(
            run_dir / f"relay-{number}.sock",
            "relay",
            lambda name, members: self._fact(number, name, members),
            lambda: None,
            lambda: self._down(number),
        )

    async def run(self) -> None:
        """Keep all links up and measured, until cancelled."""
        asyncio.get_running_loop().call_later(SETTLE, self._settled.set)
        async with asyncio.TaskGroup() as group:
            for number, link in enumerate(self._links):
                group.create_task(link.run())
                group.create_task(self._measure_on(number))

    def _fact(self, number: int, name: str, members: dict[str, Any]) -> None:
        session = SessionId(str(members.get("session", "")))
        if name == "admitted":
            self._admitted(number, session)
        elif name == "ready":
            self._is_ready(number)
        elif name not in _OF_ITS_PLACE or self._places.get(session, number) == number:
            self._on_fact(name, members)

    def _admitted(self, number: int, session: SessionId) -> None:
        """A worker has a session, perhaps from before a link broke; if another has it by now, this one must let go."""
        if self._places.setdefault(session, number) != number:
            self._links[number].post("close", session=session)

    def _is_ready(self, number: int) -> None:
        self._ready[number], self._answers[number], self._meters[number] = True, True, Meter()
        if all(self._ready):
            self._settled.set()
        self._on_fact("up", {"sessions": self._placed(number)})

    def _down(self, number: int) -> None:
        """A worker is gone; its sessions are lost, and may be placed anew at once where another worker is there."""
        self._ready[number] = False
        lost = self._placed(number)
        for session in lost:
            del self._places[session]
        self._on_fact("down", {"sessions": lost})
        if lost and self.any_ready:
            self._on_fact("up", {"sessions": []})

    async def _measure_on(self, number: int) -> None:
        while True:
            if self._ready[number]:
                await self._measure(number)
            await asyncio.sleep(MEASURE)

    async def _measure(self, number: int) -> None:
        since = self._since[number]
        try:
            status = await self._links[number].call("status", timeout=ANSWER)
        except VisitError:
            self._answers[number] = False
            return
        self._answers[number] = True
        self._since[number] = max(0, self._since[number] - since)
        self._meters[number].told(status, self._clock.now().mono)

    def _placed(self, number: int) -> list[SessionId]:
        return [session for session, place in self._places.items() if place == number]

    @property
    def any_ready(self) -> bool:
        """Whether some worker can take a session."""
        return any(self._ready)

    def _of(self, session: SessionId) -> Client:
        number = self._places.get(session)
        if number is None or not self._links[number].up:
            raise RelayUnavailable("The relay of this session is not there.", "该会见的转发服务暂不可用。")
        return self._links[number]

    async def admit(self, session: SessionId) -> None:
        """Let a session in, on the worker with the least to do. Raises RelayUnavailable when none has room."""
        await self._settled.wait()
        number = self._places.get(session)
        if number is None:
            number = self._places[session] = self._choose()
            self._since[number] += 1
        try:
            await self._of(session).call("admit", session=session, tap=tap_of(session))
        except VisitError:
            if self._places.get(session) != number:
                return  # the worker went meanwhile: "down" has been told, and all that follows from it is under way
            del self._places[session]
            self._links[number].post("close", session=session)
            raise

    def _choose(self) -> int:
        number = choose([self._load(number) for number in range(len(self._links))], self._most)
        if number is None:
            raise RelayUnavailable("No relay worker has room for another session.", "转发服务已满，请稍候。")
        return number

    def _load(self, number: int) -> Load | None:
        if not (self._ready[number] and self._answers[number]):
            return None
        return Load(self._meters[number].doing.cpu, len(self._placed(number)), self._since[number])

    @property
    def has_room(self) -> bool:
        """Whether some worker would take a session now."""
        return choose([self._load(number) for number in range(len(self._links))], self._most) is not None

    async def publish(self, session: SessionId, side: Side, sdp: str, who: str) -> tuple[ResourceId, str]:
        """Answer a WHIP offer. Raises VisitError."""
        told = await self._ask(session, "publish", side=side, sdp=sdp, who=who)
        return ResourceId(told["resource"]), str(told["sdp"])

    async def subscribe(
        self, session: SessionId, side: Side, sdp: str, who: str, gated: bool
    ) -> tuple[ResourceId, str]:
        """Answer a WHEP offer. Raises VisitError."""
        told = await self._ask(session, "subscribe", side=side, sdp=sdp, who=who, gated=gated)
        return ResourceId(told["resource"]), str(told["sdp"])

    async def publish_voice(self, session: SessionId, sdp: str, who: str) -> tuple[ResourceId, str]:
        """Answer an officer's offer of a microphone. Raises VisitError."""
        told = await self._ask(session, "publish_voice", sdp=sdp, who=who)
        return ResourceId(told["resource"]), str(told["sdp"])

    async def listen(self, session: SessionId, side: Side | None, sdp: str, who: str) -> tuple[ResourceId, str]:
        """Answer the offer of somebody who wants to hear the officers. Raises VisitError."""
        told = await self._ask(session, "listen", side=side, sdp=sdp, who=who)
        return ResourceId(told["resource"]), str(told["sdp"])

    async def _ask(self, session: SessionId, do: str, **members: Any) -> dict[str, Any]:
        try:
            return await self._of(session).call(do, session=session, **members)
        except Disconnected as error:
            raise RelayUnavailable() from error

    async def restart(self, session: SessionId, resource: ResourceId, fragment: str) -> str:
        """Answer an ICE restart. Raises VisitError."""
        return str((await self._ask(session, "restart", resource=resource, fragment=fragment))["fragment"])

    async def drop(self, session: SessionId, resource: ResourceId) -> None:
        """End one resource. Raises VisitError."""
        await self._ask(session, "drop", resource=resource)

    async def record(self, session: SessionId, on: bool) -> None:
        """Start or stop giving the session's packets to the recorder. Raises VisitError."""
        await self._ask(session, "record", on=on, socket=self._tap_socket)

    async def close(self, session: SessionId) -> dict[str, Any]:
        """End everything of a session; per side and kind what went through it. Raises VisitError."""
        try:
            told = await self._ask(session, "close")
        finally:
            self._places.pop(session, None)  # also where a worker does not answer: its room is not counted for ever
        return dict(told.get("sides") or {})

    def post(self, session: SessionId, do: str, **members: Any) -> None:
        """Order without waiting (lease, shut, deadline): a worker that is gone has shut its gates anyway."""
        number = self._places.get(session)
        if number is not None:
            self._links[number].post(do, session=session, **members)

    def want_keyframe(self, session: SessionId, side: Side) -> None:
        """Somebody (the recorder) cannot go on without a keyframe of a side."""
        self.post(session, "keyframe", side=side)

    def workers(self) -> tuple[Worker, ...]:
        """What each worker counts and does, as of the last measurement."""
        return tuple(self._worker(number) for number in range(len(self._links)))

    def _worker(self, number: int) -> Worker:
        meter = self._meters[number]
        doing, ready = meter.doing, self._ready[number] and self._answers[number]
        return Worker(
            name=f"relay-{number}",
            ready=ready,
            sessions=frozenset(self._placed(number)),
            cpu=doing.cpu,
            packets_in=doing.packets_in,
            packets_out=doing.packets_out,
            memory=doing.memory,
            p99=doing.p99,
            status=meter.status,
        )
