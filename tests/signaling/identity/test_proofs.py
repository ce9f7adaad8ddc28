"""Signatures of terminals: those of P-256 under exactly what was signed, and no others."""

import base64

import hypothesis.strategies as st
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given

from broker.kernel.errors import BadRequest
from kiosk_agent.identity.keys import FileKey
from signaling.api.messages.identity import enrolment_text, migration_text, session_text
from signaling.identity.proofs import is_signed, read_key
from tests.support.signing import encoded

KEY = FileKey.new()
TEXT = session_text("https://huijian.example", "trm_a", "a" * 32, "n" * 75)
SIGNED = encoded(KEY.sign(TEXT))


def spki(key):
    der = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    return encoded(key.public_key().public_bytes(*der))


class TestSignatures:
    def test_of_the_key_under_the_text_are_accepted(self):
        assert is_signed(KEY.public, SIGNED, TEXT)

    def test_of_another_key_or_of_none_are_refused(self):
        assert not is_signed(FileKey.new().public, SIGNED, TEXT)
        assert not is_signed(b"", SIGNED, TEXT)

    @given(st.integers(0, len(TEXT) - 1), st.integers(1, 255))
    def test_under_a_text_of_which_one_byte_differs_are_refused(self, place, change):
        other = bytearray(TEXT)
        other[place] ^= change
        assert not is_signed(KEY.public, SIGNED, bytes(other))

    @given(st.text(max_size=200))
    def test_garbage_is_none(self, text):
        assert not is_signed(KEY.public, text, TEXT)

    def test_for_one_purpose_are_worth_nothing_for_another(self):
        texts = {
            enrolment_text("https://a", "b", "c"),
            migration_text("https://a", "b", "c"),
            session_text("https://a", "b", "c", "d"),
        }
        assert len({text.splitlines()[0] for text in texts}) == 3

    def test_secrets_are_signed_by_their_digest(self):
        assert b"AAAABBBB" not in enrolment_text("https://a", "AAAA-BBBB", "k")
        assert enrolment_text("https://a", "aaaa bbbb", "k") == enrolment_text("https://a", "AAAA-BBBB", "k")
        assert b"trm_secret" not in migration_text("https://a", "trm_secret", "k")


class TestKeys:
    def test_of_p256_are_read(self):
        assert read_key(encoded(KEY.public)) == KEY.public

    @pytest.mark.parametrize(
        "other",
        [
            lambda: ec.generate_private_key(ec.SECP384R1()),
            lambda: ec.generate_private_key(ec.SECP256K1()),
            ed25519.Ed25519PrivateKey.generate,
            lambda: rsa.generate_private_key(65537, 2048),
        ],
    )
    def test_of_other_kinds_are_refused(self, other):
        with pytest.raises(BadRequest):
            read_key(spki(other()))

    def test_that_end_early_or_have_a_tail_are_refused(self):
        for der in (KEY.public[:-1], KEY.public + b"\0", b""):
            with pytest.raises(BadRequest):
                read_key(encoded(der))

    def test_a_compressed_point_is_the_same_key(self):
        public = serialization.load_der_public_key(KEY.public)
        point = public.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint)
        short = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200") + point
        assert read_key(base64.b64encode(short).decode()) == KEY.public
