"""A WebRTC client of the load: a UDP socket, a small controlling ICE agent with real connectivity checks, and DTLS-SRTP
through aiortc. Once connected, its socket and keys go to the generator; the client goes on with STUN."""

import asyncio
import random
import re
import secrets
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aioice import stun
from aiortc.rtcdtlstransport import (
    SRTP_AEAD_AES_128_GCM,
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
)

GCM_PROFILE = 7  # srtp_profile_aead_aes_128_gcm of libsrtp
PAYLOAD_TYPES = {"audio": 111, "video": 102}
PRIORITY = 1853817087  # of the client's host candidate, as a peer-reflexive one (RFC 8445 7.1.1)
CODECS = {
    "video": (
        "a=rtpmap:102 H264/90000",
        "a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
        "a=rtcp-fb:102 nack",
        "a=rtcp-fb:102 nack pli",
        "a=rtcp-fb:102 ccm fir",
        "a=rtcp-fb:102 goog-remb",
    ),
    "audio": ("a=rtpmap:111 opus/48000/2", "a=fmtp:111 minptime=10;useinbandfec=1"),
}
RTX = (103, ("a=rtpmap:103 rtx/90000", "a=fmtp:103 apt=102"))
NUMBERING = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
BROWSER = {"video": ("a=rtcp-fb:102 transport-cc",), "audio": ("a=rtcp-fb:111 transport-cc",)}
CERTIFICATE = RTCCertificate.generateCertificate()


class _Dtls(RTCDtlsTransport):
    """RTCDtlsTransport that hands the SRTP keys out."""

    keys: tuple[bytes, bytes] | None = None

    def _setup_srtp(self) -> None:
        profile = SRTP_AEAD_AES_128_GCM
        assert self._ssl is not None
        if self._ssl.get_selected_srtp_profile() != profile.openssl_profile:
            raise ConnectionError("the server does not support AES-GCM")
        size = 2 * (profile.key_length + profile.salt_length)
        material = bytes(self._ssl.export_keying_material(b"EXTRACTOR-dtls_srtp", size))
        client, server = (profile.get_key_and_salt(material, index) for index in (0, 1))
        self.keys = (client, server) if self._role == "server" else (server, client)


@dataclass(frozen=True, slots=True)
class Line:
    """An m-line of the client, with the SSRC that it sends on it."""

    kind: str
    mid: str
    direction: str
    payload_type: int
    ssrc: int


