"""DTLS-SRTP against the libraries: fails first when their private members that the relay uses change."""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pylibsrtp import Policy, Session

from broker.media.rtcp import build_pli
from broker.relay.transport import dtls
from broker.relay.transport.dtls import Certificate, DtlsTransport
from broker.relay.transport.srtp_buffers import PACKET_SIZE, copy, new_buffer, new_length, protect, unprotect
from tests.support.patience import PATIENCE


class Wire:
    """The ICE transport of aiortc's end; the first `lossy` datagrams of the relay are dropped."""

    role, state = "controlling", "completed"

    def __init__(self, lossy: int = 0) -> None:
        self.arrived: asyncio.Queue[bytes] = asyncio.Queue()
        self.relay: DtlsTransport | None = None
        self.lossy = lossy

    def from_relay(self, datagram: bytes) -> None:
        if self.lossy:
            self.lossy -= 1
        else:
            self.arrived.put_nowait(datagram)

    async def _recv(self) -> bytes:
        return await self.arrived.get()

    async def _send(self, data: bytes) -> None:
        assert self.relay is not None
        self.relay.feed(data)


class Ends:
    """The relay's transport and aiortc's, wired together; without `libssl` as on a system that has none."""

    def __init__(self, server: bool, lossy: int = 0, libssl: bool = True) -> None:
        self.certificate = Certificate()
        if not libssl:
            self.certificate.client_context = None
        self.wire = Wire(lossy)
        self.closed = asyncio.Event()
        self.relay = DtlsTransport(self.certificate, server, self.wire.from_relay, self.closed.set)
        self.wire.relay = self.relay
        self.theirs = RTCCertificate.generateCertificate()
        self.far = RTCDtlsTransport(self.wire, [self.theirs])  # type: ignore[arg-type]
        self.far._set_role("client" if server else "server")
        self.fingerprint = next(
            print_.value for print_ in self.theirs.getFingerprints() if print_.algorithm == "sha-256"
        )

    async def shake(self, *fingerprints: tuple[str, str]) -> bool:
        prints = fingerprints or (("sha-256", self.fingerprint),)
        ours = RTCDtlsParameters(fingerprints=[RTCDtlsFingerprint("sha-256", self.certificate.fingerprint)])
        async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
            relay = group.create_task(self.relay.run(prints))
            far = group.create_task(self.far.start(ours))
            if not await relay:
                far.cancel()
        return relay.result()


@asynccontextmanager
async def ends(server: bool = True, lossy: int = 0, libssl: bool = True) -> AsyncIterator[Ends]:
    both = Ends(server, lossy, libssl)
    try:
        yield both
    finally:
        await both.relay.close()
        await both.far.stop()


def rtp(seq: int, payload: bytes = b"payload") -> bytes:
    return struct.pack("!BBHII", 0x80, 96, seq, 1, 2) + payload


def in_place(do: Any, context: Any, packet: bytes) -> tuple[int, bytes]:
    raw, view = new_buffer()
    length = new_length()
    copy(raw, packet, len(packet))
    length[0] = len(packet)
    status = do(context, raw, length)
    return status, bytes(view[: length[0]])


ROLES = pytest.mark.parametrize("server", [True, False], ids=["server", "client"])


class _Choosy(RTCCertificate):
    """A certificate of a client that offers only these cipher suites."""

    suites = b""

    def _create_ssl_context(self, srtp_profiles: Any) -> Any:
        context = super()._create_ssl_context(srtp_profiles)
        context.set_cipher_list(self.suites)
        return context


