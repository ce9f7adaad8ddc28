"""Tests of the mixer of the far room and of talkback for one loudspeaker."""

import threading

import numpy as np
from numpy.typing import NDArray

from kiosk_agent.media.frames import CHUNK
from kiosk_agent.media.mixer import DUCKED, WAITING, Input, Mixer, mixed


def loud(level: int, length: int = CHUNK) -> NDArray[np.int16]:
    return np.full(length, level, np.int16)


class TestMixed:
    def test_one_input_alone_is_not_changed(self) -> None:
        assert np.array_equal(mixed({Input.ROOM: loud(700)}), loud(700))

    def test_the_room_is_softer_during_talkback(self) -> None:
        both = mixed({Input.ROOM: loud(1000), Input.OFFICER: loud(2000)})
        assert set(both.tolist()) == {2000 + int(1000 * DUCKED)}

    def test_nothing_overflows(self) -> None:
        both = mixed({Input.ROOM: loud(32767), Input.OFFICER: loud(32767)})
        assert both.max() == 32767 and both.min() > 0

    def test_the_longer_frame_is_kept_whole(self) -> None:
        both = mixed({Input.ROOM: loud(1000, 10), Input.OFFICER: loud(50, 20)})
        assert both.tolist() == [50 + int(1000 * DUCKED)] * 10 + [50] * 10


class TestMixer:
    def test_frames_of_both_inputs_come_out_mixed(self) -> None:
        mixer = Mixer()
        mixer.put(Input.ROOM, loud(1000))
        mixer.put(Input.OFFICER, loud(2000))
        taken = mixer.take()
        assert taken is not None and taken[0] == 2300

    def test_talkback_alone_is_played(self) -> None:
        """No frame of the far room wakes the playing thread while the gate is shut."""
        mixer, taken = Mixer(), []
        thread = threading.Thread(target=lambda: taken.append(mixer.take()))
        thread.start()
        mixer.put(Input.OFFICER, loud(9))
        thread.join(5)
        assert not thread.is_alive() and taken[0] is not None and taken[0][0] == 9

    def test_late_sound_is_dropped(self) -> None:
        mixer = Mixer()
        assert [mixer.put(Input.ROOM, loud(number)) for number in range(WAITING + 2)] == [True] * WAITING + [False] * 2
        assert mixer.put(Input.OFFICER, loud(1))

    def test_close_returns_the_rest_and_then_none(self) -> None:
        mixer = Mixer()
        mixer.put(Input.ROOM, loud(1))
        mixer.close()
        assert mixer.take() is not None
        assert mixer.take() is None
