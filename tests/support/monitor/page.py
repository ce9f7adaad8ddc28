"""Supervisors at the monitor page: signing in like a person, and waiting until the server counts them."""

from playwright.async_api import Browser, Page

from tests.support.installation import Installation
from tests.support.visit import Visit

PLAYING = """() => {
    const videos = [...document.querySelectorAll("video")];
    return videos.length === 2 && videos.every((video) => video.getVideoPlaybackQuality().totalVideoFrames > 5);
}"""


# headless Chromium calls every tab visible: the test says what a window manager would
HIDE = """(state) => {
    Object.defineProperty(document, "visibilityState", { configurable: true, get: () => state });
    document.dispatchEvent(new Event("visibilitychange"));
}"""


async def sign_in(page: Page, installation: Installation, number: int) -> None:
    """Sign in an officer of the stage by name and password."""
    officer = installation.credentials.officers[number]
    await page.goto(f"{installation.server}/monitor")
    await page.get_by_label("用户名").fill(officer.id)
    await page.get_by_label("密码").fill(officer.password)
    await page.get_by_role("button", name="登录").click()


async def signed_in(browser: Browser, installation: Installation, number: int) -> Page:
    """Return a window of its own in which one of the stage's officers has signed in."""
    context = await browser.new_context(viewport={"width": 1366, "height": 768}, locale="zh-CN")
    page = await context.new_page()
    await sign_in(page, installation, number)
    return page


async def counts(here: Visit, number: int, yes: bool) -> None:
    """Wait until an officer counts for their side, or does not.

    Other officers are not looked at: where they are programs, a busy machine lets them fall behind."""
    officer = here.installation.credentials.officers[number]
    await here.until(
        lambda view: (officer.id in [person["id"] for person in view["quorum"][officer.side]["have"]]) is yes
    )
