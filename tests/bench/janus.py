"""Janus VideoRoom (Debian's package) under test, over its WebSocket API: a room for each session, and one connection
for each watcher with all its feeds. `event_loops` is its thread setting; without it every handle has a thread."""

import asyncio
import itertools
import json
from pathlib import Path
from typing import Any

import aiohttp

from tests.bench import process
from tests.bench.client import Client
from tests.bench.system import KINDS, SIDES, Place, connected, watchers

PLUGIN = "janus.plugin.videoroom"
TIMEOUT, KEEP_ALIVE = 20.0, 20.0  # seconds
OTHER_PLUGINS = "audiobridge duktape echotest lua nosip recordplay sip streaming textroom videocall voicemail"
OTHER_TRANSPORTS = "http mqtt nanomsg pfunix rabbitmq"
MAIN = """general: {{ configs_folder = "{folder}" debug_level = 2 session_timeout = 600 {threads} }}
nat: {{ ice_enforce_list = "127.0.0.1" ice_ignore_list = "vmnet" }}
plugins: {{ disable = "{plugins}" }}
transports: {{ disable = "{transports}" }}
"""
WEBSOCKETS = 'general: {{ ws = true ws_port = {port} ws_ip = "127.0.0.1" json = "compact" }}\n'


class NoSuchFeed(RuntimeError):
    """Janus does not know a publisher whose DTLS has not finished yet."""


class Janus:
    """A Janus process under test."""

    def __init__(self, shim: Path, event_loops: int | None) -> None:
        self.pid = 0
        self._shim, self._loops = shim, event_loops
        self._numbers = itertools.count(1)
        self._waiting: dict[str, tuple[asyncio.Future[dict[str, Any]], bool]] = {}
        self._session = 0

    async def start(self, place: Place) -> None:
        """Write the configuration, start the process and open a session of the API."""
        self._recordings = place.folder if place.record else None
        port = process.free_port()
        self._configure(place.folder, port)
        command = ["janus", "-C", str(place.folder / "janus.jcfg"), "-F", str(place.folder)]
        self._process = await process.start(command, place.core, quiet=True, LD_PRELOAD=str(self._shim))
        self.pid = self._process.pid
        await process.until_listening(port)
        self._http = aiohttp.ClientSession()
        self._socket = await self._http.ws_connect(f"ws://127.0.0.1:{port}", protocols=["janus-protocol"])
        self._tasks = [asyncio.create_task(self._listen())]
        self._session = (await self._ask("create"))["data"]["id"]
        self._tasks.append(asyncio.create_task(self._keep_alive()))
        self._control = await self._attach()

    async def session(self, number: int) -> list[Client]:
        """Set up a room, its publishers and its watchers."""
        room = {"request": "create", "publishers": 4, "bitrate": 0, "audiocodec": "opus", "videocodec": "h264"}
        if self._recordings is not None:
            room |= {"record": True, "rec_dir": str(self._recordings)}
        name = (await self._message(self._control, room))["plugindata"]["data"]["room"]
        clients, feeds = [], {}
        for side in SIDES:
            client = Client()
            feeds[side] = await self._publish(name, side, client)
            clients.append(await connected(client))
        for sides in watchers():
            client = Client()
            await self._watch(name, [feeds[side] for side in sides], client)
            clients.append(await connected(client))
        return clients

    async def note(self) -> str:
        """Return an empty string: all that goes wrong is measured."""
        return ""

    async def stop(self) -> None:
        """End the process and the connection to it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._socket.close()
        await self._http.close()
        await process.stop(self._process)

    def _configure(self, folder: Path, port: int) -> None:
        plugins = ",".join(f"libjanus_{name}.so" for name in OTHER_PLUGINS.split())
        transports = ",".join(f"libjanus_{name}.so" for name in OTHER_TRANSPORTS.split())
        threads = "" if self._loops is None else f"event_loops = {self._loops}"
        main = MAIN.format(folder=folder, threads=threads, plugins=plugins, transports=transports)
        (folder / "janus.jcfg").write_text(main)
        (folder / "janus.plugin.videoroom.jcfg").write_text("general: {}\n")
        (folder / "janus.transport.websockets.jcfg").write_text(WEBSOCKETS.format(port=port))

    async def _publish(self, room: int, name: str, client: Client) -> int:
        handle = await self._attach()
        join = {"request": "joinandconfigure", "ptype": "publisher", "room": room, "display": name}
        offer = {"type": "offer", "sdp": client.offer(KINDS, "sendonly")}
        answer = await self._message(handle, join, offer, event=True)
        client.take_answer(answer["jsep"]["sdp"])
        return int(answer["plugindata"]["data"]["id"])

    async def _watch(self, room: int, feeds: list[int], client: Client) -> None:
        handle = await self._attach()
        join = {"request": "join", "ptype": "subscriber", "room": room, "streams": [{"feed": feed} for feed in feeds]}
        async with asyncio.timeout(TIMEOUT):
            while True:
                try:
                    offer = await self._message(handle, join, event=True)
                    break
                except NoSuchFeed:
                    await asyncio.sleep(0.1)
        answer = {"type": "answer", "sdp": client.answer(offer["jsep"]["sdp"])}
        await self._message(handle, {"request": "start", "room": room}, answer, event=True)

    # --- the API ---------------------------------------------------------------------------------------------------

    async def _attach(self) -> int:
        return int((await self._ask("attach", plugin=PLUGIN))["data"]["id"])

    async def _message(
        self, handle: int, body: dict[str, Any], jsep: dict[str, str] | None = None, event: bool = False
    ) -> dict[str, Any]:
        more = {"jsep": jsep} if jsep else {}
        answer = await self._ask("message", event, handle_id=handle, body=body, **more)
        error = answer.get("plugindata", {}).get("data", {}).get("error")
        if error:
            raise NoSuchFeed(error) if "No such feed" in error else RuntimeError(error)
        return answer

    async def _ask(self, what: str, event: bool = False, **members: Any) -> dict[str, Any]:
        """Send a request and return the answer. With `event`, an acknowledgement comes before the answer."""
        transaction = str(next(self._numbers))
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[transaction] = (answer, event)
        request = {"janus": what, "transaction": transaction, **members}
        if self._session:
            request["session_id"] = self._session
        await self._socket.send_str(json.dumps(request))
        try:
            taken = await asyncio.wait_for(answer, TIMEOUT)
        finally:
            del self._waiting[transaction]
        if taken["janus"] == "error":
            raise RuntimeError(taken["error"]["reason"])
        return taken

    async def _listen(self) -> None:
        async for message in self._socket:
            reply = json.loads(message.data)
            answer, event = self._waiting.get(reply.get("transaction", ""), (None, False))
            if answer is not None and not answer.done() and not (event and reply["janus"] == "ack"):
                answer.set_result(reply)

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(KEEP_ALIVE)
            await self._ask("keepalive")
