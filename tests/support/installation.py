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
from sqlalchemy import update

from broker.control.journal.journal import Journal
from broker.control.journal.reader import entries
from broker.control.store.migrations import migrate
from broker.control.store.records import Role
from broker.control.store.store import Store
from broker.control.store.tables import users
from broker.kernel.clock import SystemClock
from broker.kernel.database import writing
from broker.kernel.errors import Busy
from broker.kernel.ids import Side
from config.settings import ADDRESS_FILE, Settings
from huijian.demo.officers import OfficerClient, post_slot
from huijian.demo.setup import PLACES, POLICY, Credentials, DemoTerminal, set_up
from huijian.demo.synthetic.sources import generated_sources
from huijian.serve import children
from huijian.supervisor import ProcessSupervisor
from kiosk_agent.agent import Kiosk, KioskConfig
from kiosk_agent.http_client import http_client
from tests.support.kernel_stamps import Arrivals
from tests.support.patience import PATIENCE
from tests.support.terminals import signed_in

DEMO_PACK = Path(__file__).parents[2] / "config" / "packs" / "demo.toml"
SHORT_LIMIT, SHORT_EXTENSION = 10.0, 50.0  # seconds of a visit under `short_pack`, and of its largest extension
LONG_LIMIT = 120.0  # seconds of a visit under `long_pack`: more than a busy machine needs for a story


def short_pack(folder: Path) -> str:
    """Write the demonstration's pack with a shorter limit and a longer extension; return its name, which is its
    path."""
    return _pack(
        folder / "short.toml",
        ("hard_limit", "20", f"{SHORT_LIMIT:.0f}"),
        ("extension.steps", "[5, 10, 20]", f"[5, 10, {SHORT_EXTENSION:.0f}]"),
        ("extension.most", "20", f"{SHORT_EXTENSION:.0f}"),
    )


def long_pack(folder: Path, limit: float = LONG_LIMIT) -> str:
    """Write the demonstration's pack with a limit that no story reaches; return its name, which is its path."""
    return _pack(folder / "long.toml", ("hard_limit", "20", f"{limit:.0f}"))


def patient_pack(folder: Path, limit: float) -> str:
    """Write the demonstration's pack with a limit and a grace that no story reaches, also where browsers make the
    machine busy; return its name, which is its path."""
    return _pack(
        folder / "patient.toml",
        ("hard_limit", "20", f"{limit:.0f}"),
        ("hold_grace", "30", f"{limit:.0f}"),
        ("late_grace", "60", f"{limit:.0f}"),
    )


def _pack(pack: Path, *changes: tuple[str, str, str]) -> str:
    text = DEMO_PACK.read_text("utf-8")
    for rule, before, after in changes:
        head, found, rest = text.partition(f"[{rule}]")
        assert found and f"value = {before}\n" in rest, f"the pack has another {rule}"
        text = head + found + rest.replace(f"value = {before}\n", f"value = {after}\n", 1)
    pack.write_text(text, "utf-8")
    return str(pack)


class Installation:
    """Running processes, an HTTP client, and the credentials of the demonstration. `minutes` are those of a slot."""

    minutes = 1

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
        async with asyncio.timeout(PATIENCE):
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
            "ends_at": (now + timedelta(minutes=5)).isoformat(),
            "minutes": self.minutes,
            "people": [
                {"id": "inmate-1", "side": "prison", "name": "甲"},
                {"id": "kin-1", "side": "visitor", "name": "乙", "relation": "母亲"},
            ],
            "approved_by": "监狱长",
            "article": "云南 第十四条",
        }
        return await post_slot(self.http, self.server, self.credentials.key, slot | changes)

    async def add_officer(self, id: str, name: str, role: Role, password: str, site: str | None = None) -> None:
        """Add an officer whose account is old enough for permits."""
        await self.store.add_user(id, name, role, password, site)
        async with writing(self.store.engine) as db:
            await db.execute(update(users).where(users.c.id == id).values(credential_at=None))

    async def officers(self) -> list[OfficerClient]:
        """Sign in all four officers; the prison's two come first."""
        accounts = self.credentials.officers
        found = await asyncio.gather(*(self._sign_in(each.id, each.password) for each in accounts))
        self._signed_in += found
        return list(found)

    async def _sign_in(self, user: str, password: str) -> OfficerClient:
        """Sign in an officer, again where the server is too busy for it, as a person would."""
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    return await OfficerClient.sign_in(self.http, self.server, user, password)
                except Busy:
                    await asyncio.sleep(0.5)

    async def terminal_token(self, side: Side) -> str:
        """Return a credential for raw requests of a side's terminal, as another running program of it."""
        return await signed_in(self.store, self.credentials.terminals[side].id)

    async def view(self, session: str, officer: OfficerClient) -> dict[str, Any]:
        """Return a session as an officer sees it."""
        return await officer.session(session)

    async def until(
        self, officer: OfficerClient, session: str, holds: Callable[[dict[str, Any]], bool], timeout: float = PATIENCE
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
        async with asyncio.timeout(PATIENCE):
            while True:
                entries = await self.journal(session)
                if any(holds(kind, data) for kind, data in entries):
                    return entries
                await asyncio.sleep(0.05)

    async def stored(self, session: str, part: str) -> None:
        """Wait until this part of a session is stored, so that it outlives the death of the control process."""
        async with asyncio.timeout(PATIENCE):
            while True:
                saved = await self.store.snapshot(session)
                if saved is not None and saved.data[part]:
                    return
                await asyncio.sleep(0.05)

    async def acknowledge_rules(self, session: str, side: Side) -> None:
        """Acknowledge the rules as the terminal of a side's room, for clients that are no kiosk."""
        headers = {"Authorization": f"Bearer {await self.terminal_token(side)}"}
        url = f"{self.server}/api/v1/sessions/{session}/acknowledge-rules"
        async with self.http.post(url, headers=headers, json={"language": "zh", "manner": "touch"}) as answer:
            assert answer.status == 200, await answer.text()

    @asynccontextmanager
    async def kiosk(
        self,
        side: Side,
        source: str = "generated",
        arrivals: Arrivals | None = None,
        headless: bool = True,
        tests_line: bool = False,
        terminal: DemoTerminal | None = None,
    ) -> AsyncIterator[Kiosk]:
        """Run the terminal of a side's room in this process, or another `terminal`; `arrivals` notes when packets reach
        it. One that is not `headless` serves its page, and the test brings the browser. `tests_line`: its equipment
        test takes nine seconds more."""
        generated = {"generated": generated_sources}
        identity = (terminal or self.credentials.terminals[side]).identity(self.server)
        config = KioskConfig(
            self.server,
            identity,
            source,
            generated,
            headless,
            side_hint=side,
            acknowledges=headless,
            tests_line=tests_line,
        )
        ending = asyncio.Event()
        async with http_client() as http:
            kiosk = Kiosk(config, http, lambda stats: None)
            with (arrivals or Arrivals()).noted():
                running = asyncio.create_task(kiosk.run(ending))
            try:
                yield kiosk
            finally:
                ending.set()
                await asyncio.wait_for(running, PATIENCE)


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
