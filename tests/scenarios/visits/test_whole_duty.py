"""One visit from the desk to the archive, with four officers at their pages: what is asked of supervisors (Yunnan 11,
12, 16, 17, 25, 26; Guangdong 24, 27, 29) in the order of a day, done by hand, and found again afterwards."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from broker.control.store.records import Role
from broker.kernel import atomic_files
from broker.kernel.clock import SystemClock, monotonic
from broker.kernel.ids import Side
from broker.media.tap_format import TRACK_TITLES
from huijian.demo.officers import OfficerClient
from kiosk_agent.state.events import Phase
from kiosk_agent.ui.display import Screen
from tests.support.chromium import chromium
from tests.support.installation import Installation
from tests.support.installation import installation as run_installation
from tests.support.listening import levels
from tests.support.monitor.page import HIDE, PLAYING, counts, shut_after, signed_in, without_quorum
from tests.support.probe import complaints, probe
from tests.support.speaking import LOUD, PITCH, TalkbackRecorder, microphone, spoken_in
from tests.support.visit import Visit, quorum_of, visit

PATIENCE = 20_000  # ms; four browsers, two rooms and a server share the machine
SHUT = 2.0  # seconds until a lost quorum shuts the gate (Yunnan 25)
SPOKEN = 2.0  # seconds of an officer's voice
NOTE = "母亲情绪激动，已安抚"
WARNED, MUTED, HELD, SPOKEN_ON, STOPPED = "YN-16-2", "YN-16-6", "YN-16-4", "SAY-GUIDE", "YN-17-8"
ELDER, YOUNGER, CLERK, MATE = range(4)
"""The officers: two of the prison, two of the bureau."""


@dataclass
class Day:
    """The visit and everybody at it. `acts`: what officers did, by whom, in the order in which they did it."""

    installation: Installation
    here: Visit
    browser: Browser
    ears: TalkbackRecorder
    pages: list[Page] = field(default_factory=list)
    acts: list[dict[str, Any]] = field(default_factory=list)

    def id(self, officer: int) -> str:
        """The id of one of the four."""
        return self.installation.credentials.officers[officer].id

    def did(self, what: str, officer: int, **words: Any) -> None:
        """Remember an act of an officer, as journal and timeline must have it."""
        self.acts.append({"what": what, "by": self.id(officer), **words})

    async def until_state(self, state: str, **more: Any) -> dict[str, Any]:
        """Wait for a state of the visit."""
        return await self.here.until(lambda view: view["state"] == state, **more)

    async def shown(self, side: Side, holds: Callable[[Screen], bool]) -> Screen:
        """Wait until a room's screen is so."""
        async with asyncio.timeout(PATIENCE / 1000):
            while not holds(screen := self.here.kiosks[side].screen()):
                await asyncio.sleep(0.05)
        return screen

    async def slates(self, reason: str) -> None:
        """Both rooms see a slate that says why."""
        for side in Side:
            await self.shown(side, lambda one: one.phase is Phase.HELD and one.reason is not None)
            screen = self.here.kiosks[side].screen()
            assert screen.reason is not None and reason in screen.reason[0]

    async def meet(self) -> None:
        """Wait until both rooms see and hear each other."""
        await self.until_state("live")
        for side in Side:
            await self.here.sees_far_room(side)


def desk(page: Page) -> Locator:
    """The right column."""
    return page.get_by_role("complementary")


async def press(page: Page, key: str, dialog: str) -> Locator:
    """Strike a key that opens a dialog."""
    await page.keyboard.press(key)
    found = page.get_by_role("dialog", name=dialog, exact=True)
    await expect(found).to_be_visible()
    return found


async def confirm(dialog: Locator, words: str, code: str = "") -> None:
    """Choose a ground, where there is one to choose, and confirm."""
    if code:
        await dialog.get_by_role("radio", name=code).check()
    await dialog.get_by_role("button", name=words, exact=True).click()
    await expect(dialog).to_be_hidden()


