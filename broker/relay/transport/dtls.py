"""DTLS-SRTP (RFC 5764): the only file of the relay that touches the insides of aiortc and pylibsrtp.

aiortc's RTCDtlsTransport answers those who call, over our own small transport object; clients that wait to be called
(a=setup:passive) are called through systemtls.py, which knows more curves. The keys go to two libsrtp sessions that the
packet path then uses in place, through pylibsrtp's own binding, without a copy. Both libraries are pinned;
`tests/broker/relay/transport/test_dtls.py` fails first when what is used here moves.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import structlog
from aiortc.rtcdtlstransport import (
    SRTP_AEAD_AES_128_GCM,
    SRTP_AES128_CM_SHA1_80,
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
    SRTPProtectionProfile,
    generate_certificate,
)
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pylibsrtp import Policy, Session
from pylibsrtp._binding import ffi, lib

from broker.relay.transport import openssl_dtls

log = structlog.get_logger()
HANDSHAKE_TIMEOUT = 10.0  # seconds; a client that cannot finish by then has lost its network
MAX_WAITING = 32  # handshake datagrams; a full flight is under ten, the rest is a flood
REPLAY_WINDOW = 1024  # packets: a late repair comes in, and whatever the cache holds may go out again

PROFILES = [SRTP_AEAD_AES_128_GCM, SRTP_AES128_CM_SHA1_80]
PROFILE_NAMES = b":".join(profile.openssl_profile for profile in PROFILES)
EXPORTER = b"EXTRACTOR-dtls_srtp"  # RFC 5764 4.2
Keys = tuple[SRTPProtectionProfile, bytes, bytes]  # theirs, ours

PACKET_SIZE = 2048
unprotect: Callable[..., int] = lib.srtp_unprotect
protect: Callable[..., int] = lib.srtp_protect
copy: Callable[..., None] = ffi.memmove


def new_buffer() -> tuple[Any, memoryview]:
    """A packet buffer twice: as libsrtp wants it, and as Python reads and writes it."""
    raw = ffi.new("char[]", PACKET_SIZE)
    return raw, memoryview(ffi.buffer(raw)).cast("B")


def new_length() -> Any:
    """The in-out length that libsrtp's calls take."""
    return ffi.new("int *")


_raw, _view = new_buffer()
_length = new_length()


class Certificate:
    """The worker's self-signed ECDSA certificate, made anew at each start.

    `calling` is the same one for calls through the system's libssl, or None where that cannot be used."""

    def __init__(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())  # the curve that RFC 8827 6.5 demands
        made = generate_certificate(key)
        self.raw = RTCCertificate(key, made)
        self.fingerprint = next(print_.value for print_ in self.raw.getFingerprints() if print_.algorithm == "sha-256")
        self.calling = _calling(key, made)  # now: 40 ms that nobody's packets should wait for later


def _calling(key: ec.EllipticCurvePrivateKey, made: x509.Certificate) -> openssl_dtls.Context | None:
    library = openssl_dtls.library()
    if library is None:
        return None
    der, form = serialization.Encoding.DER, serialization.PrivateFormat.TraditionalOpenSSL
    private = key.private_bytes(der, form, serialization.NoEncryption())
    try:
        return openssl_dtls.Context(library, made.public_bytes(der), private, PROFILE_NAMES)
    except openssl_dtls.HandshakeFailed as error:
        log.warning("system libssl refuses our settings, aiortc calls in its place", error=str(error))
        return None


class _Handshake(RTCDtlsTransport):
    """RTCDtlsTransport that hands the SRTP keys out instead of using them itself."""

    def __init__(self, transport: Any, certificate: Any) -> None:
        super().__init__(transport, [certificate])
        self._srtp_profiles = PROFILES
        self.keys: Keys | None = None

    async def shake(self, algorithm: str, fingerprint: str, on_closed: Callable[[], None]) -> Keys | None:
        """The keys once the other end has shown the certificate of this fingerprint; else None."""
        await self.start(RTCDtlsParameters(fingerprints=[RTCDtlsFingerprint(algorithm, fingerprint)]))
        if self.state != "connected":
            return None
        self.on("statechange", lambda: on_closed() if self.state in ("closed", "failed") else None)
        return self.keys

    async def stop(self) -> None:
        self.remove_all_listeners()
        await super().stop()

    def _setup_srtp(self) -> None:
        assert self._ssl is not None
        profile = _profile(self._ssl.get_selected_srtp_profile())
        size = 2 * (profile.key_length + profile.salt_length)
        material = bytes(self._ssl.export_keying_material(EXPORTER, size))
        self.keys = _split(profile, material, self._role == "server")


