"""What the facts of relay workers mean for viewers, rooms and talkback."""

from typing import Any

import pytest
from msgspec.structs import replace

from broker.ipc.relay_messages import (
    MediaReport,
    PicturesThinned,
    ResourceClosed,
    SideCounts,
    SideMedia,
    Subscription,
    SubscriptionChanged,
    TalkbackChanged,
)
from broker.kernel.ids import ResourceId, Side, UserId
from broker.presence.quorum import observer_name
from broker.session import events as ev
from broker.session.state import State
from tests.support.control.live_visit import LiveVisit

SUPERVISOR = Subscription(
    resource=ResourceId("r"),
    side=Side.PRISON,
    subscriber="li@first-prison",
    gated=False,
    on=True,
    consent=True,
    reports=True,
)


@pytest.fixture
def visit() -> LiveVisit:
    visit = LiveVisit()
    visit.facts.clear()
    return visit


class TestViewers:
    """A subscription is known at once when it changes, in full once a second, and goes with its connection or relay."""

    def test_a_change_is_known_at_once(self, visit: LiveVisit) -> None:
        changed = replace(SUPERVISOR, reports=False, on=False)
        visit.relay(SubscriptionChanged(session=visit.id, subscription=changed))
        viewer = visit.runner.viewers[ResourceId("r")]
        assert (viewer.consent, viewer.receiving) == (True, False)

    def test_a_report_replaces_all_that_was_known(self, visit: LiveVisit) -> None:
        visit.relay(SubscriptionChanged(session=visit.id, subscription=replace(SUPERVISOR, resource="gone")))
        sides = {side: SideCounts() for side in Side}
        report = MediaReport(session=visit.id, sides=sides, subscriptions=(replace(SUPERVISOR, round_trip=0.02),))
        visit.relay(report)
        assert {name: viewer.round_trip for name, viewer in visit.runner.viewers.items()} == {"r": 0.02}

    def test_a_person_who_looks_on_is_told_to_officers_journal_and_timeline(self, visit: LiveVisit) -> None:
        looks_on = replace(SUPERVISOR, subscriber=observer_name(UserId("wang")))
        for resource in ("r", "q"):
            subscription = replace(looks_on, resource=ResourceId(resource))
            visit.relay(SubscriptionChanged(session=visit.id, subscription=subscription))
            visit.relay(ResourceClosed(session=visit.id, resource=ResourceId(resource), why="closed"))
        noted = [data["observers"] for kind, _, _, data in visit.journal.entries if kind == "ObserversChanged"]
        written = [event["observers"] for event in visit.recorder.events if event["kind"] == "observers"]
        assert noted == written == [["wang"], [], ["wang"], []]

    def test_they_go_with_the_connection_and_with_the_relay(self, visit: LiveVisit) -> None:
        for resource in ("r", "q"):
            subscription = replace(SUPERVISOR, resource=ResourceId(resource))
            visit.relay(SubscriptionChanged(session=visit.id, subscription=subscription))
        visit.relay(ResourceClosed(session=visit.id, resource=ResourceId("r"), why="closed"))
        assert set(visit.runner.viewers) == {"q"}
        visit.relay_facts.workers_down([visit.id])
        assert visit.runner.viewers == {}


def test_a_room_with_sound_alone_counts_as_absent(visit: LiveVisit) -> None:
    both = SideMedia(session=visit.id, side=Side.PRISON, on=True, picture=True, sound=True)
    visit.relay(both)
    assert visit.facts == []  # it was there already
    visit.relay(replace(both, on=False, picture=False))
    assert visit.facts == [ev.RoomMedia(Side.PRISON, False)]


