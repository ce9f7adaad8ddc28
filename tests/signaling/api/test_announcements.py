"""A Guangdong visit through the front door: article 25 is the county's before it, 29 both sides' in it, a stop under 36
is announced by cause and filed (Guangdong 25, 29, 36)."""

from datetime import timedelta

import pytest

from broker.booking.slot import Place
from broker.control.store.records import Role, SiteKind
from broker.kernel.ids import RoomId, SiteId
from broker.session.state import State
from tests.support.signaling.front import PASSWORD

PATH = "/api/v1/announcements"
SITES = {
    "gd-prison": (SiteKind.PRISON, "g1"),
    "gd-county": (SiteKind.OFFICE, "c1"),
    "gd-province": (SiteKind.PROVINCE, None),
}
OFFICERS = {
    "gd-police": ("gd-prison", Role.SUPERVISOR),
    "gd-clerk": ("gd-county", Role.CLERK),
    "gd-staff": ("gd-county", Role.SUPERVISOR),
    "gd-filer": ("gd-province", Role.APPROVER),
}
FAULT = {"id": "ann_1", "code": "GD-36-1", "text": "因网络故障，今日上午暂停视频会见。"}


@pytest.fixture
async def guangdong(front):
    """Return the slot's places of two sites of Guangdong, with their officers."""
    for site, (kind, room) in SITES.items():
        await front.store.add_site(site, kind, f"{site} 名", "guangdong")
        if room is not None:
            await front.store.add_room(room, site, room)
    for user, (site, role) in OFFICERS.items():
        await front.add_user(user, f"{user} 名", role, PASSWORD, site)
        front.tokens[user] = await front.store.issue_user_token(user, timedelta(hours=12))
    yield {
        "prison": Place(SiteId("gd-prison"), RoomId("g1")),
        "visitor": Place(SiteId("gd-county"), RoomId("c1")),
        "policy": "guangdong",
        "article": "广东 第十五条",
    }
    for user in OFFICERS:
        del front.tokens[user]


def state(front):
    (live,) = front.broker.sessions()
    return live.session.state


async def order(front, path, caller, name, **body):
    answer = await front.ask("POST", f"{path}/{name}", caller, json=body)
    assert answer.status == 200, answer.data


class TestAVisitInGuangdong:
    async def test_is_cancelled_by_the_county_before_it_begins_after_a_warning_in_vain(self, front, guangdong):
        path = f"/api/v1/sessions/{await front.visit(**guangdong)}"
        front.at(timedelta(minutes=-10))
        loud = {"article": "GD-25-3", "note": "大声喧哗"}
        await front.refused("policy_violation", "POST", f"{path}/end", "gd-police", json=loud)
        await front.refused("policy_violation", "POST", f"{path}/end", "gd-staff", json=loud)
        pledge = {"sides": ["visitor"], "text_id": "pledge-2"}
        again = pledge | {"article": "GD-25-3"}
        await front.refused("policy_violation", "POST", f"{path}/warn", "gd-staff", json=again)
        await order(front, path, "gd-staff", "warn", **pledge, article="WARN-CONDUCT")
        grounds = {
            one["code"]: one
            for one in (await front.ask("GET", f"{path}/interventions", "gd-staff")).data["interventions"]
        }
        assert (grounds["GD-25-3"]["by"], grounds["GD-25-3"]["phase"]) == ("county", "before")
        suspension = {"id": "sus_1", "person": "kin-1", "months": 1, "code": "GD-25-3", "reason": "大声喧哗"}
        await front.refused("policy_violation", "POST", f"{path}/suspensions", "gd-staff", json=suspension)
        await order(front, path, "gd-staff", "end", **loud)
        assert state(front) is State.ENDED
        assert (await front.ask("POST", f"{path}/suspensions", "gd-staff", json=suspension)).status == 200

    async def test_that_runs_is_stopped_under_29_and_not_under_25(self, front, guangdong):
        path = f"/api/v1/sessions/{await front.live_visit(**guangdong)}"
        for code in ("GD-25-2", "GD-25-4", "GD-29-2"):
            await front.refused("policy_violation", "POST", f"{path}/hold", "gd-staff", json={"article": code})
        await order(front, path, "gd-police", "hold", article="GD-29-3", text_id="pledge-5")
        assert state(front) is State.HELD
        (shown,) = (await front.ask("GET", path, "gd-staff")).data["warnings"]
        assert shown["zh"].startswith("不谈论有碍服刑人员改造")


