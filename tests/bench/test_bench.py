"""The parts of the benchmarks that need no compiler: the packets sent, the relay under test, the conclusions drawn."""

import os
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest

from broker.ipc.relay_messages import RelayStatus
from tests.bench.arrivals import Arrival, pattern
from tests.bench.generator import Counts
from tests.bench.measure import Row, _judge
from tests.bench.media import FPS, GAP, MAX_PAYLOAD, Pace, _audio, _fragments, planned
from tests.bench.overload import Step, judge
from tests.bench.relay import Relay
from tests.bench.report import grouped, sustained
from tests.bench.system import SUPERVISORS, Place


def row(**changes: Any) -> Row:
    """Return a good step of one session, with some values changed."""
    good: dict[str, Any] = {
        "system": "relay", "sessions": 1, "repetition": 1, "micros": 9.0, "cpu": 2.0, "packets_in": 470.0,
        "packets_out": 2350.0, "loss": 0.0, "p50": 0.1, "p99": 1.0, "worst": 2.0, "megabytes": 2.0, "sampled": 100,
        "wrong": 0, "silent": 0, "foreign": 0.0, "late": 0.0, "load": 0.5, "note": "",
    }  # fmt: skip
    return Row(**{**good, **changes})


def counts(sent: int, received: int, streams: int = 20) -> Counts:
    """Return what the generator counts in a step."""
    latencies = np.arange(1, 101) * 100.0
    nothing = dict.fromkeys(("missing", "repeated", "undecryptable", "altered", "pli", "nack", "late"), 0)
    return Counts(sent, received, sampled=10, streams=streams, cpu_seconds=1.0, latencies=latencies, **nothing)