class TestARoomThatReceives:
    """The gate is open only while both rooms receive; a change from one connection to another is no loss."""

    def changed(self, visit: LiveVisit, resource: str, on: bool, side: Side = Side.PRISON) -> None:
        """The connection by which the other room gets `side`."""
        room = replace(SUPERVISOR, resource=ResourceId(resource), side=side, gated=True, on=on, consent=on)
        visit.relay(SubscriptionChanged(session=visit.id, subscription=replace(room, subscriber="trm_1")))

    def test_is_the_one_that_gets_the_other_side(self, visit: LiveVisit) -> None:
        self.changed(visit, "w", True)
        assert visit.facts == []  # it was there already
        self.changed(visit, "w", False)
        assert visit.facts == [ev.RoomReceiving(Side.VISITOR, False)]
        assert visit.state is State.HELD

    def test_is_not_lost_when_a_newer_connection_replaces_the_older(self, visit: LiveVisit) -> None:
        self.changed(visit, "w", True)
        self.changed(visit, "w2", True)
        self.changed(visit, "w", False)
        visit.relay(ResourceClosed(session=visit.id, resource=ResourceId("w"), why="replaced"))
        assert visit.facts == [] and visit.state is State.LIVE

    def test_is_lost_with_its_last_connection(self, visit: LiveVisit) -> None:
        self.changed(visit, "w", True)
        visit.relay(ResourceClosed(session=visit.id, resource=ResourceId("w"), why="closed"))
        assert visit.facts == [ev.RoomReceiving(Side.VISITOR, False)]

    def test_is_unknown_without_a_relay(self, visit: LiveVisit) -> None:
        self.changed(visit, "w", True)
        visit.relay_facts.workers_down([visit.id])
        self.changed(visit, "w2", True, Side.VISITOR)
        assert visit.runner.session.processes.receiving == {Side.PRISON}

    def test_is_not_what_a_supervisor_receives(self, visit: LiveVisit) -> None:
        visit.relay(SubscriptionChanged(session=visit.id, subscription=replace(SUPERVISOR, on=False)))
        assert not any(isinstance(fact, ev.RoomReceiving) for fact in visit.facts)


class TestAnOverloadedRelay:
    def test_writes_down_from_when_to_when_supervisors_got_fewer_frames(self, visit: LiveVisit) -> None:
        visit.recorder.events.clear()
        visit.journal.entries.clear()
        moments = [{"thinned": True, "mono": 5.5}, {"thinned": False, "mono": 9.0}]
        for moment in moments:
            visit.relay(PicturesThinned(session=visit.id, **moment))
        assert visit.journal.entries == [("PicturesThinned", visit.id, "relay", moment) for moment in moments]
        assert visit.recorder.events == [{"kind": "pictures", **moment} for moment in moments]
        assert visit.facts == []


class TestTalkback:
    """The moments of a talkback are written down, and one that the relay ended by itself is over."""

    def changed(self, visit: LiveVisit, **members: Any) -> None:
        visit.recorder.events.clear()
        visit.journal.entries.clear()
        changed = TalkbackChanged(
            session=visit.id, publisher="li@first-prison", sides=(Side.VISITOR,), open=False, mono=5.5, why=""
        )
        visit.relay(replace(changed, **members))

    def test_the_exact_moments_are_written_down_without_a_name(self, visit: LiveVisit) -> None:
        self.changed(visit, open=True)
        moment = {"sides": ["visitor"], "mono": 5.5, "why": ""}
        assert visit.journal.entries == [("FloorOpened", visit.id, "relay", moment)]
        assert visit.recorder.events == [{"kind": "floor", "open": True, **moment}]
        self.changed(visit, why="ordered", mono=8.0)
        moment = {"sides": ["visitor"], "mono": 8.0, "why": "ordered"}
        assert visit.journal.entries == [("FloorShut", visit.id, "relay", moment)]
        assert visit.recorder.events == [{"kind": "floor", "open": False, **moment}]
        assert visit.facts == []

    @pytest.mark.parametrize("why", ["no microphone", "microphone gone"])
    def test_one_without_a_microphone_is_over(self, visit: LiveVisit, why: str) -> None:
        self.changed(visit, why=why)
        assert visit.facts == [ev.SpeechEnded("relay", why)]

    @pytest.mark.parametrize("why", ["somebody else", "other rooms", "session closed", "broker gone"])
    def test_one_that_was_ended_otherwise_ends_nothing_more(self, visit: LiveVisit, why: str) -> None:
        self.changed(visit, why=why)
        assert visit.facts == []
