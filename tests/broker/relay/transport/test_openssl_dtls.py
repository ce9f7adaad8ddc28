"""The DTLS client of the system's libssl against a server of the same, both in memory, without sockets and tasks."""

import gc
import struct
import time
import weakref
from collections.abc import Callable, Iterator

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.relay.transport import dtls, openssl_dtls
from broker.relay.transport.dtls import EXPORTER, PROFILE_NAMES, Certificate
from broker.relay.transport.openssl_dtls import MTU, Association, Context, HandshakeFailed, Library, datagrams
from tests.support.relay.dtls_server import Both, Identity, ServerAssociation, Signed

P224 = Identity(ec.SECP224R1())
OURS = Certificate()
BOTH = Both()
Pair = tuple[Association, ServerAssociation]


def client() -> Association:
    assert OURS.client_context is not None
    return Association(OURS.client_context)


def always(datagram: bytes) -> list[bytes]:
    return [datagram]


def talk(near: Association, far: Association, road: Callable[[bytes], list[bytes]] = always) -> None:
    """Carry datagrams in both directions until neither end sends any."""
    silent = 0
    while silent < 2:
        sent = [carried for datagram in near.outgoing() for carried in road(datagram)]
        silent = 0 if sent else silent + 1
        for datagram in sent:
            far.feed(datagram)
        near, far = far, near


def shake_hands(near: Association, far: Association, road: Callable[[bytes], list[bytes]] = always) -> None:
    """Shake hands, and repeat flights that were lost or, on a busy machine, late (OpenSSL gives up after a dozen)."""
    near.begin()
    talk(near, far, road)
    for end in (near, far) * 5:
        if (wait := end.timeout()) is not None:
            time.sleep(wait)
            end.expire()
            talk(near, far, road)
    assert near.established
    assert far.established
    assert near.export(EXPORTER, 60) == far.export(EXPORTER, 60)


def server(identity: Identity = P224, profiles: bytes = PROFILE_NAMES) -> ServerAssociation:
    return ServerAssociation(identity, profiles, BOTH)


@pytest.fixture
def ends() -> Iterator[Pair]:
    near, far = client(), server(P224)
    yield near, far
    near.free()
    far.free()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Pair:
    """Two ends that repeat a flight after 20 ms: OpenSSL takes a timer of under 15 ms as expired."""
    for wait in ("HELLO_WAIT", "NEXT_WAIT", "LONGEST_WAIT"):
        monkeypatch.setattr(openssl_dtls, wait, 20_000)
    library, mine = Both(), Identity(ec.SECP256R1())
    return Association(Context(library, mine.certificate, mine.key, PROFILE_NAMES)), ServerAssociation(
        P224, library=library
    )


class TestHandshake:
    @pytest.mark.parametrize("curve", [ec.SECP224R1(), ec.SECP256R1(), ec.SECP384R1()], ids=lambda curve: curve.name)
    def test_succeeds_with_a_certificate_on(self, curve: ec.EllipticCurve) -> None:
        identity = Identity(curve)
        near, far = client(), server(identity)
        shake_hands(near, far)
        assert near.proves("sha-256", identity.fingerprint())

    @pytest.mark.parametrize(
        "signature", [hashes.SHA256(), hashes.SHA384(), hashes.SHA512()], ids=lambda signature: signature.name
    )
    def test_succeeds_whatever_hash_the_certificate_is_signed_with(self, signature: Signed) -> None:
        near, far = client(), server(Identity(ec.SECP224R1(), signature))
        shake_hands(near, far)

    @pytest.mark.parametrize("profile", [b"SRTP_AEAD_AES_128_GCM", b"SRTP_AES128_CM_SHA1_80"])
    def test_gives_both_ends_the_same_keys_for_the_profile_they_share(self, profile: bytes) -> None:
        near, far = client(), server(P224, profile)
        shake_hands(near, far)
        assert near.profile() == far.profile() == profile
        assert near.export(EXPORTER, 60) == far.export(EXPORTER, 60)
        assert near.export(EXPORTER, 60) != near.export(b"EXPERIMENTAL", 60)

    def test_gives_every_association_keys_of_its_own(self) -> None:
        keys = set()
        for _ in range(3):
            near, far = client(), server(P224)
            shake_hands(near, far)
            keys.add(near.export(EXPORTER, 60))
        assert len(keys) == 3

    def test_without_a_shared_srtp_profile_returns_no_profile(self) -> None:
        near, far = client(), server(P224, b"SRTP_AEAD_AES_256_GCM")
        shake_hands(near, far)
        assert near.profile() == b""

    def test_has_a_short_timer_for_the_first_answer_and_none_afterwards(self, ends: Pair) -> None:
        near, far = ends
        assert near.timeout() is None
        near.begin()
        waiting = near.timeout()
        assert waiting is not None
        assert 0 < waiting <= 0.05
        shake_hands(near, far)
        assert near.timeout() is None


