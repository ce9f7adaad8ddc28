"""Counts that only grow, turned into what a page shows: bit/s and loss of the last second. Pure."""

from typing import Any


class Rates:
    """The last counts of each session."""

    def __init__(self) -> None:
        self._before: dict[str, tuple[dict[str, Any], float]] = {}

    def of(self, session: str, counts: dict[str, Any], now: float) -> dict[str, Any]:
        """Per side and kind: `bitrate` in bit/s and `loss` in 0..1 since the last call, `jitter_ms` as it is now, and
        `fps` of a picture."""
        before, then = self._before.get(session, (counts, now - 1.0))
        self._before[session] = (counts, now)
        seconds = max(now - then, 0.001)
        return {
            side: {kind: _rate(kind, one, before[side][kind], seconds) for kind, one in kinds.items()}
            for side, kinds in counts.items()
        }

    def forget(self, session: str) -> None:
        """A session is over."""
        self._before.pop(session, None)


def _rate(kind: str, now: dict[str, float], before: dict[str, float], seconds: float) -> dict[str, float]:
    grown = {name: max(0, now.get(name, 0) - before.get(name, 0)) for name in ("packets", "octets", "lost", "frames")}
    expected = grown["packets"] + grown["lost"]
    told = {
        "bitrate": grown["octets"] * 8 / seconds,
        "loss": grown["lost"] / expected if expected else 0.0,
        "jitter_ms": now.get("jitter", 0.0) * 1000,
    }
    return told | {"fps": grown["frames"] / seconds} if kind == "video" else told
