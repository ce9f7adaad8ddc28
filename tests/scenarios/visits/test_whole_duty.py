"""One visit from check-in to the archive, with four officers at their pages: what supervisors must do (Yunnan 11, 12,
16, 17, 25, 26; Guangdong 24, 27, 29), in the order of a day, and what journal, timeline and recording have of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from broker.control.store.records import Role
from broker.kernel import atomic_files
from broker.kernel.clock import SystemClock, monotonic
from broker.kernel.ids import Side
from broker.media.tap_format import TRACK_TITLES
from config.articles.citations import cited
from huijian.demo.officers import OfficerClient
from kiosk_agent.room.screens import Name
from tests.support.chromium import chromium
from tests.support.installation import installation as run_installation
from tests.support.listening import levels
from tests.support.monitor.duty import PATIENCE, Day, confirm, desk, nothing_crosses, press
from tests.support.monitor.page import HIDE, PLAYING, counts, signed_in
from tests.support.probe import complaints, probe
from tests.support.talkback import LOUD, PITCH, TalkbackRecorder, microphone, talkback_in
from tests.support.visit import held_for, quorum_of, visit

SHUT = 2.0  # seconds until a lost quorum shuts the gate (Yunnan 25)
SPOKEN = 2.0  # seconds of talkback
NOTE = "母亲情绪激动，已安抚"
WARNED, MUTED, HELD, SPOKEN_ON, STOPPED = "YN-16-2", "YN-16-6", "YN-16-4", "SAY-GUIDE", "YN-17-8"
ELDER, YOUNGER, CLERK, MATE = range(4)
"""The officers: two of the prison, two of the bureau."""


# --- the day ------------------------------------------------------------------------------------------------------


async def three_officers_sign_in(day: Day) -> None:
    """Three of four officers sign in and see both rooms; their pages list everything that is missing."""
    for officer in (ELDER, YOUNGER, CLERK):
        day.pages.append(await signed_in(day.browser, day.installation, officer))
    for page in day.pages:
        await page.wait_for_function(PLAYING)
    missing = desk(day.pages[ELDER]).get_by_role("region", name="尚缺条件")
    await missing.locator("summary").click()  # one line until it is opened
    seats = ("监所一方会见席位未就绪", "会见人一方会见席位未就绪")
    for words in ("监所一方 甲：尚缺", "会见人一方 乙：尚缺", *seats, "会见人一方管理员不足"):
        await expect(missing.get_by_text(words)).to_be_visible()


async def each_side_checks_in(day: Day) -> None:
    """Each side makes its own checks, and what is done is no longer listed as missing."""
    await _check_in(day.pages[ELDER], "甲", "身份已核验", "安检已通过", "规定已告知")
    missing = desk(day.pages[CLERK]).get_by_role("region", name="尚缺条件")
    await missing.locator("summary").click()
    await expect(missing.get_by_text("监所一方 甲")).to_be_hidden()
    await expect(missing.get_by_text("会见人一方 乙：尚缺")).to_be_visible()
    await _check_in(day.pages[CLERK], "乙", "身份已核验", "安检已通过", "手机等已寄存（或未携带）", "规定已告知")
    await expect(missing.get_by_role("listitem")).to_have_count(1)
    await expect(missing).to_contain_text("会见人一方管理员不足")
    view = await day.here.until(lambda view: quorum_of(view) == (2, 1))
    assert view["state"] == "check_in" and view["gate"] == "shut"
    assert await day.here.packets_over() == 0


async def _check_in(page: Page, name: str, *ticks: str) -> None:
    group = desk(page).get_by_role("group", name=f"{name}的核验")
    for tick in ticks:
        await group.get_by_label(tick).check()
    await desk(page).get_by_label("会见席位已就绪").check()
    await expect(desk(page).get_by_text("已入场")).to_be_visible()


async def the_fourth_officer_opens_the_gate(day: Day) -> None:
    """The visit is live once two officers of each site watch."""
    day.pages.append(await signed_in(day.browser, day.installation, MATE))
    view = await day.until_state("live")
    assert quorum_of(view) == (2, 2)
    await day.meet()
    for page in day.pages:
        await expect(desk(page).get_by_text("双方已接通")).to_be_visible()
        await expect(page.locator("#presence-status")).to_have_text("已计入 1 场监督")


async def a_warning_is_confirmed(day: Day) -> None:
    """One room is warned with a canned text, and confirms it."""
    dialog = await press(day.pages[ELDER], "w", "劝阻")
    await dialog.get_by_role("radio", name="会见人一方").check()
    await confirm(dialog, "发出劝阻", WARNED)
    screen = await day.shown(Side.VISITOR, lambda screen: screen.warning is not None)
    assert screen.warning is not None and screen.warning.zh.startswith("不准使用隐语")
    assert day.here.kiosks[Side.PRISON].screen().warning is None
    warnings = desk(day.pages[ELDER]).get_by_role("region", name="已作劝阻")
    await expect(warnings).to_contain_text("会见人 待确认")
    day.here.kiosks[Side.VISITOR].confirm(screen.warning.id)
    await expect(warnings).to_contain_text("会见人 已确认")
    await day.shown(Side.VISITOR, lambda screen: screen.warning is None)
    day.did("WarningGiven", ELDER, article=WARNED, sides=["visitor"])


async def an_article_that_ends_a_visit_is_no_warning(day: Day) -> None:
    """An article that demands the end is not offered for a warning, and by REST it is refused for one."""
    dialog = await press(day.pages[CLERK], "w", "劝阻")
    await dialog.get_by_role("radio", name="自拟").check()
    codes = await dialog.get_by_label("条款").locator("option").all_text_contents()
    assert codes and not any(code.startswith("第十七条") for code in codes)
    await day.pages[CLERK].keyboard.press("Escape")
    stored = {"sides": ["visitor"], "article": STOPPED, "text": "不准谈论案情"}
    await day.here.refused(day.here.officers[CLERK].order(day.here.session, "warn", **stored), "policy_violation")


async def a_side_is_muted_for_a_while(day: Day) -> None:
    """The far room gets pictures and no sound, until the same site lifts the mute."""
    await confirm(await press(day.pages[CLERK], "Shift+M", "静音"), "确认静音", MUTED)
    silent = await day.here.hears_nothing(Side.PRISON)
    await day.here.sees_far_room(Side.VISITOR)
    await expect(day.pages[ELDER].get_by_role("button", name="解除会见人静音")).to_be_disabled()
    await day.here.frames_later(Side.PRISON, 30)
    assert (await day.here.far(Side.PRISON))["audio"]["packets"] == silent["audio"]["packets"]
    await confirm(await press(day.pages[CLERK], "Shift+M", "解除静音"), "确认解除")
    await day.here.sees_far_room(Side.PRISON)
    day.did("MuteOrdered", CLERK, article=MUTED, side="visitor", on=True)
    day.did("MuteOrdered", CLERK, side="visitor", on=False)


async def an_officer_speaks_to_one_room(day: Day) -> None:
    """Talkback is received in that room, and nothing of it in the other."""
    page = day.pages[MATE]
    await page.get_by_role("button", name="对监所").click()
    await expect(page.locator(".on-air")).to_contain_text("正在插话", timeout=PATIENCE)
    await day.talkback.until(day.here, Side.PRISON, SPOKEN)
    await expect(desk(day.pages[YOUNGER]).get_by_text("演示县司法局管理员2 正在插话（对监所）")).to_be_visible()
    assert day.here.kiosks[Side.PRISON].screen().talkback and not day.here.kiosks[Side.VISITOR].screen().talkback
    await page.keyboard.press("Escape")
    await expect(page.locator(".on-air")).to_be_hidden()
    await day.here.until(lambda view: view["speech"] is None)
    assert max(levels(day.talkback.samples(day.here, Side.PRISON), PITCH)) > LOUD
    assert len(day.talkback.samples(day.here, Side.VISITOR)) == 0
    day.did("SpeechBegan", MATE, article=SPOKEN_ON, sides=["prison"])


async def a_note_is_made(day: Day) -> None:
    """A note of one officer is on the pages of all."""
    page = day.pages[YOUNGER]
    await page.keyboard.press("n")
    await page.keyboard.type(NOTE)
    await page.keyboard.press("Enter")
    for reader in day.pages:
        await expect(desk(reader).get_by_role("region", name="会见记录").get_by_text(NOTE)).to_be_visible()
    await page.keyboard.press("Tab")  # out of the line, where letters are letters
    day.did("NoteMade", YOUNGER, text=NOTE)


async def it_is_held_and_resumed(day: Day) -> None:
    """The visit is held under an article that both rooms see, and resumed."""
    await expect(day.pages[ELDER].get_by_role("button", name="中止会见")).to_be_enabled()  # as long as it is live
    await confirm(await press(day.pages[ELDER], "h", "中止会见"), "确认中止", HELD)
    view = await day.until_state("held")
    assert view["reason"]["article"] == HELD
    await day.hold_shown("管理员")
    await expect(day.pages[ELDER].get_by_role("button", name="恢复会见")).to_be_enabled()  # the key works from then on
    await confirm(await press(day.pages[ELDER], "r", "恢复会见"), "确认恢复")
    await day.meet()
    day.did("HoldOrdered", ELDER, article=HELD)
    day.did("ResumeOrdered", ELDER)


async def a_hidden_page_does_not_count(day: Day) -> None:
    """The gate shuts, the others get an alert, one takes it, and the gate opens when the page is visible again."""
    before = monotonic()
    await day.pages[MATE].evaluate(HIDE, "hidden")
    await _shut_since(day, before)
    await expect(day.pages[MATE].locator("#presence-status")).to_have_text("未计入监督：监督页面不在前台")
    page = day.pages[CLERK]
    row = page.get_by_role("region", name="提醒", exact=True).get_by_role("listitem")
    await expect(row).to_have_count(1)
    await expect(row).to_contain_text("会见已中止")
    await page.keyboard.press("a")
    await expect(row).to_have_attribute("data-level", "taken")
    await expect(row.get_by_role("button", name="完成")).to_be_visible()
    await page.keyboard.press("a")
    await expect(row.get_by_role("button", name="完成")).to_have_count(0)
    await day.pages[MATE].evaluate(HIDE, "visible")
    await day.meet()
    await expect(row.filter(has_text="会见已中止")).to_have_count(0)


async def _shut_since(day: Day, before: float) -> None:
    """Check that the gate shuts in time for a page that has just been lost, at some moment after `before`."""
    lost_at = monotonic()
    await day.here.until(held_for("quorum_lost"))
    shut = await day.here.shut_after(before)
    assert shut - lost_at < SHUT
    await day.hold_shown("管理员")
    await nothing_crosses(day, shut)


async def a_second_window_is_no_second_officer(day: Day) -> None:
    """One officer closes the page; two windows of a colleague count as one officer, until the first is back."""
    second = await day.pages[MATE].context.new_page()
    await second.goto(f"{day.installation.server}/monitor")
    await second.wait_for_function(PLAYING)
    assert quorum_of(await day.until_state("live")) == (2, 2)
    before, context = monotonic(), day.pages[CLERK].context
    await day.pages[CLERK].close()
    await _shut_since(day, before)
    await day.here.until(lambda view: quorum_of(view) == (2, 1))
    day.pages[CLERK] = await context.new_page()
    await day.pages[CLERK].goto(f"{day.installation.server}/monitor")
    await day.meet()
    await second.close()
    await counts(day.here, MATE, True)


async def a_reloaded_page_reconnects_by_itself(day: Day) -> None:
    """After a reload the officer is still signed in, sees both rooms and counts."""
    page = day.pages[YOUNGER]
    await page.reload()
    await page.wait_for_function(PLAYING)
    await counts(day.here, YOUNGER, True)
    await day.meet()


async def two_keys_end_it(day: Day) -> None:
    """F9, its article and Enter end the visit, and nothing crosses any more."""
    page = day.pages[CLERK]
    dialog = await press(page, "F9", "终止会见")
    await dialog.get_by_role("radio", name=cited(STOPPED).zh).check()
    before = monotonic()
    await page.keyboard.press("Enter")
    stopped_at = monotonic()
    view = await day.until_state("ended")
    assert (view["reason"]["code"], view["reason"]["article"]) == ("ended_by_supervisor", STOPPED)
    shut = await day.here.shut_after(before)
    assert shut - stopped_at < SHUT
    for side in Side:
        await day.shown(side, lambda screen: screen.name is Name.ENDED)
    await expect(page.get_by_text("会见已结束").first).to_be_visible()
    await nothing_crosses(day, shut)
    day.did("EndOrdered", CLERK, article=STOPPED)


STEPS = (
    three_officers_sign_in,
    each_side_checks_in,
    the_fourth_officer_opens_the_gate,
    a_warning_is_confirmed,
    an_article_that_ends_a_visit_is_no_warning,
    a_side_is_muted_for_a_while,
    an_officer_speaks_to_one_room,
    a_note_is_made,
    it_is_held_and_resumed,
    a_hidden_page_does_not_count,
    a_second_window_is_no_second_officer,
    a_reloaded_page_reconnects_by_itself,
    two_keys_end_it,
)


# --- what is left of it -------------------------------------------------------------------------------------------


def the_film_has_its_tracks(film: Path) -> None:
    """Check that the five tracks are playable to the end, and that talkback is on the fifth alone."""
    streams = probe(film)["streams"]
    assert [stream["codec_name"] for stream in streams] == ["h264", "opus", "h264", "opus", "opus"]
    assert [stream["tags"]["handler_name"] for stream in streams] == list(TRACK_TITLES)
    assert complaints(film) == ""
    began, ended = talkback_in(film)
    assert ended - began > SPOKEN - 1.0


def every_act_is_recorded(day: Day, journal: list[tuple[str, dict[str, Any]]], timeline: list[dict[str, Any]]) -> None:
    """Check that journal and timeline have each act with article, author and time, in the order of the acts."""
    events = [(entry["at"], entry["event"]) for entry in timeline if "at" in entry]
    timed = [(at, event) for at, event in events if event.get("kind") == "action"]
    noted = [{"what": kind, **data} for kind, data in journal]
    for acts in ([event for _, event in timed], noted):
        found = [next((each for each in acts if act.items() <= each.items()), None) for act in day.acts]
        assert [act for act, entry in zip(day.acts, found, strict=True) if entry is None] == []
        places = [acts.index(entry) for entry in found if entry]
        assert places == sorted(places)
    assert [at for at, _ in timed] == sorted(at for at, _ in timed)
    assert not [act for act in noted if act["what"] == "WarningGiven" and act["article"] == STOPPED]
    read = [event for _, event in timed if event["what"] == "WarningAcknowledged"]
    assert [event["side"] for event in read] == ["visitor"]
    alerts = [act for act in noted if act["what"] in ("AlertTaken", "AlertFinished")]
    assert [(alert["what"], alert["by"]) for alert in alerts] == [
        ("AlertTaken", day.id(CLERK)),
        ("AlertFinished", day.id(CLERK)),
    ]
    assert {"AlertTaken", "AlertFinished"} <= {event["what"] for _, event in events if event.get("kind") == "alert"}
    states = [data["to"] for kind, data in journal if kind == "StateChanged"]
    assert states[:3] == ["check_in", "ready", "live"] and states[-1] == "ended"


async def the_coverage_names_the_four(day: Day) -> None:
    """Check the coverage that an auditor reads: which officers watched, and when too few did."""
    await day.installation.store.add_user("province-shen", "沈", Role.AUDITOR, "long enough for an auditor")
    auditor = await OfficerClient.sign_in(
        day.installation.http, day.installation.server, "province-shen", "long enough for an auditor"
    )
    coverage = await auditor.get(f"recordings/{day.here.session}/coverage")
    assert {each["user"] for each in coverage["officers"]} == {
        officer.id for officer in day.installation.credentials.officers
    }
    assert all(0 < each["seconds"] <= coverage["seconds"] for each in coverage["officers"])
    short = {side: len(each["short"]) for side, each in coverage["sides"].items()}
    assert short["visitor"] >= 2, "the hidden tab and the closed page"


@asynccontextmanager
async def a_day(tmp_path: Path, recorder: TalkbackRecorder) -> AsyncIterator[Day]:
    """Run an installation under Yunnan's rules with two rooms that publish, and a browser with a microphone."""
    now = SystemClock().now().wall
    times = {"ends_at": (now + timedelta(minutes=12)).isoformat(), "minutes": 10}
    async with (
        run_installation(policy="yunnan") as installation,
        visit(installation, watching=0, arrived=False, **times) as here,
        chromium(microphone(tmp_path / "officer.wav")) as browser,
    ):
        yield Day(installation, here, browser, recorder)


class TestWholeDuty:
    @pytest.mark.timeout(300)
    async def test_four_officers_bring_a_visit_from_check_in_to_the_archive(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        expect.set_options(timeout=PATIENCE)
        async with a_day(tmp_path, TalkbackRecorder(monkeypatch)) as day:
            for step in STEPS:
                await step(day)
            archived = await day.here.archived()
            film = day.installation.settings.archive_dir / archived["path"]
            the_film_has_its_tracks(film)
            every_act_is_recorded(
                day, await day.here.journal(), atomic_files.read_lines(film.with_name("timeline.jsonl"))
            )
            await the_coverage_names_the_four(day)
