"""The facts of a real worker about its subscribers: once a second, and at once on a change."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from broker.control.load_balancing import Meter
from broker.control.statistics import Figures, Worker
from broker.ipc.relay_messages import GetStatus
from broker.kernel.clock import monotonic
from broker.kernel.ids import Side
from broker.relay.congestion.receiving_proof import RECEIVING
from signaling.views import prometheus
from tests.support.patience import BUSY
from tests.support.relay.peers import RawPeer
from tests.support.relay.visits import visit
from tests.support.relay_front import RelayFront

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_each_supervisor_and_side_is_reported_once_a_second(front: RelayFront) -> None:
    async with visit(front):
        officer = await RawPeer(front).watch("visitor", "li@first-prison")
        await front.fact("subscription_changed", subscriber="li@first-prison", on=True)
        after = len(front.facts)
        for _ in range(2):
            quality = await front.fact("media_report", after=after)
            after = front.facts.index(("media_report", quality)) + 1
            (of_officer,) = [
                watcher for watcher in quality["subscriptions"] if watcher["subscriber"] == "li@first-prison"
            ]
            assert (of_officer["side"], of_officer["gated"]) == ("visitor", False)
            assert (of_officer["on"], of_officer["consent"], of_officer["reports"]) == (True, True, True)
            assert 0 <= of_officer["consent_age"] < 1.8 and 0 <= of_officer["report_age"] < 1.8
            assert {watcher["subscriber"] for watcher in quality["subscriptions"] if watcher["gated"]} == set(Side)
            assert quality["sides"]["prison"]["video"]["frames"] > 0
            assert 0 < quality["sides"]["visitor"]["video"]["jitter"] < 1
        await officer.close()


async def test_its_last_report_on_its_line_is_included(front: RelayFront) -> None:
    async with visit(front):
        officer = await RawPeer(front).watch("visitor", "li@first-prison")
        officer.fraction, officer.jitter = 64, 900
        await front.fact("subscription_changed", subscriber="li@first-prison", on=True)

        def reported() -> bool:
            facts = [fact for name, fact in front.facts if name == "media_report"][-1:]
            seen = [
                watcher
                for fact in facts
                for watcher in fact["subscriptions"]
                if watcher["subscriber"] == "li@first-prison"
            ]
            return any(one["loss"] == 0.25 and one["jitter"] >= 0.01 and one["round_trip"] is not None for one in seen)

        await officer.until(reported)
        await officer.close()


async def test_one_that_only_keeps_the_line_open_is_reported_as_not_receiving(front: RelayFront) -> None:
    async with visit(front):
        officer = await RawPeer(front).watch("prison", "li@first-prison")
        await front.fact("subscription_changed", subscriber="li@first-prison", on=True)
        after = len(front.facts)
        officer.pretend()
        presence = await front.fact("subscription_changed", subscriber="li@first-prison", on=False, after=after)
        assert (presence["consent"], presence["reports"]) == (True, False)
        assert RECEIVING <= presence["report_age"] < 2.0 + BUSY / 2
        await officer.close()


async def test_every_metric_of_a_worker_is_one_that_a_worker_counts(front: RelayFront) -> None:
    async with visit(front) as both:
        await front.lease("s")
        kiosk = both.kiosks["prison"]
        await kiosk.until(lambda: len(kiosk.rtp) > 60)
        meter = Meter()
        meter.measured(await front.link.call(GetStatus()), monotonic())
    worker = Worker("relay-0", True, frozenset(), 0.0, 0.0, 0.0, 0, None, meter.status)
    moment = prometheus.Moment(
        Figures((worker,), 0, {}, {}, 0.0, True, True), (), prometheus.JournalMoment(True, 0), {}, "1"
    )
    families = text_string_to_metric_families(prometheus.exposition(moment).decode())
    samples = {sample.name: sample.value for family in families for sample in family.samples}
    assert {f"huijian_relay_{name}_total" for name, _ in prometheus.COUNTS.values()} <= set(samples)
    assert {f"huijian_relay_{name}" for name, _ in prometheus.LEVELS.values()} <= set(samples)
    packets, octets = samples["huijian_relay_packets_forwarded_total"], samples["huijian_relay_bytes_forwarded_total"]
    came = sum(len(data) for one in both.kiosks.values() for _, data in one.rtp)
    assert octets >= came and 12 * packets < octets < 1500 * packets
    packets, octets = samples["huijian_relay_packets_received_total"], samples["huijian_relay_bytes_received_total"]
    assert 12 * packets < octets < 1500 * packets
