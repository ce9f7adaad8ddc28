"""Tests of warnings in the terminal's state: what the room confirms is acknowledged to the server until it has it."""

from dataclasses import replace

from kiosk_agent.state.events import (
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
from tests.kiosk_agent.state.test_terminal import ROOM, VISIT, Story

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
