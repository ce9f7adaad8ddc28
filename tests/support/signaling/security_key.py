"""Security key in software (WebAuthn, "none" attestation, ES256), which answers whatever it is asked, also wrongly."""

import json
import secrets
from dataclasses import dataclass, field
from hashlib import sha256

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import bytes_to_base64url


@dataclass
class SoftKey:
    """A key that is bound to a host and is used on a page of `origin`."""

    origin: str
    host: str
    count: int = 0
    id: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    private: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def create(self, challenge):
        """Return the members with which a page adds this key, after `KeyChallenge`."""
        numbers = self.private.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        attested = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cbor2.dumps(cose)
        made = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": self._data(0x41) + attested})
        client_data = bytes_to_base64url(self._client_data("webauthn.create", challenge["options"]["challenge"]))
        answer = {"state": challenge["state"], "id": bytes_to_base64url(self.id)}
        return answer | {"client_data": client_data, "attestation": bytes_to_base64url(made)}

    def answer(self, challenge):
        """Return the proof with which a page answers a challenge."""
        self.count += 1
        data = self._data(0x01)
        client_data = self._client_data("webauthn.get", challenge["options"]["challenge"])
        signature = self.private.sign(data + sha256(client_data).digest(), ec.ECDSA(SHA256()))
        parts = {"client_data": client_data, "authenticator_data": data, "signature": signature, "id": self.id}
        return {"webauthn": {"state": challenge["state"]} | {k: bytes_to_base64url(v) for k, v in parts.items()}}

    def _data(self, flags):
        return sha256(self.host.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def _client_data(self, kind, challenge):
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}).encode()
