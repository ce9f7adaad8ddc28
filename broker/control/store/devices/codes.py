"""One-time codes of enrolment, pure: sixteen characters in four groups that a person reads from one screen and types
at another one, without letters and digits that look alike. The first group says which code it is, so that wrong
guesses at a code can be counted; all of it is the secret, of which only the hash is stored."""

import hashlib
import secrets
from typing import NamedTuple

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Without 0 and O, 1, I and L; a 5 and an S, or a 2 and a Z, differ enough in capitals."""
GROUP, GROUPS = 4, 4
LENGTH = GROUP * GROUPS
ATTEMPTS = 5
"""Wrong codes with the same first group before that code is worthless: twelve characters are left to guess, 59 bits."""
_SEPARATORS = str.maketrans("", "", " -\t\n\r–—－　")


class Code(NamedTuple):
    """A code in its stored form: its public first group, and the hash of all of it."""

    group: str
    hash: str


def new_code() -> str:
    """Return a new code as people read it: `K7QF-9MPA-X3TC-W8HN`."""
    text = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    return "-".join(text[start : start + GROUP] for start in range(0, LENGTH, GROUP))


def read_code(text: str) -> Code | None:
    """Return a code that a person has typed, with or without separators, in small or capital letters; None where it is
    none."""
    plain = text.translate(_SEPARATORS).upper()
    if len(plain) != LENGTH or not set(plain) <= set(ALPHABET):
        return None
    return Code(plain[:GROUP], hashlib.sha256(plain.encode("ascii")).hexdigest())
