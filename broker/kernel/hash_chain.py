"""Hash chains (SHA-256): how the journal, the chain of a site and the fragments of a film are linked, in one place.

A chain of records (journal entries, lines of a site chain) names in each record the digest of the one before it, so the
last digest vouches for every record. A chain of pieces (fragments of a film) cannot write into the pieces: it folds the
digest of each into one head that is kept elsewhere. In both, a change of any part changes every digest after it. What
neither shows is that its end was cut off; for that, the head has to be kept apart from the chain.
"""

import hashlib
from collections.abc import Iterable
from typing import Protocol

GENESIS = "0" * 64
"""The digest that the first record of a chain names as the one before it."""


def digest(record: bytes) -> str:
    """Return the digest of a record, in hex, as the next record names it."""
    return hashlib.sha256(record).hexdigest()


def link(head: bytes, piece: bytes) -> bytes:
    """Return the head of a chain of pieces after one more piece, given its digest: SHA-256(head + piece)."""
    return hashlib.sha256(head + piece).digest()


def fold(start: bytes, pieces: Iterable[bytes]) -> bytes:
    """Return the head of a chain of pieces that begins with `start`, given the digests of its pieces in order."""
    for piece in pieces:
        start = link(start, piece)
    return start


class Point(Protocol):
    """A checkpoint as far as it is compared: the entry `seq` had the hash `head`, and it and all before it were written
    by the moment `at` (ISO 8601)."""

    @property
    def number(self) -> int:
        """The number of the checkpoint."""
        ...

    @property
    def seq(self) -> int:
        """The number of the entry."""
        ...

    @property
    def head(self) -> str:
        """The hash of that entry."""
        ...

    @property
    def at(self) -> str:
        """The moment at which it was signed."""
        ...
