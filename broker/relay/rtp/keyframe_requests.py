"""How often a keyframe may be asked for: the wishes of all subscribers of a track become few requests. Pure."""


class KeyframeRequests:
    """Merges everybody's wishes for a keyframe of one track into few requests to its publisher."""

    INTERVAL = 0.3  # seconds: a second wish inside one round trip and one encode asks for what already comes
    REST = 0.1  # seconds from a request that has been answered to one for somebody who came after that

    def __init__(self) -> None:
        self._asked = float("-inf")
        self._answered = True
        self._newcomer = False
        self.wanted = False

    def want(self, newcomer: bool = False) -> None:
        """Somebody needs a keyframe; a newcomer has had none, also not the one that is still on its way to others."""
        self.wanted = True
        self._newcomer |= newcomer

    def arrived(self) -> None:
        """A keyframe came: nobody waits any more."""
        self.wanted, self._answered, self._newcomer = False, True, False

    def due(self, now: float) -> bool:
        """Whether to send a request at `now` (monotonic seconds); counts as sent when True. Repeats until it came."""
        patience = self.REST if self._answered and self._newcomer else self.INTERVAL
        if not self.wanted or now - self._asked < patience:
            return False
        self._asked, self._answered = now, False
        return True
