"""What feedback says of the packets sent, where not all of it is read."""

import pytest

from broker.relay.congestion.estimator import QUEUE, STEP
from broker.relay.congestion.sent_packets import SentPackets
from broker.relay.rtp.twcc import TICKS, Feedback

SIZE, RATE = 1000, 100  # bytes of a packet, and packets a second
EACH = 5  # packets that a report names


def limited_to(read_every: int) -> float:
    """Return the capacity found of a line in which a queue grows, where one report in so many is read."""
    path, reports = SentPackets(0), 0
    for number in range(RATE * 20):
        now = 100.0 + number / RATE
        path._sent.append((now, SIZE, 1, number))
        if number % EACH == EACH - 1:
            reports += 1
            if reports % read_every == 0:
                late = 3 * QUEUE * (number / RATE) / 2  # seconds, growing
                begin = number - EACH + 1
                arrived = [(at, int((100.0 + (begin + at) / RATE + late) * TICKS)) for at in range(EACH)]
                path.received(Feedback(begin & 0xFFFF, EACH, arrived))
        if number % int(RATE * STEP) == 0:
            path.tick(now)
    assert path.capacity.limited
    return path.capacity.rate


@pytest.mark.parametrize("read_every", [2, 5])
def test_a_line_is_not_taken_for_weaker_as_fewer_reports_are_read(read_every: int) -> None:
    assert limited_to(read_every) == pytest.approx(limited_to(1), rel=0.3)
