"""The comparison of a journal with the checkpoints that were made of it: what was removed, changed or written anew, and
between which two checkpoints. Entries are taken one by one, so that a journal of any length needs no more memory than
its checkpoints. Pure.

A chain alone shows only what its own hashes contradict. Where the hashes were made anew behind a change, every later
entry has another hash, and no checkpoint behind the change fits: the change lies between the last one that fits and the
first one that does not. A journal may begin later than with its first entry where one of its own entries says so."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from broker.control.journal.entry import Entry, digest_of
from broker.control.journal.removal import Removal, explains, removal_in
from broker.kernel.hash_chain import GENESIS, Point

MOST = 100  # findings of one kind that are kept one by one


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not fit. `kind`:

    - `removed`: there are no entries `first` to `last`;
    - `changed`: the entry `first` does not have the hash that its content gives, or cannot be read;
    - `unlinked`: the entry `first` does not follow the one before it: one of the two was replaced;
    - `rewritten`: from an entry in `first` to `last` on, the journal is not the one that was signed; the checkpoint
      `fits` is the last one before it that fits (0: none), `unfit` the first one that does not, `until` the last one;
    - `end_removed`: the journal ends before `first`, and the checkpoint `unfit` signs entries up to `last`.
    """

    kind: str
    first: int
    last: int
    fits: int = 0
    unfit: int = 0
    until: int = 0


@dataclass(slots=True)
class Result:
    """The outcome of a comparison. `covered`: up to this entry the newest fitting checkpoint vouches; `more`: findings
    that are left out; `removed`: the last entry that was removed by rule, 0 where none was."""

    entries: int
    head: str
    covered: int
    checkpoints: int
    findings: list[Finding] = field(default_factory=list)
    more: int = 0
    removed: int = 0

    @property
    def whole(self) -> bool:
        """Whether everything fits its checkpoints."""
        return not self.findings

    @property
    def uncovered(self) -> tuple[int, int] | None:
        """The first and last entry that no fitting checkpoint covers yet."""
        return (self.covered + 1, self.entries) if self.covered < self.entries else None


class Comparison:
    """One walk along a journal, from behind the entry `seq` with the hash `head` on."""

    def __init__(self, points: Iterable[Point] = (), seq: int = 0, head: str = GENESIS) -> None:
        self._points: dict[int, list[Point]] = {}
        for point in sorted(points, key=lambda point: (point.seq, point.number)):
            self._points.setdefault(point.seq, []).append(point)
        self._begin, self._seq = seq, seq
        self._head: str | None = head
        self._fits: dict[int, bool] = {0: head == GENESIS} if not seq else {}  # by entry, of those with a checkpoint
        self._findings: list[Finding] = []
        self._counts: dict[str, int] = {}
        self._first: tuple[int, str | None] | None = None  # where the journal begins, if not with its first entry
        self._removals: list[Removal] = []

    def take(self, entry: Entry) -> None:
        """Take the next entry, in ascending order of `seq`."""
        if entry.seq != self._seq + 1:
            self._miss(entry.seq, entry.prev_hash)
        elif self._head is not None and entry.prev_hash != self._head:
            self._find(Finding("unlinked", entry.seq, entry.seq))
        if digest_of(entry) != entry.hash:
            self._find(Finding("changed", entry.seq, entry.seq))
        self._seq, self._head = entry.seq, entry.hash
        if (removal := removal_in(entry)) is not None:
            self._removals.append(removal)
        if entry.seq in self._points:
            self._fits[entry.seq] = all(point.head == entry.hash for point in self._points[entry.seq])

    def take_illegible(self, seq: int) -> None:
        """Take an entry that cannot be read."""
        if seq != self._seq + 1:
            self._miss(seq, None)
        self._find(Finding("changed", seq, seq))
        self._seq, self._head = seq, None  # what follows it cannot be held against it
        if seq in self._points:
            self._fits[seq] = False

    def finish(self) -> Result:
        """Return the outcome, once every entry was taken."""
        removed = self._begin_later()
        findings = sorted([*self._findings, *self._rewritten(), *self._ends()], key=lambda found: found.first)
        covered = max((seq for seq, fits in self._fits.items() if fits and seq in self._points), default=self._begin)
        checkpoints = sum(len(points) for points in self._points.values())
        more = sum(max(0, count - MOST) for count in self._counts.values())
        return Result(self._seq, self._head or "", covered, checkpoints, findings, more, removed)

    def _miss(self, seq: int, before: str | None) -> None:
        """Take it that the entry `seq` comes next, though others should come before it."""
        if self._seq == 0:
            self._first = seq, before  # a later entry may say why
        else:
            self._find(Finding("removed", self._seq + 1, seq - 1))

    def _begin_later(self) -> int:
        """Return the last entry that was removed by rule, and begin behind it; what the rule does not explain is
        found."""
        if self._first is None:
            return 0
        first, before = self._first
        points = [point for some in self._points.values() for point in some]
        if any(explains(removal, first, before, points) for removal in self._removals):
            self._begin = first - 1
            return first - 1
        self._find(Finding("removed", 1, first - 1))
        return 0

    def _find(self, finding: Finding) -> None:
        count = self._counts[finding.kind] = self._counts.get(finding.kind, 0) + 1
        if count <= MOST:
            self._findings.append(finding)

    def _rewritten(self) -> Iterable[Finding]:
        """Yield each stretch of checkpoints, among the entries that exist, that do not fit."""
        fits, begin = 0, self._begin
        run: list[Point] = []
        for seq, points in self._points.items():
            if not self._begin < seq <= self._seq:
                continue
            if not self._fits.get(seq, False):
                run += [point for point in points]
                continue
            if run:
                yield _stretch(run, begin, fits)
            fits, begin, run = points[-1].number, seq, []
        if run:
            yield _stretch(run, begin, fits)

    def _ends(self) -> Iterable[Finding]:
        beyond = [point for seq, points in self._points.items() if seq > self._seq for point in points]
        if beyond:
            within = [point for seq, points in self._points.items() if seq <= self._seq for point in points]
            fits = max((point.number for point in within if self._fits.get(point.seq)), default=0)
            last = beyond[-1]
            yield Finding("end_removed", self._seq + 1, last.seq, fits, beyond[0].number, last.number)


def _stretch(run: list[Point], begin: int, fits: int) -> Finding:
    return Finding("rewritten", begin + 1, run[0].seq, fits, run[0].number, run[-1].number)
