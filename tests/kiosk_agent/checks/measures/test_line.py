"""Tests of a line's figures, on traces that are made up."""

import pytest

from kiosk_agent.checks.measures.line import LineTrace, Report, is_full, jitter, line_figures

BASE = range(100)


def _trace(lost_up: int = 0, lost_down: int = 0, takes: float = 0.05) -> LineTrace:
    """Return a quiet part of 100 packets, of which so many are lost, the first ones on the way up."""
    trace = LineTrace(sent=[(number * 0.01, 1000) for number in BASE])
    trace.arrived = {number: number * 0.01 + takes for number in BASE if number >= lost_up + lost_down}
    trace.reports = [Report(1.1, 100, lost_up)]
    return trace


class TestLoss:
    @pytest.mark.parametrize("up,down", [(0, 0), (5, 0), (0, 5), (20, 40)])
    def test_is_told_apart_by_what_the_relay_has_reported(self, up: int, down: int) -> None:
        found = line_figures(_trace(up, down), BASE)
        assert found["loss_up"] == pytest.approx(up / 100)
        assert found["loss_down"] == pytest.approx(down / (100 - up))

    def test_of_the_full_line_is_not_that_of_the_quiet_one(self) -> None:
        trace = _trace(lost_up=5)
        trace.sent += [(2 + number * 0.01, 9000) for number in range(100)]
        trace.reports.append(Report(3.1, 200, 80))
        assert line_figures(trace, BASE)["loss_up"] == pytest.approx(0.05)

    def test_is_everything_where_nothing_came_back(self) -> None:
        trace = _trace()
        trace.arrived.clear()
        assert line_figures(trace, BASE) == {"loss_up": 0.0, "loss_down": 1.0}
        trace.reports.clear()
        assert line_figures(trace, BASE) == {"loss_up": 1.0, "loss_down": 1.0}

    def test_is_not_less_than_none_when_reports_and_packets_differ(self) -> None:
        trace = _trace()
        trace.reports = [Report(1.1, 98, 3)]
        assert line_figures(trace, BASE)["loss_down"] == 0.0


class TestTimes:
    def test_are_in_milliseconds(self) -> None:
        found = line_figures(_trace(takes=0.12), BASE)
        assert found["round_trip"] == pytest.approx(120)
        assert found["jitter"] == pytest.approx(0, abs=1e-6)

    def test_of_packets_that_take_longer_by_turns_are_jitter(self) -> None:
        assert jitter([0.05, 0.07] * 200) == pytest.approx(0.02, rel=0.01)


class TestRates:
    def test_are_those_of_the_fullest_moment_and_up_is_at_least_down(self) -> None:
        trace = _trace()
        trace.sent += [(2 + number * 0.01, 9000) for number in range(200)]
        trace.arrived |= {number: 2.0 + number * 0.03 for number in range(100, 300)}  # every 30 ms: 300 kbit/s
        found = line_figures(trace, BASE)
        assert found["down"] == pytest.approx(300, rel=0.05)
        assert found["up"] == found["down"]

    def test_upwards_are_those_of_the_relays_reports_where_the_way_back_is_narrower(self) -> None:
        trace = _trace()
        trace.sent += [(2 + number * 0.01, 9000) for number in range(200)]
        trace.arrived |= {number: 2.0 + number * 0.03 for number in range(100, 300)}
        trace.reports += [Report(3.0, 200, 0), Report(4.0, 300, 20)]
        assert line_figures(trace, BASE)["up"] == pytest.approx(720, rel=0.05)


class TestAFullLine:
    STEP = range(100, 150)

    def _step(self, takes: float, lost: int = 0) -> LineTrace:
        trace = _trace()
        trace.sent += [(2 + number * 0.01, 9000) for number in range(50)]
        trace.arrived |= {n: trace.sent[n][0] + takes for n in self.STEP if n >= 100 + lost}
        return trace

    def test_is_noticed_by_packets_that_wait(self) -> None:
        assert not is_full(self._step(0.06), BASE, self.STEP, 2.5)
        assert is_full(self._step(0.3), BASE, self.STEP, 2.8)

    def test_is_noticed_by_packets_that_are_lost_and_not_by_those_that_are_under_way(self) -> None:
        assert is_full(self._step(0.05, lost=15), BASE, self.STEP, 2.5)
        trace = self._step(0.05)
        for number in range(130, 150):
            del trace.arrived[number]
        assert not is_full(trace, BASE, self.STEP, 2.5)

    def test_is_one_on_which_nothing_comes_back(self) -> None:
        trace = _trace()
        trace.arrived.clear()
        assert is_full(trace, BASE, BASE, 2.0)
