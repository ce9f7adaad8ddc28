"""Approvals of longer visits in the store, and in a broker that is restarted (Yunnan 14)."""

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


class TestStore:
    async def test_keeps_an_approval_once_and_unchanged(self, booked):
        store, session = booked
        await store.add_extension(approval(session))
        await store.add_extension(approval(session))
        assert await store.extensions_of(session) == [approval(session)]

    async def test_refuses_another_approval_under_the_same_id(self, booked):
        store, session = booked
        await store.add_extension(approval(session))
        with pytest.raises(Conflict):
            await store.add_extension(approval(session, added=FIVE * 2))

    async def test_refuses_an_approval_for_a_session_that_does_not_exist(self, booked):
        store, _ = booked
        with pytest.raises(Conflict):
            await store.add_extension(approval("ses_none"))

    async def test_keeps_a_refused_approval_and_does_not_return_it(self, booked):
        store, session = booked
        await store.add_extension(approval(session))
        await store.refuse_extension(ApprovalId("apr_1"), "too_late")
        assert await store.extensions_of(session) == []
        with pytest.raises(Conflict):
            await store.add_extension(approval(session))


class TestBroker:
    @pytest.fixture
    async def here(self, booked, clock, tmp_path):
        store, session = booked
        async with Journal(store.engine, clock) as journal, Broker(store, journal, clock, tmp_path, 0) as broker:
            yield broker, session

    async def test_journals_an_approval_once_that_is_sent_twice(self, here):
        broker, session = here
        await broker.extend(approval(session))
        await broker.extend(approval(session))
        await broker.journal.flush()
        kinds = [entry.kind for entry in await broker.journal.entries(session)]
        assert kinds.count("ExtensionApproved") == 1

    async def test_stores_no_approval_that_the_rules_refuse(self, here):
        broker, session = here
        with pytest.raises(PolicyViolation):
            await broker.extend(approval(session, added=timedelta(hours=1)))
        assert await broker.store.extensions_of(session) == []

    async def test_takes_a_stored_approval_after_a_restart(self, booked, clock, tmp_path):
        store, session = booked
        await store.add_extension(approval(session))
        async with Journal(store.engine, clock) as journal, Broker(store, journal, clock, tmp_path, 0) as broker:
            assert [extension.id for extension in broker.live(session).session.extensions] == ["apr_1"]

    async def test_takes_no_stored_approval_after_the_slot(self, booked, clock, tmp_path):
        store, session = booked
        await store.add_extension(approval(session))
        clock.instant = Instant(clock.instant.wall + timedelta(hours=3), clock.instant.mono + 3 * 3600)
        async with Journal(store.engine, clock) as journal, Broker(store, journal, clock, tmp_path, 0) as broker:
            assert broker.live(session).session.extensions == ()
