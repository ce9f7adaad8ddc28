"""Withholds a keyframe from a destination until the parameter sets before it have arrived there: where these are others
than it was given last and its line loses packets, and where they are missing at the relay itself. Pure.

In H.264 nothing marks where a frame begins, and libwebrtc takes a keyframe for complete when all its slices are there
(bugs.webrtc.org/7106). Where these overtake their parameter sets, or the sets are lost, it decodes the slices with the
former sets, and every picture up to the next keyframe is damaged. So the sets go first, are repeated, and the slices
follow when the sets can no longer be overtaken."""

from collections.abc import Iterable, Sequence
from typing import Any

from broker.relay.down_track import DownTrack, Withheld
from broker.relay.rtp.parameter_sets import Ahead

CLOCK = 90_000  # ticks a second of a picture
WAIT, LONGEST_WAIT = 0.06, 0.25  # seconds for which a keyframe is withheld: longer than jitter of 30 ms
JITTERS = 4  # times the reported jitter, which is a mean, that a packet may come later than others
PATIENCE = 0.4  # seconds for which sets that the relay lacks itself are awaited: some repairs take so long
BAD = 30.0  # seconds for which a line counts as one that loses packets after a loss
MOST_SETS = 16  # packets with parameter sets before a keyframe that are repeated; encoders send one or two
Cache = Sequence[tuple[int, bytes] | None]


class WithheldKeyframes:
    """The destinations of one track that wait for a keyframe's slices. Numbers are the track's own, modulo 2^16."""

    __slots__ = ("awaited",)

    def __init__(self) -> None:
        self.awaited: int | None = None
        """The first slice of a keyframe before which packets are missing that may be its parameter sets."""

    def give(
        self, down_track: DownTrack[Any], sets: tuple[bytes, ...], withheld: Withheld, now: float, whole: bool
    ) -> bool:
        """Note that `down_track` is given these `sets`, and return whether what follows is `withheld`: where they are
        others than before and its line is bad, and they do not come with the `whole` keyframe in one packet."""
        changed, down_track.sets = down_track.sets not in ((), sets), sets
        if not changed or whole or down_track.withheld is not None or not _is_bad(down_track, now):
            return False
        if down_track.pacing is not None:
            down_track.pacing.wait_before(withheld.first, _wait(down_track))
            return False
        withheld.until = now + _wait(down_track)
        down_track.withheld = withheld
        return True

    def await_sets(self, down_tracks: Iterable[DownTrack[Any]], first: int, sent: set[int], now: float) -> None:
        """Withhold a keyframe from all from its first slice on, the packet `first`, as packets before it are missing
        here, too. Of what follows, `sent` was sent already."""
        for down_track in down_tracks:
            if down_track.flowing and down_track.withheld is None and down_track.pacing is None:
                since = down_track.renumbering.to_subscriber(first)
                down_track.withheld, self.awaited = Withheld(first, since, now + PATIENCE, set(sent)), first

    def sets_came(self, down_tracks: Iterable[DownTrack[Any]], now: float) -> None:
        """Let what was withheld for missing packets follow, as these have come and were sent."""
        for down_track in down_tracks:
            withheld = down_track.withheld
            if withheld is not None and withheld.first == self.awaited:
                withheld.until = now + (_wait(down_track) if _is_bad(down_track, now) else 0.0)
        self.awaited = None

    def let_pass(
        self, down_tracks: Iterable[DownTrack[Any]], packet: bytes, number: int, has_sets: bool
    ) -> list[Ahead]:
        """Return what is to be sent at once of a packet: those who wait are in no plan, but get what is older and all
        parameter sets."""
        found = []
        for down_track in down_tracks:
            withheld = down_track.withheld
            if withheld is None or not (has_sets or (number - withheld.first) & 0x8000):
                continue
            seq = down_track.renumbering.to_subscriber(number)
            if has_sets:
                withheld.pass_sets(number, seq)
            found.append(Ahead(down_track, seq, packet))
        return found

    def take(self, down_tracks: Iterable[DownTrack[Any]], cache: Cache, last: int, now: float) -> list[Ahead] | None:
        """Return what is due at `now`, in order, from the `cache`, whose newest packet is `last`; None where nothing
        is. From then on packets flow as before."""
        found: list[Ahead] | None = None
        for down_track in down_tracks:
            withheld = down_track.withheld
            if withheld is None or now < withheld.until:
                continue
            found = found or []
            down_track.withheld = None
            for number, packet in kept_since(withheld.first, cache, last):
                if number not in withheld.sent:
                    found.append(Ahead(down_track, down_track.renumbering.to_subscriber(number), packet))
        return found


def kept_since(first: int, cache: Cache, last: int) -> list[tuple[int, bytes]]:
    """Return what is in the `cache` from packet `first` to packet `last`, in order."""
    count = (last - first + 1) & 0xFFFF
    if count & 0x8000:
        return []  # nothing has followed it
    numbers = [(last - back) & 0xFFFF for back in range(min(count, len(cache)) - 1, -1, -1)]
    found = [cache[number % len(cache)] for number in numbers]
    return [kept for number, kept in zip(numbers, found, strict=True) if kept is not None and kept[0] == number]


def sets_before(down_track: DownTrack[Any]) -> list[int]:
    """Return the destination's own numbers of the parameter sets before what is withheld from it."""
    withheld = down_track.withheld
    if withheld is None:
        return []
    count = (down_track.renumbering.to_subscriber(withheld.first) - withheld.since) & 0xFFFF
    return [(withheld.since + step) & 0xFFFF for step in range(count)] if count <= MOST_SETS else []


def _is_bad(down_track: DownTrack[Any], now: float) -> bool:
    return now - down_track.reports.missed_at < BAD


def _wait(down_track: DownTrack[Any]) -> float:
    return min(max(WAIT, JITTERS * down_track.reports.jitter / CLOCK), LONGEST_WAIT)
