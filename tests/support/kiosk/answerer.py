"""A tiny server for the peer's tests: WHIP and WHEP over aiohttp, answered by aiortc itself, with real ICE, DTLS and
SRTP on loopback. It forwards nothing: it decodes what is published, and shows the generated far room to watchers."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from aiortc import RTCPeerConnection, RTCSessionDescription, rtp
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import AudioFrame, VideoFrame

from broker.kernel.errors import NotSignedIn, VisitError
from broker.kernel.ids import Side
from huijian.demo.synthetic.sources import generated_sources
from kiosk_agent.media.source import RoomSources
from kiosk_agent.webrtc import aiortc_adapter
from kiosk_agent.webrtc.peer import ServerAccess

TOKEN = "a-terminal-token"


@dataclass
class Answerer:
    """What the server saw: `offers` by path, frames as they were decoded, resources still open."""

    url: str = ""
    refuse: VisitError | None = None
    answer_with: str | None = None
    elsewhere: str = ""
    offers: list[tuple[str, str]] = field(default_factory=list)
    pictures: list[VideoFrame] = field(default_factory=list)
    sounds: list[AudioFrame] = field(default_factory=list)
    resources: dict[str, RTCPeerConnection] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)
    reports: dict[str, tuple[float, int]] = field(default_factory=dict)
    """The newest sender report per kind: (NTP seconds, RTP stamp)."""
    first_stamps: dict[str, int] = field(default_factory=dict)
    """The RTP stamp of the first packet per kind."""
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _rooms: list[RoomSources] = field(default_factory=list)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def until(self, true: Callable[[], bool], seconds: float = 15.0) -> None:
        """Waits until `true` holds; looked at after every frame and request."""
        async with asyncio.timeout(seconds), self.changed:
            await self.changed.wait_for(true)

    async def drop_all(self) -> None:
        """What a restarted relay does: every resource is gone, without a word over HTTP."""
        for connection in list(self.resources.values()):
            await connection.close()
        self.resources.clear()

    async def post(self, request: web.Request) -> web.Response:
        """One WHIP or WHEP resource."""
        self.offers.append((request.path, await request.text()))
        await self._tell()
        try:
            if request.headers.get("Authorization") != f"Bearer {TOKEN}":
                raise NotSignedIn
            if self.refuse is not None:
                raise self.refuse
        except VisitError as error:
            return web.json_response(error.problem(), status=error.http_status, content_type="application/problem+json")
        watched = request.match_info.get("side")
        answer = self.answer_with or await self._answer(request, watched)
        location = f"{self.elsewhere}{request.path}/{len(self.offers)}"
        return web.Response(status=201, text=answer, content_type="application/sdp", headers={"Location": location})

    async def delete(self, request: web.Request) -> web.Response:
        """The end of a resource."""
        self.deleted.append(request.path)
        connection = self.resources.pop(request.path, None)
        if connection is not None:
            await connection.close()
        await self._tell()
        return web.Response(status=200 if connection else 404)

    async def close(self) -> None:
        """Nothing stays."""
        await self.drop_all()
        for room in self._rooms:
            await room.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _answer(self, request: web.Request, watched: str | None) -> str:
        connection = aiortc_adapter.new_connection()
        await connection.setRemoteDescription(RTCSessionDescription(self.offers[-1][1], "offer"))
        if watched is not None:
            room = generated_sources(Side.VISITOR if watched == "voice" else Side(watched), size=(320, 180))
            self._rooms.append(room)
            for track in room.tracks()[1:] if watched == "voice" else room.tracks():
                aiortc_adapter.use_our_encoder(connection.addTrack(track))
        else:
            for each in connection.getTransceivers():
                self._overhear(each.receiver)
            self._tasks += [
                asyncio.create_task(self._keep(each.receiver.track)) for each in connection.getTransceivers()
            ]
        aiortc_adapter.gather_on(connection, ["127.0.0.1"])
        await connection.setLocalDescription(await connection.createAnswer())
        self.resources[f"{request.path}/{len(self.offers)}"] = connection
        await self._tell()
        return connection.localDescription.sdp

    def _overhear(self, receiver: Any) -> None:
        """Notes stamps and sender reports on their way to the receiver."""
        take_rtp, take_rtcp = receiver._handle_rtp_packet, receiver._handle_rtcp_packet
        kind = receiver.track.kind

        async def packet(one: Any, arrival_time_ms: int) -> None:
            self.first_stamps.setdefault(kind, one.timestamp)
            await take_rtp(one, arrival_time_ms)

        async def report(one: Any) -> None:
            if isinstance(one, rtp.RtcpSrPacket):
                self.reports[kind] = (one.sender_info.ntp_timestamp / (1 << 32), one.sender_info.rtp_timestamp)
            await take_rtcp(one)

        receiver._handle_rtp_packet, receiver._handle_rtcp_packet = packet, report

    async def _keep(self, track: MediaStreamTrack) -> None:
        try:
            while True:
                frame = await track.recv()
                if isinstance(frame, VideoFrame):
                    self.pictures.append(frame)
                elif isinstance(frame, AudioFrame):
                    self.sounds.append(frame)
                await self._tell()
        except MediaStreamError:
            return

    async def _tell(self) -> None:
        async with self.changed:
            self.changed.notify_all()


@asynccontextmanager
async def answering(
    prepare: Callable[[web.Application], None] | None = None, **settings: Any
) -> AsyncIterator[tuple[Answerer, ServerAccess]]:
    """A running answerer on a free loopback port, and the door to it. `prepare` may add routes."""
    answerer = Answerer(**settings)
    app = web.Application()
    if prepare is not None:
        prepare(app)
    app.router.add_post("/whip/{session}", answerer.post)
    app.router.add_post("/whep/{session}/{side}", answerer.post)
    app.router.add_delete("/{kind}/{rest:.+}", answerer.delete)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    answerer.url = f"http://{host}:{port}"
    try:
        async with aiohttp.ClientSession() as http:
            yield answerer, ServerAccess(http, answerer.url, TOKEN)
    finally:
        await runner.cleanup()
        await answerer.close()


async def left_over(before: set["asyncio.Task[Any]"]) -> list[str]:
    """Tasks that were not there `before` and do not end by themselves within a second of being left alone."""
    current = asyncio.current_task()
    left = [task for task in asyncio.all_tasks() - before if task is not current]
    if left:
        await asyncio.wait(left, timeout=1.0)
    return [repr(task) for task in left if not task.done()]
