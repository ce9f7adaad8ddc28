"""Page report and presence status: what the page reports of itself, and where its officer counts."""

from itertools import pairwise
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.support.monitor.fake_server import FakeMonitor
from tests.support.monitor.visits import live

BOTH = [{"session": "ses_a", "side": "prison"}, {"session": "ses_a", "side": "visitor"}]
# headless Chromium calls every tab visible: the test reports what a window manager would
HIDE = """(state) => {
    Object.defineProperty(document, "visibilityState", { configurable: true, get: () => state });
    document.dispatchEvent(new Event("visibilitychange"));
}"""
SENT = """([act, argument]) => {
    const send = WebSocket.prototype.send, sent = [];
    WebSocket.prototype.send = function (text) {
        sent.push(JSON.parse(text));
        return send.call(this, text);
    };
    try {
        eval(act)(argument);
    } finally {
        WebSocket.prototype.send = send;
    }
    return sent;
}"""
"""Returns what the page sends while a function runs, and not later."""
KEEP_MOMENTS = """() => {
    const send = WebSocket.prototype.send;
    window.moments = [];
    WebSocket.prototype.send = function (text) {
        if (JSON.parse(text).type === "presence") window.moments.push([performance.now(), text]);
        return send.call(this, text);
    };
}"""
HIDDEN_WORDS = {"code": "hidden", "zh": "监督页面不在前台", "en": "The page is not in front"}


def reports(server: FakeMonitor, **members: Any) -> bool:
    """Whether the page's last report has these members; sizes and shares of pictures are left out."""
    if not server.presence:
        return False
    showing = [{name: shown[name] for name in ("session", "side")} for shown in server.presence[-1]["showing"]]
    return members.items() <= {**server.presence[-1], "showing": showing}.items()


def sights(server: FakeMonitor) -> list[tuple[int, int, int]]:
    """Width, height and visible per cent of each picture in the page's last report."""
    return [(shown["width"], shown["height"], shown["seen"]) for shown in server.presence[-1]["showing"]]


def seen(server: FakeMonitor) -> list[int]:
    """Visible per cent of each picture in the page's last report."""
    return [share for _, _, share in sights(server)]


async def _watching(server: FakeMonitor) -> None:
    """Start a visit, and wait until the page reports both pictures."""
    await server.put(live())
    await server.until(lambda: reports(server, showing=BOTH))


