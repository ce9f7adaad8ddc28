"""The track of the officers: talkback to one or both rooms (插话), and silence between talkbacks. Pure."""

from broker.media import opus
from recorder.pipeline.reorder import Reorder
from recorder.pipeline.track import AUDIO_WINDOW, SILENT, AudioTrack, Sample
from recorder.pipeline.track_clock import SideClock

BEHIND = 0.15  # seconds by which silence follows the clock: longer than the reorder window


class TalkbackTrack(AudioTrack):
    """The Opus track of talkback. Time without talkback is no gap; packets lost during a talkback are one.

    Silence is written continuously, because the file's fragments end only where every track has enough samples.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number, SideClock())

    def silent_from(self, at: float) -> list[Sample]:
        """Return the first silence, from `at`. The file's head is written once every track has a sample."""
        first = Sample(at, self.number, opus.LEADING, True, opus.PACKET / opus.RATE)
        return [first, *self.begin(at + opus.PACKET / opus.RATE)]

    def restart(self) -> list[Sample]:
        """Begin or end a talkback; return what was still held. Sequence numbers and timestamps of two talkbacks are not
        related, even where the same officer speaks."""
        samples: list[Sample] = []
        for ordered in self._reorder.flush():
            samples += self._take(ordered)
        self._reorder, self._clock = Reorder(AUDIO_WINDOW), SideClock()
        self._ssrc, self.seen = -1, None
        return samples

    def tick(self, now: float) -> list[Sample]:
        """Return samples as every audio track does, and silence without delay between talkbacks."""
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
