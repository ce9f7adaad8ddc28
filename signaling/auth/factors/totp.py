"""Codes of an authenticator app (TOTP, RFC 6238): six digits every thirty seconds, SHA-1 as all apps have it. Pure; the
only file that uses pyotp."""

import hmac
from datetime import datetime

import pyotp

STEP = 30  # seconds
DRIFT = (0, -1, 1)
"""Steps by which the clock of a phone may be wrong, or its owner slow."""
ISSUER = "会见 Huijian"


def new_secret() -> str:
    """Return a new secret of 160 bits in Base32."""
    return pyotp.random_base32()


def step_of(secret: str, code: str, now: datetime) -> int:
    """Return the time step whose code this is, -1 where it is none of those around `now`."""
    current = int(now.timestamp()) // STEP
    totp = pyotp.TOTP(secret, interval=STEP)
    fitting = [current + drift for drift in DRIFT if hmac.compare_digest(totp.generate_otp(current + drift), code)]
    return fitting[0] if fitting else -1


def code_at(secret: str, now: datetime) -> str:
    """Return the code that an app shows at `now`."""
    return pyotp.TOTP(secret, interval=STEP).generate_otp(int(now.timestamp()) // STEP)


def address_of(secret: str, user: str) -> str:
    """Return what the QR code of a secret says (otpauth://)."""
    return pyotp.TOTP(secret, interval=STEP).provisioning_uri(name=user, issuer_name=ISSUER)
