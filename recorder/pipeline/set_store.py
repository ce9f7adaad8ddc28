"""The parameter sets of one video track, kept by their ids. A picture names its set, and a publisher may send several,
in packets of their own, once or again and again. In the film they stand in front of the pictures that need them, so
that each keyframe begins a stretch that can be decoded by itself. Pure."""

from collections.abc import Iterable

from broker.kernel.film_faults import FilmFault
from broker.media.h264 import AUD, PPS, SPS, set_id
from broker.media.h264_sets import (
    LONGEST_SET,
    MOST_IN_HEAD,
    MOST_SPS,
    Malformed,
    ParameterSets,
    PictureParameters,
    SequenceParameters,
    picture_parameters,
    sequence_parameters,
)

MOST_BYTES = 8192  # of all sets in the head of a file; the sets of the first picture come first
Key = tuple[int, int]
"""Kind (SPS or PPS) and id of a parameter set."""
Parsed = SequenceParameters | PictureParameters


class Unusable(Exception):
    """A unit or picture cannot be recorded, for the reason `fault`."""

    def __init__(self, fault: FilmFault) -> None:
        super().__init__(fault)
        self.fault = fault


class SetStore:
    """The sets that a track has received, and which of them stand in the film since its last keyframe."""

    def __init__(self) -> None:
        self.malformed = 0
        self._sets: dict[Key, tuple[bytes, Parsed]] = {}
        self._too_large: set[Key] = set()
        self._written: dict[Key, bytes] = {}
        # What unchanged sets mean for most pictures, found once: by id, and the ids whose sets stand in the film.
        self._pairs: dict[int, tuple[PictureParameters, SequenceParameters]] = {}
        self._standing: set[int] = set()
        self._active = b""  # the sequence parameter set of the pictures since the last IDR picture

    def take(self, nals: Iterable[bytes]) -> tuple[list[Key], list[bytes]]:
        """Keep the sets among the units; return their keys and the other units."""
        keys: list[Key] = []
        others: list[bytes] = []
        for nal in nals:
            kind = nal[0] & 31
            if kind not in (SPS, PPS):
                others.append(nal)
            elif (key := self._keep(kind, nal)) is not None and key not in keys:
                keys.append(key)
        return keys, others

    def picture(self, id: int) -> tuple[PictureParameters, SequenceParameters]:
        """Return the sets that a slice refers to. Raises Unusable."""
        pair = self._pairs.get(id)
        if pair is not None:
            return pair
        pps = self._get((PPS, id))
        assert isinstance(pps, PictureParameters)
        sps = self._get((SPS, pps.sequence))
        assert isinstance(sps, SequenceParameters)
        if pps.groups or not sps.supported:
            raise Unusable(FilmFault.UNSUPPORTED)
        self._pairs[id] = pps, sps
        return pps, sps

    def activate(self, sps: SequenceParameters, idr: bool) -> None:
        """Begin a stretch of pictures with an IDR picture, or go on with it. Raises Unusable for a picture whose
        sequence parameter set is another than that of its stretch."""
        nal = self._sets[SPS, sps.id][0]
        if idr:
            self._written, self._active, self._standing = {}, nal, set()
        elif nal != self._active:
            raise Unusable(FilmFault.CORRUPT)

    def in_front(self, pictures: set[int], brought: list[Key], others: list[bytes]) -> list[bytes]:
        """Return the units of a picture with the sets that have to stand before it: those it refers to, and those it
        brought, as far as they do not stand there already."""
        if not brought and pictures <= self._standing:
            return others
        needed = {(PPS, id) for id in pictures}.union(key for key in brought if key in self._sets)
        needed = {key for pair in map(self._with_sequence, needed) for key in pair}
        missing: list[bytes] = []
        for key in sorted(needed):
            nal = self._sets[key][0]
            if self._written.get(key) != nal:
                self._written[key] = nal
                missing.append(nal)
        self._standing |= pictures
        first = 1 if missing and others[0][0] & 31 == AUD else 0  # a delimiter stays the first unit (H.264 7.4.1.2.3)
        return others[:first] + missing + others[first:]

    def for_head(self, picture: int) -> ParameterSets:
        """Return the sets for the head of a file: first those that picture parameter set `picture` needs."""
        found: dict[int, list[Key]] = {SPS: [], PPS: []}
        room = MOST_BYTES
        for key in sorted((key for key in self._sets if key[0] == PPS), key=lambda key: (key[1] != picture, key)):
            more = [one for one in self._with_sequence(key) if one not in found[one[0]]]
            room -= sum(len(self._sets[one][0]) for one in more)
            if room < 0:
                break
            if all(len(found[kind]) < most for kind, most in zip((SPS, PPS), MOST_IN_HEAD, strict=True)):
                for new in more:
                    found[new[0]].append(new)
        sps, pps = (tuple(self._sets[key][0] for key in found[kind]) for kind in (SPS, PPS))
        return ParameterSets(sps, pps)

    def _with_sequence(self, key: Key) -> tuple[Key, ...]:
        """Return the key of a picture parameter set with that of the sequence parameter set it refers to; nothing where
        that has not come, because players complain of a reference to nothing."""
        parsed = self._sets[key][1]
        if isinstance(parsed, SequenceParameters):
            return (key,)
        above = (SPS, parsed.sequence)
        return (above, key) if above in self._sets else ()

    def note_too_large(self) -> None:
        """Note a set that was given up before it was complete, because no set is so large."""
        self._too_large.add((SPS, MOST_SPS))

    def _get(self, key: Key) -> Parsed:
        found = self._sets.get(key)
        if found is None:
            raise Unusable(FilmFault.LARGE_SETS if self._too_large else FilmFault.NO_SETS)
        return found[1]

    def _keep(self, kind: int, nal: bytes) -> Key | None:
        id = set_id(nal)
        if id is None:
            self.malformed += 1
            return None
        key = (kind, id)
        if len(nal) > LONGEST_SET:
            self._too_large.add(key)
            self._sets.pop(key, None)
            self._changed()
            return None
        if key in self._sets and self._sets[key][0] == nal:
            return key
        try:
            parsed = sequence_parameters(nal) if kind == SPS else picture_parameters(nal)
        except Malformed:
            self.malformed += 1
            return None
        self._sets[key] = (nal, parsed)
        self._changed()
        self._too_large.discard(key)
        return key

    def _changed(self) -> None:
        self._pairs.clear()
        self._standing.clear()
