"""How much a publisher may send, looked at twice a second, pure: no more than the cap, than its own line carries, and
than the far room's line does. Supervisors' lines never count (see `tending`)."""

from broker.relay.congestion.estimator import FLOOR, STEP, Capacity
from broker.relay.rtp.receive_stats import ReceiveStats
from broker.relay.track import Track

CAP = 1_500_000  # bit/s asked of each publisher; 30 min of both sides stay under a gigabyte
TOP = 2 * CAP  # bit/s that a line is believed to carry: lesser encodings come on top, and are not recorded


class PublisherRate:
    """Of one side. `tracks` are its sound and its picture, in all encodings."""

    def __init__(self, tracks: list[Track]) -> None:
        self._tracks = tracks
        self._capacity = Capacity(TOP)
        self._seen: list[ReceiveStats | None] = []
        self._looked = 0.0
        self._octets = self._expected = self._raw = 0

    def look(self, now: float, need: float, beside: float = 0.0) -> int | None:
        """The rate in bit/s to tell the publisher, every STEP; `need` is what the far room can take, which gets the
        best encoding, and `beside` what the others take up."""
        seconds = now - self._looked
        if seconds < STEP:
            return None
        seen = [track.arrivals for track in self._tracks]
        known = [one for one in seen if one is not None]
        octets = sum(track.octets for track in self._tracks)
        expected = sum(one.expected for one in known)
        raw = sum(one.received - one.repaired for one in known)
        queues = [one.delays.standing() for one in known]
        if seen != self._seen:
            self._capacity = Capacity(TOP)  # another client, another line
        elif queues:
            lost = 1 - (raw - self._raw) / (expected - self._expected) if expected > self._expected else 0.0
            delivered = (octets - self._octets) * 8 / seconds
            self._capacity.learn(now, seconds, delivered, max(0.0, lost), min(queues))
        self._looked, self._seen = now, seen
        self._octets, self._expected, self._raw = octets, expected, raw
        return int(max(FLOOR, min(self._capacity.rate, min(CAP, need) + beside)))
