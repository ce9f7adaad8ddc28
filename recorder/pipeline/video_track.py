"""The picture of one side, from raw RTP to samples of the film: it begins with a keyframe, holds only pictures that a
player can decode, and knows why where there are none. Pure."""

from collections import deque

from broker.kernel.film_faults import FilmFault
from broker.media.h264_sets import ParameterSets
from broker.media.rtp import RtpPacket
from recorder.pipeline.depacketizer import AccessUnit, Depacketizer
from recorder.pipeline.picture_check import Decodes, Picture, PictureCheck
from recorder.pipeline.track import Sample, Track
from recorder.pipeline.track_clock import SideClock

WINDOW = 250_000_000  # ns: a retransmission over a slow line still arrives in time
STILL = 0.5  # seconds without a new picture that count as a gap
UNDECODED = 1.5  # seconds without a picture that can be decoded, after which a film counts as unusable
MARKED, UNMARKED = 100_000_000, 500_000_000
"""Nanoseconds after which a picture that no other has followed is complete: behind a marker, and without one."""
BREACHES = (FilmFault.REORDERED, FilmFault.STAMPS, FilmFault.TOO_MUCH)
"""Causes that make a film unusable though other pictures can be decoded: what is shown would lack some of them."""
BREACH = 2.0  # seconds within which two of them count


class VideoTrack(Track):
    """The track of one side's picture, H.264. After a loss the picture stands still until the next keyframe. `decodes`
    is asked of the first keyframe, and of one now and then."""

    def __init__(self, number: int, clock: SideClock, decodes: Decodes) -> None:
        super().__init__(number, clock, WINDOW)
        self._units, self._check = Depacketizer(), PictureCheck(decodes)
        self._last: float | None = None
        self._usual = 1 / 30
        self._ssrc = -1
        self._good: float | None = None  # arrival of the newest picture that was recorded
        self._breaches: deque[tuple[float, FilmFault]] = deque(maxlen=2)

    @property
    def malformed(self) -> int:
        """Number of packets and units whose bytes make no sense."""
        return self.unread + self._units.malformed + self._check.sets.malformed

    @property
    def parameters(self) -> ParameterSets | None:
        """The newest parameter sets, None before the first keyframe."""
        return self._check.parameters if self._last is not None else None

    @property
    def wants_keyframe(self) -> bool:
        """Whether packets arrive, but nothing can be written before a keyframe."""
        return self._check.waiting and self.packets > 0

    @property
    def last(self) -> float | None:
        """Server time of the newest picture, None before the first."""
        return self._last

    def learn(self, nal: bytes) -> None:
        """Take in a parameter set that came before the recorder listened, or with the publisher's offer."""
        self._check.learn(nal)

    def fault(self, now: float, since: float) -> FilmFault | None:
        """Return why this picture cannot be watched at present, None while it can; recording began at `since`."""
        if len(self._breaches) == 2 and now - self._breaches[0][0] < BREACH:
            return self._breaches[1][1]
        if now - (since if self._good is None else self._good) <= UNDECODED:
            return None
        silent = self.seen is None or now - self.seen > UNDECODED
        return FilmFault.NO_PICTURES if silent else self._check.why

    def note_late_start(self, start: float, end: float) -> None:
        """Note the gap of a side that began later than the file and has a placeholder frame there."""
        self._gap(start, end, "not_begun")

    def tick(self, now: float) -> list[Sample]:
        """Return the samples that are ready because time has passed."""
        samples = super().tick(now)
        return samples + self._samples(self._units.expire(int(now * 1e9), MARKED, UNMARKED))

    def finish(self, end: float) -> list[Sample]:
        """Return everything that is still held, and note the time without a picture at the end as a gap."""
        samples = super().finish(end) + self._samples(self._units.flush())
        if self._last is not None and end - self._last > STILL:
            lost, dropped = self._check.missing
            self._gap(self._last + self._usual, end, self._why(lost, dropped, False), lost)
        return samples

    def _take(self, packet: RtpPacket) -> list[Sample]:
        units = self._units.push(packet)
        self.lost += packet.lost
        return self._samples(units) if units else []

    def _samples(self, units: list[AccessUnit]) -> list[Sample]:
        samples: list[Sample] = []
        for unit in units:
            picture, refused = self._check.take(unit), self._check.refused
            if picture is not None:
                samples.append(self._place(picture))
            elif refused in BREACHES:
                self._breaches.append((unit.arrival / 1e9, refused))
        return samples

    def _place(self, picture: Picture) -> Sample:
        arrival = picture.arrival / 1e9
        at = self._clock.place(self.WHICH, picture.timestamp, picture.ssrc, arrival)
        last, changed = self._last, picture.ssrc != self._ssrc
        if last is not None:
            at = max(at, last + 0.001)
            step = at - last
            if step > STILL or picture.dropped or (picture.lost and step > 1.5 * self._usual):
                cause = self._why(picture.lost, picture.dropped, changed)
                self._gap(last + self._usual, at, cause, picture.lost)
            elif step < 0.2:
                self._usual += (step - self._usual) / 16
        self._last, self._ssrc, self._good = at, picture.ssrc, arrival
        return tuple.__new__(Sample, (at, self.number, picture.data, picture.keyframe, self._usual))

    @staticmethod
    def _why(lost: int, dropped: int, changed: bool) -> str:
        if changed:
            return "reconnect"
        return "loss" if lost or dropped else "no_packets"
