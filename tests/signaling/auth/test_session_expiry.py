"""Ends mean ends: what goes on under a sign-in stops when the sign-in has lost its right, in whatever way."""

import asyncio
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import aiohttp
import pytest
from sqlalchemy import update

from broker.control.store.store import Store
from broker.control.store.tables import users
from broker.kernel.database import writing
from broker.kernel.errors import StorageUnavailable
from recorder.archive.catalog import Catalog
from signaling.auth import session_expiry
from signaling.auth.session_expiry import check_all
from tests.support.control.fixtures import TEN
from tests.support.patience import PATIENCE
from tests.support.signaling.front import OFFER
from tests.support.signaling.talk import talking

SIZE = 24 * 1024 * 1024
"""Bytes of a film: more than sockets and buffers hold, so that it is being sent for as long as it is not read."""


@pytest.fixture
async def film(front):
    session = await front.visit()
    path = f"first-prison/2026/03/02/{session}/session.mp4"
    file = front.context.settings.archive_dir / path
    file.parent.mkdir(parents=True)
    with file.open("wb") as made:
        made.truncate(SIZE)
    row = {"session": session, "site": "first-prison", "path": path, "sha256": "0" * 64, "bytes": SIZE}
    row |= {"state": "archived", "announced": True, "started_at": TEN, "ended_at": TEN, "created_at": TEN}
    await Catalog(front.store.engine).put(row)
    return f"/api/v1/recordings/{session}/film"


@pytest.fixture
async def elsewhere(front, clock):
    """The store as another process has it, such as `huijian admin`."""
    async with Store(str(front.store.engine.url), clock) as store:
        yield store


async def changed(store, user, **values):
    async with writing(store.engine) as db:
        await db.execute(update(users).where(users.c.id == user).values(values))


@asynccontextmanager
async def downloading(front, film, caller):
    """Begin to download a film, and wait until it is being sent."""
    headers = {"Authorization": f"Bearer {front.tokens.get(caller, caller)}"}
    async with front.client.get(film, headers=headers) as answer:
        assert answer.status == 200
        await answer.content.readexactly(1000)
        yield answer


async def rest_of(answer):
    """How many more bytes come."""
    got = 0
    with suppress(aiohttp.ClientError, ConnectionError):
        async with asyncio.timeout(PATIENCE):
            while data := await answer.content.readany():
                got += len(data)
    return got


async def nothing_plays(front):
    async with asyncio.timeout(PATIENCE):
        while front.context.streams.budget.playing:
            await asyncio.sleep(0.01)


BARRED = {
    "barred": lambda store: store.disable_user("auditor"),
    "another password": lambda store: store.set_password("auditor", "another long secret"),
    "another role": lambda store: changed(store, "auditor", role="clerk"),
    "another site": lambda store: changed(store, "auditor", site="panlong"),
}


class TestFilms:
    @pytest.mark.parametrize("why", BARRED)
    async def test_a_download_ends_when_another_process_takes_the_right_away(self, front, film, elsewhere, why):
        async with downloading(front, film, "auditor") as answer:
            await check_all(front.context)
            assert front.context.streams.budget.playing == 1
            await BARRED[why](elsewhere)
            await check_all(front.context)
            await nothing_plays(front)
            assert await rest_of(answer) < SIZE - 1000

    async def test_it_ends_with_the_sign_in_and_with_the_time_of_the_token(self, front, film):
        async with downloading(front, film, "auditor") as answer:
            await front.ask("POST", "/api/v1/sign-out", "auditor")
            await nothing_plays(front)
            assert await rest_of(answer) < SIZE - 1000
        token = await front.store.issue_user_token("auditor", timedelta(hours=1))
        async with downloading(front, film, token) as answer:
            front.clock.forward(timedelta(hours=1, seconds=1))
            await check_all(front.context)
            assert await rest_of(answer) < SIZE - 1000

    async def test_one_that_is_played_is_a_use_of_the_sign_in(self, front, film):
        token = await front.store.issue_user_token("auditor", timedelta(hours=1), idle=1800)
        async with downloading(front, film, token):
            front.context.used.clear()
            front.clock.forward(timedelta(minutes=20))
            await session_expiry.note_use(front.context)
        front.clock.forward(timedelta(minutes=20))
        assert await front.store.user_by_token(token)

    async def test_another_auditors_goes_on(self, front, film, elsewhere):
        token = await front.store.issue_user_token("auditor", timedelta(hours=1))
        async with downloading(front, film, "auditor"), downloading(front, film, token) as other:
            await elsewhere.revoke_user_token(front.tokens["auditor"])
            await check_all(front.context)
            assert await rest_of(other) == SIZE - 1000

    async def test_a_database_that_does_not_answer_ends_nothing(self, front, film, monkeypatch):
        async def silent(*_):
            raise StorageUnavailable()

        async with downloading(front, film, "auditor") as answer:
            monkeypatch.setattr(front.store, "holders", silent)
            await check_all(front.context)
            assert await rest_of(answer) == SIZE - 1000

    async def test_one_person_plays_so_many_at_once(self, front, film, monkeypatch):
        monkeypatch.setattr("signaling.budgets.plays.PER_PERSON", 2)
        async with downloading(front, film, "auditor"), downloading(front, film, "auditor"):
            refused = await front.refused("too_many", "GET", film, "auditor")
            assert refused.headers["Retry-After"]


CHANGES = {
    "barred": lambda store: store.disable_user("prison-sup"),
    "another role": lambda store: changed(store, "prison-sup", role="auditor"),
    "another site": lambda store: changed(store, "prison-sup", site="second-prison"),
}


class TestSocketsAndMedia:
    @pytest.mark.parametrize("why", CHANGES)
    async def test_an_officers_socket_and_pictures_end(self, front, elsewhere, why):
        session = await front.visit()
        front.at(timedelta(minutes=-10))
        async with talking(front, "prison-sup") as talk:
            offer = {"data": OFFER, "headers": {"Content-Type": "application/sdp"}}
            await front.ask("POST", f"/whep/{session}/visitor", "prison-sup", **offer)
            await check_all(front.context)
            assert not front.broker.dropped
            await CHANGES[why](elsewhere)
            await check_all(front.context)
            assert await talk.closed() == 4001
            assert len(front.broker.dropped) == 1

    async def test_many_are_checked_by_one_question(self, front, monkeypatch):
        asked, holders = [], front.store.holders

        async def counted(hashes, instances):
            asked.append((len(hashes), len(instances)))
            return await holders(hashes, instances)

        monkeypatch.setattr(front.store, "holders", counted)
        async with talking(front, "prison-sup"), talking(front, "visitor-sup"), talking(front, "p1"):
            await check_all(front.context)
        assert asked == [(2, 1)]

    def test_a_change_is_seen_within_two_seconds(self):
        assert session_expiry.ROUND_SECONDS <= 1
