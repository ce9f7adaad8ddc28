"""The gate as a lease with a hard end that only an approval moves (design, invariants 4 and 5)."""

from math import inf

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from broker.relay.gate import MAX_LEASE, MOST, Gate


def opened(now: float = 100.0, seconds: float = 3.0, deadline: float = 10_000.0, limit: float = 1800.0) -> Gate:
    gate = Gate()
    gate.lease(now, now + seconds, deadline, limit)
    return gate


class TestTheLease:
    def test_the_gate_is_shut_before_the_first_lease(self) -> None:
        assert not Gate().is_open(100.0)

    def test_it_shuts_by_itself_when_the_lease_runs_out(self) -> None:
        gate = opened(100.0, seconds=2.0)
        assert gate.is_open(101.999)
        assert not gate.is_open(102.0)

    def test_no_lease_is_longer_than_three_seconds(self) -> None:
        gate = opened(100.0, seconds=inf)
        assert gate.shuts_at == 100.0 + MAX_LEASE == 103.0

    def test_a_new_lease_keeps_it_open(self) -> None:
        gate = opened(100.0)
        gate.lease(102.0, 105.0, 10_000.0, 1800.0)
        assert gate.is_open(104.9)

    def test_a_shut_gate_opens_again_with_a_later_lease(self) -> None:
        gate = opened(100.0)
        gate.shut()
        assert not gate.is_open(100.0)
        gate.lease(101.0, 104.0, 10_000.0, 1800.0)
        assert gate.is_open(101.0)

    def test_a_lease_that_is_not_a_number_opens_nothing(self) -> None:
        gate = Gate()
        gate.lease(100.0, float("nan"), 10_000.0, 1800.0)
        assert not gate.is_open(100.0)


class TestTheEnd:
    def test_a_later_deadline_is_ignored(self) -> None:
        gate = opened(100.0, deadline=101.0)
        gate.lease(100.5, 103.5, 999.0, 1800.0)
        assert gate.stop == 101.0

    def test_the_limit_begins_with_the_first_packet_that_crosses(self) -> None:
        gate = opened(100.0, limit=60.0)
        assert gate.forwarded(101.0)
        assert (gate.crossed, gate.stop) == (101.0, 161.0)

    def test_the_limit_begins_only_once(self) -> None:
        gate = opened(100.0, limit=60.0)
        gate.forwarded(101.0)
        assert not gate.forwarded(150.0)
        assert gate.stop == 161.0

    def test_a_hold_does_not_extend_the_limit(self) -> None:
        gate = opened(100.0, limit=60.0)
        gate.forwarded(101.0)
        gate.shut()
        gate.lease(150.0, 153.0, 10_000.0, 60.0)
        assert gate.stop == 161.0

    def test_a_later_lease_cannot_raise_the_limit(self) -> None:
        gate = opened(100.0, limit=60.0)
        gate.lease(100.5, 103.5, 10_000.0, 7200.0)
        gate.forwarded(101.0)
        assert gate.stop == 161.0

    def test_the_deadline_wins_over_the_limit_when_it_is_earlier(self) -> None:
        gate = opened(100.0, deadline=120.0, limit=60.0)
        gate.forwarded(101.0)
        assert gate.stop == 120.0

    def test_no_lease_opens_the_gate_after_the_end(self) -> None:
        gate = opened(100.0, deadline=101.0)
        gate.lease(102.0, 105.0, 10_000.0, 1800.0)
        assert not gate.is_open(102.0)


