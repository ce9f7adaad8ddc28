"""Publishing by WHIP (RFC 9725) and watching by WHEP: one POST with an offer, one answer from an ICE-lite server, one
DELETE at the end. Refusals come back as the typed errors of `broker/kernel/errors.py`; everything that only means "try
again" is a PeerError. A peer is one attempt and one resource; trying again is the agent's business."""

import asyncio
import ipaddress
import logging
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiortc import (
    InvalidAccessError,
    InvalidStateError,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.exceptions import InternalError, OperationError
from aiortc.mediastreams import MediaStreamTrack

from broker.kernel.errors import from_problem
from kiosk_agent.media.source import SourceTrack
from kiosk_agent.webrtc import aiortc_adapter as edge

log = logging.getLogger(__name__)

ANSWER_WITHIN = 10.0
CONNECT_WITHIN = 8.0
"""ICE to one candidate and DTLS take under a second; aioice itself would try for half a minute."""
GOODBYE_WITHIN = 3.0
_MAX_ANSWER = 64 * 1024

_BAD_ANSWER = (
    ValueError,
    IndexError,
    KeyError,
    AssertionError,
    InternalError,
    InvalidAccessError,
    InvalidStateError,
    OperationError,
)
"""What aiortc raises for an SDP answer that it cannot use."""


class PeerError(Exception):
    """Nothing came of it, but the same may work later."""


class Unreachable(PeerError):
    """The server did not answer over HTTP, or not in HTTP's or our terms."""


class BadAnswer(PeerError):
    """The server's SDP answer cannot be used."""


class NotConnected(PeerError):
    """Negotiated, but ICE or DTLS did not come up in time."""


@dataclass(frozen=True, slots=True)
class Door:
    """Where to knock and with what: an HTTP client, the server's base URL, a bearer token."""

    http: aiohttp.ClientSession
    server: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        """The bearer token, as every request carries it."""
        return {"Authorization": f"Bearer {self.token}"}


class Peer:
    """One WHIP or WHEP resource and its connection. `lost` is set when the connection ends by itself."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self.connection: RTCPeerConnection = edge.new_connection()
        self.location: str | None = None
        self.lost = asyncio.Event()
        self._connected = asyncio.Event()
        self.connection.on("connectionstatechange", self._state_changed)

    async def open(self, path: str) -> None:
        """POSTs the offer to `path`, applies the answer, waits for DTLS. Closes itself on any failure.

        Raises VisitError (refused, with the server's reason), Unreachable, BadAnswer, NotConnected.
        """
        try:
            answer = await self._post(path, await self._offer())
            await self._apply(answer)
            await self._wait_connected()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """DELETEs the resource and closes the connection. Idempotent; never raises for a server that is gone."""
        location, self.location = self.location, None
        try:
            if location is not None:
                await self._delete(location)
        finally:
            await self.connection.close()

    async def _offer(self) -> str:
        if addresses := await _only_addresses(self._door.server):
            edge.gather_on(self.connection, addresses)
        for transceiver in self.connection.getTransceivers():
            edge.prefer_our_codecs(transceiver)
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return self.connection.localDescription.sdp

    async def _post(self, path: str, offer: str) -> str:
        url = urljoin(self._door.server, path)
        headers = {**self._door.headers, "Content-Type": "application/sdp"}
        limit = aiohttp.ClientTimeout(total=ANSWER_WITHIN)
        try:
            async with self._door.http.post(
                url, data=offer, headers=headers, timeout=limit, allow_redirects=False
            ) as response:
                if response.status != 201:
                    await _refuse(response)
                self.location = _same_origin(url, response.headers["Location"])
                return (await response.content.read(_MAX_ANSWER)).decode()
        except (aiohttp.ClientError, TimeoutError, KeyError, ValueError) as error:
            raise Unreachable(f"{type(error).__name__}: {error}") from error

    async def _apply(self, answer: str) -> None:
        try:
            await self.connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
            # Our servers give all candidates in the answer; only after the end of candidates can ICE fail early.
            await self.connection.addIceCandidate(None)
        except _BAD_ANSWER as error:
            raise BadAnswer(f"{type(error).__name__}: {error}") from error

    async def _wait_connected(self) -> None:
        waits = [asyncio.ensure_future(event.wait()) for event in (self._connected, self.lost)]
        try:
            await asyncio.wait(waits, timeout=CONNECT_WITHIN, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        if self.lost.is_set() or not self._connected.is_set():
            raise NotConnected(f"the connection is {self.connection.connectionState}")

    async def _delete(self, location: str) -> None:
        limit = aiohttp.ClientTimeout(total=GOODBYE_WITHIN)
        try:
            async with self._door.http.delete(location, headers=self._door.headers, timeout=limit) as response:
                log.debug("resource deleted", extra={"status": response.status})
        except (aiohttp.ClientError, TimeoutError) as error:
            # The server notices by itself when consent ends (RFC 7675).
            log.info("goodbye not heard", extra={"error": type(error).__name__})

    def _state_changed(self) -> None:
        state = self.connection.connectionState
        if state == "connected":
            self._connected.set()
        elif state in ("failed", "closed"):
            self.lost.set()


class Publication(Peer):
    """A room's picture and sound on their way to the relay. `feedback` counts RTCP that comes back."""

    def __init__(self, door: Door, video: MediaStreamTrack, audio: MediaStreamTrack) -> None:
        super().__init__(door)
        senders = [self.connection.addTransceiver(track, direction="sendonly").sender for track in (audio, video)]
        for sender in senders:
            edge.use_our_encoder(sender)
            if isinstance(sender.track, SourceTrack):
                edge.report_capture_times(sender, sender.track.clock)
        self.feedback = {sender.kind: edge.meter_feedback(sender) for sender in senders}


class Subscription(Peer):
    """What arrives of one side, or of the officers: streams of `kinds`. `meters` counts RTP per kind; `dropped` what
    decoding missed."""

    def __init__(self, door: Door, kinds: tuple[str, ...] = ("audio", "video")) -> None:
        super().__init__(door)
        self.dropped = 0
        receivers = {kind: self.connection.addTransceiver(kind, direction="recvonly").receiver for kind in kinds}
        for receiver in receivers.values():
            edge.bound_decoder(receiver, self._count_dropped)
        self.meters = {kind: edge.meter_packets(each) for kind, each in receivers.items()}
        self._receivers = receivers

    def track(self, kind: str) -> MediaStreamTrack:
        """The remote "video" or "audio" track; only after `open`."""
        return self._receivers[kind].track

    async def packets_lost(self) -> dict[str, int]:
        """RTP packets that never came, per kind, by sequence numbers (RFC 3550 A.3)."""
        lost: dict[str, int] = {}
        for kind, receiver in self._receivers.items():
            stats = (await receiver.getStats()).values()
            lost[kind] = sum(max(0, each.packetsLost) for each in stats if each.type == "inbound-rtp")
        return lost

    def _count_dropped(self, count: int) -> None:
        self.dropped += count


async def publish(door: Door, session: str, video: MediaStreamTrack, audio: MediaStreamTrack) -> Publication:
    """Publishes to `session`; the token decides the side. Raises as `Peer.open`."""
    peer = Publication(door, video, audio)
    await peer.open(f"/whip/{session}")
    return peer


async def watch(door: Door, session: str, side: str, page: str = "") -> Subscription:
    """Watches `side` of `session`; `page` is the window of an officer who wants to count. The caller must read both
    tracks all the time. Raises as `Peer.open`."""
    peer = Subscription(door)
    await peer.open(f"/whep/{session}/{side}" + (f"?page={page}" if page else ""))
    return peer


async def listen(door: Door, session: str) -> Subscription:
    """Hears what officers say to this terminal's room. The caller must read the sound all the time. Raises as
    `Peer.open`."""
    peer = Subscription(door, ("audio",))
    await peer.open(f"/whep/{session}/voice")
    return peer


def _same_origin(url: str, location: str) -> str:
    """The absolute address of a resource; ValueError on another host, which must not get our token."""
    absolute = urljoin(url, location)
    if urlsplit(absolute)[:2] != urlsplit(url)[:2]:
        raise ValueError("the resource is on another host")
    return absolute


async def _refuse(response: aiohttp.ClientResponse) -> None:
    """Raises what the problem document says (RFC 9457), or Unreachable when there is none."""
    if response.content_type == "application/problem+json":
        document = await response.json(content_type=None)
        if isinstance(document, dict):
            raise from_problem(document)
    raise Unreachable(f"HTTP status {response.status} without a reason")


async def _only_addresses(server: str) -> list[str]:
    """The local addresses ICE may use; empty for "as usual". A server on loopback is reached from loopback only."""
    host = urlsplit(server).hostname or ""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, None)
    except OSError as error:
        raise Unreachable(f"the server's name cannot be resolved: {error}") from error
    addresses = {str(entry[4][0]) for entry in found}
    return sorted(each for each in addresses if ipaddress.ip_address(each.split("%")[0]).is_loopback)
