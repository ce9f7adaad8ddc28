"""Calling a DTLS server through the system's libssl: without sockets, tasks and waiting, both ends in memory."""

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
from broker.relay.transport.openssl_dtls import MTU, Call, Context, HandshakeFailed, Library, datagrams
from tests.support.relay.dtls_callee import Both, Callee, Identity, Signed

P224 = Identity(ec.SECP224R1())
OURS = Certificate()
BOTH = Both()


def call() -> Call:
    assert OURS.calling is not None
    return Call(OURS.calling)


def always(datagram: bytes) -> list[bytes]:
    return [datagram]


def talk(near: Call, far: Call, road: Callable[[bytes], list[bytes]] = always) -> None:
    """Carry datagrams to and fro until both are silent."""
    silent = 0
    while silent < 2:
        sent = [one for datagram in near.outgoing() for one in road(datagram)]
        silent = 0 if sent else silent + 1
        for datagram in sent:
            far.feed(datagram)
        near, far = far, near


def shaken(near: Call, far: Call) -> None:
    near.begin()
    talk(near, far)
    assert near.established
    assert far.established


def answering(identity: Identity = P224, profiles: bytes = PROFILE_NAMES) -> Callee:
    return Callee(identity, profiles, BOTH)


@pytest.fixture
def ends() -> Iterator[tuple[Call, Callee]]:
    near, far = call(), answering(P224)
    yield near, far
    near.free()
    far.free()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> tuple[Call, Callee]:
    """Two ends that repeat themselves soon, though not sooner than OpenSSL's clock can tell (15 ms)."""
    for wait in ("HELLO_WAIT", "NEXT_WAIT", "LONGEST_WAIT"):
        monkeypatch.setattr(openssl_dtls, wait, 20_000)
    library, mine = Both(), Identity(ec.SECP256R1())
    return Call(Context(library, mine.certificate, mine.key, PROFILE_NAMES)), Callee(P224, library=library)


class TestHandshake:
    @pytest.mark.parametrize("curve", [ec.SECP224R1(), ec.SECP256R1(), ec.SECP384R1()], ids=lambda curve: curve.name)
    def test_succeeds_with_a_certificate_on(self, curve: ec.EllipticCurve) -> None:
        identity = Identity(curve)
        near, far = call(), answering(identity)
        shaken(near, far)
        assert near.proves("sha-256", identity.fingerprint())

    @pytest.mark.parametrize("signature", [hashes.SHA256(), hashes.SHA384(), hashes.SHA512()], ids=lambda one: one.name)
    def test_does_not_mind_how_the_certificate_signs_itself(self, signature: Signed) -> None:
        near, far = call(), answering(Identity(ec.SECP224R1(), signature))
        shaken(near, far)

    @pytest.mark.parametrize("profile", [b"SRTP_AEAD_AES_128_GCM", b"SRTP_AES128_CM_SHA1_80"])
    def test_gives_both_ends_the_same_keys_for_the_profile_they_share(self, profile: bytes) -> None:
        near, far = call(), answering(P224, profile)
        shaken(near, far)
        assert near.profile() == far.profile() == profile
        assert near.export(EXPORTER, 60) == far.export(EXPORTER, 60)
        assert near.export(EXPORTER, 60) != near.export(b"EXPERIMENTAL", 60)

    def test_gives_every_call_keys_of_its_own(self) -> None:
        keys = set()
        for _ in range(3):
            near, far = call(), answering(P224)
            shaken(near, far)
            keys.add(near.export(EXPORTER, 60))
        assert len(keys) == 3

    def test_without_a_shared_srtp_profile_names_none(self) -> None:
        near, far = call(), answering(P224, b"SRTP_AEAD_AES_256_GCM")
        shaken(near, far)
        assert near.profile() == b""

    def test_waits_briefly_for_the_first_answer_and_not_at_all_afterwards(self, ends: tuple[Call, Callee]) -> None:
        near, far = ends
        assert near.timeout() is None
        near.begin()
        waiting = near.timeout()
        assert waiting is not None
        assert 0 < waiting <= 0.05
        talk(near, far)
        assert near.timeout() is None


