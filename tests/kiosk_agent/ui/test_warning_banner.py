"""Tests of a warning in the room: it is over the rest of the screen until the room confirms it, and the confirmation is
acknowledged to the server."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from config.pack_loader import load_pack, packs
from kiosk_agent.state.events import (
    Phase,
    SendAcknowledgement,
    SessionSeen,
    SessionsSeen,
    SocketLost,
    SocketOpened,
    TimePassed,
    WarningConfirmed,
    Welcomed,
)
from kiosk_agent.state.state import RESEND
from kiosk_agent.state.terminal import Terminal
from kiosk_agent.ui import display, text_drawing, warning_banner
from kiosk_agent.ui.display import Screen, Window, compose
from kiosk_agent.ui.warning_banner import RED, Notice
from tests.kiosk_agent.state.test_terminal import ROOM, VISIT, Story
from tests.kiosk_agent.ui.test_display import SIZE, _far

LIVE = replace(VISIT, state="live", tested=True, media=True)
WARNED = replace(LIVE, warnings=("w_1",))
ACKNOWLEDGED = SendAcknowledgement("s_1", "w_1")


def _live() -> Story:
    story = Story().to_publishing()
    story.tell(SessionSeen(LIVE))
    return story


class TestTerminal:
    def test_a_confirmed_warning_is_acknowledged_at_once(self) -> None:
        story = _live()
        assert story.tell(SessionSeen(WARNED), TimePassed(), after=20) == ()
        assert story.terminal.unread == ("w_1",)
        assert story.tell(WarningConfirmed("w_1")) == (ACKNOWLEDGED,)
        assert story.terminal.unread == ()

    def test_the_acknowledgement_is_repeated_until_the_server_has_it(self) -> None:
        story = _live()
        story.tell(SessionSeen(WARNED), WarningConfirmed("w_1"))
        assert story.tell(TimePassed(), after=RESEND - 0.1) == ()
        assert story.tell(TimePassed(), after=0.1) == (ACKNOWLEDGED,)
        story.tell(SessionSeen(LIVE))
        assert story.terminal.confirmed == ()
        assert story.tell(TimePassed(), after=RESEND) == ()

    def test_a_confirmation_without_a_socket_is_acknowledged_after_the_reconnect(self) -> None:
        story = _live()
        story.tell(SessionSeen(WARNED), SocketLost(0.5))
        assert ACKNOWLEDGED not in story.tell(WarningConfirmed("w_1"))
        assert story.terminal.unread == ()
        effects = story.tell(TimePassed(), SocketOpened(), Welcomed(ROOM), SessionsSeen((WARNED,)), after=5)
        assert effects.count(ACKNOWLEDGED) == 1

    def test_an_unknown_warning_is_not_confirmed(self) -> None:
        story = _live()
        assert story.tell(WarningConfirmed("w_9")) == ()
        story.tell(SessionSeen(WARNED), WarningConfirmed("w_1"))
        assert story.tell(WarningConfirmed("w_1")) == ()

    def test_a_second_warning_needs_a_confirmation_of_its_own(self) -> None:
        story = _live()
        story.tell(SessionSeen(WARNED), WarningConfirmed("w_1"))
        story.tell(SessionSeen(replace(LIVE, warnings=("w_1", "w_2"))))
        assert story.terminal.unread == ("w_2",)

    def test_a_terminal_without_a_screen_confirms_by_itself_when_configured_so(self) -> None:
        story = _live()
        story.terminal = replace(story.terminal, confirms=True)
        assert story.tell(SessionSeen(WARNED)) == (ACKNOWLEDGED,)
        assert not Terminal().confirms


def _red(screen: NDArray[np.uint8]) -> int:
    return int((screen == np.array(RED, np.uint8)).all(axis=2).sum())


NOTICE = Notice("w_1", "不准使用隐语、暗语、非规定语种交谈。", "No coded speech and no other language.")


class TestBanner:
    @pytest.mark.parametrize("phase", [Phase.PUBLISHING, Phase.LIVE, Phase.HELD])
    def test_it_is_red_and_large_over_every_screen(self, phase: Phase) -> None:
        plain, warned = (compose(Screen(phase, far=_far(), warning=each), SIZE) for each in (None, NOTICE))
        assert _red(plain) == 0
        assert _red(warned) > 0.15 * SIZE[0] * SIZE[1]
        assert np.array_equal(plain[:120], warned[:120]), "the far picture is still visible above it"

    def test_its_text_is_drawn(self) -> None:
        other = replace(NOTICE, zh="请不要大声喧哗、吵闹。", en="Do not shout.")
        assert not np.array_equal(*(compose(Screen(Phase.LIVE, warning=each), SIZE) for each in (NOTICE, other)))

    @pytest.mark.parametrize("text", ["长" * 120, "w" * 120, "word " * 24, "请注意 please " * 12])
    def test_the_longest_texts_fit(self, text: str) -> None:
        warned = compose(Screen(Phase.LIVE, warning=Notice("w_1", text, text, 3)), SIZE)
        assert _red(warned[:150]) == 0
        assert _red(warned[540:]) == 0

    @pytest.mark.parametrize("size", [(1920, 1080), (1280, 720), (960, 600)])
    @pytest.mark.parametrize("pack", packs())
    def test_a_regulations_own_words_can_be_read_at_two_metres(self, pack: str, size: tuple[int, int]) -> None:
        """A letter of a twentieth of a screen of 30 cm is 15 mm high, which is read from twice as far."""
        width, height = size
        for words in load_pack(pack).warnings:
            assert words.en.isascii(), "drawn without a Chinese font"
            notice = Notice(words.id, words.zh, words.en)
            rows = warning_banner._rows(notice, height, width - 2 * (width // 30), text_drawing.has_chinese())
            assert max(letters for _, letters in rows) >= height / 20
            warned = compose(Screen(Phase.HELD, warning=notice), size)
            assert _red(warned[: height // 5]) == 0 and _red(warned[height * 9 // 10 :]) == 0

    def test_without_a_chinese_font_the_text_is_english_even_for_an_officers_own(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(text_drawing, "has_chinese", lambda: False)
        own = Notice("w_1", "请不要大声说话", "请不要大声说话")
        for notice in (NOTICE, own):
            assert _red(compose(Screen(Phase.LIVE, warning=notice), SIZE)) > 10_000

    def test_a_mute_is_shown_to_the_room(self) -> None:
        muted = [frozenset(), frozenset({"near"}), frozenset({"far"})]
        assert len({compose(Screen(Phase.LIVE, muted=each), SIZE).tobytes() for each in muted}) == 3


class TestLines:
    def test_chinese_breaks_between_characters_and_english_between_words(self) -> None:
        assert len(text_drawing.lines("一二三四五六七八九十", 40, 170)) == 3
        assert text_drawing.lines("no coded speech", 30, 200) == ["no coded", "speech"]

    def test_nothing_is_lost(self) -> None:
        text = "请注意：no coded speech，不得喧哗"
        assert "".join("".join(text_drawing.lines(text, 40, 150)).split()) == "".join(text.split())


class SimulatedWindow(Window):
    """Window without a display; `key` and `touch` are what a person in the room does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.key = -1
        monkeypatch.setattr(display, "_display_works", lambda: True)
        monkeypatch.setattr(display.cv2, "imshow", lambda _title, picture: None)
        monkeypatch.setattr(display.cv2, "waitKey", lambda _milliseconds: self.key)
        monkeypatch.setattr(display.cv2, "setMouseCallback", self._set_callback)
        super().__init__("test")

    def _set_callback(self, _title: str, pointed: object) -> None:
        self.pointed = pointed

    def touch(self) -> None:
        """Touch the screen, as a person in the room."""
        self.pointed(display.cv2.EVENT_LBUTTONDOWN, 10, 10, 0, None)  # type: ignore[operator]

    def read(self, notice: Notice) -> None:
        """Show the warning for as long as a person needs to read it."""
        for _ in range(display._READ):
            assert self.show(Screen(Phase.LIVE, warning=notice)) is None