class TestAnnouncements:
    @pytest.fixture
    async def stopped(self, front, guangdong):
        session = await front.live_visit(**guangdong)
        await order(front, f"/api/v1/sessions/{session}", "gd-police", "hold", article="GD-36-1")
        return session

    async def test_of_a_stop_are_due_until_the_unit_announces_and_the_province_files(self, front, stopped):
        reason = (await front.ask("GET", f"/api/v1/sessions/{stopped}", "gd-staff")).data["reason"]
        assert (reason["article"], reason["issuer"]) == ("GD-36-1", "unit")
        due = (await front.ask("GET", PATH, "gd-clerk")).data["due"]
        assert due == [{"session": stopped, "code": "GD-36-1", "issuer": "unit", "at": None, "mine": True}]
        made = (await front.ask("POST", PATH, "gd-clerk", json=FAULT | {"session": stopped})).data
        assert (made["cause"], made["issuer"], made["site"]) == ("网络、设备故障或其他原因的", "unit", "gd-county 名")
        assert (await front.ask("POST", PATH, "gd-clerk", json=FAULT | {"session": stopped})).data == made
        assert (await front.ask("GET", PATH, "gd-police")).data == {"announcements": [made], "due": []}
        (seen,) = (await front.ask("GET", PATH, "gd-filer")).data["announcements"]
        assert seen["mine"] and not made["mine"], "the province files, and no other"
        filed = (await front.ask("POST", f"{PATH}/ann_1/file", "gd-filer")).data
        assert filed["filed_site"] == "gd-province 名" and filed["filed_at"] and filed["session"] is None
        await front.refused("conflict", "POST", f"{PATH}/ann_1/file", "gd-filer")
        kinds = [(await front.noted(kind)) for kind in ("AnnouncementPublished", "AnnouncementFiled")]
        assert [len(entries) for entries in kinds] == [1, 1]

    async def test_that_another_office_makes_are_due_and_not_the_callers(self, front, guangdong):
        session = await front.live_visit(**guangdong)
        await order(front, f"/api/v1/sessions/{session}", "gd-police", "end", article="GD-36-2", note="公告第3号")
        (due,) = (await front.ask("GET", PATH, "gd-clerk")).data["due"]
        assert (due["session"], due["issuer"], due["mine"]) == (session, "bureau", False)
        assert due["at"], "it has ended"

    async def test_are_made_by_the_office_of_their_cause_only(self, front, stopped):
        for caller, body, code in (
            ("gd-staff", FAULT | {"code": "GD-36-2"}, "forbidden"),
            ("gd-filer", FAULT, "forbidden"),
            ("gd-staff", FAULT | {"code": "GD-29-1"}, "policy_violation"),
            ("gd-staff", FAULT | {"code": "YN-18"}, "policy_violation"),
            ("gd-staff", FAULT | {"text": "  "}, "bad_request"),
            ("gd-staff", FAULT | {"text": "长" * 2001}, "bad_request"),
            ("gd-staff", FAULT | {"session": "ses_none"}, "not_found"),
            ("foreign-sup", FAULT | {"session": stopped, "code": "GD-36"}, "not_found"),
            ("auditor", FAULT, "forbidden"),
            ("p1", FAULT, "forbidden"),
        ):
            await front.refused(code, "POST", PATH, caller, json=body)
        await front.refused("forbidden", "POST", f"{PATH}/ann_1/file", "gd-staff")
        await front.refused("not_found", "POST", f"{PATH}/ann_9/file", "gd-filer")
        upgrade = {"id": "ann_2", "code": "GD-36-3", "text": "系统升级，\n3月3日暂停。"}
        assert (await front.ask("POST", PATH, "gd-filer", json=upgrade)).data["filed_at"], "the department's own"
        taken = upgrade | {"text": "另一公告"}
        await front.refused("conflict", "POST", PATH, "gd-filer", json=taken)
