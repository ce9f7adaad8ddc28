"""The auditors' search: conditions, quick days, results, and the address that leads back to them."""

import re
from datetime import date, timedelta
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.signaling.web.audit.conftest import open_page
from tests.signaling.web.conftest import Complaints, Tab
from tests.signaling.web.test_accessibility import violations
from tests.support.monitor.fake_archive import RECORDED, FakeArchive, row
from tests.support.monitor.fake_server import FakeMonitor

SIZES = [{"width": 1366, "height": 768}, {"width": 1920, "height": 1080}]


async def find(page: Page, **fields: str) -> None:
    """Fill fields by their names, and search."""
    for name, value in fields.items():
        await page.locator(f".audit-search [name={name}]").fill(value)
    await page.get_by_role("button", name="查找", exact=True).click()


class TestSearching:
    async def test_asks_on_enter_and_never_while_a_person_types(self, audit: Page, archive: FakeArchive) -> None:
        name = audit.get_by_label("服刑人员")
        await name.press_sequentially("王建国")
        assert archive.searches == []
        await name.press("Enter")
        await expect(audit.get_by_role("heading", name="共 1 场会见")).to_be_visible()
        assert archive.searches == [{"inmate": "王建国", "limit": 30}]

    async def test_sends_every_condition(self, audit: Page, archive: FakeArchive) -> None:
        await audit.get_by_text("更多条件").click()
        for name, value in {"state": "archived", "ending": "time_limit", "quality": "poor", "order": "oldest"}.items():
            await audit.locator(f".audit-search [name={name}]").select_option(value)
        await audit.locator("[name=intervention]").select_option("warning")
        await audit.locator("[name=alert]").select_option("any")
        words = {"visitor": "张丽", "supervisor": "李明", "watched_by": "li", "room": "3-1", "slot": "YN-1"}
        days = {"since": "2026-03-01", "until": "2026-03-31"}
        await find(audit, **words, **days, article="YN-16-2", min_minutes="5", max_minutes="30")
        await expect(audit.get_by_role("heading", name="共 1 场会见")).to_be_visible()
        expected: dict[str, Any] = {**words, **days, "article": "YN-16-2", "min_seconds": 300, "max_seconds": 1800}
        expected |= {"state": "archived", "ending": "time_limit", "quality": "poor", "order": "oldest"}
        assert archive.searches == [expected | {"intervention": "warning", "alert": "any", "limit": 30}]

    async def test_offers_the_articles_of_what_was_found_as_officers_say_them(self, audit: Page) -> None:
        await find(audit, inmate="王建国")
        await expect(audit.get_by_role("heading", name="共 1 场会见")).to_be_visible()
        offered = audit.locator("#audit-articles option")
        await expect(offered).to_have_attribute("value", "YN-16-2")
        await expect(offered).to_have_text("第十六条第（二）项")

    async def test_the_sites_of_the_auditor_are_offered(self, tab: Tab, server: FakeMonitor) -> None:
        room = {"id": "t", "room": "3-1", "room_name": "一号"}
        server.terminals = [
            {"site": "yunnan-1", "site_name": "第一监狱", **room},
            {"site": "b", "site_name": "官渡", **room},
        ]
        page = await open_page(tab, server)
        await page.get_by_label("单位").select_option(label="官渡")
        await find(page)
        await expect(page.get_by_role("heading", name="共 1 场会见")).to_be_visible()
        assert server.archive.searches == [{"site": "b", "limit": 30}]
        await tab.leave(server)

    async def test_a_role_that_reads_no_list_of_places_is_offered_those_of_what_it_found(
        self, tab: Tab, server: FakeMonitor
    ) -> None:
        asked: list[str] = []
        tab.page.on("request", lambda request: asked.append(request.url))
        page = await open_page(tab, server, role="procurator")
        await find(page, inmate="王建国")
        await expect(page.get_by_role("heading", name="共 1 场会见")).to_be_visible()
        await page.get_by_label("单位").select_option(label="官渡区司法局")
        await expect(page.locator('#audit-rooms option[value="3-1"]')).to_have_count(1)
        assert [url for url in asked if url.endswith(("/terminals", "/sites", "/rooms"))] == []
        await tab.leave(server)


