"""After a loss the gate opens again only when its cause has been gone for a policy time: what comes and goes is one
hold, one alert and one entry, and the gate is never open while a cause stands."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.session import events as ev
from broker.session.effects import AlertKind, AlertRaised, Effect, LeaseGate, Reason, ShutGate
from broker.session.events import Fact
from broker.session.readiness import lost
from broker.session.state import State
from tests.support.session_story import (
    OFFICER,
    PRISON,
    PUBLISHING,
    RECEIVING,
    SITES,
    VISITOR,
    WATCHED,
    YUNNAN,
    Visit,
    live,
    officers,
)

AGAIN = YUNNAN.reopen_after.total_seconds()
CAUSES: dict[str, tuple[list[Fact], list[Fact]]] = {
    "quorum": ([ev.WatchersChanged(officers(visitor=1))], [WATCHED]),
    "sends": ([ev.RoomMedia(PRISON, False)], [ev.RoomMedia(PRISON, True)]),
    "receives": ([ev.RoomReceiving(VISITOR, False)], [ev.RoomReceiving(VISITOR, True)]),
    "storage": ([ev.StorageChanged(False)], [ev.StorageChanged(True)]),
    "recorder": ([ev.RecorderLost("stalled")], [ev.RecorderReady(), ev.RecorderFlushed()]),
    "relay": ([ev.RelayLost("died")], [ev.RelayReady(), *PUBLISHING, *RECEIVING, WATCHED]),
}


def openings(visit: Visit) -> int:
    """How often the gate opened: leases that follow a shut gate, and the first one."""
    opened, shut = 0, True
    for effect in visit.effects:
        if isinstance(effect, LeaseGate) and shut:
            opened, shut = opened + 1, False
        shut = shut or isinstance(effect, ShutGate)
    return opened


@pytest.mark.parametrize("cause", CAUSES)
class TestAFlickeringCause:
    def test_is_one_hold_and_one_shutting(self, cause: str) -> None:
        visit, (broken, mended) = live(), CAUSES[cause]
        for _ in range(100):
            visit.tell(*broken)
            visit.wait(0.3)
            visit.tell(*mended)
            visit.wait(0.4)
        assert visit.state is State.HELD and openings(visit) == 1
        held = [one for one in visit.effects if isinstance(one, ShutGate) and one.why != "taken_up"]
        assert len(held) == 1
        visit.wait(AGAIN - 0.4 - 0.001)
        assert not visit.crossing()
        visit.wait(0.002)
        assert visit.crossing() and openings(visit) == 2

    def test_shuts_the_gate_at_once_each_time(self, cause: str) -> None:
        visit, (broken, mended) = live(), CAUSES[cause]
        for _ in range(5):
            visit.tell(*broken)
            assert not visit.crossing()
            visit.tell(*mended)
            visit.wait(AGAIN)
            assert visit.crossing()

    def test_calls_the_officers_once(self, cause: str) -> None:
        visit, (broken, mended) = live(), CAUSES[cause]
        for _ in range(60):
            visit.tell(*broken)
            visit.wait(0.3)
            visit.tell(*mended)
            visit.wait(0.4)
        grave = {AlertKind.QUORUM_AT_RISK, AlertKind.ROOM_LOST, AlertKind.RECORDER}
        calls = [(one.kind, one.side) for one in visit.calls if isinstance(one, AlertRaised) and one.kind in grave]
        assert len(calls) == len(set(calls))
        assert bool(calls) is (cause != "storage"), "what holds the visit calls; storage is the operators' own"

    def test_that_never_stays_away_ends_with_the_grace_of_the_first_loss(self, cause: str) -> None:
        visit, (broken, mended) = live(), CAUSES[cause]
        first = visit.now.mono
        while visit.state is not State.ENDED and visit.now.mono < first + 400:
            visit.tell(*broken)
            visit.wait(1.5)
            visit.tell(*(mended if visit.state is not State.ENDED else []))
            visit.wait(1.5)
        end = visit.session.end
        assert end is not None and end.reason is Reason.TECHNICAL
        over = visit.now.mono - first - YUNNAN.hold_grace.total_seconds()
        assert 0 <= over <= 3.0

    def test_that_was_truly_gone_begins_a_new_grace(self, cause: str) -> None:
        visit, (broken, mended) = live(), CAUSES[cause]
        for _ in range(3):
            visit.tell(*broken)
            visit.wait(170)
            visit.tell(*mended)
            visit.wait(AGAIN)
            assert visit.crossing()


class TestAnOfficersHold:
    def test_is_lifted_without_a_pause_when_nothing_was_lost(self) -> None:
        visit = live()
        visit.tell(ev.HoldOrdered(OFFICER, SITES[PRISON], "YN-16-2"), ev.ResumeOrdered(OFFICER, SITES[PRISON]))
        assert visit.crossing()

    def test_waits_for_what_flickered_under_it(self) -> None:
        visit = live()
        visit.tell(ev.HoldOrdered(OFFICER, SITES[PRISON], "YN-16-2"), ev.RoomMedia(PRISON, False))
        visit.wait(10)
        visit.tell(ev.RoomMedia(PRISON, True))
        visit.wait(1)
        visit.tell(ev.ResumeOrdered(OFFICER, SITES[PRISON]))
        assert not visit.crossing()
        visit.wait(AGAIN - 1)
        assert visit.crossing()

    def test_that_outlasts_what_flickered_is_lifted_at_once(self) -> None:
        visit = live()
        visit.tell(ev.RoomMedia(PRISON, False), ev.HoldOrdered(OFFICER, SITES[PRISON], "YN-16-2"))
        visit.tell(ev.RoomMedia(PRISON, True))
        visit.wait(60)
        visit.tell(ev.ResumeOrdered(OFFICER, SITES[PRISON]))
        assert visit.crossing()


class TestAnyFlicker:
    @given(
        story=st.lists(st.tuples(st.sampled_from(list(CAUSES)), st.booleans(), st.floats(0, 3)), max_size=60),
        seconds=st.integers(1, 10),
    )
    @settings(max_examples=200, deadline=None)
    def test_opens_no_oftener_than_the_policy_time_allows(
        self, story: list[tuple[str, bool, float]], seconds: int
    ) -> None:
        policy = replace(YUNNAN, reopen_after=timedelta(seconds=seconds))
        visit = Checked(policy)
        began = visit.now.mono
        for cause, breaks, pause in story:
            if visit.state is State.ENDED:
                break
            visit.tell(*CAUSES[cause][0 if breaks else 1])
            visit.wait(pause)
        assert openings(visit) <= (visit.now.mono - began) / seconds + 1
        if visit.state is not State.ENDED:
            for _, mended in CAUSES.values():
                visit.tell(*mended)
            visit.wait(seconds)
            assert visit.crossing(), "what is well opens again after the time, not later"


class Checked(Visit):
    """A live visit whose gate is looked at after every step."""

    def __init__(self, policy: object) -> None:
        whole = live(policy=policy)
        self.__dict__.update(whole.__dict__)

    def settled(self, effects: tuple[Effect, ...]) -> None:
        """No gate is open while a cause stands, and no lease is given then."""
        if lost(self.session, self.policy):
            assert not self.crossing() and not any(isinstance(effect, LeaseGate) for effect in effects)
