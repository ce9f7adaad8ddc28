"""The ledger on the auditors' page (台账; Yunnan 26(6), Guangdong 27, 30): chosen, made, checked and kept with its
signature, by those whom the law makes responsible for it."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.signaling.web.audit.conftest import open_page
from tests.signaling.web.conftest import Complaints, Tab
from tests.signaling.web.test_accessibility import violations
from tests.support.monitor.fake_archive import FakeArchive
from tests.support.monitor.fake_server import FakeMonitor

BUSY = {"status": 503, "code": "busy", "title": "系统繁忙", "detail": "正在生成其他台账，请一分钟后重试。"}


@pytest_asyncio.fixture(loop_scope="session")
async def ledger(tab: Tab, server: FakeMonitor, archive: FakeArchive) -> AsyncIterator[Page]:
    """The part of an auditor of one site."""
    yield await open_page(tab, server, "#part=ledger")
    await tab.leave(server)


async def make(page: Page) -> None:
    await page.get_by_role("button", name="生成台账").click()


class TestMaking:
    async def test_a_day_is_made_and_checked_against_its_signature(self, ledger: Page, archive: FakeArchive) -> None:
        await ledger.get_by_label("日期").fill("2026-03-02")
        await make(ledger)
        await expect(ledger.get_by_text("核对一致")).to_be_visible()
        await expect(ledger.get_by_text("云南第一监狱，2026-03-02，共 12 场")).to_be_visible()
        (asked,) = archive.ledgers
        assert asked == {
            "site": "yunnan-1",
            "from": "2026-03-02",
            "to": "2026-03-02",
            "format": "xlsx",
            "public": "false",
        }
        assert await violations(ledger) == []

    async def test_the_file_and_its_signature_are_downloaded(self, ledger: Page, tmp_path: Path) -> None:
        await make(ledger)
        saved = []
        for name in ("下载 ledger-yunnan-1.xlsx", "下载签名 ledger-yunnan-1.xlsx.sig.json"):
            async with ledger.expect_download() as download:
                await ledger.get_by_role("link", name=name).click()
            file = await download.value
            await file.save_as(tmp_path / file.suggested_filename)
            saved.append((tmp_path / file.suggested_filename).read_bytes())
        assert saved[0] == b"a workbook" and json.loads(saved[1])["totals"] == {"visits": 12}

    async def test_a_month_of_the_public_version(self, ledger: Page, archive: FakeArchive) -> None:
        await ledger.get_by_label("范围").select_option("month")
        await ledger.get_by_label("月份").fill("2026-02")
        await ledger.get_by_label("版本").select_option("public")
        await ledger.get_by_label("格式").select_option("zip")
        await make(ledger)
        await expect(ledger.get_by_text("签名在文件之内")).to_be_visible()
        (asked,) = archive.ledgers
        assert (asked["from"], asked["to"], asked["public"]) == ("2026-02-01", "2026-02-28", "true")

    async def test_a_file_that_was_changed_on_the_way_is_not_to_be_used(
        self, ledger: Page, archive: FakeArchive
    ) -> None:
        archive.spoiled = True
        await make(ledger)
        await expect(ledger.get_by_text("核对不一致")).to_be_visible()

    async def test_a_refusal_is_shown_in_the_servers_words(
        self, ledger: Page, archive: FakeArchive, complaints: Complaints
    ) -> None:
        archive.refuse = {"ledger": BUSY}
        await make(ledger)
        await expect(ledger.locator(".toast")).to_contain_text("一分钟后重试")
        await expect(ledger.get_by_role("button", name="生成台账")).to_be_enabled()
        complaints.errors.clear()  # the browser's own message about the 503

    async def test_in_english_too(self, ledger: Page) -> None:
        await make(ledger)
        await expect(ledger.get_by_text("核对一致")).to_be_visible()
        await ledger.get_by_role("button", name="English").click()
        await expect(ledger.get_by_text("Checked: the file that arrived")).to_be_visible()
        await ledger.get_by_role("button", name="中文").click()


class TestWhoMakesThem:
    @pytest.mark.parametrize(
        ("role", "spans", "versions"),
        [
            ("supervisor", ["一天"], ["完整版（含个人信息）", "公示版（隐去姓名）"]),
            ("approver", ["一天", "一个月"], ["公示版（隐去姓名）"]),
            ("admin", ["一天", "一个月"], ["公示版（隐去姓名）"]),
        ],
    )
    async def test_officers_have_this_part_alone_with_what_they_may_have(
        self, tab: Tab, server: FakeMonitor, role: str, spans: list[str], versions: list[Any]
    ) -> None:
        page = await open_page(tab, server, "#part=purge", role=role)
        await expect(page.get_by_role("heading", name="台账")).to_be_visible()
        await expect(page.locator(".audit-parts a")).to_have_text(["台账"])
        assert await page.get_by_label("范围").locator("option").all_inner_texts() == spans
        assert await page.get_by_label("版本").locator("option").all_inner_texts() == versions
        await tab.leave(server)
