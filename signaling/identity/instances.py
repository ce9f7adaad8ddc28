"""Whether one key is used in two places, pure: what follows when a second running program of a terminal connects while
another one seems to be there. Both are asked for a sign of life; only where both give one, two run at the same time. A
terminal that was started again has left a socket behind that does not answer, however its line broke, and what it had
sent before it ended does not answer either. Moments are monotonic seconds."""

from dataclasses import dataclass, replace
from enum import StrEnum

ANSWER_SECONDS = 3.0
"""How long a sign of life may take: more than the worst line's turn, and shorter than a kiosk waits for its welcome."""


class Verdict(StrEnum):
    """What is found of two programs that use one key."""

    OPEN = "open"
    TWO = "two"
    """Both run: the key was copied."""
    NEWER = "newer"
    """The older one is gone; the newer one takes its place."""
    OLDER = "older"
    """The newer one is gone already: it had connected with its last bytes."""
    NONE = "none"
    """Neither answers: whatever comes next decides."""


@dataclass(frozen=True, slots=True)
class Meeting:
    """Two running programs of one terminal, both asked at `asked_at`, and which of them has answered `within` so many
    seconds."""

    asked_at: float
    older: bool = False
    newer: bool = False
    within: float = ANSWER_SECONDS

    def answered(self, older: bool, at: float) -> "Meeting":
        """Return the meeting after an answer of the older program, else of the newer one. One that comes too late
        counts for nothing."""
        if at - self.asked_at > self.within:
            return self
        return replace(self, older=True) if older else replace(self, newer=True)

    def verdict(self, now: float) -> Verdict:
        """Return what is known at `now`. It is open until both have answered, or the time is over."""
        if self.older and self.newer:
            return Verdict.TWO
        if now - self.asked_at < self.within:
            return Verdict.OPEN
        if self.newer:
            return Verdict.NEWER
        return Verdict.OLDER if self.older else Verdict.NONE


def names(*instances: str) -> list[str]:
    """Return running programs as the journal names them: enough to tell them apart."""
    return [instance[:8] for instance in instances]
