"""A subscriber that never asks for a lost packet, as libdatachannel: on a lossy line each packet of its picture is
copied, where the line carries that."""

from broker.relay.congestion.estimator import Capacity
from broker.relay.congestion.subscriber_adaptation import KEEP, MOST_COPIED
from broker.relay.down_track import ASKED, PlanEntry
from tests.broker.relay.congestion.test_subscriber_adaptation import FRAME, Subscriber


def copied(subscriber: Subscriber) -> bool:
    found = [PlanEntry(*entry).keep is not None for entry in subscriber.line.track.plan]
    assert found in ([], [subscriber.down_track.copied])
    return subscriber.down_track.copied


def lossy(named: bool = False) -> Subscriber:
    subscriber = Subscriber(named=named)
    subscriber.down_track.reports.lost_fraction = 13
    subscriber.path.capacity.loss = 0.05
    return subscriber


def test_gets_each_packet_several_times_where_it_reports_losses() -> None:
    for named in (False, True):
        subscriber = lossy(named)
        subscriber.watch(0.6)
        assert copied(subscriber)


def test_gets_each_once_when_it_asks_for_packets_after_all() -> None:
    subscriber = lossy()
    subscriber.watch(0.6)
    subscriber.down_track.reports.nacks = True
    subscriber.watch(0.6)
    assert subscriber.down_track.lossy
    assert not copied(subscriber)


def test_gets_each_once_where_the_line_would_not_carry_more() -> None:
    subscriber = lossy()
    subscriber.path.capacity = Capacity(MOST_COPIED * 8 * 3 * 30 * len(FRAME) - 200_000)
    subscriber.watch(0.6)
    assert not copied(subscriber)


def test_gets_each_once_where_the_line_is_weak() -> None:
    subscriber = lossy()
    subscriber.path.capacity.rate -= 500_000
    subscriber.watch(0.6)
    assert not copied(subscriber)


def test_that_reports_no_loss_shows_it_by_asking_for_keyframes_again_and_again() -> None:
    subscriber = Subscriber(named=False)
    subscriber.watch(1)
    for _ in range(2):
        assert not copied(subscriber)
        subscriber.down_track.reports.keyframe_asked(subscriber.line.now)
        subscriber.watch(1.5 * ASKED)
    assert copied(subscriber)
    subscriber.watch(KEEP + 15)
    assert not copied(subscriber)


def test_one_request_for_a_keyframe_that_is_repeated_shows_nothing() -> None:
    subscriber = Subscriber(named=False)
    for _ in range(5):
        subscriber.down_track.reports.keyframe_asked(subscriber.line.now)
        subscriber.watch(ASKED / 10)
    subscriber.watch(3)
    assert not copied(subscriber)
