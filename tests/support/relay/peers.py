"""A minimal client: one UDP socket, STUN, aiortc's DTLS, and every packet in the test's hands. It does what no browser
does: it falls silent, asks for packets of others, and vanishes."""

import asyncio
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from aioice import stun
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsParameters, RTCDtlsTransport
from aiortc.sdp import SessionDescription

from broker.ipc.relay_messages import MediaOffer, Publish, Subscribe
from broker.kernel.clock import monotonic
from broker.media import rtcp
from broker.media.h264 import PPS, SPS
from broker.media.rtp import payload_start
from tests.support.clips import pictures, sound
from tests.support.kernel_stamps import StampedSocket, family_of
from tests.support.patience import PATIENCE
from tests.support.relay.sdp_samples import offer
from tests.support.relay_front import RelayFront
from tests.support.rtp import Stream

AGAIN = 0.5  # seconds after which a check without an answer is sent again


OnDatagram = Callable[[bytes, float], None]
"""Takes a datagram, and when the kernel took it in (monotonic s)."""


class _Socket(asyncio.DatagramProtocol):
    def __init__(self, sock: StampedSocket, on_datagram: OnDatagram) -> None:
        self._sock, self._on_datagram = sock, on_datagram

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._on_datagram(data, self._sock.taken_at)


class Framed(asyncio.Protocol):
    """A TCP connection that is used like a datagram socket: two bytes of length before each packet (RFC 4571). When its
    bytes came is when they are read."""

    def __init__(self, on_datagram: OnDatagram) -> None:
        self._on_datagram, self._in = on_datagram, b""
        self.lost = asyncio.Event()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.get_extra_info, self.close = transport.get_extra_info, transport.close

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()

    def data_received(self, data: bytes) -> None:
        self._in += data
        while len(self._in) >= 2 and len(self._in) >= (end := 2 + int.from_bytes(self._in[:2], "big")):
            packet, self._in = self._in[2:end], self._in[end:]
            self._on_datagram(packet, monotonic())

    def sendto(self, data: bytes) -> None:
        self.transport.write(len(data).to_bytes(2, "big") + data)


class _Dtls(RTCDtlsTransport):
    """DTLS transport that hands out the decrypted packets."""

    def __init__(self, peer: "RawPeer", certificate: RTCCertificate) -> None:
        super().__init__(peer, [certificate])  # type: ignore[arg-type]
        self.peer = peer

    async def _handle_rtp_data(self, data: bytes, arrival_time_ms: int) -> None:
        self.peer.take(data)

    async def _handle_rtcp_data(self, data: bytes) -> None:
        self.peer.reported(data)


