"""The fleet's page: the terminals of the officer's site with what is wrong first, and the orders to them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, expect

from tests.signaling.web.conftest import Tab
from tests.signaling.web.test_accessibility import violations
from tests.support.monitor.fake_server import TOKEN, FakeMonitor

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


def terminal(id: str, room: str | None, **changes: Any) -> dict[str, Any]:
    """Return a terminal as the server lists it."""
    made: dict[str, Any] = {"id": f"trm_{id}", "site": "yunnan-1", "site_name": "第一监狱", "room": room}
    made |= {"room_name": f"{room} 室" if room else None, "home": room, "duty": "own_room", "state": "active"}
    made |= {"connected": True, "last_seen": NOW.isoformat(), "reported_at": NOW.isoformat(), "version": "1.2.3"}
    made |= {"shows": "page", "page_alive": True, "started_at": NOW.isoformat(), "temperature": 51.4, "disk": 80000.0}
    made |= {"clock": 3.0, "devices": [], "waiting": [], "in_visit": False, "next_visit": None, "troubles": []}
    line = {"answer": 9.0, "loss_up": 0.012, "loss_down": 0.0, "jitter": 2.0, "round_trip": 31.0, "up": 900.0}
    made |= {"line": line | {"down": 900.0}}
    made |= {"test": {"at": NOW.isoformat(), "passed": True, "faults": [], "checks": []}}
    return made | changes


DARK = {"code": "black", "verdict": "failed", "measured": "5 Y", "zh": "打开镜头盖、开灯", "en": "Uncover the lens"}
DISPUTED = {"code": "conflicted", "zh": "密钥在两处使用", "en": "Its key is used in two places"}
FLEET = [
    terminal("a", "p1", state="conflicted", connected=False, troubles=[DISPUTED], test=None, line=None),
    terminal("b", "p2", test={"at": NOW.isoformat(), "passed": False, "faults": [], "checks": [DARK]}),
    terminal("c", "p3", in_visit=True, next_visit={"session": "s", "state": "live", "starts_at": NOW.isoformat()}),
    terminal("d", None, duty="spare"),
    terminal("e", "p4", duty="stand_in", home=None),
]


def history() -> list[dict[str, Any]]:
    """Return three weeks of tests, one of them with much loss."""
    days = range(21)
    return [
        {"id": f"t{day}", "terminal": "trm_b", "at": (NOW - timedelta(days=day)).isoformat(), "cause": "opening"}
        | {"session": None, "passed": day != 4, "figures": {"loss_up": 0.08 if day == 4 else 0.004}, "checks": []}
        for day in days
    ]


@pytest_asyncio.fixture(loop_scope="session")
async def fleet(tab: Tab, server: FakeMonitor, request: pytest.FixtureRequest) -> Any:
    """The fleet's page of an officer of this role, by default an approver."""
    server.me = {**server.me, "role": getattr(request, "param", "approver")}
    server.terminals, server.tests = [dict(each) for each in FLEET], {"p2": history()}
    cookie = {"name": "huijian", "value": TOKEN, "url": server.url, "httpOnly": True}
    await tab.page.context.add_cookies([cookie])  # type: ignore[list-item]
    await tab.page.goto(f"{server.url}/terminals")
    await tab.page.get_by_role("row", name="p2 室").wait_for()
    yield tab.page
    await tab.leave(server)


def row(page: Page, name: str) -> Locator:
    """Return the row of a terminal."""
    return page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=name))


class TestTheTable:
    async def test_has_the_terminals_as_sorted_with_what_is_wrong(self, fleet: Page) -> None:
        heads = await fleet.get_by_role("rowheader").all_inner_texts()
        assert [head.split()[0] for head in heads] == ["p1", "p2", "p3", "TRM_D"[-6:], "p4"]
        await expect(row(fleet, "p1")).to_contain_text("密钥在两处使用")
        await expect(row(fleet, "p2")).to_contain_text("打开镜头盖、开灯")
        await expect(row(fleet, "p3")).to_contain_text("会见中")
        await expect(row(fleet, "p2")).to_contain_text("51 °C")
        await expect(row(fleet, "p2")).to_contain_text("1.2%")
        await expect(fleet.get_by_role("alert").filter(has_text="两处均已停用")).to_be_visible()

    async def test_shows_the_line_over_weeks_as_a_picture_with_words(self, fleet: Page) -> None:
        picture = row(fleet, "p2").get_by_role("img", name="最近 21 次检测，其中 1 次丢包超过 2%")
        await expect(picture).to_be_visible()
        assert await picture.locator("rect").count() == 21

    async def test_is_read_anew_by_itself(self, fleet: Page, server: FakeMonitor) -> None:
        server.terminals = [terminal("b", "p2")]
        await expect(fleet.get_by_role("rowheader")).to_have_count(1)
        await expect(row(fleet, "p2")).to_contain_text("通过")
        await expect(fleet.locator(".fleet-alert:visible")).to_have_count(0)

    async def test_is_in_english_too(self, fleet: Page) -> None:
        await fleet.get_by_role("button", name="切换").or_(fleet.locator("button.language")).first.click()
        await expect(fleet.get_by_role("heading", name="Terminals")).to_be_visible()
        await expect(row(fleet, "p2")).to_contain_text("Uncover the lens")


