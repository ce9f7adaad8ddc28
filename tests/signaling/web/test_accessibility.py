"""Accessibility of the supervisors' page: axe-core finds nothing serious on the sign-in page, the wall and any dialog.

These tests hold what a program can judge; keyboard and words have tests of their own."""

from importlib.resources import files
from typing import Any

from playwright.async_api import Page, expect

from tests.support.monitor.fake_server import FakeMonitor
from tests.support.monitor.visits import because, by_officer, checking_in, live, session

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
SERIOUS = {"serious", "critical"}
DIALOGS = [
    ("w", "劝阻"),
    ("m", "静音"),
    ("h", "中止会见"),
    ("F9", "终止会见"),
    ("?", "键盘操作"),
    ("d", "不再值守这一场"),
]
RUN = """async () => {
    const { violations } = await axe.run(document, { resultTypes: ["violations"] });
    const placesOf = (nodes) => nodes.map(({ html, failureSummary }) => [html, failureSummary]);
    return violations.map(({ id, impact, nodes }) => [impact, id, placesOf(nodes)]);
}"""


async def violations(page: Page) -> list[Any]:
    """Return the findings of axe-core that are serious or critical, with their places."""
    if not await page.evaluate("() => 'axe' in window"):
        await page.evaluate(AXE)  # the page's own policy lets no foreign script in
    return [found for found in await page.evaluate(RUN) if found[0] in SERIOUS]


async def _start_visit(page: Page, server: FakeMonitor) -> None:
    """Start one visit, and wait until its pictures are graded."""
    await server.put(live())
    await page.get_by_role("button", name="终止会见").wait_for()
    await page.locator(".picture .grade:visible").first.wait_for()


class TestAxe:
    async def test_a_button_without_a_name_is_found(self, page: Page) -> None:
        await page.evaluate("() => document.querySelector('main').append(document.createElement('button'))")
        assert [found[1] for found in await violations(page)] == ["button-name"]


class TestPages:
    async def test_the_sign_in_page_with_and_without_a_refusal(self, page: Page, complaints: Any) -> None:
        assert await violations(page) == []
        await page.get_by_label("用户名").fill("li-ming")
        await page.get_by_label("密码").fill("wrong")
        await page.get_by_role("button", name="登录").click()
        await page.get_by_role("alert").filter(has_text="用户名或密码错误").wait_for()
        assert await violations(page) == []
        complaints.errors.clear()  # the browser's own message about the 401

    async def test_the_page_on_a_day_without_visits(self, on_duty: Page) -> None:
        await expect(on_duty.get_by_text("今天没有会见")).to_be_visible()
        assert await violations(on_duty) == []

    async def test_a_wall_in_every_state_in_both_languages(self, on_duty: Page, server: FakeMonitor) -> None:
        await on_duty.get_by_role("radio", name="9", exact=True).check(force=True)
        await server.put(live("ses_a", left=250_000))
        lost = {"state": "lost", "seconds": 3.0, "path": None, "sha256": None}
        await server.put({**by_officer("ses_b"), "recording": lost})
        await server.put(checking_in("ses_c", missing=[because("visitor_check_in", "核验未完成", "Not complete")]))
        await server.put(live("ses_d", left=50_000))
        await server.put(session("ses_e", 60))
        await server.put(session("ses_f", -90), state="ended", reason=because("time_limit", "时间已到", "Over"))
        counted = {"session": "ses_a", "counted": True, "why": []}
        hidden = {"code": "hidden", "zh": "监督页面不在前台", "en": "The page is not in front"}
        await server.send(
            "standing",
            sessions=[counted, {**counted, "session": "ses_b", "counted": False, "why": [hidden]}],
            prompt=None,
        )
        await server.quality("ses_a", 0.08)
        await on_duty.locator(".picture .grade:visible").first.wait_for()
        await expect(on_duty.locator(".tile")).to_have_count(4)
        for words in ("Switch to English", "切换为中文"):
            for key in ("1", "2", "3"):  # live, held, at check-in
                await on_duty.keyboard.press(key)
                assert await violations(on_duty) == []
            await on_duty.get_by_role("button", name=words).click()
        await on_duty.keyboard.press("v")
        assert await violations(on_duty) == []

    async def test_the_page_without_a_connection(self, on_duty: Page, server: FakeMonitor, complaints: Any) -> None:
        await _start_visit(on_duty, server)
        server.closed = True
        await server.drop_sockets()
        await expect(on_duty.get_by_text("可能已经变化")).to_be_visible()
        assert await violations(on_duty) == []
        server.closed = False
        await expect(on_duty.locator("#link")).to_have_text("已连接")
        complaints.errors.clear()  # the browser's own messages about the refused sockets


class TestDialogs:
    async def test_every_dialog_that_a_key_opens(self, on_duty: Page, server: FakeMonitor) -> None:
        await _start_visit(on_duty, server)
        for key, name in DIALOGS:
            await on_duty.keyboard.press(key)
            await on_duty.get_by_role("dialog", name=name).wait_for()
            assert await violations(on_duty) == [], name
            if key == "w":
                await on_duty.get_by_role("radio", name="自拟").check()
                assert await violations(on_duty) == [], "own words"
            if key == "F9":
                await on_duty.keyboard.press("Enter")
                await on_duty.get_by_text("尚未选择或填写").wait_for()
                assert await violations(on_duty) == [], "what the stop lacks"
            await on_duty.keyboard.press("Escape")
            await expect(on_duty.get_by_role("dialog")).to_have_count(0)

    async def test_the_dialog_that_exchanges_duty(self, on_duty: Page, server: FakeMonitor) -> None:
        await on_duty.get_by_role("radio", name="4", exact=True).check(force=True)
        for name in ("ses_a", "ses_b", "ses_c"):
            await server.put(checking_in(name))
        await on_duty.locator(".duty-mark").nth(2).click()
        await on_duty.get_by_role("dialog", name="改为值守这一场").wait_for()
        assert await violations(on_duty) == []

    async def test_the_attention_check(self, on_duty: Page, server: FakeMonitor) -> None:
        await _start_visit(on_duty, server)
        await server.send("standing", sessions=[], prompt="att_1")
        await server.send("attention", id="att_1", answer_within_ms=30_000)
        await on_duty.get_by_role("alertdialog").wait_for()
        assert await violations(on_duty) == []


class TestDetails:
    async def test_details_at_check_in(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(checking_in())
        await on_duty.get_by_role("checkbox").first.wait_for()
        assert await violations(on_duty) == []

    async def test_details_with_warnings_mutes_notes_and_talkback_of_a_colleague(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await _start_visit(on_duty, server)
        by = {"id": "zhao-qiang", "name": "赵强"}
        at = "2026-03-02T02:03:10+00:00"
        server.notes["ses_a"] = [{"at": at, "since_ms": 190_000, "site": "guandu", "by": by, "text": "母亲情绪激动"}]
        words = {"zh": "不准大声喧哗、吵闹。", "en": "Do not shout.", "article": "YN-16-6"}
        warning = {
            "id": "wrn_1",
            "at": at,
            "sides": ["prison", "visitor"],
            **words,
            "by": by,
            "acknowledged": ["prison"],
        }
        muted = [{"side": "visitor", "article": "YN-16-2", "site": "yunnan-1", "by": by}]
        await server.put(live(), notes=1, warnings=[warning], muted=muted, speech={"sides": ["visitor"], "by": by})
        await on_duty.get_by_text("母亲情绪激动").wait_for()
        assert await violations(on_duty) == []
