"""Windows that receive media, attention checks, and the presence that officers are shown."""

from datetime import timedelta

import pytest

from broker.kernel.ids import ResourceId, Side
from broker.presence.attention_check import Prompt
from broker.presence.presence import PresenceStatus
from broker.presence.quorum import Watcher, watcher_of
from broker.presence.reasons import Why
from tests.support.signaling.front import OFFER
from tests.support.signaling.talk import talking

PAGE, OTHER = "k3v9x2m4q7wz", "aaaabbbbcccc"
LI, MA = Watcher("prison-sup", "first-prison"), Watcher("visitor-sup", "panlong")
SDP = {"data": OFFER, "headers": {"Content-Type": "application/sdp"}}


@pytest.fixture
async def session(front):
    """A visit in its check-in window."""
    session = await front.visit()
    front.at(timedelta(minutes=-10))
    return session


class TestWatchingFromAPage:
    async def test_the_broker_learns_which_window_receives(self, front, session):
        for page in (PAGE, OTHER):
            assert (await front.ask("POST", f"/whep/{session}/prison?page={page}", "prison-sup", **SDP)).status == 201
        assert (await front.ask("POST", f"/whep/{session}/prison", "prison-sup", **SDP)).status == 201
        subscribers = [watcher_of(offer.subscriber) for offer in front.broker.offers]
        assert [page for _, page in subscribers] == [PAGE, OTHER, ""]

    async def test_two_windows_hold_a_resource_each_and_one_window_replaces_its_own(self, front, session):
        made = [
            (await front.ask("POST", f"/whep/{session}/prison?page={page}", "prison-sup", **SDP)).headers["Location"]
            for page in (PAGE, OTHER, PAGE)
        ]
        front.broker.bus.emit("gone", ResourceId(made[0].rpartition("/")[2]))  # the relay reports that it is replaced
        await front.refused("not_found", "DELETE", made[0], "prison-sup")
        for location in made[1:]:
            assert (await front.ask("DELETE", location, "prison-sup")).status == 200

    async def test_a_terminal_has_no_window(self, front, session):
        assert (await front.ask("POST", f"/whep/{session}/visitor?page={PAGE}", "p1", **SDP)).status == 201
        (offer,) = front.broker.offers
        assert watcher_of(offer.subscriber) is None

    async def test_a_name_has_its_form(self, front, session):
        for query in ("page=x", "page=" + "a" * 33, "page=abc%23defgh", "window=abcdefgh"):
            await front.refused("bad_request", "POST", f"/whep/{session}/prison?{query}", "prison-sup", **SDP)


class TestPresence:
    async def test_is_sent_at_once_and_at_every_change_to_each_window_of_the_officer(self, front, session):
        front.broker.standings[LI] = PresenceStatus({session: (Why.HIDDEN, Why.NOT_CHOSEN)})
        async with talking(front, "prison-sup") as first, talking(front, "prison-sup") as second:
            for talk in (first, second):
                (standing,) = (await talk.receive("standing")).sessions
                assert (standing.session, standing.counted) == (session, False)
                assert [words.code for words in standing.why] == ["hidden", "not_chosen"]
                assert standing.why[0].zh == "监督页面不在前台"
            front.broker.standings[LI] = PresenceStatus({session: ()})
            front.broker.bus.emit("standing", LI)
            for talk in (first, second):
                (standing,) = (await talk.receive("standing")).sessions
                assert standing.counted and standing.why == []

    async def test_is_not_sent_to_another_officer(self, front, session):
        async with talking(front, "visitor-sup") as other:
            front.broker.bus.emit("standing", LI)
            await other.send(type="attentive", id=1, prompt="att_none")
            assert (await other.receive()).type == "error"

    async def test_is_not_sent_to_rooms_and_auditors(self, front, session):
        for caller in ("p1", "auditor"):
            async with talking(front, caller) as talk:
                front.broker.bus.emit("standing", LI)
                await talk.send(type="attentive", id=1, prompt="att_1")
                assert (await talk.receive()).type == "error"


class TestAttentionCheck:
    async def test_is_asked_in_every_window_with_the_time_that_is_left(self, front, session):
        now = front.clock.now().mono
        front.broker.standings[LI] = PresenceStatus({session: ()}, Prompt("att_1", now - 10, now + 20))
        async with talking(front, "prison-sup") as talk:
            assert (await talk.receive("standing")).prompt == "att_1"
            asked = await talk.receive("attention")
            assert (asked.id, asked.answer_within_ms) == ("att_1", 20_000)
            await talk.send(type="attentive", id="a1", prompt="att_1")
            assert (await talk.receive("ack")).re == "a1"
        assert front.broker.answers == [(LI, "att_1")]

    async def test_a_late_one_says_so(self, front, session):
        now = front.clock.now().mono
        front.broker.standings[MA] = PresenceStatus({}, Prompt("att_1", now - 50, now - 20, missed=True))
        async with talking(front, "visitor-sup") as talk:
            assert (await talk.receive("attention")).answer_within_ms == 0


class TestTheViewOfASession:
    async def test_says_when_a_quorum_is_about_to_fail_to_officers_and_never_to_rooms(self, front):
        session = await front.live_visit()
        front.broker.live(session).at_risk = frozenset({Side.VISITOR})
        for caller, risk in (("prison-sup", True), ("p1", False)):
            async with talking(front, caller) as talk:
                (seen,) = talk.sessions.sessions
                assert (seen.quorum.prison.at_risk, seen.quorum.visitor.at_risk) == (False, risk)
