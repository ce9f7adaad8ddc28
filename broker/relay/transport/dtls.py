"""DTLS-SRTP (RFC 5764) of a client: the only file of the relay that uses private members of aiortc.

Towards clients that open the handshake, the relay is the DTLS server through aiortc's RTCDtlsTransport, over a small
transport object of its own. Towards clients that wait (a=setup:passive), it is the DTLS client through `openssl_dtls`,
which supports more curves. The keys go to two libsrtp sessions; the hot loop uses these in place (`srtp_buffers`).
aiortc and pylibsrtp are pinned; `tests/broker/relay/transport/test_dtls.py` fails first when what is used here changes.
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
    State,
    certificate_digest,
    generate_certificate,
)
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL
from pylibsrtp import Error, Policy, Session

from broker.media.rtp import RTP_HEADER
from broker.relay.transport import openssl_dtls
from broker.relay.transport.srtp_buffers import PACKET_SIZE, copy, new_buffer, new_length, unprotect_rtcp

log = structlog.get_logger()
HANDSHAKE_TIMEOUT = 10.0  # seconds; a client that has not finished by then has lost its network
MAX_WAITING = 32  # handshake datagrams in the queue; a full flight is under ten, more is a flood
REPLAY_WINDOW = 576  # packets: every one of the cache (512) may be sent again; libsrtp moves the whole window each time

PROFILES = [SRTP_AEAD_AES_128_GCM, SRTP_AES128_CM_SHA1_80]
PROFILE_NAMES = b":".join(profile.openssl_profile for profile in PROFILES)
EXPORTER = b"EXTRACTOR-dtls_srtp"  # RFC 5764 4.2
Fingerprints = tuple[tuple[str, str], ...]  # of hash function and value, as in `a=fingerprint:sha-256 AB:CD`
Keys = tuple[SRTPProtectionProfile, bytes, bytes]  # the profile, the client's key, the relay's key

_raw, _view = new_buffer()
_length = new_length()


class _AiortcCertificate(RTCCertificate):
    """A certificate with the relay's cipher suites: aiortc's also have two with CBC, which is not authenticated
    encryption. A second handshake in a connection is refused: each costs more than a client pays for it."""

    def _create_ssl_context(self, srtp_profiles: list[SRTPProtectionProfile]) -> SSL.Context:
        context = super()._create_ssl_context(srtp_profiles)
        context.set_min_proto_version(openssl_dtls.DTLS1_2)
        context.set_cipher_list(openssl_dtls.CIPHERS)
        context.set_options(openssl_dtls.NO_RENEGOTIATION)
        return context


class Certificate:
    """The self-signed ECDSA certificate of a worker, made at each start.

    `client_context` holds the same certificate for the system's libssl, or is None where that cannot be used."""

    def __init__(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())  # the curve that RFC 8827 6.5 demands
        certificate = generate_certificate(key)
        self.raw = _AiortcCertificate(key, certificate)
        self.fingerprint = next(print_.value for print_ in self.raw.getFingerprints() if print_.algorithm == "sha-256")
        self.client_context = _client_context(key, certificate)  # at the start: the 40 ms would delay packets later