class TestCipherSuites:
    """Authenticated encryption only (RFC 7525 4.2); what browsers, aiortc and GStreamer offer is in it."""

    @pytest.mark.parametrize(
        ("suites", "taken"),
        [
            (b"ECDHE-ECDSA-AES128-GCM-SHA256", True),
            (b"ECDHE-ECDSA-AES256-GCM-SHA384", True),
            (b"ECDHE-ECDSA-CHACHA20-POLY1305", True),
            (b"ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES128-GCM-SHA256", True),
            (b"ECDHE-ECDSA-AES128-SHA", False),
            (b"ECDHE-ECDSA-AES256-SHA", False),
            (b"ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA", False),
        ],
    )
    async def test_with_cbc_are_refused(self, suites: bytes, taken: bool, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(dtls, "HANDSHAKE_TIMEOUT", PATIENCE if taken else 2.0)
        async with ends() as both:
            own = _Choosy(both.theirs._key, both.theirs._cert)
            own.suites = suites
            both.far = RTCDtlsTransport(both.wire, [own])  # type: ignore[arg-type]
            both.far._set_role("client")
            assert await both.shake() is taken
            if taken:
                assert both.relay._dtls._ssl.get_cipher_name().encode() == suites.rpartition(b":")[2]  # type: ignore[union-attr]


class TestAWrapThatWentUnseen:
    """RFC 3711 3.3.1: both ends count the wraps of sequence numbers, and the relay may have lost the packets before."""

    @pytest.mark.parametrize("offered", ["gcm", "cm"])
    async def test_is_assumed_on_demand_and_packets_open_from_then_on(
        self, offered: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if offered == "cm":
            monkeypatch.setattr(dtls, "PROFILES", dtls.PROFILES[1:])
        async with ends() as both:
            assert await both.shake()
            sealed = [both.far._tx_srtp.protect(rtp(number & 0xFFFF)) for number in range(65_530, 65_570)]
            assert in_place(unprotect, both.relay.rx, sealed[20])[0] != 0
            both.relay.assume_wrap(2)
            assert [in_place(unprotect, both.relay.rx, packet)[0] for packet in sealed[21:]] == [0] * 19

    async def test_can_be_forgotten_again(self) -> None:
        async with ends() as both:
            assert await both.shake()
            both.relay.assume_wrap(2)
            assert in_place(unprotect, both.relay.rx, both.far._tx_srtp.protect(rtp(5)))[0] != 0
            both.relay.forget(2)
            assert in_place(unprotect, both.relay.rx, both.far._tx_srtp.protect(rtp(6)))[0] == 0

    async def test_is_not_assumed_where_a_packet_has_come(self) -> None:
        async with ends() as both:
            assert await both.shake()
            assert in_place(unprotect, both.relay.rx, both.far._tx_srtp.protect(rtp(65_535)))[0] == 0
            both.relay.assume_wrap(2)
            assert in_place(unprotect, both.relay.rx, both.far._tx_srtp.protect(rtp(0)))[0] == 0


class TestHandshake:
    @pytest.mark.parametrize(("server", "libssl"), [(True, True), (False, True), (False, False)])
    async def test_succeeds_in_both_roles_and_media_flow_both_ways(self, server: bool, libssl: bool) -> None:
        async with ends(server, libssl=libssl) as both:
            assert await both.shake()
            assert both.far.state == "connected"
            status, sealed = in_place(protect, both.relay.tx, rtp(5))
            assert (status, both.far._rx_srtp.unprotect(sealed)) == (0, rtp(5))
            status, opened = in_place(unprotect, both.relay.rx, both.far._tx_srtp.protect(rtp(6)))
            assert (status, opened) == (0, rtp(6))

    @ROLES
    async def test_prefers_aes_gcm(self, server: bool) -> None:
        async with ends(server) as both:
            await both.shake()
            assert len(in_place(protect, both.relay.tx, rtp(5))[1]) == len(rtp(5)) + 16

    @pytest.mark.parametrize(("server", "libssl"), [(True, True), (False, True), (False, False)])
    async def test_succeeds_with_the_second_of_two_certificates(self, server: bool, libssl: bool) -> None:
        """RFC 8122 5.1: a client that has two gives fingerprints of both, and uses either."""
        other = RTCCertificate.generateCertificate()
        for algorithm in ("sha-256", "sha-384", "sha-512"):
            async with ends(server, libssl=libssl) as both:
                prints = [(print_.algorithm, print_.value) for print_ in other.getFingerprints()]
                prints += [(print_.algorithm, print_.value) for print_ in both.theirs.getFingerprints()]
                assert await both.shake(*(print_ for print_ in prints if print_[0] == algorithm))
                status, opened = in_place(unprotect, both.relay.rx, both.far._tx_srtp.protect(rtp(6)))
                assert (status, opened) == (0, rtp(6))

    @pytest.mark.parametrize(("server", "libssl"), [(True, True), (False, True), (False, False)])
    async def test_fails_where_the_certificate_has_none_of_several_fingerprints(
        self, server: bool, libssl: bool
    ) -> None:
        others = [RTCCertificate.generateCertificate() for _ in range(2)]
        prints = [(print_.algorithm, print_.value) for other in others for print_ in other.getFingerprints()]
        async with ends(server, libssl=libssl) as both:
            assert not await both.shake(*prints)
            assert both.relay.rx is None

    async def test_survives_a_lost_first_flight(self) -> None:
        async with ends(server=False, lossy=1) as both:
            assert await both.shake()

    @ROLES
    async def test_carries_rtcp_both_ways(self, server: bool) -> None:
        async with ends(server) as both:
            await both.shake()
            assert both.far._rx_srtp.unprotect_rtcp(both.relay.seal_rtcp(build_pli(7))) == build_pli(7)
            assert both.relay.open_rtcp(both.far._tx_srtp.protect_rtcp(build_pli(8))) == build_pli(8)

    @ROLES
    async def test_refuses_a_certificate_that_was_not_offered(self, server: bool) -> None:
        async with ends(server) as both:
            assert not await both.shake(("sha-256", "00:" * 31 + "00"))
            assert both.relay.rx is None
            assert both.relay.tx is None
            assert both.closed.is_set()

    @ROLES
    async def test_gives_up_a_client_that_never_finishes(self, server: bool, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(dtls, "HANDSHAKE_TIMEOUT", 0.05)
        async with ends(server) as both:
            assert not await both.relay.run((("sha-256", both.fingerprint),))
            assert both.closed.is_set()

    @ROLES
    async def test_reports_that_the_client_sent_close_notify(self, server: bool) -> None:
        async with ends(server) as both:
            await both.shake()
            await both.far.stop()
            await asyncio.wait_for(both.closed.wait(), PATIENCE)

    @ROLES
    async def test_sends_close_notify_at_the_end(self, server: bool) -> None:
        async with ends(server) as both:
            await both.shake()
            left = asyncio.Event()
            both.far.on("statechange", lambda: left.set() if both.far.state == "closed" else None)
            await both.relay.close()
            await asyncio.wait_for(left.wait(), PATIENCE)
            assert not both.closed.is_set()

    @ROLES
    async def test_may_be_stopped_at_any_moment_and_twice(self, server: bool) -> None:
        async with ends(server) as both:
            running = asyncio.create_task(both.relay.run((("sha-256", both.fingerprint),)))
            await both.wire.arrived.get() if not server else await asyncio.sleep(0)
            running.cancel()
            await both.relay.close()
            with pytest.raises(asyncio.CancelledError):
                await running
            await both.relay.close()
            assert both.wire.arrived.empty(), "close_notify was sent without a handshake"

    async def test_ends_only_the_client_when_the_library_raises(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def broken(*_: Any) -> None:
            raise RuntimeError("somewhere inside")

        async with ends() as both:
            monkeypatch.setattr(both.relay._dtls, "start", broken)
            assert not await both.relay.run((("sha-256", both.fingerprint),))
            assert both.closed.is_set()

    @ROLES
    async def test_a_flood_of_datagrams_before_it_is_dropped(self, server: bool) -> None:
        async with ends(server) as both:
            for _ in range(10_000):
                both.relay.feed(bytes(1200))
            assert both.relay._arrived.qsize() <= dtls.MAX_WAITING
            both.relay._arrived = asyncio.Queue()
            assert await both.shake()


class TestNonsense:
    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(st.binary(min_size=1, max_size=200).map(lambda rest: b"\x16\xfe\xfd" + rest), max_size=5))
    @pytest.mark.parametrize("server", [True, False])
    def test_that_looks_like_dtls_ends_only_the_handshake(self, server: bool, datagrams: list[bytes]) -> None:
        async def run() -> None:
            both = Ends(server)
            for datagram in datagrams:
                both.relay.feed(datagram)
            with contextlib.suppress(TimeoutError):
                assert not await asyncio.wait_for(both.relay.run((("sha-256", both.fingerprint),)), 0.02)
            await both.relay.close()

        asyncio.run(run())

    async def test_that_looks_like_media_is_refused_in_place(self) -> None:
        async with ends() as both:
            await both.shake()
            for first in (0x80, 0x90, 0xAF, 0xBF):
                for size in (12, 13, 20, 27, 28, 40, 1500, PACKET_SIZE):
                    packet = bytes([first, 96]) + b"\xff" * (size - 2)
                    assert in_place(unprotect, both.relay.rx, packet)[0] != 0

    async def test_that_looks_like_rtcp_is_refused(self) -> None:
        async with ends() as both:
            await both.shake()
            for size in (0, 1, 8, 12, 20, 40, 1500, 1501, PACKET_SIZE):
                assert both.relay.open_rtcp((b"\x80\xc8" + bytes(size))[:size]) is None

    async def test_a_replayed_packet_is_refused(self) -> None:
        async with ends() as both:
            await both.shake()
            sealed = both.far._tx_srtp.protect(rtp(6))
            report = both.far._tx_srtp.protect_rtcp(build_pli(8))
            assert in_place(unprotect, both.relay.rx, sealed)[0] == 0
            assert in_place(unprotect, both.relay.rx, sealed)[0] != 0
            assert both.relay.open_rtcp(report) is not None
            assert both.relay.open_rtcp(report) is None


class TestInPlace:
    """The functions that work in place give the same bytes as the public methods of pylibsrtp."""

    @pytest.mark.parametrize("profile", [Policy.SRTP_PROFILE_AEAD_AES_128_GCM, Policy.SRTP_PROFILE_AES128_CM_SHA1_80])
    def test_gives_the_same_bytes_as_the_public_methods(self, profile: int) -> None:
        key = bytes(range(30))
        policies = [Policy(key, Policy.SSRC_ANY_OUTBOUND, srtp_profile=profile) for _ in range(2)]
        ours, theirs = Session(policies[0]), Session(policies[1])
        reader = Session(Policy(key, Policy.SSRC_ANY_INBOUND, srtp_profile=profile))
        for seq in range(65_530, 65_545):
            packet = rtp(seq & 0xFFFF, bytes(range(seq % 200)))
            status, sealed = in_place(protect, ours._srtp[0], packet)
            assert (status, sealed) == (0, theirs.protect(packet))
            assert in_place(unprotect, reader._srtp[0], sealed) == (0, packet)

    async def test_every_packet_of_the_cache_can_be_sent_again(self) -> None:
        async with ends() as both:
            await both.shake()
            first = in_place(protect, both.relay.tx, rtp(1))
            for seq in range(2, 513):
                assert in_place(protect, both.relay.tx, rtp(seq))[0] == 0
            assert in_place(protect, both.relay.tx, rtp(1)) == first

    def test_an_encrypted_packet_of_full_size_fits(self) -> None:
        assert PACKET_SIZE >= 1500 + 144
