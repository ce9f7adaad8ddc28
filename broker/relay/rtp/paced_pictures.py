"""Pictures on weak lines: which destinations of a track are paced, and what leaves to them when (`rtp.pacing`). These
are in no plan of the hot loop; what they get is taken from the track's cache when its time has come."""

from broker.relay.down_track import Flow
from broker.relay.rtp.pacing import Pacing
from broker.relay.rtp.withheld_keyframes import kept_since
from broker.relay.track import Destination

MARKER = 0x80  # in the second byte of a frame's last packet
SOON = 4_000_000  # bit/s at which what waits leaves where a line is no longer weak


def pace(down_track: Destination, rate: float | None) -> None:
    """Send the picture to `down_track` at `rate` bit/s at most; None: as it comes, once it has got what waits."""
    track, pacing = down_track.track, down_track.pacing
    if rate is not None and pacing is not None:
        pacing.rate = rate
    elif rate is not None and down_track.withheld is None:
        down_track.pacing = Pacing(rate, (track.seq_out + 1) & 0xFFFF)
        track.rebuild()
    elif pacing is not None and not pacing.drained(track.seq_out):
        pacing.rate = SOON
    elif pacing is not None and pacing.last is None:
        down_track.pacing = None
        track.rebuild()


def take_paced(down_track: Destination, now: float) -> list[tuple[int, bytes]]:
    """Return what may be sent to `down_track` at `now`, with the track's own numbers."""
    track, pacing, stats = down_track.track, down_track.pacing, down_track.track.receive_stats
    if pacing is None or stats is None or not down_track.flowing:
        return []
    missing = {(seq + track.seq_offset) & 0xFFFF for seq in stats.missing}
    return pacing.take(track.cache, track.seq_out, missing, now)


def settle(down_track: Destination) -> None:
    """Pause `down_track` where it has got the last packet before a pause."""
    pacing = down_track.pacing
    if pacing is None or pacing.last is None or down_track.flow is not Flow.PAUSING:
        return
    if pacing.drained(pacing.last):
        down_track.track.leave(down_track, Flow.PAUSED)
        down_track.track.rebuild()


def rest_of_frame(down_track: Destination) -> list[tuple[int, bytes]]:
    """Return what `down_track` has not got yet of the frame that was begun, where all of that has come; it is taken to
    be sent at once, before packets of another track."""
    pacing = down_track.pacing
    found = _rest_of_frame(down_track, pacing) if pacing is not None and down_track.flowing else []
    if pacing is not None and found:
        pacing.next = (found[-1][0] + 1) & 0xFFFF
    return found


def shorten(down_track: Destination) -> None:
    """Let the frame that was begun be the last one before the pause that is to come: what waits after it is too old."""
    pacing = down_track.pacing
    if pacing is None or pacing.last is None or down_track.flow is not Flow.PAUSING:
        return
    rest = _rest_of_frame(down_track, pacing)
    if rest and not (pacing.last - rest[-1][0]) & 0x8000:
        pacing.last = rest[-1][0]
    elif _at_frame(down_track, pacing):
        pacing.last = (pacing.next - 1) & 0xFFFF


def _at_frame(down_track: Destination, pacing: Pacing) -> bool:
    """Whether the packet that was sent last was the last one of its frame."""
    number = (pacing.next - 1) & 0xFFFF
    before = down_track.track.cache[number % len(down_track.track.cache)]
    return before is not None and before[0] == number and before[1][1] & MARKER != 0


def _rest_of_frame(down_track: Destination, pacing: Pacing) -> list[tuple[int, bytes]]:
    """Return what was not sent yet of the frame that was begun; nothing where a packet of that is missing."""
    if _at_frame(down_track, pacing):
        return []
    found: list[tuple[int, bytes]] = []
    for number, packet in kept_since(pacing.next, down_track.track.cache, down_track.track.seq_out):
        if number != (pacing.next + len(found)) & 0xFFFF:
            return []
        found.append((number, packet))
        if packet[1] & MARKER:
            return found
    return []


def behind(down_track: Destination) -> float:
    """Return the seconds for which what waits for `down_track` will occupy its line."""
    track, pacing = down_track.track, down_track.pacing
    if pacing is None or not down_track.flowing:
        return 0.0
    return pacing.behind(track.cache, track.seq_out if pacing.last is None else pacing.last)
