"""The stage of a flood: a service on a folder of its own, a visit that is under way in it, and those who will arrive.

One stage serves many floods. It is renewed when its visit nears the limit or was harmed, and each recording is looked
at when its visit has ended: a gap is laid to the flood during which it began.
"""

import asyncio
import json
import re
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from sqlalchemy import func, select

from broker.control.journal import reader
from broker.control.store.migrations import migrate
from broker.control.store.store import Store
from broker.control.store.tables import journal
from broker.kernel.clock import SystemClock
from broker.kernel.ids import Side
from config.settings import Settings
from huijian.demo.officers import post_slot
from tests.hostile.child import Child
from tests.hostile.people import LIMIT_MINUTES, ON_DUTY, PAIRS, People, enter, long_pack, officer, room
from tests.hostile.service import Service
from tests.hostile.visit.officers import signed_in

ATTACKERS = "tests.hostile.attackers"
NICE = 10  # of attackers: on the same machine they must not win by the scheduler alone; ingress has 2
OTHER_MACHINES = -5  # niceness of kiosks and pages, where it is allowed: they do not share the service's cores
BOOKED = timedelta(minutes=LIMIT_MINUTES - 1)
LATER = timedelta(minutes=25)  # until a visit that stays in check-in begins
END = "YN-17-10"  # an end by one officer alone, as every end by a ground is
QUIET = 2.0  # seconds after the gate has opened