class TestOrders:
    async def test_a_test_is_ordered_by_keyboard_alone(self, fleet: Page, server: FakeMonitor) -> None:
        await row(fleet, "p2").get_by_role("button", name="检测 p2 室").focus()
        await fleet.keyboard.press("Enter")
        await server.until(lambda: server.by_rest)
        assert server.by_rest == [("test", "trm_b", None)]

    async def test_a_restart_asks_first_and_is_not_offered_in_a_visit(self, fleet: Page, server: FakeMonitor) -> None:
        await expect(row(fleet, "p3").get_by_role("button", name="重新启动")).to_be_disabled()
        await row(fleet, "p2").get_by_role("button", name="重新启动").click()
        await fleet.get_by_role("dialog").get_by_role("button", name="取消").click()
        await row(fleet, "p2").get_by_role("button", name="重新启动").click()
        await fleet.get_by_role("dialog").get_by_role("button", name="重新启动").click()
        await server.until(lambda: server.by_rest)
        assert server.by_rest == [("restart", "trm_b", None)]

    async def test_a_spare_takes_over_a_chosen_room_with_a_reason(self, fleet: Page, server: FakeMonitor) -> None:
        await fleet.get_by_role("button", name="接替会见室").click()
        dialog = fleet.get_by_role("dialog")
        assert await violations(fleet) == []
        await dialog.get_by_role("combobox").select_option("p2")
        await dialog.get_by_role("textbox").fill("主机故障")
        await dialog.get_by_role("button", name="接替会见室").click()
        await server.until(lambda: server.by_rest)
        assert server.by_rest == [("assign", "trm_d", {"room": "p2", "reason": "主机故障"})]

    async def test_a_stand_in_is_released_with_a_reason(self, fleet: Page, server: FakeMonitor) -> None:
        await row(fleet, "p4").get_by_role("button", name="退出接替").click()
        await fleet.get_by_role("dialog").get_by_role("textbox").fill("已修复")
        await fleet.get_by_role("dialog").get_by_role("button", name="退出接替").click()
        await server.until(lambda: server.by_rest)
        assert server.by_rest == [("release", "trm_e", {"reason": "已修复"})]

    @pytest.mark.parametrize("fleet", ["admin"], indirect=True)
    async def test_an_administrator_readmits_and_moves_no_room(self, fleet: Page, server: FakeMonitor) -> None:
        await expect(fleet.get_by_role("button", name="接替会见室")).to_have_count(0)
        await row(fleet, "p1").get_by_role("button", name="恢复").click()
        await fleet.get_by_role("dialog").get_by_role("textbox").fill("已查明")
        await fleet.get_by_role("dialog").get_by_role("button", name="恢复").click()
        await server.until(lambda: server.by_rest)
        assert server.by_rest == [("readmit", "trm_a", {"reason": "已查明"})]

    @pytest.mark.parametrize("fleet", ["supervisor"], indirect=True)
    async def test_a_supervisor_looks_and_orders_nothing(self, fleet: Page) -> None:
        await expect(fleet.locator("tbody button")).to_have_count(0)


class TestAccess:
    @pytest.mark.parametrize("size", [{"width": 1366, "height": 768}, {"width": 1920, "height": 1080}])
    async def test_axe_finds_nothing_and_the_page_has_no_second_scroll_bar(self, fleet: Page, size: Any) -> None:
        await fleet.set_viewport_size(size)
        assert await violations(fleet) == []
        wide = await fleet.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0


class TestTheDesk:
    async def test_says_that_a_key_is_used_in_two_places_and_leads_to_the_table(
        self, tab: Tab, server: FakeMonitor
    ) -> None:
        server.terminals = [dict(FLEET[0]), dict(FLEET[1])]
        page = await tab.sign_in(server)
        mark = page.get_by_role("link", name="终端：1 台密钥在两处使用")
        await expect(mark).to_be_visible()
        await expect(mark).to_have_attribute("href", "/terminals")
        await expect(page.locator("#announce-urgent")).to_have_text("有终端的密钥在两处使用")
        assert await violations(page) == []
        await tab.leave(server)
