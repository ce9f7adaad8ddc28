"""A publisher in simulated time with the faults of real ones: a clock that drifts, a network that is slower for
pictures than for sound, losses, late sender reports, timestamps and numbers about to wrap."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from broker.kernel.ids import Side
from broker.media.tap_format import RTP, SENDER_REPORT, TapRecord
from kiosk_agent.media.frames import RATE
from tests.support import marked
from tests.support.recording.feed import BEGIN
from tests.support.rtp import Stream

WIRE = 0.03
"""Seconds that the fastest packet travels."""
JITTER = 0.03
REPORT_EVERY = 5.0


@dataclass
class Publisher:
    """One side from server second `begin` to `end` (since BEGIN). Its clock is 0 at BEGIN and runs `drift` times as
    fast as the server's; picture n is taken at n / PICTURES of that clock, sample n at n / 48 kHz. `behind(second)` is
    how much longer pictures travel than sound, negative where sound is slower."""

    side: Side
    begin: float
    end: float
    streams: tuple[Stream, Stream]
    drift: float = 1.0
    loss: float = 0.0
    ntp: float = 3_900_000_000.0
    reports_from: float = 0.0
    behind: Callable[[float], float] = lambda _second: 0.0
    pictures: Callable[[int], tuple[bytes, ...]] | None = None

    def records(self) -> list[TapRecord]:
        """Return everything that reaches the tap, by arrival."""
        self._chance = Random(self.streams[0].ssrc)
        found = [*self._pictures(), *self._sounds(), *self._reports()]
        return sorted(found, key=lambda record: record.arrival_ns)

    @property
    def _track(self) -> int:
        return 0 if self.side is Side.PRISON else 2

    def _pictures(self) -> Iterator[TapRecord]:
        count = int(self.end * self.drift * marked.PICTURES) + 1
        picture = self.pictures or marked.pictures(self.side, count).__getitem__
        for number in self._numbers(marked.PICTURES):
            at = number / marked.PICTURES
            behind = self.behind(at / self.drift)
            for data in self.streams[0].picture(picture(number), at):
                yield from self._sent(self._track, RTP, at, data, max(behind, 0.0))

    def _sounds(self) -> Iterator[TapRecord]:
        sound = marked.sound(self.side)
        for number in self._numbers(RATE / marked.PACKET):
            at = number * marked.PACKET / RATE
            data, behind = self.streams[1].packet(sound[number % len(sound)], at), -self.behind(at / self.drift)
            yield from self._sent(self._track + 1, RTP, at, data, max(behind, 0.0))

    def _reports(self) -> Iterator[TapRecord]:
        at = max(self.begin, self.reports_from) * self.drift
        while at < self.end * self.drift:
            for which, stream in enumerate(self.streams):
                data = stream.report(at, self.ntp + at)
                yield from self._sent(self._track + which, SENDER_REPORT, at, data, 0.0)
            at += REPORT_EVERY

    def _numbers(self, rate: float) -> range:
        """Return the numbers of this clock between begin and end, at `rate` a second."""
        return range(round(self.begin * self.drift * rate), round(self.end * self.drift * rate))

    def _sent(self, track: int, kind: int, at: float, data: bytes, behind: float) -> Iterator[TapRecord]:
        if self._chance.random() < self.loss:
            return
        arrival = BEGIN + at / self.drift + WIRE + behind + self._chance.random() * JITTER
        yield TapRecord(1, track, kind, round(arrival * 1e9), data)
