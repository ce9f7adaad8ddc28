"""A recording is verified on demand: sound as it is, damaged with the file and the second where it was changed."""

import asyncio

import pytest

from recorder.archive.catalog import Catalog
from recorder.evidence.verify import verify
from recorder.explained.damage_words import FILES, KINDS, finding
from signaling.history.verifications import Verifications
from tests.support.history.recorded import recorded_visit
from tests.support.patience import PATIENCE


@pytest.fixture
async def session(front):
    return await recorded_visit(front)


async def verified(front, session):
    path = f"/api/v1/visits/{session}/verification"
    begun = await front.ask("POST", path, "auditor", json={})
    assert begun.status == 202 and begun.data["state"] == "running" and begun.data["checked_at"] is None
    async with asyncio.timeout(PATIENCE):
        while (data := (await front.ask("GET", path, "auditor")).data)["state"] == "running":
            await asyncio.sleep(0.1)
    return data


async def test_a_recording_that_was_not_changed_is_sound(front, session):
    await front.refused("not_found", "GET", f"/api/v1/visits/{session}/verification", "auditor")
    data = await verified(front, session)
    assert (data["state"], data["findings"], data["progress"]) == ("sound", [], 1.0)
    assert data["zh"].startswith("验证通过") and data["checked_at"]
    (ordered,), (done,) = await front.noted("VerificationOrdered"), await front.noted("VerificationDone")
    assert (ordered.author, done.author, done.session) == ("user:auditor", "verifier", session)


async def test_a_flipped_byte_is_named_by_file_and_second_as_the_command_does(front, session):
    root = front.context.settings.archive_dir
    (film,) = root.glob("first-prison/*/*/*/*/session.mp4")
    film.chmod(0o600)
    data = bytearray(film.read_bytes())
    data[len(data) // 2] ^= 1
    film.write_bytes(data)
    found = await verified(front, session)
    assert found["state"] == "damaged" and found["findings"]
    by_command = [(damage.kind, damage.second) for damage in verify(session, root).damages]
    assert [(item["code"], item["second"]) for item in found["findings"]] == by_command
    assert found["findings"][0]["zh"].startswith("录像原件内容被改动（第")


async def test_a_result_outlives_a_restart_of_the_service(front, session):
    before = await verified(front, session)
    context = front.context
    context.verifications = Verifications(context.settings, front.clock, front.store, context.verifications._done)
    again = (await front.ask("GET", f"/api/v1/visits/{session}/verification", "auditor")).data
    assert again == before and again["checked_at"]


async def test_the_last_result_comes_with_the_visit_for_those_who_may_verify_it(front, session):
    visit = f"/api/v1/visits/{session}"
    assert (await front.ask("GET", visit, "auditor")).data["verification"] is None
    before = await verified(front, session)
    assert (await front.ask("GET", visit, "auditor")).data["verification"] == before
    (manifest,) = front.context.settings.archive_dir.glob("first-prison/*/*/*/*/manifest.json")
    manifest.chmod(0o600)
    manifest.write_bytes(manifest.read_bytes() + b" ")
    assert (await front.ask("GET", visit, "auditor")).data["verification"] is None, "of the recording as it was"


async def test_it_is_for_auditors_of_the_sites_and_for_what_was_recorded(front, session):
    path = f"/api/v1/visits/{session}/verification"
    for method in ("GET", "POST"):
        await front.refused("not_found", method, path, "foreign-auditor")
        await front.refused("forbidden", method, path, "prison-sup")
    await Catalog(front.store.engine).set(session, state="purged")
    await front.refused("not_found", "POST", path, "auditor")


def test_all_findings_have_words():
    assert all(text.zh and text.en for table in (FILES, KINDS) for text in table.values())
    assert finding("changed", "a/session.mp4", 12.0).en == "The film was changed (from second 12)."
    assert finding("of a later version", "x", None).zh == "x异常（of a later version）。"
