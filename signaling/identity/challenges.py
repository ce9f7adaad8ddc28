"""Challenges of terminals, pure: nonces that carry their own moment and a code by which this installation knows them
again (HMAC, RFC 2104). Nothing is kept for one that was given out, so that strangers who ask for many cost no memory,
and every process can check what another one gave; that each leads to one credential only is the database's part."""

import base64
import binascii
import hashlib
import hmac
import secrets
import struct
from datetime import UTC, datetime, timedelta

LIFE = timedelta(seconds=60)
"""A terminal signs within milliseconds; a TPM takes up to a second, a weak line some more."""
AHEAD = timedelta(seconds=5)  # the processes go by the same clock, but do not learn of its steps at the same moment
_MOMENT = struct.Struct(">q")  # microseconds since 1970
_RANDOM, _MAC = 16, 32
_LENGTH = _MOMENT.size + _RANDOM + _MAC
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DOMAIN = b"huijian terminal challenge 1\n"


class Challenges:
    """The challenges of an installation; `key` is its secret."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def new(self, terminal: str, now: datetime) -> str:
        """Return a nonce for one sign-in of a terminal, given out at `now`."""
        head = _MOMENT.pack((now - _EPOCH) // timedelta(microseconds=1)) + secrets.token_bytes(_RANDOM)
        return base64.urlsafe_b64encode(head + self._mac(head, terminal)).decode("ascii").rstrip("=")

    def given_at(self, nonce: str, terminal: str, now: datetime) -> datetime | None:
        """Return when a nonce was given out to this terminal; None where it was not, or is too old at `now`."""
        data = _decoded(nonce)
        if len(data) != _LENGTH:
            return None
        head, mac = data[:-_MAC], data[-_MAC:]
        if not hmac.compare_digest(mac, self._mac(head, terminal)):
            return None
        at = _EPOCH + timedelta(microseconds=_MOMENT.unpack_from(head)[0])
        return at if -AHEAD <= now - at <= LIFE else None

    def _mac(self, head: bytes, terminal: str) -> bytes:
        return hmac.new(self._key, _DOMAIN + head + terminal.encode(), hashlib.sha256).digest()


def nonce_hash(nonce: str) -> str:
    """Return what is stored of a nonce: 64 hex digits, the same for every spelling of its bytes."""
    return hashlib.sha256(_decoded(nonce)).hexdigest()


def _decoded(nonce: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(nonce + "=" * (-len(nonce) % 4))
    except (binascii.Error, ValueError):
        return b""
