"""Orders on a bad line: the page says that one is on its way, that it was not delivered, and what came of it; and that
the gate shuts by itself while the page is not connected."""

import pytest
from playwright.async_api import Page, expect

from tests.signaling.web.conftest import Complaints
from tests.signaling.web.test_alerts import alert
from tests.signaling.web.test_follow_ups import AGREED
from tests.signaling.web.test_wall import layout
from tests.support.monitor.fake_server import OFFICER, FakeMonitor
from tests.support.monitor.visits import QUORUM, by_officer, live, with_media

SENDING_ENDS_AT = """() => {
    const row = document.querySelector('.order-status li[data-state="sending"]');
    return row && getComputedStyle(row).visibility === "visible"
        && row.closest(".order-status").getBoundingClientRect().bottom;
}"""
"""Returns where the box of orders ends on the screen while one is on its way."""


DISABLED = """() => [...document.querySelectorAll('button[aria-disabled="true"]')]
    .filter((button) => button.checkVisibility())
    .map((button) => (button.querySelector(".act-words, span:not(.unseen)") ?? button).textContent.trim())"""
"""Returns the words of the buttons that are disabled because the page is not connected."""
PICTURES = """() => [...document.querySelectorAll("video")].map((video) => {
    const { left, top, width, height } = video.getBoundingClientRect();
    return [left, top, width, height].map(Math.round).join();
})"""
STILL = """() => document.getAnimations().every(({ playState }) => playState === "finished")"""


@pytest.fixture
def silenced(complaints: Complaints):
    """The browser's own messages about requests that the server refuses are no complaints of the page."""
    yield
    complaints.errors.clear()


async def _resume(page: Page) -> None:
    await page.get_by_role("button", name="恢复会见").click()
    await page.get_by_role("button", name="确认恢复").click()


def _status(page: Page):
    return page.get_by_role("region", name="指令送达情况")


