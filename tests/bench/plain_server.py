"""A forwarding server of aiortc's own objects: `python -m tests.bench.plain_server PORT`.

Each packet that a receiver has parsed gets an outgoing SSRC and payload type, is serialised, and is sent by the DTLS
transport of every watcher; nothing is decoded."""

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

Destination = tuple[Any, Any, int]  # sender, DTLS transport, payload type
destinations: dict[RTCRtpReceiver, list[Destination]] = {}
published: dict[tuple[str, str], list[RTCRtpReceiver]] = {}
connections: set[RTCPeerConnection] = set()


class Silent(MediaStreamTrack):
    """A track that never has a frame: only the SSRC of its sender is used."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        super().__init__()

    async def recv(self) -> Any:
        """Wait for a frame that never comes."""
        await asyncio.Event().wait()


async def forward(receiver: RTCRtpReceiver, packet: RtpPacket, arrival_time_ms: int) -> None:
    """Forward a packet; this replaces aiortc's own handling, which would decode it."""
    for sender, transport, payload_type in destinations.get(receiver, ()):
        packet.ssrc, packet.payload_type = sender._ssrc, payload_type
        await transport._send_rtp(packet.serialize(sender.transport._rtp_header_extensions_map))


async def connection(request: web.Request) -> RTCPeerConnection:
    """Return a new connection that has taken the offer of a request."""
    made = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connections.add(made)
    await made.setRemoteDescription(RTCSessionDescription(await request.text(), "offer"))
    return made


async def answer(connection: RTCPeerConnection) -> web.Response:
    """Return the response with the connection's answer."""
    await connection.setLocalDescription(await connection.createAnswer())
    return web.Response(text=connection.localDescription.sdp)


async def publish(request: web.Request) -> web.Response:
    """Receive audio and video of a side."""
    made = await connection(request)
    receivers = sorted(made.getReceivers(), key=lambda receiver: receiver.track.kind)
    published[request.match_info["session"], request.match_info["side"]] = receivers
    return await answer(made)


async def watch(request: web.Request) -> web.Response:
    """Send the streams of some sides, in the order of the offer."""
    made = await connection(request)
    session, sides = request.match_info["session"], request.match_info["sides"].split(",")
    receivers = [receiver for side in sides for receiver in published[session, side]]
    senders = [made.addTrack(Silent(receiver.track.kind)) for receiver in receivers]

    @made.on("connectionstatechange")
    def connected() -> None:
        if made.connectionState != "connected":
            return
        bundled = senders[0].transport  # the transports of later senders in a bundle stay in the state "new"
        for receiver, sender in zip(receivers, senders, strict=True):
            destination = (sender, bundled, PAYLOAD_TYPES[receiver.track.kind])
            destinations.setdefault(receiver, []).append(destination)

    return await answer(made)


def main(port: int) -> None:
    """Serve on a port of the loopback address until terminated."""
    RTCRtpReceiver._handle_rtp_packet = forward  # type: ignore[method-assign, assignment]
    app = web.Application(client_max_size=1 << 20)
    app.router.add_post("/publish/{session}/{side}", publish)
    app.router.add_post("/watch/{session}/{sides}", watch)
    web.run_app(app, host="127.0.0.1", port=port, print=lambda _: None, access_log=None)


if __name__ == "__main__":
    main(int(sys.argv[1]))
