"""The test of one terminal's line (Yunnan 12): what it publishes comes back to itself, and to nothing else.

It is no visit and cannot become one. It has no gate, no tap, no talkback and one subscriber, it reports nothing that
could open a visit, and the worker ends it after `SECONDS`. That the one publisher and the one subscriber are the same
terminal is checked where its offers are taken (`signaling/media/line_tests.py`). Packets are sent once and at once:
copies, pacing and pauses would hide from the terminal what its line does."""

from broker.ipc.relay_messages import RelayFact, ResourceClosed, SessionFailed
from broker.kernel.errors import Forbidden
from broker.kernel.ids import SessionId, Side
from broker.relay.negotiation.codec_params import CodecParams
from broker.relay.session import RelaySession, Report
from broker.relay.subscriptions import Subscription
from broker.relay.transport.peer import Peer

SECONDS = 20.0
"""Seconds after which a line test is ended: it takes nine, and a slow line some more to connect twice."""


class LineTest(RelaySession):
    """Session of one publisher and one subscriber, outside of all visits. `report` sends a fact up to the broker."""

    def __init__(self, session: SessionId, tap: int, report: Report) -> None:
        super().__init__(session, tap, _only_ends(report), _nothing, _nothing)

    def publish(self, side: Side, peer: Peer, params: dict[str, CodecParams]) -> None:
        """Take the one publisher of this test. Raises Forbidden for another one."""
        if self.publications.peers():
            raise _taken()
        super().publish(side, peer, params)

    def subscribe(self, side: Side, client: str, gated: bool, peer: Peer, params: dict[str, CodecParams]) -> None:
        """Take the one subscriber, which there is no gate for. Raises Forbidden for another one."""
        if gated or list(self.subscriptions):
            raise _taken()
        super().subscribe(side, client, gated, peer, params)

    def repeat(self, report: Report) -> None:
        """Report nothing to a broker that has just connected: it did not order this test."""

    def _adapt(self, subscription: Subscription, now: float) -> None:
        """Leave everything as it is."""


def _only_ends(report: Report) -> Report:
    def reported(fact: RelayFact) -> None:
        if isinstance(fact, ResourceClosed | SessionFailed):
            report(fact)

    return reported


def _nothing() -> None:
    """Do nothing: there is no limit and no talkback."""


def _taken() -> Forbidden:
    return Forbidden("A line test is one terminal's loop.", "线路检测仅限本终端自发自收。")