class TestAnOrderWithoutAnAnswer:
    async def test_is_told_as_not_delivered_until_it_is_known_that_it_arrived(
        self, on_duty: Page, server: FakeMonitor, silenced: None
    ) -> None:
        await server.put(by_officer())
        server.deaf = True
        await _resume(on_duty)
        await expect(_status(on_duty)).to_contain_text("正在发送……")
        alert = _status(on_duty).get_by_role("alert")
        await expect(alert).to_contain_text("未送达，请电话通知对方")
        await expect(alert).to_contain_text("恢复会见")
        server.carried_out.add(server.order_ids[0])
        server.deaf = False
        await expect(_status(on_duty).get_by_role("listitem")).to_have_count(0)
        await expect(on_duty.get_by_text("连接恢复：指令已送达")).to_be_visible()
        assert len(server.orders) == 1 and server.by_rest == []

    async def test_stands_in_the_strip_too_and_leads_to_its_visit(
        self, on_duty: Page, server: FakeMonitor, silenced: None
    ) -> None:
        await server.put(by_officer("ses_a"))
        await server.put(live("ses_b"))
        strip = await on_duty.locator(".strip").bounding_box()
        tiles = await on_duty.locator(".tiles").bounding_box()
        server.deaf = True
        await _resume(on_duty)
        shown = on_duty.get_by_role("region", name="提醒", exact=True).get_by_role("button", name="未送达")
        await expect(shown).to_contain_text("恢复会见 · 王建国")
        assert await on_duty.locator(".strip").bounding_box() == strip
        assert await on_duty.locator(".tiles").bounding_box() == tiles
        await on_duty.keyboard.press("2")
        await expect(on_duty.locator(".tile").nth(1)).to_have_attribute("data-chosen", "true")
        await shown.click()
        await expect(on_duty.locator(".tile").nth(0)).to_have_attribute("data-chosen", "true")
        server.deaf = False
        await expect(on_duty.locator(".strip-order")).to_contain_text("指令没有执行")
        await on_duty.get_by_role("button", name="知道了").click()
        await expect(on_duty.locator(".strip-order")).to_be_hidden()

    async def test_that_opens_something_is_given_up_and_says_so(
        self, on_duty: Page, server: FakeMonitor, silenced: None
    ) -> None:
        await server.put(by_officer())
        server.deaf = True
        await _resume(on_duty)
        await expect(_status(on_duty).get_by_role("alert")).to_contain_text("未送达，请电话通知对方")
        server.deaf = False
        await expect(_status(on_duty).get_by_role("alert")).to_contain_text("指令没有执行")
        assert len(server.orders) == 1, "what was meant for an earlier moment is not sent again"
        assert server.taken_back == [server.order_ids[0]], "nor may it arrive later on the old connection"
        await on_duty.get_by_role("button", name="知道了").click()
        await expect(_status(on_duty).get_by_role("listitem")).to_have_count(0)

    async def test_that_stops_something_is_sent_again_under_the_same_id(
        self, on_duty: Page, server: FakeMonitor, silenced: None
    ) -> None:
        await server.put(live())
        server.deaf = True
        await on_duty.keyboard.press("m")
        await on_duty.get_by_role("radio", name="第十六条第（二）项").check()
        await on_duty.keyboard.press("Enter")
        await expect(_status(on_duty).get_by_role("alert")).to_contain_text("未送达，请电话通知对方")
        server.deaf = False
        await server.until(lambda: len(server.orders) == 2)
        assert len(set(server.order_ids)) == 1 and server.taken_back == []
        await expect(on_duty.get_by_text("连接恢复：指令已送达")).to_be_visible()

    async def test_that_a_restarted_server_refuses_is_told_as_what_may_have_been_done(
        self, on_duty: Page, server: FakeMonitor, silenced: None
    ) -> None:
        await server.put(live())
        server.deaf = True
        await on_duty.keyboard.press("m")
        await on_duty.get_by_role("radio", name="第十六条第（二）项").check()
        await on_duty.keyboard.press("Enter")
        await expect(_status(on_duty).get_by_role("alert")).to_contain_text("未送达，请电话通知对方")
        server.refuse["mute"] = {"status": 409, "code": "conflict", "title": "状态冲突", "detail": "已静音"}
        server.deaf = False
        await expect(on_duty.get_by_text("连接恢复：会见状态已变，未再次执行")).to_be_visible()
        await expect(_status(on_duty).get_by_role("listitem")).to_have_count(0)

    async def test_of_a_farewell_is_not_told_as_a_stop(
        self, on_duty: Page, server: FakeMonitor, silenced: None
    ) -> None:
        server.more_grounds = [AGREED]
        await server.put(live())
        farewell = on_duty.get_by_role("button", name="提出会见完毕")
        await expect(farewell).to_be_enabled()
        server.deaf = True
        await farewell.click()
        await on_duty.get_by_role("button", name="确认提出").click()
        status = _status(on_duty).get_by_role("alert").first
        await expect(status).to_contain_text("会见完毕")
        await expect(status).not_to_contain_text("终止会见")
        await expect(farewell).to_have_attribute("data-sending", "unanswered")
        await expect(on_duty.get_by_role("button", name="终止会见")).to_have_attribute("data-sending", "")

    async def test_lies_over_no_name_of_a_visit_on_the_desk(
        self, on_duty: Page, server: FakeMonitor, silenced: None
    ) -> None:
        await server.put(live())
        await on_duty.get_by_role("button", name="劝阻").wait_for()
        server.deaf = True
        await on_duty.keyboard.press("n")
        await on_duty.keyboard.type("已安抚")
        await on_duty.keyboard.press("Enter")
        status = _status(on_duty).get_by_role("alert").first
        await expect(status).to_contain_text("未送达，请电话通知对方")
        lower = await status.evaluate("(row) => row.getBoundingClientRect().bottom")
        await on_duty.keyboard.press("F9")
        asked = on_duty.get_by_role("dialog", name="终止会见").get_by_role("heading")
        await expect(asked).to_be_visible()
        for title in (on_duty.locator(".details-body"), asked):
            assert await title.evaluate("(title) => title.getBoundingClientRect().top") >= lower

    async def test_lies_over_no_picture_while_the_desk_is_folded(
        self, on_duty: Page, server: FakeMonitor, silenced: None
    ) -> None:
        await on_duty.set_viewport_size({"width": 1366, "height": 768})
        await layout(on_duty, 9)
        for letter in "abcdefghi":
            view = with_media(live(f"ses_{letter}"))  # the rooms send nothing, which spares the machine
            await server.put(view, alerts=[alert(f"alt_{letter}", "black")])
        await expect(on_duty.locator(".tile")).to_have_count(9)
        await on_duty.locator('.duty[data-desk="folded"]').wait_for()
        wall = await on_duty.locator(".tiles").bounding_box()
        server.deaf = True
        for _ in range(3):
            await on_duty.keyboard.press("a")
        shown = await (await on_duty.wait_for_function(SENDING_ENDS_AT)).json_value()
        assert wall is not None
        assert shown <= wall["y"], "an officer who acts would no longer count in another visit"
        await expect(_status(on_duty).get_by_role("alert").first).to_contain_text("未送达，请电话通知对方")


