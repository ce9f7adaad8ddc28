"""The key pair of a terminal: P-256, which every TPM 2.0 knows. `TerminalKey` is all that the rest of the program knows
of it; here is the one that lies in the identity file itself (mode 0600), for machines without a TPM."""

from typing import Any, Protocol

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


class KeyUnusable(ValueError):
    """A terminal's key cannot be made or used; the text says what to do."""

    for_operators = True


class TerminalKey(Protocol):
    """The key pair of a terminal. `kind` names what keeps its private half: `file` or `tpm`."""

    kind: str

    @property
    def public(self) -> bytes:
        """The public half: SubjectPublicKeyInfo in DER."""
        ...

    def sign(self, text: bytes) -> bytes:
        """Return the signature of a text: ECDSA with SHA-256, in DER. It may take a second, so call it in a thread.
        Raises KeyUnusable."""
        ...

    def to_json(self) -> dict[str, Any]:
        """Return what the identity file keeps of it."""
        ...


class FileKey:
    """A key that lies in the identity file."""

    kind = "file"

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._key = key

    @classmethod
    def new(cls) -> "FileKey":
        """Make a new key pair."""
        return cls(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "FileKey":
        """Return the key that `to_json` has described. Raises KeyUnusable."""
        try:
            key = serialization.load_pem_private_key(str(values["pem"]).encode(), password=None)
        except (KeyError, ValueError, TypeError):
            key = None
        if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
            raise KeyUnusable("the identity file holds no key of P-256: enrol the terminal anew")
        return cls(key)

    @property
    def public(self) -> bytes:
        """The public half: SubjectPublicKeyInfo in DER."""
        return self._key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def sign(self, text: bytes) -> bytes:
        """Return the signature of a text: ECDSA with SHA-256, in DER."""
        return self._key.sign(text, ec.ECDSA(hashes.SHA256()))

    def to_json(self) -> dict[str, Any]:
        """Return the private key as PEM (PKCS #8)."""
        pem = self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return {"kind": self.kind, "pem": pem.decode("ascii")}
