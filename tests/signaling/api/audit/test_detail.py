"""One visit in full: with its film the timeline that lies beside it, without one that of the journal."""

from datetime import timedelta

import pytest

from broker.session import events as ev
from recorder.archive.catalog import Catalog
from recorder.viewcopy.activity import activity_path
from recorder.viewcopy.poster import poster_path
from tests.signaling.api.audit.test_visits import miss
from tests.support.history.recorded import recorded_visit


@pytest.fixture
async def session(front):
    return await recorded_visit(front)


async def detail(front, session, caller="auditor"):
    return (await front.ask("GET", f"/api/v1/visits/{session}", caller)).data


async def test_a_recorded_visit_is_shown_with_everything(front, session):
    data = await detail(front, session)
    assert (data["state"], data["ending"]["code"], data["seconds"]) == ("archived", "completed", 120.0)
    assert data["film_seconds"] == pytest.approx(3.0, abs=0.1) and data["named"]
    assert data["interventions"] == [{"kind": "warning", "article": "YN-16-1", "count": 1}]
    assert [(person["id"], person["part"]) for person in data["people"]] == [("in-1", "inmate"), ("kin-1", "visitor")]
    officers = {officer["id"]: officer for officer in data["supervisors"]}
    assert officers["prison-sup"]["side"] == "prison" and officers["prison-sup"]["present"]
    assert officers["visitor-sup"]["name"] == "visitor-sup 名"
    assert data["quality"] == {"prison": "good", "visitor": "good"}
    assert data["approved_by"] == "监狱审批" and data["marks"] == data["ratings"] == data["holds"] == []


async def test_its_timeline_has_states_holds_interventions_alerts_and_explanations(front, session):
    lanes = (await detail(front, session))["lanes"]
    assert [span["state"] for span in lanes["states"]] == ["live", "held"]
    (hold,) = lanes["holds"]
    assert (hold["at"], hold["reason"], hold["zh"]) == (pytest.approx(2.0, abs=0.1), "room_lost", "会见室线路中断")
    (warned,) = lanes["interventions"]
    assert (warned["kind"], warned["article"], warned["by_name"]) == ("warning", "YN-16-1", "prison-sup 名")
    assert warned["sides"] == ["visitor"] and warned["text"].startswith("请勿使用手机")
    assert [(alert["kind"], alert["side"], alert["zh"]) for alert in lanes["alerts"]] == [
        ("silent", "prison", "长时间没有声音")
    ]
    assert "hold" in {found["cause"] for found in lanes["gaps"]}
    assert all(found["zh"] and found["crossed"]["en"] for found in lanes["gaps"])


async def test_a_visit_that_never_began_has_the_timeline_of_the_journal(front):
    session = await front.visit()
    await miss(front, session)
    front.journal.note("StateChanged", session, "broker", {"from": "scheduled", "to": "check_in"})
    front.journal.note("StateChanged", session, "broker", {"from": "check_in", "to": "ended", "reason": "no_show"})
    front.journal.note(*note_made(session))
    await front.context.history.settle()
    data = await detail(front, session)
    assert (data["state"], data["film_seconds"]) == ("no_show", None)
    assert [view["text"] for view in data["lanes"]["interventions"]] == ["来访人迟到"]


def note_made(session):
    made = ev.NoteMade("prison-sup", "first-prison", "来访人迟到")
    return ev.kind(made), session, "user:prison-sup", ev.data(made)


async def test_a_request_for_a_longer_visit_stands_beside_the_answer_to_it(front):
    session = await front.visit()
    await miss(front, session)
    longer = timedelta(minutes=10)
    asked = ev.ExtensionRequested("ext_1", "prison-sup", "first-prison", longer, "YN-14-FAMILY", "家中亲属去世")
    declined = ev.ExtensionDeclined("ext_1", "approver", "first-prison", "approver", "下一场会见已到")
    for fact in (asked, declined):
        front.journal.note(ev.kind(fact), session, f"user:{fact.by}", ev.data(fact))
    await front.context.history.settle()
    first, answer = (await detail(front, session))["lanes"]["extension"]
    assert (first["what"], first["seconds"], first["by_name"]) == ("requested", 600.0, "prison-sup 名")
    assert (first["article"], first["reason"]) == ("YN-14-FAMILY", "家中亲属去世")
    assert (answer["what"], answer["seconds"], answer["reason"]) == ("declined", 600.0, "下一场会见已到")


async def test_it_is_for_auditors_of_both_sites_alone_and_journaled(front, session):
    path = f"/api/v1/visits/{session}"
    for caller in ("admin", "prison-sup", "approver", "clerk", "p1", "booking"):
        await front.refused("forbidden", "GET", path, caller)
    await front.refused("not_found", "GET", path, "foreign-auditor")
    await front.refused("not_found", "GET", "/api/v1/visits/ses_none", "auditor")
    await detail(front, session)
    (seen,) = await front.noted("VisitSeen")
    assert (seen.session, seen.author) == (session, "user:auditor")


async def test_after_the_purge_no_person_and_no_words_are_left(front, session):
    await Catalog(front.store.engine).set(session, state="purged")
    data = await detail(front, session)
    assert not data["named"] and data["inmate"] is None
    assert data["people"] == []
    assert all(not view["text"] for view in data["lanes"]["interventions"])


async def test_the_poster_is_shown_where_it_was_made_and_to_auditors_of_the_sites_alone(front, session):
    path = f"/api/v1/visits/{session}/poster"
    await front.refused("not_found", "GET", path, "auditor")
    made = poster_path(front.context.settings.archive_dir, session)
    made.parent.mkdir(parents=True)
    made.write_bytes(b"a picture")
    answer = await front.ask("GET", path, "auditor")
    assert (answer.content_type, await answer.read()) == ("image/jpeg", b"a picture")
    (row,) = (await front.ask("GET", "/api/v1/visits", "auditor")).data["visits"]
    assert row["recording"]["poster"] is True
    await front.refused("not_found", "GET", path, "foreign-auditor")
    await front.refused("forbidden", "GET", path, "prison-sup")
    await Catalog(front.store.engine).set(session, state="purged")
    await front.refused("not_found", "GET", path, "auditor")


async def test_speech_is_that_which_was_measured_with_the_view_copy(front, session):
    measured = activity_path(front.context.settings.archive_dir, session)
    measured.parent.mkdir(parents=True)
    measured.write_text('{"rule": 1, "prison": [[0.5, 1.0]], "visitor": [], "supervisors": []}')
    speech = (await detail(front, session))["lanes"]["speech"]
    assert speech == {"prison": [[0.5, 1.0]], "visitor": [], "supervisors": []}
    measured.write_text('{"rule": 1, "prison": "x"}')
    assert (await detail(front, session))["lanes"]["speech"]["prison"] == []
