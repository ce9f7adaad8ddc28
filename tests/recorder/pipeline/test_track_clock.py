"""RTP timestamps on the server's clock: wraps, drift, jitter, lip sync, reconnects."""

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.media.rtcp import SenderReport
from recorder.pipeline.track_clock import SideClock, TrackClock

NTP = 3_900_000_000.0


def report(ssrc: int, ntp: float, timestamp: int) -> SenderReport:
    """Return a sender report; `ntp` is in seconds of the sender's clock."""
    return SenderReport(ssrc, round(ntp * 2**32), timestamp, 0, 0)


class TestOneTrack:
    @given(st.integers(0, 2**32 - 1))
    def test_a_wrap_of_the_timestamp_is_not_seen(self, first: int) -> None:
        clock = TrackClock(90_000)
        places = [clock.place((first + index * 3000) % 2**32, 1, 100 + index / 30, None) for index in range(100)]
        assert all(abs(place - (100 + index / 30)) < 1e-6 for index, place in enumerate(places))

    def test_a_wrap_after_half_a_day_is_not_seen_either(self) -> None:
        clock = TrackClock(90_000)
        for second in range(0, 60_000, 600):
            place = clock.place(second * 90_000 % 2**32, 1, 5.0 + second, None)
            assert abs(place - 5.0 - second) < 0.01

    def test_jitter_does_not_reach_the_file(self) -> None:
        clock, random = TrackClock(90_000), Random(1)
        places = [clock.place(index * 3000, 1, 10 + index / 30 + random.random() * 0.06, None) for index in range(900)]
        steps = [after - before for before, after in pairwise(places[150:])]
        assert max(abs(step - 1 / 30) for step in steps) < 0.002

    def test_the_pictures_of_an_even_source_stay_even(self) -> None:
        clock, random = TrackClock(90_000), Random(2)
        places = [clock.place(index * 3600, 1, 10 + index / 25 + 0.009 * random.random(), None) for index in range(500)]
        assert all(abs(after - before - 0.04) < 1e-9 for before, after in pairwise(places))

    def test_a_drift_of_200_ppm_over_30_minutes_is_followed(self) -> None:
        clock = TrackClock(48_000)
        for index in range(0, 30 * 60 * 50, 5):
            at = index / 50
            place = clock.place(round(at * 48_000 * 1.0002), 1, 10 + at, None)
        assert abs(place - 10 - at) < 0.02

    def test_a_new_source_continues_at_the_servers_time(self) -> None:
        clock = TrackClock(90_000)
        clock.place(0, 1, 100.0, None)
        assert clock.place(123_456, 2, 107.0, None) == 107.0

    def test_timestamps_that_jump_ahead_are_placed_at_their_arrival(self) -> None:
        clock = TrackClock(90_000)
        clock.place(0, 1, 100.0, None)
        assert clock.place(90_000 * 500, 1, 100.04, None) == 100.04

    def test_a_network_that_stood_still_does_not_move_what_it_held_back(self) -> None:
        clock = TrackClock(90_000)
        for index in range(60):
            clock.place(index * 3000, 1, 10 + index / 30, None)
        late = [clock.place(index * 3000, 1, 13.5, None) for index in range(60, 100)]
        assert all(abs(place - (10 + index / 30)) < 0.05 for index, place in enumerate(late, 60))


class TestLips:
    """Within one side, sender reports relate the times of sound and picture (RFC 3550 6.4.1)."""

    @given(st.floats(-0.4, 0.4), st.floats(0.99980, 1.00020))
    @settings(max_examples=20, deadline=None)
    def test_are_held_together_under_any_delay_of_the_network(self, video_late: float, drift: float) -> None:
        side = SideClock()
        for index in range(60 * 50):
            at = index / 50
            sound = side.place(1, round(at * drift * 48_000), 1, 50 + at)
            if index % 2 == 0:
                picture = side.place(0, round(at * drift * 90_000), 2, 50.5 + at + video_late)
            if index % 50 == 10:
                side.handle_report(1, report(1, NTP + at * drift, round(at * drift * 48_000)))
            if index % 50 == 30:
                side.handle_report(0, report(2, NTP + at * drift, round(at * drift * 90_000)))
            if index > 30 * 50 and index % 2 == 0:
                assert side.synced
                assert abs(picture - sound) < 0.04

    @pytest.mark.parametrize("drifts", [(1.0, 1.0002), (0.9998, 1.0), (0.9998, 1.0002)])
    def test_stay_together_for_half_an_hour_after_the_last_report(self, drifts: tuple[float, float]) -> None:
        """The clocks of camera and sound card drift apart, the picture travels 150 ms longer, and after a minute no
        report comes any more."""
        side, worst = SideClock(), 0.0
        for index in range(30 * 60 * 25):
            at = index / 25
            sound = side.place(1, round(at * drifts[1] * 48_000) % 2**32, 1, 50 + at)
            picture = side.place(0, round(at * drifts[0] * 90_000) % 2**32, 2, 50.15 + at)
            if at < 60 and index % 125 == 10:
                side.handle_report(1, report(1, NTP + at, round(at * drifts[1] * 48_000) % 2**32))
                side.handle_report(0, report(2, NTP + at, round(at * drifts[0] * 90_000) % 2**32))
            if at > 30:
                worst = max(worst, abs(picture - sound))
        assert worst < 0.04

    def test_reports_that_contradict_the_arrivals_are_not_used(self) -> None:
        side = SideClock()
        side.place(1, 0, 1, 50.0)
        side.place(0, 0, 2, 50.0)
        side.handle_report(1, report(1, NTP, 0))
        side.handle_report(0, report(2, NTP + 60, 0))
        assert not side.synced
        assert abs(side.place(0, 90_000, 2, 51.0) - 51.0) < 0.1

    def test_reports_of_a_publisher_that_is_gone_are_not_used(self) -> None:
        side = SideClock()
        side.place(0, 0, 2, 50.0)
        side.handle_report(0, report(99, NTP, 0))
        assert side.tracks[0].report is None
