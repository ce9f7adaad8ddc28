"""Signatures of terminals: ECDSA over P-256 with SHA-256 (FIPS 186-5), which every TPM 2.0 can make. The only file that
touches the library's keys on the server."""

import base64
import binascii
from functools import cache

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from broker.kernel.errors import BadRequest


def read_key(text: str) -> bytes:
    """Return a public key that was sent, in the one spelling in which it is stored (DER). Raises BadRequest unless it
    is one of P-256."""
    try:
        return _der(_loaded(base64.b64decode(text, validate=True)))
    except (ValueError, UnsupportedAlgorithm):
        raise BadRequest(
            "The key is not a SubjectPublicKeyInfo of P-256, DER in Base64.", "公钥须为 P-256，DER 编码后的 Base64。"
        ) from None


def is_signed(key: bytes, signature: str, text: bytes) -> bool:
    """Whether `signature` (DER in Base64) is that of the private half of `key` under `text`. Without a key it is not,
    which takes as long to say."""
    try:
        _loaded(key or _unused()).verify(base64.b64decode(signature, validate=True), text, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return bool(key)


def _loaded(der: bytes) -> ec.EllipticCurvePublicKey:
    """Return the key in a SubjectPublicKeyInfo. Raises ValueError for any that is not of P-256."""
    key = serialization.load_der_public_key(der)
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("not a key of P-256")
    return key


def _der(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


@cache
def _unused() -> bytes:
    return _der(ec.generate_private_key(ec.SECP256R1()).public_key())
