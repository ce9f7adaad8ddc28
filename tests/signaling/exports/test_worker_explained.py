"""Why something is missing in a film is said once: the auditors' page, and the sheet and the timelines of a package,
have the same words for the same seconds."""

import io
import json
import zipfile
from datetime import timedelta

import pytest
from pypdfium2 import PdfDocument

from broker.control.store.records import Role
from tests.support.history.recorded import recorded_visit
from tests.support.signaling.exports import built, requested

SAID = ("at", "to", "side", "cause", "zh", "en")


@pytest.fixture
async def session(front):
    await front.add_user("auditor-2", "第二人", Role.AUDITOR, "a long enough secret", None)
    for user in ("auditor", "auditor-2"):
        front.tokens[user] = await front.store.issue_user_token(user, timedelta(hours=2000))
    return await recorded_visit(front)


@pytest.fixture
async def files(front, session):
    """The files of a package, by name."""
    made = await requested(front, session)
    await front.ask("POST", f"/api/v1/exports/{made['id']}/decide", "auditor-2", json={"decision": "approve"})
    assert (await built(front, made["id"]))["state"] == "ready"
    answer = await front.ask("GET", f"/api/v1/exports/{made['id']}/package", "auditor")
    with zipfile.ZipFile(io.BytesIO(await answer.read())) as package:
        return {name.partition("/")[2]: package.read(name) for name in package.namelist()}


@pytest.fixture
async def shown(front, session):
    """The explanations on the auditors' page."""
    gaps = (await front.ask("GET", f"/api/v1/visits/{session}", "auditor")).data["lanes"]["gaps"]
    assert "hold" in {found["cause"] for found in gaps}
    return gaps


def letters(text):
    """A text without the breaks and blanks of its lines."""
    return "".join(text.split())


class TestPageAndPackage:
    async def test_say_the_same_in_the_timeline_as_json(self, shown, files):
        explained = json.loads(files["timeline.json"])["explained"]
        assert [[one[name] for name in SAID] for one in explained] == [[one[name] for name in SAID] for one in shown]
        assert [one["crossed"] for one in explained] == [one["crossed"]["code"] for one in shown]

    async def test_say_the_same_in_the_timeline_as_a_page(self, shown, files):
        page = files["timeline.html"].decode()
        for found in shown:
            assert found["zh"] in page and found["en"].replace("'", "&#x27;") in page

    async def test_say_the_same_on_the_sheet(self, shown, files):
        text = letters("".join(page.get_textpage().get_text_bounded() for page in PdfDocument(files["cover.pdf"])))
        for found in shown:
            assert letters(found["zh"]) in text
            assert letters(f"{found['at']:.1f} 至 {found['to']:.1f} 秒") in text
