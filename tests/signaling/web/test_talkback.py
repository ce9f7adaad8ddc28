"""Talkback (插话) on the supervisors' page: what is sent and when, the light, and each way in which it ends."""

from playwright.async_api import Page, expect

from tests.signaling.web.conftest import Complaints
from tests.support.monitor.fake_server import FakeMonitor
from tests.support.monitor.visits import checking_in, live

ME = {"id": "li-ming", "name": "李明"}
COLLEAGUE = {"id": "zhao-qiang", "name": "赵强"}


def orders(server: FakeMonitor) -> list[str]:
    return [order["type"] for order in server.orders if order["type"] in ("speak", "hush")]


async def begin(page: Page, server: FakeMonitor, name: str = "对会见人") -> None:
    """Begin a talkback by a short press, and let the server confirm it."""
    await server.put(live())
    await page.get_by_role("button", name=name).click()
    await expect(page.locator(".on-air")).to_contain_text("正在插话")
    spoken = server.spoken
    await server.until(lambda: server.spoken > spoken)
    await server.put(live(), speech={"sides": ["visitor"], "by": ME})


class TestBeginning:
    async def test_a_press_sends_the_microphone_to_one_room_and_shows_the_light(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await begin(on_duty, server)
        order = {key: value for key, value in server.orders[-1].items() if key != "id"}
        assert order == {"type": "speak", "session": "ses_a", "sides": ["visitor"], "article": "SAY-GUIDE"}
        light = on_duty.locator(".on-air")
        await expect(light).to_contain_text("对会见人")
        await expect(on_duty.get_by_role("button", name="对会见人")).to_have_attribute("aria-pressed", "true")
        await on_duty.get_by_role("button", name="对会见人").click()
        await expect(light).to_be_hidden()
        await server.until(lambda: orders(server) == ["speak", "hush"])

    async def test_the_light_hides_neither_whether_the_officer_counts_nor_the_connection(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await begin(on_duty, server)
        await server.send("standing", sessions=[{"session": "ses_a", "counted": True, "why": []}], prompt=None)
        light = on_duty.locator(".on-air")
        for language in ("English", "中文"):
            right = await light.evaluate("(light) => light.getBoundingClientRect().right")
            for part in ("#presence-status", "#link"):
                await expect(on_duty.locator(part)).to_be_visible()
                assert await on_duty.locator(part).evaluate("(part) => part.getBoundingClientRect().left") >= right
            await on_duty.get_by_text(language, exact=True).click()

    async def test_both_rooms_and_another_ground_can_be_chosen(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live())
        await on_duty.get_by_label("插话依据").select_option("YN-16-6")
        await on_duty.get_by_role("button", name="对双方").click()
        await server.until(lambda: orders(server) == ["speak"])
        assert (server.orders[-1]["sides"], server.orders[-1]["article"]) == (["prison", "visitor"], "YN-16-6")

    async def test_no_ground_that_demands_an_end_is_offered(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live())
        options = on_duty.get_by_label("插话依据").locator("option")
        await expect(options.first).to_have_attribute("value", "SAY-GUIDE")
        codes = await options.evaluate_all("(all) => all.map((each) => each.value)")
        assert codes and not any(code.startswith("YN-17") for code in codes)

    async def test_a_held_button_sends_while_it_is_held(self, on_duty: Page, server: FakeMonitor) -> None:
        await begin(on_duty, server)  # the microphone is connected once
        await on_duty.keyboard.press("Escape")
        await server.put(live(), speech=None)
        button = on_duty.get_by_role("button", name="对监所")
        await button.hover()
        await on_duty.mouse.down()
        await expect(on_duty.locator(".on-air")).to_contain_text("正在插话")
        spoken = server.spoken
        await server.until(lambda: server.spoken > spoken + 25)  # half a second: longer than a click
        await on_duty.mouse.up()
        await expect(on_duty.locator(".on-air")).to_be_hidden()
        await server.until(lambda: orders(server) == ["speak", "hush"] * 2)
        assert server.talkback == ["/whip/ses_a/voice"]

    async def test_nothing_is_sent_after_the_end(self, on_duty: Page, server: FakeMonitor) -> None:
        await begin(on_duty, server)
        await on_duty.keyboard.press("Escape")
        await server.until(lambda: orders(server) == ["speak", "hush"])
        spoken = server.spoken
        await on_duty.wait_for_timeout(400)  # packets that were under way have arrived by then
        after = server.spoken
        await on_duty.wait_for_timeout(400)
        assert server.spoken == after and after - spoken < 20

    async def test_talkback_works_by_keyboard_alone(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live())
        await on_duty.get_by_role("button", name="对会见人").focus()
        await on_duty.keyboard.press("Enter")
        await expect(on_duty.locator(".on-air")).to_contain_text("正在插话")
        await on_duty.keyboard.press("Enter")
        await expect(on_duty.locator(".on-air")).to_be_hidden()
        await server.until(lambda: orders(server) == ["speak", "hush"])


class TestEnding:
    async def test_escape_and_the_button_of_the_light_end_it(self, on_duty: Page, server: FakeMonitor) -> None:
        await begin(on_duty, server)
        await on_duty.keyboard.press("Escape")
        await expect(on_duty.locator(".on-air")).to_be_hidden()
        await begin(on_duty, server)
        await on_duty.locator(".on-air").get_by_role("button", name="停止插话").click()
        await expect(on_duty.locator(".on-air")).to_be_hidden()
        await server.until(lambda: orders(server) == ["speak", "hush"] * 2)

    async def test_a_page_that_loses_the_focus_ends_it(self, on_duty: Page, server: FakeMonitor) -> None:
        await begin(on_duty, server)
        await on_duty.evaluate("dispatchEvent(new Event('blur'))")
        await expect(on_duty.locator(".on-air")).to_be_hidden()
        await server.until(lambda: orders(server) == ["speak", "hush"])

    async def test_a_view_of_the_server_without_talkback_ends_it(self, on_duty: Page, server: FakeMonitor) -> None:
        await begin(on_duty, server)
        await server.put(live(), speech=None)
        await expect(on_duty.locator(".on-air")).to_be_hidden()
        assert orders(server) == ["speak"]

    async def test_a_lost_socket_ends_it(self, on_duty: Page, server: FakeMonitor, complaints: Complaints) -> None:
        await begin(on_duty, server)
        server.closed = True
        await server.drop_sockets()
        await expect(on_duty.locator(".on-air")).to_be_hidden()
        server.closed = False
        await expect(on_duty.locator("#link")).to_have_text("已连接")
        complaints.errors.clear()  # the browser's own messages about the closed socket


class TestColleagues:
    async def test_the_talkback_of_a_colleague_is_named_and_can_be_ended(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(live(), speech={"sides": ["prison", "visitor"], "by": COLLEAGUE})
        desk = on_duty.get_by_role("complementary")
        await expect(desk.get_by_text("赵强 正在插话（对双方）")).to_be_visible()
        await expect(on_duty.get_by_role("button", name="对双方")).to_be_disabled()
        await desk.get_by_role("button", name="停止插话").click()
        await server.until(lambda: server.by_rest == [("hush", "ses_a", {})])

    async def test_a_refusal_is_shown_and_the_microphone_stays_shut(self, on_duty: Page, server: FakeMonitor) -> None:
        server.refuse["speak"] = {
            "type": "urn:huijian:problem:conflict",
            "code": "conflict",
            "status": 409,
            "title": "与现有状态冲突",
            "title_en": "Conflict",
            "detail": "另一名管理员正在插话，请待其结束。",
            "detail_en": "Another officer is speaking.",
        }
        await server.put(live())
        await on_duty.get_by_role("button", name="对会见人").click()
        toast = on_duty.get_by_role("region", name="提示").get_by_role("alert")
        await expect(toast).to_contain_text("另一名管理员正在插话")
        await expect(on_duty.locator(".on-air")).to_be_hidden()
        assert server.spoken == 0

    async def test_talkback_of_colleagues_is_played_for_the_session_that_is_listened_to(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(live())
        await on_duty.get_by_role("button", name="收听双方").click()
        await server.until(lambda: server.talkback == ["/whep/ses_a/voice"])
        await on_duty.get_by_role("button", name="收听双方").click()
        await server.until(lambda: server.talkback == [])

    async def test_talkback_is_not_possible_before_the_visit_or_without_a_recording(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(checking_in())
        await expect(on_duty.get_by_role("button", name="对会见人")).to_be_disabled()
        await server.put(live(recording={"state": "lost", "seconds": 1.0, "path": None, "sha256": None}))
        await expect(on_duty.get_by_role("button", name="对会见人")).to_be_disabled()
