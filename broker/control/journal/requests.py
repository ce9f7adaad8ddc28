"""Entries about what people ask for, before they are written: refused orders, sign-ins, viewings. A person who asks
often must neither fill the queue for others nor the journal: each author has a share of the queue, and for each kind of
entry so many rows a minute. What is more than that is counted, and the counts become entries; refusals of clients
without a credential are only counted. Pure; time is an argument."""

from collections import Counter, OrderedDict, deque
from itertools import islice
from typing import Any

from broker.control.journal.entry import Noted
from broker.kernel.token_bucket import TokenBucket

SHARE = 64  # entries of one author that may wait at once
CAPACITY = 2_000  # entries that wait, of all authors: a megabyte, written in some seconds
AT_ONCE, PER_MINUTE = 30, 30
"""Rows of one kind by one author; more of them are counted."""
AUTHORS = 10_000  # authors and kinds that are remembered, about two megabytes
COUNTED = 1_000  # authors with counts of their own in a minute
OTHERS = "others"
"""The author of what is counted beyond COUNTED authors in a minute."""
PAIRS = 200  # pairs of kind and code of refusals: more than the routes have
ORIGINS = 4_096  # networks told apart in a minute, for each pair; more of them count as this many
ACCOUNTS = 20  # accounts named in an entry, those tried most


class RequestQueue:
    """The queue of entries about requests. `lost` counts by kind, since the beginning, what found no room."""

    def __init__(self, capacity: int = CAPACITY, share: int = SHARE) -> None:
        self.lost: Counter[str] = Counter()
        self._capacity, self._share = capacity, share
        self._waiting: deque[Noted] = deque()
        self._of_author: Counter[str] = Counter()
        self._buckets: OrderedDict[tuple[str, str], TokenBucket] = OrderedDict()
        self._counts: dict[str, Counter[str]] = {}
        self._lost_before: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._waiting)

    def allows(
        self, kind: str, author: str, mono: float, at_once: int = AT_ONCE, per_minute: float = PER_MINUTE
    ) -> bool:
        """Whether this author has a row of this kind left at `mono` (monotonic seconds); if so, it is used up."""
        bucket = self._buckets.get((author, kind))
        if bucket is None:
            bucket = self._buckets[author, kind] = TokenBucket(per_minute / 60, at_once)
        self._buckets.move_to_end((author, kind))
        if len(self._buckets) > AUTHORS:
            self._buckets.popitem(last=False)
        return bucket.take(mono)

    def add(self, noted: Noted) -> bool:
        """Append an entry; return False, and count it as lost, where it finds no room."""
        if len(self._waiting) >= self._capacity or self._of_author[noted.author] >= self._share:
            self.lost[noted.kind] += 1
            return False
        self._waiting.append(noted)
        self._of_author[noted.author] += 1
        return True

    def count(self, kind: str, author: str) -> None:
        """Count an entry that is not written as a row."""
        row = author if author in self._counts or len(self._counts) < COUNTED else OTHERS
        self._counts.setdefault(row, Counter())[kind] += 1

    def first(self, most: int) -> list[Noted]:
        """Return the entries that have waited longest."""
        return list(islice(self._waiting, most))

    def written(self, entries: list[Noted]) -> None:
        """Remove entries that `first` has returned: they are on disk."""
        for noted in entries:
            self._waiting.popleft()
            self._of_author[noted.author] -= 1
            if not self._of_author[noted.author]:
                del self._of_author[noted.author]

    def take_counts(self) -> dict[str, dict[str, int]]:
        """Return by author how many entries of each kind were counted since the last call."""
        counts, self._counts = self._counts, {}
        return {author: dict(kinds) for author, kinds in counts.items()}

    def take_lost(self) -> dict[str, int]:
        """Return by kind how many entries were lost since the last call."""
        lost = dict(self.lost - self._lost_before)
        self._lost_before = Counter(self.lost)
        return lost


class RefusalCounts:
    """The refusals of clients without a credential since the last entry.

    Such a client costs the journal no row, whatever it sends: one entry a minute says how many refusals of which kind
    and code there were, from how many networks, and which accounts were tried. No address is kept."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._origins: dict[tuple[str, str], set[int]] = {}
        self._accounts: Counter[str] = Counter()

    def __bool__(self) -> bool:
        return bool(self._counts)

    def add(self, kind: str, code: str, origin: str, account: str = "") -> None:
        """Count one refusal of a client. `origin`: its network; `account`: the id of an account that was tried."""
        pair = (kind, code)
        if pair not in self._counts and len(self._counts) >= PAIRS:
            pair = ("other", "other")
        self._counts[pair] += 1
        origins = self._origins.setdefault(pair, set())
        if len(origins) < ORIGINS:
            origins.add(hash(origin))
        if account and (account in self._accounts or len(self._accounts) < ORIGINS):
            self._accounts[account] += 1

    def take(self) -> dict[str, Any]:
        """Return the counts as data of an entry, and begin anew."""
        refusals = [
            {"kind": kind, "code": code, "count": count, "prefixes": len(self._origins[kind, code])}
            for (kind, code), count in sorted(self._counts.items())
        ]
        data: dict[str, Any] = {"refusals": refusals}
        if self._accounts:
            data["accounts"] = dict(self._accounts.most_common(ACCOUNTS))
            data["accounts_in_all"] = len(self._accounts)
        self._counts, self._origins, self._accounts = Counter(), {}, Counter()
        return data
