"""A terminal's line, measured through a real relay (Yunnan 12): the figures are those of the line, and a line test is
no visit."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from broker.ipc.relay_messages import (
    Command,
    LeaseGate,
    OpenTalkback,
    Publish,
    PublishTalkback,
    Subscribe,
    SubscribeTalkback,
    TapSession,
)
from broker.kernel.clock import monotonic
from broker.kernel.errors import Forbidden, NoSlot
from broker.kernel.ids import SessionId, Side
from kiosk_agent.checks.line_test import QUIET_EVERY, QUIET_SIZE, measure
from kiosk_agent.webrtc.line_loop import LARGEST, LineLoop
from kiosk_agent.webrtc.peer import ServerAccess
from tests.support.offers import publish_offer
from tests.support.patience import PATIENCE
from tests.support.relay_front import RelayFront
from tests.support.udp_proxy import Impairment, Line, UdpProxy, udp_proxy

pytestmark = pytest.mark.asyncio(loop_scope="module")
TEST = SessionId("line_1")
PATHS = f"/line-tests/{TEST}/whip", f"/line-tests/{TEST}/whep"
CLEAR = Impairment()


class Truth:
    """What really became of the quiet part's packets, told apart from others by their size: up, then down."""

    def __init__(self, proxy: UdpProxy) -> None:
        self._sent, self._lost = Counter[int](), Counter[int]()
        self._proxy = proxy
        proxy.on_datagram = self._note

    def _note(self, line: Line, data: bytes, arrives: bool) -> None:
        if 127 < data[0] < 192 and QUIET_SIZE < len(data) < LARGEST / 2:
            self._sent[id(line)] += 1
            self._lost[id(line)] += not arrives

    def loss(self, down: bool) -> float:
        """Return the share that was lost on the way up or down."""
        lines = [id(ways[down]) for ways in self._proxy.lines]
        line = max(lines, key=lambda line: self._sent[line])
        return self._lost[line] / self._sent[line]


@asynccontextmanager
async def line(front: RelayFront, up: Impairment, down: Impairment) -> AsyncIterator[tuple[LineLoop, Truth]]:
    """Open the loop of a terminal behind a line that is impaired so."""
    await front.admit_line_test(TEST)
    async with udp_proxy(("127.0.0.1", front.port), up, down) as proxy, aiohttp.ClientSession() as http:
        front.proxy_port = proxy.port
        loop = LineLoop(ServerAccess(http, front.url, "terminal"))
        try:
            await loop.open(*PATHS)
            yield loop, Truth(proxy)
        finally:
            front.proxy_port = None
            await loop.close()


class TestFigures:
    """The figures of a line are those that it was given."""

    @pytest.mark.parametrize("down", [False, True])
    async def test_of_a_line_that_loses_one_packet_in_twenty_name_the_loss_and_its_way(
        self, own_front: RelayFront, down: bool
    ) -> None:
        bad = Impairment(loss=0.05)
        async with line(own_front, CLEAR if down else bad, bad if down else CLEAR) as (loop, truth):
            found = await measure(loop)
        ways = "loss_down" if down else "loss_up", "loss_up" if down else "loss_down"
        assert found[ways[0]] == pytest.approx(truth.loss(down), abs=0.015)
        assert found[ways[0]] > 0.005 > found[ways[1]]

    async def test_of_a_long_line_name_its_round_trip(self, own_front: RelayFront) -> None:
        far = Impairment(delay=0.1)
        async with line(own_front, far, far) as (loop, _):
            found = await measure(loop)
        assert 200 <= found["round_trip"] < 300

    @pytest.mark.parametrize("down", [False, True])
    async def test_of_a_narrow_line_name_what_it_carries(self, own_front: RelayFront, down: bool) -> None:
        narrow = Impairment(rate=300_000)
        async with line(own_front, CLEAR if down else narrow, narrow if down else CLEAR) as (loop, _):
            found = await measure(loop)
        assert found["down"] == pytest.approx(300, rel=0.25)
        assert found["up"] >= found["down"]
        assert down or found["up"] == pytest.approx(300, rel=0.2)

    async def test_say_that_everything_is_lost_where_nothing_comes_back(self, own_front: RelayFront) -> None:
        breaking = Impairment()
        async with line(own_front, CLEAR, breaking) as (loop, _):
            breaking.loss = 1.0
            found = await measure(loop)
        assert found["loss_down"] == 1.0


class TestLineTest:
    """No slot, no port (Guangdong 35): what no slot is needed for carries nothing between people."""

    async def test_has_one_publisher_and_one_subscriber(self, own_front: RelayFront) -> None:
        async with line(own_front, CLEAR, CLEAR) as (loop, _):
            await loop.send(QUIET_SIZE)
            offer = await publish_offer()
            asks = offer.replace("a=sendonly", "a=recvonly")
            others = Publish(session=TEST, side=Side.VISITOR, sdp=offer), _watch(asks, gated=False)
            for other in (*others, _watch(asks, gated=True)):
                with pytest.raises(Forbidden):
                    await own_front.link.call(other)

    @pytest.mark.parametrize(
        "order",
        [
            LeaseGate(session=TEST, until=monotonic() + 3, deadline=monotonic() + 60, limit=60.0),
            TapSession(session=TEST, on=True, socket="tap.sock"),
            OpenTalkback(session=TEST, publisher="user:li", sides=(Side.PRISON,)),
            PublishTalkback(session=TEST, publisher="user:li", sdp="v=0"),
            SubscribeTalkback(session=TEST, side=None, subscriber="user:li", sdp="v=0"),
        ],
        ids=lambda order: type(order).__name__,
    )
    async def test_has_no_gate_no_recording_and_no_talkback(self, front: RelayFront, order: Command[object]) -> None:
        await front.admit_line_test(TEST)
        with pytest.raises(NoSlot):
            await front.link.call(order)

    async def test_reports_nothing_that_could_open_a_visit(self, own_front: RelayFront) -> None:
        async with line(own_front, CLEAR, CLEAR) as (loop, _):
            async with asyncio.timeout(PATIENCE):
                while not (loop.back.is_set() and loop.reported.is_set()):
                    await loop.send(QUIET_SIZE)  # the relay drops what comes before both of its ends are ready
                    await asyncio.sleep(QUIET_EVERY)
        await own_front.fact("resource_closed", session=TEST)
        kinds = {name for name, members in own_front.facts if members.get("session") == TEST}
        assert kinds <= {"resource_closed", "media_report"}


def _watch(sdp: str, gated: bool) -> Subscribe:
    return Subscribe(session=TEST, side=Side.PRISON, subscriber="user:li", gated=gated, sdp=sdp)