def refusal(status: int) -> dict[str, Any]:
    """Return an answer that refuses, as the server and as a proxy before it may give it."""
    problem = {
        "title": "请求过多",
        "title_en": "Too many requests",
        "detail": "请稍候。",
        "detail_en": "Wait a little.",
    }
    if status == 429:
        return {"status": 429, "json": problem | {"code": "rate_limited"}, "content_type": "application/problem+json"}
    return {"status": status, "body": ""}


class TestAFailure:
    SEARCH = "**/api/v1/visits/search"

    @pytest.mark.parametrize("status", [0, 429, 503])
    async def test_says_what_happened_where_the_results_would_stand_and_offers_to_try_again(
        self, audit: Page, archive: FakeArchive, complaints: Complaints, status: int
    ) -> None:
        fail = (lambda route: route.fulfill(**refusal(status))) if status else (lambda route: route.abort())
        await audit.route(self.SEARCH, fail)
        await find(audit, inmate="王")
        failure = audit.locator(".audit-found").get_by_role("alert")
        await expect(failure.locator("strong")).to_have_text(re.compile("..."))
        await expect(audit.get_by_text("没有符合条件的会见")).to_be_hidden()
        await audit.get_by_role("button", name="Switch to English").click()
        await expect(failure.locator("strong")).to_have_text(re.compile("^[A-Za-z ,.]+$"))
        assert await violations(audit) == []
        await audit.unroute(self.SEARCH)
        await failure.get_by_role("button", name="Try again").press("Enter")
        await expect(audit.get_by_role("heading", name="Visits found: 1")).to_be_focused()
        await expect(failure).to_be_hidden()
        assert len(archive.searches) == 1
        complaints.errors.clear()  # the browser's own message

    async def test_of_the_next_page_leaves_the_first_one(
        self, audit: Page, archive: FakeArchive, complaints: Complaints
    ) -> None:
        archive.visits = [row(f"ses_{number}") for number in range(35)]
        await find(audit, inmate="王")
        await expect(audit.locator(".audit-row")).to_have_count(30)
        await audit.route(self.SEARCH, lambda route: route.fulfill(status=503, body=""))
        await audit.get_by_role("button", name="显示更多").click()
        await expect(audit.locator(".audit-found").get_by_role("alert")).to_be_visible()
        await expect(audit.locator(".audit-row")).to_have_count(30)
        await audit.get_by_role("button", name="Switch to English").click()
        await expect(audit.get_by_role("button", name="Show more")).to_be_hidden()
        await audit.unroute(self.SEARCH)
        await audit.get_by_role("button", name="Try again").click()
        await expect(audit.locator(".audit-row")).to_have_count(35)
        await expect(audit.locator("body")).not_to_be_focused()
        complaints.errors.clear()

    @pytest.mark.parametrize(
        ("place", "address"),
        [
            ("#part=relisten", "**/api/v1/relisten*"),
            ("#part=holds", "**/api/v1/holds"),
            ("#part=exports", "**/api/v1/exports"),
            ("#part=purge", "**/api/v1/purge"),
            (f"#visit={RECORDED}", f"**/api/v1/visits/{RECORDED}"),
        ],
    )
    async def test_of_any_other_part_is_said_in_its_place_too(
        self, tab: Tab, server: FakeMonitor, complaints: Complaints, place: str, address: str
    ) -> None:
        await tab.page.route(address, lambda route: route.fulfill(status=503, body=""))
        page = await open_page(tab, server, place)
        await expect(page.locator("main > .audit-failure")).to_be_visible()
        await tab.page.unroute(address)
        await page.get_by_role("button", name="重新尝试").click()
        await expect(page.locator("main > .audit-failure")).to_have_count(0)
        await expect(page.locator("body")).not_to_be_focused()
        complaints.errors.clear()
        await tab.leave(server)


