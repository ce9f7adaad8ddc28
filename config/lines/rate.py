"""How many lines each call site may write: strangers can cause some of them as often as they like, and a log that they
fill hides what matters and ends on a full disk. Pure: the caller says when a minute is over."""

from collections import Counter
from threading import RLock

LINES = 60
"""Lines of one call site in a minute: one of each visit of a worker, with room to spare."""
SITES = 500
"""Call sites that are counted apart; there are fewer in the whole program, so that the rest share one count."""
OTHERS = "others"


class CallSites:
    """The lines of this minute by call site. Threads may share it."""

    def __init__(self, lines: int = LINES, sites: int = SITES) -> None:
        self._lines, self._sites = lines, sites
        self._written: Counter[str] = Counter()
        self._lock = RLock()  # what Python tidies up in between may have a line to write, too

    def take(self, site: str) -> bool:
        """Whether a line of this call site is written; one that is not is counted."""
        with self._lock:
            if site not in self._written and len(self._written) >= self._sites:
                site = OTHERS
            self._written[site] += 1
            return self._written[site] <= self._lines

    def close(self) -> dict[str, int]:
        """Begin a new minute; return how many lines were left out in the last one, by call site."""
        with self._lock:
            written, self._written = self._written, Counter()
        return {site: count - self._lines for site, count in written.items() if count > self._lines}