class _Caller:
    """The same as `_Handshake`, for a client that waits to be called: through the system's libssl."""

    def __init__(self, transport: "DtlsTransport", context: openssl_dtls.Context) -> None:
        self._transport, self._call = transport, openssl_dtls.Call(context)
        self._listening: asyncio.Task[None] | None = None
        self.state = "new"

    async def shake(self, algorithm: str, fingerprint: str, on_closed: Callable[[], None]) -> Keys | None:
        """The keys once the other end has shown the certificate of this fingerprint. Raises ConnectionError."""
        self.state = "connecting"
        self._call.begin()
        self._flush()
        while not self._call.established:
            await self._step()
        if not self._call.proves(algorithm, fingerprint):
            raise openssl_dtls.HandshakeFailed("the certificate is not the one of the offer")
        profile = _profile(self._call.profile())
        keys = _split(profile, self._call.export(EXPORTER, 2 * (profile.key_length + profile.salt_length)), False)
        self.state = "connected"
        self._listening = asyncio.create_task(self._listen(on_closed))
        return keys

    async def stop(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
        self._call.shut()
        self._flush()
        self._call.free()
        self.state = "closed"

    async def _listen(self, on_closed: Callable[[], None]) -> None:
        with contextlib.suppress(ConnectionError):  # a fatal alert ends it like a goodbye
            while not self._call.closed:
                await self._step()
        self.state = "closed"
        on_closed()

    async def _step(self) -> None:
        datagram = None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._call.timeout()):
                datagram = await self._transport._recv()
        try:
            self._call.expire() if datagram is None else self._call.feed(datagram)
        finally:
            self._flush()  # also the alert that says why it failed

    def _flush(self) -> None:
        for datagram in self._call.outgoing():
            self._transport._send_out(datagram)


def _profile(name: bytes) -> SRTPProtectionProfile:
    for known in PROFILES:
        if known.openssl_profile == name:
            return known
    raise ConnectionError("the client offers no SRTP profile that we speak")


def _split(profile: SRTPProtectionProfile, material: bytes, server: bool) -> Keys:
    """Exported material as the keys of both directions (RFC 5764 4.2)."""
    client_key, server_key = profile.get_key_and_salt(material, 0), profile.get_key_and_salt(material, 1)
    return (profile, client_key, server_key) if server else (profile, server_key, client_key)


class DtlsTransport:
    """One DTLS association: a handshake fed with datagrams, then SRTP both ways.

    `send(datagram)` puts one on the wire. `on_closed()` is called once when the peer says goodbye or the handshake
    fails. After `run()` has returned True, `rx` and `tx` are libsrtp contexts for `unprotect` and `protect`.
    """

    role, state = "controlled", "completed"  # what RTCDtlsTransport asks of an ICE transport

    def __init__(
        self, certificate: Certificate, server: bool, send: Callable[[bytes], None], on_closed: Callable[[], None]
    ) -> None:
        self._send_out, self._on_closed = send, on_closed
        self._arrived: asyncio.Queue[bytes] = asyncio.Queue(MAX_WAITING)
        self._dtls = self._handshake(certificate, server)
        self._sessions: tuple[Session, Session] | None = None
        self.rx: Any = None
        self.tx: Any = None

    def _handshake(self, certificate: Certificate, server: bool) -> _Handshake | _Caller:
        if not server and certificate.calling is not None:
            return _Caller(self, certificate.calling)
        dtls = _Handshake(self, certificate.raw)
        dtls._set_role("server" if server else "client")
        return dtls

    def feed(self, datagram: bytes) -> None:
        """A DTLS datagram came in; over the limit it is dropped, and DTLS will send it again."""
        if not self._arrived.full():
            self._arrived.put_nowait(datagram)

    async def run(self, algorithm: str, fingerprint: str) -> bool:
        """Shake hands and check the client's certificate against the fingerprint of its offer."""
        keys = None
        try:
            keys = await asyncio.wait_for(self._dtls.shake(algorithm, fingerprint, self._on_closed), HANDSHAKE_TIMEOUT)
        except (TimeoutError, ConnectionError) as error:
            log.info("dtls handshake not finished", state=self._dtls.state, why=str(error))
        except Exception:  # a client's datagrams went where no handshake goes: this client ends, nobody else
            log.exception("dtls handshake broke")
        if keys is None:
            self._on_closed()
            return False
        profile, theirs, ours = keys
        inbound = _srtp(profile, theirs, Policy.SSRC_ANY_INBOUND)
        outbound = _srtp(profile, ours, Policy.SSRC_ANY_OUTBOUND)
        self._sessions = (inbound, outbound)
        self.rx, self.tx = inbound._srtp[0], outbound._srtp[0]
        return True

    async def stop(self) -> None:
        """Say goodbye (close_notify) and stop."""
        await self._dtls.stop()
        self.rx = self.tx = None

    def open_rtcp(self, datagram: bytes) -> bytes | None:
        """The decrypted RTCP compound, or None when it is not authentic or a replay."""
        if self.rx is None or len(datagram) > PACKET_SIZE:
            return None
        copy(_raw, datagram, len(datagram))
        _length[0] = len(datagram)
        return None if lib.srtp_unprotect_rtcp(self.rx, _raw, _length) else bytes(_view[: _length[0]])

    def seal_rtcp(self, packet: bytes) -> bytes:
        """An RTCP compound, encrypted."""
        assert self._sessions is not None
        return self._sessions[1].protect_rtcp(packet)

    # what RTCDtlsTransport calls on its ICE transport
    async def _recv(self) -> bytes:
        return await self._arrived.get()

    async def _send(self, data: bytes) -> None:
        self._send_out(data)


def _srtp(profile: Any, key: bytes, ssrcs: int) -> Session:
    policy = Policy(key=key, ssrc_type=ssrcs, srtp_profile=profile.libsrtp_profile)
    policy.allow_repeat_tx = True  # a NACKed packet goes out again under its own number
    policy.window_size = REPLAY_WINDOW
    return Session(policy)
