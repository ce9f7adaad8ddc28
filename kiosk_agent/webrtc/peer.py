"""Publishes by WHIP (RFC 9725) and subscribes by WHEP: one POST with an offer, one answer from an ICE-lite server, one
DELETE at the end. Refusals are raised as the typed errors of `broker/kernel/errors.py`; a failure after which the same
may work later is a PeerError. A peer is one attempt and one resource; its owner decides about further attempts."""

import asyncio
import ipaddress
import logging
from dataclasses import dataclass
from typing import Protocol
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
from config.lines.records import word_of
from kiosk_agent.media.source import SourceTrack
from kiosk_agent.webrtc import aiortc_adapter

log = logging.getLogger(__name__)

ANSWER_WITHIN = 10.0
"""Seconds to wait for the answer to an offer."""
CONNECT_WITHIN = 8.0
"""Seconds for ICE and DTLS. To one candidate they take under a second; aioice itself would try for half a minute."""
DELETE_WITHIN = 3.0
"""Seconds to wait for the answer to a DELETE."""
_MAX_ANSWER = 64 * 1024
"""Bytes of an answer that are read."""

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
"""Errors that aiortc raises for an SDP answer that it cannot use."""


class PeerError(Exception):
    """The attempt failed, but the same may work later. The text quotes nothing that the server has sent."""

    for_operators = True


class Unreachable(PeerError):
    """The server did not answer, or not by the rules of HTTP and WHIP."""


class BadAnswer(PeerError):
    """The SDP answer of the server cannot be used."""


class NotConnected(PeerError):
    """The peers negotiated, but ICE or DTLS was not connected in time."""


class Redirected(aiohttp.ClientError):
    """The server names another address, to which the token is not sent."""


