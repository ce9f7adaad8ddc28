"""The page of the own account in front of the real application: the first sign-in of an auditor, the second step, the
list of sign-ins, and the own password. The clock of the application stands, so that codes are chosen by the test."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest_asyncio
from playwright.async_api import Browser, CDPSession, Page, expect
from sqlalchemy import update

from broker.control.store.records import Role
from broker.control.store.sign_in.invitations import NO_PASSWORD
from broker.control.store.tables import users
from broker.kernel.database import writing
from config.access.sign_in import IdentityProvider, SignInRules
from signaling.auth.factors import totp
from signaling.auth.oidc.provider import Provider
from tests.signaling.web.conftest import PATIENCE, SIZE, Complaints
from tests.signaling.web.test_accessibility import violations
from tests.support.signaling.fixtures import clock_at_nine, running_front
from tests.support.signaling.front import PASSWORD, Front
from tests.support.signaling.oidc_provider import CLIENT, SECRET, oidc_provider


@dataclass
class Office:
    """The application, and a page of it in a browser context of its own."""

    front: Front
    page: Page
    secret: str = ""
    allowed: str = "-"
    """The one other server that the browser may ask."""

    @property
    def url(self) -> str:
        """The address of the application."""
        return str(self.front.client.make_url("/")).rstrip("/").replace("127.0.0.1", "localhost")  # keys need a name

    def code(self) -> str:
        """Let thirty seconds pass, and return the code that the app then shows."""
        self.front.clock.forward(timedelta(seconds=30))
        return totp.code_at(self.secret, self.front.clock.now().wall)

    async def show_password(self, user: str = "auditor", password: str = PASSWORD) -> None:
        """Fill in the sign-in page."""
        await self.page.get_by_label("用户名").fill(user)
        await self.page.get_by_label("密码", exact=True).fill(password)
        await self.page.keyboard.press("Enter")

    async def add_app(self) -> list[str]:
        """Add an authenticator app; return the recovery codes that are shown."""
        page = self.page
        await page.get_by_role("button", name="添加身份验证器").click()
        self.secret = (await page.locator(".secret").inner_text()).replace(" ", "")
        await page.get_by_label("验证码", exact=True).fill(totp.code_at(self.secret, self.front.clock.now().wall))
        await page.get_by_role("button", name="确认并启用").click()
        await page.get_by_role("heading", name="恢复码", exact=True).wait_for()
        return await page.locator(".codes li").all_inner_texts()


@pytest_asyncio.fixture(loop_scope="session")
async def office(chromium: Browser, made: Any, tmp_path: Any) -> AsyncIterator[Office]:
    """The application, and its account page; nothing but refused sign-ins may be complained about."""
    async with running_front(tmp_path, clock_at_nine(), made) as front:
        window = await chromium.new_context(viewport=SIZE, locale="zh-CN")  # type: ignore[arg-type]
        window.set_default_timeout(PATIENCE)
        page, complaints = await window.new_page(), Complaints()
        office = Office(front, page)
        complaints.watch(page, urlsplit(office.url).netloc)
        await page.goto(f"{office.url}/account")
        yield office
        await window.close()
        assert [address for address in complaints.foreign if not address.startswith(office.allowed)] == []
        assert [text for text in complaints.errors if not re.search(r"status of 4\d\d", text)] == []


class TestTheFirstSignIn:
    async def test_of_an_auditor_leads_through_app_and_recovery_codes_to_the_whole_page(self, office: Office) -> None:
        page = office.page
        await office.show_password()
        await expect(page.get_by_text("您的角色须启用两步验证")).to_be_visible()
        await expect(page.get_by_role("heading", name="修改密码")).to_have_count(0)
        assert await violations(page) == []
        await page.get_by_role("button", name="添加身份验证器").click()
        await expect(page.get_by_role("img", name="身份验证器的二维码")).to_be_visible()
        assert await violations(page) == []
        await page.get_by_label("验证码", exact=True).fill("000000")
        await page.get_by_role("button", name="确认并启用").click()
        await expect(page.get_by_role("alert").filter(has_text="验证码错误")).to_be_visible()
        await page.get_by_role("button", name="取消").click()
        codes = await office.add_app()
        assert len(codes) == 10 and await violations(page) == []
        await page.get_by_role("button", name="已保存，继续").click()
        await expect(page.get_by_text("剩余 10 个恢复码")).to_be_visible()
        await expect(page.get_by_role("heading", name="修改密码")).to_be_visible()
        await expect(page.get_by_text("当前设备")).to_be_visible()
        await expect(page.get_by_role("button", name="删除 我的手机")).to_be_disabled()
        assert await violations(page) == []

    async def test_leads_from_any_page_to_the_account(self, office: Office) -> None:
        await office.page.goto(f"{office.url}/terminals")
        await office.show_password("admin")
        await expect(office.page).to_have_url(f"{office.url}/account")
        await expect(office.page.get_by_text("您的角色须启用两步验证")).to_be_visible()


class TestTheSecondStep:
    async def test_takes_a_code_or_a_recovery_code_and_opens_the_page(self, office: Office) -> None:
        page = office.page
        await office.show_password("approver")
        codes = await office.add_app()
        await page.get_by_role("button", name="已保存，继续").click()
        await page.get_by_role("button", name="退出登录").click()
        await office.show_password("approver")
        await expect(page.get_by_role("heading", name="两步验证")).to_be_visible()
        await expect(page.get_by_label("验证码", exact=True)).to_be_focused()
        assert await violations(page) == []
        await page.keyboard.type("000000")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert").filter(has_text="验证码错误")).to_be_visible()
        await page.keyboard.type(office.code())
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("当前设备")).to_be_visible()
        await page.get_by_role("button", name="退出登录").click()
        await office.show_password("approver")
        await page.get_by_role("button", name="改用恢复码").click()
        await page.get_by_label("恢复码", exact=True).fill(codes[0])
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("剩余 9 个恢复码")).to_be_visible()

    async def test_is_in_english_too(self, office: Office) -> None:
        page = office.page
        await office.show_password()
        await office.add_app()
        await page.get_by_role("button", name="已保存，继续").click()
        await page.get_by_role("button", name="退出登录").click()
        await page.locator("button.language").click()
        await page.get_by_label("User").fill("auditor")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Second step")).to_be_visible()
        await page.get_by_label("Code").fill(office.code())
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("10 recovery codes left")).to_be_visible()


class TestTheAccount:
    async def test_ends_other_sign_ins(self, office: Office) -> None:
        page = office.page
        await office.show_password("prison-sup")
        rows = page.get_by_role("region", name="已登录的设备").get_by_role("listitem")
        await expect(rows).to_have_count(2)
        await page.get_by_role("button", name="结束其他各处登录").click()
        await expect(rows).to_have_count(1)
        assert (await office.front.client.get("/api/v1/me", headers=bearer(office, "prison-sup"))).status == 401

    async def test_changes_the_password_and_asks_to_sign_in_anew(self, office: Office) -> None:
        page = office.page
        await office.show_password("prison-sup")
        await page.get_by_label("当前密码").fill(PASSWORD)
        await page.get_by_label("新密码", exact=True).fill("quiet mountain river")
        await page.get_by_label("再次输入新密码").fill("quiet mountain rivers")
        await page.get_by_role("button", name="修改密码").click()
        await expect(page.get_by_role("alert").filter(has_text="不一致")).to_be_visible()
        await page.get_by_label("当前密码").fill(PASSWORD)
        for label in ("新密码", "再次输入新密码"):
            await page.get_by_label(label, exact=True).fill("quiet mountain river")
        await page.get_by_role("button", name="修改密码").click()
        await expect(page.get_by_label("用户名")).to_be_visible()
        await office.show_password("prison-sup", "quiet mountain river")
        await expect(page.get_by_text("当前设备")).to_be_visible()

    async def test_a_supervisor_adds_an_app_with_the_password_and_renews_the_codes(self, office: Office) -> None:
        page = office.page
        await office.show_password("prison-sup")
        await page.get_by_role("button", name="添加身份验证器").click()
        assert await violations(page) == []
        await page.get_by_role("dialog").get_by_label("本人密码").fill(PASSWORD)
        await page.get_by_role("dialog").get_by_role("button", name="确认").click()
        await page.locator(".secret").wait_for()
        office.secret = (await page.locator(".secret").inner_text()).replace(" ", "")
        await page.get_by_label("验证码", exact=True).fill(totp.code_at(office.secret, office.front.clock.now().wall))
        await page.get_by_role("button", name="确认并启用").click()
        await page.get_by_role("button", name="已保存，继续").click()
        await page.get_by_role("button", name="重新生成恢复码").click()
        await page.get_by_role("dialog").get_by_label("验证码或恢复码").fill(office.code())
        await page.get_by_role("dialog").get_by_role("button", name="确认").click()
        await expect(page.locator(".codes li")).to_have_count(10)
        await page.get_by_role("button", name="已保存，继续").click()
        await expect(page.get_by_role("button", name="删除 我的手机")).to_be_enabled()


def bearer(office: Office, user: str) -> dict[str, str]:
    """Return the header with the token that the fixture has given a user."""
    return {"Authorization": f"Bearer {office.front.tokens[user]}"}


class TestAnInvitation:
    async def test_leads_a_new_auditor_through_password_and_second_factor(self, office: Office) -> None:
        page, store = office.page, office.front.store
        await store.add_user("shen", "沈", Role.AUDITOR, PASSWORD)
        async with writing(store.engine) as db:
            await db.execute(update(users).where(users.c.id == "shen").values(password_hash=NO_PASSWORD))
        token = await store.invite("shen", timedelta(hours=72), "command:root")
        await page.goto(f"{office.url}/invitation#{token}")
        await expect(page.get_by_role("heading", name="设置密码")).to_be_visible()
        assert page.url == f"{office.url}/invitation" and await violations(page) == []
        for label in ("新密码", "再次输入新密码"):
            await page.get_by_label(label, exact=True).fill("password123")
        await page.get_by_role("button", name="设置密码并登录").click()
        await expect(page.get_by_role("alert").filter(has_text="过于常见")).to_be_visible()
        for label in ("新密码", "再次输入新密码"):
            await page.get_by_label(label, exact=True).fill("quiet mountain river")
        await page.get_by_role("button", name="设置密码并登录").click()
        await expect(page.get_by_text("您的角色须启用两步验证")).to_be_visible()
        assert len(await office.add_app()) == 10


class TestASecurityKey:
    """Chromium's own virtual authenticator stands in for a key."""

    async def test_is_added_at_the_first_sign_in_and_shown_at_the_next_ones(self, office: Office) -> None:
        page = office.page
        await plug_in(page)
        await page.goto(f"{office.url}/account")
        await office.show_password()
        await page.get_by_role("button", name="添加安全密钥").click()
        await page.get_by_role("heading", name="恢复码", exact=True).wait_for()
        await page.get_by_role("button", name="已保存，继续").click()
        await expect(page.get_by_role("button", name="删除 安全密钥")).to_be_disabled()
        for _ in range(2):
            await page.get_by_role("button", name="退出登录").click()
            await office.show_password()
            await expect(page.get_by_label("恢复码", exact=True)).to_be_visible()
            assert await violations(page) == []
            await page.get_by_role("button", name="使用安全密钥").click()
            await expect(page.get_by_text("当前设备")).to_be_visible()
        (factor,) = await office.front.store.factors("auditor")
        assert factor.kind == "webauthn" and factor.counter > 1
        await page.get_by_role("button", name="重新生成恢复码").click()
        await page.get_by_role("dialog").get_by_role("button", name="确认").click()  # no code: the key answers
        await expect(page.locator(".codes li")).to_have_count(10)

    async def test_that_is_not_plugged_in_is_refused_in_words(self, office: Office) -> None:
        page = office.page
        session, id = await plug_in(page)
        await page.goto(f"{office.url}/account")
        await office.show_password()
        await session.send("WebAuthn.setUserVerified", {"authenticatorId": id, "isUserVerified": False})
        await session.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": id})
        await page.evaluate("() => { navigator.credentials.create = () => Promise.reject(new DOMException('x')); }")
        await page.get_by_role("button", name="添加安全密钥").click()
        await expect(page.get_by_text("未使用安全密钥")).to_be_visible()


