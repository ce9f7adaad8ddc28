"""The ledger over REST: totals are those of the database, the public version has no name, others get nothing, and each
one is journaled."""

import asyncio
import base64
import json
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from broker.booking.slot import Person
from broker.control.store.history.tables import visits
from broker.control.store.records import Role
from broker.control.store.tables import slots
from broker.kernel.clock import in_shanghai
from broker.kernel.database import reading
from broker.kernel.ids import PersonId, Side
from broker.session import events as ev
from config.articles.citations import cited
from recorder.evidence.signing import beside
from signaling.ledgers.seal import BESIDE, check
from tests.support.control.fixtures import TEN
from tests.support.ledgers.read import rows_in, summary_in, text_in

LEDGERS = "/api/v1/ledgers"
PASSWORD = "a long enough secret"
OTHERS = ("clerk", "p1", "booking", "observer")
DAY = f"{in_shanghai(TEN):%Y-%m-%d}"
OF_DAY = f"from={DAY}"
NAMES = ("刘某甲", "欧阳某乙", "刘某", "某甲", "欧阳", "某乙", "母亲", "监狱审批")


async def ledger(front, query="", caller="auditor"):
    return await front.ask("GET", f"{LEDGERS}?site=first-prison&{OF_DAY}{query}", caller)


async def three_visits(front):
    """Store a visit that is booked, one that is cancelled and one whose visitors do not come."""
    booked, cancelled, missed = [
        await front.visit(starts_at=at, ends_at=at + timedelta(minutes=40), external_id=f"YN-{at.hour}00017")
        for at in (TEN + timedelta(hours=hour) for hour in (3, 2, 0))
    ]
    await front.broker.cancel_slot((await front.store.slot_of_session(cancelled)).id, "user:clerk", "YN-18", "雨")
    for minutes in (45, 80):
        front.clock.forward(timedelta(minutes=minutes))
        front.broker.tell(missed, ev.TimePassed())
    await front.broker.save(missed)
    return booked, cancelled, missed


async def auditor(front):
    """Return a fresh token: tests move the clock."""
    return await front.store.issue_user_token("auditor", timedelta(hours=1))


class TestWhatIsInIt:
    async def test_every_visit_whatever_became_of_it(self, front):
        sessions = await three_visits(front)
        rows = rows_in(await (await ledger(front, caller=await auditor(front))).read())
        found = {row["会见编号"]: row["状态"] for row in rows}
        assert found == dict(zip(sessions, ("已约定", "已取消", "未到场"), strict=True))
        assert rows[0]["会见对象"] == "刘某甲" and rows[0]["会见人（关系）"] == "欧阳某乙（母亲）"
        assert rows[0]["批准（依据）"] == "监狱审批（云南 第八条）"
        assert rows[1]["结束方式（依据条款）"] == "会见已取消（第十八条）"

    async def test_totals_equal_the_database(self, front):
        await three_visits(front)
        data = await (await ledger(front, caller=await auditor(front))).read()
        async with reading(front.store.engine) as db:
            booked = (await db.execute(select(func.count()).select_from(slots))).scalar_one()
            states = dict((await db.execute(select(visits.c.state, func.count()).group_by(visits.c.state))).all())
        totals = summary_in(data)
        assert totals["会见合计（场）"] == booked == len(rows_in(data)) == 3
        assert {
            "scheduled": totals["其中：已约定"],
            "cancelled": totals["其中：已取消"],
            "no_show": totals["其中：未到场"],
        } == states

    async def test_a_visit_that_took_place_with_its_length_and_its_interventions(self, front):
        session = await front.live_visit()
        article = next(iter(front.broker.live(session).policy.interventions)).code
        front.context.journal.note("WarningGiven", session, "user:li", {"article": article, "side": "visitor"})
        front.context.journal.note("Crossed", session, "relay", {"at": 1.0})
        front.context.history.want(session)
        (row,) = rows_in(await (await ledger(front, caller=await auditor(front))).read())
        assert row["现场处置"] == f"劝阻1次（{cited(article).zh}）" and row["开始"]

    async def test_the_same_in_all_formats(self, front):
        await three_visits(front)
        token = await auditor(front)
        value = (await ledger(front, "&format=json", token)).data
        text = text_in(await (await ledger(front, "&format=pdf", token)).read())
        assert value["totals"]["visits"] == len(value["rows"]) == 3
        assert "会见合计（场）3" in text and "刘某甲" in text

    async def test_names_that_begin_as_formulas_stay_texts(self, front):
        people = (Person(PersonId("in-1"), Side.PRISON, "=1+1"), Person(PersonId("k"), Side.VISITOR, "@SUM(A1)", "+母"))
        await front.visit(people=people)
        (row,) = rows_in(await (await ledger(front)).read())
        assert (row["会见对象"], row["会见人（关系）"]) == ("=1+1", "@SUM(A1)（+母）")

    async def test_a_day_without_visits_is_a_ledger(self, front):
        data = await (await front.ask("GET", f"{LEDGERS}?site=first-prison&from=2026-01-01", "auditor")).read()
        assert rows_in(data) == []

    async def test_days_are_those_of_shanghai(self, front):
        await front.visit(starts_at=TEN.replace(hour=16) - timedelta(days=1), ends_at=TEN)  # midnight there
        assert len(rows_in(await (await ledger(front)).read())) == 1