class TestQuickDays:
    async def test_yesterday_is_searched_with_one_click(self, audit: Page, archive: FakeArchive) -> None:
        await audit.get_by_role("button", name="昨天").click()
        await expect(audit.get_by_role("heading", name="共 1 场会见")).to_be_visible()
        (query,) = archive.searches
        assert query["since"] == query["until"]

    async def test_the_weekday_before_is_chosen_with_one_choice(self, audit: Page, archive: FakeArchive) -> None:
        await audit.get_by_label("上一个星期几").select_option("weekday-2")
        await expect(audit.get_by_role("heading", name="共 1 场会见")).to_be_visible()
        assert date.fromisoformat(archive.searches[0]["since"]).isoweekday() == 2

    @pytest.mark.parametrize("back", range(8))
    async def test_a_weekday_is_always_in_the_seven_days_before(self, scripts: Page, back: int) -> None:
        today = date(2026, 3, 5) - timedelta(days=back)
        found = [await days(scripts, f"weekday-{day}", today) for day in range(1, 8)]
        assert [date.fromisoformat(each["since"]).isoweekday() for each in found] == [1, 2, 3, 4, 5, 6, 7]
        assert {(today - date.fromisoformat(each["since"])).days for each in found} == {1, 2, 3, 4, 5, 6, 7}

    async def test_the_week_before_is_from_monday_to_sunday(self, scripts: Page) -> None:
        assert await days(scripts, "last_week", date(2026, 3, 5)) == {"since": "2026-02-23", "until": "2026-03-01"}
        assert await days(scripts, "last_week", date(2026, 3, 1)) == {"since": "2026-02-16", "until": "2026-02-22"}
        assert await days(scripts, "week", date(2026, 3, 5)) == {"since": "2026-02-27", "until": "2026-03-05"}
        assert await days(scripts, "month", date(2026, 3, 5)) == {"since": "2026-03-01", "until": "2026-03-05"}


async def days(scripts: Page, name: str, today: date) -> dict[str, str]:
    """Return the days of a quick choice."""
    call = "async ([name, today]) => (await import('/web/state/audit_query.js')).quickDays(name, today)"
    return dict(await scripts.evaluate(call, [name, today.isoformat()]))


class TestResults:
    async def test_a_row_says_who_met_where_and_what_stood_out(self, audit: Page) -> None:
        await find(audit, inmate="王")
        found = audit.locator(".audit-row")
        for words in (
            "2026-03-03 10:00",
            "王建国 ⇄ 王秀兰、张丽",
            "云南第一监狱 · 3-1 会见室",
            "劝阻 · 第十六条第（二）项",
        ):
            await expect(found).to_contain_text(words)
        for words in (
            "时长 0:38",
            "提醒 2 次",
            "监督覆盖 94%",
            "画面一般",
            "标记 1 处",
            "会见时间已到",
            "YN-2026-0301",
        ):
            await expect(found).to_contain_text(words)
        drawn = "() => document.querySelector('img.poster')?.naturalWidth"
        await audit.wait_for_function(f"() => ({drawn})() === 384")

    async def test_a_visit_that_never_began_is_a_row_too(self, audit: Page, archive: FakeArchive) -> None:
        ending = {
            "code": "no_show_visitor",
            "article": None,
            "zh": "会见人一方未到场",
            "en": "The visitors did not arrive",
        }
        never: dict[str, Any] = {"began_at": None, "ended_at": None, "seconds": None, "coverage": None, "quality": None}
        archive.visits = [row(state="no_show", ending=ending, recording=None, interventions=[], **never)]
        await find(audit, inmate="王")
        await expect(audit.locator(".audit-row")).to_contain_text("会见人一方未到场")
        await expect(audit.locator("img.poster")).to_have_count(0)

    async def test_names_that_are_gone_are_said_to_be(self, audit: Page, archive: FakeArchive) -> None:
        archive.visits = [row(named=False, inmate=None, visitors=[])]
        await find(audit, since="2026-03-01")
        await expect(audit.locator(".audit-row")).to_contain_text("姓名已随录像销毁")

    async def test_a_long_ending_stays_in_its_row(self, audit: Page, archive: FakeArchive) -> None:
        words = "The visitors had not arrived when check-in closed; please speak to the staff of this institution " * 2
        archive.visits = [row(ending=row()["ending"] | {"zh": words})]
        await find(audit, inmate="王")
        await expect(audit.locator(".audit-chips")).to_contain_text("please speak")
        assert await audit.evaluate("() => document.documentElement.scrollWidth <= innerWidth")

    async def test_more_are_asked_for_by_a_button(self, audit: Page, archive: FakeArchive) -> None:
        archive.visits = [row(f"ses_{number}") for number in range(31)]
        await find(audit, inmate="王")
        await expect(audit.locator(".audit-row")).to_have_count(30)
        await audit.get_by_role("button", name="显示更多").click()
        await expect(audit.locator(".audit-row")).to_have_count(31)
        await expect(audit.get_by_role("button", name="显示更多")).to_be_hidden()
        assert archive.searches[1] == {"inmate": "王", "limit": 30, "after": "30"}

    async def test_nothing_found_is_said_in_words(self, audit: Page, archive: FakeArchive) -> None:
        archive.visits = []
        await find(audit, inmate="无此人")
        await expect(audit.get_by_text("没有符合条件的会见")).to_be_visible()