def _client_context(key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> openssl_dtls.Context | None:
    library = openssl_dtls.library()
    if library is None:
        return None
    der, form = serialization.Encoding.DER, serialization.PrivateFormat.TraditionalOpenSSL
    private = key.private_bytes(der, form, serialization.NoEncryption())
    try:
        return openssl_dtls.Context(library, certificate.public_bytes(der), private, PROFILE_NAMES)
    except openssl_dtls.HandshakeFailed as error:
        log.warning("system libssl refuses the settings, aiortc is used in its place", error=error)
        return None


class _AiortcHandshake(RTCDtlsTransport):
    """RTCDtlsTransport that hands the SRTP keys out instead of using them itself."""

    def __init__(self, transport: Any, certificate: Any) -> None:
        super().__init__(transport, [certificate])
        self._srtp_profiles = PROFILES
        self.keys: Keys | None = None

    async def shake(self, fingerprints: Fingerprints, on_closed: Callable[[], None]) -> Keys | None:
        """Shake hands and return the keys, or None when the client's certificate has none of these fingerprints."""
        await self.start(RTCDtlsParameters([RTCDtlsFingerprint(*fingerprint) for fingerprint in fingerprints]))
        if self.state != "connected":
            return None
        self.on("statechange", lambda: on_closed() if self.state in ("closed", "failed") else None)
        return self.keys

    async def stop(self) -> None:
        self.remove_all_listeners()
        await super().stop()

    def _validate_peer_identity(self, remoteParameters: RTCDtlsParameters) -> None:
        """Check the client's certificate: it must have one of its fingerprints (RFC 8122 5.1), not all as in aiortc,
        since a client with two certificates gives one fingerprint of each."""
        connection: Any = self._ssl
        certificate = connection.get_peer_certificate(as_cryptography=True)
        offered = {(print_.algorithm, print_.value) for print_ in remoteParameters.fingerprints}
        if not any((algorithm, certificate_digest(certificate, algorithm)) in offered for algorithm, _ in offered):
            self._set_state(State.FAILED)

    def _setup_srtp(self) -> None:
        assert self._ssl is not None
        profile = _profile(self._ssl.get_selected_srtp_profile())
        size = 2 * (profile.key_length + profile.salt_length)
        material = bytes(self._ssl.export_keying_material(EXPORTER, size))
        self.keys = _split(profile, material, self._role == "server")


class _OpensslHandshake:
    """The same as `_AiortcHandshake`, as the DTLS client and through the system's libssl."""

    def __init__(self, transport: "DtlsTransport", context: openssl_dtls.Context) -> None:
        self._transport, self._association = transport, openssl_dtls.Association(context)
        self._listening: asyncio.Task[None] | None = None
        self.state = "new"

    async def shake(self, fingerprints: Fingerprints, on_closed: Callable[[], None]) -> Keys | None:
        """Shake hands and return the keys. Raises ConnectionError, also when the certificate is another one."""
        self.state = "connecting"
        self._association.begin()
        self._flush()
        while not self._association.established:
            await self._step()
        if not any(self._association.proves(*fingerprint) for fingerprint in fingerprints):
            raise openssl_dtls.HandshakeFailed("the certificate has no fingerprint of the offer")
        profile = _profile(self._association.profile())
        material = self._association.export(EXPORTER, 2 * (profile.key_length + profile.salt_length))
        keys = _split(profile, material, False)
        self.state = "connected"
        self._listening = asyncio.create_task(self._listen(on_closed))
        return keys

    async def stop(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
        self._association.close()
        self._flush()
        self._association.free()
        self.state = "closed"

    async def _listen(self, on_closed: Callable[[], None]) -> None:
        with contextlib.suppress(ConnectionError):  # a fatal alert ends the association like close_notify
            while not self._association.closed:
                await self._step()
        self.state = "closed"
        on_closed()

    async def _step(self) -> None:
        datagram = None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._association.timeout()):
                datagram = await self._transport._recv()
        try:
            self._association.expire() if datagram is None else self._association.feed(datagram)
        finally:
            self._flush()  # after a failure, this sends the alert with the reason

    def _flush(self) -> None:
        for datagram in self._association.outgoing():
            self._transport._send_out(datagram)


def _profile(name: bytes) -> SRTPProtectionProfile:
    for profile in PROFILES:
        if profile.openssl_profile == name:
            return profile
    raise ConnectionError("the client offers no SRTP profile that the relay supports")


def _split(profile: SRTPProtectionProfile, material: bytes, server: bool) -> Keys:
    """Return the keys of both directions from exported material (RFC 5764 4.2)."""
    client_key, server_key = profile.get_key_and_salt(material, 0), profile.get_key_and_salt(material, 1)
    return (profile, client_key, server_key) if server else (profile, server_key, client_key)


class DtlsTransport:
    """The DTLS association of a client: a handshake that is fed with datagrams, then SRTP in both directions.

    `send(datagram)` puts a datagram on the wire. `on_closed()` is called once, when the client sends close_notify or
    the handshake fails. After `run()` has returned True, `rx` and `tx` are libsrtp contexts for `unprotect` and
    `protect`.
    """

    role, state = "controlled", "completed"  # attributes that RTCDtlsTransport reads from its ICE transport

    def __init__(
        self, certificate: Certificate, server: bool, send: Callable[[bytes], None], on_closed: Callable[[], None]
    ) -> None:
        self._send_out, self._on_closed = send, on_closed
        self._arrived: asyncio.Queue[bytes] = asyncio.Queue(MAX_WAITING)
        self._dtls = self._handshake(certificate, server)
        self._sessions: tuple[Session, Session] | None = None
        self._client: tuple[SRTPProtectionProfile, bytes] | None = None
        self.rx: Any = None
        self.tx: Any = None

    def _handshake(self, certificate: Certificate, server: bool) -> _AiortcHandshake | _OpensslHandshake:
        if not server and certificate.client_context is not None:
            return _OpensslHandshake(self, certificate.client_context)
        dtls = _AiortcHandshake(self, certificate.raw)
        dtls._set_role("server" if server else "client")
        return dtls

    def feed(self, datagram: bytes) -> None:
        """Queue a DTLS datagram for the handshake. Over the limit it is dropped, and the client sends it again."""
        if not self._arrived.full():
            self._arrived.put_nowait(datagram)

    async def run(self, fingerprints: Fingerprints) -> bool:
        """Shake hands, check that the client's certificate has one of the fingerprints of its offer, and set up SRTP.

        Returns whether that succeeded."""
        keys = None
        try:
            keys = await asyncio.wait_for(self._dtls.shake(fingerprints, self._on_closed), HANDSHAKE_TIMEOUT)
        except (TimeoutError, ConnectionError) as error:
            log.info("dtls handshake not finished", state=self._dtls.state, why=error)
        except Exception:  # whatever a client's datagrams cause ends that client, not the others
            log.exception("dtls handshake failed")
        if keys is None:
            self._on_closed()
            return False
        profile, client_key, relay_key = keys
        inbound = _srtp(profile, client_key, Policy.SSRC_ANY_INBOUND)
        outbound = _srtp(profile, relay_key, Policy.SSRC_ANY_OUTBOUND)
        self._sessions, self._client = (inbound, outbound), (profile, client_key)
        self.rx, self.tx = inbound._srtp[0], outbound._srtp[0]
        return True

    async def close(self) -> None:
        """Send close_notify and end the association."""
        await self._dtls.stop()
        self.rx = self.tx = None

    def open_rtcp(self, datagram: bytes) -> bytes | None:
        """Return the decrypted RTCP compound, or None when it is a replay or not authentic."""
        if self.rx is None or len(datagram) > PACKET_SIZE:
            return None
        copy(_raw, datagram, len(datagram))
        _length[0] = len(datagram)
        return None if unprotect_rtcp(self.rx, _raw, _length) else bytes(_view[: _length[0]])

    def forget(self, ssrc: int) -> None:
        """Drop what libsrtp keeps of an SSRC of the client, its replay window too."""
        if self._sessions is not None:
            with contextlib.suppress(Error):  # there is nothing of it
                self._sessions[0].remove_stream(ssrc)

    def assume_wrap(self, ssrc: int) -> None:
        """Take the next packets of an SSRC that has brought none yet for such after its first wrap of sequence numbers.

        Numbers that begin just below 2^16 wrap while the first packets are lost, and SRTP counts wraps at both ends
        (RFC 3711 3.3.1). libsrtp has no function for that here, so it is given the last packet before the wrap, sealed
        with the client's key."""
        if self._sessions is None or self._client is None:
            return
        with contextlib.suppress(Error):  # it has brought one
            last = RTP_HEADER.pack(0x80, 0, 0xFFFF, 0, ssrc)
            self._sessions[0].unprotect(_srtp(*self._client, Policy.SSRC_ANY_OUTBOUND).protect(last))

    def seal_rtcp(self, packet: bytes) -> bytes:
        """Return an RTCP compound, encrypted for the client."""
        assert self._sessions is not None
        return self._sessions[1].protect_rtcp(packet)

    # methods that RTCDtlsTransport calls on its ICE transport
    async def _recv(self) -> bytes:
        return await self._arrived.get()

    async def _send(self, data: bytes) -> None:
        self._send_out(data)


def srtp_pair(client_key: bytes, relay_key: bytes) -> tuple[tuple[Session, Session], tuple[Any, Any]]:
    """Return what a handshake that agrees on these keys and the preferred profile sets up: the sessions for both
    directions, and their contexts `rx` and `tx`, which are valid as long as the sessions are kept."""
    inbound = _srtp(PROFILES[0], client_key, Policy.SSRC_ANY_INBOUND)
    outbound = _srtp(PROFILES[0], relay_key, Policy.SSRC_ANY_OUTBOUND)
    return (inbound, outbound), (inbound._srtp[0], outbound._srtp[0])


def _srtp(profile: Any, key: bytes, ssrcs: int) -> Session:
    policy = Policy(key=key, ssrc_type=ssrcs, srtp_profile=profile.libsrtp_profile)
    policy.allow_repeat_tx = True  # a packet that was NACKed is sent again under its own sequence number
    policy.window_size = REPLAY_WINDOW
    return Session(policy)
