"""Budgets of films that are being sent, pure: how many at once for one person and in all, and how many bytes a second.
Films are read from the disk that recordings are written to, and sent over the line that visits use."""

from collections import Counter

from broker.kernel.errors import TooMany

PER_PERSON = 12
"""A page of a recording plays three films at once, each over a few connections while it seeks."""
ALL = 64
PERSON_BYTES = 16 * 1024 * 1024
"""Bytes a second for one person, all their films together: 30 minutes of 8 Mbit/s in under two minutes."""
ALL_BYTES = 48 * 1024 * 1024
"""Bytes a second in all: less than half of a line of 1 Gbit/s."""
AHEAD = 1.0
"""Seconds whose bytes may go at once."""


class Pace:
    """A rate of bytes: what has been sent is paid for later, by waiting. Moments are monotonic seconds."""

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second
        self._paid_at = float("-inf")

    def wait(self, count: int, now: float) -> float:
        """Charge `count` bytes; return the seconds to wait before they are sent."""
        self._paid_at = max(self._paid_at, now - AHEAD) + count / self._per_second
        return max(0.0, self._paid_at - now)


class PlayBudget:
    """The films that are being sent, by person."""

    def __init__(self) -> None:
        self._playing: Counter[str] = Counter()
        self._paces: dict[str, Pace] = {}
        self._all = Pace(ALL_BYTES)

    @property
    def playing(self) -> int:
        """The number of films that are being sent."""
        return self._playing.total()

    def begin(self, person: str) -> None:
        """Count one more film of a person. Raises TooMany."""
        if self._playing[person] >= PER_PERSON:
            raise TooMany(
                f"You play {PER_PERSON} films at once; close one of them.",
                f"最多同时播放或下载 {PER_PERSON} 路录像，请先关闭一路。",
                retry_after=5,
            )
        if self.playing >= ALL:
            raise TooMany("Too many films are being played.", "同时播放的录像过多，请稍后再试。", retry_after=15)
        self._playing[person] += 1
        self._paces.setdefault(person, Pace(PERSON_BYTES))

    def end(self, person: str) -> None:
        """Count one film less of a person."""
        self._playing[person] -= 1
        if self._playing[person] <= 0:
            del self._playing[person], self._paces[person]

    def wait(self, person: str, count: int, now: float) -> float:
        """Charge bytes to a person who plays; return the seconds to wait before they are sent."""
        return max(self._paces[person].wait(count, now), self._all.wait(count, now))
