"""The page's small pictures: the people in them are counted, and each is dropped."""

import numpy as np
import pytest

from kiosk_agent.checks.people_count import LOOKS
from kiosk_agent.room.small_picture import HEAD, HeadCount, SmallPicture, read_picture
from tests.support.drawn_faces import Canvas, room_with


def _sent(luma: Canvas) -> bytes:
    height, width = luma.shape
    return np.array([width, height], "<u2").tobytes() + luma.tobytes()


class TestAMessage:
    def test_has_width_height_and_brightness_row_by_row(self) -> None:
        luma = np.arange(6, dtype=np.uint8).reshape(2, 3)
        assert np.array_equal(read_picture(_sent(luma)).luma, luma)

    @pytest.mark.parametrize(
        "data",
        [b"", b"\1\0\1", _sent(np.zeros((2, 3), np.uint8))[:-1], _sent(np.zeros((0, 3), np.uint8)), bytes(HEAD)],
    )
    def test_of_another_length_is_none(self, data: bytes) -> None:
        with pytest.raises(ValueError, match="no picture"):
            read_picture(data)

    def test_that_is_too_large_is_none(self) -> None:
        with pytest.raises(ValueError, match="no picture"):
            read_picture(_sent(np.zeros((1, 641), np.uint8)))


class TestTheCount:
    async def test_is_of_the_people_in_the_last_pictures(self) -> None:
        asked: list[bool] = []
        count = HeadCount(asked.append)
        assert await count.look(True) is None
        found = [await _look(count, 2) for _ in range(LOOKS)]
        assert found == [None] * (LOOKS - 1) + [2]
        assert asked == [True]

    async def test_takes_no_picture_that_was_not_asked_for(self) -> None:
        asked: list[bool] = []
        count = HeadCount(asked.append)
        for _ in range(LOOKS):
            count.take(SmallPicture(room_with(2)))
            assert await count.look(False) is None
        assert asked == []

    async def test_begins_anew_after_a_break_and_asks_another_page_again(self) -> None:
        asked: list[bool] = []
        count = HeadCount(asked.append)
        await count.look(True)
        for _ in range(LOOKS):
            await _look(count, 1)
        assert await count.look(True) == 1
        assert await count.look(False) is None and await count.look(True) is None
        count.page_gone()
        await count.look(True)
        assert asked == [True, False, True, True]


async def _look(count: HeadCount, people: int) -> int | None:
    count.take(SmallPicture(room_with(people)))
    return await count.look(True)