async def plug_in(page: Page) -> tuple[CDPSession, str]:
    """Plug a virtual security key into the browser, which answers at once."""
    session = await page.context.new_cdp_session(page)
    await session.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "usb", "automaticPresenceSimulation": True, "hasResidentKey": False}
    answer = await session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session, str(answer["authenticatorId"])


class TestAnIdentityService:
    async def test_is_linked_and_then_stands_for_the_password(self, office: Office, tmp_path: Any) -> None:
        """The service of the test approves at once: the browser is sent straight back."""
        page, front = office.page, office.front
        async with oidc_provider(lambda: front.clock.now().wall) as service:
            file = tmp_path / "secret"
            file.write_text(SECRET, "utf-8")
            file.chmod(0o600)
            settings = IdentityProvider(
                issuer=service.issuer, client_id=CLIENT, client_secret_file=file, public_url=office.url
            )
            context = front.context
            context.settings = context.settings.model_copy(update={"sign_in": SignInRules(oidc=settings)})
            context.provider = Provider(settings, front.clock)
            office.allowed = service.issuer
            await page.reload()
            await expect(page.get_by_role("link", name="统一身份认证")).to_be_visible()
            await office.show_password("prison-sup")
            await page.get_by_role("button", name="关联", exact=True).click()
            await page.get_by_role("dialog").get_by_label("本人密码").fill(PASSWORD)
            await page.get_by_role("dialog").get_by_role("button", name="确认").click()
            await expect(page.get_by_text("已关联：")).to_be_visible()
            assert await violations(page) == []
            await page.get_by_role("button", name="退出登录").click()
            await page.get_by_role("link", name="统一身份认证").click()
            await page.wait_for_url(f"{office.url}/monitor")
            service.subject = "person-2"
            await page.context.clear_cookies()
            await page.goto(f"{office.url}/account")
            await page.get_by_role("link", name="统一身份认证").click()
            await expect(page.get_by_role("alert").filter(has_text="统一身份认证未通过")).to_be_visible()