async def nothing_crosses(day: Day) -> None:
    """Not a packet in a second. By counting: the rooms are in this process, and late on a busy machine."""
    before = await day.here.packets_over()
    await day.here.silence(1.0)
    assert await day.here.packets_over() == before


# --- the day ------------------------------------------------------------------------------------------------------


async def three_take_their_places(day: Day) -> None:
    """Three of four sign in and see both rooms; nobody has arrived, and it is said what is missing."""
    for officer in (ELDER, YOUNGER, CLERK):
        day.pages.append(await signed_in(day.browser, day.installation, officer))
    for page in day.pages:
        await page.wait_for_function(PLAYING)
    missing = desk(day.pages[ELDER]).get_by_role("region", name="尚缺条件")
    seats = ("监所一方会见席位未就绪", "家属一方会见席位未就绪")
    for words in ("监所一方 甲：尚缺", "家属一方 乙：尚缺", *seats, "家属一方监督人员不足"):
        await expect(missing.get_by_text(words)).to_be_visible()


async def the_desks_check_in(day: Day) -> None:
    """Tick by tick, each side its own; what is done is no longer missing."""
    await _check_in(day.pages[ELDER], "甲", "身份已核验", "安检已通过", "规定已告知")
    missing = desk(day.pages[CLERK]).get_by_role("region", name="尚缺条件")
    await expect(missing.get_by_text("监所一方 甲")).to_be_hidden()
    await expect(missing.get_by_text("家属一方 乙：尚缺")).to_be_visible()
    await _check_in(day.pages[CLERK], "乙", "身份已核验", "安检已通过", "手机等已寄存（或未携带）", "规定已告知")
    await expect(missing.get_by_role("listitem")).to_have_count(1)
    await expect(missing).to_contain_text("家属一方监督人员不足")
    view = await day.here.until(lambda one: quorum_of(one) == (2, 1))
    assert view["state"] == "check_in" and view["gate"] == "shut"
    assert await day.here.packets_over() == 0


async def _check_in(page: Page, name: str, *ticks: str) -> None:
    group = desk(page).get_by_role("group", name=f"{name}的核验")
    for tick in ticks:
        await group.get_by_label(tick).check()
    await desk(page).get_by_label("会见席位已就绪").check()
    await expect(desk(page).get_by_text("已入场")).to_be_visible()


async def the_fourth_opens(day: Day) -> None:
    """Ready, recorded, and open once two of each site watch."""
    day.pages.append(await signed_in(day.browser, day.installation, MATE))
    view = await day.until_state("live")
    assert quorum_of(view) == (2, 2)
    await day.meet()
    for page in day.pages:
        await expect(desk(page).get_by_text("双方已接通")).to_be_visible()
        await expect(page.locator("#presence-status")).to_have_text("已计入 1 场监督")


async def a_warning_is_read(day: Day) -> None:
    """One room is told in ready words, and confirms."""
    dialog = await press(day.pages[ELDER], "w", "劝阻")
    await dialog.get_by_role("radio", name="家属一方").check()
    await confirm(dialog, "发出劝阻", WARNED)
    screen = await day.shown(Side.VISITOR, lambda one: one.warning is not None)
    assert screen.warning is not None and screen.warning.zh.startswith("不准使用隐语")
    assert day.here.kiosks[Side.PRISON].screen().warning is None
    given = desk(day.pages[ELDER]).get_by_role("region", name="已作劝阻")
    await expect(given).to_contain_text("家属 待确认")
    day.here.kiosks[Side.VISITOR].confirm(screen.warning.id)
    await expect(given).to_contain_text("家属 已确认")
    await day.shown(Side.VISITOR, lambda one: one.warning is None)
    day.did("WarningGiven", ELDER, article=WARNED, sides=["visitor"])


