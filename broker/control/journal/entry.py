"""Entries of the journal, and the bytes in which they are hashed. Pure."""

from dataclasses import asdict, dataclass
from typing import Any

from broker.kernel import hash_chain
from broker.kernel.canonical_json import sorted_ascii


@dataclass(frozen=True, slots=True)
class Entry:
    """One written entry with the columns of the table. `data` is canonical JSON."""

    seq: int
    at: str
    session: str | None
    kind: str
    author: str
    data: str
    prev_hash: str
    hash: str

    def columns(self) -> dict[str, Any]:
        """Return the values by column name."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Noted:
    """An entry that waits for its place in the chain. `number`: its place among all that were noted by this process;
    `mono`: when it was noted."""

    number: int
    at: str
    mono: float
    session: str | None
    kind: str
    author: str
    data: str


def digest_of(entry: Entry) -> str:
    """Return the digest of an entry: SHA-256 in hex over all its columns but its own hash."""
    columns = [
        entry.prev_hash,
        entry.seq,
        entry.at,
        entry.session,
        entry.kind,
        entry.author,
        entry.data,
    ]
    return hash_chain.digest(sorted_ascii(columns).encode())
