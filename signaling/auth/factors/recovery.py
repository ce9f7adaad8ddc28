"""Recovery codes: ten on a sheet of paper for the day when the phone is gone. Each counts once. Pure."""

import hmac
import secrets

CODES = 10
_SIGNS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is taken for another one
_GROUPS, _LENGTH = 3, 4
_DOMAIN = b"huijian recovery code 1\n"


def new_codes() -> list[str]:
    """Return new codes of 59 random bits, written as `abcd-efgh-jkmn`."""
    return ["-".join(_group() for _ in range(_GROUPS)) for _ in range(CODES)]


def code_hash(key: bytes, user: str, code: str) -> str:
    """Return what is stored of a code: a digest under the installation's key, the same however the code is spaced."""
    plain = "".join(sign for sign in code.lower() if sign.isalnum())
    return hmac.digest(key, _DOMAIN + f"{user} {plain}".encode("utf-8", "surrogatepass"), "sha256").hex()


def _group() -> str:
    return "".join(secrets.choice(_SIGNS) for _ in range(_LENGTH))
