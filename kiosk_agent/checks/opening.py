"""The test of a room's equipment each day before the room opens: at the minute that the server has named, by the clock
in Shanghai, so that what is broken is known before people come (Yunnan 12).

The server names the minute with each result that it takes: a change of the rules reaches every room within a day."""

import asyncio
from collections.abc import Callable
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from broker.kernel.clock import Clock

SHANGHAI = ZoneInfo("Asia/Shanghai")
LOOK = 60.0
"""Seconds between looks at the clock: it may be set while a room waits for the morning."""


class Opening:
    """The daily moment of one room. `test` is called when it comes."""

    def __init__(self, clock: Clock, test: Callable[[], None]) -> None:
        self._clock, self._test = clock, test
        self._minute: int | None = None
        self._changed = asyncio.Event()

    def is_at(self, minute: int) -> None:
        """Note the minute of a day at which the room opens, as the server has named it."""
        if minute != self._minute:
            self._minute = minute
            self._changed.set()

    async def run(self) -> None:
        """Call `test` each day at the room's minute, until cancelled; never before the server has named one."""
        while True:
            wait = LOOK if self._minute is None else seconds_until(self._minute, self._clock.now().wall)
            self._changed.clear()
            try:
                async with asyncio.timeout(min(wait, LOOK)):
                    await self._changed.wait()
            except TimeoutError:
                if self._minute is not None and wait <= LOOK:
                    self._test()


def seconds_until(minute: int, now: datetime) -> float:
    """Return the seconds from `now` (aware) to the next moment at which this minute of a day begins in Shanghai; a
    whole day where it is that moment now."""
    here = now.astimezone(SHANGHAI)
    today = datetime.combine(here.date(), time(minute // 60, minute % 60), tzinfo=SHANGHAI)
    following = today if today > here else today + timedelta(days=1)
    return (following - here).total_seconds()
