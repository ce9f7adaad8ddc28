"""Tests of the terminal's state machine, as stories of facts and effects."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.kernel.ids import Side
from config.articles.equipment import Cause
from config.check_in import Manner
from kiosk_agent.state import events as ev
from kiosk_agent.state.events import (
    CloseSocket,
    Effects,
    Fact,
    MediaClosed,
    MediaConnected,
    MediaKind,
    MediaLost,
    MediaSilent,
    OpenSocket,
    Phase,
    RulesConfirmed,
    RunSelfTest,
    SelfTested,
    SendRulesAcknowledgement,
    SendSelfTest,
    SessionSeen,
    SessionsSeen,
    SocketLost,
    SocketOpened,
    StartMedia,
    StopMedia,
    StopRequested,
    TimePassed,
    Visit,
    Welcomed,
)
from kiosk_agent.state.state import (
    CUT,
    ENDED_SCREEN,
    FIRST_RETRY,
    LONGEST_RETRY,
    NOT_RECEIVING,
    OFFLINE_GRACE,
    REFUSED_RETRY,
    RESEND,
    SILENCE,
    TEST_FRESH,
    backoff,
)
from kiosk_agent.state.terminal import TRANSITIONS, Terminal, step, wakes_at

ROOM = "room-1"
VISIT = Visit("s_1", Side.PRISON, ROOM, "check_in", starts=100.0)


class Story:
    """A terminal, its clock, and its effects so far."""

    def __init__(self) -> None:
        self.terminal, self.now = Terminal(), 0.0
        self.effects: list[Effects] = []

    def tell(self, *facts: Fact, after: float = 0.0) -> Effects:
        """Let `after` seconds pass and then the facts happen; return all their effects."""
        self.now += after
        collected: Effects = ()
        for fact in facts:
            self.terminal, effects = step(self.terminal, fact, self.now)
            collected += effects
        self.effects.append(collected)
        return collected

    def to_publishing(self) -> "Story":
        """Bring the terminal into the check-in of VISIT, with all media connected."""
        self.tell(TimePassed())
        self.tell(SocketOpened(), Welcomed(ROOM), SessionsSeen(()), SelfTested(True))
        self.tell(SessionSeen(VISIT))
        self.tell(*(MediaConnected(kind, 1) for kind in MediaKind))
        return self

    def see(self, state: str, *, media: bool = True, visit: Visit = VISIT) -> Effects:
        """Let the server report the session in `state`."""
        return self.tell(SessionSeen(replace(visit, state=state, tested=True, media=media)))


READ = RulesConfirmed("en", Manner.TOUCH)
REPORT = SendRulesAcknowledgement("s_1", "en", Manner.TOUCH)


class TestRules:
    """Yunnan 12, Guangdong 24: the people in the room acknowledge the rules, and the server has it in the end."""

    def test_are_reported_once_the_room_has_confirmed_them_and_no_sooner(self) -> None:
        story = Story().to_publishing()
        assert story.terminal.to_tell and not any(REPORT in effects for effects in story.effects)
        assert story.tell(READ) == (REPORT,)
        assert not story.terminal.to_tell

    def test_are_reported_again_until_the_server_has_them(self) -> None:
        story = Story().to_publishing()
        story.tell(READ)
        assert REPORT not in story.tell(TimePassed(), after=RESEND - 0.1)
        due = wakes_at(story.terminal)
        assert due is not None and due <= story.now + 0.11
        assert REPORT in story.tell(TimePassed(), after=0.11)
        story.see("check_in", visit=replace(VISIT, acknowledged=True))
        assert REPORT not in story.tell(TimePassed(), after=RESEND)
        assert story.terminal.rules is None and not story.terminal.to_tell

    def test_that_were_confirmed_without_a_server_are_reported_when_it_is_back(self) -> None:
        story = Story().to_publishing()
        assert REPORT not in story.tell(SocketLost(0.5), READ)
        effects = story.tell(TimePassed(), SocketOpened(), Welcomed(ROOM), SessionsSeen((VISIT,)), after=5)
        assert effects.count(REPORT) == 1

    def test_a_terminal_that_comes_back_asks_no_more_for_what_the_server_has(self) -> None:
        story = Story()
        story.tell(TimePassed())
        seen = replace(VISIT, acknowledged=True)
        story.tell(SocketOpened(), Welcomed(ROOM), SessionsSeen((seen,)), SelfTested(True))
        assert not story.terminal.to_tell
        assert story.tell(READ) == ()

    def test_confirmed_twice_are_one_report_and_the_first_counts(self) -> None:
        story = Story().to_publishing()
        story.tell(READ)
        assert story.tell(RulesConfirmed("zh", Manner.KEY)) == ()
        assert REPORT in story.tell(TimePassed(), after=RESEND)

    def test_are_confirmed_for_one_visit_only(self) -> None:
        story = Story().to_publishing()
        story.tell(READ)
        story.see("ended")
        story.tell(SessionSeen(replace(VISIT, id="s_2", starts=200.0)))
        assert story.terminal.to_tell and story.terminal.rules is None

    @pytest.mark.parametrize("state", ["live", "held"])
    def test_are_not_told_any_more_once_people_meet(self, state: str) -> None:
        story = Story().to_publishing()
        story.see(state)
        assert not story.terminal.to_tell and story.tell(READ) == ()

    def test_without_a_visit_there_is_nothing_to_confirm(self) -> None:
        story = Story()
        story.tell(TimePassed(), SocketOpened(), Welcomed(ROOM), SessionsSeen(()), SelfTested(True))
        assert story.tell(READ) == () and story.terminal.rules is None

    def test_a_terminal_without_people_acknowledges_them_by_itself_when_configured_so(self) -> None:
        story = Story()
        story.terminal = replace(story.terminal, acknowledges=True)
        story.to_publishing()
        reports = [effect for effects in story.effects for effect in effects if type(effect) is type(REPORT)]
        assert reports == [SendRulesAcknowledgement("s_1", "zh", Manner.UNATTENDED)]
        assert not Terminal().acknowledges

    def test_in_a_drill_they_are_acknowledged_as_unattended_and_in_the_next_visit_they_are_not(self) -> None:
        story = Story()
        drill = replace(VISIT, drill=True)
        story.tell(TimePassed(), SocketOpened(), Welcomed(ROOM), SessionsSeen((drill,)), SelfTested(True))
        reports = [effect for effects in story.effects for effect in effects if type(effect) is type(REPORT)]
        assert reports == [SendRulesAcknowledgement("s_1", "zh", Manner.UNATTENDED)]
        story.tell(SessionSeen(replace(drill, state="ended")), SessionSeen(replace(VISIT, id="s_2", starts=200.0)))
        assert story.terminal.to_tell and story.terminal.rules is None


class TestDay:
    """A day of a terminal from its start to the next visit."""

    def test_it_connects_tests_waits_publishes_goes_live_is_held_and_ends(self) -> None:
        story = Story()
        assert story.tell(TimePassed()) == (OpenSocket(),)
        assert story.tell(SocketOpened()) == ()
        assert story.terminal.phase is Phase.CONNECTED
        assert story.tell(Welcomed(ROOM)) == (RunSelfTest(Cause.OPENING),)
        assert story.terminal.phase is Phase.SELF_TEST
        story.tell(SessionsSeen(()), SelfTested(True))
        assert story.terminal.phase is Phase.WAITING
        assert story.tell(SessionSeen(VISIT)) == (
            SendSelfTest("s_1"),
            StartMedia(MediaKind.PUBLICATION, "s_1", Side.PRISON, 1),
            StartMedia(MediaKind.SUBSCRIPTION, "s_1", Side.VISITOR, 1),
            StartMedia(MediaKind.TALKBACK, "s_1", Side.PRISON, 1),
        )
        assert story.terminal.phase is Phase.PUBLISHING
        story.tell(*(MediaConnected(kind, 1) for kind in MediaKind))
        for state, phase in (("ready", Phase.PUBLISHING), ("live", Phase.LIVE), ("held", Phase.HELD)):
            assert story.see(state) == ()
            assert story.terminal.phase is phase
        assert story.see("ended") == tuple(StopMedia(kind, 1) for kind in MediaKind)
        assert story.terminal.ended == "s_1", "the screen shows its reason"
        assert story.terminal.phase is Phase.ENDED
        story.tell(*(MediaClosed(kind, 1) for kind in MediaKind))
        story.tell(TimePassed(), after=ENDED_SCREEN)
        assert story.terminal.phase is Phase.WAITING

    def test_the_next_visit_begins_its_check_in_during_this_one_and_gets_media_only_after_it(self) -> None:
        story = Story().to_publishing()
        story.see("live")
        following = replace(VISIT, id="s_2", starts=200.0)
        assert story.tell(SessionSeen(following)) == ()
        assert story.terminal.publication.session == "s_1"
        story.see("ended")
        story.tell(*(MediaClosed(kind, 1) for kind in MediaKind))
        assert story.terminal.publication.session == story.terminal.subscription.session == "s_2"

    def test_a_refused_talkback_connection_does_not_disturb_the_visit(self) -> None:
        """Officers cannot speak to this room then; the visit goes on."""
        story = Story().to_publishing()
        story.see("live")
        assert story.tell(MediaLost(MediaKind.TALKBACK, 1, 0.5)) == ()
        assert story.terminal.phase is Phase.LIVE
        due = wakes_at(story.terminal)
        assert due is not None
        assert story.tell(TimePassed(), after=due - story.now) == (
            StartMedia(MediaKind.TALKBACK, "s_1", Side.PRISON, 2),
        )

    def test_a_session_of_another_room_is_ignored(self) -> None:
        story = Story()
        story.tell(TimePassed())
        story.tell(SocketOpened(), Welcomed(ROOM), SessionsSeen((replace(VISIT, room="room-2"),)), SelfTested(True))
        assert not any(isinstance(effect, StartMedia) for effects in story.effects for effect in effects)


class TestSelfTest:
    """No visit is held on equipment that was not found good (Yunnan 12)."""

    def test_a_failed_test_is_reported_and_repeated_and_nothing_is_published_meanwhile(self) -> None:
        story = Story()
        story.tell(TimePassed())
        story.tell(SocketOpened(), Welcomed(ROOM), SessionsSeen((VISIT,)))
        assert story.tell(SelfTested(False)) == (SendSelfTest("s_1"),)
        due = wakes_at(story.terminal)
        assert due is not None
        assert story.tell(TimePassed(), after=due - story.now) == (RunSelfTest(Cause.VISIT),)
        started = story.tell(SelfTested(True))
        assert [type(order) for order in started] == [SendSelfTest, StartMedia, StartMedia, StartMedia]

    def test_an_old_result_is_not_reported_and_media_waits_for_a_new_test(self) -> None:
        story = Story()
        story.tell(TimePassed())
        story.tell(SocketOpened(), Welcomed(ROOM), SessionsSeen(()), SelfTested(True))
        assert story.tell(SessionSeen(VISIT), after=3600.0) == (RunSelfTest(Cause.VISIT),)
        assert story.terminal.phase is Phase.SELF_TEST
        assert [type(order) for order in story.tell(SelfTested(True))] == [
            SendSelfTest,
            StartMedia,
            StartMedia,
            StartMedia,
        ]

    def test_media_starts_on_equipment_that_the_staff_found_good(self) -> None:
        story = Story()
        story.tell(TimePassed())
        story.tell(SocketOpened(), Welcomed(ROOM), SessionsSeen((VISIT,)), SelfTested(False))
        assert [type(order) for order in story.see("check_in")] == [StartMedia, StartMedia, StartMedia]

    def test_no_test_runs_once_people_meet(self) -> None:
        story = Story().to_publishing()
        story.tell(SessionSeen(replace(VISIT, state="live", tested=False, media=True)))
        assert story.tell(TimePassed(), after=3600.0) == ()

    @pytest.mark.parametrize("cause", list(Cause))
    def test_a_test_that_is_asked_for_runs_once_without_a_visit(self, cause: Cause) -> None:
        story = Story()
        story.tell(TimePassed())
        story.tell(SocketOpened(), Welcomed(ROOM), SessionsSeen(()), SelfTested(True))
        assert story.tell(ev.TestRequested(cause), after=3600.0) == (RunSelfTest(cause),)
        assert story.terminal.phase is Phase.SELF_TEST
        assert story.tell(SelfTested(True)) == ()
        assert story.terminal.phase is Phase.WAITING
        assert story.tell(TimePassed(), after=3600.0) == ()

    def test_a_test_that_is_asked_for_in_check_in_runs_on_the_picture_that_is_sent(self) -> None:
        story = Story().to_publishing()
        story.see("check_in")
        assert story.tell(ev.TestRequested()) == (RunSelfTest(Cause.DEMAND),)
        assert story.terminal.phase is Phase.PUBLISHING
        assert MediaKind.PUBLICATION not in [getattr(effect, "kind", None) for effect in story.tell(SelfTested(True))]

    def test_a_test_that_is_asked_for_during_a_visit_runs_after_it(self) -> None:
        story = Story().to_publishing()
        story.see("live")
        assert story.tell(ev.TestRequested(), TimePassed(), after=60.0) == ()
        story.see("held")
        assert story.tell(TimePassed(), after=60.0) == ()
        assert RunSelfTest(Cause.DEMAND) not in story.see("ended"), "the publication is being closed"
        assert RunSelfTest(Cause.DEMAND) in story.tell(MediaClosed(MediaKind.PUBLICATION, 1))

    def test_a_result_that_the_server_has_is_not_reported_again_whatever_its_verdict(self) -> None:
        story = Story()
        story.tell(TimePassed())
        story.tell(SocketOpened(), Welcomed(ROOM), SessionsSeen((VISIT,)))
        assert SendSelfTest("s_1") in story.tell(SelfTested(True, "tst_1"))
        assert SendSelfTest("s_1") in story.tell(TimePassed(), after=RESEND)
        story.tell(*(MediaConnected(kind, 1) for kind in MediaKind))
        story.tell(SessionSeen(replace(VISIT, test="tst_1", media=True)))
        assert SendSelfTest("s_1") not in story.tell(TimePassed(), after=RESEND)
        assert RunSelfTest(Cause.VISIT) in story.tell(TimePassed(), after=TEST_FRESH)
        assert SendSelfTest("s_1") in story.tell(SelfTested(True, "tst_2"))

    def test_a_result_is_reported_again_until_the_server_has_it(self) -> None:
        story = Story().to_publishing()
        assert story.tell(TimePassed(), after=5.0) == (SendSelfTest("s_1"),)
        story.see("check_in")
        assert story.tell(TimePassed(), after=5.0) == ()


class TestReconnecting:
    """The terminal reconnects by itself after every interruption."""

    def test_waits_double_up_to_the_cap_and_are_spread_over_their_upper_half(self) -> None:
        assert [backoff(tries, 1.0) for tries in range(7)] == [0.5, 1, 2, 4, 8, 10, 10]
        assert backoff(3, 0.0) == 2.0

    @given(st.integers(0, 10_000), st.floats(0, 1, exclude_max=True))
    def test_no_wait_is_longer_than_the_cap_or_shorter_than_half_the_first(self, tries: int, jitter: float) -> None:
        assert FIRST_RETRY / 2 <= backoff(tries, jitter) <= LONGEST_RETRY

    def test_a_refused_terminal_waits_longer(self) -> None:
        story = Story()
        story.tell(TimePassed())
        story.tell(SocketLost(0.0, code=4009))
        assert story.terminal.socket_at == REFUSED_RETRY / 2

    def test_media_outlives_a_short_loss_of_the_socket(self) -> None:
        story = Story().to_publishing()
        story.see("live")
        assert story.tell(SocketLost(0.5)) == ()
        assert story.tell(TimePassed(), after=1.0) == (OpenSocket(),)
        live = replace(VISIT, state="live", tested=True, media=True)
        assert story.tell(SocketOpened(), Welcomed(ROOM), SessionsSeen((live,))) == ()
        assert story.terminal.phase is Phase.LIVE

    def test_media_stops_when_the_server_stays_away(self) -> None:
        story = Story().to_publishing()
        story.see("live")
        story.tell(SocketLost(0.5))
        assert StopMedia(MediaKind.PUBLICATION, 1) in story.tell(TimePassed(), after=OFFLINE_GRACE)

    def test_media_stops_at_the_limit_even_without_the_server(self) -> None:
        story = Story().to_publishing()
        story.see("live", visit=replace(VISIT, until=story.now + 3.0))
        story.tell(SocketLost(0.5))
        assert StopMedia(MediaKind.PUBLICATION, 1) not in story.tell(TimePassed(), after=2.9)
        assert StopMedia(MediaKind.PUBLICATION, 1) in story.tell(TimePassed(), after=0.2)

    def test_no_media_starts_before_the_sessions_are_known_again(self) -> None:
        story = Story().to_publishing()
        story.tell(SocketLost(0.5), MediaLost(MediaKind.PUBLICATION, 1, 0.5))
        effects = story.tell(TimePassed(), SocketOpened(), Welcomed(ROOM), after=5.0)
        assert not any(isinstance(effect, StartMedia) for effect in effects)
        assert StartMedia(MediaKind.PUBLICATION, "s_1", Side.PRISON, 2) in story.tell(SessionsSeen((VISIT,)))

    @pytest.mark.parametrize(("state", "patience"), [("ready", NOT_RECEIVING), ("live", CUT), ("held", CUT)])
    def test_a_subscription_of_which_the_server_knows_nothing_is_made_anew(self, state: str, patience: float) -> None:
        """While the gate is shut no packet is missed, so that silence proves nothing."""
        story = Story().to_publishing()
        story.tell(*(MediaConnected(kind, 1) for kind in MediaKind))
        unknown = replace(VISIT, state=state, tested=True, media=True, receiving=False)
        story.tell(SessionSeen(unknown), after=60.0)
        assert wakes_at(story.terminal) == story.now + patience
        story.tell(SessionSeen(unknown), after=patience - 0.1)
        assert story.tell(TimePassed(), after=0.2) == (StopMedia(MediaKind.SUBSCRIPTION, 1),)
        again = story.tell(MediaClosed(MediaKind.SUBSCRIPTION, 1))
        assert StartMedia(MediaKind.SUBSCRIPTION, "s_1", Side.VISITOR, 2) in again

    def test_a_subscription_that_the_server_soon_knows_again_is_left_alone(self) -> None:
        story = Story().to_publishing()
        story.tell(*(MediaConnected(kind, 1) for kind in MediaKind))
        seen = replace(VISIT, state="held", tested=True, media=True)
        for _ in range(5):
            story.tell(SessionSeen(replace(seen, receiving=False)), after=2.0)
            assert story.tell(TimePassed(), after=NOT_RECEIVING - 0.1) == ()
            assert story.tell(SessionSeen(seen)) == ()

    def test_a_lost_publication_is_made_again_after_the_wait(self) -> None:
        story = Story().to_publishing()
        story.see("live")
        story.tell(MediaLost(MediaKind.PUBLICATION, 1, 0.0), after=60.0)
        due = wakes_at(story.terminal)
        assert due == story.now + FIRST_RETRY / 2
        assert StartMedia(MediaKind.PUBLICATION, "s_1", Side.PRISON, 2) in story.tell(
            TimePassed(), after=due - story.now
        )

    def test_a_silent_far_room_is_subscribed_to_anew_only_while_live(self) -> None:
        story = Story().to_publishing()
        story.see("check_in")
        assert story.tell(MediaSilent(MediaKind.SUBSCRIPTION, 1, 60.0), after=60.0) == ()
        story.see("live")
        assert story.tell(MediaSilent(MediaKind.SUBSCRIPTION, 1, 61.0), after=1.0) == ()
        assert story.tell(MediaSilent(MediaKind.SUBSCRIPTION, 1, 60.0 + SILENCE), after=SILENCE - 1.0) == (
            StopMedia(MediaKind.SUBSCRIPTION, 1),
        )
        assert story.tell(MediaClosed(MediaKind.SUBSCRIPTION, 1)) == (
            StartMedia(MediaKind.SUBSCRIPTION, "s_1", Side.VISITOR, 2),
        )

    def test_a_publication_that_does_not_arrive_is_made_anew(self) -> None:
        story = Story().to_publishing()
        story.see("check_in", media=False)
        assert wakes_at(story.terminal) == 8.0
        assert story.tell(TimePassed(), after=8.0) == (StopMedia(MediaKind.PUBLICATION, 1),)

    @pytest.mark.parametrize("kind", [MediaKind.PUBLICATION, MediaKind.SUBSCRIPTION])
    def test_what_a_cut_path_carried_is_left_to_come_back_by_itself_while_people_meet(self, kind: MediaKind) -> None:
        """However long a connection had stood before: the time counts from the server's first word of it."""
        story = Story().to_publishing()
        arrives = replace(VISIT, state="live", tested=True, media=True)
        publishes = kind is MediaKind.PUBLICATION
        lost = replace(arrives, state="held", media=not publishes, receiving=publishes)
        story.tell(SessionSeen(arrives), after=600.0)
        assert story.tell(SessionSeen(lost), TimePassed(), after=1.0) == ()
        assert story.tell(TimePassed(), after=CUT - 0.1) == ()
        assert story.tell(SessionSeen(arrives), TimePassed(), after=0.2) == ()
        story.tell(SessionSeen(lost), after=1.0)
        assert story.tell(TimePassed(), after=CUT) == (StopMedia(kind, 1),)

    def test_nothing_is_given_up_where_the_socket_was_cut_as_well(self) -> None:
        story = Story().to_publishing()
        arrives = replace(VISIT, state="live", tested=True, media=True)
        story.tell(SessionSeen(arrives), after=600.0)
        assert story.tell(SocketLost(0.5), TimePassed(), after=6.0) == ()
        lost = replace(arrives, state="held", media=False, receiving=False)
        story.tell(TimePassed(), after=4.0)
        assert story.tell(SocketOpened(), Welcomed(ROOM), SessionsSeen((lost,)), TimePassed(), after=1.0) == ()
        assert story.tell(SessionSeen(arrives), TimePassed(), after=1.0) == ()

    def test_every_connection_is_made_anew_once_where_the_relay_was_interrupted(self) -> None:
        story = Story().to_publishing()
        story.see("live")
        gone = replace(VISIT, state="held", tested=True, media=False, receiving=False, relay_lost=True)
        assert set(story.tell(SessionSeen(gone), after=60.0)) == {StopMedia(kind, 1) for kind in MediaKind}
        story.tell(*(MediaClosed(kind, 1) for kind in MediaKind), *(MediaConnected(kind, 2) for kind in MediaKind))
        assert story.tell(SessionSeen(gone), TimePassed(), after=1.0) == ()

    def test_media_that_waits_for_another_attempt_is_tried_at_once_when_the_line_is_back(self) -> None:
        story = Story().to_publishing()
        story.see("live")
        for attempt in range(1, 4):
            story.tell(MediaLost(MediaKind.PUBLICATION, attempt, 0.9), after=1.0)
            story.tell(TimePassed(), after=9.0)
        story.tell(SocketLost(0.5), MediaLost(MediaKind.PUBLICATION, 4, 0.9))
        again = replace(VISIT, state="live", tested=True)
        effects = story.tell(TimePassed(), SocketOpened(), Welcomed(ROOM), SessionsSeen((again,)), after=1.0)
        assert StartMedia(MediaKind.PUBLICATION, "s_1", Side.PRISON, 5) in effects


class TestStopping:
    """The orderly end of the program, as by SIGTERM."""

    def test_resources_close_first_and_the_socket_last(self) -> None:
        story = Story().to_publishing()
        assert story.tell(StopRequested()) == tuple(StopMedia(kind, 1) for kind in MediaKind)
        assert story.tell(MediaClosed(MediaKind.PUBLICATION, 1), MediaClosed(MediaKind.SUBSCRIPTION, 1)) == ()
        assert story.tell(MediaClosed(MediaKind.TALKBACK, 1)) == (CloseSocket(),)
        assert story.terminal.down

    def test_every_phase_handles_the_stop(self) -> None:
        assert all(StopRequested in handled for handled in TRANSITIONS.values())
