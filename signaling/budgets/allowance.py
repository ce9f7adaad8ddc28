"""The allowance of each author, pure: what one officer, terminal or program may ask of the control process, by REST and
by socket together. Over it that author waits, and no other does.

Costs are in units of one small answer, a millisecond or two of the one loop that also renews the gates' leases:

| what | cost |
|---|---|
| a page report, what a terminal finds, any other frame of a socket; a file of the page | 0.25 |
| a read | 1 |
| an order, an offer of media, anything that changes something | 2 |
| a list, an overview, metrics | 5 |
| a package of a recording, or a part of it | 10 |
| each session of a list, and of a socket's first message | 0.25 |

What honest authors need: nine visits on the wall of a site with 50 sessions load with 80 files, 15 reads, and 60 offers
and their ends (210), and a wall that is loaded again at once needs it twice. Then a window reports two to four times a
second (1), eight windows of one officer 8 at the most. A terminal reports once a second at the most, and connects anew
with 6 offers (12).
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from broker.kernel.token_bucket import TokenBucket
from signaling.auth.rate_limit import too_many

FRAME = FILE = VIEW = 0.25
READ = 1.0
ORDER = 2.0
LIST = 5.0
PACKAGE = 10.0
RESERVE = 0.25
"""Share of the burst that REST leaves to the author's sockets: the page reports by which an officer counts, and orders
that stop a visit, get through beside whatever else the same sign-in asks for."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Units at once, and units a second after that."""

    burst: float
    per_second: float


BUDGETS: Mapping[str, Budget] = {
    "user": Budget(600, 20),
    "terminal": Budget(150, 10),
    "integrator": Budget(2000, 20),  # the slots of a province's day in one go
    "observer": Budget(150, 10),  # an overview every second, and metrics
    "address": Budget(2000, 50),  # who has not been seen yet: each terminal and page once, after a restart
}
"""By the first word of an author's name; `address` stands for those who have shown no credential."""
AUTHORS = 20_000


class Allowance:
    """What is left of each author's budget; the authors heard of last are remembered."""

    def __init__(self, budgets: Mapping[str, Budget] = BUDGETS) -> None:
        self.budgets = budgets
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()
        self.refused = 0

    def take(self, author: str, cost: float, now: float, reserved: bool = False) -> None:
        """Charge `cost` to an author, at a monotonic second. `reserved`: for what may use the reserve. Raises TooMany
        with `retry_after`."""
        budget = self.budgets[author.partition(":")[0]]
        bucket = self._bucket(author, budget)
        kept = 0.0 if reserved else budget.burst * RESERVE
        if not bucket.take(now, cost, kept):
            self.refused += 1
            raise too_many(bucket.wait(cost + kept))

    def _bucket(self, author: str, budget: Budget) -> TokenBucket:
        bucket = self._buckets.get(author)
        if bucket is None:
            bucket = self._buckets[author] = TokenBucket(budget.per_second, budget.burst)
        self._buckets.move_to_end(author)
        if len(self._buckets) > AUTHORS:
            self._buckets.popitem(last=False)
        return bucket