class TestTheIdentityOfTheServer:
    @pytest.mark.parametrize("algorithm", ["sha-256", "sha-384", "sha-512"])
    def test_is_proven_by_the_fingerprint(self, ends: Pair, algorithm: str) -> None:
        shake_hands(*ends)
        assert ends[0].proves(algorithm, P224.fingerprint(algorithm))
        assert ends[0].proves(algorithm, P224.fingerprint(algorithm).lower())

    def test_is_not_proven_by_another_certificate_of_the_same_name(self, ends: Pair) -> None:
        shake_hands(*ends)
        assert not ends[0].proves("sha-256", Identity(ec.SECP224R1()).fingerprint())

    @pytest.mark.parametrize(
        ("algorithm", "value"),
        [
            ("sha-256", ""),
            ("sha-256", P224.fingerprint()[:-3]),
            ("sha-256", P224.fingerprint() + ":00"),
            ("sha-256", P224.fingerprint().replace(":", "")),
            ("sha-256", P224.fingerprint("sha-512")),
            ("sha-512", P224.fingerprint()),
            ("sha-256", "\u00e9" * 32),
            ("sha-1", P224.fingerprint("sha-1")),
            ("md5", P224.fingerprint("md5")),
            ("SHA-256", P224.fingerprint()),
        ],
        ids=[
            "empty",
            "short",
            "long",
            "plain",
            "longer-digest",
            "shorter-digest",
            "foreign",
            "sha-1",
            "md5",
            "unknown",
        ],
    )
    def test_is_not_proven_by_a_malformed_or_weak_fingerprint(self, ends: Pair, algorithm: str, value: str) -> None:
        shake_hands(*ends)
        assert not ends[0].proves(algorithm, value)

    def test_is_not_proven_before_the_handshake_is_done(self, ends: Pair) -> None:
        near, far = ends
        near.begin()
        assert not near.proves("sha-256", P224.fingerprint())
        for datagram in near.outgoing():
            far.feed(datagram)
        for datagram in far.outgoing():
            near.feed(datagram)  # with the certificate; that the server holds its key is not confirmed yet
        assert not near.proves("sha-256", P224.fingerprint())

    def test_cannot_be_claimed_without_the_key(self) -> None:
        """The right certificate with a key exchange signed by another key: OpenSSL itself refuses."""
        thief = Identity(ec.SECP224R1())
        while len(thief.certificate) != len(P224.certificate):  # so that only the signature differs
            thief = Identity(ec.SECP224R1())
        near, far = client(), server(thief)

        def swapped(datagram: bytes) -> list[bytes]:
            return [datagram.replace(thief.certificate, P224.certificate)]

        near.begin()
        with pytest.raises(HandshakeFailed, match="signature"):
            talk(near, far, swapped)
        assert not near.established
        assert not near.proves("sha-256", P224.fingerprint())


class TestLostAndInvalidDatagrams:
    def test_every_flight_is_sent_again_after_its_time(self, impatient: Pair) -> None:
        near, far = impatient
        lost: set[int] = set()

        def road(datagram: bytes) -> list[bytes]:
            # The flights are told apart by a message that only they have. OpenSSL 3.5 may put an earlier one before it.
            types = {record[13] for record in records(datagram) if record[0] == 22}
            flight = -1 if far.established else next(kind for kind in (16, 14, 1) if kind in types)
            if flight in lost:
                return [datagram]
            lost.add(flight)
            return []

        shake_hands(near, far, road)
        assert lost == {1, 14, 16, -1}

    def test_nothing_is_sent_again_before_its_time(self, ends: Pair) -> None:
        near, _ = ends
        near.begin()
        assert len(list(near.outgoing())) == 1
        near.expire()
        assert list(near.outgoing()) == []

    def test_repeated_and_reordered_datagrams_do_no_harm(self, impatient: Pair) -> None:
        shake_hands(*impatient, lambda datagram: [*reversed(records(datagram)), datagram, datagram])

    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.binary(max_size=300) | st.binary(max_size=200).map(lambda rest: b"\x16\xfe\xfd" + rest)))
    def test_garbage_ends_this_association_or_is_dropped(self, garbage: list[bytes]) -> None:
        near, far = client(), server(P224)
        try:
            near.begin()
            for datagram in garbage:
                near.feed(datagram)
            talk(near, far)
        except HandshakeFailed:
            assert not near.established
        near.free()
        far.free()

    @settings(max_examples=60, deadline=None)
    @given(st.integers(0, 3000), st.integers(1, 255))
    def test_a_changed_byte_never_gives_the_ends_different_keys(self, where: int, change: int) -> None:
        near, far, passed = client(), server(P224), 0

        def road(datagram: bytes) -> list[bytes]:
            nonlocal passed
            at, passed = where - passed, passed + len(datagram)
            if not 0 <= at < len(datagram):
                return [datagram]
            return [datagram[:at] + bytes([datagram[at] ^ change]) + datagram[at + 1 :]]

        try:
            near.begin()
            talk(near, far, road)
        except HandshakeFailed:
            pass
        if near.established and far.established:  # the byte was not signed, or came after the handshake
            assert near.export(EXPORTER, 60) == far.export(EXPORTER, 60)
        near.free()
        far.free()

    def test_garbage_after_the_handshake_is_dropped(self, ends: Pair) -> None:
        near, far = ends
        shake_hands(near, far)
        for garbage in (b"\x16", bytes([22]) + bytes(1199), b"\x17\xfe\xfd" + bytes(10) + b"\xff" * 60, b"\x3f" * 1200):
            near.feed(garbage)
        assert near.established
        assert not near.closed
        far.close()
        talk(near, far)
        assert near.closed


