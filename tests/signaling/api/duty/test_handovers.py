"""Handovers over REST and the WebSocket: who may ask whom, who is told, and that others are told nothing."""

from datetime import timedelta

import pytest

from broker.kernel.ids import SiteId, UserId
from broker.presence.presence import Report
from broker.presence.quorum import Watcher
from broker.session import events as ev
from tests.support.signaling.front import PASSWORD
from tests.support.signaling.talk import talking

HANDOVERS = "/api/v1/handovers"
BUREAU = SiteId("panlong")
GIVER, OTHER, TAKER = (Watcher(UserId(user), BUREAU) for user in ("visitor-sup", "visitor-sup-2", "visitor-sup-3"))


@pytest.fixture
async def session(front):
    """A live visit; three officers of the bureau are at their pages, and two of them count."""
    await front.add_user(TAKER.user, "接班人", "supervisor", PASSWORD, BUREAU)
    front.tokens[TAKER.user] = await front.store.issue_user_token(TAKER.user, timedelta(hours=12))
    session = await front.live_visit()
    for officer in (GIVER, OTHER, TAKER):
        front.broker.page_report(officer, "pageaaaa", Report(True, frozenset(), frozenset()))
    return session


def body(session, **changes):
    return {"id": "hnd_1", "to": TAKER.user, "sessions": [session], **changes}


def counts(front, session, *more):
    before = front.broker.live(session).session.processes.watchers
    front.broker.tell(session, ev.WatchersChanged(before | frozenset(more)))
    front.broker.handovers.follow()


class TestAHandover:
    async def test_is_told_to_both_and_completed_when_the_colleague_counts(self, front, session):
        async with talking(front, GIVER.user) as giver, talking(front, TAKER.user) as taker:
            made = await front.ask("POST", HANDOVERS, GIVER.user, json=body(session))
            assert (made.status, made.data["stage"]) == (200, "offered")
            views = [(await talk.receive("handover")).handover for talk in (giver, taker)]
            assert [view.giver.name for view in views] == ["visitor-sup 名"] * 2
            assert views[0].until is not None and views[0].sessions == [session]
            assert (await front.ask("POST", f"{HANDOVERS}/hnd_1/accept", TAKER.user)).data["stage"] == "accepted"
            counts(front, session, TAKER)
            stages = [(await giver.receive("handover")).handover.stage for _ in range(2)]
            assert stages == ["accepted", "completed"]
        assert [kind for kind, *_ in front.broker.noted] == [
            "HandoverBegan",
            "HandoverAccepted",
            "HandoverCompleted",
        ]

    async def test_is_told_again_to_a_page_that_connects_anew(self, front, session):
        await front.ask("POST", HANDOVERS, GIVER.user, json=body(session))
        async with talking(front, TAKER.user) as taker:
            assert (await taker.receive("handover")).handover.id == "hnd_1"

    async def test_may_be_declined_and_taken_back(self, front, session):
        for number, (act, caller, stage) in enumerate(
            [("decline", TAKER.user, "declined"), ("withdraw", GIVER.user, "withdrawn")]
        ):
            id = f"hnd_{number}"
            await front.ask("POST", HANDOVERS, GIVER.user, json=body(session, id=id))
            assert (await front.ask("POST", f"{HANDOVERS}/{id}/{act}", caller)).data["stage"] == stage

    async def test_of_visits_in_which_one_does_not_count_is_refused(self, front, session):
        await front.refused("conflict", "POST", HANDOVERS, TAKER.user, json=body(session, to=OTHER.user))
        assert (await front.noted("HandoverRefused"))[-1].author == f"user:{TAKER.user}"


class TestWhoMayKnow:
    async def test_the_colleagues_are_those_of_ones_own_site(self, front, session):
        answer = await front.ask("GET", "/api/v1/colleagues", GIVER.user)
        assert [one["id"] for one in answer.data["colleagues"]] == [OTHER.user, TAKER.user]
        assert (await front.ask("GET", "/api/v1/colleagues", "prison-sup")).data["colleagues"] == []

    async def test_a_colleague_of_another_site_does_not_exist(self, front, session):
        other = await front.refused("not_found", "POST", HANDOVERS, GIVER.user, json=body(session, to="prison-sup"))
        none = await front.refused("not_found", "POST", HANDOVERS, GIVER.user, json=body(session, to="nobody"))
        assert other.data == none.data

    async def test_a_handover_of_others_does_not_exist(self, front, session):
        await front.ask("POST", HANDOVERS, GIVER.user, json=body(session))
        for act in ("accept", "decline", "withdraw"):
            other = await front.refused("not_found", "POST", f"{HANDOVERS}/hnd_1/{act}", OTHER.user)
            none = await front.refused("not_found", "POST", f"{HANDOVERS}/hnd_none/{act}", OTHER.user)
            assert other.data == none.data

    @pytest.mark.parametrize("caller", ["approver", "admin", "v1", "auditor"])
    async def test_other_roles_hand_nothing_over(self, front, session, caller):
        await front.refused("forbidden", "POST", HANDOVERS, caller, json=body(session))
