"""Property tests of the terminal's state machine: facts in any order, late or missing, and a server that reports
anything."""

from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from broker.kernel.ids import Side
from config.articles.equipment import Cause
from config.check_in import Manner
from kiosk_agent.state import events as ev
from kiosk_agent.state.events import (
    CloseSocket,
    Fact,
    MediaClosed,
    MediaConnected,
    MediaKind,
    MediaLost,
    MediaSilent,
    MediaStatus,
    OpenSocket,
    RulesConfirmed,
    RunSelfTest,
    SelfTested,
    SendAcknowledgement,
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
    WarningConfirmed,
    Welcomed,
)
from kiosk_agent.state.terminal import Terminal, step, wakes_at

ROOM = "room-1"
VISIT = Visit("s_1", Side.PRISON, ROOM, "check_in", starts=100.0)


_STATES = st.sampled_from(["scheduled", "check_in", "ready", "live", "held", "ended"])
_VISITS = st.builds(
    Visit,
    id=st.sampled_from(["s_1", "s_2", "s_3"]),
    side=st.sampled_from(list(Side)),
    room=st.sampled_from([ROOM, ROOM, "room-2"]),
    state=_STATES,
    starts=st.sampled_from([100.0, 200.0]),
    tested=st.booleans(),
    media=st.booleans(),
    until=st.none() | st.floats(0, 1000),
    acknowledged=st.booleans(),
    warnings=st.lists(st.sampled_from(["w_1", "w_2", "w_3"]), max_size=2, unique=True).map(tuple),
)
_JITTER = st.floats(0, 1, exclude_max=True)
_KINDS = st.sampled_from(list(MediaKind))


