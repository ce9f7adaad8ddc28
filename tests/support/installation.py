"""A whole Huijian for journeys: real recorder, relay and control processes in a folder of their own, with the stage of
the demonstration, driven through the front door."""

import asyncio
import json
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp

from broker.control.journal.journal import Journal
from broker.control.journal.reader import entries
from broker.control.store.migrations import migrate
from broker.control.store.store import Store
from broker.kernel.clock import SystemClock
from broker.kernel.ids import Side
from config.settings import Settings
from huijian.control import ADDRESS_FILE
from huijian.demo.officers import OfficerClient, post_slot
from huijian.demo.setup import PLACES, POLICY, Credentials, set_up
from huijian.demo.synthetic.sources import generated_sources
from huijian.serve import children
from huijian.supervisor import ProcessSupervisor
from kiosk_agent.agent import Kiosk, KioskConfig


class Installation:
    """Running processes, an HTTP client, and the stage's credentials."""

    def __init__(self, settings: Settings, store: Store, credentials: Credentials, http: aiohttp.ClientSession) -> None:
        self.settings, self.store, self.credentials, self.http = settings, store, credentials, http
        self.processes = ProcessSupervisor()
        self.server = ""
        self._signed_in: list[OfficerClient] = []

    async def start(self) -> None:
        """Start all processes."""
        for child in children(self.settings):
            self.processes.start(child)
        await self.answering()

    async def answering(self) -> None:
        """Wait until the front door answers (again); `server` is where."""
        async with asyncio.timeout(30):
            while True:
                try:
                    self.server = (self.settings.run_dir / ADDRESS_FILE).read_text().strip()
                    async with self.http.get(f"{self.server}/healthz") as response:
                        if response.status == 200:
                            for officer in self._signed_in:  # their pages come back to where the door is now
                                officer.server = self.server
                            return
                except (FileNotFoundError, aiohttp.ClientError):
                    pass  # not there yet; the processes are of another program and have no event for us
                await asyncio.sleep(0.05)

    def kill(self, name: str) -> None:
        """kill -9 one of the processes; it is started again by its parent."""
        os.kill(self.processes.pids()[name], signal.SIGKILL)

    def stop(self, name: str) -> None:
        """Have one of the processes hang: everything of it is there, and nothing moves."""
        os.kill(self.processes.pids()[name], signal.SIGSTOP)

    def cont(self, name: str) -> None:
        """It hangs no more."""
        os.kill(self.processes.pids()[name], signal.SIGCONT)

    def pid(self, name: str) -> int:
        """The process id of one of the processes."""
        return self.processes.pids()[name]

    async def slot(self, **changes: Any) -> str:
        """Post an approved slot that begins now; the session's id."""
        now = SystemClock().now().wall
        slot = {
            "prison_room": PLACES[Side.PRISON].room,
            "visitor_room": PLACES[Side.VISITOR].room,
            "starts_at": now.isoformat(),
            "ends_at": (now + timedelta(minutes=3)).isoformat(),
            "minutes": 1,
            "people": [{"side": "prison", "name": "甲"}, {"side": "visitor", "name": "乙", "relation": "母亲"}],
            "approved_by": "监狱长",
            "article": "云南 第十四条",
        }
        return await post_slot(self.http, self.server, self.credentials.key, slot | changes)

    async def officers(self) -> list[OfficerClient]:
        """All four, signed in; the prison's two first."""
        found = [
            await OfficerClient.sign_in(self.http, self.server, one.id, one.password)
            for one in self.credentials.officers
        ]
        self._signed_in += found
        return found

    async def view(self, session: str, officer: OfficerClient) -> dict[str, Any]:
        """A session as an officer sees it."""
        return await officer.session(session)

    async def until(
        self, officer: OfficerClient, session: str, holds: Callable[[dict[str, Any]], bool], timeout: float = 40.0
    ) -> dict[str, Any]:
        """Listen on the officer's socket until a view of the session fulfils `holds`."""
        headers = {"Authorization": f"Bearer {officer.token}"}
        url = f"{self.server}/api/v1/ws"
        last: dict[str, Any] = {}
        try:
            async with (
                asyncio.timeout(timeout),
                self.http.ws_connect(url, headers=headers, protocols=["huijian.v1"]) as socket,
            ):
                async for message in socket:
                    told = message.json()
                    views = told.get("sessions", []) if told["type"] == "sessions" else [told.get("session")]
                    for view in views:
                        if isinstance(view, dict) and view["id"] == session:
                            last = view
                            if holds(view):
                                return view
        except TimeoutError:
            raise AssertionError(f"not in {timeout:g} s; last seen: {json.dumps(last, ensure_ascii=False)}") from None
        raise AssertionError("the socket closed before it held")

    async def journal(self, session: str) -> list[tuple[str, dict[str, Any]]]:
        """Kind and data of what was written down for a session."""
        return [(entry.kind, json.loads(entry.data)) for entry in await entries(self.store.engine, session)]

    async def written(self, session: str, code: Callable[[str], bool]) -> list[tuple[str, dict[str, Any]]]:
        """The journal of a session, once an entry with such a code is in it: it is written in the background."""
        async with asyncio.timeout(10):
            while True:
                entries = await self.journal(session)
                if any(code(str(data.get("code"))) for _, data in entries):
                    return entries
                await asyncio.sleep(0.05)

    @asynccontextmanager
    async def kiosk(self, side: Side, source: str = "generated") -> AsyncIterator[Kiosk]:
        """The terminal of a side's room, in this process."""
        generated = {"generated": generated_sources}
        config = KioskConfig(self.server, self.credentials.terminals[side], source, generated, side_hint=side)
        ending = asyncio.Event()
        async with aiohttp.ClientSession() as http:
            kiosk = Kiosk(config, http, lambda stats: None)
            running = asyncio.create_task(kiosk.run(ending))
            try:
                yield kiosk
            finally:
                ending.set()
                await asyncio.wait_for(running, 15)


@asynccontextmanager
async def installation(policy: str = POLICY) -> AsyncIterator[Installation]:
    """A running Huijian whose sites are under the pack `policy`, ended in order, with nothing left behind."""
    with tempfile.TemporaryDirectory(prefix="hj") as folder:
        settings = Settings.load(
            data_dir=Path(folder), http_port=0, demo=True, relay_workers=1, disk_reserve_bytes=0, log_level="error"
        )
        settings.prepare()
        await migrate(settings.database_url)
        async with Store(settings.database_url, SystemClock()) as store, aiohttp.ClientSession() as http:
            async with Journal(store.engine, SystemClock()) as journal:
                credentials = await set_up(store, journal, policy)
            running = Installation(settings, store, credentials, http)
            try:
                await running.start()
                yield running
            finally:
                await running.processes.stop()
