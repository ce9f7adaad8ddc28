"""The certificate that a demonstration makes for itself: no browser trusts it before its user has said so, and nothing
but a demonstration is given one."""

import socket
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from broker.kernel.clock import SystemClock
from config import private_files
from config.settings import Settings, SettingsError
from signaling.tls.certificate import CertificateProblem, load

VALID = timedelta(days=90)
LEFT = timedelta(days=31)  # with less of it left, another one is made
BEFORE = timedelta(hours=1)  # clocks of other machines differ


def with_demo_certificate(settings: Settings) -> Settings:
    """Return the settings with a certificate of the demonstration's own, which is made where there is no good one.
    Raises SettingsError outside a demonstration, or where the settings name a certificate."""
    if not settings.demo or settings.tls:
        raise SettingsError("--tls is for a demonstration without tls_certificate. --tls 仅限未设置证书的演示环境。")
    certificate, key = settings.keys_dir / "demo-tls.crt", settings.keys_dir / "demo-tls.key"
    now = SystemClock().now().wall
    if not _is_good(certificate, key, now):
        made, secret = self_signed(names(settings.http_host), now)
        for path, data in ((certificate, made), (key, secret)):
            path.unlink(missing_ok=True)
            private_files.create(path, data)
    return settings.model_copy(update={"tls_certificate": certificate, "tls_key": key, "cookie_secure": True})


def names(host: str) -> list[str]:
    """Return the names and addresses that a browser may use for a server listening at `host`."""
    return list(dict.fromkeys(("localhost", "127.0.0.1", "::1", host, socket.gethostname())))


def self_signed(names: list[str], now: datetime, valid: timedelta = VALID) -> tuple[bytes, bytes]:
    """Return a certificate for names and addresses that expires after `valid`, and its key, both in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Huijian demonstration")])
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
    certificate = (
        builder.not_valid_before(now - BEFORE)
        .not_valid_after(now + valid)
        .add_extension(x509.SubjectAlternativeName(list(map(_alternative, names))), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return certificate.public_bytes(Encoding.PEM), secret


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _is_good(certificate: Path, key: Path, now: datetime) -> bool:
    try:
        return load(certificate, key).is_valid(now + LEFT)
    except CertificateProblem:
        return False
