"""The limit in the data plane, raised by an approval and by nothing else: counted in decrypted packets at the far end
(Yunnan 14, 27(3))."""

import signal

import pytest

from broker.ipc.relay_messages import ExtendLimit, ExtendReply, SetDeadline
from broker.kernel.clock import monotonic
from tests.scenarios.relay.test_gate_under_duress import beyond, leaser
from tests.support.patience import BUSY, FLIGHT
from tests.support.relay.visits import visit
from tests.support.relay_front import RelayFront

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIMIT, LONGER = 3.0, 6.0


class TestAnApproval:
    async def test_lets_packets_cross_until_the_new_limit(self, front: RelayFront) -> None:
        async with visit(front) as both, leaser(front, limit=LIMIT) as broker:
            await broker.beat()
            crossed = (await front.fact("first_crossing"))["mono"]
            approval = {"session": "s", "made": monotonic(), "limit": LONGER, "deadline": crossed + LONGER}
            assert await front.link.call(ExtendLimit(**approval)) == ExtendReply(taken=True)
            assert await front.link.call(ExtendLimit(**approval)) == ExtendReply(taken=False)
            assert (await front.fact("limit_extended"))["stop"] == crossed + LONGER
            await beyond(both, crossed + LONGER - 1)
            assert both.last_crossing() > crossed + LIMIT + 1
            broker.send(signal.SIGSTOP)  # the lease is longer: the relay stops by itself
            shut = await front.fact("gate_changed", open=False)
            assert shut["why"] == "limit" and 0 <= shut["mono"] - crossed - LONGER < BUSY
            await beyond(both, crossed + LONGER + 1)
            assert both.last_sent(crossed + LONGER - BUSY) < both.last_crossing() < crossed + LONGER + FLIGHT

    async def test_is_needed_as_leases_do_not_raise_the_limit(self, front: RelayFront) -> None:
        async with visit(front) as both, leaser(front, limit=LIMIT) as broker:
            await broker.beat()
            crossed = (await front.fact("first_crossing"))["mono"]
            await front.lease("s", limit=600.0, deadline=600.0, crossed=crossed)
            await front.link.call(SetDeadline(session="s", deadline=crossed + 600))
            shut = await front.fact("gate_changed", open=False)
            assert 0 <= shut["mono"] - crossed - LIMIT < BUSY
            late = {"session": "s", "made": monotonic(), "limit": LONGER, "deadline": crossed + 600}
            assert await front.link.call(ExtendLimit(**late)) == ExtendReply(taken=False)
            await broker.beat()
            await beyond(both, shut["mono"] + 1)
            assert both.last_crossing() < crossed + LIMIT + FLIGHT
