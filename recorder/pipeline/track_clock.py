"""Maps RTP timestamps of all tracks to one time, the server's clock (CLOCK_MONOTONIC seconds). A publisher can neither
shift nor stretch a recording: its timestamps only place its packets relative to each other. Pure.

Each track keeps the smallest (arrival - media time) of the last seconds: the fastest packet gives the best offset, and
a drifting clock is followed. Once both tracks of a side have a sender report, their own offsets are replaced by one
common offset from the publisher's NTP clock (RFC 3550 6.4.1), which keeps lips in sync. When reports stop, each track
follows its own arrivals again, at the distance from them that the last reports gave. Corrections are gradual; only a
jump that no slow network explains is made at once."""

from dataclasses import dataclass, field
from typing import Any

from broker.media.rtcp import SenderReport

BUCKET = 2.0  # seconds over which the fastest packet is kept; two buckets are in use
JUMP = 0.5  # seconds: beyond it the timestamps were restarted, or the publisher slept
TRUST = 1.0  # seconds by which reports may contradict arrivals before they are ignored
FRESH = 30.0  # seconds for which a sender report is used; senders repeat them every few seconds
_FAST, _SLOW = 0.05, 0.002  # seconds of correction per second, for errors above and below _LARGE
_LARGE = 0.02
_NEAR, _FAR = 0.002, 0.01
"""Seconds of error at which a correction ends and begins: in between, the pictures of an even source stay even. Both
are far below what is noticed (ITU-R BT.1359: 45 ms)."""
BACK = 1.0  # seconds by which time stamps go back at least where the sender's clock began anew
_WRAP, _HALF = 1 << 32, 1 << 31
_NEVER = float("inf")


@dataclass(slots=True)
class Gap:
    """A span of a track without media. `start` and `seconds` are on the file's time."""

    track: int
    start: float
    seconds: float
    cause: str
    packets: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the gap with times rounded to milliseconds."""
        return {
            "track": self.track,
            "start": round(self.start, 3),
            "seconds": round(self.seconds, 3),
            "cause": self.cause,
            "packets": self.packets,
        }


class WindowMinimum:
    """The smallest value of the last one to two buckets of BUCKET seconds."""

    def __init__(self) -> None:
        self._since = self._before = self._now = _NEVER

    def add(self, value: float, at: float) -> float:
        """Take in a value and return the smallest."""
        if self._since == _NEVER:
            self._since = at
        elif at - self._since > BUCKET:
            self._before, self._now, self._since = self._now, _NEVER, at
        if value < self._now:
            self._now = value
        return self._now if self._now < self._before else self._before


@dataclass(slots=True)
class TrackClock:
    """Maps the timestamps of one track. A new SSRC begins a new mapping at the moment it arrives."""

    rate: int
    ssrc: int = -1
    jumps: int = 0
    offset: float = 0.0  # what is used: server time = ticks / rate + offset
    by_arrival: float = 0.0
    report: tuple[float, float] | None = None  # (sender's NTP minus media time, sender's NTP)
    seen: float = 0.0  # arrival of the newest packet
    reported: float = 0.0  # what `seen` was when the report arrived
    ticks: int = 0
    _last_ts: int = 0
    _fastest: WindowMinimum = field(default_factory=WindowMinimum)
    _corrected: float = 0.0
    _correcting: bool = False

    def place(self, timestamp: int, ssrc: int, arrival: float, target: float | None) -> float:
        """Return the server time of `timestamp` in seconds. `target`: the offset by sender reports, None without
        them."""
        if ssrc != self.ssrc:
            self._restart(timestamp, ssrc, arrival)
        step = signed(timestamp - self._last_ts)
        if step <= -BACK * self.rate:
            self._restart(timestamp, ssrc, arrival)
            step = 0
        self.ticks += step
        self._last_ts = timestamp
        if arrival > self.seen:
            self.seen = arrival
        media = self.ticks / self.rate
        observed = arrival - media
        if observed < self.offset - JUMP:
            self._restart(timestamp, ssrc, arrival)  # the timestamps jumped ahead of the server's clock
            return arrival
        self.by_arrival = self._fastest.add(observed, arrival)
        self._correct(self.by_arrival if target is None else target, arrival)
        return media + self.offset

    def handle_report(self, report: SenderReport) -> None:
        """Take in a sender report of the present SSRC. Others are of a publisher that is gone or not yet here."""
        if report.ssrc == self.ssrc:
            ticks = self.ticks + signed(report.timestamp - self._last_ts)
            self.report, self.reported = (report.ntp_seconds - ticks / self.rate, report.ntp_seconds), self.seen

    def _restart(self, timestamp: int, ssrc: int, arrival: float) -> None:
        self.jumps += 1
        self.ssrc, self.ticks, self._last_ts = ssrc, 0, timestamp
        self.offset = self.by_arrival = self._corrected = arrival
        self._fastest, self.report = WindowMinimum(), None
        self._fastest.add(arrival, arrival)

    def _correct(self, target: float, arrival: float) -> None:
        error = target - self.offset
        if error > JUMP:
            self.offset = target  # no packet was faster for seconds: the publisher's timestamps stood still
            self.jumps += 1
            return
        self._correcting = abs(error) > (_NEAR if self._correcting else _FAR)
        if not self._correcting:
            if arrival > self._corrected:
                self._corrected = arrival
            return
        step = (_FAST if abs(error) > _LARGE else _SLOW) * min(max(arrival - self._corrected, 0.0), 1.0)
        self._corrected = max(arrival, self._corrected)
        self.offset += min(max(error, -step), step)


class SideClock:
    """The clocks of one side's video and audio tracks, tied together by their sender reports."""

    def __init__(self, video_rate: int = 90_000, audio_rate: int = 48_000) -> None:
        self.tracks = (TrackClock(video_rate), TrackClock(audio_rate))
        self._beside: tuple[float, float] | None = None  # offsets by reports minus offsets by arrivals, last known

    def place(self, which: int, timestamp: int, ssrc: int, arrival: float) -> float:
        """Return the server time of a timestamp of track `which` (0 video, 1 audio), in seconds."""
        return self.tracks[which].place(timestamp, ssrc, arrival, self._target(which))

    def handle_report(self, which: int, report: SenderReport) -> None:
        """Take in a sender report of track `which`."""
        self.tracks[which].handle_report(report)

    @property
    def synced(self) -> bool:
        """Whether the tracks are tied together by sender reports, not by arrivals."""
        return self._target(0) is not None

    def _target(self, which: int) -> float | None:
        video, audio = self.tracks
        if video.report is None or audio.report is None:
            self._beside = None
            return None
        if max(video.seen, audio.seen) - min(video.reported, audio.reported) > FRESH:
            return None if self._beside is None else self.tracks[which].by_arrival + self._beside[which]
        by_video, by_audio = video.by_arrival - video.report[0], audio.by_arrival - audio.report[0]
        if abs(by_video - by_audio) > TRUST:
            self._beside = None
            return None  # one of the two reports is wrong; arrivals are not
        common = min(by_video, by_audio)
        self._beside = (common - by_video, common - by_audio)
        return self.tracks[which].report[0] + common  # type: ignore[index]


def signed(ticks: int) -> int:
    """Return the difference of two 32-bit timestamps with its sign."""
    ticks &= _WRAP - 1
    return ticks - _WRAP if ticks >= _HALF else ticks
