"""Records that were meant for the recorder and did not get there: when that holds a visit, and when it may go on. Pure;
times are monotonic seconds.

One lost record is a fact that is counted and kept; the picture heals with the next keyframe and the sound at once. A
burst, or losses in one second after another, mean that what crosses is not on disk, and then nothing may cross."""

from dataclasses import dataclass

BURST = 30
"""Records within a second: about a tenth of what one visit sends."""
IN_A_ROW = 2.5
"""Seconds within which another report of losses is one too many; they are told once a second."""
CALM = 2.0
"""Seconds without any loss after which the recorder is asked again."""


@dataclass(slots=True)
class _Losses:
    last: float = float("-inf")
    held: bool = False
    overflow: int = 0  # what the writer said last


class PacketLossWatch:
    """Losses of all sessions here."""

    def __init__(self) -> None:
        self._of: dict[str, _Losses] = {}

    def lost(self, session: str, records: int, now: float) -> bool:
        """Take losses in. Whether the visit must be held for them."""
        known = self._of.setdefault(session, _Losses())
        again, known.last = now - known.last <= IN_A_ROW, now
        known.held = known.held or again or records >= BURST
        return known.held

    def overflowed(self, session: str, overflow: int) -> int:
        """How many more records a part's queue could not take than when it was last told; a new part counts anew."""
        known = self._of.setdefault(session, _Losses())
        before, known.overflow = known.overflow, overflow
        return overflow - before if overflow >= before else overflow

    def calm(self, session: str, now: float) -> bool:
        """Whether a visit that was held for losses may be taken up again; said once."""
        known = self._of.get(session)
        if known is None or not known.held or now - known.last < CALM:
            return False
        known.held = False
        return True

    def forget(self, session: str) -> None:
        """The session is over."""
        self._of.pop(session, None)
