"""One track from raw RTP to samples of the file: ordered, depacketized, placed on the server's clock, with its gaps
named.

Times are server seconds. A sample has its true time and its length, because each is held until the next sample of its
track is known (at most HOLD); so fragments never contradict each other about time. Pure."""

from typing import NamedTuple

from broker.media import opus
from broker.media.h264 import ParameterSets
from broker.media.rtcp import SenderReport
from broker.media.rtp import RtpPacket, parse
from recorder.pipeline.depacketizer import AccessUnit, Depacketizer
from recorder.pipeline.reorder import Reorder
from recorder.pipeline.track_clock import Gap, SideClock

VIDEO_WINDOW = 250_000_000  # ns: a retransmission over a slow line still arrives in time
AUDIO_WINDOW = 120_000_000
STILL = 0.5  # seconds without a new picture that count as a gap
SILENT = 1.0  # seconds without sound after which silence is written without waiting for the next packet
SHORTEST_GAP = 0.005
UNREMARKABLE = 0.15  # seconds of a gap at either end that is not noted: tracks never begin and end at one moment
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
        self.packets = self.lost = self.malformed = self.overflow = 0
        self.gaps: list[Gap] = []
        self.seen: float | None = None  # arrival of the newest packet
        self._clock, self._reorder = clock, Reorder(window_ns)

    def handle_report(self, report: SenderReport) -> None:
        """Pass a sender report of this track to the clock."""
        self._clock.handle_report(self.WHICH, report)

    def accept(self, data: bytes, arrival_ns: int) -> list[Sample]:
        """Take in an RTP packet and return the samples that are ready."""
        packet = parse(data, arrival_ns)
        if packet is None:
            self.malformed += 1
            return []
        self.packets += 1
        self.seen = arrival_ns / 1e9
        samples: list[Sample] = []
        for ordered in self._reorder.push(packet):
            samples += self._take(ordered)
        return samples

    def tick(self, now: float) -> list[Sample]:
        """Return the samples that are ready because time has passed."""
        samples: list[Sample] = []
        for ordered in self._reorder.expire(int(now * 1e9)):
            samples += self._take(ordered)
        return samples

    def finish(self, end: float) -> list[Sample]:
        """Return everything that is still held; an audio track is filled up to `end`."""
        samples: list[Sample] = []
        for ordered in self._reorder.flush():
            samples += self._take(ordered)
        return samples

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


class VideoTrack(Track):
    """An H.264 track, which begins with a keyframe. After a loss the picture stands still until the next keyframe."""

    def __init__(self, number: int, clock: SideClock) -> None:
        super().__init__(number, clock, VIDEO_WINDOW)
        self._units = Depacketizer()
        self._last: float | None = None
        self._usual = 1 / 30
        self._ssrc = -1

    @property
    def parameters(self) -> ParameterSets | None:
        """The newest parameter sets, None before the first keyframe."""
        return self._units.parameters if self._last is not None else None

    @property
    def wants_keyframe(self) -> bool:
        """Whether packets arrive, but nothing can be written before a keyframe."""
        return self._units.waiting and self.packets > 0

    @property
    def dropped(self) -> int:
        """Number of pictures that were incomplete or not decodable."""
        return self._units.dropped

    @property
    def last(self) -> float | None:
        """Server time of the newest picture, None before the first."""
        return self._last

    def note_late_start(self, start: float, end: float) -> None:
        """Note the gap of a side that began later than the file and has a placeholder frame there."""
        self._gap(start, end, "not_begun")

    def finish(self, end: float) -> list[Sample]:
        """Return everything that is still held, and note the time without a picture at the end as a gap."""
        samples = super().finish(end)
        for unit in self._units.flush():
            samples.append(self._place(unit))
        if self._last is not None and end - self._last > STILL:
            self._gap(self._last + self._usual, end, self._why(*self._units.missing, False), self._units.missing[0])
        return samples

    def _take(self, packet: RtpPacket) -> list[Sample]:
        units = self._units.push(packet)
        self.lost += packet.lost
        return [self._place(unit) for unit in units] if units else []

    def _place(self, unit: AccessUnit) -> Sample:
        at = self._clock.place(self.WHICH, unit.timestamp, unit.ssrc, unit.arrival / 1e9)
        last, changed = self._last, unit.ssrc != self._ssrc
        if last is not None:
            at = max(at, last + 0.001)
            step = at - last
            if step > STILL or unit.dropped or (unit.lost_packets and step > 1.5 * self._usual):
                cause = self._why(unit.lost_packets, unit.dropped, changed)
                self._gap(last + self._usual, at, cause, unit.lost_packets)
            elif step < 0.2:
                self._usual += (step - self._usual) / 16
        self._last, self._ssrc = at, unit.ssrc
        return Sample(at, self.number, unit.data, unit.keyframe, self._usual)

    @staticmethod
    def _why(lost: int, dropped: int, changed: bool) -> str:
        if changed:
            return "reconnect"
        return "loss" if lost or dropped else "no_packets"


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

    @property
    def begun(self) -> bool:
        """Whether a packet has been written, not only silence."""
        return self._ssrc != -1

    def begin(self, at: float) -> None:
        """Begin the track at server time `at`; from then on it has no holes."""
        self.end = at

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
        samples = opus.duration(packet.payload)
        if samples is None:
            self.malformed += bool(packet.payload)
            return []
        at = self._clock.place(self.WHICH, packet.timestamp, packet.ssrc, packet.arrival / 1e9)
        if self.end is None:
            return []  # the side has no picture yet
        return self._write(packet, at, samples / opus.RATE)

    def _write(self, packet: RtpPacket, at: float, seconds: float) -> list[Sample]:
        assert self.end is not None
        track = self._clock.tracks[1]
        continuous = track.ssrc == self._ssrc and track.jumps == self._jumps
        hole = (track.ticks - self._next_ticks) / opus.RATE if continuous else at - self.end
        if at + seconds / 2 <= self.end:
            return []  # silence stands there already, or it came twice
        filled: list[Sample] = []
        if hole > SHORTEST_GAP and at - self.end > SHORTEST_GAP:
            filled = self._fill(at, self._why(continuous), self._lost)
        self._ssrc, self._jumps, self._lost = track.ssrc, track.jumps, 0
        self._next_ticks = track.ticks + round(seconds * opus.RATE)
        at = max(at, self.end - EARLY * seconds)
        self.end = at + seconds
        return [*filled, Sample(at, self.number, packet.payload, True, seconds)]

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
        start, samples = self.end, []
        for size, data in opus.silence(round((until - start) * opus.RATE)):
            samples.append(Sample(self.end, self.number, data, True, size / opus.RATE))
            self.end += size / opus.RATE
        self.silence += self.end - start
        if cause != "pause":  # a sender in a pause (DTX) sends nothing: not missing
            self._gap(start, until, cause, packets)
        return samples
