"""The re-listen duty: what was chosen is due, then overdue, and done by two people."""

from datetime import timedelta

import pytest

from broker.control.store.records import Role
from recorder.archive.catalog import Catalog
from tests.support.history.recorded import recorded_visit

RATING = {"verdict": "proper", "text": "无异常"}


@pytest.fixture
async def session(front):
    front.context.settings.__dict__["relisten_share"] = 1.0
    return await recorded_visit(front)


async def second(front):
    await front.add_user("auditor-2", "二", Role.AUDITOR, "a long enough secret", "panlong")
    return await front.store.issue_user_token("auditor-2", timedelta(hours=1))


def play(front, session, user):
    front.journal.note("RecordingPlayed", session, f"user:{user}", {"copy": "view"})


async def duties(front, state="due", caller="auditor"):
    return [
        duty["session"] for duty in (await front.ask("GET", f"/api/v1/relisten?state={state}", caller)).data["duties"]
    ]


async def test_a_duty_is_done_by_two_people(front, session):
    path, other = f"/api/v1/visits/{session}/ratings", await second(front)
    assert await duties(front) == [session] and await duties(front, "done") == []
    for user in ("auditor", "auditor-2", "auditor-3"):
        play(front, session, user)
    assert (await front.ask("POST", path, "auditor", json=RATING)).data["number"] == 1
    await front.refused("same_person", "POST", path, "auditor", json=RATING)
    assert (await front.ask("GET", "/api/v1/relisten", "auditor")).data["duties"][0]["mine"] is True
    assert (await front.ask("POST", path, other, json=RATING)).data["number"] == 2
    assert await duties(front) == [] and await duties(front, "done") == [session]
    data = (await front.ask("GET", f"/api/v1/visits/{session}", "auditor")).data
    assert [rating["by"] for rating in data["ratings"]] == ["auditor", "auditor-2"]
    assert data["relisten"]["state"] == "done" and data["relisten"]["rated"] == 2
    assert len(await front.noted("RelistenRated")) == 2
    await front.add_user("auditor-3", "三", Role.AUDITOR, "a long enough secret")
    third = await front.store.issue_user_token("auditor-3", timedelta(hours=1))
    await front.refused("conflict", "POST", path, third, json=RATING)


async def test_after_its_day_it_is_overdue(front, session):
    front.clock.forward(timedelta(days=32))
    token = await front.store.issue_user_token("auditor", timedelta(hours=1))
    assert await duties(front, "overdue", token) == [session] and await duties(front, "due", token) == []
    (row,) = (await front.ask("GET", "/api/v1/visits", token)).data["visits"]
    assert row["relisten"]["state"] == "overdue"
    await Catalog(front.store.engine).set(session, state="purged")
    (row,) = (await front.ask("GET", "/api/v1/visits", token)).data["visits"]
    assert row["relisten"] == {"state": "none", "due_at": None, "rated": 0}  # what is deleted is heard no more


async def test_other_sites_have_no_part_in_it(front, session):
    assert await duties(front, "due", "foreign-auditor") == []
    await front.refused("not_found", "POST", f"/api/v1/visits/{session}/ratings", "foreign-auditor", json=RATING)
    for caller in ("admin", "prison-sup", "p1", "booking"):
        await front.refused("forbidden", "GET", "/api/v1/relisten", caller)


async def test_what_was_not_chosen_is_not_rated(front):
    front.context.settings.__dict__["relisten_share"] = 0.0
    session = await recorded_visit(front)
    await front.refused("conflict", "POST", f"/api/v1/visits/{session}/ratings", "auditor", json=RATING)
    (row,) = (await front.ask("GET", "/api/v1/visits", "auditor")).data["visits"]
    assert row["relisten"] == {"state": "none", "due_at": None, "rated": 0}


async def test_a_recording_is_rated_by_those_alone_who_have_played_it(front, session):
    path, other = f"/api/v1/visits/{session}/ratings", await second(front)
    play(front, session, "auditor")
    answer = await front.refused("conflict", "POST", path, other, json=RATING)
    assert answer.data["detail"] == "请先播放该录像，再作评定。"
    assert (await front.ask("POST", path, "auditor", json=RATING)).status == 201


async def test_what_was_deleted_is_neither_rated_nor_due(front, session):
    path = f"/api/v1/visits/{session}/ratings"
    play(front, session, "auditor")
    await Catalog(front.store.engine).set(session, state="purged")
    await front.refused("conflict", "POST", path, "auditor", json=RATING)
    await front.store.forget_people([session])
    await front.refused("conflict", "POST", path, "auditor", json=RATING)
    assert await duties(front) == [] and await front.store.ratings_of(session) == []