class Stage:
    """A service with a visit under way. `begun` is when media first crossed, in seconds of the loop's clock."""

    def __init__(self, folder: Path, service: Service, people: People, store: Store) -> None:
        self.folder, self.service, self.people, self.store = folder, service, people, store
        self.sessions: dict[str, str] = {}
        self.rooms: dict[Side, Child] = {}
        self.tokens: dict[str, str] = {}
        self.begun = 0.0
        self.archived: list[tuple[str, dict[str, Any]]] = []
        """Each visit that has ended, with its manifest."""
        self._relay_port = 0
        self._around = AsyncExitStack()

    # ---- its beginning and its end -----------------------------------------------------------------------------

    async def open(self) -> None:
        """Bring all people in, and wait until the visit is under way."""
        async with aiohttp.ClientSession() as http:
            for pair in PAIRS[1:]:
                self.sessions[pair] = await self._book(http, pair, LATER)
            for user in (officer(Side.PRISON, 4), officer(Side.VISITOR, 4), officer(Side.VISITOR, 3), "auditor"):
                client = await signed_in(http, self.service.url, user, self.people.passwords[user])
                self.tokens[user] = client.token
        for side in Side:
            token = self.people.terminals[f"visit {side}"]
            config = {"server": self.service.url, "token": token, "side": side}
            self.rooms[side] = await self._child("tests.hostile.visit.room", config)
        duty = {officer(side, n): self.people.passwords[officer(side, n)] for side in Side for n in ON_DUTY}
        self.officers = await self._child(
            "tests.hostile.visit.officers", {"server": self.service.url, "officers": duty}
        )
        late = officer(Side.PRISON, 3)
        arrivals = {
            "server": self.service.url,
            "session": self.sessions["arrival"],
            "officer": late,
            "password": self.people.passwords[late],
            "token": self.people.terminals[f"arrival {Side.PRISON}"],
        }
        self.arrivals = await self._child("tests.hostile.visit.arrivals", arrivals)
        await self.begin_visit()

    async def begin_visit(self) -> None:
        """Book and hold a visit in the first pair of rooms."""
        async with aiohttp.ClientSession() as http:
            self.sessions["visit"] = await self._book(http, "visit", timedelta())
        await self.officers.ask("hold_visit", within=120, session=self.sessions["visit"])
        self.begun = asyncio.get_running_loop().time()
        await asyncio.sleep(QUIET)

    async def end_visit(self) -> dict[str, Any]:
        """End the visit; return the signed manifest of its recording."""
        await self.officers.ask("end_visit", within=120, article=END)
        entries = await reader.entries(self.store.engine, self.sessions["visit"], limit=100_000)
        found = next(json.loads(entry.data) for entry in reversed(entries) if entry.kind == "Archived")
        manifest = self.service.settings.archive_dir / found["path"]
        signed = json.loads(manifest.with_name("manifest.json").read_text("utf-8"))
        self.archived.append((self.sessions["visit"], signed))
        return dict(signed)

    async def close(self) -> None:
        """End everything; nothing is left behind."""
        await self._around.aclose()

    def left(self) -> float:
        """Seconds until the visit ends by itself."""
        return BOOKED.total_seconds() - (asyncio.get_running_loop().time() - self.begun)

    # ---- attackers ---------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def attacker(self, attack: str, **arguments: Any) -> AsyncIterator[Child]:
        """Have an attacker's program prepare itself; the command `flood` lets it loose for some seconds."""
        self._relay_port = self._relay_port or int(re.findall(r" (\d+) typ host", await self._candidates())[0])
        url, encrypted = urlsplit(self.service.url), urlsplit(self.service.tls_url)
        config = {
            "attack": attack,
            "arguments": arguments,
            "http": (url.hostname, url.port),
            "relay": (url.hostname, self._relay_port),
            "tls": (encrypted.hostname, encrypted.port),
            "sessions": self.sessions,
            "archived": self.archived[-1][0] if self.archived else "",
            "people": self.people.to_json(),
            "tokens": self.tokens,
        }
        child = await Child.start(ATTACKERS, config, self.folder / "attackers.log", NICE)
        try:
            yield child
        finally:
            await child.close()

    async def _candidates(self) -> str:
        """Return an answer of the relay, which says where it listens."""
        from tests.bench.client import Client
        from tests.bench.system import KINDS

        client, token = Client(), self.tokens[officer(Side.VISITOR, 3)]
        offer = client.offer(KINDS, "recvonly")
        client.socket.close()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/sdp"}
        url = f"{self.service.url}/whep/{self.sessions['attack']}/prison?page=candidates0000000000"
        async with aiohttp.ClientSession(headers=headers) as http, http.post(url, data=offer) as response:
            answer = await response.text()
            assert response.status == 201, answer
            async with http.delete(f"{self.service.url}{response.headers['Location']}"):
                return answer

    # ---- what is on disk ---------------------------------------------------------------------------------------

    async def journal_head(self) -> int:
        """Return the number of the last journal entry."""
        return (await reader.head(self.store.engine))[0]

    async def journal_kinds(self, after: int) -> dict[str, int]:
        """Return how many entries of each kind were written after one of them."""
        query = select(journal.c.kind, func.count()).where(journal.c.seq > after).group_by(journal.c.kind)
        async with self.store.engine.connect() as db:
            return {kind: count for kind, count in await db.execute(query)}

    async def journal_whole(self) -> bool:
        """Whether the journal's chain holds from its first entry to its last."""
        return await reader.verify(self.store.engine) is None

    async def _book(self, http: aiohttp.ClientSession, pair: str, later: timedelta) -> str:
        starts: datetime = SystemClock().now().wall + later
        slot = {
            "prison_room": room(pair, Side.PRISON),
            "visitor_room": room(pair, Side.VISITOR),
            "starts_at": starts.isoformat(),
            "ends_at": (starts + BOOKED).isoformat(),
            "minutes": LIMIT_MINUTES - 1,
            "people": [
                {"id": f"{pair}-inmate", "side": "prison", "name": "甲"},
                {"id": f"{pair}-kin", "side": "visitor", "name": "乙", "relation": "母亲"},
            ],
            "approved_by": "监狱长",
            "article": "云南 第十四条",
        }
        return await post_slot(http, self.service.url, self.people.keys["booking"], slot)

    async def _child(self, module: str, config: dict[str, Any]) -> Child:
        child = await Child.start(module, config, self.folder / "visit.log", OTHER_MACHINES)
        self._around.push_async_callback(child.close)
        return child


@asynccontextmanager
async def stage() -> AsyncIterator[Stage]:
    """Set a stage, and take it down afterwards."""
    with tempfile.TemporaryDirectory(prefix="hjh") as name:
        folder = Path(name)
        settings = Settings.load(data_dir=folder / "data", http_port=0, demo=True)
        settings.prepare()
        await migrate(settings.database_url)
        people = await enter(settings.database_url, long_pack(folder))
        service = Service(settings, folder / "service.log")
        async with Store(settings.database_url, SystemClock()) as store:
            here = Stage(folder, service, people, store)
            try:
                await service.start()
                await here.open()
                yield here
            finally:
                await here.close()
                await service.stop()