class TestPageReport:
    async def test_the_report_names_the_moving_pictures_and_the_duty_again_and_again(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        assert reports(server, visible=True, showing=[], duty=[])
        async with on_duty.expect_request("**/whep/ses_a/visitor?page=*") as asked:
            await _watching(server)
        assert reports(server, visible=True, duty=["ses_a"])
        assert (await asked.value).url.endswith(f"?page={server.presence[-1]['page']}")
        await on_duty.evaluate(KEEP_MOMENTS)
        before = len(server.presence)
        await server.until(lambda: len(server.presence) >= before + 5)
        sent = await on_duty.evaluate("window.moments")
        again = [later - before for (before, text), (later, same) in pairwise(sent) if text == same]
        assert min(again) >= 450, "ms: twice a second, and no more without a change"

    async def test_a_reload_gives_the_window_another_name(self, on_duty: Page, server: FakeMonitor) -> None:
        first = server.presence[-1]["page"]
        await on_duty.reload()
        await server.until(lambda: server.presence[-1]["page"] != first)

    async def test_a_hidden_page_is_reported_at_once(self, on_duty: Page, server: FakeMonitor) -> None:
        await _watching(server)
        sent = await on_duty.evaluate(SENT, [HIDE, "hidden"])
        assert [(message["type"], message["visible"]) for message in sent] == [("presence", False)]
        await server.until(lambda: reports(server, visible=False))
        await on_duty.evaluate(HIDE, "visible")
        await server.until(lambda: reports(server, visible=True))

    async def test_a_page_reports_that_it_is_hidden_before_it_is_frozen(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await on_duty.evaluate("() => document.dispatchEvent(new Event('freeze'))")
        await server.until(lambda: reports(server, visible=False))
        await on_duty.evaluate("() => document.dispatchEvent(new Event('resume'))")
        await server.until(lambda: reports(server, visible=True))

    @pytest.mark.parametrize(
        "stop",
        ["(video) => video.pause()", "(video) => { video.closest('.picture').style.display = 'none'; }"],
        ids=["paused", "not_laid_out"],
    )
    async def test_a_paused_or_hidden_picture_is_not_reported(
        self, on_duty: Page, server: FakeMonitor, stop: str
    ) -> None:
        await _watching(server)
        await on_duty.locator("video").nth(1).evaluate(stop)
        await server.until(lambda: reports(server, showing=BOTH[:1]))
        assert reports(server, visible=True)

    async def test_a_frozen_picture_is_not_reported_after_two_seconds(self, on_duty: Page, server: FakeMonitor) -> None:
        await _watching(server)
        server.mute("ses_a/visitor")
        await server.until(lambda: reports(server, showing=BOTH[:1]))

    async def test_signing_out_sends_a_last_report(self, on_duty: Page, server: FakeMonitor) -> None:
        await _watching(server)
        await on_duty.get_by_role("button", name="退出登录").click()
        await server.until(lambda: reports(server, visible=False, showing=[], duty=[]))

    async def test_a_new_socket_gets_a_report_at_once(self, on_duty: Page, server: FakeMonitor) -> None:
        await _watching(server)
        server.presence.clear()
        await server.drop_sockets()
        await server.until(lambda: reports(server, showing=BOTH))


class TestSight:
    """How large a picture is and how much of it is seen, whatever hides the rest."""

    async def test_a_picture_in_sight_is_seen_wholly_in_its_size_on_the_screen(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await _watching(server)
        await server.until(lambda: seen(server) == [100, 100])
        boxes = [await on_duty.locator("video").nth(n).bounding_box() for n in (0, 1)]
        measured = [(round(box["width"]), round(box["height"])) for box in boxes if box]
        assert [(width, height) for width, height, _ in sights(server)] == measured

    @pytest.mark.parametrize(
        "hide",
        [
            """(video) => {
                const { left, top, width, height } = video.getBoundingClientRect();
                const node = document.body.appendChild(document.createElement("div"));
                Object.assign(node.style, { position: "fixed", background: "gray", left: `${left}px`, top: `${top}px`,
                    width: `${width}px`, height: `${height / 2}px` });
            }""",
            """(video) => {
                const dialog = document.body.appendChild(document.createElement("dialog"));
                const { left, top } = video.getBoundingClientRect();
                Object.assign(dialog.style, { margin: 0, left: `${left + 9}px`, top: `${top + 9}px`, height: "200px" });
                dialog.show();
            }""",
            "(video) => { video.closest('.tile').style.transform = `translateY(-${innerHeight}px)`; }",
            "(video) => { video.closest('.picture').style.clipPath = 'inset(0 0 50% 0)'; }",
            "(video) => { video.style.marginTop = '2000px'; }",
        ],
        ids=["another_element", "dialog", "moved_out_of_the_window", "clipped", "scrolled_away"],
    )
    async def test_what_hides_a_picture_lowers_the_share_that_is_seen(
        self, on_duty: Page, server: FakeMonitor, hide: str
    ) -> None:
        await _watching(server)
        await server.until(lambda: seen(server) == [100, 100])
        await on_duty.locator("video").nth(1).evaluate(hide)
        await server.until(lambda: len(seen(server)) == 2 and min(seen(server)) < 90)

    async def test_a_small_picture_is_reported_in_its_size(self, on_duty: Page, server: FakeMonitor) -> None:
        await _watching(server)
        small = "(video) => { video.style.cssText += 'width: 150px; height: 84px; place-self: start;'; }"
        await on_duty.locator("video").nth(1).evaluate(small)
        await server.until(lambda: sights(server)[-1][:2] == (149, 84))  # 16:9 in a box of 150x84

    async def test_a_picture_of_another_shape_is_measured_without_the_bars_of_its_box(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await _watching(server)
        box = await on_duty.locator("video").nth(1).bounding_box()
        shape = "(video) => Object.defineProperties(video, { videoWidth: { value: 240 }, videoHeight: { value: 180 } })"
        await on_duty.locator("video").nth(1).evaluate(f"(video) => {{ ({shape})(video); }}")
        assert box is not None
        await server.until(lambda: sights(server)[-1] == (round(box["height"] * 4 / 3), round(box["height"]), 100))
        bars = """(video) => {
            const { left, top, width, height } = video.getBoundingClientRect();
            const node = document.body.appendChild(document.createElement("div"));
            Object.assign(node.style, { position: "fixed", left: `${left}px`, top: `${top}px`, background: "gray",
                width: `${(width - height * 4 / 3) / 2}px`, height: `${height}px` });
        }"""
        before = len(server.presence)
        await on_duty.locator("video").nth(1).evaluate(bars)
        await server.until(lambda: len(server.presence) > before + 2 and seen(server) == [100, 100])

    async def test_a_modal_dialog_hides_what_is_under_its_box_and_only_a_clear_backdrop_nothing(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await _watching(server)
        await on_duty.evaluate(
            """() => {
                const dialog = document.body.appendChild(document.createElement("dialog"));
                dialog.id = "corner";
                Object.assign(dialog.style, { margin: 0, left: "0px", top: "0px", width: "20px", height: "20px" });
                const sheet = new CSSStyleSheet();
                sheet.replaceSync("#corner::backdrop { background: transparent }");
                document.adoptedStyleSheets = [sheet];
                dialog.showModal();
            }"""
        )
        before = len(server.presence)
        await server.until(lambda: len(server.presence) > before + 2 and seen(server) == [100, 100])
        await on_duty.evaluate("document.adoptedStyleSheets[0].replaceSync('#corner::backdrop { background: #000 }')")
        await server.until(lambda: seen(server) == [0, 0])
        await on_duty.evaluate(
            "document.adoptedStyleSheets[0].replaceSync('#corner::backdrop { background: transparent }')"
        )
        await server.until(lambda: seen(server) == [100, 100])
        await on_duty.evaluate("() => { document.adoptedStyleSheets = []; corner.style.width = '100vw'; }")
        await on_duty.evaluate("() => { corner.style.maxWidth = 'none'; corner.style.height = '100vh'; }")
        await on_duty.evaluate("() => { corner.style.maxHeight = 'none'; }")
        await server.until(lambda: seen(server) == [0, 0])


class TestPresenceStatus:
    async def test_the_top_bar_shows_where_the_officer_counts_and_why_not(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(live())
        chip = on_duty.locator("#presence-status")
        await expect(chip).to_be_hidden()
        yes = {"session": "ses_a", "counted": True, "why": []}
        await server.send("standing", sessions=[yes], prompt=None)
        await expect(chip).to_have_text("已计入 1 场监督")
        await server.send("standing", sessions=[{**yes, "counted": False, "why": [HIDDEN_WORDS]}], prompt=None)
        await expect(chip).to_have_text("未计入监督：监督页面不在前台")
        await expect(chip).to_have_attribute("data-level", "bad")
        await expect(chip).to_have_attribute("title", "王建国 ⇄ 官渡区司法局：监督页面不在前台")
        await on_duty.get_by_role("button", name="Switch to English").click()
        await expect(chip).to_have_text("You do not count: The page is not in front")