class RawPeer:
    """A client that publishes or subscribes.

    `rtp` holds (moment, packet) of what came, where the moment is when the kernel took it in (monotonic s); `sent`
    holds when each RTP packet was sent, `feedback` the RTCP packets that came. The next `lose` RTP packets are lost
    on their way in."""

    role, state = "controlling", "completed"

    def __init__(self, front: RelayFront, host: str = "127.0.0.1", tcp: bool = False) -> None:
        self.front, self.host, self.tcp = front, host, tcp
        self.rtp: list[tuple[float, bytes]] = []
        self.sent: list[float] = []
        self.feedback: list[rtcp.RtcpPacket] = []
        self.compounds: list[list[rtcp.RtcpPacket]] = []
        self.socket: Any = None
        self.answers = self.answer_size = 0
        self.mapped: tuple[str, int] | None = None
        self.lose = 0
        self.resource = ""
        self.gone = asyncio.Event()
        self.keyframe_wanted = False
        self.requested: list[float] = []
        """When each request for a keyframe came (monotonic s)."""
        self.more_prints: tuple[str, ...] = ()
        """Lines with fingerprints that stand before that of the certificate in the offer."""
        self.sends_sets = True
        """Whether keyframes bring their parameter sets."""
        self.payload_types: dict[str, int] = {}
        self.repairs: dict[int, int] = {}
        self.repaired = 0
        self.ssrcs: dict[str, int] = {}
        self.fraction = self.jitter = self.estimate = 0
        self.heard: dict[int, tuple[int, float]] = {}
        """The last sender report of each SSRC, by the middle of its NTP time, and when it came."""
        self._arrived = asyncio.Event()
        self._dtls_in: asyncio.Queue[tuple[bytes, float]] = asyncio.Queue()
        self._taken_at = 0.0
        """When the kernel took in the datagram that DTLS handles now."""
        self._tasks: list[asyncio.Task[None]] = []
        self._certificate = RTCCertificate.generateCertificate()
        self.dtls = _Dtls(self, self._certificate)

    # --- coming ----------------------------------------------------------------------------------------------------

    async def publish(self, side: str, session: str = "s") -> "RawPeer":
        """Connect as the kiosk of `side`."""
        return await self._connect(Publish, "aiortc-publish", session=session, side=side)

    async def watch(
        self, side: str, client: str = "officer@site", gated: bool = False, session: str = "s"
    ) -> "RawPeer":
        """Connect as a subscriber of `side` and report regularly what arrives."""
        await self._connect(Subscribe, "aiortc-watch", session=session, side=side, subscriber=client, gated=gated)
        self.report()
        return self

    def report(self) -> None:
        """Report regularly what arrives, as every receiver does."""
        self._tasks.append(asyncio.create_task(self._report()))

    async def watch_in_silence(self, side: str) -> "RawPeer":
        """Connect as a subscriber that never reports."""
        return await self._connect(
            Subscribe, "aiortc-watch", session="s", side=side, subscriber="silent@site", gated=False
        )

    def pretend(self) -> None:
        """Keep the line open and report again and again that one packet came."""
        for task in self._tasks:
            task.cancel()
        self._tasks.append(asyncio.create_task(self._pretend()))

    async def _pretend(self) -> None:
        while True:
            self.check()
            block = rtcp.ReportBlock(self.ssrcs["video"], 0, 0, 1, 0, 0, 0)
            self.send_rtcp(rtcp.build_receiver_report([block]))
            await asyncio.sleep(0.2)

    async def negotiate(self, command: type[MediaOffer], name: str, **members: Any) -> None:
        """Offer, and take the answer; sends no datagram."""
        prints = {one.algorithm: one.value for one in self._certificate.getFingerprints()}
        own = [*self.more_prints, f"a=fingerprint:sha-256 {prints['sha-256']}"]
        lines = [
            "\r\n".join(own) if line.startswith("a=fingerprint:sha-256") else line for line in offer(name).splitlines()
        ]
        answer = await self.front.link.call(command(sdp="\r\n".join(lines) + "\r\n", **members))
        self.resource = answer.resource
        media = SessionDescription.parse(answer.sdp).media
        self.payload_types = {one.kind: one.rtp.codecs[0].payloadType for one in media}
        self.repairs = {
            codec.payloadType: int(codec.parameters["apt"])
            for one in media
            for codec in one.rtp.codecs
            if codec.name == "rtx"
        }
        self.ssrcs = {one.kind: one.ssrc[0].ssrc for one in media if one.ssrc}
        self.remote, self.remote_dtls = media[0].ice, media[0].dtls
        self.candidates = [str(one) for one in media[0].ice_candidates]
        await self.open()

    async def open(self) -> Any:
        """Open a socket to send from; return the earlier one, which stays as it is."""
        loop, before = asyncio.get_running_loop(), self.socket
        if self.tcp:
            _, self.socket = await loop.create_connection(lambda: Framed(self._datagram), self.host, self.front.port)
            return before
        sock = StampedSocket(family_of(self.host))
        sock.connect((self.host, self.front.port))
        self.socket, _ = await loop.create_datagram_endpoint(lambda: _Socket(sock, self._datagram), sock=sock)
        return before

    async def _connect(self, command: type[MediaOffer], name: str, **members: Any) -> "RawPeer":
        await self.negotiate(command, name, **members)
        await self._checked()
        self.dtls._set_role("client")
        self.dtls.on("statechange", lambda: self.gone.set() if self.dtls.state == "closed" else None)
        async with asyncio.timeout(PATIENCE):
            await self.dtls.start(RTCDtlsParameters(self.remote_dtls.fingerprints))
        assert self.dtls.state == "connected"
        return self

    async def _checked(self) -> None:
        """Send checks until one is answered, as clients do (RFC 8445, 14.3): beside a flood some are lost."""
        async with asyncio.timeout(PATIENCE):
            while not self.answers:
                self.check()
                with suppress(TimeoutError):
                    await self.until(lambda: self.answers > 0, AGAIN)

    def check(self, password: str | None = None, ufrag: str | None = None, nominate: bool = True) -> bytes:
        """Send a connectivity check and return it."""
        request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        request.attributes["USERNAME"] = f"{ufrag or self.remote.usernameFragment}:mine"
        request.attributes["PRIORITY"] = 1
        request.attributes["ICE-CONTROLLING"] = 1
        if nominate:
            request.attributes["USE-CANDIDATE"] = None
        request.add_message_integrity((password or self.remote.password).encode())
        self.socket.sendto(bytes(request))
        return bytes(request)

    # --- being there -----------------------------------------------------------------------------------------------

    async def until(self, true: Callable[[], object], within: float = PATIENCE) -> None:
        """Wait until the condition is true, which is checked whenever a datagram arrives."""
        async with asyncio.timeout(within):
            while not true():
                self._arrived.clear()
                await self._arrived.wait()

    def numbers(self, kind: str) -> list[int]:
        """Return the sequence numbers of one kind, in order of arrival."""
        return [int.from_bytes(data[2:4], "big") for _, data in self.of(kind)]

    def of(self, kind: str) -> list[tuple[float, bytes]]:
        """Return (moment, packet) of one kind."""
        return [one for one in self.rtp if one[1][1] & 127 == self.payload_types[kind]]

    def first_video(self, since: float) -> bytes:
        """Return the first packet of the picture that came after a moment, nothing if there is none: what was on its
        way before may be read late."""
        return next((packet for at, packet in self.of("video") if at >= since), b"")

    def take(self, data: bytes) -> None:
        """Take in a decrypted packet; a retransmission becomes the packet that was lost."""
        if data[1] & 127 in self.repairs:
            start = payload_start(data)
            number = self.repairs[data[1] & 127] | data[1] & 128
            data = bytes((data[0] & 0xEF, number)) + data[start : start + 2] + data[4:12] + data[start + 2 :]
            self.repaired += 1
        self.rtp.append((self._taken_at, data))
        self._arrived.set()

    def reported(self, data: bytes) -> None:
        """Take in a decrypted RTCP compound."""
        self.compounds.append(list(rtcp.compound(data)))
        for packet in self.compounds[-1]:
            self.feedback.append(packet)
            if packet.kind == rtcp.SR and (report := rtcp.sender_report(packet)) is not None:
                self.heard[report.ssrc] = (report.ntp >> 16 & 0xFFFFFFFF, self._taken_at)
            if packet.kind == rtcp.PSFB and packet.format == rtcp.PLI:
                self.keyframe_wanted = True
                self.requested.append(self._taken_at)
        self._arrived.set()

    def send_rtp(self, packet: bytes) -> None:
        """Encrypt and send an RTP packet."""
        self.socket.sendto(self.dtls._tx_srtp.protect(packet))
        self.sent.append(monotonic())

    def send_rtcp(self, packet: bytes) -> None:
        """Encrypt and send an RTCP compound."""
        self.socket.sendto(self.dtls._tx_srtp.protect_rtcp(packet))

    def play(self, side: str, seconds: float = 60.0) -> None:
        """Send a clip in real time, and a keyframe whenever one is requested."""
        self._tasks.append(asyncio.create_task(self._play(side, seconds)))

    async def _play(self, side: str, seconds: float) -> None:
        shade, pitch = (60, 330) if side == "prison" else (150, 550)
        seen, heard = pictures(90, 30, 160, 128, shade, 30), sound(150, pitch)
        ssrc = struct.unpack("!H", self.resource.encode()[-2:])[0] << 8
        video = Stream(90_000, ssrc + 1, 65_500, payload_type=self.payload_types["video"])
        audio = Stream(48_000, ssrc + 2, 65_500, payload_type=self.payload_types["audio"])
        loop = asyncio.get_running_loop()
        begun, index, played = loop.time(), 0, 0
        for number in range(int(seconds * 30)):
            at = number / 30
            if self.keyframe_wanted:
                self.keyframe_wanted, index = False, -(-index // 30) * 30
            nals = seen[index % len(seen)]
            if not self.sends_sets:
                nals = tuple(nal for nal in nals if nal[0] & 31 not in (SPS, PPS))
            for packet in video.picture(nals, at):
                self.send_rtp(packet)
            index += 1
            while played / 50 <= at:
                self.send_rtp(audio.packet(heard[played % len(heard)], played / 50))
                played += 1
            if number % 15 == 0:
                for stream in (video, audio):
                    self.send_rtcp(stream.report(at, 1e6 + at))
            await asyncio.sleep(max(0.0, begun + (number + 1) / 30 - loop.time()))

    def flood(self, rate: int) -> None:
        """Send `rate` full packets a second in addition, under a second SSRC."""
        self._tasks.append(asyncio.create_task(self._flood(rate)))

    async def _flood(self, rate: int) -> None:
        stream = Stream(48_000, 77, 100, payload_type=self.payload_types["audio"])
        for number in range(60 * rate):
            self.send_rtp(stream.packet(bytes(1100), number / rate))
            await asyncio.sleep(1 / rate)

    def nack(self, kind: str, numbers: list[int]) -> None:
        """Request packets of one kind again."""
        head = rtcp.build_receiver_report([])
        self.send_rtcp(head + rtcp.build_nack(self.ssrcs[kind], [number & 0xFFFF for number in numbers]))

    async def _report(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            blocks = []
            for kind, ssrc in self.ssrcs.items():
                came = self.numbers(kind)
                if came:
                    last_sr, at = self.heard.get(ssrc, (0, loop.time()))
                    delay = int((loop.time() - at) * 65536)
                    highest = len(came) << 16 | came[-1]
                    blocks.append(rtcp.ReportBlock(ssrc, self.fraction, 0, highest, self.jitter, last_sr, delay))
            remb = rtcp.build_remb(self.estimate, list(self.ssrcs.values())) if self.estimate else b""
            self.send_rtcp(rtcp.build_receiver_report(blocks) + remb)
            await asyncio.sleep(0.3)

    # --- going -----------------------------------------------------------------------------------------------------

    async def vanish(self) -> None:
        """Stop without close_notify, as a crash does."""
        for task in self._tasks:
            task.cancel()
        if self.dtls._task is not None:
            self.dtls._task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.socket.close()

    async def close(self) -> None:
        """Send close_notify and stop, as a client does that leaves."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.dtls.stop()
        self.socket.close()

    # --- what aiortc's DTLS asks of its ICE transport ----------------------------------------------------------------

    def _datagram(self, data: bytes, taken_at: float) -> None:
        if data[0] < 2:
            self.answers += 1
            self.answer_size = len(data)
            self.mapped = stun.parse_message(data).attributes.get("XOR-MAPPED-ADDRESS")
            self._arrived.set()
        elif self.lose and data[0] > 127 and not 191 < data[1] < 224:
            self.lose -= 1
        else:
            self._dtls_in.put_nowait((data, taken_at))

    async def _recv(self) -> bytes:
        data, self._taken_at = await self._dtls_in.get()
        return data

    async def _send(self, data: bytes) -> None:
        self.socket.sendto(data)
