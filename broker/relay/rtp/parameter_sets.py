"""The parameter sets of one picture on their way to destinations that begin later. A publisher may send them with its
first keyframe only, or in its offer; a destination that joins at a later keyframe gets them ahead of it, in packets of
its own numbers. Nothing is sent twice: what a keyframe brings itself is left out."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from broker.media.h264 import IDR, PPS, SPS, STAP_A, begins_picture, has_keyframe, keyframe_start, parameter_sets
from broker.media.parameter_sets import Key, ParameterSetStore
from broker.media.rtp import RTP_HEADER, plain_header
from broker.relay.down_track import DownTrack

CARRIERS = bytes(byte & 31 in (SPS, PPS, STAP_A) for byte in range(256))
"""By the first byte of a payload: whether it may hold parameter sets."""


class Ahead(NamedTuple):
    """One packet to send before the present one: `packet`, in the publisher's time, to `down_track` as number `seq`.
    For the recorder, which has no numbers, `down_track` is None and `packet` a parameter set."""

    down_track: DownTrack[Any] | None
    seq: int
    packet: bytes


class SetsOfTrack:
    """What is known of a track's parameter sets, and who still needs them. `look` is called with each packet that is
    inspected; the other methods are about that packet."""

    def __init__(self) -> None:
        self.store = ParameterSetStore()
        self.recorder_lacks = False
        """Whether the recorder listens, or a publisher sends, since it was given the sets last."""
        self.ahead: list[Ahead] = []
        """What is to be sent before the packet."""
        self.begun: list[DownTrack[Any]] = []
        """Destinations that joined with a keyframe's parameter sets and wait for its first slice."""
        self.here: set[Key] = set()
        """The sets in the packet."""
        self._brought: set[Key] = set()
        """Those that came since destinations have `begun`."""

    def restart(self, offered: Iterable[bytes]) -> None:
        """Forget everything but what was `offered`: another encoder's pictures follow."""
        self.store, self.recorder_lacks, self.begun = ParameterSetStore(offered), True, []

    def look(self, packet: bytes, number: int) -> int:
        """Keep the parameter sets of a packet with this extended number, and return its `keyframe_start`; 0 for later
        slices of a keyframe."""
        self.here = {self.store.take(nal, number) for nal in parameter_sets(packet)}
        if self.begun:
            self._brought |= self.here
        sign = keyframe_start(packet)
        return 0 if sign == IDR and not begins_picture(packet) else sign

    def begin(self, down_track: DownTrack[Any], packet: bytes) -> list[bytes]:
        """Return the sets that `down_track`, which begins with this packet, needs before it. A packet of mere sets may
        be followed by others: who begins with it gets what is missing before the first slice (`complete`)."""
        if has_keyframe(packet):
            return self.store.beyond(self.here)
        self.begun, self._brought = [*self.begun, down_track], set(self.here)
        return []

    def complete(self, packet: bytes) -> tuple[list[DownTrack[Any]], list[bytes]]:
        """Return who has begun, and the sets that the keyframe has not brought by this packet, its first slice; none
        before it."""
        if not self.begun or not has_keyframe(packet):
            return [], []
        begun, self.begun = self.begun, []
        return begun, self.store.beyond(self._brought)

    def insert(self, down_track: DownTrack[Any], number: int, payloads: Sequence[bytes], packet: bytes) -> None:
        """Send `payloads` to `down_track` in packets of their own before this one, the track's own `number`."""
        _, _, _, ts, ssrc = RTP_HEADER.unpack_from(packet)
        seq = down_track.renumbering.to_subscriber(number)
        for payload in payloads:
            down_track.ahead[seq] = inserted = plain_header(0x80, 0, 0, ts, ssrc) + payload
            self.ahead.append(Ahead(down_track, seq, inserted))
            down_track.counts.add(1, len(payload))
            seq = (seq + 1) & 0xFFFF
        down_track.renumbering.insert(len(payloads))

    def record(self) -> None:
        """Give the recorder what it lacks before this packet, with which a keyframe begins."""
        if self.recorder_lacks:
            self.ahead += [Ahead(None, 0, nal) for nal in self.store.beyond(self.here)]
            self.recorder_lacks = False

    def take_ahead(self) -> list[Ahead]:
        """Return what is to be sent before the packet, once."""
        ahead, self.ahead = self.ahead, []
        return ahead
