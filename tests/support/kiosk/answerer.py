"""Small server for the tests of peer and kiosk: WHIP and WHEP by aiohttp and aiortc, with real ICE, DTLS and SRTP on
loopback. It forwards nothing: it decodes what is published, and sends the generated far room to subscribers."""

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
from tests.support.patience import PATIENCE

TOKEN = "a-terminal-token"


@dataclass
class Answerer:
    """The server, and what it received: `offers` with their paths, decoded frames, open and deleted resources.

    `refuse` is an error for every offer, `answer_with` an SDP text instead of a real answer, `elsewhere` a prefix of
    the resources' location."""

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
    """Newest sender report per kind: (NTP seconds, RTP stamp)."""
    first_stamps: dict[str, int] = field(default_factory=dict)
    """RTP stamp of the first packet per kind."""
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _rooms: list[RoomSources] = field(default_factory=list)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def until(self, true: Callable[[], bool], seconds: float = PATIENCE) -> None:
        """Wait until `true` returns True; it is called after every frame and request."""
        async with asyncio.timeout(seconds), self.changed:
            await self.changed.wait_for(true)

    async def drop_all(self) -> None:
        """Close every resource without a message over HTTP, as the restart of a relay does."""
        for connection in list(self.resources.values()):
            await connection.close()
        self.resources.clear()

    async def post(self, request: web.Request) -> web.Response:
        """Answer the offer of a WHIP or WHEP resource."""
        self.offers.append((request.path, await request.text()))
        await self._notify()
        try:
            if request.headers.get("Authorization") != f"Bearer {TOKEN}":
                raise NotSignedIn
            if self.refuse is not None:
                raise self.refuse
        except VisitError as error:
            return web.json_response(error.problem(), status=error.http_status, content_type="application/problem+json")
        side = request.match_info.get("side")
        answer = self.answer_with or await self._answer(request, side)
        location = f"{self.elsewhere}{request.path}/{len(self.offers)}"
        return web.Response(status=201, text=answer, content_type="application/sdp", headers={"Location": location})

    async def delete(self, request: web.Request) -> web.Response:
        """Delete the resource, when it exists."""
        self.deleted.append(request.path)
        connection = self.resources.pop(request.path, None)
        if connection is not None:
            await connection.close()
        await self._notify()
        return web.Response(status=200 if connection else 404)

    async def close(self) -> None:
        """Close all resources and sources, and end all tasks."""
        await self.drop_all()
        for room in self._rooms:
            await room.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _answer(self, request: web.Request, side: str | None) -> str:
        connection = aiortc_adapter.new_connection()
        await connection.setRemoteDescription(RTCSessionDescription(self.offers[-1][1], "offer"))
        if side is not None:
            room = generated_sources(Side.VISITOR if side == "voice" else Side(side), size=(320, 180))
            self._rooms.append(room)
            for track in room.tracks()[1:] if side == "voice" else room.tracks():
                aiortc_adapter.use_our_encoder(connection.addTrack(track))
        else:
            for each in connection.getTransceivers():
                self._meter(each.receiver)
            self._tasks += [
                asyncio.create_task(self._keep(each.receiver.track)) for each in connection.getTransceivers()
            ]
        aiortc_adapter.gather_on(connection, ["127.0.0.1"])
        await connection.setLocalDescription(await connection.createAnswer())
        self.resources[f"{request.path}/{len(self.offers)}"] = connection
        await self._notify()
        return connection.localDescription.sdp

    def _meter(self, receiver: Any) -> None:
        """Keep stamps and sender reports on their way to the receiver."""
        take_rtp, take_rtcp = receiver._handle_rtp_packet, receiver._handle_rtcp_packet
        kind = receiver.track.kind

        async def handle_rtp(packet: Any, arrival_time_ms: int) -> None:
            self.first_stamps.setdefault(kind, packet.timestamp)
            await take_rtp(packet, arrival_time_ms)

        async def handle_rtcp(packet: Any) -> None:
            if isinstance(packet, rtp.RtcpSrPacket):
                info = packet.sender_info
                self.reports[kind] = (info.ntp_timestamp / (1 << 32), info.rtp_timestamp)
            await take_rtcp(packet)

        receiver._handle_rtp_packet, receiver._handle_rtcp_packet = handle_rtp, handle_rtcp

    async def _keep(self, track: MediaStreamTrack) -> None:
        try:
            while True:
                frame = await track.recv()
                if isinstance(frame, VideoFrame):
                    self.pictures.append(frame)
                elif isinstance(frame, AudioFrame):
                    self.sounds.append(frame)
                await self._notify()
        except MediaStreamError:
            return

    async def _notify(self) -> None:
        async with self.changed:
            self.changed.notify_all()


@asynccontextmanager
async def answering(
    prepare: Callable[[web.Application], None] | None = None, **settings: Any
) -> AsyncIterator[tuple[Answerer, ServerAccess]]:
    """Run an answerer on a free loopback port; yield it and the access to it. `prepare` may add routes."""
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
    """Return the tasks that did not exist `before` and do not end by themselves within a second."""
    current = asyncio.current_task()
    left = [task for task in asyncio.all_tasks() - before if task is not current]
    if left:
        await asyncio.wait(left, timeout=1.0)
    return [repr(task) for task in left if not task.done()]