async def what_ends_a_visit_is_no_warning(day: Day) -> None:
    """A ground that demands the end is offered for no warning, and is not taken for one by another door."""
    dialog = await press(day.pages[CLERK], "w", "劝阻")
    await dialog.get_by_role("radio", name="自拟").check()
    codes = await dialog.get_by_label("选择条款").locator("option").all_text_contents()
    assert codes and not any(code.startswith("YN-17") for code in codes)
    await day.pages[CLERK].keyboard.press("Escape")
    stored = {"sides": ["visitor"], "article": STOPPED, "text": "不准谈论案情"}
    await day.here.refused(day.here.officers[CLERK].order(day.here.session, "warn", **stored), "policy_violation")


async def a_side_is_muted_for_a_while(day: Day) -> None:
    """The far room sees on and hears nothing, until the same site lifts it."""
    await confirm(await press(day.pages[CLERK], "Shift+M", "静音"), "确认静音", MUTED)
    silent = await day.here.hears_nothing(Side.PRISON)
    await day.here.sees_far_room(Side.VISITOR)
    await expect(day.pages[ELDER].get_by_role("button", name="解除家属静音")).to_be_disabled()
    await day.here.frames_later(Side.PRISON, 30)
    assert (await day.here.far(Side.PRISON))["audio"]["packets"] == silent["audio"]["packets"]
    await confirm(await press(day.pages[CLERK], "Shift+M", "解除静音"), "确认解除")
    await day.here.sees_far_room(Side.PRISON)
    day.did("MuteOrdered", CLERK, article=MUTED, side="visitor", on=True)
    day.did("MuteOrdered", CLERK, side="visitor", on=False)


async def one_room_is_spoken_to(day: Day) -> None:
    """Heard there, and nothing of it in the other."""
    page = day.pages[MATE]
    await page.get_by_role("button", name="对监所一方").click()
    await expect(page.locator(".on-air")).to_contain_text("正在插话", timeout=PATIENCE)
    await day.ears.until(day.here, Side.PRISON, SPOKEN)
    await expect(desk(day.pages[YOUNGER]).get_by_text("演示县司法局管理员2 正在插话（对监所一方）")).to_be_visible()
    assert day.here.kiosks[Side.PRISON].screen().talkback and not day.here.kiosks[Side.VISITOR].screen().talkback
    await page.keyboard.press("Escape")
    await expect(page.locator(".on-air")).to_be_hidden()
    await day.here.until(lambda view: view["speech"] is None)
    assert max(levels(day.ears.of(day.here, Side.PRISON), PITCH)) > LOUD
    assert len(day.ears.of(day.here, Side.VISITOR)) == 0
    day.did("SpeechBegan", MATE, article=SPOKEN_ON, sides=["prison"])


async def a_note_is_made(day: Day) -> None:
    """By one, and read by all."""
    page = day.pages[YOUNGER]
    await page.keyboard.press("n")
    await page.keyboard.type(NOTE)
    await page.keyboard.press("Enter")
    for reader in day.pages:
        await expect(desk(reader).get_by_role("region", name="会见记录").get_by_text(NOTE)).to_be_visible()
    await page.keyboard.press("Tab")  # out of the line, where letters are letters
    day.did("NoteMade", YOUNGER, text=NOTE)


async def it_is_held_and_goes_on(day: Day) -> None:
    """Under an article; both rooms see why."""
    await confirm(await press(day.pages[ELDER], "h", "中止会见"), "确认中止", HELD)
    view = await day.until_state("held")
    assert view["reason"]["article"] == HELD
    await day.slates("管理员")
    await confirm(await press(day.pages[ELDER], "r", "恢复会见"), "确认恢复")
    await day.meet()
    day.did("HoldOrdered", ELDER, article=HELD)
    day.did("ResumeOrdered", ELDER)