class TestThePublicVersion:
    @pytest.mark.parametrize("format", ["xlsx", "pdf", "json"])
    async def test_has_no_name_and_no_number_whole(self, front, format):
        sessions = await three_visits(front)
        answer = await ledger(front, f"&public=true&format={format}", await auditor(front))
        data = await answer.read()
        if format == "xlsx":
            text = json.dumps([rows_in(data), summary_in(data)], ensure_ascii=False)
        else:
            text = text_in(data) if format == "pdf" else data.decode()
        assert "刘**" in text and "欧**" in text and "****17" in text
        for hidden in (*NAMES, *sessions, "YN-200017", "YN-18"):
            assert hidden not in text, hidden

    async def test_has_the_totals_of_the_full_one(self, front):
        await three_visits(front)
        token = await auditor(front)
        full = (await ledger(front, "&format=json", token)).data["totals"]
        public = (await ledger(front, "&format=json&public=true", token)).data["totals"]
        assert public.items() <= full.items() and "interventions" not in public

    @pytest.mark.parametrize("role", [Role.APPROVER, Role.ADMIN])
    async def test_is_for_approvers_and_administrators_of_the_site_too(self, front, role):
        await front.add_user("w", "第一监狱长", role, PASSWORD, "first-prison")
        token = await front.store.issue_user_token("w", timedelta(hours=1))
        assert (await ledger(front, "&public=true", token)).status == 200
        await front.refused("forbidden", "GET", f"{LEDGERS}?{OF_DAY}", token)


class TestWhoGetsIt:
    async def test_officers_on_duty_get_a_day_of_their_own_site_with_names(self, front):
        """Yunnan 26(6): they put the ledger in order."""
        await three_visits(front)
        token = await front.store.issue_user_token("prison-sup", timedelta(hours=1))
        rows = rows_in(await (await front.ask("GET", f"{LEDGERS}?{OF_DAY}", token)).read())
        assert [row["会见对象"] for row in rows] == ["刘某甲"] * 3
        await front.refused("not_found", "GET", f"{LEDGERS}?site=panlong&{OF_DAY}", token)
        for public in ("true", "false"):
            month = f"{LEDGERS}?from=2026-03-01&to=2026-03-31&public={public}"
            assert "一天" in (await front.refused("forbidden", "GET", month, token)).data["detail"]

    async def test_clerks_terminals_and_programs_get_none(self, front):
        for caller in OTHERS:
            await front.refused("forbidden", "GET", f"{LEDGERS}?site=first-prison&public=true", caller)
        await front.refused("not_signed_in", "GET", f"{LEDGERS}?site=first-prison")

    async def test_other_sites_do_not_exist(self, front):
        await front.add_user("p", "审计乙", Role.AUDITOR, PASSWORD, "panlong")
        token = await front.store.issue_user_token("p", timedelta(hours=1))
        other = await front.refused("not_found", "GET", f"{LEDGERS}?site=first-prison", token)
        unknown = await front.refused("not_found", "GET", f"{LEDGERS}?site=nowhere", token)
        assert other.data["detail"] == unknown.data["detail"]
        assert (await front.ask("GET", LEDGERS, token)).status == 200  # the own site

    @pytest.mark.parametrize(
        "query",
        [
            "site=first-prison&from=2026-03-02&to=2026-03-01",
            "site=first-prison&from=2026-03-01&to=2026-04-01",
            "site=first-prison&from=1999-12-31",
            "site=first-prison&from=yesterday",
            "site=first-prison&format=csv",
            "site=../etc",
            "site=first-prison&since=2026-03-01",
        ],
    )
    async def test_what_is_no_ledger_is_refused(self, front, query):
        await front.refused("bad_request", "GET", f"{LEDGERS}?{query}", "auditor")

    async def test_a_month_is_one(self, front):
        answer = await front.ask("GET", f"{LEDGERS}?site=first-prison&from=2026-03-01&to=2026-03-31", "auditor")
        assert answer.status == 200


class TestWhatGoesWithIt:
    async def test_it_is_journaled_without_a_name(self, front):
        await front.visit()
        await ledger(front)
        (entry,) = await front.noted("LedgerMade")
        assert entry.author == "user:auditor"
        days = {"from": DAY, "to": DAY}
        assert json.loads(entry.data) == {
            "site": "first-prison",
            **days,
            "public": False,
            "format": "xlsx",
            "visits": 1,
        }

    async def test_a_refusal_is_journaled(self, front):
        await front.refused(
            "bad_request", "GET", f"{LEDGERS}?site=first-prison&from=2026-03-02&to=2026-03-01", "auditor"
        )
        assert len(await front.noted("LedgerRefused")) == 1

    async def test_names_of_files_are_safe_and_nothing_is_kept_on_the_way(self, front):
        headers = (await ledger(front)).headers
        name = f"ledger-first-prison-{DAY}.xlsx"
        assert headers["Content-Disposition"].startswith(f"attachment; filename=\"{name}\"; filename*=UTF-8''%E4%BC%9A")
        assert (headers["Cache-Control"], headers["X-Content-Type-Options"]) == ("no-store", "nosniff")

    async def test_the_signature_in_the_header_is_that_of_the_file(self, front, tmp_path):
        answer = await ledger(front)
        path = tmp_path / "ledger.xlsx"
        path.write_bytes(await answer.read())
        path.with_name(path.name + BESIDE).write_bytes(base64.b64decode(answer.headers["Huijian-Signature"]))
        assert check(path, beside(front.context.settings.archive_dir))["totals"]["visits"] == 0

    async def test_two_at_once_are_made_one_after_another(self, front):
        await front.visit()
        answers = await asyncio.gather(*(ledger(front) for _ in range(2)))
        assert [answer.status for answer in answers] == [200, 200]
        assert list(front.context.settings.run_dir.glob("ledger-*")) == []
