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
    track, pacing = down_track.track, down_track.pacing
    if pacing is None or not down_track.flowing:
        return []
    before = track.cache[(pacing.next - 1) % len(track.cache)]
    if before is None or before[0] != (pacing.next - 1) & 0xFFFF or before[1][1] & MARKER:
        return []
    found: list[tuple[int, bytes]] = []
    for number, packet in kept_since(pacing.next, track.cache, track.seq_out):
        if number != (pacing.next + len(found)) & 0xFFFF:
            return []
        found.append((number, packet))
        if packet[1] & MARKER:
            pacing.next = (number + 1) & 0xFFFF
            return found
    return []


def behind(down_track: Destination) -> float:
    """Return the seconds for which what waits for `down_track` will occupy its line."""
    track, pacing = down_track.track, down_track.pacing
    return pacing.behind(track.cache, track.seq_out) if pacing is not None and down_track.flowing else 0.0
