"""Approvals of longer visits in the store, and what a restarted broker makes of them (Yunnan 14)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from broker.control.broker import Broker
from broker.control.journal.journal import Journal
from broker.kernel.clock import Instant
from broker.kernel.errors import Conflict, PolicyViolation
from broker.kernel.ids import ApprovalId, SiteId, UserId
from broker.session.events import ExtensionApproved
from tests.support.control.making import slot

FIVE = timedelta(minutes=5)


def approval(session, **changes):
    made = ExtensionApproved(
        ApprovalId("apr_1"),
        session,
        UserId("warden"),
        SiteId("first-prison"),
        "approver",
        FIVE,
        "YN-14-FAMILY",
        "家中亲属去世",
    )
    return replace(made, **changes)


@pytest.fixture
async def booked(places):
    made = slot()
    await places.add_slot(made)
    return places, made.session


class TestTheStore:
    async def test_keeps_an_approval_as_it_was_made_and_once(self, booked):
        store, session = booked
        await store.add_extension(approval(session))
        await store.add_extension(approval(session))
        assert await store.extensions_of(session) == [approval(session)]

    async def test_takes_no_other_one_under_its_id(self, booked):
        store, session = booked
        await store.add_extension(approval(session))
        with pytest.raises(Conflict):
            await store.add_extension(approval(session, added=FIVE * 2))

    async def test_knows_none_for_a_session_that_is_not_there(self, booked):
        store, _ = booked
        with pytest.raises(Conflict):
            await store.add_extension(approval("ses_none"))

    async def test_forgets_none_that_was_refused_and_gives_it_to_nobody(self, booked):
        store, session = booked
        await store.add_extension(approval(session))
        await store.refuse_extension(ApprovalId("apr_1"), "too_late")
        assert await store.extensions_of(session) == []
        with pytest.raises(Conflict):
            await store.add_extension(approval(session))


class TestTheBroker:
    @pytest.fixture
    async def here(self, booked, clock, tmp_path):
        store, session = booked
        async with Journal(store.engine, clock) as journal, Broker(store, journal, clock, tmp_path, 0) as broker:
            yield broker, session

    async def test_writes_down_an_approval_that_is_sent_twice_once(self, here):
        broker, session = here
        await broker.extend(approval(session))
        await broker.extend(approval(session))
        await broker.journal.flush()
        kinds = [entry.kind for entry in await broker.journal.entries(session)]
        assert kinds.count("ExtensionApproved") == 1

    async def test_stores_none_that_the_rules_refuse(self, here):
        broker, session = here
        with pytest.raises(PolicyViolation):
            await broker.extend(approval(session, added=timedelta(hours=1)))
        assert await broker.store.extensions_of(session) == []

    async def test_takes_up_what_was_stored_and_not_yet_taken(self, booked, clock, tmp_path):
        store, session = booked
        await store.add_extension(approval(session))
        async with Journal(store.engine, clock) as journal, Broker(store, journal, clock, tmp_path, 0) as broker:
            assert [one.id for one in broker.live(session).session.extensions] == ["apr_1"]

    async def test_but_not_after_the_slot(self, booked, clock, tmp_path):
        store, session = booked
        await store.add_extension(approval(session))
        clock.instant = Instant(clock.instant.wall + timedelta(hours=3), clock.instant.mono + 3 * 3600)
        async with Journal(store.engine, clock) as journal, Broker(store, journal, clock, tmp_path, 0) as broker:
            assert broker.live(session).session.extensions == ()