class TestALostConnection:
    async def test_says_that_the_gate_shuts_by_itself_and_nothing_can_be_ordered(
        self, on_duty: Page, server: FakeMonitor, silenced: None
    ) -> None:
        await server.put(live())
        await on_duty.get_by_role("button", name="劝阻").wait_for()
        server.closed = True
        await server.drop_sockets()
        alert = _status(on_duty).get_by_role("alert")
        await expect(alert).to_contain_text("闸门在 3 秒内自行关闭")
        await expect(on_duty.get_by_role("button", name="劝阻")).to_be_disabled()
        await on_duty.keyboard.press("w")
        await expect(on_duty.get_by_text("连接中断，未操作")).to_be_visible()
        await expect(on_duty.get_by_role("dialog")).to_have_count(0)
        server.closed = False
        await expect(alert).to_be_hidden()
        await expect(on_duty.get_by_role("button", name="劝阻")).to_be_enabled()

    async def test_disables_every_act_and_nothing_that_only_changes_the_page(
        self, on_duty: Page, server: FakeMonitor, silenced: None
    ) -> None:
        me = {"id": OFFICER["id"], "name": OFFICER["name"]}
        quorum = QUORUM | {"prison": {"need": 2, "have": [me]}}
        await server.put(live(quorum=quorum), alerts=[alert("alt_1", "black")])
        await on_duty.get_by_role("button", name="全部 · 记录").click()
        await on_duty.get_by_role("button", name="交班").wait_for()
        assert await on_duty.evaluate(DISABLED) == []
        server.closed = True
        await server.drop_sockets()
        await expect(on_duty.get_by_role("button", name="交班")).to_be_disabled()
        disabled = set(await on_duty.evaluate(DISABLED))
        assert {"交班", "处理", "值守", "劝阻", "终止会见", "中止会见"} <= disabled
        assert disabled.isdisjoint({"退出登录", "English", "全部 · 记录", "收听双方", "?"})
        await on_duty.keyboard.press("a")
        await on_duty.keyboard.press("d")
        await expect(on_duty.get_by_text("连接中断，未操作")).to_have_count(2)
        assert server.orders == []
        server.closed = False
        await expect(on_duty.get_by_role("button", name="交班")).to_be_enabled()

    async def test_lets_a_sheet_be_confirmed_only_once_it_is_back_and_keeps_what_was_written(
        self, on_duty: Page, server: FakeMonitor, silenced: None
    ) -> None:
        await server.put(by_officer())
        await on_duty.get_by_role("button", name="恢复会见").click()
        await on_duty.get_by_role("dialog").get_by_role("textbox").fill("已安静")
        server.closed = True
        await server.drop_sockets()
        confirm = on_duty.get_by_role("button", name="确认恢复")
        await expect(confirm).to_be_disabled()
        await confirm.click(force=True)
        await expect(on_duty.get_by_text("连接中断，未操作")).to_be_visible()
        assert server.order_ids == []
        server.closed = False
        await expect(confirm).to_be_enabled()
        await confirm.click()
        await server.until(lambda: len(server.orders) == 1)
        assert server.orders[0]["note"] == "已安静"

    async def test_moves_no_picture_and_unfolds_no_desk(
        self, on_duty: Page, server: FakeMonitor, silenced: None
    ) -> None:
        await layout(on_duty, 9)
        for letter in "abcdefghi":
            await server.put(with_media(live(f"ses_{letter}")))
        await on_duty.locator('.duty[data-desk="folded"]').wait_for()
        await expect(on_duty.locator(".tile")).to_have_count(9)
        await on_duty.wait_for_function(f"() => ({STILL})()")
        places = await on_duty.evaluate(PICTURES)
        server.closed = True
        await server.drop_sockets()
        banner = on_duty.locator(".link-lost")
        await expect(banner).to_contain_text("闸门在 3 秒内自行关闭")
        assert await on_duty.evaluate(PICTURES) == places
        found, strip = [await node.bounding_box() for node in (banner, on_duty.locator(".strip"))]
        assert found and strip and strip["y"] <= found["y"]
        assert found["y"] + found["height"] <= strip["y"] + strip["height"]
        await on_duty.get_by_role("button", name="Switch to English").click()
        assert await banner.evaluate("(node) => node.scrollHeight <= node.clientHeight")
        server.closed = False
        await expect(banner).to_be_hidden()
        assert await on_duty.evaluate(PICTURES) == places
        await expect(on_duty.locator(".duty")).to_have_attribute("data-desk", "folded")

    async def test_greys_what_was_known_of_counting(self, on_duty: Page, server: FakeMonitor, silenced: None) -> None:
        await server.put(live())
        await server.send("standing", sessions=[{"session": "ses_a", "counted": True, "why": []}], prompt=None)
        chip = on_duty.locator("#presence-status")
        await expect(chip).to_have_attribute("data-level", "good")
        server.closed = True
        await server.drop_sockets()
        await expect(chip).to_have_attribute("data-level", "stale")
        await expect(chip).to_contain_text("是否计入在岗不明")
        server.closed = False
        await expect(on_duty.locator("#link")).to_have_text("已连接")
