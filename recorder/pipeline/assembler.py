"""Both sides of a session on one time: lanes in, samples of one file out, sorted and each with its length. Pure.

A side's sound is dropped until its first picture, so that both begin together; zero is the first kept sample. The
file can begin once both sides' four tracks have something, or PATIENCE after the first side: then the side that is
missing begins with a slate and silence, so that a recording always has its tracks. The fifth, of officers who speak in,
is never waited for: it begins with the file, as silence."""

from broker.media.h264 import ParameterSets
from broker.media.rtcp import parse_sender_report
from broker.media.tap_format import (
    ANEW,
    PRISON_AUDIO,
    PRISON_VIDEO,
    RTP,
    VISITOR_AUDIO,
    VISITOR_VIDEO,
    VOICE,
    TapRecord,
    is_sound,
)
from recorder.pipeline.talkback_track import TalkbackTrack
from recorder.pipeline.track import AudioTrack, Sample, Track, VideoTrack
from recorder.pipeline.track_clock import Gap, SideClock

PATIENCE = 1.0
HOLD = 0.2  # seconds a sample waits for the next one of its track, which tells how long it lasts
TRAIL = 0.1  # seconds after the newest packet at which a recording that nobody feeds any more ends
OF_ROOMS = 4  # tracks without which no file begins


