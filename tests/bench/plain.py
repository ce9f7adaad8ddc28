"""Plain aiortc under test: `plain_server.py` forwards packets through aiortc's own objects."""

import sys

import aiohttp

from tests.bench import process
from tests.bench.client import Client
from tests.bench.system import KINDS, SIDES, Place, connected, watchers


class Plain:
    """A process of `plain_server`, plain aiortc under test."""

    def __init__(self) -> None:
        self.pid = 0

    async def start(self, place: Place) -> None:
        """Start the process, and wait until it listens."""
        port = process.free_port()
        self._url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "tests.bench.plain_server", str(port)]
        self._process = await process.start(command, place.core)
        self.pid = self._process.pid
        await process.until_listening(port)
        self._http = aiohttp.ClientSession()

    async def session(self, number: int) -> list[Client]:
        """Connect the publishers of a session, then its watchers."""
        clients = []
        for side in SIDES:
            clients.append(await self._connect(f"publish/{number}/{side}", KINDS, "sendonly"))
        for sides in watchers():
            kinds = KINDS * len(sides)
            clients.append(await self._connect(f"watch/{number}/{','.join(sides)}", kinds, "recvonly"))
        return clients

    async def note(self) -> str:
        """Return an empty string: all that goes wrong is measured."""
        return ""

    async def stop(self) -> None:
        """End the process and its HTTP client."""
        await self._http.close()
        await process.stop(self._process)

    async def _connect(self, path: str, kinds: tuple[str, ...], direction: str) -> Client:
        client = Client()
        async with self._http.post(f"{self._url}/{path}", data=client.offer(kinds, direction)) as response:
            response.raise_for_status()
            client.take_answer(await response.text())
        return await connected(client)
