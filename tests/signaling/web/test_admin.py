"""The administration page in front of the real application: an administrator's first day, what a site's administrator
and an auditor see, and what is asked before it is done."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from broker.authority.persons import ChangeKind
from broker.control.store.devices.terminals import PublicKey
from broker.control.store.records import SiteKind
from config.pack_former import folder
from config.pack_loader import load_pack
from tests.signaling.web.conftest import PATIENCE, SIZE, Complaints
from tests.signaling.web.test_accessibility import violations
from tests.support.signaling.fixtures import clock_at_nine, running_front
from tests.support.signaling.front import PASSWORD, Front


@dataclass
class Desk:
    """The application, and the administration page of one officer."""

    front: Front
    page: Page

    @property
    def url(self) -> str:
        """The address of the application."""
        return str(self.front.client.make_url("/")).rstrip("/")

    async def open(self, user: str, section: str = "") -> Page:
        """Open the page as a signed-in officer."""
        cookie: Any = {"name": "huijian", "value": self.front.tokens[user], "url": self.url, "httpOnly": True}
        await self.page.context.clear_cookies()
        await self.page.context.add_cookies([cookie])
        await self.page.goto("about:blank")
        await self.page.goto(f"{self.url}/admin#{section}")
        await self.page.get_by_role("heading", level=1).filter(has_text=re.compile(".")).wait_for()
        return self.page

    async def go(self, section: str) -> None:
        """Open a section by its link, and wait until it is there."""
        await self.page.get_by_role("navigation").get_by_role("link", name=re.compile(f"^{section}")).click()
        await expect(self.page.get_by_role("heading", level=1)).to_have_text(section)

    def row(self, words: str) -> Locator:
        """The row of the open table with these words."""
        return self.page.locator("tbody tr", has_text=words)

    async def act(self, row: str, what: str) -> None:
        """Press a button of a row."""
        await self.row(row).get_by_role("button", name=what).click()

    async def fill(self, button: str, **fields: str) -> None:
        """Fill the open dialog in, and send it."""
        dialog = self.page.get_by_role("dialog")
        for name, value in fields.items():
            field = dialog.locator(f"[name={name}]")
            if await field.evaluate("node => node.tagName") == "SELECT":
                await field.select_option(value)
            else:
                await field.fill(value)
        await dialog.get_by_role("button", name=button, exact=True).click()
        await dialog.wait_for(state="detached")


@pytest_asyncio.fixture(loop_scope="session")
async def desk(tmp_path: Any, made: Any, chromium: Browser) -> AsyncIterator[Desk]:
    """The application with a browser of its own, whose page must stay silent."""
    async with running_front(tmp_path, clock_at_nine(), made) as front:
        window = await chromium.new_context(viewport=SIZE, locale="zh-CN")  # type: ignore[arg-type]
        window.set_default_timeout(PATIENCE)
        page = await window.new_page()
        complaints = Complaints()
        complaints.watch(page, urlsplit(str(front.client.make_url("/"))).netloc)
        yield Desk(front, page)
        await window.close()
        assert complaints.foreign == []
        assert [text for text in complaints.errors if not re.search(r"status of 4\d\d", text)] == []


class TestTheFirstDay:
    """An administrator of the province who has never seen the page."""

    async def test_adds_a_prison_with_two_rooms_and_enrols_a_terminal(self, desk: Desk) -> None:
        page = await desk.open("admin", "sites")
        await page.get_by_role("button", name="增设单位").click()
        await desk.fill("增设单位", id="third-prison", name="第三监狱", kind="prison", policy="yunnan", parent="")
        await desk.row("第三监狱").wait_for()
        await desk.go("会见室")
        for number, name in enumerate(("视频会见室一", "视频会见室二"), 1):
            await page.get_by_role("button", name="增设会见室").click()
            await desk.fill("增设会见室", site="third-prison", id=f"third-{number}", name=name)
            await desk.row(name).wait_for()
        await desk.act("视频会见室一", "登记终端")
        await desk.fill("登记终端", password=PASSWORD)
        code = await page.locator(".once-code").inner_text()
        assert re.fullmatch(r"(\w{4}-){3}\w{4}", code)
        assert await violations(page) == []
        await expect(desk.row("视频会见室一")).to_contain_text("登记码有效至")
        await page.get_by_role("button", name="已交付，关闭").click()
        await expect(page.locator(".once-code")).to_have_count(0)
        await desk.front.store.enrol_by_code(code, PublicKey(b"a key of this test", "file"))
        await desk.go("终端")
        await expect(desk.row("视频会见室一")).to_contain_text("第三监狱")

    async def test_invites_a_supervisor_by_a_link_that_is_shown_once(self, desk: Desk) -> None:
        page = await desk.open("admin", "users")
        await page.get_by_role("button", name="邀请人员").click()
        await desk.fill("邀请人员", user="zhou", name="周", role="supervisor", site="panlong", password=PASSWORD)
        link = await page.locator(".once-secret").inner_text()
        assert link.startswith(f"{desk.url}/invitation#inv_")
        await page.get_by_role("img", name="邀请链接的二维码").wait_for()
        assert await violations(page) == []
        await expect(desk.row("zhou")).to_contain_text("已邀请")
        await page.reload()
        await desk.row("zhou").wait_for()
        assert link.partition("#")[2] not in await page.content()

    async def test_confirms_a_colleagues_change(self, desk: Desk) -> None:
        store = desk.front.store
        await store.change_account(ChangeKind.PASSWORD, "clerk", author="x", password="a long secret of a test")
        page = await desk.open("admin")
        await expect(page.get_by_role("heading", level=1)).to_have_text("待确认")
        await expect(page.locator(".count-chip")).to_have_text("1")
        await desk.act("clerk", "确认")
        await desk.fill("确认", password=PASSWORD)
        await page.get_by_text("没有待确认的账号变更。").wait_for()
        assert await store.account_changes() == []

    async def test_revokes_a_key_after_its_name_was_shown(self, desk: Desk) -> None:
        page = await desk.open("admin", "keys")
        await desk.act("booking", "注销")
        await expect(page.get_by_role("dialog")).to_contain_text("使用“booking”的系统立即不能访问")
        await desk.fill("注销", reason="更换系统")
        await expect(desk.row("booking")).to_contain_text("已注销")

    async def test_reads_by_which_pack_a_site_goes_by_its_title_and_not_by_its_file(
        self, desk: Desk, tmp_path: Path
    ) -> None:
        own = tmp_path / "of-this-prison.toml"
        own.write_text((folder() / "yunnan.toml").read_text(encoding="utf-8"))
        await desk.front.store.add_site("own-rules", SiteKind.PRISON, "自备规则监狱", str(own))
        page = await desk.open("admin", "sites")
        await expect(desk.row("自备规则监狱")).to_contain_text(load_pack("yunnan").title_zh)
        await expect(desk.row("自备规则监狱")).to_contain_text(load_pack("yunnan").version)
        assert own.name not in await page.locator("main").inner_text()
        await page.get_by_role("button", name="增设单位").click()
        assert own.name not in await page.get_by_role("dialog").inner_text()
        await page.keyboard.press("Escape")
        await desk.go("规则包")
        await expect(desk.row(str(own))).to_have_count(1)

    async def test_reads_which_pack_is_in_force(self, desk: Desk) -> None:
        page = await desk.open("admin", "packs")
        await expect(desk.row("yunnan")).to_contain_text(load_pack("yunnan").sha256)
        await expect(desk.row("yunnan")).to_contain_text("第一监狱")
        await desk.act("yunnan", "查看全文")
        await expect(page.get_by_role("dialog")).to_contain_text('"hard_limit"')
        assert await violations(page) == []
        await page.keyboard.press("Escape")
        await desk.go("运行状况")
        await expect(desk.row("数据库")).to_contain_text("正常")


class TestQuestions:
    async def test_an_empty_form_says_what_it_lacks_and_escape_leaves_it(self, desk: Desk) -> None:
        page = await desk.open("admin", "rooms")
        await page.get_by_role("button", name="增设会见室").click()
        await page.get_by_role("dialog").get_by_role("button", name="增设会见室").click()
        await expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("标识")
        assert await violations(page) == []
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)

    async def test_the_filter_leaves_what_fits(self, desk: Desk) -> None:
        page = await desk.open("admin", "sites")
        await page.get_by_label("筛选").fill("盘龙")
        await expect(page.locator("tbody tr:visible")).to_have_count(1)
        await expect(page.get_by_text("显示 1 / 4")).to_be_visible()


class TestReach:
    async def test_a_sites_administrator_sees_no_keys_and_adds_no_sites(self, desk: Desk) -> None:
        page = await desk.open("prison-admin", "sites")
        await expect(page.locator("tbody tr")).to_have_count(1)
        await expect(page.get_by_role("button", name="增设单位")).to_have_count(0)
        await expect(page.get_by_role("navigation").get_by_role("link", name="接口密钥")).to_have_count(0)

    async def test_an_auditor_reads_and_changes_nothing(self, desk: Desk) -> None:
        page = await desk.open("auditor", "rooms")
        await desk.row("p1").wait_for()
        await expect(page.locator("main button:visible")).to_have_count(0)

    async def test_other_roles_are_sent_away(self, desk: Desk) -> None:
        await desk.page.goto(f"{desk.url}/admin")
        await desk.page.get_by_label("用户名").fill("clerk")
        await desk.page.get_by_label("密码", exact=True).fill(PASSWORD)
        await desk.page.keyboard.press("Enter")
        await desk.page.get_by_text("此页面供系统管理员和审计员使用").wait_for()


class TestEverySection:
    async def test_is_accessible_in_both_languages(self, desk: Desk) -> None:
        page = await desk.open("admin", "sites")
        for section in ("待确认", "单位", "会见室", "终端", "人员", "接口密钥", "规则包", "运行状况"):
            await desk.go(section)
            assert await violations(page) == [], section
        await page.get_by_role("button", name="Switch to English").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Health")
        await expect(desk.row("Database")).to_contain_text("Good")
        assert await violations(page) == []
