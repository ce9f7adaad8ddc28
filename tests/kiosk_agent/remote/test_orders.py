"""Orders of the server to a terminal: each is carried out once, and a restart waits until the room is free."""

import pytest

from kiosk_agent.remote.orders import Orders
from signaling.api.messages.terminals import MOST_DONE, TerminalOrder


class Done:
    """What orders have had done."""

    def __init__(self):
        self.tests = self.restarts = 0
        self.orders = Orders(self._test, self._restart)

    def _test(self):
        self.tests += 1

    def _restart(self):
        self.restarts += 1

    def take(self, id, order):
        self.orders.take(TerminalOrder(id=id, order=order))


@pytest.fixture
def done():
    return Done()


class TestATest:
    def test_is_done_once_the_equipment_was_tested(self, done):
        done.take("tor_1", "test")
        assert (done.tests, done.orders.done) == (1, [])
        assert done.orders.tested()
        assert done.orders.done == ["tor_1"]
        assert not done.orders.tested()

    def test_that_comes_again_before_or_after_that_is_not_begun_again(self, done):
        done.take("tor_1", "test")
        done.take("tor_1", "test")
        done.orders.tested()
        done.take("tor_1", "test")
        assert done.tests == 1


class TestARestart:
    def test_is_begun_at_once_where_the_room_is_free(self, done):
        done.orders.room_is(free=True)
        done.take("tor_1", "restart")
        assert (done.restarts, done.orders.done) == (1, ["tor_1"])

    def test_waits_for_the_end_of_the_visit_and_is_begun_once(self, done):
        done.orders.room_is(free=False)
        done.take("tor_1", "restart")
        assert (done.restarts, done.orders.done) == (0, [])
        done.orders.room_is(free=True)
        done.orders.room_is(free=True)
        assert (done.restarts, done.orders.done) == (1, ["tor_1"])

    def test_waits_also_before_the_server_has_listed_the_visits(self, done):
        done.take("tor_1", "restart")
        assert done.restarts == 0


class TestBounds:
    def test_a_flood_of_orders_is_not_kept(self, done):
        for number in range(3 * MOST_DONE):
            done.take(f"tor_{number}", "test")
        assert done.tests == MOST_DONE
        done.orders.tested()
        done.take("tor_late", "test")
        done.orders.tested()
        assert done.orders.done == [*(f"tor_{number}" for number in range(1, MOST_DONE)), "tor_late"]
