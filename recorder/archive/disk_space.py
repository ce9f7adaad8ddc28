"""Room on the archive's disk: who may still begin, and when it is short. Recordings are never deleted to make room, so
room is set aside before a visit begins, for everything that visit may yet write. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

MINUTES = 30
"""What a visit is taken to last when nobody says."""
FLOOR, BRINK = 256 << 20, 64 << 20
"""With less room than FLOOR a running recording may stop any moment, so its gate must not be open; at BRINK its file
is finished while there is still room for its index."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A recording that was admitted: how long it may yet be (0: it is over), what it has written of that, and how much
    lies in parts that are to be joined: the film is then written a second time."""

    minutes: float
    written: int
    parts: int = 0


@dataclass(frozen=True, slots=True)
class Rules:
    """`reserve`: bytes that stay free whoever asks. `rate`: bytes a second that a visit of two sides may need."""

    reserve: int
    rate: int

    @property
    def floor(self) -> int:
        """FLOOR, or a part of a reserve that is smaller than usual."""
        return min(FLOOR, self.reserve // 8)

    @property
    def brink(self) -> int:
        """BRINK, likewise."""
        return min(BRINK, self.reserve // 32)

    def claimed(self, claims: Iterable[Claim]) -> int:
        """Bytes that admitted recordings may yet write."""
        return sum(map(self._claimed, claims))

    def missing(self, free: int, claims: Iterable[Claim], minutes: float = MINUTES) -> int:
        """Bytes that one more visit would lack; 0 where it may begin."""
        return max(self.reserve + self.claimed(claims) + self._needs(minutes) - free, 0)

    def _claimed(self, claim: Claim) -> int:
        whole = max(self._needs(claim.minutes), claim.written)
        return whole - claim.written + (claim.parts + whole if claim.parts else 0)

    def _needs(self, minutes: float) -> int:
        return int(minutes * 60 * self.rate)
