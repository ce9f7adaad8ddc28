"""Security keys and the keys of phones and computers (WebAuthn level 2): what a browser is asked, and the check of what
it answers. A key is bound to the name under which the server was asked, so that no page of another name gets an answer
that counts here. Pure; the only file that uses py_webauthn."""

import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

import webauthn
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, options_to_json_dict
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

NAME = "会见 Huijian"
TIMEOUT = 60_000  # ms
_FAILED = (WebAuthnException, ValueError, KeyError, TypeError, binascii.Error)
"""What the library raises for answers that are malformed or wrong."""


@dataclass(frozen=True, slots=True)
class Place:
    """The page from which a browser answers: its origin, and the name to which its keys are bound."""

    origin: str
    host: str

    @property
    def has_name(self) -> bool:
        """Whether keys can be bound here: browsers bind none to an address."""
        try:
            ip_address(self.host)
        except ValueError:
            return True
        return False


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it is stored, in Base64: its id, and its public key in COSE; `host`: the name that it is bound to."""

    id: str
    public_key: str
    host: str

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {"id": self.id, "public_key": self.public_key, "host": self.host}


def creation_options(place: Place, user: str, name: str, challenge: str, have: Iterable[str]) -> dict[str, Any]:
    """Return what a page passes to `navigator.credentials.create`; `have`: ids of keys that are not added twice."""
    options = webauthn.generate_registration_options(
        rp_id=place.host,
        rp_name=NAME,
        user_id=user.encode(),
        user_name=user,
        user_display_name=name,
        challenge=base64url_to_bytes(challenge),
        timeout=TIMEOUT,
        exclude_credentials=[PublicKeyCredentialDescriptor(base64url_to_bytes(id)) for id in have],
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.DISCOURAGED,
            user_verification=UserVerificationRequirement.DISCOURAGED,  # the password was shown already
        ),
    )
    return options_to_json_dict(options)


def created(place: Place, challenge: str, id: str, client_data: str, attestation: str) -> tuple[Key, int] | None:
    """Return the key that a browser has made for a challenge, with its count; None where the answer is not right."""
    response = {"clientDataJSON": client_data, "attestationObject": attestation}
    try:
        made = webauthn.verify_registration_response(
            credential={"id": id, "rawId": id, "type": "public-key", "response": response},
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=place.host,
            expected_origin=place.origin,
        )
    except _FAILED:
        return None
    public = bytes_to_base64url(made.credential_public_key)
    return Key(bytes_to_base64url(made.credential_id), public, place.host), made.sign_count


def request_options(place: Place, challenge: str, have: Iterable[str]) -> dict[str, Any]:
    """Return what a page passes to `navigator.credentials.get`; `have`: ids of the keys that may answer."""
    options = webauthn.generate_authentication_options(
        rp_id=place.host,
        challenge=base64url_to_bytes(challenge),
        timeout=TIMEOUT,
        allow_credentials=[PublicKeyCredentialDescriptor(base64url_to_bytes(id)) for id in have],
        user_verification=UserVerificationRequirement.DISCOURAGED,
    )
    return options_to_json_dict(options)


def count_of(place: Place, challenge: str, key: Key, count: int, answer: dict[str, str]) -> int | None:
    """Return the count with which a key has answered a challenge, 0 where it counts nothing; None where the answer is
    not right. `count`: the one before; `answer`: `id`, `client_data`, `authenticator_data` and `signature`."""
    response = {
        "clientDataJSON": answer["client_data"],
        "authenticatorData": answer["authenticator_data"],
        "signature": answer["signature"],
    }
    if key.host != place.host or answer["id"] != key.id:
        return None
    try:
        shown = webauthn.verify_authentication_response(
            credential={"id": key.id, "rawId": key.id, "type": "public-key", "response": response},
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=place.host,
            expected_origin=place.origin,
            credential_public_key=base64url_to_bytes(key.public_key),
            credential_current_sign_count=count,
        )
    except _FAILED:
        return None
    return shown.new_sign_count
