"""The counters of ingress, and of the TLS process: for the metrics, which control answers, and one line a minute in the
log. What a flood does is a number here and never a line of its own."""

from collections import Counter
from collections.abc import Callable, Mapping

import structlog

log = structlog.get_logger("signaling")
LINE_SECONDS = 60.0


class Counters:
    """Counts of events since the start, and `event`, the words of the line in the log. `levels` returns what is at this
    moment: waiting, queued, in flight, open."""

    def __init__(self, event: str = "strangers refused") -> None:
        self._event = event
        self.counts: Counter[str] = Counter()
        self._logged: Counter[str] = Counter()
        self._line_at = 0.0

    def count(self, name: str) -> None:
        """Count one event: `accepted`, `handed_over`, `served`, or `refused_` with its reason."""
        self.counts[name] += 1

    def report(self, levels: Mapping[str, int]) -> dict[str, float]:
        """Return all counters and levels for the metrics."""
        return {**self.counts, **{f"now_{name}": level for name, level in levels.items()}}

    def log_line(self, now: float, levels: Callable[[], Mapping[str, int]]) -> None:
        """Write what was refused since the last line; at most one line a minute, none where nothing was refused."""
        if now - self._line_at < LINE_SECONDS:
            return
        new = self.counts - self._logged
        refused = {name: count for name, count in new.items() if name.startswith("refused_")}
        if refused:
            log.warning(self._event, **refused, accepted=new["accepted"], **levels())
        self._line_at, self._logged = now, Counter(self.counts)
