"""What follows a visit on the page: the word of both sides, requests to book again first, and absences (Guangdong 31(2)
and 23, Yunnan 18)."""

from typing import Any

from playwright.async_api import Page, expect

from tests.support.monitor.fake_server import FakeMonitor
from tests.support.monitor.visits import live, session

AGREED = {
    "code": "END-COMPLETED",
    "zh": "双方会见完毕",
    "en": "both sides have said goodbye",
    "article": "业主决定",
    "may_warn": False,
    "may_hold": False,
    "must_end": True,
    "may_suspend": False,
    "by_agreement": True,
}
AT, UNTIL = "2026-03-02T02:10:00Z", "2026-03-02T02:13:00Z"


def word(side: str, name: str | None = None) -> dict[str, Any]:
    """Return the word of a side, of its room or of an officer."""
    by = None if name is None else {"id": "o-1", "name": name}
    return {"side": side, "room": name is None, "at": AT, "until": UNTIL, "by": by}


class TestFarewell:
    async def test_an_officer_proposes_after_a_question(self, on_duty: Page, server: FakeMonitor) -> None:
        server.more_grounds = [AGREED]
        await server.put(live())
        await on_duty.get_by_role("button", name="提出会见完毕").click()
        assert server.orders == []
        await on_duty.get_by_role("dialog", name="提出会见完毕").get_by_role("button", name="确认提出").click()
        await server.until(lambda: bool(server.orders))
        assert {**server.orders[-1], "id": 0} == {
            "type": "end",
            "id": 0,
            "session": "ses_a",
            "article": "END-COMPLETED",
        }
        await expect(on_duty.get_by_text("已为本方提出会见完毕")).to_be_visible()

    async def test_one_key_agrees_with_the_other_side(self, on_duty: Page, server: FakeMonitor) -> None:
        server.more_grounds = [AGREED]
        await server.put(live(), farewell=[word("visitor", "王强")])
        await expect(on_duty.get_by_text("会见人一方已提出会见完毕（王强）").first).to_be_visible()
        await expect(on_duty.get_by_role("button", name="同意会见完毕")).to_be_visible()
        await on_duty.keyboard.press("c")
        await server.until(lambda: bool(server.orders))
        assert server.orders[-1]["article"] == "END-COMPLETED"

    async def test_the_own_word_is_taken_back(self, on_duty: Page, server: FakeMonitor) -> None:
        server.more_grounds = [AGREED]
        await server.put(live(), farewell=[word("prison")])
        await expect(on_duty.get_by_text("监所一方已提出会见完毕（会见室）").first).to_be_visible()
        await expect(on_duty.get_by_role("button", name="提出会见完毕")).to_be_disabled()
        await on_duty.get_by_role("button", name="撤回，继续会见").click()
        await server.until(lambda: bool(server.orders))
        assert server.orders[-1]["type"] == "go_on"

    async def test_the_farewell_stands_apart_from_the_stop_and_is_none_of_its_grounds(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        server.more_grounds = [AGREED]
        await server.put(live())
        await expect(on_duty.get_by_role("group", name="会见完毕").get_by_role("button").first).to_be_enabled()
        await on_duty.keyboard.press("F9")
        dialog = on_duty.get_by_role("dialog", name="终止会见")
        await dialog.get_by_role("radio").first.wait_for()
        await expect(dialog.locator('[value^="END-"]')).to_have_count(0)


REQUEST = {
    "id": "rbk_ses_b",
    "state": "open",
    "article": "云南 第十八条",
    "at": AT,
    "session": "ses_b",
    "slot": "slt_b",
    "cause": {"code": "room_lost", "zh": "会见室线路中断", "en": "The line of a room broke"},
    "prison_site": "yunnan-1",
    "visitor_site": "panlong",
    "starts_at": AT,
    "between_inmates": False,
    "sides": {
        "prison": {"site_name": "第一监狱", "room_name": "一号会见室", "people": [{"name": "李春生", "role": "party"}]},
        "visitor": {
            "site_name": "盘龙区司法局",
            "room_name": "东会见室",
            "people": [{"name": "李桂芳", "role": "party"}],
        },
    },
    "new_slot": None,
    "by": "",
    "reason": "",
    "decided_at": None,
}
NOTE = {
    "id": "abs_ses_c",
    "side": "visitor",
    "state": "noted",
    "at": AT,
    "session": "ses_c",
    "slot": "slt_c",
    "site": "panlong",
    "people": [{"id": "kin-1", "name": "某乙"}],
    "by": None,
    "decided": [],
    "mine": ["forfeit", "excuse"],
}


class TestLists:
    async def test_an_open_request_is_listed_and_closed_with_a_reason(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live())
        server.rebookings = [REQUEST]
        await server.put(session("ses_b", -30, state="ended"), rebooking={"state": "open"})
        await server.put({"id": "ses_b", "sides": live()["sides"], "state": "ended"}, rebooking={"state": "again"})
        listed = on_duty.get_by_role("region", name="优先重新安排")
        await expect(listed).to_contain_text("会见室线路中断")
        await expect(listed).to_contain_text("李春生 ⇄ 盘龙区司法局 · 一号会见室 ⇄ 东会见室")  # of whatever day
        await expect(listed).not_to_contain_text("rbk_")
        await listed.get_by_role("button", name="不再安排").click()
        dialog = on_duty.get_by_role("dialog", name="不再安排")
        await dialog.get_by_role("button", name="确定").click()  # no reason yet: the form stays
        await dialog.get_by_label("理由").fill("会见人不再需要")
        await dialog.get_by_role("button", name="确定").click()
        await expect(on_duty.get_by_text("已办理")).to_be_visible()
        assert server.by_rest == [("decline", "rbk_ses_b", {"reason": "会见人不再需要"})]

    async def test_an_absence_is_decided_by_an_officer_with_a_reason(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live())
        server.absences = [NOTE]
        await server.put(session("ses_c", -30, state="ended"), absence=None)
        await server.put({"id": "ses_c", "sides": live()["sides"], "state": "ended"}, absence={"state": "noted"})
        listed = on_duty.get_by_role("region", name="未到场记录")
        await expect(listed).to_contain_text("会见人一方：某乙")
        await expect(listed.get_by_role("button", name="撤回认定")).to_be_hidden()
        await listed.get_by_role("button", name="认定无故").click()
        dialog = on_duty.get_by_role("dialog", name="认定无故")
        await dialog.get_by_label("理由").fill("电话联系三次，未说明原因")
        await dialog.get_by_role("button", name="确定").click()
        await expect(on_duty.get_by_text("已办理")).to_be_visible()
        assert server.by_rest == [("forfeit", "abs_ses_c", {"reason": "电话联系三次，未说明原因"})]

    async def test_without_any_the_lists_are_not_there(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live())
        await expect(on_duty.get_by_role("region", name="优先重新安排")).to_have_count(0)
        await expect(on_duty.get_by_role("region", name="未到场记录")).to_have_count(0)