async def a_hidden_tab_is_nobodys_eyes(day: Day) -> None:
    """The gate shuts, the others are called, one of them takes the call, and the officer's coming back opens it."""
    left_at = monotonic()
    await day.pages[MATE].evaluate(HIDE, "hidden")
    await _shut_since(day, left_at)
    await expect(day.pages[MATE].locator("#presence-status")).to_have_text("未计入监督：监督页面不在前台")
    page = day.pages[CLERK]
    await expect(page.get_by_role("alert").filter(has_text="监督人员不足，会见已中止")).to_be_visible()
    row = page.get_by_role("region", name="提醒", exact=True).get_by_role("listitem")
    await expect(row).to_have_count(1)
    await page.keyboard.press("a")
    await expect(row).to_contain_text("演示县司法局管理员1 处理中")
    await expect(row.get_by_role("button", name="完成")).to_be_visible()
    await page.keyboard.press("a")
    await expect(row).to_have_count(0)
    await day.pages[MATE].evaluate(HIDE, "visible")
    await day.meet()


async def _shut_since(day: Day, mono: float) -> None:
    await day.here.until(without_quorum)
    assert await shut_after(day.here, mono) - mono < SHUT
    await day.slates("监督")
    await nothing_crosses(day)


async def a_second_window_is_no_second_person(day: Day) -> None:
    """One closes the page; two windows of the colleague are one person, until the one is back."""
    second = await day.pages[MATE].context.new_page()
    await second.goto(f"{day.installation.server}/monitor")
    await second.wait_for_function(PLAYING)
    assert quorum_of(await day.until_state("live")) == (2, 2)
    left_at = monotonic()
    context = day.pages[CLERK].context
    await day.pages[CLERK].close()
    await _shut_since(day, left_at)
    await day.here.until(lambda view: quorum_of(view) == (2, 1))
    day.pages[CLERK] = await context.new_page()
    await day.pages[CLERK].goto(f"{day.installation.server}/monitor")
    await day.meet()
    await second.close()
    await counts(day.here, MATE, True)


async def a_reload_comes_back_by_itself(day: Day) -> None:
    """Still signed in, on the wall, counted."""
    page = day.pages[YOUNGER]
    await page.reload()
    await page.wait_for_function(PLAYING)
    await counts(day.here, YOUNGER, True)
    await day.meet()


async def two_strokes_stop_it(day: Day) -> None:
    """F9, its ground, yes: nothing crosses any more."""
    page = day.pages[CLERK]
    dialog = await press(page, "F9", "停止会见")
    await dialog.get_by_role("button", name=STOPPED).click()
    await expect(dialog.get_by_role("button", name="确认停止")).to_be_focused()
    stopped_at = monotonic()
    await page.keyboard.press("Enter")
    view = await day.until_state("ended")
    assert (view["reason"]["code"], view["reason"]["article"]) == ("ended_by_supervisor", STOPPED)
    assert await shut_after(day.here, stopped_at) - stopped_at < SHUT
    for side in Side:
        await day.shown(side, lambda one: one.phase is Phase.ENDED)
    await expect(page.get_by_text("会见已结束").first).to_be_visible()
    await nothing_crosses(day)
    day.did("EndOrdered", CLERK, article=STOPPED)


STEPS = (
    three_take_their_places,
    the_desks_check_in,
    the_fourth_opens,
    a_warning_is_read,
    what_ends_a_visit_is_no_warning,
    a_side_is_muted_for_a_while,
    one_room_is_spoken_to,
    a_note_is_made,
    it_is_held_and_goes_on,
    a_hidden_tab_is_nobodys_eyes,
    a_second_window_is_no_second_person,
    a_reload_comes_back_by_itself,
    two_strokes_stop_it,
)


# --- what is left of it -------------------------------------------------------------------------------------------


