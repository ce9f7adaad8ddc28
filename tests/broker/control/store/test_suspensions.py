"""Suspensions in the store: proposals as they were made, and steps that are taken once (Yunnan 17)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from broker.booking.suspension import Proposal, Taken
from broker.kernel.errors import Conflict, NotFound
from broker.kernel.ids import PersonId, Side, SiteId, SuspensionId, UserId
from config.suspension import Step, Verdict
from tests.support.control.fixtures import TEN
from tests.support.control.making import slot

PRISON, BUREAU = SiteId("first-prison"), SiteId("panlong")
PLAN = (Step("decide", Verdict.APPROVE, "approver", ("prison",), "云南 第十七条"),)


def proposal(session, **changes):
    made = Proposal(
        id=SuspensionId("sus_1"),
        session=session,
        side=Side.VISITOR,
        home=BUREAU,
        person=PersonId("prs_1"),
        months=2,
        code="YN-17-2",
        article="云南 第十七条",
        reason="传递物品",
        by=UserId("li"),
        site=BUREAU,
        at=TEN,
        linked=("hold",),
        plan=PLAN,
    )
    return replace(made, **changes)


def decided(made, agreed=True):
    step = Taken(
        "decide", Verdict.APPROVE, agreed, UserId("wang"), PRISON, "云南 第十七条", "", TEN + timedelta(hours=1)
    )
    return replace(made, taken=(*made.taken, step))


@pytest.fixture
async def session(places):
    made = slot()
    await places.add_slot(made)
    return made.session


class TestProposal:
    async def test_comes_back_as_it_was_made(self, places, session):
        made = proposal(session)
        assert await places.add_suspension(made) == made
        assert await places.suspension(made.id) == made

    async def test_is_stored_once_when_it_is_sent_twice(self, places, session):
        made = proposal(session)
        await places.add_suspension(made)
        again = replace(made, at=TEN + timedelta(minutes=5))
        assert await places.add_suspension(again) == made
        assert await places.suspensions() == [made]

    async def test_of_another_content_under_the_same_id_is_refused(self, places, session):
        await places.add_suspension(proposal(session))
        with pytest.raises(Conflict, match="id is taken"):
            await places.add_suspension(proposal(session, months=3))

    async def test_waits_until_the_one_before_about_the_person_is_decided(self, places, session):
        first, second = proposal(session), proposal(session, id=SuspensionId("sus_2"))
        await places.add_suspension(first)
        with pytest.raises(Conflict, match="not decided"):
            await places.add_suspension(second)
        await places.add_suspension(proposal(session, id=SuspensionId("sus_3"), person=PersonId("prs_2")))
        await places.add_suspension_step(decided(first, agreed=False))
        assert await places.add_suspension(second) == second

    async def test_needs_a_session_that_exists(self, places):
        with pytest.raises(Conflict):
            await places.add_suspension(proposal("ses_none"))

    async def test_is_listed_for_the_sites_that_it_concerns(self, places, session):
        made = proposal(session)
        await places.add_suspension(made)
        assert await places.suspensions([BUREAU]) == [made]
        assert await places.suspensions([PRISON]) == []
        with pytest.raises(NotFound):
            await places.suspension("sus_none")


class TestStep:
    async def test_is_kept_with_its_author(self, places, session):
        made = proposal(session)
        await places.add_suspension(made)
        await places.add_suspension_step(decided(made))
        assert await places.suspension(made.id) == decided(made)

    async def test_is_taken_once(self, places, session):
        made = proposal(session)
        await places.add_suspension(made)
        await places.add_suspension_step(decided(made))
        with pytest.raises(Conflict, match="taken this step"):
            await places.add_suspension_step(decided(made, agreed=False))
        assert await places.suspension(made.id) == decided(made)

    async def test_of_an_unknown_proposal_is_refused(self, places, session):
        with pytest.raises(Conflict):
            await places.add_suspension_step(decided(proposal(session)))
