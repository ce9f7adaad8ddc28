"""The subscriptions of one session, and which older connection of the same subscriber a newer one replaces. Sides and
talkback are subscribed to alike; only a subscription to a side proves presence."""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field

from broker.kernel.ids import ResourceId, Side
from broker.relay.congestion.receiving_proof import ReceivingProof
from broker.relay.congestion.subscriber_adaptation import SubscriberAdaptation
from broker.relay.negotiation.codec_params import CodecParams
from broker.relay.publications import REPLACED, Limit
from broker.relay.track import Track
from broker.relay.transport.peer import Peer


@dataclass(slots=True, eq=False)
class Subscription:
    """The connection `peer` of a subscriber. Of those with the same `key` a newer one replaces the older.

    In a session `side` is whose media it gets, through the gate when `gated`. In talkback `side` is the room that the
    subscriber, its kiosk, stands in; None is an officer."""

    key: Hashable
    side: Side | None
    subscriber: str
    gated: bool
    peer: Peer
    picture_floor: float = 0.0
    """The bit/s that its picture gets before its sound does; 0 where sound goes first."""
    signs: tuple[bool, bool] = (False, False)
    """Whether consent and receiver reports were fresh when this was last reported."""
    silenced: bool = False
    """Whether its sound is left out, as the picture goes first."""
    adaptation: SubscriberAdaptation = field(init=False)
    proof: ReceivingProof = field(init=False)

    def __post_init__(self) -> None:
        self.adaptation = SubscriberAdaptation(self.peer.path, self.peer.down_tracks, self.gated, self.picture_floor)
        self.proof = ReceivingProof(self.peer, self.gated)

    @property
    def receiving(self) -> bool:
        """Whether it was last reported as receiving."""
        return all(self.signs)


class Subscriptions:
    """The subscriptions of one session, by resource.

    `begin` starts what may flow to one that has connected; `drop` ends a client, with a reason. The `limit` is for
    subscriptions that are not gated; a gated one always finds a place."""

    def __init__(self, begin: Callable[[Subscription], None], drop: Callable[[Peer, str], None], limit: Limit) -> None:
        self._begin, self._drop, self._limit = begin, drop, limit
        self._by_resource: dict[ResourceId, Subscription] = {}

    def __iter__(self) -> Iterator[Subscription]:
        """Iterate over a copy, as handling one subscription may end another."""
        return iter(list(self._by_resource.values()))

    def peers(self) -> list[Peer]:
        """Return all clients, connected and connecting."""
        return [subscription.peer for subscription in self]

    def add(self, subscription: Subscription, tracks: dict[str, Track], params: dict[str, CodecParams]) -> None:
        """Subscribe to `tracks` by kind, as agreed in `params`; packets flow once the client is connected.

        An attempt with the same key that is not connected yet is dropped. Raises TooMany over the limit."""
        for other in self:
            if other.key == subscription.key and not other.peer.ready:
                self._drop(other.peer, REPLACED)
        if not subscription.gated:
            self._limit.check(sum(not other.gated for other in self))
        for kind, agreed in params.items():
            subscription.peer.subscribe(tracks[kind], agreed, subscription.gated)
        self._by_resource[subscription.peer.resource] = subscription

    def handle_ready(self, peer: Peer) -> None:
        """A client is connected: when it subscribes, it replaces earlier connections, except those that are receiving,
        which go when the new one is. It begins first, so that a room is never without a connection that stands."""
        subscription = self._by_resource.get(peer.resource)
        if subscription is None:
            return
        subscription.proof.connected_at = peer.heard
        self._begin(subscription)
        self.drop_earlier(subscription, lambda earlier: subscription.receiving or not earlier.receiving)

    def drop_earlier(self, subscription: Subscription, which: Callable[[Subscription], bool] = lambda _: True) -> None:
        """Drop connections of the same subscriber from before this one."""
        for other in self:
            earlier = other is not subscription and other.key == subscription.key and other.peer.ready
            if earlier and other.proof.connected_at <= subscription.proof.connected_at and which(other):
                self._drop(other.peer, REPLACED)

    def remove(self, peer: Peer) -> Subscription | None:
        """Forget a client that has ended. Return its subscription, if it had one."""
        return self._by_resource.pop(peer.resource, None)