class AnyWorld(RuleBasedStateMachine):
    """Environment that carries out effects late or never, and whose server reports anything."""

    def __init__(self) -> None:
        super().__init__()
        self.terminal, self.now = Terminal(), 0.0
        self.open: dict[str, Visit] = {}
        self.alive: dict[MediaKind, int] = {}
        self.closing: dict[MediaKind, int] = {}
        self.socket = "none"
        self.testing = False
        self.stopped = False
        self.tell(TimePassed())

    def tell(self, fact: Fact) -> None:
        """Make one step and check every effect against the real state of the environment."""
        self.terminal, effects = step(self.terminal, fact, self.now)
        for effect in effects:
            self.perform(effect)
        if isinstance(fact, TimePassed):
            due = wakes_at(self.terminal)
            assert due is None or due > self.now, "the loop would not wait"

    def perform(self, effect: object) -> None:
        match effect:
            case OpenSocket():
                assert self.socket == "none"
                self.socket = "opening"
            case RunSelfTest():
                assert not self.testing
                self.testing = True
            case StartMedia(kind=kind, session=session, side=side, attempt=attempt):
                assert kind not in self.alive, "two of a kind at once"
                assert self.socket == "welcome"
                assert not self.stopped
                visit = self.open[session]
                assert visit.open
                assert visit.room == ROOM
                assert side is (visit.side.other if kind is MediaKind.SUBSCRIPTION else visit.side)
                self.alive[kind] = attempt
            case StopMedia(kind=kind, attempt=attempt):
                assert self.alive[kind] == attempt
                self.closing[kind] = attempt
            case CloseSocket():
                assert not self.alive
            case SendAcknowledgement(session=session, warning=warning):
                assert self.socket == "welcome"
                assert warning in self.open[session].warnings, "the server lists no such warning"
            case SendRulesAcknowledgement(session=session):
                assert self.socket == "welcome"
                assert self.open[session].to_tell, "the server asks for no acknowledgement"
            case _:
                assert isinstance(effect, SendSelfTest)

    @rule(seconds=st.floats(0.01, 90))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.tell(TimePassed())

    @precondition(lambda self: self.socket == "opening")
    @rule()
    def the_socket_opens(self) -> None:
        self.socket = "open"
        self.tell(SocketOpened())

    @precondition(lambda self: self.socket != "none")
    @rule(jitter=_JITTER, code=st.sampled_from([0, 1001, 4001, 4009]))
    def the_socket_breaks(self, jitter: float, code: int) -> None:
        self.socket = "none"
        self.tell(SocketLost(jitter, code))

    @precondition(lambda self: self.socket == "open")
    @rule(visits=st.lists(_VISITS, max_size=3, unique_by=lambda visit: visit.id))
    def the_server_welcomes_it(self, visits: list[Visit]) -> None:
        self.socket, self.open = "welcome", {visit.id: visit for visit in visits}
        self.tell(Welcomed(ROOM))
        self.tell(SessionsSeen(tuple(visits)))

    @precondition(lambda self: self.socket == "welcome")
    @rule(visit=_VISITS)
    def the_server_reports_a_session(self, visit: Visit) -> None:
        self.open[visit.id] = visit
        self.tell(SessionSeen(visit))

    @precondition(lambda self: self.testing)
    @rule(passed=st.booleans())
    def the_self_test_ends(self, passed: bool) -> None:
        self.testing = False
        self.tell(SelfTested(passed))

    @rule(cause=st.sampled_from(list(Cause)))
    def a_test_is_asked_for(self, cause: Cause) -> None:
        was_testing = self.testing
        self.tell(ev.TestRequested(cause))
        assert self.testing is was_testing or not self.terminal.meeting, "people meet"

    @rule(kind=_KINDS, stale=st.booleans())
    def media_connects(self, kind: MediaKind, stale: bool) -> None:
        self.tell(MediaConnected(kind, self.alive.get(kind, 0) - stale))

    @rule(kind=_KINDS, jitter=_JITTER)
    def media_is_lost(self, kind: MediaKind, jitter: float) -> None:
        if kind in self.alive and kind not in self.closing:
            self.tell(MediaLost(kind, self.alive.pop(kind), jitter))

    @rule(kind=_KINDS)
    def media_is_closed(self, kind: MediaKind) -> None:
        if kind in self.closing:
            del self.alive[kind]
            self.tell(MediaClosed(kind, self.closing.pop(kind)))

    @rule(kind=_KINDS, seconds=st.floats(0, 100))
    def media_is_silent(self, kind: MediaKind, seconds: float) -> None:
        self.tell(MediaSilent(kind, self.alive.get(kind, 0), seconds))

    @rule(warning=st.sampled_from(["w_1", "w_2", "w_3"]))
    def the_room_confirms_a_warning(self, warning: str) -> None:
        self.tell(WarningConfirmed(warning))
        assert warning not in self.terminal.unread

    @rule(manner=st.sampled_from(list(Manner)))
    def the_room_confirms_the_rules(self, manner: Manner) -> None:
        self.tell(RulesConfirmed("zh", manner))
        assert not self.terminal.to_tell

    @rule()
    def late_facts_of_an_old_attempt_arrive(self) -> None:
        self.tell(MediaLost(MediaKind.PUBLICATION, -1, 0.5))
        self.tell(MediaClosed(MediaKind.PUBLICATION, -1))

    @precondition(lambda self: not self.stopped and self.now > 200)
    @rule()
    def it_is_asked_to_stop(self) -> None:
        self.stopped = True
        self.tell(StopRequested())

    @invariant()
    def what_is_published_is_still_wanted_or_being_closed(self) -> None:
        publication = self.terminal.publication
        if publication.busy and self.socket == "welcome":
            assert publication.session is not None
            assert self.open[publication.session].open

    def teardown(self) -> None:
        """Check that once the environment works again, the visit gets its media, or everything is closed."""
        visit = replace(VISIT, state="ready", tested=True, media=True)
        for _ in range(200):
            if self.stopped:
                self.finish_closing()
            else:
                self.heal(visit)
            due = wakes_at(self.terminal)
            self.now = max(self.now, due if due is not None else self.now) + 0.01
            self.tell(TimePassed())
        if self.stopped:
            assert self.terminal.down
        else:
            all_media = [self.terminal.media(kind) for kind in MediaKind]
            assert [(media.status, media.session) for media in all_media] == [(MediaStatus.UP, "s_1")] * 3

    def heal(self, visit: Visit) -> None:
        """Carry out every effect at once, and let the server report one open session."""
        if self.socket == "opening":
            self.the_socket_opens()
        if self.socket == "open":
            self.the_server_welcomes_it([visit])
        if self.socket == "welcome" and set(self.open) != {"s_1"}:
            self.open = {"s_1": visit}
            self.tell(SessionsSeen((visit,)))
        if self.socket == "welcome":
            self.the_server_reports_a_session(visit)
        if self.testing:
            self.the_self_test_ends(True)
        self.finish_closing()
        for kind, attempt in list(self.alive.items()):
            self.tell(MediaConnected(kind, attempt))

    def finish_closing(self) -> None:
        """Close the media that was asked to stop."""
        for kind in list(self.closing):
            self.media_is_closed(kind)


AnyWorld.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestAnyWorld = AnyWorld.TestCase
