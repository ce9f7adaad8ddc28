"""The parameter sets of one H.264 stream (H.264 7.4.1.2.1): the newest of each id, as pictures refer to them by id. A
publisher may send them once only, in packets of their own or in its offer; clients that begin later need them first.

Pure. A publisher chooses size and number, so both are bounded here."""

from base64 import b64decode
from binascii import Error
from collections.abc import Collection, Iterable
from math import inf

from broker.media.h264 import PPS, SPS, STAP_A, set_id
from broker.media.h264_sets import LONGEST_SET

MOST, MOST_BYTES = 32, 8 * 1024  # sets kept, and their bytes: encoders use one or two of each kind
PAYLOAD = 1100  # bytes of a packet with sets, so that it fits every network
Key = tuple[int, int | None]
"""Kind (SPS, PPS) and id of a set; an id that cannot be read is None."""


class ParameterSetStore:
    """The newest parameter sets of a stream, by kind and id."""

    def __init__(self, sets: Iterable[bytes] = ()) -> None:
        self._sets: dict[Key, bytes] = {}
        self._numbers: dict[Key, float] = {}
        self._bytes = 0
        for nal in sets:
            self.take(nal)

    def __len__(self) -> int:
        return len(self._sets)

    @property
    def decodable(self) -> bool:
        """Whether a picture can refer to what is known: whether there is a sequence parameter set."""
        return any(kind == SPS for kind, _ in self._sets)

    @property
    def content(self) -> tuple[bytes, ...]:
        """The sets themselves, in order of kind and id; of an id that cannot be read they are in no order."""
        return tuple(nal for _, nal in sorted(self._sets.items(), key=lambda item: (item[0][0], item[0][1] or 0)))

    def take(self, nal: bytes, number: float = -inf) -> Key:
        """Keep a set in place of the one with the same id, and return its key. It came in the packet with this extended
        `number`; one that came late replaces none that was sent after it.

        A set that is too long is not kept, nor is the one before it, which no longer holds. Over the limits the oldest
        sets are forgotten."""
        key = nal[0] & 31, set_id(nal)
        if number < self._numbers.get(key, -inf) and key in self._sets:
            return key
        self._numbers[key] = number
        self._bytes -= len(self._sets.pop(key, b""))
        if len(nal) <= LONGEST_SET:
            self._sets[key] = nal
            self._bytes += len(nal)
        while len(self._sets) > MOST or self._bytes > MOST_BYTES:
            forgotten = next(iter(self._sets))
            self._bytes -= len(self._sets.pop(forgotten))
            self._numbers.pop(forgotten, None)
        return key

    def beyond(self, keys: Collection[Key]) -> list[bytes]:
        """Return the sets except those of `keys`, sequence parameter sets first."""
        return [nal for kind in (SPS, PPS) for key, nal in self._sets.items() if key[0] == kind and key not in keys]


def payloads_of(sets: Iterable[bytes]) -> list[bytes]:
    """Return RTP payloads that carry these sets: a STAP-A of as many as fit (RFC 6184 5.7.1), a single set alone."""
    groups: list[list[bytes]] = []
    size = 0
    for nal in sets:
        if not groups or size + 2 + len(nal) > PAYLOAD:
            groups.append([])
            size = 1
        groups[-1].append(nal)
        size += 2 + len(nal)
    return [group[0] if len(group) == 1 else _aggregate(group) for group in groups]


def from_offer(sprop: str) -> tuple[bytes, ...]:
    """Return the sets in the value of `sprop-parameter-sets` (RFC 6184 8.1): base64, divided by commas. Parts that are
    none are left out."""
    found = []
    for part in sprop.split(",", MOST)[:MOST]:
        try:
            nal = b64decode(part.strip(), validate=True) if len(part) <= 2 * LONGEST_SET else b""
        except (Error, ValueError):
            continue
        if 1 < len(nal) <= LONGEST_SET and nal[0] & 31 in (SPS, PPS):
            found.append(nal)
    return tuple(found)


def _aggregate(nals: list[bytes]) -> bytes:
    importance = max(nal[0] & 0x60 for nal in nals)  # RFC 6184 5.7: the highest NRI of those inside
    return bytes((importance | STAP_A,)) + b"".join(len(nal).to_bytes(2, "big") + nal for nal in nals)