def the_film_has_its_tracks(film: Path) -> None:
    """Four and the officers' voice, playable to the end, and what was said is on the fifth alone."""
    streams = probe(film)["streams"]
    assert [one["codec_name"] for one in streams] == ["h264", "opus", "h264", "opus", "opus"]
    assert [one["tags"]["handler_name"] for one in streams] == list(TRACK_TITLES)
    assert complaints(film) == ""
    began, ended = spoken_in(film)
    assert ended - began > SPOKEN - 1.0


def every_act_is_written(day: Day, journal: list[tuple[str, dict[str, Any]]], timeline: list[dict[str, Any]]) -> None:
    """With article, author and time, in the order in which they were done, in both."""
    told = [(entry["at"], entry["event"]) for entry in timeline if "at" in entry]
    timed = [(at, event) for at, event in told if event.get("kind") == "action"]
    noted = [{"what": kind, **data} for kind, data in journal]
    for acts in ([event for _, event in timed], noted):
        found = [next((one for one in acts if act.items() <= one.items()), None) for act in day.acts]
        assert [one for one, act in zip(day.acts, found, strict=True) if act is None] == []
        assert [acts.index(one) for one in found if one] == sorted(acts.index(one) for one in found if one)
    assert [at for at, _ in timed] == sorted(at for at, _ in timed)
    assert not [one for one in noted if one["what"] == "WarningGiven" and one["article"] == STOPPED]
    read = [event for _, event in timed if event["what"] == "WarningAcknowledged"]
    assert [one["side"] for one in read] == ["visitor"]
    alerts = [one for one in noted if one["what"] in ("AlertTaken", "AlertFinished")]
    assert [(one["what"], one["by"]) for one in alerts] == [
        ("AlertTaken", day.id(CLERK)),
        ("AlertFinished", day.id(CLERK)),
    ]
    assert {"AlertTaken", "AlertFinished"} <= {event["what"] for _, event in told if event.get("kind") == "alert"}
    states = [data["to"] for kind, data in journal if kind == "StateChanged"]
    assert states[:3] == ["check_in", "ready", "live"] and states[-1] == "ended"


async def the_four_are_covered(day: Day) -> None:
    """What an auditor is told of who watched, and when too few did."""
    await day.installation.store.add_user("province-shen", "沈", Role.AUDITOR, "long enough for an auditor")
    auditor = await OfficerClient.sign_in(
        day.installation.http, day.installation.server, "province-shen", "long enough for an auditor"
    )
    told = await auditor.get(f"recordings/{day.here.session}/coverage")
    assert {one["user"] for one in told["officers"]} == {one.id for one in day.installation.credentials.officers}
    assert all(0 < one["seconds"] <= told["seconds"] for one in told["officers"])
    short = {side: len(one["short"]) for side, one in told["sides"].items()}
    assert short["visitor"] >= 2, "the hidden tab and the closed page"


@asynccontextmanager
async def a_day(tmp_path: Path, ears: TalkbackRecorder) -> AsyncIterator[Day]:
    """A running house under Yunnan's rules, two rooms that send, and a browser with a microphone; nobody signed in."""
    now = SystemClock().now().wall
    times = {"ends_at": (now + timedelta(minutes=12)).isoformat(), "minutes": 10}
    async with (
        run_installation(policy="yunnan") as installation,
        visit(installation, watching=0, arrived=False, **times) as here,
        chromium(microphone(tmp_path / "officer.wav")) as browser,
    ):
        yield Day(installation, here, browser, ears)


class TestAWholeDuty:
    @pytest.mark.timeout(300)
    async def test_four_officers_bring_a_visit_from_the_desk_to_the_archive(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        expect.set_options(timeout=PATIENCE)
        async with a_day(tmp_path, TalkbackRecorder(monkeypatch)) as day:
            for step in STEPS:
                await step(day)
            archived = await day.here.archived()
            film = day.installation.settings.archive_dir / archived["path"]
            the_film_has_its_tracks(film)
            every_act_is_written(
                day, await day.here.journal(), atomic_files.read_lines(film.with_name("timeline.jsonl"))
            )
            await the_four_are_covered(day)