class TestWhoItIs:
    @pytest.mark.parametrize("algorithm", ["sha-256", "sha-384", "sha-512"])
    def test_is_shown_by_the_fingerprint(self, ends: tuple[Call, Callee], algorithm: str) -> None:
        shaken(*ends)
        assert ends[0].proves(algorithm, P224.fingerprint(algorithm))
        assert ends[0].proves(algorithm, P224.fingerprint(algorithm).lower())

    def test_is_not_shown_by_another_certificate_of_the_same_name(self, ends: tuple[Call, Callee]) -> None:
        shaken(*ends)
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
    def test_is_not_shown_by_anything_unclear(self, ends: tuple[Call, Callee], algorithm: str, value: str) -> None:
        shaken(*ends)
        assert not ends[0].proves(algorithm, value)

    def test_is_not_known_before_the_handshake_is_through(self, ends: tuple[Call, Callee]) -> None:
        near, far = ends
        near.begin()
        assert not near.proves("sha-256", P224.fingerprint())
        for datagram in near.outgoing():
            far.feed(datagram)
        for datagram in far.outgoing():
            near.feed(datagram)  # the certificate has come, the proof of its key has not been confirmed
        assert not near.proves("sha-256", P224.fingerprint())

    def test_cannot_be_claimed_without_the_key(self) -> None:
        """The right certificate, and a key exchange signed with another key: OpenSSL itself refuses."""
        thief = Identity(ec.SECP224R1())
        while len(thief.certificate) != len(P224.certificate):  # or length fields would betray it, not the signature
            thief = Identity(ec.SECP224R1())
        near, far = call(), answering(thief)

        def swapped(datagram: bytes) -> list[bytes]:
            return [datagram.replace(thief.certificate, P224.certificate)]

        near.begin()
        with pytest.raises(HandshakeFailed, match="signature"):
            talk(near, far, swapped)
        assert not near.established
        assert not near.proves("sha-256", P224.fingerprint())


class TestLostAndStrayDatagrams:
    def test_every_flight_is_sent_again_after_its_time(self, impatient: tuple[Call, Callee]) -> None:
        near, far = impatient
        lost: set[int] = set()

        def road(datagram: bytes) -> list[bytes]:
            flight = (
                -1 if far.established else datagram[13]
            )  # the type of its first message: 1, 2, 16; the last has none
            if flight in lost:
                return [datagram]
            lost.add(flight)
            return []

        persist(near, far, road)
        assert lost == {1, 2, 16, -1}

    def test_nothing_is_sent_again_before_its_time(self, ends: tuple[Call, Callee]) -> None:
        near, _ = ends
        near.begin()
        assert len(list(near.outgoing())) == 1
        near.expire()
        assert list(near.outgoing()) == []

    def test_doubles_and_a_changed_order_do_not_disturb(self, impatient: tuple[Call, Callee]) -> None:
        persist(*impatient, lambda datagram: [*reversed(records(datagram)), datagram, datagram])

    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.binary(max_size=300) | st.binary(max_size=200).map(lambda rest: b"\x16\xfe\xfd" + rest)))
    def test_garbage_fails_this_call_or_nothing(self, garbage: list[bytes]) -> None:
        near, far = call(), answering(P224)
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
    def test_a_bent_byte_on_the_way_never_gives_the_ends_different_keys(self, where: int, bend: int) -> None:
        near, far, passed = call(), answering(P224), 0

        def road(datagram: bytes) -> list[bytes]:
            nonlocal passed
            at, passed = where - passed, passed + len(datagram)
            if not 0 <= at < len(datagram):
                return [datagram]
            return [datagram[:at] + bytes([datagram[at] ^ bend]) + datagram[at + 1 :]]

        try:
            near.begin()
            talk(near, far, road)
        except HandshakeFailed:
            pass
        if near.established and far.established:  # the byte was outside of what is signed, or after it all
            assert near.export(EXPORTER, 60) == far.export(EXPORTER, 60)
        near.free()
        far.free()

    def test_garbage_after_the_handshake_is_dropped(self, ends: tuple[Call, Callee]) -> None:
        near, far = ends
        shaken(near, far)
        for garbage in (b"\x16", bytes([22]) + bytes(1199), b"\x17\xfe\xfd" + bytes(10) + b"\xff" * 60, b"\x3f" * 1200):
            near.feed(garbage)
        assert near.established
        assert not near.closed
        far.shut()
        talk(near, far)
        assert near.closed


