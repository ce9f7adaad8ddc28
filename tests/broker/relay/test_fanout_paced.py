"""A picture on a weak line waits in the relay, and is as subject to the gate there as in the hot loop."""

import pytest

from broker.relay.rtp import retransmission
from broker.relay.rtp.paced_pictures import pace
from broker.relay.session import HASTE
from tests.broker.relay.test_fanout import KIOSK, TICK, Visit, visit  # noqa: F401
from tests.support.relay.track_model import KEY

pytestmark = pytest.mark.asyncio(loop_scope="module")

RATE = 100_000  # bit/s


@pytest.fixture(autouse=True)
def cipher(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retransmission, "protect", lambda *_: 0)


def crossed(visit: Visit, since: int) -> int:  # noqa: F811
    return sum(address == KIOSK for address, _ in visit.port.sent[since:])


@pytest.fixture
def waiting(visit: Visit) -> Visit:  # noqa: F811
    """The visit, its gate open, with forty packets that wait for the far room's line."""
    session, clock = visit.relay.session, visit.clock
    session.lease(clock.now, clock.now + 2.5, 9999.0, 600.0)
    visit.port.waiting = [visit.packet(KEY)]
    visit.relay.fanout.drain(visit.port)
    pace(next(one for one in visit.relay.peers[KIOSK[0]].down_tracks if one.track.video), RATE)
    before = len(visit.port.sent)
    visit.port.waiting = [visit.packet(bytes((0x41,)) * 500) for _ in range(40)]
    visit.relay.fanout.drain(visit.port)
    assert crossed(visit, before) == 0
    return visit


async def test_it_crosses_little_by_little(waiting: Visit) -> None:
    before = len(waiting.port.sent)
    for count in range(5):
        waiting.clock.now += 0.1
        waiting.relay.session.send_requests(waiting.clock.now)
        assert crossed(waiting, before) >= count + 1
    assert crossed(waiting, before) < 20


async def test_it_does_not_cross_once_the_gate_has_shut_or_is_about_to(waiting: Visit) -> None:
    session, before = waiting.relay.session, len(waiting.port.sent)
    session.gate.until = waiting.clock.now + 1.0
    session.send_requests(waiting.clock.now + 1.0 - HASTE / 2)
    assert session.open_now
    assert crossed(waiting, before) == 0
    session.send_requests(waiting.clock.now + 1.0)
    assert not session.open_now
    assert crossed(waiting, before) == 0


async def test_what_waited_before_a_hold_does_not_cross_after_it(waiting: Visit) -> None:
    session, before = waiting.relay.session, len(waiting.port.sent)
    session.shut(waiting.clock.now, "hold")
    waiting.clock.now += 1.0
    session.lease(waiting.clock.now, waiting.clock.now + 2.5, 9999.0, 600.0)
    for _ in range(20):
        waiting.clock.now += 0.1
        session.lease(waiting.clock.now, waiting.clock.now + 2.5, 9999.0, 600.0)
        session.send_requests(waiting.clock.now)
    assert crossed(waiting, before) == 0, "it waits for a keyframe from after the hold"
    waiting.port.waiting = [waiting.packet(KEY)]
    waiting.relay.fanout.drain(waiting.port)
    waiting.relay.session.send_requests(waiting.clock.now + TICK)
    assert crossed(waiting, before) == 1


async def test_the_first_packet_of_it_begins_the_minutes(visit: Visit) -> None:  # noqa: F811
    session, clock = visit.relay.session, visit.clock
    picture = next(one for one in visit.relay.peers[KIOSK[0]].down_tracks if one.track.video)
    pace(picture, RATE)
    for other in picture.track.down_tracks:
        if other is not picture:
            other.track.stop(other)
    session.lease(clock.now, clock.now + 2.5, 9999.0, 600.0)
    visit.port.waiting = [visit.packet(KEY)]
    visit.relay.fanout.drain(visit.port)
    assert session.gate.crossed is None
    clock.now += 0.1
    session.send_requests(clock.now)
    assert session.gate.crossed == clock.now
