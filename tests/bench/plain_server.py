"""`python -m tests.bench.plain_server PORT`: what one gets by forwarding packets through aiortc's own objects. Each
packet that a receiver has parsed is given an outgoing SSRC and payload type, serialised, and sent by the DTLS transport
of every watcher; nothing is decoded."""

import asyncio
import sys
from typing import Any

import aioice.ice
from aiohttp import web
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamTrack
from aiortc.rtcrtpreceiver import RTCRtpReceiver
from aiortc.rtp import RtpPacket

from tests.bench.client import PAYLOAD_TYPES

aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]  # aioice itself skips loopback

Leg = tuple[Any, Any, int]  # sender, DTLS transport, payload type
legs: dict[RTCRtpReceiver, list[Leg]] = {}
published: dict[tuple[str, str], list[RTCRtpReceiver]] = {}
connections: set[RTCPeerConnection] = set()


class Silent(MediaStreamTrack):
    """A track that never has a frame: the sender it belongs to only lends its SSRC."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        super().__init__()

    async def recv(self) -> Any:
        """Wait for ever."""
        await asyncio.Event().wait()


async def forward(receiver: RTCRtpReceiver, packet: RtpPacket, arrival_time_ms: int) -> None:
    """In place of aiortc's own handling, which would decode."""
    for sender, transport, payload_type in legs.get(receiver, ()):
        packet.ssrc, packet.payload_type = sender._ssrc, payload_type
        await transport._send_rtp(packet.serialize(sender.transport._rtp_header_extensions_map))


async def connection(request: web.Request) -> RTCPeerConnection:
    """A connection that has taken the offer."""
    made = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connections.add(made)
    await made.setRemoteDescription(RTCSessionDescription(await request.text(), "offer"))
    return made


async def answer(connection: RTCPeerConnection) -> web.Response:
    """Its answer."""
    await connection.setLocalDescription(await connection.createAnswer())
    return web.Response(text=connection.localDescription.sdp)


async def publish(request: web.Request) -> web.Response:
    """One side's sound and picture come in."""
    made = await connection(request)
    receivers = sorted(made.getReceivers(), key=lambda receiver: receiver.track.kind)
    published[request.match_info["session"], request.match_info["side"]] = receivers
    return await answer(made)


async def watch(request: web.Request) -> web.Response:
    """The streams of some sides go out, in the order of the offer."""
    made = await connection(request)
    session, sides = request.match_info["session"], request.match_info["sides"].split(",")
    receivers = [receiver for side in sides for receiver in published[session, side]]
    senders = [made.addTrack(Silent(receiver.track.kind)) for receiver in receivers]

    @made.on("connectionstatechange")
    def connected() -> None:
        if made.connectionState != "connected":
            return
        bundled = senders[0].transport  # those of later senders on a bundle never leave the state "new"
        for receiver, sender in zip(receivers, senders, strict=True):
            leg = (sender, bundled, PAYLOAD_TYPES[receiver.track.kind])
            legs.setdefault(receiver, []).append(leg)

    return await answer(made)


def main(port: int) -> None:
    """Serve until terminated."""
    RTCRtpReceiver._handle_rtp_packet = forward  # type: ignore[method-assign, assignment]
    app = web.Application(client_max_size=1 << 20)
    app.router.add_post("/publish/{session}/{side}", publish)
    app.router.add_post("/watch/{session}/{sides}", watch)
    web.run_app(app, host="127.0.0.1", port=port, print=lambda _: None, access_log=None)


if __name__ == "__main__":
    main(int(sys.argv[1]))
