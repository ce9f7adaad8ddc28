"""The allowance of an author: what honest traffic needs of it, and that over it that author alone waits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.kernel.errors import TooMany
from signaling.budgets.allowance import AUTHORS, BUDGETS, FILE, FRAME, LIST, ORDER, READ, RESERVE, Allowance

OFFICER, KIOSK = "user:li", "terminal:trm_1"


def refused(allowance, author, asked, now=0.0, reserved=False):
    """How many of these charges are refused."""
    found = 0
    for cost in asked:
        try:
            allowance.take(author, cost, now, reserved)
        except TooMany:
            found += 1
    return found


def wall_of_nine():
    """What a page of nine visits asks for when it is loaded: its files, what it reads, and its media, whose former
    resources it ends."""
    reads = [LIST] * 4 + [READ] * (2 + 9)
    return [FILE] * 80 + reads + [ORDER] * 27 + [ORDER] * 27


class TestHonestTraffic:
    def test_a_wall_of_nine_is_loaded_twice_at_once_and_reports_meanwhile(self):
        allowance = Allowance()
        assert not refused(allowance, OFFICER, wall_of_nine() * 2)
        assert not refused(allowance, OFFICER, [FRAME] * 40, reserved=True)

    def test_eight_windows_that_report_at_every_check_for_a_duty_of_twelve_hours(self):
        allowance = Allowance()
        refused(allowance, OFFICER, wall_of_nine() * 2)
        for quarter in range(12 * 3600 * 4):
            assert not refused(allowance, OFFICER, [FRAME] * 8, quarter / 4, reserved=True)

    def test_a_morning_of_ticks_beside_them(self):
        allowance = Allowance()
        for second in range(3600):
            assert not refused(allowance, OFFICER, [ORDER, ORDER], second)
            assert not refused(allowance, OFFICER, [FRAME] * 16, second, reserved=True)

    def test_a_kiosk_that_reports_every_second_and_connects_anew_every_minute(self):
        allowance = Allowance()
        for second in range(6 * 3600):
            assert not refused(allowance, KIOSK, [FRAME], second, reserved=True)
            if second % 60 == 0:
                assert not refused(allowance, KIOSK, [ORDER] * 9 + [READ] * 2, second)

    def test_the_slots_of_a_province_in_one_go(self):
        assert not refused(Allowance(), "integrator:key_1", [ORDER] * 700)

    def test_an_overview_and_metrics_every_second(self):
        allowance = Allowance()
        for second in range(3600):
            assert not refused(allowance, "observer:obs_1", [LIST, LIST], second)


class TestOverIt:
    def test_a_loop_gets_its_rate_and_no_more(self):
        allowance = Allowance()
        asked = 60 * 412
        got = asked - refused_over(allowance, KIOSK, ORDER, 412, 60)
        assert got <= (BUDGETS["terminal"].burst + 60 * BUDGETS["terminal"].per_second) / ORDER

    def test_the_others_get_all_of_theirs(self):
        allowance = Allowance()
        refused(allowance, KIOSK, [ORDER] * 10_000)
        assert not refused(allowance, "terminal:trm_2", [ORDER] * 40)
        assert not refused(allowance, OFFICER, wall_of_nine())

    def test_it_is_said_when_to_come_back_and_then_it_works(self):
        allowance = Allowance()
        refused(allowance, KIOSK, [ORDER] * 1000)
        with pytest.raises(TooMany) as error:
            allowance.take(KIOSK, ORDER, 0.0)
        wait = error.value.extra["retry_after"]
        assert wait >= 1 and str(wait) in error.value.detail_zh and str(wait) in error.value.detail_en
        allowance.take(KIOSK, ORDER, wait)

    def test_rest_leaves_the_reserve_to_sockets_and_to_orders_that_stop_a_visit(self):
        allowance = Allowance()
        assert refused(allowance, OFFICER, [READ] * 1000)
        assert not refused(allowance, OFFICER, [FRAME] * 100 + [ORDER] * 10, reserved=True)
        rate = BUDGETS["user"].per_second
        for second in range(1, 600):
            refused(allowance, OFFICER, [READ] * 100, second)
            assert not refused(allowance, OFFICER, [FRAME] * 32, second, reserved=True), second
        assert rate >= FRAME * 32

    def test_every_refusal_is_counted_and_the_memory_is_bounded(self):
        allowance = Allowance()
        for number in range(AUTHORS + 100):
            allowance.take(f"terminal:trm_{number}", READ, 0.0)
        refused(allowance, KIOSK, [ORDER] * 100)
        assert allowance.refused == 100 - int(BUDGETS["terminal"].burst * (1 - RESERVE) / ORDER)
        assert len(allowance._buckets) <= AUTHORS

    @given(st.lists(st.tuples(st.floats(0, 5), st.sampled_from([FRAME, READ, ORDER, LIST]), st.booleans())))
    def test_no_author_ever_gets_more_than_burst_and_rate(self, asked):
        allowance, now, got = Allowance(), 0.0, 0.0
        for pause, cost, reserved in asked:
            now += pause
            if not refused(allowance, KIOSK, [cost], now, reserved):
                got += cost
        assert got <= BUDGETS["terminal"].burst + BUDGETS["terminal"].per_second * now + 1e-6


def refused_over(allowance, author, cost, rate, seconds):
    """How many of `rate` charges a second are refused in so many seconds."""
    return sum(refused(allowance, author, [cost], number / rate) for number in range(rate * seconds))
