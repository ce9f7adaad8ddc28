"""The track of the officers: what one of them says to a room or both (插话), and silence while nobody does. Pure."""

from broker.media import opus
from recorder.pipeline.reorder import Reorder
from recorder.pipeline.track import AUDIO_WINDOW, SILENT, AudioTrack, Sample
from recorder.pipeline.track_clock import SideClock

BEHIND = 0.15  # seconds by which silence follows the clock: longer than a packet waits for its turn


class TalkbackTrack(AudioTrack):
    """Opus of whoever speaks in. That nobody does is no gap; only what was lost while somebody spoke is one.

    Silence is written all the time, not in one go once it is over: the file's fragments end where a track has enough.
    """

    def __init__(self, track: int) -> None:
        super().__init__(track, SideClock())

    def silent_from(self, at: float) -> list[Sample]:
        """The first silence. The file's head is written once every track has something, so it cannot wait."""
        self.begin(at + opus.PACKET / opus.RATE)
        return [Sample(at, self.track, opus.LEADING, True, opus.PACKET / opus.RATE)]

    def anew(self) -> list[Sample]:
        """Somebody ends, or begins, perhaps the same as before: numbers and stamps may have gone on meanwhile, or
        stood still, and say nothing about the time between."""
        samples: list[Sample] = []
        for ordered in self._reorder.flush():
            samples += self._take(ordered)
        self._reorder, self._clock = Reorder(AUDIO_WINDOW), SideClock()
        self._ssrc, self.seen = -1, None
        return samples

    def tick(self, now: float) -> list[Sample]:
        """As for all sound; and silence at once while nobody speaks."""
        samples = super().tick(now)
        quiet = self.seen is None or now - self.seen > 2 * SILENT
        if quiet and self.end is not None:
            packets = int((now - BEHIND - self.end) * opus.RATE) // opus.PACKET
            samples += self._fill(self.end + max(packets, 0) * opus.PACKET / opus.RATE, self._absent(), 0)
        return samples

    def _absent(self) -> str:
        return "pause"

    def _why(self, continuous: bool) -> str:
        return "loss" if continuous and self._lost else "pause"