class TestTheEnd:
    def test_a_goodbye_of_the_other_end_is_seen_and_answered(self, ends: tuple[Call, Callee]) -> None:
        near, far = ends
        shaken(near, far)
        far.shut()
        talk(near, far)
        assert near.closed
        near.shut()
        assert len(list(near.outgoing())) == 1

    def test_our_goodbye_is_seen(self, ends: tuple[Call, Callee]) -> None:
        near, far = ends
        shaken(near, far)
        near.shut()
        talk(near, far)
        assert far.closed

    @pytest.mark.parametrize("alert", [b"\x01\x00", b"\x02\x28"], ids=["goodbye", "failure"])
    def test_may_come_before_the_beginning(self, ends: tuple[Call, Callee], alert: bytes) -> None:
        near, _ = ends
        near.begin()
        with pytest.raises(HandshakeFailed):
            near.feed(b"\x15\xfe\xfd" + bytes(8) + b"\x00\x02" + alert)
        assert not near.established

    def test_nothing_is_said_by_a_call_that_was_never_answered(self, ends: tuple[Call, Callee]) -> None:
        near, _ = ends
        near.begin()
        list(near.outgoing())
        near.shut()
        assert list(near.outgoing()) == []

    def test_may_be_said_twice_and_after_everything(self) -> None:
        near, far = call(), answering(P224)
        shaken(near, far)
        for _ in range(2):
            near.shut()
            near.free()
            assert list(near.outgoing()) == []

    def test_leaves_no_error_behind_for_others_in_the_process(self) -> None:
        near, library = call(), openssl_dtls.library()
        assert library is not None
        near.begin()
        with pytest.raises(HandshakeFailed):
            near.feed(b"\x15\xfe\xfd" + bytes(8) + b"\x00\x02\x02\x28")  # a fatal alert
        assert library.lib.ERR_get_error() == 0

    def test_gives_the_memory_back(self) -> None:
        def many(count: int) -> None:
            for _ in range(count):
                near, far = call(), answering(P224)
                shaken(near, far)
                near.free()
                far.free()

        many(30)
        before = resident()
        many(150)
        assert resident() - before < 4_000_000  # one association is over 100 kB

    def test_gives_it_back_without_being_asked_too(self) -> None:
        near = call()
        gone = weakref.ref(near)
        near.begin()
        del near
        gc.collect()
        assert gone() is None


class TestWhereTheLibraryIs:
    def test_absent_aiortc_calls_instead(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(openssl_dtls, "library", lambda: None)
        leg = dtls.DtlsTransport(Certificate(), False, lambda _: None, lambda: None)
        assert isinstance(leg._dtls, dtls._Handshake)

    def test_present_only_calls_go_through_it(self) -> None:
        for server, kind in ((True, dtls._Handshake), (False, dtls._Caller)):
            assert isinstance(dtls.DtlsTransport(OURS, server, lambda _: None, lambda: None)._dtls, kind)

    @pytest.mark.parametrize(("name", "error"), [("libssl.so.99", OSError), ("libc.so.6", AttributeError)])
    def test_not_what_we_need_it_is_not_used(self, name: str, error: type[Exception]) -> None:
        with pytest.raises(error):
            Library(name)

    def test_unwilling_aiortc_calls_instead(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(openssl_dtls, "GROUPS", b"P-224:no-such-curve")
        assert Certificate().calling is None


class TestDatagrams:
    @given(st.lists(st.integers(0, 1500), max_size=12))
    def test_hold_whole_records_in_order_and_no_more_than_fit(self, sizes: list[int]) -> None:
        flight = [b"\x16\xfe\xfd" + bytes(8) + struct.pack("!H", size) + bytes(size) for size in sizes]
        sent = list(datagrams(b"".join(flight)))
        assert b"".join(sent) == b"".join(flight)
        assert [one for datagram in sent for one in records(datagram)] == flight
        for datagram in sent:
            assert len(datagram) <= MTU or len(records(datagram)) == 1

    def test_a_long_flight_of_openssl_fits_the_network(self) -> None:
        near = call()
        near.begin()
        assert all(len(datagram) <= MTU for datagram in near.outgoing())


def records(datagram: bytes) -> list[bytes]:
    found, at = [], 0
    while at < len(datagram):
        end = at + 13 + struct.unpack_from("!H", datagram, at + 11)[0]
        found.append(datagram[at:end])
        at = end
    return found


def persist(near: Call, far: Call, road: Callable[[bytes], list[bytes]]) -> None:
    """Shake hands on a bad road, with all the repeats that it needs (OpenSSL gives up after a dozen)."""
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


def resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096
