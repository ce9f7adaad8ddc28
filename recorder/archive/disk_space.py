"""Room on the archive's disk: whether another visit may begin, and when room is short. Recordings are never deleted to
make room, so room for everything that a visit may write is set aside before it begins. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

MINUTES = 30
"""The minutes that a visit is assumed to last where its slot does not say."""
FLOOR, BRINK = 256 << 20, 64 << 20
"""With less room than FLOOR a running recording may stop any moment, so its gate must not be open; at BRINK its file
is finished while there is still room for its index."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The room that an admitted recording may yet need.

    `minutes`: how long it may become (0: it is over); `written`: bytes of that which are written; `parts`: bytes in
    parts that will be joined, so that the film is written a second time.
    """

    minutes: float
    written: int
    parts: int = 0


@dataclass(frozen=True, slots=True)
class Rules:
    """The limits of one disk. `reserve`: bytes that always stay free; `rate`: bytes a second that a visit may need."""

    reserve: int
    rate: int

    @property
    def floor(self) -> int:
        """Free bytes below which no gate may be open: FLOOR, or an eighth of a small reserve."""
        return min(FLOOR, self.reserve // 8)

    @property
    def brink(self) -> int:
        """Free bytes below which a running recording is finished: BRINK, or a share of a small reserve."""
        return min(BRINK, self.reserve // 32)

    def claimed(self, claims: Iterable[Claim]) -> int:
        """Return the bytes that admitted recordings may yet write."""
        return sum(map(self._claimed, claims))

    def missing(self, free: int, claims: Iterable[Claim], minutes: float = MINUTES) -> int:
        """Return the bytes that are missing for one more visit; 0 where it may begin."""
        return max(self.reserve + self.claimed(claims) + self._needs(minutes) - free, 0)

    def _claimed(self, claim: Claim) -> int:
        whole = max(self._needs(claim.minutes), claim.written)
        return whole - claim.written + (claim.parts + whole if claim.parts else 0)

    def _needs(self, minutes: float) -> int:
        return int(minutes * 60 * self.rate)
