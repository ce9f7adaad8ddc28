"""`python -m tests.hostile.visit.arrivals`: those who come while the service is attacked, as one process: officers who
sign in at a device that is known and at a new one, a kiosk that joins, and a page that reaches the relay by TCP only.
Each is asked how long it took."""

import asyncio
import random
import re
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aioice import stun

from broker.kernel.ids import Side
from huijian.demo.officers import OfficerClient
from kiosk_agent.agent import Kiosk
from signaling.api.messages.socket import SUBPROTOCOL
from tests.bench.client import PRIORITY, Client
from tests.bench.system import KINDS
from tests.hostile import child
from tests.hostile.visit.officers import signed_in
from tests.hostile.visit.room import kiosk_config

ADDRESSES = "127.77.1.{}"
"""The network of those who arrive, which no attacker is in."""
GIVE_UP = 12.0  # seconds after which it is said that it did not work
AGAIN = 0.3  # seconds before a person or a program tries again
LINGER = 0.5  # seconds for which a kiosk that has joined stays


def connector(host: int) -> aiohttp.TCPConnector:
    """Return a connector from one address of the network; each request may need a connection of its own."""
    return aiohttp.TCPConnector(local_addr=(ADDRESSES.format(host), 0), force_close=True)


class Arrivals:
    """The commands of this process. Each returns seconds, GIVE_UP and what was last heard where it took longer."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._server, self._session = config["server"], config["session"]
        self._officer, self._password, self._token = config["officer"], config["password"], config["token"]
        self._viewer: OfficerClient | None = None
        self._media = asyncio.Event()
        self._known = aiohttp.ClientSession(connector=connector(10), cookie_jar=aiohttp.CookieJar(unsafe=True))
        self._http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(local_addr=(ADDRESSES.format(11), 0)))

    async def prepare(self) -> None:
        """Sign in, so that the device is known and an officer looks at the session that the kiosk will join."""
        self._viewer = await signed_in(self._known, self._server, self._officer, self._password)
        self._looking = asyncio.create_task(self._look())

    async def close(self) -> None:
        """Close all lines, without signing out."""
        self._looking.cancel()
        await asyncio.gather(self._known.close(), self._http.close())

    async def sign_in(self, new: bool) -> dict[str, Any]:
        """Sign in and be known, at a known device or at a new one, trying again as a person would."""
        if not new:
            return await _seconds(lambda: self._sign_in(self._known))
        host = 20 + secrets.randbelow(200)
        async with aiohttp.ClientSession(connector=connector(host)) as http:
            return await _seconds(lambda: self._sign_in(http))

    async def _sign_in(self, http: aiohttp.ClientSession) -> str:
        body = {"user": self._officer, "password": self._password}
        async with http.post(f"{self._server}/api/v1/sign-in", json=body) as response:
            if response.status != 200:
                return f"status {response.status}"
            headers = {"Authorization": f"Bearer {(await response.json())['token']}"}
        async with http.get(f"{self._server}/api/v1/me", headers=headers) as response:
            return "" if response.status == 200 else f"signed in, then status {response.status}"

    async def join(self) -> dict[str, Any]:
        """Start a kiosk, wait until the officer sees its picture and sound, and stop it again."""
        began, ending = time.monotonic(), asyncio.Event()
        config = kiosk_config(self._server, self._token, Side.PRISON)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(local_addr=(ADDRESSES.format(12), 0))) as http:
            kiosk = Kiosk(config, http, lambda _: None)
            running = asyncio.create_task(kiosk.run(ending))
            try:
                async with asyncio.timeout(GIVE_UP):
                    await self._media.wait()
                seconds, last = time.monotonic() - began, ""
                await asyncio.sleep(LINGER)
            except TimeoutError:
                seconds, last = GIVE_UP, str(kiosk.terminal.phase)
            finally:
                ending.set()
                await asyncio.wait([running], timeout=9)
        return {"seconds": seconds, "last": last}

    async def join_by_tcp(self) -> dict[str, Any]:
        """Subscribe to the session and have a connectivity check answered over TCP (RFC 6544)."""
        return await _seconds(self._join_by_tcp)

    async def _join_by_tcp(self) -> str:
        assert self._viewer is not None
        client = Client()
        offer = client.offer(KINDS, "recvonly")
        client.socket.close()  # the offer is all that is wanted of it
        headers = {"Authorization": f"Bearer {self._viewer.token}", "Content-Type": "application/sdp"}
        url = f"{self._server}/whep/{self._session}/prison?page=arrival{secrets.token_hex(8)}"
        async with self._http.post(url, data=offer, headers=headers) as response:
            if response.status != 201:
                return f"status {response.status}"
            answer, location = await response.text(), response.headers["Location"]
        try:
            return "" if await _checked_by_tcp(answer) else "no answer to the check"
        finally:
            async with self._http.delete(f"{self._server}{location}", headers=headers):
                pass

    async def _look(self) -> None:
        """Follow, on the officer's socket, whether the session's prison side sends."""
        assert self._viewer is not None
        headers = {"Authorization": f"Bearer {self._viewer.token}"}
        while True:
            try:
                async with self._http.ws_connect(
                    f"{self._server}/api/v1/ws", headers=headers, protocols=[SUBPROTOCOL]
                ) as socket:
                    async for frame in socket:
                        self._note(frame.json())
            except (aiohttp.ClientError, ConnectionError):
                await asyncio.sleep(AGAIN)

    def _note(self, message: dict[str, Any]) -> None:
        views = message["sessions"] if message["type"] == "sessions" else [message.get("session")]
        for view in views:
            if isinstance(view, dict) and view["id"] == self._session:
                if view["sides"]["prison"]["media"]:
                    self._media.set()
                else:
                    self._media.clear()


async def _seconds(attempt: Any) -> dict[str, Any]:
    """Try until it works; return how long that took and what was last heard before."""
    began, last = time.monotonic(), ""
    while time.monotonic() - began < GIVE_UP:
        try:
            async with asyncio.timeout(GIVE_UP):
                heard = await attempt()
        except (aiohttp.ClientError, OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            heard = type(error).__name__
        if not heard:
            return {"seconds": time.monotonic() - began, "last": last}
        last = heard
        await asyncio.sleep(AGAIN)
    return {"seconds": GIVE_UP, "last": last}


async def _checked_by_tcp(answer: str) -> bool:
    """Whether a STUN check with the answer's password is answered over TCP."""
    found = {name: re.search(rf"a={name}:(\S+)", answer) for name in ("ice-ufrag", "ice-pwd")}
    place = re.search(r"a=candidate:\S+ 1 tcp \d+ (\S+) (\d+) typ host tcptype passive", answer, re.IGNORECASE)
    ufrag, pwd = found["ice-ufrag"], found["ice-pwd"]
    assert ufrag is not None and pwd is not None and place is not None, f"no TCP candidate in:\n{answer}"
    check = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    check.attributes["USERNAME"] = f"{ufrag[1]}:arrival"
    check.attributes["PRIORITY"] = PRIORITY
    check.attributes["ICE-CONTROLLING"] = random.getrandbits(63)
    check.attributes["USE-CANDIDATE"] = None
    check.add_message_integrity(pwd[1].encode())
    reader, writer = await asyncio.open_connection(place[1], int(place[2]), local_addr=(ADDRESSES.format(13), 0))
    try:
        message = bytes(check)
        writer.write(len(message).to_bytes(2, "big") + message)
        async with asyncio.timeout(2):
            size = int.from_bytes(await reader.readexactly(2), "big")
            response = stun.parse_message(await reader.readexactly(size))
        return response.message_class is stun.Class.RESPONSE
    finally:
        writer.close()


@asynccontextmanager
async def running(config: dict[str, Any]) -> AsyncIterator[child.Handlers]:
    """Prepare those who will arrive; the commands have them come."""
    arrivals = Arrivals(config)
    await arrivals.prepare()
    try:
        yield {"sign_in": arrivals.sign_in, "join": arrivals.join, "join_by_tcp": arrivals.join_by_tcp}
    finally:
        await arrivals.close()


if __name__ == "__main__":
    child.run(running)
