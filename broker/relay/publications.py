"""The publications of one session: at most one client per publisher, and a newer one replaces it without a gap. Sides
and officers who speak (talkback) publish alike, so that replacement and removal are written only here."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from broker.kernel.errors import TooMany
from broker.kernel.ids import ResourceId
from broker.relay.negotiation.codec_params import CodecParams
from broker.relay.transport.peer import Peer

REPLACED = "replaced by a newer connection"
P = TypeVar("P", bound=Hashable)
"""What a publisher is known by: a Side, or the name of an officer."""


@dataclass(frozen=True, slots=True)
class Publication(Generic[P]):
    """The connection `peer` of a publisher, with what was agreed for each kind (audio, video)."""

    publisher: P
    peer: Peer
    params: dict[str, CodecParams]


@dataclass(frozen=True, slots=True)
class Limit:
    """How many clients of one sort a session takes, and what the next one is told, in English and Chinese."""

    most: int
    message: str
    message_zh: str

    def check(self, count: int) -> None:
        """Raise TooMany when there are `most` already."""
        if count >= self.most:
            raise TooMany(self.message, self.message_zh)


class Publications(Generic[P]):
    """The publications of one session, by publisher.

    `begin` gives a publication that has connected its tracks; `drop` ends a client, with a reason."""

    def __init__(
        self,
        begin: Callable[[Publication[P]], None],
        drop: Callable[[Peer, str], None],
        limit: Limit | None = None,
    ) -> None:
        self._begin, self._drop, self._limit = begin, drop, limit
        self._connecting: dict[ResourceId, Publication[P]] = {}
        self._connected: dict[P, Publication[P]] = {}

    def __contains__(self, publisher: P) -> bool:
        """Whether a client of this publisher is connected or connecting."""
        return publisher in self._connected or publisher in {new.publisher for new in self._connecting.values()}

    def peers(self) -> list[Peer]:
        """Return all clients, connected and connecting."""
        return [publication.peer for publication in (*self._connected.values(), *self._connecting.values())]

    def connected(self, publisher: P) -> Publication[P] | None:
        """Return the present publication of a publisher, if one is connected."""
        return self._connected.get(publisher)

    def add(self, publication: Publication[P]) -> None:
        """Expect a client, which becomes the publisher's once it is connected; another attempt of the same publisher
        is dropped. Raises TooMany over the limit."""
        if self._limit is not None:
            self._limit.check(len(self._connected) + len(self._connecting))
        for other in list(self._connecting.values()):
            if other.publisher == publication.publisher:
                self._drop(other.peer, REPLACED)
        self._connecting[publication.peer.resource] = publication

    def handle_ready(self, peer: Peer) -> None:
        """A client is connected: when it publishes, it replaces the present one of the same publisher."""
        publication = self._connecting.pop(peer.resource, None)
        if publication is None:
            return
        earlier = self._connected.get(publication.publisher)
        self._connected[publication.publisher] = publication
        self._begin(publication)
        if earlier is not None:
            self._drop(earlier.peer, REPLACED)

    def remove(self, peer: Peer) -> Publication[P] | None:
        """Forget a client that has ended. Return its publication, if it was the present one of its publisher."""
        self._connecting.pop(peer.resource, None)
        for publisher, publication in list(self._connected.items()):
            if publication.peer is peer:
                return self._connected.pop(publisher)
        return None
