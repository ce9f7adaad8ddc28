"""Known devices: a browser in which an officer has signed in keeps a cookie that says so, and its next sign-in waits
for no guess from elsewhere. The cookie is no credential; it opens nothing without the password.

It is `<id>.<issued>~<proof>.<issued>~<proof>`: one proof for each account that has signed in there, a keyed digest of
the device's id, the account and the day of issue. It names no person. Pure.
"""

import hmac
import re
import secrets
from base64 import urlsafe_b64encode

DAYS = 180
"""For so many days after its last sign-in an account knows the device."""
ACCOUNTS = 8
"""Accounts of one device, the latest first: a duty desk has about as many officers."""
DAY = 86_400
_COOKIE = re.compile(r"([0-9a-f]{16})((?:\.[0-9a-f]{1,6}~[A-Za-z0-9_-]{22}){0,8})")


class Devices:
    """Makes and reads the cookies of this installation. `key` is its secret; `now` is a wall time in seconds."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def known(self, cookie: str, user: str, now: float) -> str:
        """Return the id of the device where the account has signed in there, "" where the cookie does not say so."""
        id, proofs = _read(cookie)
        today = int(now // DAY)
        fits = (
            0 <= today - issued <= DAYS and hmac.compare_digest(proof, self._proof(id, user, issued))
            for issued, proof in proofs
        )
        return id if any(fits) else ""

    def issue(self, cookie: str, user: str, now: float) -> str:
        """Return the cookie with which the device is known to the account from now on, beside those before it."""
        id, proofs = _read(cookie)
        id = id or secrets.token_hex(8)
        today = int(now // DAY)
        others = [
            (issued, proof)
            for issued, proof in proofs
            if not hmac.compare_digest(proof, self._proof(id, user, issued)) and today - issued <= DAYS
        ]
        kept = [(today, self._proof(id, user, today)), *others][:ACCOUNTS]
        return ".".join([id, *(f"{issued:x}~{proof}" for issued, proof in kept)])

    def _proof(self, id: str, user: str, issued: int) -> str:
        digest = hmac.digest(self._key, f"{id} {issued} {user}".encode("utf-8", "surrogatepass"), "sha256")
        return urlsafe_b64encode(digest[:16]).decode().rstrip("=")


_BROWSERS = (("Edg", "Edge"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def words_for(user_agent: str) -> str:
    """Return browser and system in words by which an officer knows the own device; "" for programs."""
    found = [next((name for mark, name in table if mark in user_agent), "") for table in (_BROWSERS, _SYSTEMS)]
    return " · ".join(filter(None, found))


def _read(cookie: str) -> tuple[str, list[tuple[int, str]]]:
    match = _COOKIE.fullmatch(cookie)
    if match is None:
        return "", []
    parts = [part.partition("~") for part in match[2].split(".")[1:]]
    return match[1], [(int(issued, 16), proof) for issued, _, proof in parts]
