"""The part of a site's chain that goes with a recording: from its own line to the end, or to the first line with words
about another visit, such as the reason of a hold: a receiver has no right to those. Pure.

Each line is signed and names the hash of the line before it. Any head from the part, on a ledger or in another site's
chain, therefore proves that the recording's line stood before it."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from broker.kernel import canonical_json
from broker.kernel.hash_chain import GENESIS, digest
from recorder.evidence.signing import Keys
from recorder.evidence.site_chain import HOLD, LIFT, VISIT, head_of
from recorder.evidence.site_chain_check import genuine_line
from recorder.export.contents import moment

WITH_WORDS = (HOLD, LIFT)


class ChainPart(NamedTuple):
    """Lines of a chain in their order. `first`: the number of the first of them; `end`: the hash of the last;
    `newest`: the head of the whole chain when the part was taken; `complete`: the part reaches to it."""

    lines: list[bytes]
    first: int
    end: str
    newest: str
    complete: bool

    def to_json(self) -> dict[str, Any]:
        """Return what the index of a package says of its part."""
        facts = {"first": self.first, "lines": len(self.lines), "end": self.end}
        return {**facts, "newest": self.newest, "complete": self.complete}

    @property
    def text(self) -> bytes:
        """The part as the file that a package has."""
        return b"".join(line + b"\n" for line in self.lines)


def part_of(lines: Sequence[bytes], session: str) -> ChainPart:
    """Return the part for a session; an empty one where the chain has no line for it. Raises BrokenSiteChain."""
    start = next((at for at, line in enumerate(lines) if _is_visit(line, session)), len(lines))
    end = next((at for at in range(start, len(lines)) if _is_private(lines[at], session)), len(lines))
    part = list(lines[start:end])
    last = digest(part[-1]) if part else GENESIS
    return ChainPart(part, start + 1, last, head_of(lines), bool(part) and end == len(lines))


def check_part(lines: Sequence[bytes], index: dict[str, Any] | None, keys: Keys) -> Iterator[tuple[str, str]]:
    """Yield a kind and a detail for each thing that is wrong with a part. `index`: that of its package, None where it
    cannot be used."""
    first, before = int(index["chain"]["first"]) if index else 1, ""
    for number, line in enumerate(lines, first):
        value, why = genuine_line(line, keys)
        if not why and before and value is not None and value["before"] != before:
            why = "it does not follow the line before it"
        if why:
            yield "chain", f"line {number}: {why}"
        before = digest(line)
    if index and before and before != index["chain"]["end"]:
        yield "cut", "the chain does not end where the index says"


def check_dates(lines: Sequence[bytes], manifest: dict[str, Any], index: dict[str, Any]) -> Iterator[str]:
    """Yield each contradiction between the dates of a recording, its line in the chain and its package."""
    begun, ended = moment(manifest.get("started_at")), moment(manifest.get("ended_at"))
    if begun is not None and ended is not None and ended < begun:
        yield "it ends before it begins"
    line = next((_object(line) for line in lines if _is_visit(line, str(manifest.get("session")))), None)
    if line is None:
        return
    if line.get("due_at") != manifest.get("due_at"):
        yield "the chain names another due date"
    archived, made = moment(line.get("at")), moment(index.get("made_at"))
    if archived is not None and ended is not None and archived < ended:
        yield "it was archived before it ended"
    if archived is not None and made is not None and made < archived:
        yield "it was exported before it was archived"


def _is_visit(line: bytes, session: str) -> bool:
    if canonical_json.sorted_utf8(session) not in line:
        return False
    value = _object(line)
    return (value.get("kind"), value.get("session")) == (VISIT, session)


def _is_private(line: bytes, session: str) -> bool:
    """Whether a line has words about another visit. A line that cannot be read may have some, too."""
    value = _object(line)
    return not value or (value.get("kind") in WITH_WORDS and value.get("session") != session)


def _object(line: bytes) -> dict[str, Any]:
    """Return the object in a line, an empty one where none can be read."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
