"""The purge on the auditors' page: one officer looks and permits, another one orders it (云南 第十三条)."""

from typing import Any

import pytest_asyncio
from playwright.async_api import Page, expect

from tests.signaling.web.audit.conftest import open_page
from tests.signaling.web.conftest import Complaints, Tab
from tests.signaling.web.test_accessibility import violations
from tests.support.monitor.fake_archive import BEGAN, FakeArchive, purge_run
from tests.support.monitor.fake_server import FakeMonitor

SITE: dict[str, Any] = {"site": "yunnan-1", "site_name": "云南第一监狱", "recordings": 2, "bytes": 3_500_000_000}
SITE |= {"oldest": BEGAN.isoformat(), "newest": BEGAN.isoformat()}
FAILED_ROW = {"session": "ses_x", "why": "OSError: busy", "zh": "磁盘读写出错", "en": "the disk failed"}
HELD = {"code": "held", "count": 3, "zh": "证据保全中", "en": "held as evidence"}


@pytest_asyncio.fixture(loop_scope="session")
async def due(tab: Tab, server: FakeMonitor, archive: FakeArchive) -> Any:
    """The page of the purge, on which two recordings are due."""
    archive.plan |= {"recordings": 2, "bytes": 3_500_000_000, "sites": [SITE], "kept": [HELD]}
    yield await open_page(tab, server, "#part=purge")
    await tab.leave(server)


class TestThePurge:
    async def test_shows_what_is_due_and_what_stays_with_its_reason(self, due: Page) -> None:
        await expect(due.get_by_role("row", name="云南第一监狱")).to_contain_text("3.5 GB")
        await expect(due.get_by_text("保留 3 份：证据保全中")).to_be_visible()
        await expect(due.get_by_text("没有进行中的销毁")).to_be_visible()
        assert await violations(due) == []

    async def test_nothing_due_can_not_be_permitted(self, audit: Page) -> None:
        await audit.get_by_role("link", name="到期销毁").click()
        await expect(audit.get_by_text("没有到期录像")).to_be_visible()
        await expect(audit.get_by_role("button", name="同意销毁以上录像")).to_be_hidden()

    async def test_a_permit_is_asked_for_first_and_its_code_is_shown_once(
        self, due: Page, archive: FakeArchive
    ) -> None:
        await due.get_by_role("button", name="同意销毁以上录像").click()
        await due.get_by_role("dialog").get_by_role("button", name="取消").click()
        assert archive.orders == []
        await due.get_by_role("button", name="同意销毁以上录像").click()
        await due.get_by_role("dialog").get_by_role("button", name="同意").click()
        await expect(due.get_by_text("ABCD-EFGH-JKLM-NPQR")).to_be_visible()
        assert archive.orders == [("purge/permits", "", {"recordings": 2})]
        await due.reload()
        await expect(due.get_by_role("row", name="云南第一监狱")).to_be_visible()
        await expect(due.get_by_text("ABCD-EFGH-JKLM-NPQR")).to_have_count(0)

    async def test_another_officer_orders_it_by_the_code_and_sees_its_progress(
        self, due: Page, archive: FakeArchive
    ) -> None:
        archive.runs = [purge_run("running", recordings=2, deleted=1), purge_run("ended", recordings=2, deleted=2)]
        archive.runs[1] |= {"failed": [FAILED_ROW]}
        await due.get_by_label("确认码").fill("abcd-efgh-jklm-npqr")
        archive.plan |= {"recordings": 0, "sites": []}
        await due.get_by_role("button", name="执行销毁").click()
        await due.get_by_role("dialog").get_by_role("button", name="销毁", exact=True).click()
        await expect(due.get_by_text("正在销毁：")).to_be_visible()
        await expect(due.get_by_text("已销毁 2 / 2 份，失败 1 份（li-ming 执行，sun 同意）")).to_be_visible()
        await expect(due.get_by_text("ses_x: 磁盘读写出错")).to_be_visible()
        await expect(due.get_by_text("没有到期录像")).to_be_visible()
        assert archive.orders == [("purge/apply", "", {"code": "ABCD-EFGH-JKLM-NPQR"})]

    async def test_a_refusal_is_shown_in_the_servers_words(
        self, due: Page, archive: FakeArchive, complaints: Complaints
    ) -> None:
        refusal = {"status": 403, "code": "forbidden", "title": "无权办理", "detail": "销毁须由两人分别确认。"}
        archive.refuse = {"apply": refusal}
        await due.get_by_label("确认码").fill("ABCD-EFGH-JKLM-NPQR")
        await due.get_by_role("button", name="执行销毁").click()
        await due.get_by_role("dialog").get_by_role("button", name="销毁", exact=True).click()
        await expect(due.locator(".toast")).to_contain_text("销毁须由两人分别确认")
        complaints.errors.clear()  # the browser's own message about the 403
