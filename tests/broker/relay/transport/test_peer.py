"""A client of the relay: what shows that it is there."""

from typing import Any

from broker.kernel.clock import monotonic
from broker.relay.transport.dtls import Certificate
from broker.relay.transport.ice import Check
from broker.relay.transport.peer import Peer
from broker.relay.transport.route import Route


class Owner:
    """The session of the client; `ready` are those whose handshake is done."""

    def __init__(self) -> None:
        self.ready: list[Peer] = []

    def handle_ready(self, peer: Peer) -> None:
        self.ready.append(peer)

    def handle_gone(self, peer: Peer, reason: str) -> None:
        raise AssertionError(reason)


class Handshake:
    """A handshake that is done at once."""

    rx = tx = object()

    async def run(self, _: Any) -> bool:
        return True


async def test_a_handshake_that_took_long_shows_that_the_client_is_there_now() -> None:
    """Its only check may be nine seconds old then; as a far room it stands nevertheless, and the gate stays open."""
    owner, began = Owner(), monotonic()
    peer = Peer("r1", owner, {}, lambda *_: None, Certificate(), True, (), began - 9.0)
    peer._dtls = Handshake()  # type: ignore[assignment]
    peer.checked(Route(lambda *_: 0, ("192.0.2.1", 5)), Check("", True), began - 9.0)
    assert peer._task is not None
    await peer._task
    assert owner.ready == [peer] and peer.heard >= began
