"""One world: a machine with the processes of Huijian, two provinces' rooms and officers, the visits that a seed plans,
and the story of what truly happens."""

import asyncio
import random
import shutil
import sqlite3
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from broker.control.broker import Broker
from broker.control.store.migrations import migrate
from broker.control.store.records import SiteKind
from broker.control.store.store import Store
from broker.kernel.ids import ResourceId, SessionId, Side
from broker.session.state import State
from config import pack_loader
from recorder.evidence.signing import installed as signing_key
from recorder.mp4.placeholder_frame import placeholder_frame
from tests.simulation.engine import edge
from tests.simulation.engine.database import Trouble
from tests.simulation.engine.disk import Disk
from tests.simulation.engine.network import Network
from tests.simulation.engine.process import Process
from tests.simulation.engine.scheduler import Scheduler, SimLoop
from tests.simulation.story import Story
from tests.simulation.world import media, relay
from tests.simulation.world.clocks import Clocks
from tests.simulation.world.control import Control
from tests.simulation.world.front import Front
from tests.simulation.world.lines import Line
from tests.simulation.world.people import Officer, Room
from tests.simulation.world.recorder import Recorder, settings_in, with_pretend_tap
from tests.simulation.world.relay import SimPeer, SimWorker
from tests.simulation.world.visits import Visit

PROVINCES = {"yunnan": ("first-prison", "panlong"), "guangdong": ("panyu-prison", "tianhe")}
"""The prison and the bureau's site of each pack."""
SECOND_PRISONS = {"yunnan": "second-prison", "guangdong": "meizhou-prison"}
ROOMS = 2
OPEN = (State.CHECK_IN, State.READY, State.LIVE, State.HELD)
LOOK = 0.25
"""Seconds between looks at what the control process shows of its sessions."""


