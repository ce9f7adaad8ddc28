"""The SSRCs under which one client has sent, pure. An encoder takes a new one whenever it starts anew, so there may be
any number in a visit, while libsrtp keeps state for each: the replay window, for one. Hence the state of the ones used
longest ago is dropped, and these are refused from then on, as copies of their packets would now be taken for new."""

from collections.abc import Collection

MOST = 20  # with state: four encodings, their retransmissions, sound, RTCP, and what late packets may still come of
REFUSED = 4096  # SSRCs that are refused: several new ones a second all through a visit


class SsrcHistory:
    """The SSRCs of one client, those used longest ago first."""

    def __init__(self) -> None:
        self._kept: dict[int, bool] = {}
        """Whether media came under it, or only RTCP."""
        self._refused: set[int] = set()

    def had_media(self, ssrc: int) -> bool:
        """Whether media came under this SSRC, and it is not refused."""
        return self._kept.get(ssrc, False)

    def refuses(self, ssrc: int) -> bool:
        """Whether this SSRC was dropped before."""
        return ssrc in self._refused

    @property
    def exhausted(self) -> bool:
        """Whether the client has used more SSRCs than any encoder does."""
        return len(self._refused) > REFUSED

    def use(self, ssrc: int, live: Collection[int], media: bool = True) -> int | None:
        """Note that an authentic packet came under `ssrc`, `media` or RTCP. Return the SSRC whose state must be dropped
        for it, if there are too many; never one that is `live`, which means that a stream comes under it now."""
        self._kept[ssrc] = self._kept.pop(ssrc, False) or media
        if len(self._kept) <= MOST:
            return None
        oldest = next((old for old in self._kept if old not in live and old != ssrc), None)
        if oldest is not None:
            del self._kept[oldest]
            self._refused.add(oldest)
        return oldest
