"""The auditors' page against the real server: a visit in which an officer warned is found, seen and heard from its
recording, marked, rated and held, as a new auditor would do it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from broker.control.store.records import Role
from broker.kernel.clock import SystemClock
from signaling.auth.factors import totp
from tests.support.chromium import chromium
from tests.support.installation import Installation
from tests.support.visit import visit

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.browser]

AUDITOR, PASSWORD = "sun-shenji", "a long enough secret"
TIMES = "() => [...document.querySelectorAll('.film video')].map((film) => film.currentTime)"
IN_STEP = "(first, second) => Math.min(first, second) > 1 && Math.abs(first - second) < 0.06"  # seconds
READY = "() => [...document.querySelectorAll('.film video')].every((film) => film.readyState >= 3 && !film.seeking)"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def recorded(installation: Installation) -> str:
    """A visit of some seconds in which an officer warned and another one spoke, archived."""
    async with visit(installation, watching=4) as here:
        await here.live()
        warning = {"sides": ["prison"], "article": "YN-16-2", "text": "请使用普通话。"}
        await here.officers[0].order(here.session, "warn", **warning)
        await asyncio.sleep(6)  # the length of the film
        await here.officers[0].end(here.session, "YN-17-8")
        await here.archived()
        return here.session


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def recovery(installation: Installation) -> list[str]:
    """The recovery codes of an auditor of the province who has an authenticator app."""
    await installation.add_officer(AUDITOR, "孙审计", Role.AUDITOR, PASSWORD)

    async def ask(path: str, token: str, **body: Any) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with installation.http.post(f"{installation.server}/api/v1/{path}", headers=headers, json=body) as answer:
            assert answer.status < 300, await answer.text()
            return dict(await answer.json())

    token = (await ask("sign-in", "", user=AUDITOR, password=PASSWORD))["token"]
    installation.http.cookie_jar.clear()
    begun = await ask("me/factors/totp/begin", token, password=PASSWORD)
    code = totp.code_at(begun["secret"], SystemClock().now().wall)
    added = await ask("me/factors/totp", token, state=begun["state"], code=code, name="手机")
    return list(added["recovery_codes"])


@pytest_asyncio.fixture(loop_scope="session")
async def audit(installation: Installation, recovery: list[str]) -> AsyncIterator[Page]:
    """The page of that auditor, who signed in by password and a recovery code."""
    async with chromium() as browser:
        page = await browser.new_page(viewport={"width": 1366, "height": 768}, locale="zh-CN")
        await page.goto(f"{installation.server}/audit")
        await page.get_by_label("用户名").fill(AUDITOR)
        await page.get_by_label("密码").fill(PASSWORD)
        await page.keyboard.press("Enter")
        await page.get_by_role("button", name="恢复码").click()
        await page.locator("#code").fill(recovery.pop())
        await page.keyboard.press("Enter")
        await page.locator(".audit-parts").wait_for()
        yield page


class TestTheAuditor:
    async def test_finds_the_visit_of_an_inmate_who_was_warned_and_plays_it(
        self, audit: Page, recorded: str, installation: Installation
    ) -> None:
        await audit.get_by_label("处置").select_option("warning")
        await audit.get_by_label("服刑人员").fill("甲")
        await audit.keyboard.press("Enter")
        found = audit.locator(f".audit-row[href*='{recorded}']")
        await expect(found).to_contain_text("劝阻 · 第十六条第（二）项")
        await expect(found).to_contain_text("甲 ⇄ 乙")
        await found.click()
        await audit.get_by_role("radio", name="双方原画").check()
        await audit.wait_for_function(f"() => ({READY})() && ({TIMES})().length === 2")
        await audit.get_by_role("button", name="播放", exact=True).click()
        await audit.wait_for_function(f"() => ({IN_STEP})(...({TIMES})())")
        await audit.get_by_role("button", name="暂停").click()
        await audit.locator('.lane-bar[data-lane="interventions"] path').first.click()
        await expect(audit.locator(".lane-tip")).to_contain_text("劝阻 第十六条第（二）项")
        await expect(audit.locator(".lane-bar[data-lane^=officer-]")).to_have_count(4)
        played = await installation.journal_with(recorded, lambda kind, _: kind == "RecordingPlayed")
        assert {data["copy"] for kind, data in played if kind == "RecordingPlayed"} >= {"prison", "visitor"}

    async def test_marks_rates_and_holds_it(self, audit: Page, recorded: str, installation: Installation) -> None:
        await audit.goto(f"{installation.server}/audit#visit={recorded}")
        await audit.get_by_label("内容").fill("疑似隐语")
        await audit.get_by_role("button", name="添加").click()
        await expect(audit.locator(".marks li")).to_contain_text("孙审计")
        await audit.locator(".legal-holds").get_by_role("button", name="保全").click()
        await audit.get_by_role("dialog").get_by_role("textbox").fill("法院调取 2026-114")
        await audit.get_by_role("dialog").get_by_role("button", name="保全").click()
        await expect(audit.locator(".legal-holds li")).to_contain_text("法院调取 2026-114")
        kinds = {kind for kind, _ in await installation.journal_with(recorded, lambda kind, _: kind == "HoldAdded")}
        assert {"VisitSeen", "HoldAdded"} <= kinds