class TestTheEnd:
    def test_close_notify_of_the_server_is_read_and_answered(self, ends: Pair) -> None:
        near, far = ends
        shake_hands(near, far)
        far.close()
        talk(near, far)
        assert near.closed
        near.close()
        assert len(list(near.outgoing())) == 1

    def test_close_notify_of_the_client_is_read(self, ends: Pair) -> None:
        near, far = ends
        shake_hands(near, far)
        near.close()
        talk(near, far)
        assert far.closed

    @pytest.mark.parametrize("alert", [b"\x01\x00", b"\x02\x28"], ids=["close_notify", "failure"])
    def test_an_alert_during_the_handshake_fails_it(self, ends: Pair, alert: bytes) -> None:
        near, _ = ends
        near.begin()
        with pytest.raises(HandshakeFailed):
            near.feed(b"\x15\xfe\xfd" + bytes(8) + b"\x00\x02" + alert)
        assert not near.established

    def test_nothing_is_sent_by_an_association_that_was_never_answered(self, ends: Pair) -> None:
        near, _ = ends
        near.begin()
        list(near.outgoing())
        near.close()
        assert list(near.outgoing()) == []

    def test_may_be_closed_twice_and_after_it_was_freed(self) -> None:
        near, far = client(), server(P224)
        shake_hands(near, far)
        for _ in range(2):
            near.close()
            near.free()
            assert list(near.outgoing()) == []

    def test_leaves_no_error_in_the_queue_of_the_thread(self) -> None:
        near, library = client(), openssl_dtls.library()
        assert library is not None
        near.begin()
        with pytest.raises(HandshakeFailed):
            near.feed(b"\x15\xfe\xfd" + bytes(8) + b"\x00\x02\x02\x28")  # a fatal alert
        assert library.lib.ERR_get_error() == 0

    def test_frees_its_memory(self) -> None:
        def many(count: int) -> None:
            for _ in range(count):
                near, far = client(), server(P224)
                shake_hands(near, far)
                near.free()
                far.free()

        many(30)
        before = resident()
        many(150)
        assert resident() - before < 4_000_000  # one association is over 100 kB

    def test_frees_its_memory_also_when_it_is_garbage_collected(self) -> None:
        near = client()
        gone = weakref.ref(near)
        near.begin()
        del near
        gc.collect()
        assert gone() is None


class TestTheSystemsLibrary:
    def test_when_absent_is_replaced_by_aiortc(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(openssl_dtls, "library", lambda: None)
        transport = dtls.DtlsTransport(Certificate(), False, lambda _: None, lambda: None)
        assert isinstance(transport._dtls, dtls._AiortcHandshake)

    def test_is_used_for_the_client_role_only(self) -> None:
        for server, kind in ((True, dtls._AiortcHandshake), (False, dtls._OpensslHandshake)):
            assert isinstance(dtls.DtlsTransport(OURS, server, lambda _: None, lambda: None)._dtls, kind)

    @pytest.mark.parametrize(("name", "error"), [("libssl.so.99", OSError), ("libc.so.6", AttributeError)])
    def test_without_a_function_that_is_needed_is_not_used(self, name: str, error: type[Exception]) -> None:
        with pytest.raises(error):
            Library(name)

    def test_when_it_refuses_a_setting_is_replaced_by_aiortc(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(openssl_dtls, "GROUPS", b"P-224:no-such-curve")
        assert Certificate().client_context is None


class TestDatagramsOfAFlight:
    @given(st.lists(st.integers(0, 1500), max_size=12))
    def test_hold_whole_records_in_order_and_no_more_than_fit(self, sizes: list[int]) -> None:
        flight = [b"\x16\xfe\xfd" + bytes(8) + struct.pack("!H", size) + bytes(size) for size in sizes]
        sent = list(datagrams(b"".join(flight)))
        assert b"".join(sent) == b"".join(flight)
        assert [record for datagram in sent for record in records(datagram)] == flight
        for datagram in sent:
            assert len(datagram) <= MTU or len(records(datagram)) == 1

    def test_a_long_flight_of_openssl_fits_the_network(self) -> None:
        near = client()
        near.begin()
        assert all(len(datagram) <= MTU for datagram in near.outgoing())


def records(datagram: bytes) -> list[bytes]:
    found, at = [], 0
    while at < len(datagram):
        end = at + 13 + struct.unpack_from("!H", datagram, at + 11)[0]
        found.append(datagram[at:end])
        at = end
    return found


def resident() -> int:
    with open("/proc/self/statm", encoding="utf-8") as file:
        return int(file.read().split()[1]) * 4096
