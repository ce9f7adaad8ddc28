"""One loudspeaker for two: the far room and an officer who speaks in."""

import threading

import numpy as np
from numpy.typing import NDArray

from kiosk_agent.media.frames import CHUNK
from kiosk_agent.media.mixer import DUCKED, WAITING, Input, Mixer, mixed


def loud(level: int, length: int = CHUNK) -> NDArray[np.int16]:
    return np.full(length, level, np.int16)


class TestMixed:
    def test_one_alone_is_left_as_it_is(self) -> None:
        assert np.array_equal(mixed({Input.ROOM: loud(700)}), loud(700))

    def test_the_room_is_softer_under_the_officer(self) -> None:
        both = mixed({Input.ROOM: loud(1000), Input.OFFICER: loud(2000)})
        assert set(both.tolist()) == {2000 + int(1000 * DUCKED)}

    def test_nothing_overflows(self) -> None:
        both = mixed({Input.ROOM: loud(32767), Input.OFFICER: loud(32767)})
        assert both.max() == 32767 and both.min() > 0

    def test_the_longer_one_is_whole(self) -> None:
        both = mixed({Input.ROOM: loud(1000, 10), Input.OFFICER: loud(50, 20)})
        assert both.tolist() == [50 + int(1000 * DUCKED)] * 10 + [50] * 10


class TestMix:
    def test_what_both_gave_comes_out_together(self) -> None:
        mix = Mixer()
        mix.put(Input.ROOM, loud(1000))
        mix.put(Input.OFFICER, loud(2000))
        taken = mix.take()
        assert taken is not None and taken[0] == 2300

    def test_an_officer_is_heard_while_the_far_room_is_silent(self) -> None:
        """The gate is shut: nothing else would ever wake the loudspeaker."""
        mix, taken = Mixer(), []
        thread = threading.Thread(target=lambda: taken.append(mix.take()))
        thread.start()
        mix.put(Input.OFFICER, loud(9))
        thread.join(5)
        assert not thread.is_alive() and taken[0] is not None and taken[0][0] == 9

    def test_late_sound_is_dropped(self) -> None:
        mix = Mixer()
        assert [mix.put(Input.ROOM, loud(number)) for number in range(WAITING + 2)] == [True] * WAITING + [False] * 2
        assert mix.put(Input.OFFICER, loud(1))

    def test_closing_gives_the_rest_and_then_the_end(self) -> None:
        mix = Mixer()
        mix.put(Input.ROOM, loud(1))
        mix.close()
        assert mix.take() is not None
        assert mix.take() is None