class TestPacketsSent:
    """Payloads of RFC 6184, packetization-mode 1, and packets of audio."""

    def test_a_large_nal_unit_is_whole_in_fragments_that_fit(self) -> None:
        nal = bytes([0x65, *(number % 251 for number in range(5000))])
        parts = _fragments(nal)
        assert all(len(part) <= MAX_PAYLOAD for part in parts)
        assert b"".join(part[2:] for part in parts) == nal[1:]
        assert [part[1] & 0xC0 for part in parts] == [0x80, *[0] * (len(parts) - 2), 0x40]
        assert {part[0] & 0x60 | part[1] & 31 for part in parts} == {0x65}

    def test_a_small_nal_unit_stays_as_it_is(self) -> None:
        assert _fragments(b"\x67\x42") == [b"\x67\x42"]

    def test_in_bursts_are_as_far_apart_as_those_of_a_browser(self) -> None:
        """That is what `tests.bench.senders` measured of Chromium (docs/performance.md)."""
        pictures = [[bytes([0x41]) * size] for size in [6200] * 45 + [34_900] * 5]
        sent = planned(pictures, Pace.BURSTS)
        found = pattern([Arrival(at, len(payload), 102, time, 1) for at, time, _, payload in sent])
        assert found.packets == (6.0, 30.0)
        assert found.span == pytest.approx((0.3, 1.74), abs=0.01)
        assert found.gap == pytest.approx((1000 * GAP, 1000 * GAP))
        assert set(found.sizes) <= {"equal", "a byte apart"}

    @pytest.mark.parametrize("pace", list(Pace))
    def test_of_a_picture_begin_with_it_and_end_with_a_marker(self, pace: Pace) -> None:
        sent = planned([[bytes(6200)], [bytes(100)], [bytes(8), bytes(3000)]], pace)
        first = [next(at for at, time, _, _ in sent if time == index * 90_000 // FPS) for index in range(3)]
        assert first == pytest.approx([0, 1 / FPS, 2 / FPS])
        assert [time for _, time, marker, _ in sent if marker] == [0, 3000, 6000]
        assert [at for at, *_ in sent] == sorted(at for at, *_ in sent)

    def test_at_an_even_pace_leave_at_a_multiple_of_the_mean_rate(self) -> None:
        sent = planned([[bytes(6200)]] * 9, Pace.EVEN)
        found = pattern([Arrival(at, len(data), 102, time, 1) for at, time, _, data in sent])
        assert found.gap[0] > 20 * 1000 * GAP

    def test_audio_is_fifty_packets_a_second_that_all_differ(self) -> None:
        packets, seconds, ticks = _audio()
        assert len({payload for _, _, _, payload in packets}) == 50 * seconds
        assert ticks == 48_000 * seconds


class TestConclusions:
    """Loss is exact, and a stream that nothing arrives of is counted."""

    def test_a_packet_that_one_of_five_receivers_did_not_get_is_lost(self) -> None:
        assert abs(_judge(counts(sent=200, received=999), 1)["loss"] - 0.1) < 1e-9
        assert _judge(counts(sent=200, received=1000), 1)["loss"] == 0

    def test_streams_that_no_receiver_got_are_counted(self) -> None:
        assert _judge(counts(200, 1000, streams=18), 1)["silent"] == 2

    def test_times_are_milliseconds(self) -> None:
        judged = _judge(counts(200, 1000), 1)
        assert (judged["p50"], judged["p99"], judged["worst"]) == (5.1, 10.0, 10.0)

    def test_a_step_with_altered_content_is_not_sustained(self) -> None:
        assert sustained(row())
        assert not sustained(row(wrong=1))
        assert not sustained(row(silent=1))
        assert not sustained(row(loss=0.1))
        assert not sustained(row(p99=10.0))

    def test_repetitions_are_grouped_in_the_order_of_the_systems(self) -> None:
        rows = [row(system="z"), row(system="a"), row(system="z", repetition=2), row(system="z", sessions=5)]
        assert [(key, len(found)) for key, found in grouped(rows).items()] == [
            (("z", 1), 2),
            (("z", 5), 1),
            (("a", 1), 1),
        ]

    def test_disturbed_steps_are_left_out_unless_there_are_no_others(self) -> None:
        disturbed, quiet = row(foreign=30.0), row(repetition=2)
        assert grouped([disturbed, quiet]) == {("relay", 1): [quiet]}
        assert grouped([disturbed]) == {("relay", 1): [disturbed]}

    def test_a_step_is_disturbed_when_others_used_the_core_or_the_load_was_late(self) -> None:
        assert not row().disturbed
        assert row(foreign=20.0).disturbed
        assert row(late=3.0).disturbed


class TestOverload:
    """What is lost is told apart: sound, far rooms' pictures, and supervisors' frames."""

    def step(self, **changes: int) -> Step:
        sent = {"sound_sent": 100, "picture_sent": 300, "frames_sent": 50}
        came = {"far_sound": 100, "supervisor_sound": 400, "far_picture": 300, "supervisor_frames": 200}
        seen = replace(counts(400, 2000), **{**sent, **came, **changes})
        before, during = RelayStatus(tap_lost=5), RelayStatus(tap_lost=5, overload=2, picture_share=0.4)
        return judge(1, seen, before, during, delivered=1000.0, cpu=0.5, lost=0)

    def test_a_step_without_losses_is_sustained(self) -> None:
        step = self.step()
        assert (step.sound, step.far_picture, step.frames, step.missed) == (0.0, 0.0, 100.0, 0)
        assert (step.level, step.share) == (2, 0.4)
        assert not step.sustained, "its packets were late"
        assert replace(step, p99=1.0).sustained

    def test_losses_are_per_cent_of_what_each_was_to_get(self) -> None:
        step = self.step(supervisor_sound=395, far_picture=297, supervisor_frames=80)
        assert (round(step.sound, 6), round(step.far_picture, 6), round(step.frames, 6)) == (1.0, 1.0, 40.0)


class TestRelayUnderTest:
    """The system that the benchmark measures is set up on a real worker; only the load needs a compiler."""

    async def test_a_session_has_publishers_kiosks_and_supervisors(self) -> None:
        with TemporaryDirectory(prefix="hj") as folder:  # a socket's path is limited to 107 bytes
            relay = Relay(like_browsers=True)
            core = min(os.sched_getaffinity(0))
            await relay.start(Place(core, core, Path(folder), record=False, discard=False))
            try:
                clients = await relay.session(0)
                assert len(clients) == 2 + 2 + 2 * SUPERVISORS
                assert await relay.note() == ""
            finally:
                await relay.stop()
