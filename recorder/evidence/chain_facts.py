"""What the chains of the sites say beside their visits: legal holds, recordings whose clock was wrong, and whether each
chain is whole. A table can be lost or edited; these lines are signed. Blocks.

A chain is whole when each line names the hash of the line before it, the last one is genuine, and the head that the
database keeps is in it: by the hashes the last signature covers every line, so that a million lines need one check.
Where a chain is not whole, a hold may have been taken out of it: nothing of its site may be deleted then."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from broker.kernel.hash_chain import GENESIS, digest
from recorder.archive.manifest_check import is_moment
from recorder.evidence.signing import Keys
from recorder.evidence.site_chain import DUE, HOLD, LIFT, NAME, VISIT, lines_of_kinds, read

_WANTED = (HOLD, LIFT, DUE)


@dataclass(frozen=True, slots=True)
class Entry:
    """An order about a hold, as it stands in a chain: by which officer, why and when (ISO 8601)."""

    by: str
    reason: str
    at: str


@dataclass(frozen=True, slots=True)
class ChainHold:
    """A legal hold in the chain of a site. `lifted`: None while it stands."""

    id: str
    session: str
    site: str
    set: Entry
    lifted: Entry | None = None


@dataclass(frozen=True, slots=True)
class Dated:
    """The signed date of a recording whose clock was wrong: it ended at `since` at the latest, and is kept until
    `due`."""

    since: datetime
    due: datetime


@dataclass(slots=True)
class ChainFacts:
    """The facts in the chains of all sites. `doubted`: sessions recorded with a wrong clock, and why; `dated`: those
    whose date was written later. `broken`: sites whose chain is not whole, and why."""

    holds: dict[str, ChainHold] = field(default_factory=dict)
    doubted: dict[str, str] = field(default_factory=dict)
    dated: dict[str, Dated] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)

    @property
    def held(self) -> frozenset[str]:
        """The sessions that a standing hold keeps."""
        return frozenset(hold.session for hold in self.holds.values() if hold.lifted is None)

    @property
    def undated(self) -> frozenset[str]:
        """The sessions whose end is not known, because their clock was wrong and none has dated them since."""
        return frozenset(self.doubted) - frozenset(self.dated)

    def take(self, site: str, lines: Iterable[bytes], keys: Keys | None) -> None:
        """Add the facts in some lines of a site's chain. `keys`: each lift must be genuine by them; None where the
        chain is known to be whole. Raises ValueError where a line cannot be read."""
        for line in lines_of_kinds(lines, _WANTED, b'"doubted":"'):
            value = _value(line)
            genuine = keys is None or not keys.vouch(value)
            if value["kind"] == HOLD:
                hold = ChainHold(value["hold"], value["session"], site, _entry(value))
                self.holds.setdefault(hold.id, hold)
            elif value["kind"] == LIFT and genuine and value["hold"] in self.holds:
                hold = self.holds[value["hold"]]
                self.holds[hold.id] = ChainHold(hold.id, hold.session, hold.site, hold.set, _entry(value))
            elif value["kind"] == DUE and genuine:
                self._date(value)
            elif value["kind"] == VISIT:
                self.doubted[value["session"]] = str(value["doubted"])

    def _date(self, value: Mapping[str, Any]) -> None:
        since, due = datetime.fromisoformat(value["since"]), datetime.fromisoformat(value["due_at"])
        earlier = self.dated.get(value["session"])
        if earlier is not None:
            since, due = max(since, earlier.since), max(due, earlier.due)
        self.dated[value["session"]] = Dated(since, due)


def facts_in(root: Path, keys: Keys, heads: Mapping[str, str]) -> ChainFacts:
    """Return the facts in all chains under `root`. `heads`: the stored head of each site."""
    facts = ChainFacts()
    for site in sorted({path.parent.name for path in root.glob(f"*/{NAME}")} | set(heads)):
        try:
            lines, _ = read(root / site / NAME)
            why = fault(lines, keys, heads.get(site))
            if why:
                facts.broken[site] = why
            facts.take(site, lines, keys if why else None)
        except (OSError, ValueError) as error:  # what cannot be read may have held anything
            facts.broken[site] = facts.broken.get(site) or getattr(error, "strerror", None) or str(error)
    return facts


def fault(lines: Sequence[bytes], keys: Keys, head: str | None) -> str:
    """Return why a chain is not whole, empty where it is. `head`: the stored one, as `site_chain.head_of` spells it."""
    before, wanted = GENESIS, GENESIS if head is None else head.partition(":")[2]
    holds_head = wanted == GENESIS
    for number, line in enumerate(lines, 1):
        if b'"before":"' + before.encode() + b'"' not in line:
            return f"line {number} does not follow the line before it"
        before = digest(line)
        holds_head = holds_head or before == wanted
    if not holds_head:
        return "it does not hold the stored head: its end was cut off"
    try:
        why = keys.vouch(_value(lines[-1])) if lines else ""
    except ValueError as error:
        why = str(error)
    return f"its last line: {why}" if why else ""


def _entry(value: Mapping[str, Any]) -> Entry:
    return Entry(value["by"], value["reason"], value["at"])


def _value(line: bytes) -> dict[str, Any]:
    """Return the members of a line. Raises ValueError where one that is used is missing or not of its type."""
    try:
        value = json.loads(line)
    except RecursionError as error:
        raise ValueError("a line is nested too deeply") from error
    if not isinstance(value, dict) or not isinstance(value.get("session"), str):
        raise ValueError("a line is malformed")
    kind = value.get("kind")
    if kind in (HOLD, LIFT):
        right = all(isinstance(value.get(name), str) for name in ("hold", "by", "reason"))
        right = right and is_moment(value.get("at"))
    else:
        right = kind != DUE or (is_moment(value.get("since")) and is_moment(value.get("due_at")))
    if not right:
        raise ValueError(f"a line of the kind {kind} is malformed")
    return value
