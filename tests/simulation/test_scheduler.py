"""The scheduler of simulated time lets calls take time, and finds calls that beget calls for ever."""

import asyncio

import pytest

from tests.simulation.engine.scheduler import Scheduler, SimLoop, Stuck


def world() -> tuple[Scheduler, SimLoop]:
    """Return a scheduler, whose time is that of a world some minutes old, and a loop of it."""
    scheduler = Scheduler()
    scheduler.now = 195.0
    return scheduler, SimLoop(scheduler, "process", None, lambda *_: None)


class TestCallsAtOneMoment:
    def test_that_wait_for_less_than_a_float_can_tell_wait_no_longer_than_a_moment(self) -> None:
        scheduler, loop = world()
        due = scheduler.now + 1e-13

        def look() -> None:
            if scheduler.now < due:
                loop.call_soon(look)

        look()
        scheduler.run(200.0)
        assert scheduler.calls <= Scheduler.MANY

    def test_that_never_end_are_found(self) -> None:
        scheduler, loop = world()

        def again() -> None:
            loop.call_soon(again)

        again()
        with pytest.raises(Stuck):
            scheduler.run(200.0)

    def test_leave_no_loop_running_behind_them(self) -> None:
        scheduler, loop = world()
        inside: list[asyncio.AbstractEventLoop] = []
        loop.call_soon(lambda: inside.append(asyncio.get_running_loop()))
        scheduler.run(200.0)
        assert inside == [loop]
        with pytest.raises(RuntimeError):
            asyncio.get_running_loop()