class World:
    """A world under construction, running, or over. Use it in `made(seed)`."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.seed, self.folder = seed, folder
        self.chance = random.Random(seed)
        self.story = Story(seed)
        self.scheduler = Scheduler()
        self.clocks = Clocks(self.scheduler)
        self.trouble = Trouble()
        self.network = Network(self._delay)
        self.slowness = 1.0
        self.loop = SimLoop(self.scheduler, "world", self.network, self.failed)
        self.front = Front(self)
        self.disk = Disk(folder / "archive", self.scheduler, self._dies_at_disk)
        self.settings = settings_in(folder)
        self.over = self.disposing = False
        self.packs: dict[str, str] = {}
        """The texts of packs whose files were edited."""
        self.receivers: dict[ResourceId, Line] = {}
        self.visits: list[Visit] = []
        self.officers: list[Officer] = []
        self.rooms: list[Room] = []
        self._control: Control | None = None
        self._recorder: Recorder | None = None
        self.worker: SimWorker | None = None
        self._disk_latency = random.Random(seed + 2)
        self._jitter = random.Random(seed + 3)
        self.disk_slow_until = 0.0
        self.processes = {
            name: Process(name, self.scheduler, self.network, boot, self.note, self._start_time, lambda: self.over)
            for name, boot in (
                ("recorder", self._boot_recorder),
                ("relay", self._boot_relay),
                ("control", self._boot_control),
            )
        }
        self.processes["recorder"].latency = self._disk_time

    # --- processes -----------------------------------------------------------------------------------------------

    @property
    def broker(self) -> Broker | None:
        """The broker of the control process that runs now."""
        return self._control.broker if self._control is not None and self.processes["control"].loop else None

    async def _boot_control(self, loop: SimLoop) -> None:
        self._control = Control(self.settings.database_url, self.settings.run_dir, self.clocks)
        await self._control.main()

    async def _boot_recorder(self, loop: SimLoop) -> None:
        self._recorder = Recorder(self.settings, self.clocks)
        await self._recorder.main()

    async def _boot_relay(self, loop: SimLoop) -> None:
        run_dir, mono = self.settings.run_dir, self.clocks.mono
        self.worker = SimWorker("relay-0", run_dir, self.network, loop, self._sent, mono)
        await self.worker.main()

    def _start_time(self) -> float:
        return self.chance.uniform(0.3, 1.5)

    def kill(self, name: str, down: float = 0.0, restart: bool = True) -> None:
        """Kill a process; its connections break, and what it had not committed is gone."""
        process = self.processes[name]
        loop = process.loop
        process.kill(restart, down)
        for connection in [one for one in self.trouble.open if one.loop is loop]:
            connection.drop()
        if name == "relay":
            self.worker = None

    def _dies_at_disk(self) -> None:
        self.note("dies at the disk", "recorder", operation=self.disk.operations)
        self.kill("recorder")

    def cut_power(self, seconds: float, chance: random.Random) -> None:
        """Cut the power of the machine, and start everything again after a while."""
        for name in self.processes:
            self.kill(name, restart=False)
        self.disk.cut_power(chance)
        self.note("power cut", "machine", seconds=round(seconds, 1))
        self.loop.call_later(seconds, self._boot_machine)

    def _boot_machine(self) -> None:
        self.clocks.reboot()
        self.note("booted", "machine")
        for process in self.processes.values():
            if process.loop is None:
                process.start(self.loop)

    # --- the network ------------------------------------------------------------------------------------------------

    def _delay(self) -> float:
        return self._jitter.uniform(0.0002, 0.004) * self.slowness

    def _disk_time(self) -> float:
        waits = max(0.0, self.disk_slow_until - self.scheduler.now)
        return waits + self._disk_latency.uniform(0.0005, 0.004)

    def _sent(self, peer: SimPeer, data: bytes) -> None:
        """A packet leaves the relay worker: through the gate, or to an officer."""
        line = self.receivers.get(peer.resource)
        if line is None or len(data) < 13:
            return
        now = self.scheduler.now
        kind = "audio" if data[1] & 127 == media.SOUND_TYPE else "video"
        if peer.down_tracks and peer.down_tracks[0].gated:
            self._crossed(peer, data, now)
        line.took(kind, now)

    def _crossed(self, peer: SimPeer, data: bytes, now: float) -> None:
        session = peer.session
        side = "prison" if peer.down_tracks[0].track.number < 2 else "visitor"
        crossing = self.story.crossings[session][side]
        crossing.moments.append(now)
        found = media.sound_of(data)
        if found is not None:
            crossing.sounds.append((now, found[2]))

    # --- the story ---------------------------------------------------------------------------------------------------

    def note(self, kind: str, about: str = "", **data: Any) -> None:
        """Write down what happens now."""
        if not self.disposing:
            self.story.add(self.scheduler.now, kind, about, **data)

    def failed(self, message: str, error: BaseException) -> None:
        """Write down an error that nothing has caught."""
        where = traceback.extract_tb(error.__traceback__)[-1:] if error.__traceback__ else []
        place = f"{Path(where[0].filename).name}:{where[0].lineno}" if where else ""
        self.note("fault", "world", what=message, error=repr(error)[:200], place=place)

    def logged(self, event: dict[str, Any]) -> None:
        """Write down an error that the product has logged with its exception."""
        if event.get("exc_info"):
            self.note("exception", self._name(), what=event["event"], error=_error_of(event))

    def _name(self) -> str:
        return self.scheduler.current.name if self.scheduler.current is not None else "world"

    def open(self, session: SessionId) -> bool:
        """Whether the pages and terminals know of this session as one to connect to."""
        live = self.broker._runners.get(session) if self.broker is not None else None
        return live is not None and live.session.state in OPEN

    # --- running -----------------------------------------------------------------------------------------------------

    def run(self, until: float, quiet: float) -> None:
        """Start everything, and let time pass up to `until`, or until from `quiet` on nothing more is to be done."""
        for process in self.processes.values():
            process.start(self.loop)
        for actor in (*self.officers, *self.rooms, *self.visits):
            self.loop.create_task(actor.run())
        self.loop.create_task(self._watch())
        try:
            self.scheduler.run(quiet)
            while self.scheduler.now < until and not self._done():
                self.scheduler.run(self.scheduler.now + 2.0)
        finally:
            self.over = True

    def dispose(self) -> None:
        """End what is left of all processes, without a trace in the story: no coroutine is left to the collector."""
        self.disposing, self.disk.closed = True, True
        for process in self.processes.values():
            process.loop = None
        loops = [self.loop, *(loop for process in self.processes.values() for loop in process.loops)]
        for _ in range(20):
            tasks = [task for loop in loops for task in asyncio.all_tasks(loop)]  # type: ignore[arg-type]
            if not tasks:
                break
            for loop in loops:
                loop.dead, loop.paused_until = False, 0.0
            for task in tasks:
                task.cancel()
            self.scheduler.run(self.scheduler.now + 1.0)

    def _done(self) -> bool:
        """Whether all is over and archived, as the database and the archive have it."""
        work = self.folder / "archive" / ".work"
        if self.broker is None or (work.is_dir() and any(work.iterdir())):
            return False
        with sqlite3.connect(self.folder / "data" / "huijian.sqlite") as connection:
            count = (
                "SELECT (SELECT count(*) FROM recordings WHERE state NOT IN ('archived', 'failed') OR NOT announced)"
            )
            (left,) = connection.execute(count).fetchone()
        connection.close()
        states = [self.broker._runners.get(visit.slot.session) for visit in self.visits]
        return left == 0 and all(live is None or live.session.state is State.ENDED for live in states)

    async def _watch(self) -> None:
        """Write down what the control process shows of each session, as it changes."""
        shown: dict[str, str] = {}
        while not self.over:
            broker = self.broker
            for visit in self.visits if broker is not None else ():
                live = broker._runners.get(visit.slot.session)  # type: ignore[union-attr]
                state = "none" if live is None else str(live.session.state)
                if shown.get(visit.name) != state:
                    shown[visit.name] = state
                    end = live.session.end if live is not None else None
                    more = (
                        {} if end is None else {"reason": str(end.reason), "cause": end.cause, "article": end.article}
                    )
                    self.note("state", visit.name, state=state, **more)
            await asyncio.sleep(LOOK)

    # --- what is left -------------------------------------------------------------------------------------------------

    def execute(self, statement: str, *values: Any) -> int:
        """Change the database from outside of the service, as an admin command does; how many rows were changed."""
        with sqlite3.connect(self.folder / "data" / "huijian.sqlite", timeout=0.0) as connection:
            changed = connection.execute(statement, values).rowcount
        connection.close()
        return changed

    def stamp(self) -> str:
        """Return the present wall time as SQLite keeps it."""
        return self.clocks.wall().replace(tzinfo=None).isoformat(" ", "microseconds")

    def films(self) -> dict[str, bytes]:
        """Return the media files of the archive, by path."""
        root = self.folder / "archive"
        return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*.mp4"))}


def _error_of(event: dict[str, Any]) -> str:
    import sys

    found = event["exc_info"]
    error = found if isinstance(found, BaseException) else sys.exc_info()[1]
    if error is None:
        return "?"
    frames = [f"{Path(f.filename).name}:{f.lineno}" for f in traceback.extract_tb(error.__traceback__)[-3:]]
    return f"{error!r} at {' '.join(frames)}"[:400]


@cache
def _template() -> bytes:
    """Return a database with sites and rooms in it, made once in a process."""
    with tempfile.TemporaryDirectory(dir=edge.folder()) as folder:
        path = Path(folder) / "huijian.sqlite"
        asyncio.run(_fill(f"sqlite+aiosqlite:///{path}"))
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return path.read_bytes()


async def _fill(url: str) -> None:
    await migrate(url)
    async with Store(url) as store:
        for pack, (prison, bureau) in PROVINCES.items():
            await store.add_site(prison, SiteKind.PRISON, prison, pack)
            await store.add_site(bureau, SiteKind.BUREAU, bureau, pack)
            second = SECOND_PRISONS[pack]
            await store.add_site(second, SiteKind.PRISON, second, pack)
            for number in range(ROOMS):
                for site in (prison, bureau, second):
                    await store.add_room(f"{site}-{number}", site, f"room {number}")


@cache
def _keys() -> dict[str, bytes]:
    """Return the files of a signing key, made once in a process."""
    with tempfile.TemporaryDirectory(dir=edge.folder()) as folder:
        keys = Path(folder) / "keys"
        keys.mkdir()
        signing_key(keys, Path(folder) / "archive")
        return {path.name: path.read_bytes() for path in keys.iterdir() if path.is_file()}


@contextmanager
def made(seed: int) -> Iterator[World]:
    """Give a new world; its files are gone when the block is left."""
    template, keys = _template(), _keys()
    placeholder_frame()
    media.pictures()
    folder = Path(tempfile.mkdtemp(prefix="huijian-sim-", dir=edge.folder()))
    try:
        for name in ("archive", "data", "run", "data/keys"):
            (folder / name).mkdir()
        (folder / "data" / "huijian.sqlite").write_bytes(template)
        world = World(seed, folder)
        world.settings.keys_dir.mkdir(exist_ok=True)
        for name, content in keys.items():
            (world.settings.keys_dir / name).write_bytes(content)
            (world.settings.keys_dir / name).chmod(0o600)
        outside = edge.Edge(
            world.scheduler,
            world.trouble,
            world.clocks.mono,
            world.clocks.wall,
            world.clocks.boot,
            world.clocks.discipline,
            lambda: world.disk.free,
            random.Random(seed + 4),
            world.logged,
        )
        with edge.installed(outside), pytest.MonkeyPatch.context() as patch, world.disk.mounted():
            relay.without_encryption(patch)
            read = pack_loader._find
            patch.setattr(
                pack_loader, "_find", lambda name: (str(name), world.packs[name]) if name in world.packs else read(name)
            )
            with_pretend_tap(patch, world.network)
            try:
                yield world
            finally:
                world.dispose()
        for connection in list(world.trouble.open):
            connection.drop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


__all__ = ["PROVINCES", "ROOMS", "SECOND_PRISONS", "Side", "World", "made"]
