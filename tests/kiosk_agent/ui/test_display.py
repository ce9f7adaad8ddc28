"""Tests of the room's screen, painted without a display."""

import numpy as np
import pytest
from av import VideoFrame

from broker.kernel.ids import Side
from huijian.demo.synthetic.frame_code import FrameCode, code_in
from huijian.demo.synthetic.sources import GeneratedVideo
from kiosk_agent.media.source import SourceClock
from kiosk_agent.state.events import Phase
from kiosk_agent.ui import display, text_drawing
from kiosk_agent.ui.display import WORDS, Screen, Window, compose

SIZE = (960, 600)


def _far() -> VideoFrame:
    picture = GeneratedVideo(Side.VISITOR, SourceClock()).picture(7)
    return VideoFrame.from_ndarray(picture, format="yuv420p")


class TestScreen:
    """Screens of the phases, one for each."""

    @pytest.mark.parametrize("phase", list(Phase))
    def test_each_phase_has_a_text_in_both_languages_and_a_screen(self, phase: Phase) -> None:
        zh, en = WORDS[phase]
        assert not zh.isascii()
        assert en.isascii()
        assert compose(Screen(phase), SIZE).shape == (600, 960, 3)
        assert compose(Screen(phase), SIZE).std() > 5

    def test_the_far_room_is_shown_while_live(self) -> None:
        screen = compose(Screen(Phase.LIVE, far=_far()), SIZE)
        area = screen[:540]
        assert code_in(area) == FrameCode(Side.VISITOR, 7)

    @pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.LIVE])
    def test_the_far_room_is_shown_in_no_other_phase(self, phase: Phase) -> None:
        assert np.array_equal(compose(Screen(phase, far=_far()), SIZE), compose(Screen(phase), SIZE))

    def test_the_reason_of_a_hold_is_shown(self) -> None:
        plain = compose(Screen(Phase.HELD), SIZE)
        with_reason = compose(Screen(Phase.HELD, reason=("监督人员不足", "A supervisor left")), SIZE)
        assert not np.array_equal(plain, with_reason)

    @pytest.mark.parametrize("phase", [Phase.PUBLISHING, Phase.LIVE, Phase.HELD])
    def test_talkback_is_announced_over_every_screen(self, phase: Phase) -> None:
        quiet, announced = (compose(Screen(phase, far=_far(), talkback=talkback), SIZE) for talkback in (False, True))
        assert announced[5, 5].tolist() != quiet[5, 5].tolist()
        assert np.array_equal(quiet[60:], announced[60:])

    def test_the_countdown_changes_every_second_and_stops_at_zero(self) -> None:
        def at(seconds: float) -> bytes:
            return compose(Screen(Phase.LIVE, remaining=seconds), SIZE).tobytes()

        assert at(90.2) == at(90.9)
        assert at(90.2) != at(89.9)
        assert at(0.0) == at(-5.0)

    def test_without_a_chinese_font_the_text_is_english(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(text_drawing, "has_chinese", lambda: False)
        assert compose(Screen(Phase.HELD, reason=("监督人员不足", "A supervisor left")), SIZE).std() > 5


class TestWindow:
    """Window of the kiosk's screen. Qt ends the process when there is no display, which must not end a kiosk."""

    @pytest.mark.parametrize("address", ["", ":987654"])
    def test_without_a_display_it_is_headless(self, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DISPLAY", address)
        window = Window("test")
        window.show(Screen(Phase.WAITING))
        window.close()
        assert not window.usable

    def test_what_is_composed_is_shown(self, monkeypatch: pytest.MonkeyPatch) -> None:
        shown: list[np.ndarray] = []
        monkeypatch.setattr(display, "_display_works", lambda: True)
        monkeypatch.setattr(display.cv2, "imshow", lambda _title, picture: shown.append(picture))
        monkeypatch.setattr(display.cv2, "waitKey", lambda _milliseconds: -1)
        monkeypatch.setattr(display.cv2, "setMouseCallback", lambda _title, _pointed: None)
        Window("test").show(Screen(Phase.HELD))
        assert np.array_equal(shown[0], compose(Screen(Phase.HELD)))
