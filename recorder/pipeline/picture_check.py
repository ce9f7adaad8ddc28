"""Decides of each access unit whether it is a picture that a player can decode, from the heads of its slices and the
parameter sets they name: no decoder runs here, and a picture costs some tens of microseconds.

A picture is recorded when it is whole, its sets are there, its slices belong together, its time stamp is later than the
one before, and everything it refers to is in the film: after something that is not, all waits for the next IDR picture.
What is not recorded leaves a cause (`FilmFault`), which holds the gate when it lasts. Pure, but for `decodes`."""

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from broker.kernel.film_faults import FilmFault
from broker.kernel.token_bucket import TokenBucket
from broker.media.h264 import IDR, SLICE, sample_of
from broker.media.h264_sets import MOST_PPS, MOST_SPS, Malformed, ParameterSets, PictureParameters, SequenceParameters
from broker.media.h264_slice import B, I, P, PictureKey, picture_key, slice_start
from recorder.pipeline.depacketizer import AccessUnit
from recorder.pipeline.set_store import Key, SetStore, Unusable
from recorder.pipeline.track_clock import BACK, signed

BYTES = 750_000
"""Bytes a second that the pictures of one side may write for long: four times the 1.5 Mbit/s to which the relay holds
publishers."""
PICTURES = 120  # a second
AT_ONCE = 5  # seconds of both that may come at once: a first keyframe, or what a slow line has kept
TRIAL = 10.0  # seconds between two keyframes of a side that are decoded on trial
_ALLOWED = (P, I)  # slices of which pictures are made
_new = tuple.__new__  # the constructor of a named tuple takes three times as long
Decodes = Callable[[ParameterSets, bytes], bool]
"""Whether a decoder makes a picture of a keyframe: its sets and its sample."""


class Picture(NamedTuple):
    """A picture as an MP4 sample. `arrival` (ns) is that of its first packet; `lost` packets and `dropped` pictures are
    missing since the one before."""

    timestamp: int
    arrival: int
    ssrc: int
    keyframe: bool
    data: bytes
    lost: int
    dropped: int