class TestAnExtension:
    """Yunnan 14: an explicit command, made before the end; never a side effect of a lease."""

    def crossed(self) -> Gate:
        gate = opened(100.0, limit=60.0)
        gate.forwarded(101.0)
        return gate

    def test_puts_the_end_off(self) -> None:
        gate = self.crossed()
        assert gate.extend(150.0, made=149.9, limit=90.0, deadline=191.0)
        assert gate.stop == 191.0

    def test_opens_nothing_by_itself(self) -> None:
        gate = self.crossed()
        gate.shut()
        gate.extend(150.0, 149.9, 90.0, 191.0)
        assert not gate.is_open(150.0)

    def test_counts_once_when_ordered_twice(self) -> None:
        gate = self.crossed()
        gate.extend(150.0, 149.9, 90.0, 191.0)
        assert not gate.extend(150.1, 149.9, 90.0, 500.0)
        assert gate.stop == 191.0

    def test_made_at_or_after_the_end_is_refused(self) -> None:
        gate = self.crossed()
        assert not gate.extend(170.0, made=161.0, limit=90.0, deadline=191.0)
        assert gate.stop == 161.0

    def test_made_in_time_counts_even_when_it_comes_late(self) -> None:
        gate = self.crossed()
        assert gate.extend(170.0, made=160.9, limit=90.0, deadline=191.0)

    def test_made_in_the_future_is_refused(self) -> None:
        assert not self.crossed().extend(120.0, made=120.1, limit=90.0, deadline=191.0)

    def test_beyond_the_highest_limit_is_refused(self) -> None:
        assert not self.crossed().extend(120.0, 119.0, MOST + 1, 99_999.0)

    def test_never_lowers_the_limit(self) -> None:
        assert not self.crossed().extend(120.0, 119.0, 30.0, 131.0)

    def test_the_end_of_the_slot_still_wins(self) -> None:
        gate = self.crossed()
        gate.extend(150.0, 149.9, 90.0, 170.0)
        assert gate.stop == 170.0

    def test_is_not_made_by_a_lease_with_the_higher_limit(self) -> None:
        gate = self.crossed()
        gate.lease(150.0, 153.0, 191.0, 90.0, 101.0)
        assert gate.stop == 161.0

    def test_the_gate_of_another_worker_counts_from_the_first_crossing(self) -> None:
        gate = Gate()
        gate.lease(150.0, 153.0, 10_000.0, 60.0, 101.0)
        assert gate.stop == 161.0

    def test_is_taken_before_the_first_lease_at_another_worker(self) -> None:
        gate = Gate()
        assert gate.extend(170.0, 150.0, 90.0, 191.0)
        gate.lease(170.0, 173.0, 191.0, 60.0, 101.0)
        assert gate.stop == 191.0


TIMES = st.floats(-1e6, 1e6) | st.sampled_from([inf, -inf])


class GateModel(RuleBasedStateMachine):
    """The gate stays within what was granted, for any commands in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.gate, self.now = Gate(), 1000.0
        self.stops = [inf]
        self.leased_at = -inf
        self.limit: float | None = None
        self.extended = False

    @rule(seconds=st.floats(0, 5))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(until=TIMES, deadline=TIMES, limit=st.floats(0.1, 7200))
    def a_lease_comes(self, until: float, deadline: float, limit: float) -> None:
        self.gate.lease(self.now, self.now + until, self.now + deadline, limit)
        self.leased_at = self.now
        self.limit = self.limit or limit

    @rule(made=TIMES, limit=st.floats(-1, 7200), deadline=TIMES)
    def an_approval_comes(self, made: float, limit: float, deadline: float) -> None:
        before = self.gate.stop
        self.extended = self.gate.extend(self.now, self.now + made, limit, self.now + deadline)
        if not self.extended:
            assert self.gate.stop == before
            return
        assert self.now + made <= self.now and self.now + made < before and limit <= MOST
        assert self.gate.stop <= self.now + deadline
        assert limit > (self.limit or 0.0)
        self.limit = limit

    @rule()
    def an_order_to_shut_comes(self) -> None:
        self.gate.shut()
        self.leased_at = -inf

    @precondition(lambda self: self.gate.is_open(self.now))
    @rule()
    def a_packet_crosses(self) -> None:
        before = self.gate.crossed
        began = self.gate.forwarded(self.now)
        assert began is (before is None and self.gate.crossed == self.now)

    @invariant()
    def the_end_moves_later_by_an_approval_alone(self) -> None:
        assert self.gate.stop <= self.stops[-1] or self.extended
        self.stops.append(self.gate.stop)
        self.extended = False

    @invariant()
    def open_means_leased_within_three_seconds_and_before_the_end(self) -> None:
        if self.gate.is_open(self.now):
            assert self.now < self.leased_at + MAX_LEASE
            assert self.now < self.gate.stop

    @invariant()
    def nothing_crosses_later_than_the_first_limit_after_the_first_crossing(self) -> None:
        if self.gate.crossed is not None:
            assert self.limit is not None
            assert self.gate.stop <= self.gate.crossed + self.limit


TestAnyOrderOfEvents = GateModel.TestCase