class Assembly:
    """The media of one part. Times in and out are server seconds; the caller subtracts `zero`."""

    def __init__(self, slate: bytes) -> None:
        self._slate = slate
        self.clocks = (SideClock(), SideClock())
        self.video = (VideoTrack(PRISON_VIDEO, self.clocks[0]), VideoTrack(VISITOR_VIDEO, self.clocks[1]))
        self.audio = (AudioTrack(PRISON_AUDIO, self.clocks[0]), AudioTrack(VISITOR_AUDIO, self.clocks[1]))
        self.voice = TalkbackTrack(VOICE)
        self.lanes: tuple[Track, ...] = (self.video[0], self.audio[0], self.video[1], self.audio[1], self.voice)
        self.zero: float | None = None
        self.slated: set[int] = set()  # tracks that begin with a slate
        self.strange = 0  # records of unknown tracks, unreadable reports
        self._pending: list[Sample] = []
        self._given = [0] * len(self.lanes)  # gaps of each that are settled and were given
        self._held: list[Sample | None] = [None] * len(self.lanes)
        self._begun = [False, False]
        self._open = False

    def accept(self, record: TapRecord) -> None:
        """Take in one packet or report."""
        if record.track >= len(self.lanes):
            self.strange += 1
        elif record.kind == ANEW:
            self._anew(record)
        elif record.kind == RTP:
            samples = self.lanes[record.track].accept(record.data, record.arrival_ns)
            if samples:
                self._add(samples)
        else:
            self._report(record)

    def tick(self, now: float) -> None:
        """Let time pass: reorder windows close, silence is written."""
        for lane in self.lanes:
            samples = lane.tick(now)
            if samples:
                self._add(samples)

    def ready(self, now: float) -> bool:
        """Whether the file may begin, or has begun."""
        if not self._open and self.zero is not None:
            tracks = {sample.track for sample in self._pending}
            self._open = len(tracks) == OF_ROOMS or now - self.zero > PATIENCE
            if self._open:
                self.zero = min(sample.at for sample in self._pending)
                self._stand_in(tracks)
                self._pending += self.voice.silent_from(self.zero)
        return self._open

    def parameters(self) -> tuple[ParameterSets | None, ParameterSets | None]:
        """What each picture needs in the file's head; None where a slate stands in."""
        return self.video[0].parameters, self.video[1].parameters

    def take(self, now: float) -> list[Sample]:
        """The samples whose length is known, or that waited long enough, by time."""
        self._pending.sort()
        taken: list[Sample] = []
        for sample in self._pending:
            held, self._held[sample.track] = self._held[sample.track], sample
            if held is not None:
                taken.append(held._replace(seconds=max(sample.at - held.at, 0.0)))
        self._pending.clear()
        for track, held in enumerate(self._held):
            if held is not None and now - held.at > HOLD:
                taken.append(held)
                self._held[track] = None
        taken.sort()
        return taken

    def finish(self, moment: float) -> tuple[list[Sample], float]:
        """The rest, cut at the end; and that end: `moment`, or a little after the last packet if that was long ago."""
        seen = [lane.seen for lane in self.lanes if lane.seen is not None]
        end = min(moment, max(seen, default=moment) + TRAIL)
        for lane in self.lanes:
            self._add(lane.finish(end))
        for lane in self.video:
            if lane.track in self.slated and lane.last is None and self.zero is not None:
                lane.missed(self.zero, end)
        rest = [sample for sample in self.take(end - HOLD) if sample.at < end]
        for track, held in enumerate(self._held):
            last = held or self._last_word(track)
            if last is not None and last.at < end:
                rest.append(last if is_sound(track) else last._replace(seconds=end - last.at))
        self._held = [None] * len(self.lanes)
        return sorted(_cut(sample, end) for sample in rest), end

    def _last_word(self, track: int) -> Sample | None:
        """A slate for a picture that was already written and then stood still until the end."""
        lane = self.lanes[track]
        if not isinstance(lane, VideoTrack) or self.zero is None:
            return None
        last = lane.last
        return Sample((self.zero if last is None else last) + HOLD, track, self._slate, True, 0.0)

    def settled_gaps(self, over: bool = False) -> list[Gap]:
        """The gaps, on the file's time, that will not change any more and were not given yet. A track's newest one may
        still grow until it is all `over`."""
        found: list[Gap] = []
        for number, lane in enumerate(self.lanes):
            end = len(lane.gaps) - (not over)
            found += lane.gaps[self._given[number] : end]
            self._given[number] = max(self._given[number], end)
        return self._on_the_file(found)

    def open_gaps(self) -> list[Gap]:
        """Those that may still grow."""
        return self._on_the_file(
            [gap for lane, given in zip(self.lanes, self._given, strict=True) for gap in lane.gaps[given:]]
        )

    def _on_the_file(self, gaps: list[Gap]) -> list[Gap]:
        zero = self.zero or 0.0
        found = [Gap(g.track, max(g.start - zero, 0.0), g.seconds, g.cause, g.packets) for g in gaps]
        return sorted(found, key=lambda gap: (gap.start, gap.track))

    @property
    def whole(self) -> bool:
        """Whether the four tracks of the rooms have begun with what a publisher sent."""
        return all(lane.last is not None for lane in self.video) and all(lane.begun for lane in self.audio)

    def wanting(self) -> list[int]:
        """Sides (0 prison, 1 visitor) whose picture waits for a keyframe."""
        return [side for side, lane in enumerate(self.video) if lane.wants_keyframe]

    def _add(self, samples: list[Sample]) -> None:
        for sample in samples:
            if not is_sound(sample.track) and not self._begun[_side(sample.track)]:
                self._begin(_side(sample.track), sample)
        self._pending += samples

    def _begin(self, side: int, first: Sample) -> None:
        """A side's first picture: from here on its sound is kept too."""
        self._begun[side] = True
        if self.zero is None:
            self.zero = first.at
        if self.audio[side].end is None:
            self.audio[side].begin(first.at)
        if self.video[side].track in self.slated:
            self.video[side].missed(self.zero, first.at)

    def _stand_in(self, present: set[int]) -> None:
        assert self.zero is not None
        for side in (0, 1):
            track = self.video[side].track
            if track not in present:
                self.slated.add(track)
                self._pending.append(Sample(self.zero, track, self._slate, True, HOLD))
                self.audio[side].begin(self.zero)

    def _report(self, record: TapRecord) -> None:
        report = parse_sender_report(record.data)
        if report is None or not report.ntp:  # a sender without a clock writes 0 (RFC 3550 6.4.1)
            self.strange += 1
        else:
            self.lanes[record.track].tell(report)

    def _anew(self, record: TapRecord) -> None:
        lane = self.lanes[record.track]
        if isinstance(lane, TalkbackTrack):
            self._add(lane.anew())
        else:
            self.strange += 1  # the rooms' tracks run through


def _side(track: int) -> int:
    """0 for the prison's tracks, 1 for the visitors'."""
    return track // 2


def _cut(sample: Sample, end: float) -> Sample:
    return sample._replace(seconds=end - sample.at) if sample.at + sample.seconds > end else sample
