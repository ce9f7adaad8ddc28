"""When a room is tested before it opens, by the clock in Shanghai."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from broker.kernel.clock import Instant
from kiosk_agent.checks.opening import Opening, seconds_until
from tests.support.patience import PATIENCE

EIGHT = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)  # 08:00 in Shanghai


@pytest.mark.parametrize(
    "now,seconds",
    [
        (EIGHT - timedelta(hours=1), 3600.0),
        (EIGHT - timedelta(milliseconds=250), 0.25),
        (EIGHT, 86_400.0),
        (EIGHT + timedelta(hours=12), 43_200.0),
        (EIGHT.replace(hour=20), 4 * 3600.0),
    ],
)
def test_it_is_the_next_time_that_the_minute_begins(now: datetime, seconds: float) -> None:
    assert seconds_until(480, now) == seconds


def test_midnight_is_a_minute_like_others() -> None:
    assert seconds_until(0, EIGHT) == 16 * 3600.0


class JustBefore:
    """A clock that stands just before eight, and after its first look just after it."""

    def __init__(self) -> None:
        self._looks = [EIGHT - timedelta(milliseconds=20)]

    def now(self) -> Instant:
        """Return the moment of this look."""
        return Instant(self._looks.pop() if self._looks else EIGHT + timedelta(seconds=1), 0.0)


async def test_the_room_is_tested_once_at_the_minute_that_the_server_names() -> None:
    tested = asyncio.Queue[None]()
    opening = Opening(JustBefore(), lambda: tested.put_nowait(None))
    running = asyncio.create_task(opening.run())
    await asyncio.sleep(0)
    assert tested.empty(), "no minute is known"
    opening.is_at(480)
    await asyncio.wait_for(tested.get(), PATIENCE)
    opening.is_at(480)
    await asyncio.sleep(0)
    assert tested.empty()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
