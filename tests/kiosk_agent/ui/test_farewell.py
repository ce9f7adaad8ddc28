"""The button by which a room says that it has finished (Guangdong 31(2)): it asks once more before that counts."""

from dataclasses import replace

import numpy as np
import pytest

from kiosk_agent.state.events import Phase
from kiosk_agent.ui import display, farewell
from kiosk_agent.ui.display import SIZE, Screen, compose
from kiosk_agent.ui.farewell import ASKED, SURE, Farewell, FarewellControl, Word
from kiosk_agent.ui.warning_banner import Notice
from tests.kiosk_agent.ui.test_warning_banner import SimulatedWindow

OPEN = Farewell()


def waited(control: FarewellControl, paintings: int, shown: Farewell = OPEN) -> None:
    """Let so many paintings pass in which nothing is pressed."""
    for _ in range(paintings):
        assert control.press(shown, False, False) is None


class TestTheQuestion:
    def test_a_single_press_only_asks(self) -> None:
        control = FarewellControl()
        assert control.press(OPEN, True, False) is None and control.asks
        waited(control, ASKED)
        assert control.asks
        waited(control, 1)
        assert not control.asks

    def test_a_second_press_after_a_while_is_the_word(self) -> None:
        control = FarewellControl()
        control.press(OPEN, True, False)
        waited(control, SURE)
        assert control.press(OPEN, True, False) is Word.FINISHED and not control.asks

    def test_a_double_tap_and_a_key_that_is_held_down_are_none(self) -> None:
        control = FarewellControl()
        assert [control.press(OPEN, True, False) for _ in range(10 * SURE)] == [None] * 10 * SURE
        assert control.asks

    def test_a_touch_anywhere_else_takes_the_question_away(self) -> None:
        control = FarewellControl()
        control.press(OPEN, True, False)
        waited(control, SURE)
        assert control.press(OPEN, False, True) is None and not control.asks
        assert control.press(OPEN, True, False) is None, "and it is asked anew"

    def test_after_the_word_the_button_takes_it_back(self) -> None:
        assert FarewellControl().press(Farewell(near=True), True, False) is Word.GO_ON
        assert FarewellControl().press(Farewell(staff=True), True, False) is None

    @pytest.mark.parametrize("shown", [None, Farewell(near=True)])
    def test_it_goes_away_with_the_visit_and_with_the_word(self, shown: Farewell | None) -> None:
        control = FarewellControl()
        control.press(OPEN, True, False)
        control.press(shown, False, False)
        assert not control.asks


class TestTheScreen:
    @pytest.mark.parametrize("phase", [Phase.LIVE, Phase.HELD])
    def test_has_the_button_and_says_what_each_side_has_said(self, phase: Phase) -> None:
        shown = (None, OPEN, Farewell(near=True), Farewell(far=True), Farewell(staff=True), Farewell(asks=True))
        pictures = [compose(Screen(phase, farewell=one), SIZE).tobytes() for one in shown]
        assert len(set(pictures)) == len(pictures)

    def test_is_read_from_two_metres(self) -> None:
        """Letters of a fifteenth of the screen's height: 2 cm on a screen of 30 cm."""
        plain, asks = (compose(Screen(Phase.HELD, farewell=one), SIZE) for one in (OPEN, Farewell(asks=True)))
        rows = np.flatnonzero((plain != asks).any(axis=(1, 2)))
        assert rows.max() - rows.min() >= SIZE[1] // 3

    def test_a_warning_stands_over_it(self) -> None:
        notice = Notice("w_1", "请注意", "please")
        both = compose(Screen(Phase.LIVE, warning=notice, farewell=OPEN), SIZE)
        assert np.array_equal(both, compose(Screen(Phase.LIVE, warning=notice, farewell=OPEN), SIZE))
        assert not np.array_equal(both, compose(Screen(Phase.LIVE, farewell=OPEN), SIZE))


class TestTheWindow:
    def pressed(self, window: SimulatedWindow, screen: Screen, key: int = farewell.KEY) -> Word | None:
        window.key = key
        window.show(screen)
        window.key = -1
        return window.word

    def test_the_key_asks_and_then_says_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        window, screen = SimulatedWindow(monkeypatch), Screen(Phase.LIVE, farewell=OPEN)
        assert self.pressed(window, screen) is None
        for _ in range(SURE):
            window.show(screen)
        assert self.pressed(window, screen) is Word.FINISHED
        window.show(replace(screen, farewell=Farewell(near=True)))
        assert window.word is None

    def test_a_touch_on_the_button_is_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        window, screen = SimulatedWindow(monkeypatch), Screen(Phase.LIVE, farewell=Farewell(near=True))
        window.show(screen)
        left, top, *_ = farewell.button(SIZE)
        window.pointed(display.cv2.EVENT_LBUTTONDOWN, left + 1, top + 1, 0, None)  # type: ignore[operator]
        window.show(screen)
        assert window.word is Word.GO_ON

    def test_a_touch_that_confirms_a_warning_says_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        window = SimulatedWindow(monkeypatch)
        screen = Screen(Phase.LIVE, warning=Notice("w_1", "请注意", "please"), farewell=Farewell(near=True))
        window.show(screen)
        left, top, *_ = farewell.button(SIZE)
        window.pointed(display.cv2.EVENT_LBUTTONDOWN, left + 1, top + 1, 0, None)  # type: ignore[operator]
        window.show(screen)
        assert window.word is None

    def test_outside_of_a_visit_there_is_no_button(self, monkeypatch: pytest.MonkeyPatch) -> None:
        window = SimulatedWindow(monkeypatch)
        for _ in range(2 * SURE):
            assert self.pressed(window, Screen(Phase.WAITING)) is None
