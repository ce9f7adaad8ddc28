"""Values that only this installation can read: secrets of second factors in the database, and states that a client
carries from one request to the next, so that nothing is kept for them. AES-256-GCM with a random nonce; the purpose is
authenticated, so that a value sealed for one use opens for no other."""

import base64
import binascii
import json
import secrets
from datetime import datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12
UNTIL = "until"


class Sealing:
    """Seals and opens values under the key of an installation (32 bytes)."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, purpose: str, value: dict[str, Any]) -> str:
        """Return a value as text that tells nothing about it."""
        nonce = secrets.token_bytes(_NONCE)
        text = json.dumps(value, separators=(",", ":")).encode()
        return (
            base64.urlsafe_b64encode(nonce + self._cipher.encrypt(nonce, text, purpose.encode())).decode().rstrip("=")
        )

    def open(self, purpose: str, sealed: str) -> dict[str, Any] | None:
        """Return a value that was sealed for this purpose, None for everything else."""
        try:
            data = base64.b64decode(sealed + "=" * (-len(sealed) % 4), altchars=b"-_", validate=True)
            value: dict[str, Any] = json.loads(self._cipher.decrypt(data[:_NONCE], data[_NONCE:], purpose.encode()))
        except (InvalidTag, ValueError, binascii.Error):
            return None
        return value

    def seal_until(self, purpose: str, value: dict[str, Any], now: datetime, life: timedelta) -> tuple[str, datetime]:
        """Return a value that opens for so long, and until when that is."""
        until = now + life
        return self.seal(purpose, {**value, UNTIL: until.timestamp()}), until

    def open_now(self, purpose: str, sealed: str, now: datetime) -> dict[str, Any] | None:
        """Return a value that was sealed for this purpose and is not too old at `now`; None for everything else."""
        value = self.open(purpose, sealed)
        return value if value is not None and now.timestamp() < value.get(UNTIL, 0) else None
