"""Assembles both sides of a session on one time: the samples of five tracks become the samples of one file, sorted,
each with its length. Pure.

A side's sound is dropped until its first picture, so that both begin together; zero is the first kept sample. The file
begins once all four tracks of the rooms have a sample, or PATIENCE after the first side: then the missing side begins
with a placeholder frame and silence, so that a recording always has its tracks. The fifth track, talkback of officers,
is never waited for: it begins with the file, as silence."""

from broker.kernel.film_faults import FilmFault
from broker.media.h264_sets import ParameterSets
from broker.media.rtcp import parse_sender_report
from broker.media.tap_format import (
    ANEW,
    PARAMETER_SET,
    PRISON_AUDIO,
    PRISON_VIDEO,
    RTP,
    TALKBACK,
    VISITOR_AUDIO,
    VISITOR_VIDEO,
    TapRecord,
    is_sound,
)
from recorder.pipeline.picture_check import Decodes
from recorder.pipeline.talkback_track import TalkbackTrack
from recorder.pipeline.track import AudioTrack, Sample, Track
from recorder.pipeline.track_clock import Gap, SideClock
from recorder.pipeline.video_track import VideoTrack

PATIENCE = 1.0
HOLD = 0.2  # seconds a sample waits for the next one of its track, which gives its length
TRAIL = 0.1  # seconds after the newest packet at which a recording without publishers ends
OF_ROOMS = 4  # tracks without which no file begins


