"""Subscriptions: which older connection of the same subscriber a newer one replaces, and when."""

from types import SimpleNamespace
from typing import Any

import pytest

from broker.kernel.errors import TooMany
from broker.kernel.ids import Side
from broker.relay.congestion.sent_packets import SentPackets
from broker.relay.publications import Limit
from broker.relay.subscriptions import Subscription, Subscriptions


class Session:
    """Subscriptions to one side; `dropped` and `begun` are resources in order. A far room is receiving as soon as it is
    connected where it `stands`."""

    def __init__(self, most: int = 9) -> None:
        self.dropped: list[str] = []
        self.begun: list[str] = []
        self.stands = True
        limit = Limit(most, "Too many connections watch this session.", "观看连接数已达上限。")
        self.subscriptions = Subscriptions(self._begin, self._drop, limit)

    def _begin(self, subscription: Subscription) -> None:
        self.begun.append(subscription.peer.resource)
        if subscription.gated:
            subscription.signs = (self.stands, True)

    def _drop(self, peer: Any, reason: str) -> None:
        self.dropped.append(peer.resource)
        self.subscriptions.remove(peer)

    def add(self, client: str, resource: str, gated: bool = False) -> Subscription:
        peer: Any = SimpleNamespace(resource=resource, ready=False, heard=0.0, path=SentPackets(), down_tracks=[])
        key = (Side.PRISON, gated, None if gated else client)
        subscription = Subscription(key, Side.PRISON, client, gated, peer)
        self.subscriptions.add(subscription, {}, {})
        return subscription

    def connect(self, subscription: Subscription, now: float) -> None:
        peer: Any = subscription.peer
        peer.ready, peer.heard = True, now
        self.subscriptions.handle_ready(peer)


def test_an_attempt_that_is_not_connected_is_replaced_at_once() -> None:
    session = Session()
    session.add("li", "r1")
    session.add("li", "r2")
    session.add("ma", "r3")
    assert session.dropped == ["r1"]


def test_a_supervisor_that_is_receiving_keeps_its_connection_until_the_newer_one_is() -> None:
    session = Session()
    older = session.add("li", "r1")
    session.connect(older, 1.0)
    older.signs = (True, True)
    newer = session.add("li", "r2")
    session.connect(newer, 2.0)
    assert session.dropped == [] and session.begun == ["r1", "r2"]
    session.subscriptions.drop_earlier(newer)
    assert session.dropped == ["r1"]


def test_a_supervisor_that_is_not_receiving_is_replaced_when_the_newer_one_connects() -> None:
    session = Session()
    session.connect(session.add("li", "r1"), 1.0)
    session.connect(session.add("li", "r2"), 2.0)
    assert session.dropped == ["r1"]


def test_the_far_room_is_replaced_when_the_newer_one_connects() -> None:
    session = Session()
    session.connect(session.add("visitor", "r1", gated=True), 1.0)
    session.connect(session.add("visitor", "r2", gated=True), 2.0)
    assert session.dropped == ["r1"]


def test_the_far_room_keeps_a_connection_that_stands_until_the_newer_one_does() -> None:
    """A gap between both would shut the gate."""
    session = Session()
    session.connect(session.add("visitor", "r1", gated=True), 1.0)
    session.stands = False
    newer = session.add("visitor", "r2", gated=True)
    session.connect(newer, 2.0)
    assert session.dropped == []
    newer.signs = (True, True)
    session.subscriptions.drop_earlier(newer)
    assert session.dropped == ["r1"]


def test_an_older_connection_does_not_drop_a_newer_one() -> None:
    session = Session()
    older = session.add("li", "r1")
    session.connect(older, 1.0)
    older.signs = (True, True)
    newer = session.add("li", "r2")
    session.connect(newer, 2.0)
    session.subscriptions.drop_earlier(older)
    assert session.dropped == []


def test_the_limit_is_for_supervisors_and_not_for_the_rooms() -> None:
    session = Session(most=1)
    session.add("li", "r1")
    with pytest.raises(TooMany):
        session.add("ma", "r2")
    session.add("visitor", "r3", gated=True)
    session.add("li", "r4")
    assert session.dropped == ["r1"], "the same supervisor takes its own place"