async def refuse_redirects(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Middleware of an HTTP client that follows no redirect, whatever is asked for. Raises Redirected."""
    answer = await handler(request)
    if answer.status in (301, 302, 303, 307, 308):
        answer.release()
        raise Redirected()
    return answer


class Credential(Protocol):
    """A bearer credential that lasts for minutes and is renewed by its owner. A terminal gets one for each signature
    (`kiosk_agent/identity/sign_in.py`)."""

    @property
    def token(self) -> str:
        """The present credential, "" before the first sign-in."""
        ...

    async def sign_in(self) -> None:
        """Get a new credential from the server. Raises VisitError (refused, with its reason) or an error for
        operators."""
        ...


@dataclass(frozen=True, slots=True)
class ServerAccess:
    """Access to the server: an HTTP client, the server's base URL, and a credential, of which each request carries the
    present token; a text is a token that stays the same."""

    http: aiohttp.ClientSession
    url: str
    credential: str | Credential

    @property
    def headers(self) -> dict[str, str]:
        """The header with the bearer token, which every request carries."""
        token = self.credential if isinstance(self.credential, str) else self.credential.token
        return {"Authorization": f"Bearer {token}"}

    async def sign_in(self) -> None:
        """Prove anew who is asking, where the credential can do so. Raises like `Credential.sign_in`."""
        if not isinstance(self.credential, str):
            await self.credential.sign_in()


class Peer:
    """One WHIP or WHEP resource and its connection. `lost` is set when the connection ends by itself."""

    def __init__(self, access: ServerAccess) -> None:
        self._access = access
        self.connection: RTCPeerConnection = aiortc_adapter.new_connection()
        self.location: str | None = None
        self.lost = asyncio.Event()
        self._connected = asyncio.Event()
        self.connection.on("connectionstatechange", self._state_changed)

    async def open(self, path: str) -> None:
        """POST the offer to `path`, apply the answer, wait for DTLS; close on any failure.

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
        """DELETE the resource and close the connection. Idempotent; a server that does not answer raises nothing."""
        location, self.location = self.location, None
        try:
            if location is not None:
                await self._delete(location)
        finally:
            await self.connection.close()

    async def _offer(self) -> str:
        if addresses := await _only_addresses(self._access.url):
            aiortc_adapter.gather_on(self.connection, addresses)
        for transceiver in self.connection.getTransceivers():
            aiortc_adapter.prefer_our_codecs(transceiver)
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return self.connection.localDescription.sdp

    async def _post(self, path: str, offer: str) -> str:
        url = urljoin(self._access.url, path)
        headers = {**self._access.headers, "Content-Type": "application/sdp"}
        limit = aiohttp.ClientTimeout(total=ANSWER_WITHIN)
        try:
            async with self._access.http.post(
                url, data=offer, headers=headers, timeout=limit, allow_redirects=False
            ) as response:
                if response.status != 201:
                    await refuse(response)
                self.location = same_origin(url, response.headers["Location"])
                return (await response.content.read(_MAX_ANSWER)).decode()
        except (aiohttp.ClientError, TimeoutError, KeyError, ValueError) as error:
            raise Unreachable(word_of(error)) from error

    async def _apply(self, answer: str) -> None:
        try:
            await self.connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
            # The answer holds all candidates of the server; ICE can fail early only after the end of candidates.
            await self.connection.addIceCandidate(None)
        except _BAD_ANSWER as error:
            raise BadAnswer(word_of(error)) from error

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
        limit = aiohttp.ClientTimeout(total=DELETE_WITHIN)
        try:
            async with self._access.http.delete(
                location, headers=self._access.headers, timeout=limit, allow_redirects=False
            ) as response:
                log.debug("resource deleted", extra={"status": response.status})
        except (aiohttp.ClientError, TimeoutError) as error:
            # The server detects by itself that consent ended (RFC 7675).
            log.info("DELETE not answered", extra={"error": type(error).__name__})

    def _state_changed(self) -> None:
        state = self.connection.connectionState
        if state == "connected":
            self._connected.set()
        elif state in ("failed", "closed"):
            self.lost.set()


class Publication(Peer):
    """WHIP resource with a room's picture and sound. `feedback` counts the RTCP that comes back, per kind."""

    def __init__(self, access: ServerAccess, video: MediaStreamTrack, audio: MediaStreamTrack) -> None:
        super().__init__(access)
        senders = [self.connection.addTransceiver(track, direction="sendonly").sender for track in (audio, video)]
        for sender in senders:
            aiortc_adapter.use_our_encoder(sender)
            if isinstance(sender.track, SourceTrack):
                aiortc_adapter.report_capture_times(sender, sender.track.clock)
        self.feedback = {sender.kind: aiortc_adapter.meter_feedback(sender) for sender in senders}


class Subscription(Peer):
    """WHEP resource that receives one side, or talkback: streams of `kinds`. `meters` counts RTP per kind; `dropped` is
    the number of encoded frames that the decoder did not take in time. Without `decodes` it only reports on what comes,
    and nothing has to read its tracks."""

    def __init__(self, access: ServerAccess, kinds: tuple[str, ...] = ("audio", "video"), decodes: bool = True) -> None:
        super().__init__(access)
        self.dropped = 0
        receivers = {kind: self.connection.addTransceiver(kind, direction="recvonly").receiver for kind in kinds}
        self._receivers = receivers
        if not decodes:
            self.meters = aiortc_adapter.only_report(receivers)
            return
        for receiver in receivers.values():
            aiortc_adapter.bound_decoder(receiver, self._count_dropped)
            aiortc_adapter.skip_cuts(receiver)
        self.meters = {kind: aiortc_adapter.meter_packets(each) for kind, each in receivers.items()}

    def track(self, kind: str) -> MediaStreamTrack:
        """Return the remote "video" or "audio" track, after `open`."""
        return self._receivers[kind].track

    async def packets_lost(self) -> dict[str, int]:
        """Return the RTP packets that never came, per kind, by sequence numbers (RFC 3550 A.3)."""
        lost: dict[str, int] = {}
        for kind, receiver in self._receivers.items():
            stats = (await receiver.getStats()).values()
            lost[kind] = sum(max(0, each.packetsLost) for each in stats if each.type == "inbound-rtp")
        return lost

    def _count_dropped(self, count: int) -> None:
        self.dropped += count


async def publish(access: ServerAccess, session: str, video: MediaStreamTrack, audio: MediaStreamTrack) -> Publication:
    """Publish to `session`; the token decides the side. Raises as `Peer.open`."""
    peer = Publication(access, video, audio)
    await peer.open(f"/whip/{session}")
    return peer


async def subscribe(access: ServerAccess, session: str, side: str, page: str = "") -> Subscription:
    """Subscribe to `side` of `session`; `page` is the page id of an officer who wants to count as present. The caller
    must read both tracks all the time. Raises as `Peer.open`."""
    peer = Subscription(access)
    await peer.open(f"/whep/{session}/{side}" + (f"?page={page}" if page else ""))
    return peer


async def report_on(access: ServerAccess, session: str, what: str, page: str = "") -> Subscription:
    """Subscribe to a side of `session`, or to the talkback (`voice`), and only report on what comes, as a simulated
    viewer of a demonstration. Raises as `Peer.open`."""
    peer = Subscription(access, ("audio",) if what == "voice" else ("audio", "video"), decodes=False)
    await peer.open(f"/whep/{session}/{what}" + (f"?page={page}" if page else ""))
    return peer


async def subscribe_talkback(access: ServerAccess, session: str) -> Subscription:
    """Subscribe to what officers say to this terminal's room. The caller must read the sound all the time. Raises as
    `Peer.open`."""
    peer = Subscription(access, ("audio",))
    await peer.open(f"/whep/{session}/voice")
    return peer


def same_origin(url: str, location: str) -> str:
    """Return the absolute URL of a resource. Raises ValueError for another host, which must not get the token."""
    absolute = urljoin(url, location)
    if urlsplit(absolute)[:2] != urlsplit(url)[:2]:
        raise ValueError("the resource is on another host")
    return absolute


async def refuse(response: aiohttp.ClientResponse) -> None:
    """Raise the error of the problem document (RFC 9457), or Unreachable when there is none."""
    if response.content_type == "application/problem+json":
        document = await response.json(content_type=None)
        if isinstance(document, dict):
            raise from_problem(document)
    raise Unreachable(f"HTTP status {response.status} without a reason")


async def _only_addresses(server: str) -> list[str]:
    """Return the local addresses that ICE may use, empty for the default. A server on loopback is reached from loopback
    only."""
    host = urlsplit(server).hostname or ""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, None)
    except OSError as error:
        raise Unreachable(f"the server's name cannot be resolved: {word_of(error)}") from error
    addresses = {str(entry[4][0]) for entry in found}
    return sorted(each for each in addresses if ipaddress.ip_address(each.split("%")[0]).is_loopback)
