"""A recorder process under test: starts `python -m recorder`, commands it as the control process does, and feeds its
tap as a relay worker does."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

from broker.ipc.client import Client
from broker.ipc.framing import JsonObject
from broker.ipc.messages import Command, R
from broker.ipc.recorder_messages import RECORDER, AddEvent, PolicyFacts, SideFacts, SlotFacts, StartRecording
from broker.kernel.clock import SystemClock, monotonic, monotonic_ns
from broker.kernel.ids import SessionId, Side
from broker.media.tap_format import RTP, SENDER_REPORT, pack
from tests.support import clips
from tests.support.ipc import FactLog, Members
from tests.support.patience import PATIENCE
from tests.support.recording.archives import acknowledged
from tests.support.rtp import Stream

ROOT = Path(__file__).parents[2]
RATES = (90_000, 48_000, 90_000, 48_000)


class RecorderProcess:
    """A recorder process under test. `facts` holds all facts that it has sent; `wait_for` waits for one of a kind."""

    def __init__(self, folder: Path, run: Path, **environment: str) -> None:
        self.archive, self.run = folder / "archive", run
        self.log = FactLog()
        self._environment = {
            **os.environ,
            "HUIJIAN_DATA_DIR": str(folder),
            "HUIJIAN_RUN_DIR": str(run),
            "HUIJIAN_DISK_RESERVE_BYTES": "0",
            "HUIJIAN_VIEW_JOBS": "0",
            **environment,
        }

    async def __aenter__(self) -> "RecorderProcess":
        await self.spawn()
        await self.connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
        self._listening.cancel()
        with suppress(asyncio.CancelledError):
            await self._listening

    async def spawn(self) -> None:
        """Start the process without connecting to it."""
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "recorder", cwd=ROOT, env=self._environment, stdin=asyncio.subprocess.PIPE
        )

    async def connect(self) -> None:
        """Connect as a control process does, and wait until the recorder answers."""
        self.link = Client(self.run / "recorder.sock", RECORDER)
        self._listening = asyncio.create_task(self.link.run(self.log))
        await self.answers()

    async def answers(self) -> None:
        """Wait until the link to the recorder is up."""
        await asyncio.wait_for(self.log.up.wait(), PATIENCE)

    async def hang_up(self) -> None:
        """Close the link, as a control process does that dies."""
        self._listening.cancel()
        with suppress(asyncio.CancelledError):
            await self._listening

    async def kill(self) -> None:
        """Kill the process, as a crash does."""
        self.log.up.clear()
        self.process.kill()
        await self.process.wait()

    async def restart(self) -> None:
        """Start the process again, once it has ended, and wait until it answers."""
        await self.process.wait()
        self.log.up.clear()
        await self.spawn()
        await self.answers()

    async def stop(self) -> int:
        """Stop the process with SIGTERM and return its exit code."""
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        try:
            return await asyncio.wait_for(self.process.wait(), PATIENCE)
        except TimeoutError:
            self.process.kill()  # no process outlives its test
            raise

    @property
    def facts(self) -> list[tuple[str, Members]]:
        """Every fact of the recorder so far: its name and its members."""
        return self.log.facts

    async def call(self, command: Command[R]) -> R:
        """Send a command and return the reply."""
        return await self.link.call(command)

    async def note(self, session: str, event: JsonObject) -> None:
        """Add an event of now to the timeline."""
        now = SystemClock().now()
        session_id = SessionId(session)
        await self.call(AddEvent(session=session_id, event=event, at=now.wall.isoformat(), mono=now.mono))

    async def wait_for(self, name: str, after: int = 0, where: Callable[[Members], bool] = lambda _: True) -> Members:
        """Return the first fact of that name among those from number `after` on."""
        return await self.log.wait_for(name, after, where)


def start_order(session: str, tap: int, deadline_mono: float | None = None) -> StartRecording:
    """Return the order to record a session of half an hour, as the control process sends it."""
    return StartRecording(
        session=SessionId(session),
        tap=tap,
        site="prison-site",
        slot=SlotFacts(
            id="slot_1",
            minutes=30,
            starts_at="2026-11-22T02:00:00+00:00",
            ends_at="2026-11-22T02:40:00+00:00",
            approved_by="监狱审批",
            article="云南 第八条",
        ),
        policy=PolicyFacts(name="yunnan", version="1", retention_months=6, min_supervisors=2),
        sides={side: SideFacts(site=f"{side}-site", room="r1", title=str(side)) for side in Side},
        people={"kind": "people", "checked_in": [], "watchers": []},
        rules=tuple(acknowledged(side) for side in Side),
        starts_at="2026-11-22T02:00:00+00:00",
        deadline_mono=deadline_mono,
    )


class Relay:
    """A relay worker that feeds one session's tap in real time, both sides from real clips. `connection`: that of the
    same worker for another session, where it has one."""

    def __init__(self, run: Path, tap: int, ssrc: int = 100, connection: socket.socket | None = None) -> None:
        self.tap = tap
        self.socket = connection or socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        if connection is None:
            self.socket.connect(str(run / "tap.sock"))
        self.streams = [Stream(rate, ssrc=ssrc + track, base=track * 7919) for track, rate in enumerate(RATES)]
        self._pictures = (clips.pictures(shade=60), clips.pictures(shade=120))
        self._sounds = (clips.sound(), clips.sound(pitch=880))
        self._next = [0, 0, 0, 0]
        self.begun: float | None = None
        self.sent: list[float] = []
        """When each record was sent (monotonic s)."""

    async def play(self, seconds: float, tracks: Sequence[int] = (0, 1, 2, 3)) -> None:
        """Send `seconds` of media in real time."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        self.begun = self.begun or monotonic()
        start = [self._next[track] / self._rate(track) for track in range(4)]
        while (elapsed := loop.time() - begun) < seconds:
            for track in tracks:
                while self._next[track] / self._rate(track) - start[track] <= elapsed:
                    self._send(track)
            await asyncio.sleep(0.005)

    def send(self, track: int, data: bytes, kind: int = RTP) -> None:
        """Send one record to the tap now."""
        now = monotonic_ns()
        self.socket.send(pack(self.tap, track, kind, now, data))
        self.sent.append(now / 1e9)

    def report(self, track: int, ntp: float) -> None:
        """Send a sender report for the last packet of a track."""
        self.send(track, self.streams[track].report(self._next[track] / self._rate(track), ntp), SENDER_REPORT)

    def longest_pause(self) -> float:
        """Return the seconds of the longest pause between two records: so late was this process."""
        return max(later - before for before, later in pairwise(self.sent))

    def close(self) -> None:
        """Close the connection to the tap."""
        self.socket.close()

    def _send(self, track: int) -> None:
        index, at = self._next[track], self._next[track] / self._rate(track)
        self._next[track] += 1
        if track % 2:
            sounds = self._sounds[track // 2]
            self.send(track, self.streams[track].packet(sounds[index % len(sounds)], at))
            return
        pictures = self._pictures[track // 2]
        for data in self.streams[track].picture(pictures[index % len(pictures)], at):
            self.send(track, data)

    @staticmethod
    def _rate(track: int) -> int:
        return 50 if track % 2 else 30
