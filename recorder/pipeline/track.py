"""One track from raw RTP to samples of the file: ordered, depacketized, placed on the server's clock, with its gaps
named. The base of all tracks, and those of sound; `video_track` has those of pictures.

Times are server seconds. A sample has its true time and its length, because each is held until the next sample of its
track is known (at most HOLD); so fragments never contradict each other about time. Pure."""

from collections import deque
from typing import NamedTuple

from broker.kernel.film_faults import FilmFault
from broker.kernel.token_bucket import TokenBucket
from broker.media import opus
from broker.media.rtcp import SenderReport
from broker.media.rtp import RtpPacket, parse
from recorder.pipeline.reorder import Reorder
from recorder.pipeline.track_clock import Gap, SideClock

AUDIO_WINDOW = 120_000_000  # ns that a retransmission is waited for
SILENT = 1.0  # seconds without sound after which silence is written without waiting for the next packet
SHORTEST_GAP = 0.005
UNREMARKABLE = 0.15  # seconds of a gap at either end that is not noted: tracks never begin and end at one moment
KEPT_EARLY = 100  # packets kept until the side's first picture is complete: two seconds
UNHEARD = 1.5  # seconds of packets none of which can be written, after which a film counts as unusable
SOUND_BYTES, SOUND_AT_ONCE = 128_000, 640_000
"""Bytes a second that a track of sound may write for long, twice the highest rate of Opus (RFC 6716 2.1.1), and at
once."""
_new = tuple.__new__  # the constructor of a named tuple takes three times as long
EARLY = 0.1  # share of its length by which a packet may overlap the one before it: clocks are corrected gradually


class Sample(NamedTuple):
    """One picture or one Opus packet of `track`, at server time `at`."""

    at: float
    track: int
    data: bytes
    keyframe: bool
    seconds: float


class Track:
    """The base of video and audio tracks: counters, gaps, order. WHICH is the track's place in its side's clock."""

    WHICH = 0

    def __init__(self, number: int, clock: SideClock, window_ns: int) -> None:
        self.number = number
        self.packets = self.lost = self.unread = self.overflow = 0
        self.gaps: list[Gap] = []
        self.seen: float | None = None  # arrival of the newest packet
        self._clock, self._reorder = clock, Reorder(window_ns)

    @property
    def malformed(self) -> int:
        """Number of packets whose bytes make no sense."""
        return self.unread

    def handle_report(self, report: SenderReport) -> None:
        """Pass a sender report of this track to the clock."""
        self._clock.handle_report(self.WHICH, report)

    def accept(self, data: bytes, arrival_ns: int) -> list[Sample]:
        """Take in an RTP packet and return the samples that are ready."""
        packet = parse(data, arrival_ns)
        if packet is None:
            self.unread += 1
            return []
        self.packets += 1
        self.seen = arrival_ns / 1e9
        ordered = self._reorder.push(packet)
        if len(ordered) == 1:
            return self._take(ordered[0])
        return [sample for each in ordered for sample in self._take(each)]

    def tick(self, now: float) -> list[Sample]:
        """Return the samples that are ready because time has passed."""
        return [sample for each in self._reorder.expire(int(now * 1e9)) for sample in self._take(each)]

    def finish(self, end: float) -> list[Sample]:
        """Return everything that is still held; an audio track is filled up to `end`."""
        return [sample for each in self._reorder.flush() for sample in self._take(each)]

    def _take(self, packet: RtpPacket) -> list[Sample]:
        raise NotImplementedError

    def _gap(self, start: float, end: float, cause: str, packets: int = 0) -> None:
        if end - start <= (UNREMARKABLE if cause in ("not_begun", "no_packets") else SHORTEST_GAP):
            return
        last = self.gaps[-1] if self.gaps else None
        if last is not None and last.cause == cause and abs(last.start + last.seconds - start) < SHORTEST_GAP:
            last.seconds, last.packets = end - last.start, last.packets + packets
        else:
            self.gaps.append(Gap(self.number, start, end - start, cause, packets))


class _Sound(NamedTuple):
    """A packet of sound with its place: server time, length in seconds, and what the clock was at then."""

    data: bytes
    at: float
    seconds: float
    ssrc: int
    jumps: int
    ticks: int


