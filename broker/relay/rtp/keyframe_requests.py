"""How often a keyframe may be requested: the requests of all subscribers become few to the publisher. Pure."""

from broker.media.h264 import IDR


class KeyframeRequests:
    """Merges the keyframe requests for one track into few requests to its publisher, and knows when one has come."""

    INTERVAL = 0.3  # seconds: a second request within one round trip and one encode asks for what already comes
    REST = 0.1  # seconds from a request that was answered to one for a newcomer after that

    def __init__(self) -> None:
        self._requested_at = float("-inf")
        self._answered = True
        self._newcomer = False
        self.wanted = False
        self.seen = False
        """Whether a keyframe has come since the stream began."""

    def restart(self) -> None:
        """A new stream begins; requests stay."""
        self.seen = False

    def request(self, newcomer: bool = False) -> None:
        """Ask the publisher for a keyframe. A newcomer has had none, also not the one that is still on its way to the
        others."""
        self.wanted = True
        self._newcomer |= newcomer

    def found(self, sign: int, decodable: bool) -> bool:
        """Whether a keyframe begins with a packet of this `keyframe_start`; then requests are answered.

        One without parameter sets is none, unless it can be decoded with those that came before."""
        if sign == IDR and not decodable:
            return False
        self.seen = True
        self.arrived()
        return True

    def arrived(self) -> None:
        """A keyframe came: no subscriber waits for one any more."""
        self.wanted, self._answered, self._newcomer = False, True, False

    def due(self, now: float) -> bool:
        """Whether to send a request at `now` (monotonic seconds); counts as sent when True. Repeats until one comes."""
        patience = self.REST if self._answered and self._newcomer else self.INTERVAL
        if not self.wanted or now - self._requested_at < patience:
            return False
        self._requested_at, self._answered = now, False
        return True
