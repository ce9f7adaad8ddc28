"""Marks on recordings: with an author, within the film, never changed."""

import pytest

from recorder.archive.catalog import Catalog
from tests.support.history.recorded import recorded_visit

ORDER = {"at": 1.0, "to": 2.5, "text": "此处提到案件", "kind": "concern"}


@pytest.fixture
async def session(front):
    return await recorded_visit(front)


async def marks(front, session):
    return (await front.ask("GET", f"/api/v1/visits/{session}", "auditor")).data["marks"]


async def test_a_mark_has_its_author_and_is_counted(front, session):
    made = await front.ask("POST", f"/api/v1/visits/{session}/marks", "auditor", json=ORDER)
    assert made.status == 201 and (made.data["by"], made.data["by_name"]) == ("auditor", "auditor 名")
    assert await marks(front, session) == [made.data]
    (row,) = (await front.ask("GET", "/api/v1/visits", "auditor")).data["visits"]
    assert row["marks"] == 1
    (entry,) = await front.noted("MarkMade")
    assert made.data["id"] in entry.data and "案件" not in entry.data


async def test_a_withdrawn_mark_stays_with_the_reason(front, session):
    made = (await front.ask("POST", f"/api/v1/visits/{session}/marks", "auditor", json=ORDER)).data
    path = f"/api/v1/visits/{session}/marks/{made['id']}/withdraw"
    gone = (await front.ask("POST", path, "auditor", json={"reason": "误标"})).data
    assert (gone["withdrawn_by"], gone["withdrawn_why"], gone["text"]) == ("auditor", "误标", made["text"])
    await front.refused("conflict", "POST", path, "auditor", json={"reason": "误标"})
    assert await marks(front, session) == [gone]
    (row,) = (await front.ask("GET", "/api/v1/visits", "auditor")).data["visits"]
    assert row["marks"] == 0


@pytest.mark.parametrize("wrong", [{"at": 60.0}, {"at": 2.0, "to": 1.0}, {"at": -1.0}, {"text": " "}, {"kind": "x"}])
async def test_what_is_outside_of_the_film_or_says_nothing_is_refused(front, session, wrong):
    path = f"/api/v1/visits/{session}/marks"
    await front.refused("bad_request", "POST", path, "auditor", json=ORDER | {"to": None} | wrong)


async def test_without_a_film_there_is_nothing_to_mark(front):
    session = await front.visit()
    await front.refused("conflict", "POST", f"/api/v1/visits/{session}/marks", "auditor", json=ORDER)


async def test_others_neither_mark_nor_withdraw(front, session):
    made = (await front.ask("POST", f"/api/v1/visits/{session}/marks", "auditor", json=ORDER)).data
    path = f"/api/v1/visits/{session}/marks"
    await front.refused("not_found", "POST", path, "foreign-auditor", json=ORDER)
    await front.refused("not_found", "POST", f"{path}/{made['id']}/withdraw", "foreign-auditor", json={"reason": "x"})
    await front.refused("not_found", "POST", f"{path}/mrk_none/withdraw", "auditor", json={"reason": "x"})
    for caller in ("admin", "prison-sup", "p1", "booking"):
        await front.refused("forbidden", "POST", path, caller, json=ORDER)


async def test_no_words_are_written_about_a_recording_that_is_not_kept_any_more(front, session):
    path = f"/api/v1/visits/{session}/marks"
    made = (await front.ask("POST", path, "auditor", json=ORDER)).data
    await Catalog(front.store.engine).set(session, state="purged")
    await front.refused("conflict", "POST", f"{path}/{made['id']}/withdraw", "auditor", json={"reason": "刘某甲"})
    await front.store.forget_people([session])
    await front.refused("conflict", "POST", path, "auditor", json=ORDER)
    await front.refused("conflict", "POST", f"{path}/{made['id']}/withdraw", "auditor", json={"reason": "刘某甲"})
    (mark,) = await marks(front, session)
    assert (mark["text"], mark["withdrawn_why"]) == ("", None)