class TestConfirmation:
    @pytest.mark.parametrize("key", [10, 13, 32])
    def test_by_enter_and_by_the_space_bar(self, key: int, monkeypatch: pytest.MonkeyPatch) -> None:
        window = SimulatedWindow(monkeypatch)
        window.read(NOTICE)
        window.key = key
        assert window.show(Screen(Phase.LIVE, warning=NOTICE)) == "w_1"

    def test_by_touch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        window = SimulatedWindow(monkeypatch)
        window.read(NOTICE)
        window.touch()
        assert window.show(Screen(Phase.LIVE, warning=NOTICE)) == "w_1"
        assert window.show(Screen(Phase.LIVE, warning=NOTICE)) is None

    def test_a_touch_before_the_warning_could_be_read_does_not_count(self, monkeypatch: pytest.MonkeyPatch) -> None:
        window = SimulatedWindow(monkeypatch)
        window.show(Screen(Phase.LIVE))
        window.touch()
        window.read(NOTICE)
        assert window.show(Screen(Phase.LIVE, warning=NOTICE)) is None
        window.touch()
        window.read(replace(NOTICE, id="w_2"))

    def test_other_keys_and_touches_without_a_warning_mean_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        window = SimulatedWindow(monkeypatch)
        window.read(NOTICE)
        window.key = ord("q")
        assert window.show(Screen(Phase.LIVE, warning=NOTICE)) is None
        window.key = 13
        assert window.show(Screen(Phase.LIVE)) is None
