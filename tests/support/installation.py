"""A whole Huijian for scenario tests: real recorder, relay and control processes in a folder of their own, with the
places and people of the demonstration, driven through REST and WebSocket."""

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

DEMO_PACK = Path(__file__).parents[2] / "config" / "packs" / "demo.toml"
SHORT_LIMIT, SHORT_EXTENSION = 10.0, 50.0  # seconds of a visit under `short_pack`, and of its largest extension


def short_pack(folder: Path) -> str:
    """Write the demonstration's pack with a shorter limit and a longer extension; return its name, which is its
    path."""
    text = DEMO_PACK.read_text("utf-8")
    for rule, before, after in (
        ("hard_limit", "20", f"{SHORT_LIMIT:.0f}"),
        ("extension.steps", "[5, 10, 20]", f"[5, 10, {SHORT_EXTENSION:.0f}]"),
        ("extension.most", "20", f"{SHORT_EXTENSION:.0f}"),
    ):
        head, found, rest = text.partition(f"[{rule}]")
        assert found and f"value = {before}\n" in rest, f"the pack has another {rule}"
        text = head + found + rest.replace(f"value = {before}\n", f"value = {after}\n", 1)
    pack = folder / "short.toml"
    pack.write_text(text, "utf-8")
    return str(pack)


class Installation:
    """Running processes, an HTTP client, and the credentials of the demonstration."""

    def __init__(self, settings: Settings, store: Store, credentials: Credentials, http: aiohttp.ClientSession) -> None:
        self.settings, self.store, self.credentials, self.http = settings, store, credentials, http
        self.processes = ProcessSupervisor()
        self.server = ""
        self._signed_in: list[OfficerClient] = []

    async def start(self) -> None:
        """Start all processes and wait until the server answers."""
        for child in children(self.settings):
            self.processes.start(child)
        await self.answering()

    async def answering(self) -> None:
        """Wait until the server answers (again), and set `server` and that of all signed-in officers to where it
        does."""
        async with asyncio.timeout(30):
            while True:
                try:
                    self.server = (self.settings.run_dir / ADDRESS_FILE).read_text().strip()
                    async with self.http.get(f"{self.server}/healthz") as response:
                        if response.status == 200:
                            for officer in self._signed_in:
                                officer.server = self.server
                            return
                except (FileNotFoundError, aiohttp.ClientError):
                    pass  # not there yet; another process sets no event in this one
                await asyncio.sleep(0.05)

    def kill(self, name: str) -> None:
        """Kill one of the processes (SIGKILL); its supervisor starts it again."""
        os.kill(self.processes.pids()[name], signal.SIGKILL)

    def stop(self, name: str) -> None:
        """Make one of the processes hang: it exists and does nothing."""
        os.kill(self.processes.pids()[name], signal.SIGSTOP)

    def cont(self, name: str) -> None:
        """Let a process that hangs continue."""
        os.kill(self.processes.pids()[name], signal.SIGCONT)

    def pid(self, name: str) -> int:
        """Return the process id of one of the processes."""
        return self.processes.pids()[name]

    async def slot(self, **changes: Any) -> str:
        """Post an approved slot that begins now; return the session's id."""
        await self.answering()  # an earlier test may have restarted the server at another port
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
        """Sign in all four officers; the prison's two come first."""
        accounts = self.credentials.officers
        found = await asyncio.gather(
            *(OfficerClient.sign_in(self.http, self.server, each.id, each.password) for each in accounts)
        )
        self._signed_in += found
        return list(found)

    async def view(self, session: str, officer: OfficerClient) -> dict[str, Any]:
        """Return a session as an officer sees it."""
        return await officer.session(session)

    async def until(
        self, officer: OfficerClient, session: str, holds: Callable[[dict[str, Any]], bool], timeout: float = 40.0
    ) -> dict[str, Any]:
        """Listen on the officer's socket until a view of the session fulfils `holds`; return that view."""
        headers = {"Authorization": f"Bearer {officer.token}"}
        url = f"{self.server}/api/v1/ws"
        last: dict[str, Any] = {}
        try:
            async with (
                asyncio.timeout(timeout),
                self.http.ws_connect(url, headers=headers, protocols=["huijian.v1"]) as socket,
            ):
                async for frame in socket:
                    message = frame.json()
                    views = message["sessions"] if message["type"] == "sessions" else [message.get("session")]
                    for view in views:
                        if isinstance(view, dict) and view["id"] == session:
                            last = view
                            if holds(view):
                                return view
        except TimeoutError:
            raise AssertionError(f"not in {timeout:g} s; last view: {json.dumps(last, ensure_ascii=False)}") from None
        raise AssertionError("the socket closed before the view came")

    async def journal(self, session: str) -> list[tuple[str, dict[str, Any]]]:
        """Return kind and data of a session's journal entries."""
        return [(entry.kind, json.loads(entry.data)) for entry in await entries(self.store.engine, session)]

    async def journal_with(
        self, session: str, holds: Callable[[str, dict[str, Any]], bool]
    ) -> list[tuple[str, dict[str, Any]]]:
        """Return the journal of a session once it has an entry for which `holds`: it is written in the background."""
        async with asyncio.timeout(10):
            while True:
                entries = await self.journal(session)
                if any(holds(kind, data) for kind, data in entries):
                    return entries
                await asyncio.sleep(0.05)

    @asynccontextmanager
    async def kiosk(self, side: Side, source: str = "generated") -> AsyncIterator[Kiosk]:
        """Run the terminal of a side's room in this process."""
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
    """Run a Huijian whose sites are under the pack `policy` until the block ends; nothing is left behind."""
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
