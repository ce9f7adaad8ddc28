"""Small grey pictures of the room that the page hands to the agent, over loopback and no further: the people in each
are counted, and it is dropped."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiosk_agent.checks.people_count import PeopleCount

LONGEST_SIDE = 640
"""Pixels of a side at most."""
HEAD = 4
"""Bytes before the pixels: width and height, as unsigned 16 bit numbers, the least significant byte first."""
LARGEST = HEAD + LONGEST_SIDE * LONGEST_SIDE
"""Bytes of a picture."""


@dataclass(frozen=True, slots=True, eq=False)
class SmallPicture:
    """Brightness of a picture, row by row: uint8, (height, width)."""

    luma: NDArray[np.uint8]


def read_picture(data: bytes) -> SmallPicture:
    """Return the picture in a binary message of the page. Raises ValueError for what is none."""
    if len(data) < HEAD:
        raise ValueError("no picture")
    width, height = (int(side) for side in np.frombuffer(data, "<u2", 2))
    if not (0 < width <= LONGEST_SIDE and 0 < height <= LONGEST_SIDE) or len(data) != HEAD + width * height:
        raise ValueError("no picture of that size")
    return SmallPicture(np.frombuffer(data, np.uint8, offset=HEAD).reshape(height, width))


class HeadCount:
    """Count of the people in the page's small pictures. `ask` asks the page for pictures, or (false) for no more."""

    def __init__(self, ask: Callable[[bool], None]) -> None:
        self._ask, self._asked = ask, False
        self._picture: SmallPicture | None = None
        self._people: PeopleCount | None = None
        self._heads: int | None = None

    def take(self, picture: SmallPicture) -> None:
        """Take a picture; one that was not asked for is dropped."""
        self._picture = picture if self._asked else None

    def page_gone(self) -> None:
        """Note that the page was asked for nothing: it is another one."""
        self._asked = False

    async def look(self, on: bool) -> int | None:
        """Return how many people are in the last pictures, None where they are not counted (`on` false), or not yet."""
        if on is not self._asked:
            self._asked = on
            self._ask(on)
        if not on:
            self.forget()
        picture, self._picture = self._picture, None
        if picture is not None:
            people = self._people if self._people is not None else await asyncio.to_thread(PeopleCount)
            self._people, self._heads = people, await asyncio.to_thread(people.look, picture.luma)
        return self._heads

    def forget(self) -> None:
        """Forget what was counted: nothing from another visit, or from before a break, counts for this one."""
        self._picture = self._heads = None
        if self._people is not None:
            self._people.forget()