class PictureCheck:
    """The check of one video track. `waiting`: nothing can be recorded before an IDR picture. `why`: the cause of the
    newest access unit that was not recorded; `refused`: why the last picture was not, None where it was."""

    def __init__(self, decodes: Decodes) -> None:
        self.waiting, self.why = True, FilmFault.NO_PICTURES
        self.dropped = 0
        self.refused: FilmFault | None = None
        self.sets = SetStore()
        self.parameters: ParameterSets | None = None
        self._ahead: deque[bytes] = deque(maxlen=MOST_SPS + MOST_PPS)  # sets learnt since the last keyframe
        self._decodes = decodes
        self._tried = float("-inf")
        self._ssrc = -1
        self._stamp: int | None = None
        self._frame = 0  # frame_num of the newest reference picture
        self._bytes, self._count = TokenBucket(BYTES, BYTES * AT_ONCE), TokenBucket(PICTURES, PICTURES * AT_ONCE)
        self._lost = self._dropped = 0

    @property
    def missing(self) -> tuple[int, int]:
        """Packets lost and pictures dropped since the last picture that was recorded."""
        return self._lost, self._dropped

    def learn(self, nal: bytes) -> None:
        """Take in a parameter set that the pictures to come need: the publisher sent it before, or in its offer."""
        self._ahead.append(nal)
        self.sets.take((nal,))

    def take(self, unit: AccessUnit) -> Picture | None:
        """Return the picture of an access unit, None where it is not one that can be recorded."""
        self.refused = None
        self._lost += unit.lost
        if unit.ssrc != self._ssrc:
            self._begin(unit.ssrc)
        brought, others = self.sets.take(unit.nals)
        slices = [nal for nal in others if SLICE <= nal[0] & 31 <= IDR]
        if unit.lost and not self.waiting:
            self.waiting, self.why = True, FilmFault.LOSS
        if not slices:
            if unit.fault is FilmFault.LARGE_SETS:
                self.sets.note_too_large()
            if unit.fault is not None:
                self.waiting, self.why = True, unit.fault
            return None
        reference = bool(slices[0][0] & 0x60) or any(nal[0] & 0x60 or nal[0] & 31 == IDR for nal in slices)
        try:
            return self._picture(unit, slices, brought, others, reference)
        except Unusable as error:
            self._drop(error.fault, reference)
            return None

    def _begin(self, ssrc: int) -> None:
        """Begin with another encoder: its pictures refer to none before it, and its sets are its own."""
        if self._ssrc != -1:
            self.sets = SetStore()
            self.sets.take(self._ahead)
        self.waiting, self.why = True, FilmFault.NO_PICTURES
        self._ssrc, self._stamp, self._tried = ssrc, None, float("-inf")

    def _drop(self, fault: FilmFault, reference: bool) -> None:
        self.dropped += 1
        self._dropped += 1
        self.refused = fault
        if fault is not FilmFault.NO_KEYFRAME or self.why is FilmFault.NO_PICTURES:
            self.why = fault  # what all waits for a keyframe for stays the cause
        self.waiting = self.waiting or reference or fault is FilmFault.TOO_MUCH

    def _picture(
        self, unit: AccessUnit, slices: list[bytes], brought: list[Key], others: list[bytes], reference: bool
    ) -> Picture:
        if unit.fault is not None:
            raise Unusable(unit.fault)
        if self.waiting and slices[0][0] & 31 != IDR:
            raise Unusable(FilmFault.REORDERED if _reordered(slices) else FilmFault.NO_KEYFRAME)
        pps, sps, key, used = self._read(slices)
        self._check_stamp(unit.timestamp)
        if not key.idr and not sps.gaps and key.frame != (self._frame + 1) % (1 << sps.frame_bits):
            raise Unusable(FilmFault.LOSS)  # it refers to a picture that never came
        self.sets.activate(sps, key.idr)
        data = sample_of(self.sets.in_front(used, brought, others))
        self._check_amount(len(data), unit.arrival / 1e9)
        if key.idr:
            self._try(pps, data, unit.arrival / 1e9)
            self.waiting = False
            self._ahead.clear()
        if reference:
            self._frame = key.frame
        self._stamp, self.why = unit.timestamp, FilmFault.NO_PICTURES
        lost, dropped, self._lost, self._dropped = self._lost, self._dropped, 0, 0
        return _new(Picture, (unit.timestamp, unit.arrival, unit.ssrc, key.idr, data, lost, dropped))

    def _read(self, slices: list[bytes]) -> tuple[PictureParameters, SequenceParameters, PictureKey, set[int]]:
        """Return the sets of a picture, what its slices have in common, and the ids of all picture parameter sets it
        refers to. Raises Unusable."""
        found: tuple[PictureParameters, SequenceParameters, PictureKey] | None = None
        used: set[int] = set()
        below = -1  # the macroblock at which the slice before begins
        for nal in slices:
            pps, sps, key, at = self._read_slice(nal)
            if found is None:
                found = pps, sps, key
            elif sps != found[1] or key != found[2]:
                raise Unusable(FilmFault.CORRUPT)
            if at <= below or at >= sps.macroblocks or (below < 0 and at):
                raise Unusable(FilmFault.CORRUPT)
            below = at
            used.add(pps.id)
        assert found is not None
        return (*found, used)

    def _read_slice(self, nal: bytes) -> tuple[PictureParameters, SequenceParameters, PictureKey, int]:
        if nal[0] & 31 not in (SLICE, IDR):
            raise Unusable(FilmFault.UNSUPPORTED)  # data partitions
        try:
            start = slice_start(nal)
            first_mb, kind, picture, _ = start
            if kind == B:
                raise Unusable(FilmFault.REORDERED)
            if kind not in _ALLOWED:
                raise Unusable(FilmFault.UNSUPPORTED)
            pps, sps = self.sets.picture(picture)
            key = picture_key(nal, start, pps, sps)
        except Malformed as error:
            raise Unusable(FilmFault.CORRUPT) from error
        if key.redundant or (key.idr and kind != I):
            raise Unusable(FilmFault.CORRUPT)
        return pps, sps, key, first_mb

    def _check_stamp(self, stamp: int) -> None:
        """Raise Unusable for a picture that is to be shown no later than the one before. One that lies far back is no
        such picture: the sender's clock has begun anew."""
        step = 1 if self._stamp is None else signed(stamp - self._stamp)
        if -BACK * 90_000 < step <= 0:
            raise Unusable(FilmFault.STAMPS)

    def _check_amount(self, size: int, now: float) -> None:
        if not self._count.take(now) or not self._bytes.take(now, size):
            raise Unusable(FilmFault.TOO_MUCH)

    def _try(self, pps: PictureParameters, data: bytes, now: float) -> None:
        """Decode the first keyframe, and one now and then. Raises Unusable where no picture comes of it."""
        self.parameters = self.sets.for_head(pps.id)
        if now - self._tried >= TRIAL:
            if not self._decodes(self.parameters, data):
                raise Unusable(FilmFault.CORRUPT)
            self._tried = now


def _reordered(slices: list[bytes]) -> bool:
    """Whether slices are of a picture that refers to one which is shown after it."""
    try:
        return any(slice_start(nal).kind == B for nal in slices)
    except Malformed:
        return False