class Assembler:
    """The assembler of one part. Times in and out are server seconds; the caller subtracts `zero`."""

    def __init__(self, placeholder: bytes, decodes: Decodes) -> None:
        self._placeholder = placeholder
        self.clocks = (SideClock(), SideClock())
        self.video = tuple(
            VideoTrack(number, clock, decodes)
            for number, clock in zip((PRISON_VIDEO, VISITOR_VIDEO), self.clocks, strict=True)
        )
        self.audio = (AudioTrack(PRISON_AUDIO, self.clocks[0]), AudioTrack(VISITOR_AUDIO, self.clocks[1]))
        self.talkback = TalkbackTrack(TALKBACK)
        self.tracks: tuple[Track, ...] = (self.video[0], self.audio[0], self.video[1], self.audio[1], self.talkback)
        self.zero: float | None = None
        self.placeholders: set[int] = set()  # tracks that begin with a placeholder frame
        self.unusable = 0  # records of unknown tracks, malformed reports
        self._pending: list[Sample] = []
        self._since: float | None = None  # when time first passed
        self._held: list[Sample | None] = [None] * len(self.tracks)
        self._begun = [False, False]
        self._open = False

    def accept(self, record: TapRecord) -> None:
        """Take in one packet or report."""
        _, track, kind, arrival_ns, data = record
        if track >= len(self.tracks):
            self.unusable += 1
        elif kind == RTP:
            samples = self.tracks[track].accept(data, arrival_ns)
            if samples:
                self._add(samples)
        elif kind == ANEW:
            self._restart(record)
        elif kind == PARAMETER_SET:
            self._learn(record)
        else:
            self._report(record)

    def tick(self, now: float) -> None:
        """Let time pass: reorder windows close, silence is added."""
        self._since = now if self._since is None else self._since
        for track in self.tracks:
            samples = track.tick(now)
            if samples:
                self._add(samples)

    def ready(self, now: float) -> bool:
        """Whether the file may begin, or has begun."""
        if not self._open and self.zero is not None:
            tracks = {sample.track for sample in self._pending}
            self._open = len(tracks) == OF_ROOMS or now - self.zero > PATIENCE
            if self._open:
                self.zero = min(sample.at for sample in self._pending)
                self._add_placeholders(tracks)
                self._pending += self.talkback.silent_from(self.zero)
        return self._open

    def parameters(self) -> tuple[ParameterSets | None, ParameterSets | None]:
        """The parameter sets of each side for the file's head, None where it begins with a placeholder frame."""
        return self.video[0].parameters, self.video[1].parameters

    def take(self, now: float) -> list[Sample]:
        """Return the samples whose length is known, or that have waited for HOLD, sorted by time."""
        self._pending.sort()
        taken: list[Sample] = []
        holding, new = self._held, tuple.__new__  # the constructor of a named tuple takes three times as long
        for sample in self._pending:
            following, track = sample[:2]
            held, holding[track] = holding[track], sample
            if held is not None:
                at, _, data, keyframe, _ = held
                taken.append(new(Sample, (at, track, data, keyframe, following - at if following > at else 0.0)))
        self._pending.clear()
        for number, held in enumerate(self._held):
            if held is not None and now - held.at > HOLD:
                taken.append(held)
                self._held[number] = None
        taken.sort()
        return taken

    def finish(self, moment: float) -> tuple[list[Sample], float]:
        """Return the rest, cut at the end, and that end: `moment`, or TRAIL after the last packet if that was
        earlier."""
        seen = [track.seen for track in self.tracks if track.seen is not None]
        end = min(moment, max(seen, default=moment) + TRAIL)
        for track in self.tracks:
            self._add(track.finish(end))
        for track in self.video:
            if track.number in self.placeholders and track.last is None and self.zero is not None:
                track.note_late_start(self.zero, end)
        rest = [sample for sample in self.take(end - HOLD) if sample.at < end]
        for number, held in enumerate(self._held):
            last = held or self._closing_frame(number)
            if last is not None and last.at < end:
                rest.append(last if is_sound(number) else last._replace(seconds=end - last.at))
        self._held = [None] * len(self.tracks)
        return sorted(_cut(sample, end) for sample in rest), end

    def _closing_frame(self, number: int) -> Sample | None:
        """Return a placeholder frame for a track whose last picture was already written, None for sound."""
        track = self.tracks[number]
        if not isinstance(track, VideoTrack) or self.zero is None:
            return None
        last = track.last
        return Sample((self.zero if last is None else last) + HOLD, number, self._placeholder, True, 0.0)

    def settled_gaps(self, over: bool = False) -> list[Gap]:
        """Return the gaps, on the file's time, that are final and were not returned before. A track's newest gap may
        still grow until the part is `over`."""
        found: list[Gap] = []
        for track in self.tracks:
            end = len(track.gaps) - (not over)
            found += track.gaps[: max(end, 0)]
            del track.gaps[: max(end, 0)]
        return self._on_the_file(found)

    def open_gaps(self) -> list[Gap]:
        """Return the gaps that may still grow."""
        return self._on_the_file([gap for track in self.tracks for gap in track.gaps])

    def _on_the_file(self, gaps: list[Gap]) -> list[Gap]:
        zero = self.zero or 0.0
        found = [Gap(g.track, max(g.start - zero, 0.0), g.seconds, g.cause, g.packets) for g in gaps]
        return sorted(found, key=lambda gap: (gap.start, gap.track))

    @property
    def whole(self) -> bool:
        """Whether all four tracks of the rooms have media of a publisher."""
        return all(track.last is not None for track in self.video) and all(track.begun for track in self.audio)

    def faults(self, now: float) -> tuple[FilmFault | None, FilmFault | None]:
        """Return of each side why its film cannot be watched at present, None where it can."""
        since = now if self._since is None else self._since
        return self._fault(0, now, since), self._fault(1, now, since)

    def _fault(self, side: int, now: float, since: float) -> FilmFault | None:
        return self.video[side].fault(now, since) or self.audio[side].fault(now, since)

    def wanting(self) -> list[int]:
        """Return the sides (0 prison, 1 visitor) whose picture waits for a keyframe."""
        return [side for side, track in enumerate(self.video) if track.wants_keyframe]

    def _add(self, samples: list[Sample]) -> None:
        if not all(self._begun):
            for sample in samples:
                if not is_sound(sample.track) and not self._begun[_side(sample.track)]:
                    self._begin(_side(sample.track), sample)
        self._pending += samples

    def _begin(self, side: int, first: Sample) -> None:
        """Begin a side with its first picture; from then on its sound is kept too."""
        self._begun[side] = True
        if self.zero is None:
            self.zero = first.at
        if self.audio[side].end is None:
            self._pending += self.audio[side].begin(first.at)
        if self.video[side].number in self.placeholders:
            self.video[side].note_late_start(self.zero, first.at)

    def _add_placeholders(self, present: set[int]) -> None:
        assert self.zero is not None
        for side in (0, 1):
            number = self.video[side].number
            if number not in present:
                self.placeholders.add(number)
                self._pending.append(Sample(self.zero, number, self._placeholder, True, HOLD))
                self._pending += self.audio[side].begin(self.zero)

    def _report(self, record: TapRecord) -> None:
        report = parse_sender_report(record.data)
        if report is None or not report.ntp:  # a sender without a clock writes 0 (RFC 3550 6.4.1)
            self.unusable += 1
        else:
            self.tracks[record.track].handle_report(report)

    def _learn(self, record: TapRecord) -> None:
        track = self.tracks[record.track]
        if isinstance(track, VideoTrack) and record.data:
            track.learn(record.data)
        else:
            self.unusable += 1  # sound has none

    def _restart(self, record: TapRecord) -> None:
        track = self.tracks[record.track]
        if isinstance(track, TalkbackTrack):
            self._add(track.restart())
        else:
            self.unusable += 1  # the tracks of the rooms do not restart


def _side(track: int) -> int:
    """Return 0 for the prison's tracks, 1 for the visitors'."""
    return track // 2


def _cut(sample: Sample, end: float) -> Sample:
    return sample._replace(seconds=end - sample.at) if sample.at + sample.seconds > end else sample
