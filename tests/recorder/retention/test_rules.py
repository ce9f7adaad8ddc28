"""The rule of retention (云南 第十三条; requirements, decision 6), compared with a function that only counts days."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.retention.rules import Facts, Why, clock_leapt, due_at, due_day, keep, later, months_of

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
moments = st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))
months = st.integers(6, 36)


def walked(ended: date, count: int) -> date:
    """Return the due day by walking: cross `count` firsts of a month, then look for the same day of the month."""
    day, crossed = ended, 0
    while crossed < count:
        day += DAY
        crossed += day.day == 1
    while day.day != ended.day:
        day += DAY
        if day.day == 1:  # the month is over without such a day: this is the day after its last one
            return day
    return day


def finished(ended: datetime, count: int = 6, held: bool = False) -> Facts:
    return Facts(ended, due_at(ended, count), True, held)


class TestDueDay:
    @pytest.mark.parametrize(
        ("ended", "due"),
        [
            (date(2026, 11, 22), date(2027, 5, 22)),
            (date(2026, 8, 31), date(2027, 3, 1)),
            (date(2026, 8, 29), date(2027, 3, 1)),
            (date(2026, 8, 28), date(2027, 2, 28)),
            (date(2027, 8, 29), date(2028, 2, 29)),
            (date(2027, 8, 30), date(2028, 3, 1)),
            (date(2026, 10, 31), date(2027, 5, 1)),
            (date(2026, 12, 31), date(2027, 7, 1)),
            (date(2026, 3, 31), date(2026, 10, 1)),
        ],
    )
    def test_of_month_ends_and_leap_years(self, ended: date, due: date) -> None:
        assert due_day(ended, 6) == due

    @given(st.dates(date(2000, 1, 1), date(2090, 1, 1)), months)
    def test_is_the_day_of_the_walk(self, ended: date, count: int) -> None:
        assert due_day(ended, count) == walked(ended, count)

    @given(st.dates(date(2000, 1, 1), date(2090, 1, 1)))
    def test_of_six_months_is_never_180_days_or_less(self, ended: date) -> None:
        assert 181 <= (due_day(ended, 6) - ended).days <= 184

    @pytest.mark.parametrize("count", [5, 0, -6])
    def test_of_less_than_six_months_does_not_exist(self, count: int) -> None:
        with pytest.raises(ValueError, match="less than 6"):
            due_day(date(2026, 1, 1), count)


class TestDueMoment:
    def test_is_midnight_in_shanghai_after_the_due_day(self) -> None:
        late = datetime(2026, 11, 22, 16, 30, tzinfo=UTC)  # already the 23rd in Shanghai
        assert due_at(late, 6) == datetime(2027, 5, 24, tzinfo=SHANGHAI)

    @given(moments, months)
    def test_is_one_second_after_the_day_of_the_walk(self, ended: datetime, count: int) -> None:
        last = (due_at(ended, count) - SECOND).astimezone(SHANGHAI)
        assert last.date() == walked(ended.astimezone(SHANGHAI).date(), count)
        assert (last.hour, last.minute, last.second) == (23, 59, 59)

    def test_needs_a_time_zone(self) -> None:
        with pytest.raises(ValueError):
            due_at(datetime(2026, 1, 1), 6)


class TestPolicyChanges:
    @given(moments, months, months)
    def test_never_shorten_and_may_lengthen(self, ended: datetime, then: int, today: int) -> None:
        written = due_at(ended, then)
        assert later(written, ended, today) == due_at(ended, max(then, today))

    @pytest.mark.parametrize(("policy", "count"), [({}, 6), ({"retention_months": 3}, 6), ({"retention_months": 9}, 9)])
    def test_of_a_session_are_at_least_the_six_of_the_law(self, policy: dict[str, int], count: int) -> None:
        assert months_of(policy) == count


class TestKeeping:
    @given(moments, months)
    def test_ends_with_the_due_moment_and_not_a_second_before(self, ended: datetime, count: int) -> None:
        facts, due = finished(ended, count), due_at(ended, count)
        assert keep(facts, 6, due - SECOND, None) is Why.NOT_DUE
        assert keep(facts, 6, due, None) is None

    @given(moments, months, st.timedeltas(timedelta(0), timedelta(days=9000)))
    def test_of_what_is_held_never_ends(self, ended: datetime, count: int, after: timedelta) -> None:
        facts = finished(ended, count, held=True)
        assert keep(facts, 6, due_at(ended, count) + after, None) is Why.HELD

    @given(moments, moments)
    def test_does_not_trust_a_date_that_was_written_too_early(self, ended: datetime, forged: datetime) -> None:
        assert keep(Facts(ended, forged, True, False), 6, due_at(ended, 6) - SECOND, None) is Why.NOT_DUE

    def test_goes_on_for_what_is_unfinished_or_undated(self) -> None:
        ended, far = datetime(2026, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC)
        assert keep(Facts(ended, due_at(ended, 6), False, False), 6, far, None) is Why.UNFINISHED
        assert keep(Facts(ended, None, True, False), 6, far, None) is Why.UNDATED
        assert keep(Facts(None, None, True, False), 6, far, None) is Why.UNDATED

    @given(moments, moments, moments)
    def test_is_never_asked_for_again_later(self, ended: datetime, moment: datetime, other: datetime) -> None:
        early, late = sorted((moment, other))
        if keep(finished(ended), 6, early, None) is None:
            assert keep(finished(ended), 6, late, None) is None


class TestClock:
    def test_set_back_decides_nothing(self) -> None:
        ended = datetime(2026, 1, 1, tzinfo=UTC)
        now = due_at(ended, 6) + DAY
        assert keep(finished(ended), 6, now, now + DAY) is Why.CLOCK_BACK
        assert keep(finished(ended), 6, now, now + timedelta(minutes=1)) is None  # a small correction

    def test_set_forward_while_the_machine_runs_is_noticed(self) -> None:
        started = datetime(2026, 1, 1, tzinfo=UTC)
        marks = [(started, 100.0)]
        assert clock_leapt(marks, started + timedelta(hours=5), 100.0 + 5 * 3600) is None
        assert clock_leapt(marks, started + timedelta(days=365), 100.0 + 5 * 3600) == timedelta(days=365, hours=-5)
        assert clock_leapt(marks, started - DAY, 200.0) is not None
        assert clock_leapt([], started, 0.0) is None
