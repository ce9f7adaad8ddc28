"""The certificate and key of the server: read from their files, checked, and made into a context of the `ssl` module
with the versions and ciphers that are still good (RFC 9325). The key is loaded from the very bytes that were checked
to be private, and no passphrase is ever asked for."""

import os
import ssl
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509

from config import private_files

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""For TLS 1.2: forward secrecy and authenticated encryption. The ciphers of TLS 1.3 all have both."""
OPTIONS = ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION | ssl.OP_CIPHER_SERVER_PREFERENCE
PROTOCOLS = ["http/1.1"]


class CertificateProblem(ValueError):
    """Error of a certificate or key that cannot be used; the text says what to do."""

    for_operators = True


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate with its key, ready for handshakes, and the time in which it is valid."""

    context: ssl.SSLContext
    begins: datetime
    expires: datetime

    def is_valid(self, now: datetime) -> bool:
        """Whether clients accept it at `now`, as far as its dates go."""
        return self.begins <= now < self.expires


def load(certificate: Path, key: Path) -> Pair:
    """Return the pair that two PEM files hold: the certificate with its chain, and the key. Raises
    CertificateProblem."""
    chain, secret = _read(certificate, "tls_certificate"), _read_key(key)
    try:
        own = x509.load_pem_x509_certificates(chain)[0]
    except ValueError:
        raise CertificateProblem(
            f"tls_certificate {certificate} holds no certificate in PEM. 文件中没有 PEM 格式的证书。"
        ) from None
    return Pair(_context(chain, secret, key), own.not_valid_before_utc, own.not_valid_after_utc)


def _read(path: Path, name: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CertificateProblem(f"{name} {path} cannot be read: {error.strerror}. 无法读取该文件。") from None


def _read_key(path: Path) -> bytes:
    try:
        secret = private_files.read(path)
    except private_files.NotPrivate as error:
        raise CertificateProblem(f"tls_key: {error}") from None
    except OSError as error:
        raise CertificateProblem(f"tls_key {path} cannot be read: {error.strerror}. 无法读取该文件。") from None
    if b"ENCRYPTED" in secret:
        raise CertificateProblem(f"tls_key {path} has a passphrase: store it without one. 私钥不得设置口令。")
    return secret


def _context(chain: bytes, secret: bytes, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.options |= OPTIONS
    context.set_alpn_protocols(PROTOCOLS)
    descriptor = os.memfd_create("pair", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, chain + b"\n" + secret)
        context.load_cert_chain(f"/proc/self/fd/{descriptor}", password=lambda: b"")
    except (ssl.SSLError, ValueError):  # of what OpenSSL says, parts of the files could be quoted
        raise CertificateProblem(
            f"tls_key {key} is not the key of tls_certificate, is too short or is no key in PEM. "
            "私钥与证书不符、强度不足或格式有误。"
        ) from None
    finally:
        os.close(descriptor)
    return context
