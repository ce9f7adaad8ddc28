"""A DTLS server in memory, the other end of `openssl_dtls.Association`, on any curve and through the same libssl."""

import datetime
import hashlib
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from broker.relay.transport import openssl_dtls
from broker.relay.transport.dtls import PROFILE_NAMES

Signed = hashes.SHA256 | hashes.SHA384 | hashes.SHA512
SERVER = "void SSL_set_accept_state(void *ssl); const void *DTLS_method(void);"


class Identity:
    """A self-signed certificate as DER, with its key."""

    def __init__(self, curve: ec.EllipticCurve, signature: Signed | None = None) -> None:
        key, now = ec.generate_private_key(curve), datetime.datetime.now(datetime.UTC)
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "server")])
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
        certificate = builder.not_valid_after(now + datetime.timedelta(days=1)).sign(key, signature or hashes.SHA256())
        der, form = serialization.Encoding.DER, serialization.PrivateFormat.TraditionalOpenSSL
        self.certificate = certificate.public_bytes(der)
        self.key = key.private_bytes(der, form, serialization.NoEncryption())

    def fingerprint(self, algorithm: str = "sha-256") -> str:
        """Return the fingerprint of the certificate, as in an offer."""
        return hashlib.new(algorithm.replace("-", ""), self.certificate).digest().hex(":").upper()


class ServerAssociation(openssl_dtls.Association):
    """An Association that is the DTLS server."""

    def __init__(self, identity: Identity, profiles: bytes = PROFILE_NAMES, library: "Both | None" = None) -> None:
        library = library or Both()
        super().__init__(openssl_dtls.Context(library, identity.certificate, identity.key, profiles))
        library.accept(self._ssl)


class Both(openssl_dtls.Library):
    """The libssl with the DTLS method that may be client or server."""

    def __init__(self) -> None:
        super().__init__()
        self.ffi.cdef(SERVER)
        plain: Any = self.ffi.dlopen(openssl_dtls.NAME)
        self.lib = _AnyRole(plain)

    def accept(self, ssl: Any) -> None:
        self.lib.SSL_set_accept_state(ssl)


class _AnyRole:
    def __init__(self, plain: Any) -> None:
        self._plain = plain

    def __getattr__(self, name: str) -> Any:
        return getattr(self._plain, "DTLS_method" if name == "DTLS_client_method" else name)
