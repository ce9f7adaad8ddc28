"""How much media one client may send, pure. The hot loop counts nothing for this: the counts of the client's tracks are
looked at ten times a second, and a client over its budget is not decrypted until it is within it again."""

from collections.abc import Hashable, Mapping
from typing import Any

PACKETS, PACKETS_AT_ONCE = 1_500, 3_000  # a second: three encodings and sound are 700, a keyframe at once 200
OCTETS, OCTETS_AT_ONCE = 1_250_000, 2_500_000  # 10 Mbit/s; 1.5 Mbit/s are asked for, encoders of cameras send up to 6


class MediaBudget:
    """What one client has sent of late, beyond what it may in that time."""

    __slots__ = ("_at", "_counts", "_octets", "_packets")

    def __init__(self) -> None:
        self._packets = self._octets = self._at = 0.0
        self._counts: dict[Hashable, tuple[int, int]] = {}

    def idle(self, aside: int, now: float) -> bool:
        """Whether a client that feeds no track, and has sent `aside` packets beside them so far, has sent nothing since
        the last look, and nothing counts from before: then it is within its budget, and only time passes. Most clients
        are subscribers, of which this is all that is to be found out."""
        if self._packets or self._octets or self._counts.get(None) != (aside, 0):
            return False
        self._at = now
        return True

    def within(self, counts: Mapping[Any, tuple[int, int]], now: float) -> bool:
        """Whether the client is within its budget. `counts` are the packets and octets so far of each track that it
        feeds; what a track counted before it was first seen here is another client's."""
        seconds, self._at = now - self._at, now
        packets = octets = 0
        for track, (of_packets, of_octets) in counts.items():
            before = self._counts.get(track, (of_packets, of_octets))
            packets, octets = packets + of_packets - before[0], octets + of_octets - before[1]
        self._counts.update(counts)
        self._packets = max(0.0, self._packets + packets - PACKETS * seconds)
        self._octets = max(0.0, self._octets + octets - OCTETS * seconds)
        return self._packets <= PACKETS_AT_ONCE and self._octets <= OCTETS_AT_ONCE