class Client:
    """A WebRTC client, which offers or answers and then connects.

    `keys` are those of the server and of the client. A client that is `like_browser` also offers retransmissions and
    transport-wide feedback; `numbering` is the header extension that numbers packets for it, or 0. `far` is whether it
    is the far room's.
    """

    state = "connected"  # RTCDtlsTransport reads it from its ICE transport, with `role`, `_recv` and `_send`

    def __init__(self, like_browser: bool = False, far: bool = False) -> None:
        self.numbering, self._like_browser, self.far = 0, like_browser, far
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.role = "controlling"
        self.lines: list[Line] = []
        self.keys = (b"", b"")
        self._ufrag, self._pwd = secrets.token_hex(4), secrets.token_hex(16)
        self._tie = random.getrandbits(63)
        self._arrived: asyncio.Queue[bytes] = asyncio.Queue()
        self._checks: dict[bytes, asyncio.Future[None]] = {}

    @property
    def receives(self) -> bool:
        """Whether the client only receives: it is a watcher."""
        return all(line.direction == "recvonly" for line in self.lines)

    # --- SDP -----------------------------------------------------------------------------------------------------

    def offer(self, kinds: Sequence[str], direction: str) -> str:
        """Return an offer with one m-line for each kind."""
        for index, kind in enumerate(kinds):
            self.lines.append(Line(kind, str(index), direction, PAYLOAD_TYPES[kind], random.getrandbits(31) | 1))
        return self._sdp("actpass")

    def take_answer(self, sdp: str) -> None:
        """Take the server's answer to the offer."""
        self._read(sdp)
        self._dtls_role = "server" if "a=setup:active" in sdp else "client"

    def answer(self, sdp: str) -> str:
        """Return the answer to the server's offer: the client receives all it sends, with its payload types."""
        for section in self._read(sdp):
            kind = "audio" if section.startswith("m=audio") else "video"
            number = re.search(rf"a=rtpmap:(\d+) {'opus' if kind == 'audio' else 'H264'}/", section)
            mid = re.search(r"a=mid:(\S+)", section)
            assert number is not None and mid is not None
            self.lines.append(Line(kind, mid[1], "recvonly", int(number[1]), 0))
        self._dtls_role, self.role = "client", "controlled"
        return self._sdp("active")

    def _read(self, sdp: str) -> list[str]:
        found = {name: re.search(rf"a={name}:(\S+)", sdp) for name in ("ice-ufrag", "ice-pwd")}
        print_ = re.search(r"a=fingerprint:(\S+) (\S+)", sdp)
        address = re.search(r"a=candidate:\S+ 1 udp \d+ (127\S+) (\d+) typ host", sdp, re.IGNORECASE)
        ufrag, pwd = found["ice-ufrag"], found["ice-pwd"]
        if ufrag is None or pwd is None or print_ is None or address is None:
            raise ValueError(f"no loopback candidate or no credentials in:\n{sdp}")
        self._their_ufrag, self._their_pwd = ufrag[1], pwd[1].encode()
        self._fingerprint = RTCDtlsFingerprint(print_[1], print_[2])
        self._remote = (address[1], int(address[2]))
        numbering = re.search(rf"a=extmap:(\d+)\S* {re.escape(NUMBERING)}", sdp)
        self.numbering = int(numbering[1]) if numbering is not None and self._like_browser else 0
        return re.split(r"\r?\n(?=m=)", sdp)[1:]

    def _sdp(self, setup: str) -> str:
        port = self.socket.getsockname()[1]
        out = ["v=0", f"o=- {random.getrandbits(48)} 2 IN IP4 127.0.0.1", "s=-", "t=0 0"]
        out += ["a=group:BUNDLE " + " ".join(line.mid for line in self.lines), "a=msid-semantic: WMS *"]
        print_ = next(each for each in CERTIFICATE.getFingerprints() if each.algorithm == "sha-256")
        for line in self.lines:
            repairs = self._like_browser and line.kind == "video" and line.payload_type == PAYLOAD_TYPES["video"]
            formats = f"{line.payload_type} {RTX[0]}" if repairs else f"{line.payload_type}"
            out += [f"m={line.kind} {port} UDP/TLS/RTP/SAVPF {formats}", "c=IN IP4 127.0.0.1", "a=rtcp-mux"]
            out += [f"a=ice-ufrag:{self._ufrag}", f"a=ice-pwd:{self._pwd}", f"a=setup:{setup}"]
            out += [f"a=fingerprint:sha-256 {print_.value}", f"a=mid:{line.mid}", f"a={line.direction}"]
            out += [f"a=candidate:1 1 udp 2130706431 127.0.0.1 {port} typ host", "a=end-of-candidates"]
            old = PAYLOAD_TYPES[line.kind]
            lines = CODECS[line.kind] + (BROWSER[line.kind] if self._like_browser else ())
            out += [text.replace(f":{old} ", f":{line.payload_type} ") for text in lines]
            if self._like_browser:
                out += [f"a=extmap:3 {NUMBERING}", *(RTX[1] if repairs else ())]
            if line.direction == "sendonly":
                out += [f"a=msid:load {line.mid}", f"a=ssrc:{line.ssrc} cname:load"]
        return "\r\n".join(out) + "\r\n"

    # --- ICE and DTLS --------------------------------------------------------------------------------------------

    async def connect(self) -> None:
        """Check connectivity, then shake hands. Raises TimeoutError or ConnectionError."""
        loop = asyncio.get_running_loop()
        self.socket.connect(self._remote)
        loop.add_reader(self.socket, self._readable)
        try:
            await self._check_until_answered()
            transport: Any = self
            dtls = _Dtls(transport, [CERTIFICATE])
            dtls._srtp_profiles = [SRTP_AEAD_AES_128_GCM]
            dtls._set_role(self._dtls_role)
            await asyncio.wait_for(dtls.start(RTCDtlsParameters(fingerprints=[self._fingerprint])), 20)
            if dtls.keys is None:
                raise ConnectionError(f"DTLS is {dtls.state}")
            self.keys, self._dtls = dtls.keys, dtls
        finally:
            loop.remove_reader(self.socket)

    async def _check_until_answered(self) -> None:
        for attempt in range(40):
            check = self._check(nominate=True)
            answered = self._checks[check.transaction_id] = asyncio.get_running_loop().create_future()
            self.send(bytes(check))
            with suppress(TimeoutError):
                await asyncio.wait_for(answered, 0.1 if attempt < 10 else 0.5)
                return
        raise TimeoutError("no answer to any ICE check")

    def consent(self) -> None:
        """Send a consent check (RFC 7675)."""
        self.send(bytes(self._check(nominate=False)))

    def take(self, datagram: bytes) -> None:
        """Handle a received datagram that is not RTP or RTCP."""
        if not datagram:
            return
        if datagram[0] > 1:
            self._arrived.put_nowait(datagram)
            return
        try:
            message = stun.parse_message(datagram)
        except ValueError:
            return
        if message.message_class == stun.Class.REQUEST:
            response = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, transaction_id=message.transaction_id)
            response.attributes["XOR-MAPPED-ADDRESS"] = self._remote
            response.add_message_integrity(self._pwd.encode())
            self.send(bytes(response))
        elif message.transaction_id in self._checks and message.check_message_integrity(self._their_pwd):
            answered = self._checks.pop(message.transaction_id)
            if not answered.done():
                answered.set_result(None)

    def send(self, datagram: bytes) -> None:
        """Send a datagram, which is lost when the socket does not take it, as on any network."""
        with suppress(BlockingIOError, ConnectionError):
            self.socket.send(datagram)

    def close(self) -> None:
        """Close the socket without close_notify, as a crash does."""
        self._dtls.remove_all_listeners()
        self._arrived.put_nowait(b"")
        self.socket.close()

    def _check(self, nominate: bool) -> stun.Message:
        check = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        check.attributes["USERNAME"] = f"{self._their_ufrag}:{self._ufrag}"
        check.attributes["PRIORITY"] = PRIORITY
        check.attributes["ICE-CONTROLLING" if self.role == "controlling" else "ICE-CONTROLLED"] = self._tie
        if nominate and self.role == "controlling":
            check.attributes["USE-CANDIDATE"] = None
        check.add_message_integrity(self._their_pwd)
        return check

    def _readable(self) -> None:
        while True:
            try:
                self.take(self.socket.recv(2048))
            except BlockingIOError:
                return
            except ConnectionError:
                continue

    async def _recv(self) -> bytes:
        datagram: Any = await self._arrived.get()
        if not datagram:
            raise ConnectionError
        return bytes(datagram)

    async def _send(self, datagram: bytes) -> None:
        self.send(datagram)