class AudioTrack(Track):
    """An Opus track, which has no holes: what is missing is silence of the same length."""

    WHICH = 1

    def __init__(self, number: int, clock: SideClock) -> None:
        super().__init__(number, clock, AUDIO_WINDOW)
        self.silence = 0.0  # seconds written as silence, sender's pauses (DTX) included
        self.end: float | None = None  # server time up to which sound is written
        self._next_ticks = 0
        self._ssrc = self._jumps = -1
        self._lost = 0  # since the last packet that was written
        self._early: deque[_Sound] = deque(maxlen=KEPT_EARLY)
        self._good: float | None = None  # arrival of the newest packet that is sound
        self._heard: float | None = None  # arrival of the newest packet with a payload
        self._bytes = TokenBucket(SOUND_BYTES, SOUND_AT_ONCE)

    @property
    def begun(self) -> bool:
        """Whether a packet has been written, not only silence."""
        return self._ssrc != -1

    def begin(self, at: float) -> list[Sample]:
        """Begin the track at server time `at`; from then on it has no holes. Return what has come since then."""
        self.end = at
        samples: list[Sample] = []
        for sound in self._early:
            samples += self._write(sound)
        self._early.clear()
        return samples

    def fault(self, now: float, since: float) -> FilmFault | None:
        """Return why this sound cannot be heard at present, None while it can; recording began at `since`. A sender in
        a pause sends nothing, which is no fault once it has begun."""
        if self._good is None and self._heard is None:
            return FilmFault.NO_SOUND if now - since > UNHEARD else None
        if self._heard is None or now - self._heard > UNHEARD:
            return None
        return FilmFault.BAD_SOUND if self._heard - (since if self._good is None else self._good) > UNHEARD else None

    def tick(self, now: float) -> list[Sample]:
        """Return samples as every track does, and silence once nothing has arrived for SILENT seconds."""
        samples = super().tick(now)
        if self.end is not None and now - self.end > 2 * SILENT:
            samples += self._fill(now - SILENT, self._absent(), 0)
        return samples

    def finish(self, end: float) -> list[Sample]:
        """Return everything that is still held, then silence up to `end`."""
        samples = super().finish(end)
        if self.end is not None and end - self.end > 2 * opus.PACKET / opus.RATE:
            samples += self._fill(end, self._absent(), 0)
        return samples

    def _take(self, packet: RtpPacket) -> list[Sample]:
        self.lost += packet.lost
        self._lost += packet.lost
        if not packet.payload:
            return []  # padding
        arrival, samples = packet.arrival / 1e9, opus.duration(packet.payload)
        self._heard = arrival
        if samples is None or not self._bytes.take(arrival, len(packet.payload)):
            self.unread += 1
            return []
        at = self._clock.place(self.WHICH, packet.timestamp, packet.ssrc, arrival)
        track = self._clock.tracks[1]
        sound = _new(_Sound, (packet.payload, at, samples / opus.RATE, track.ssrc, track.jumps, track.ticks))
        if self.end is None:
            self._good = arrival
            self._early.append(sound)  # the side has no picture yet, or it is not complete yet
            return []
        found = self._write(sound)
        self._good = arrival if found else self._good
        return found

    def _write(self, sound: _Sound) -> list[Sample]:
        assert self.end is not None
        data, at, seconds, ssrc, jumps, ticks = sound
        continuous = ssrc == self._ssrc and jumps == self._jumps
        hole = (ticks - self._next_ticks) / opus.RATE if continuous else at - self.end
        if at + seconds / 2 <= self.end:
            return []  # silence stands there already, or it came twice
        filled: list[Sample] = []
        if hole > SHORTEST_GAP and at - self.end > SHORTEST_GAP:
            filled = self._fill(at, self._why(continuous), self._lost)
        self._ssrc, self._jumps, self._lost = ssrc, jumps, 0
        self._next_ticks = ticks + round(seconds * opus.RATE)
        at = max(at, self.end - EARLY * seconds)
        self.end = at + seconds
        filled.append(_new(Sample, (at, self.number, data, True, seconds)))
        return filled

    def _absent(self) -> str:
        return "not_begun" if self._ssrc == -1 else "no_packets"

    def _why(self, continuous: bool) -> str:
        if self._ssrc == -1:
            return "not_begun"
        if not continuous:
            return "reconnect"
        return "loss" if self._lost else "pause"

    def _fill(self, until: float, cause: str, packets: int) -> list[Sample]:
        assert self.end is not None
        samples: list[Sample] = []
        start = self.end
        for size, data in opus.silence(round((until - start) * opus.RATE)):
            seconds = size / opus.RATE
            samples.append(_new(Sample, (self.end, self.number, data, True, seconds)))
            self.end += seconds
        self.silence += self.end - start
        if cause != "pause":  # a sender in a pause (DTX) sends nothing: not missing
            self._gap(start, until, cause, packets)
        return samples
