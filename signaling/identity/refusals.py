"""Refused terminals, counted so that they can be written down: the first refusal at once, and while it goes on one
entry a minute, terminal and reason, with the number. Pure; moments are monotonic seconds."""

from collections import Counter, OrderedDict
from enum import StrEnum

MINUTE = 60.0
PAIRS = 2_000  # terminals and reasons; a province has fewer


class Reason(StrEnum):
    """Why a terminal was refused."""

    FORGED = "forged"
    """The signature is not that of its key, or was made for another server."""
    REPLAYED = "replayed"
    """The signature is its own, and was used before."""
    STALE = "stale"
    """The challenge is too old, or was never given out."""
    REVOKED = "revoked"
    CONFLICTED = "conflicted"
    CODE = "code"
    """An enrolment code, or a token of a former version, is not valid."""


class Refusals:
    """The refusals of one process: `total` by reason since its start."""

    def __init__(self) -> None:
        self.total: Counter[str] = Counter()
        self._waiting: Counter[tuple[str, Reason]] = Counter()
        self._written: OrderedDict[tuple[str, Reason], float] = OrderedDict()

    def count(self, terminal: str, reason: Reason, now: float) -> int:
        """Count one refusal; return how many an entry about this terminal and reason is about, 0 where none is due.
        `terminal` is "" where there is no such terminal, of which no entry is made."""
        self.total[reason] += 1
        if not terminal:
            return 0
        pair = (terminal, reason)
        self._waiting[pair] += 1
        if now - self._written.get(pair, now - MINUTE) < MINUTE:
            return 0
        self._written[pair] = now
        self._written.move_to_end(pair)
        if len(self._written) > PAIRS:
            forgotten, _ = self._written.popitem(last=False)
            self._waiting.pop(forgotten, None)
        return self._waiting.pop(pair)
