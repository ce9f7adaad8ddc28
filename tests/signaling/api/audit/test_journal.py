"""The journal over REST: for auditors of the province alone, in pages and as a signed export, and each look is
journaled."""

import asyncio
import json
from datetime import timedelta

import pytest

from broker.kernel.clock import in_shanghai
from recorder.evidence.signing import trusted
from signaling.journal.check import check
from tests.support.control.fixtures import TEN

JOURNAL = "/api/v1/journal"
EXPORTS = f"{JOURNAL}/exports"
DAY = f"{in_shanghai(TEN):%Y-%m-%d}"
ORDER = {"from": DAY, "to": DAY, "reason": "法院调取"}
OTHERS = ("prison-sup", "clerk", "approver", "p1", "booking", "observer", "foreign-auditor", "procurator")


async def written(front):
    """Write entries about a visit and return its session."""
    session = await front.visit()
    for number in range(3):
        front.context.journal.note("SlotApproved", session, "user:approver", {"number": number})
    front.context.journal.note("SiteAdded", None, "command:root", {"site": "x"})
    await front.context.journal.flush()
    return session


async def noted(front, kind):
    await front.context.journal.flush()
    return [entry for entry in await front.context.journal.entries(limit=1000) if entry.kind == kind]


class TestPages:
    async def test_are_in_order_and_go_on_behind_a_number(self, front):
        await written(front)
        first = (await front.ask("GET", f"{JOURNAL}?limit=1", "auditor")).data["entries"]
        (entry,) = first
        rest = (await front.ask("GET", f"{JOURNAL}?after={entry['seq']}", "auditor")).data["entries"]
        assert [one["seq"] for one in rest] == sorted(one["seq"] for one in rest) and rest[0]["seq"] == entry["seq"] + 1
        assert set(entry) == {"seq", "at", "session", "kind", "author", "data"}

    async def test_are_of_one_visit_or_of_one_kind(self, front):
        session = await written(front)
        found = (await front.ask("GET", f"{JOURNAL}?session={session}&kind=SlotApproved", "auditor")).data["entries"]
        assert [(one["session"], one["kind"]) for one in found] == [(session, "SlotApproved")] * 3

    async def test_are_journaled(self, front):
        await front.ask("GET", JOURNAL, "auditor")
        (entry,) = await noted(front, "JournalSeen")
        assert entry.author == "user:auditor"

    @pytest.mark.parametrize("query", ["limit=0", "limit=1001", "after=-1", "kind=a%20b", "session=../x", "x=1"])
    async def test_take_only_what_they_know(self, front, query):
        assert (await front.ask("GET", f"{JOURNAL}?{query}", "auditor")).status == 400


class TestExport:
    async def test_is_whole_and_journaled_before_it_leaves(self, front, tmp_path):
        await written(front)
        answer = await front.ask("POST", EXPORTS, "auditor", json=ORDER)
        assert answer.status == 200 and "journal-" in answer.headers["Content-Disposition"]
        file = tmp_path / "journal.zip"
        file.write_bytes(await answer.read())
        settings = front.context.settings
        checked = check(file, trusted(settings.keys_dir, settings.archive_signing))
        assert checked.findings == [] and checked.manifest["reason"] == "法院调取"
        (entry,) = await noted(front, "JournalExported")
        assert (entry.author, json.loads(entry.data)["last"]) == ("user:auditor", checked.manifest["last"])
        while front.context.streams.callers():  # the answer ends after its last byte
            await asyncio.sleep(0)
        assert not list(settings.run_dir.glob("journal-*"))

    @pytest.mark.parametrize(
        ("change", "status"),
        [
            ({"reason": ""}, 400),
            ({"to": "2020-01-01"}, 400),
            ({"from": "2020-01-01", "to": "2020-01-02"}, 404),
            ({"from": "2020-01-01"}, 400),
            ({"from": "x"}, 400),
            ({"site": "first-prison"}, 400),
        ],
    )
    async def test_takes_a_reason_and_days(self, front, change, status):
        answer = await front.ask("POST", EXPORTS, "auditor", json=ORDER | change)
        assert answer.status == status and await noted(front, "JournalExported") == []

    async def test_of_a_day_without_a_journal_to_write_it_into_is_refused(self, front, monkeypatch):
        await written(front)
        monkeypatch.setattr(front.context.journal, "healthy", lambda now: False)
        assert (await front.ask("POST", EXPORTS, "auditor", json=ORDER)).status == 503


@pytest.mark.parametrize("caller", OTHERS)
async def test_others_get_neither(front, caller):
    token = await front.store.issue_user_token(caller, timedelta(hours=1)) if caller == "procurator" else caller
    assert (await front.ask("GET", JOURNAL, token)).status in (401, 403)
    assert (await front.ask("POST", EXPORTS, token, json=ORDER)).status in (401, 403)
