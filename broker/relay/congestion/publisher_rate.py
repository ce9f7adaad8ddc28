"""Send-rate limit of one publisher, in bit/s, updated twice a second, pure: the least of the cap, what its own line
carries, and what the line to the far room carries. Supervisors' lines never count (see `subscriber_adaptation`)."""

from collections.abc import Sequence

from broker.relay.congestion.estimator import LOWEST, STEP, Capacity
from broker.relay.rtp.receive_stats import ReceiveStats
from broker.relay.track import Track

CAP = 1_500_000  # bit/s asked of each publisher; 30 min of both sides stay under a gigabyte
TOP = 2 * CAP  # bit/s that a line is assumed to carry: smaller encodings come on top, and are not recorded


class PublisherRate:
    """Send-rate limit of one publisher, never below `floor` bit/s. `tracks` are its sound and its picture, in all
    encodings; the caller's list."""

    def __init__(self, tracks: Sequence[Track], floor: float = LOWEST) -> None:
        self._tracks, self._floor = tracks, max(LOWEST, floor)
        self._capacity = Capacity(TOP)
        self._streams: list[ReceiveStats | None] = []
        self._ticked_at = 0.0
        self._octets = self._expected = self._in_time = 0

    def tick(self, now: float, need: float, beside: float = 0.0) -> int | None:
        """Return the limit in bit/s to send to the publisher, every STEP; None between.

        `need` is what the line to the far room carries, which gets the best encoding; `beside` is the rate of the other
        encodings."""
        seconds = now - self._ticked_at
        if seconds < STEP:
            return None
        streams = [track.receive_stats for track in self._tracks]
        live = [stats for stats in streams if stats is not None]
        octets = sum(track.octets for track in self._tracks)
        expected = sum(stats.expected for stats in live)
        in_time = sum(stats.received - stats.repaired for stats in live)
        queues = [stats.delays.standing() for stats in live]
        if streams != self._streams:
            self._capacity = Capacity(TOP)  # another client has another line
        elif queues:
            lost = 1 - (in_time - self._in_time) / (expected - self._expected) if expected > self._expected else 0.0
            delivered = (octets - self._octets) * 8 / seconds
            self._capacity.update(now, seconds, delivered, max(0.0, lost), min(queues))
        self._ticked_at, self._streams = now, streams
        self._octets, self._expected, self._in_time = octets, expected, in_time
        return int(max(self._floor, min(self._capacity.rate, min(CAP, need) + beside)))
