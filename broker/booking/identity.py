"""Identities of listed people, so that a suspension finds its person again whatever a booking system sends. Pure.

A person is known by the id that the booking system gives, by an identity number (居民身份证号 or passport), or by both.
Numbers are never kept: what is stored is a digest under a secret key of the installation, and an id that is made of it
where booking gave none. Beside it, for the officers who check the document itself before a visit, stand its type and
its last four characters.
"""

import base64
import hashlib
import hmac
import re
import unicodedata
from dataclasses import dataclass, field
from enum import StrEnum

from broker.kernel.errors import BadRequest
from broker.kernel.ids import PersonId

MADE_HERE = "per_"
"""Prefix of ids that former versions made for people without one; such a person is not recognised again."""
_FROM_NUMBER = "pid_"
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_RESIDENT = re.compile(r"\d{17}[\dX]")
_PASSPORT = re.compile(r"[A-Z0-9]{5,12}")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK = "10X98765432"
_SHOWN = 4


class DocumentKind(StrEnum):
    """The type of a document by which a person was booked."""

    RESIDENT = "resident"
    """The resident identity card (居民身份证)."""
    PASSPORT = "passport"
    """A passport, or another document with a number of its own kind."""


@dataclass(frozen=True, slots=True)
class Document:
    """What officers are shown of a person's document, to check it against: its type and its last four characters
    (Yunnan 8, 11; Guangdong 9, 24). They are in no repr, so that no log has them."""

    kind: DocumentKind
    last_four: str = field(repr=False)


def normal_id(text: str) -> PersonId:
    """Return a person's id in the form in which ids are compared: one width, lower case, nothing invisible, no blanks.

    Raises BadRequest where that is no id.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    plain = "".join(sign for sign in folded if unicodedata.category(sign)[0] not in "CZ")
    if _ID.fullmatch(plain) is None:
        raise BadRequest(
            "A person's id has 1 to 64 of a-z, 0-9, '-' and '_', and begins with a letter or digit.",
            "人员编号由 1 至 64 个小写字母、数字、连字符或下划线组成，以字母或数字开头。",
        )
    return PersonId(plain)


def normal_number(text: str) -> str:
    """Return an identity number without blanks and hyphens, in capitals. Raises BadRequest where it can be none: a
    resident's number has 18 characters and a check digit (GB 11643)."""
    folded = unicodedata.normalize("NFKC", text).upper()
    plain = "".join(sign for sign in folded if unicodedata.category(sign)[0] in "LN")
    valid = _resident(plain) if len(plain) == 18 else _PASSPORT.fullmatch(plain) is not None
    if not valid:
        raise BadRequest("An identity number is not valid.", "证件号码无效：请核对位数和校验码。")
    return plain


def _resident(number: str) -> bool:
    if _RESIDENT.fullmatch(number) is None:
        return False
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, number, strict=False))
    return _CHECK[total % 11] == number[17]


def document_of(number: str) -> Document:
    """Return what is kept to be shown of an identity number (as `normal_number` gives it)."""
    kind = DocumentKind.RESIDENT if _resident(number) else DocumentKind.PASSPORT
    return Document(kind, number[-_SHOWN:])


def digest(key: bytes, number: str) -> str:
    """Return what is stored of an identity number (as `normal_number` gives it): the same for the same number, and
    without `key` no way back."""
    return hmac.new(key, number.encode(), hashlib.sha256).hexdigest()


def id_from(identity: str) -> PersonId:
    """Return the id of a person whom booking knows by an identity number only."""
    return PersonId(_FROM_NUMBER + base64.b32encode(bytes.fromhex(identity)[:16]).decode().lower().rstrip("="))


def recognised(person: str, identity: str = "") -> bool:
    """Whether a person booked under this id or identity is found again in a later booking."""
    return bool(identity) or not person.startswith(MADE_HERE)
