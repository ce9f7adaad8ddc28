"""The hash chain of the journal: what an entry is, in which bytes it is hashed. Pure."""

from dataclasses import asdict, dataclass
from typing import Any

from broker.kernel import hash_chain
from broker.kernel.canonical_json import sorted_ascii


@dataclass(frozen=True, slots=True)
class Entry:
    """One written entry, its columns as they are in the table. `data` is canonical JSON."""

    seq: int
    at: str
    session: str | None
    kind: str
    author: str
    data: str
    prev_hash: str
    hash: str

    def columns(self) -> dict[str, Any]:
        """The values by column name."""
        return asdict(self)


def digest_of(entry: Entry) -> str:
    """SHA-256 in hex over everything in the entry but its own hash."""
    covered = [
        entry.prev_hash,
        entry.seq,
        entry.at,
        entry.session,
        entry.kind,
        entry.author,
        entry.data,
    ]
    return hash_chain.digest(sorted_ascii(covered).encode())