class TestTheAddress:
    async def test_holds_the_search_behind_its_hash_where_no_server_sees_it(
        self, audit: Page, archive: FakeArchive
    ) -> None:
        asked: list[str] = []
        audit.on("request", lambda request: asked.append(request.url))
        await find(audit, inmate="王建国")
        await expect(audit.get_by_role("heading", name="共 1 场会见")).to_be_visible()
        await audit.reload()
        await expect(audit.get_by_role("heading", name="共 1 场会见")).to_be_visible()
        await expect(audit.get_by_label("服刑人员")).to_have_value("王建国")
        assert any("/visits/search" in url for url in asked)
        assert all("%E7" not in url.split("#")[0] for url in asked)

    async def test_back_from_a_visit_shows_the_results_without_a_second_search(
        self, audit: Page, archive: FakeArchive
    ) -> None:
        await find(audit, inmate="王建国")
        await audit.locator(".audit-row").click()
        await expect(audit.get_by_role("heading", level=1)).to_contain_text("王建国")
        await audit.go_back()
        await expect(audit.locator(".audit-row")).to_be_visible()
        assert len(archive.searches) == 1
        await audit.go_back()
        await expect(audit.get_by_text("选择日期或填写条件后查找")).to_be_visible()
        await expect(audit.get_by_label("服刑人员")).to_have_value("")


class TestAccess:
    @pytest.mark.parametrize("role", ["clerk"])
    async def test_the_page_is_not_for_officers_without_a_part_of_it(
        self, tab: Tab, server: FakeMonitor, role: str
    ) -> None:
        await tab.page.context.clear_cookies()
        await tab.page.goto(f"{server.url}/audit")
        server.me = {**server.me, "role": role}
        await tab.page.get_by_label("用户名").fill("li-ming")
        await tab.page.get_by_label("密码").fill("right")
        await tab.page.keyboard.press("Enter")
        await expect(tab.page.get_by_text("此页面供审计、检察人员和制作台账的人员使用")).to_be_visible()
        assert [each for each in await tab.page.context.cookies() if each["name"] == "huijian"] == []
        tab.complaints.errors.clear()  # the browser's own message about the 401
        await tab.leave(server)

    async def test_a_sign_in_that_has_expired_is_named_where_the_officer_signs_in_again(
        self, tab: Tab, audit: Page
    ) -> None:
        await audit.context.clear_cookies()
        await find(audit, inmate="王建国")
        await expect(audit.get_by_role("alert").filter(has_text="登录已过期，或已在别处退出")).to_be_visible()
        await expect(audit.get_by_label("用户名")).to_be_focused()
        tab.complaints.errors.clear()  # the browser's own message about the 401

    async def test_an_auditor_signs_in_and_out(self, tab: Tab, server: FakeMonitor) -> None:
        await tab.page.context.clear_cookies()
        await tab.page.goto(f"{server.url}/audit")
        server.me = {**server.me, "role": "auditor"}
        await tab.page.get_by_label("用户名").fill("li-ming")
        await tab.page.get_by_label("密码").fill("right")
        await tab.page.keyboard.press("Enter")
        await tab.page.get_by_role("button", name="退出登录").click()
        await expect(tab.page.get_by_label("密码")).to_be_visible()
        tab.complaints.errors.clear()  # the browser's own message about the 401
        await tab.leave(server)

    @pytest.mark.parametrize("size", SIZES)
    async def test_axe_finds_nothing_in_search_and_results(self, audit: Page, archive: FakeArchive, size: Any) -> None:
        await audit.set_viewport_size(size)
        assert await violations(audit) == []
        archive.visits = [row(f"ses_{number}") for number in range(3)]
        await find(audit, inmate="王")
        await expect(audit.locator(".audit-row")).to_have_count(3)
        assert await violations(audit) == []
        wide = await audit.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0

    async def test_every_word_is_in_english_too(self, audit: Page) -> None:
        await find(audit, inmate="Wang")
        await audit.get_by_role("button", name="Switch to English").click()
        await expect(audit.get_by_role("heading", name="Visits found: 1")).to_be_visible()
        await expect(audit.locator(".audit-row")).to_contain_text("Warning · Article 16(2)")
        assert await audit.title() == "Visit archive"
