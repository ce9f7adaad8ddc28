"""The officer's screen as the agent has it: PIN, limits that outlive a restart, orders, and what a visit leaves
open."""

import asyncio
import json
import logging
import tarfile
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from broker.kernel.clock import Instant
from kiosk_agent.officer import desk, pin, words
from kiosk_agent.officer.attempts import FREE
from kiosk_agent.officer.choices import Choices
from kiosk_agent.officer.desk import OfficerDesk, OfficerPlaces
from kiosk_agent.officer.history import KeptTest
from kiosk_agent.officer.usb import UsbFinder
from kiosk_agent.officer.view import Level, OfficerView
from kiosk_agent.room.messages import (
    AgentMessage,
    Chosen,
    OfficerActive,
    OfficerAsked,
    OfficerLeft,
    OfficerOrdered,
    PinTyped,
    Settings,
    ShowOfficer,
)
from tests.support.kiosk.room_page import TerminalOfTests
from tests.support.patience import PATIENCE

RIGHT, WRONG = "482915", "482916"
Taken = TypeVar("Taken")
START = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.instant = Instant(START, 100.0)

    def now(self) -> Instant:
        """Return the moment that the test has set."""
        return self.instant

    def later(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self.instant = self.instant.after(timedelta(seconds=seconds))


class Story:
    """A desk with its clock, terminal and all that it has sent to the page."""

    def __init__(self, places: OfficerPlaces) -> None:
        self.clock, self.terminal, self.places = Clock(), TerminalOfTests(), places
        self.sent: list[AgentMessage] = []
        self._changed = asyncio.Event()
        self.desk = OfficerDesk(places, self.terminal, self._send, self.clock)
        self.desk._try, self.desk._kept = self._noted(self.desk._try), self._noted(self.desk._kept)
        self.desk.page_opened()

    @property
    def view(self) -> OfficerView:
        """The newest view that the page was told."""
        return next((each.view for each in reversed(self.sent) if isinstance(each, ShowOfficer)), desk.CLOSED)

    async def happened(self, true: Callable[[], bool]) -> None:
        """Wait until this is true; it is asked after each message to the page, each PIN and each write."""
        async with asyncio.timeout(PATIENCE):
            while not true():
                self._changed.clear()
                await self._changed.wait()

    async def until(self, reached: Callable[[OfficerView], bool]) -> OfficerView:
        """Wait until the page shows what is asked for."""
        await self.happened(lambda: reached(self.view))
        return self.view

    async def type(self, typed: str) -> OfficerView:
        """Ask for the screen, type a PIN, and return what is shown after it was looked at."""
        self.desk.take(OfficerAsked())
        self.desk.take(PinTyped(pin=typed))
        await self.happened(lambda: not self.desk._checking)
        return self.view

    async def opened(self) -> None:
        """Open the screen with the right PIN."""
        assert (await self.type(RIGHT)).level in (Level.OPEN, Level.VOLUME)

    def restarted(self) -> "Story":
        """Return the story of the next start with the same files, at the same moment."""
        again = Story(self.places)
        again.clock.instant = self.clock.instant
        return again

    def meets(self, meeting: bool = True) -> None:
        """Let people meet in the room, or part."""
        self.terminal.known = replace(self.terminal.known, meeting=meeting)

    def _send(self, message: AgentMessage) -> None:
        self.sent.append(message)
        self._changed.set()

    def _noted(self, work: Callable[[Taken], Awaitable[None]]) -> Callable[[Taken], Coroutine[Any, Any, None]]:
        """Return work of the desk whose end is noted."""

        async def noted(taken: Taken) -> None:
            await work(taken)
            self._changed.set()

        return noted


@pytest.fixture
async def story(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Story]:
    """A desk whose PIN is set, with logs and a stick that is not plugged in yet."""
    monkeypatch.setattr(desk, "EVERY", 0.02)
    state = tmp_path / "state"
    (state / "logs").mkdir(parents=True)
    (state / "logs" / "kiosk.log").write_text("a line\n", "utf-8")
    (tmp_path / "mounts").touch()
    pin.write(state / "officer.pin", RIGHT)
    finder = UsbFinder(tmp_path / "mounts", tmp_path / "block", (tmp_path / "media",))
    made = Story(OfficerPlaces(pin=state / "officer.pin", state=state, logs=state / "logs", usb=finder))
    yield made
    await made.desk.close()


def plug_in(story: Story) -> Path:
    """Mount a stick; return its folder."""
    stick = story.places.usb.folders[0] / "STICK"
    stick.mkdir(parents=True)
    story.places.usb.mounts.write_text(f"/dev/sdb1 {stick} vfat rw 0 0\n", "utf-8")
    return stick


class TestThePin:
    async def test_opens_the_screen_with_versions_identity_and_connection(self, story: Story) -> None:
        await story.opened()
        rows = {row.label.en: row.value.en for group in story.view.groups for row in group.rows}
        assert rows["Terminal id"] == "trm_a" and rows["Key"] == "TPM" and rows["Server"] == "https://huijian.example"
        assert story.view.level is Level.OPEN and not story.view.strip

    async def test_that_is_wrong_says_so_and_after_five_asks_for_a_wait_that_the_right_one_does_not_shorten(
        self, story: Story
    ) -> None:
        for left in range(FREE - 1, -1, -1):
            assert (await story.type(WRONG)).note == words.wrong(left)
        assert (await story.type(RIGHT)).note == words.WAIT
        assert 0 < story.view.wait <= 30
        story.clock.later(31)
        await story.opened()

    async def test_attempts_outlive_a_restart_of_the_agent(self, story: Story) -> None:
        for _ in range(FREE):
            await story.type(WRONG)
        again = story.restarted()
        assert (await again.type(RIGHT)).note == words.WAIT
        await again.desk.close()

    async def test_counts_before_it_is_looked_at_so_that_a_killed_agent_gives_no_attempts_back(
        self, story: Story, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        counted: list[int] = []
        monkeypatch.setattr(
            pin,
            "fits",
            lambda file, typed: bool(counted.append(json.loads(file_of(story).read_text("utf-8"))["wrong"])),
        )
        await story.type(WRONG)
        assert counted == [1]

    async def test_is_not_looked_at_where_the_attempt_cannot_be_noted(self, story: Story) -> None:
        file_of(story).mkdir()  # a folder there: nothing can be written
        assert (await story.type(RIGHT)).note == words.NO_COUNT
        assert story.view.level is Level.PIN

    async def test_that_is_not_set_opens_nothing(self, story: Story) -> None:
        assert story.places.pin is not None
        story.places.pin.unlink()
        assert (await story.type(RIGHT)).note == words.NO_PIN

    async def test_is_asked_for_before_anything_is_obeyed(self, story: Story) -> None:
        for message in (OfficerOrdered(order="restart"), Chosen(volume=0.2), OfficerActive(), PinTyped(pin=RIGHT)):
            story.desk.take(message)
        story.desk.take(OfficerAsked())
        for message in (OfficerOrdered(order="restart"), OfficerOrdered(order="export"), Chosen(volume=0.2)):
            story.desk.take(message)
        assert story.terminal.asked == [] and story.desk.choices == Choices()

    async def test_is_in_no_line_of_the_log(self, story: Story, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.DEBUG):
            await story.type(WRONG)
            await story.opened()
        assert caplog.records
        assert not any(secret in str(vars(record)) for record in caplog.records for secret in (RIGHT, WRONG))


def file_of(story: Story) -> Path:
    """Return the file of the attempts."""
    file = story.places.file("officer-attempts.json")
    assert file is not None
    return file


class TestOrders:
    async def test_a_test_and_a_restart_are_handed_to_the_terminal(self, story: Story) -> None:
        await story.opened()
        story.desk.take(OfficerOrdered(order="test"))
        story.desk.take(OfficerOrdered(order="restart"))
        assert story.terminal.asked == ["test", "restart"]

    async def test_choices_apply_at_once_and_outlive_a_restart(self, story: Story) -> None:
        await story.opened()
        story.desk.take(Chosen(camera="USB camera", language="en", volume=0.3))
        story.desk.take(Chosen(large=True))
        wanted = Choices(camera="USB camera", language="en", volume=0.3, large=True)
        assert [each.choices for each in story.sent if isinstance(each, Settings)][-1] == wanted
        await story.happened(lambda: story.restarted().desk.choices == wanted)

    async def test_tests_are_shown_and_kept(self, story: Story) -> None:
        await story.opened()
        story.desk.tested({"answer": 12.0, "level": -30.0}, frozenset())
        story.desk.tested({"answer": 15.0}, frozenset({"camera"}))
        assert [(test.good, test.text.en) for test in story.view.tests] == [
            (False, "not working: camera"),
            (True, "all parts work, Answer time 12 ms"),
        ]
        await story.happened(lambda: len(story.restarted().desk._history.tests) == 2)

    async def test_those_of_the_server_are_shown_where_it_lists_them_and_the_own_ones_where_it_does_not(
        self, story: Story
    ) -> None:
        story.desk.tested({"answer": 12.0}, frozenset())
        await story.opened()
        assert [test.text.en for test in story.view.tests] == ["all parts work, Answer time 12 ms"]
        story.terminal.listed = (KeptTest("2026-11-01T00:00:00Z", {"loss_up": 2.0}, ("line", "hum")),)
        story.clock.later(20)
        view = await story.until(lambda view: view.tests[0].text.en == "not working: line, hum")
        assert view.tests[0].at == "11-01 08:00" and not view.tests[0].good


class TestTheExport:
    async def test_without_a_stick_is_refused_in_words(self, story: Story) -> None:
        await story.opened()
        story.desk.take(OfficerOrdered(order="export"))
        view = await story.until(lambda view: view.note is not None and view.exporting is None)
        assert view.note == words.EXPORT_FAILED["none"] and view.trouble

    async def test_writes_logs_and_tests_onto_the_stick_and_tells_the_hash(self, story: Story) -> None:
        stick = plug_in(story)
        await story.opened()
        story.desk.tested({"level": -30.0}, frozenset())
        story.desk.take(OfficerOrdered(order="export"))
        view = await story.until(lambda view: view.note is not None and view.exporting is None)
        (archive,) = stick.glob("huijian-trm_a-20261130-090000.tar.gz")
        mark = (stick / f"{archive.name}.sha256").read_text("ascii")[:16]
        assert view.note is not None and mark in view.note.zh and mark in view.note.en and not view.trouble
        with tarfile.open(archive) as opened:
            assert opened.getnames() == ["about.json", "tests.json", "logs/kiosk.log"]
            text = b"".join((opened.extractfile(entry) or pytest.fail("empty")).read() for entry in opened)
        assert b"trm_a" in text and b"a line" in text
        assert RIGHT.encode() not in text and b"huijian.example" not in text and b"argon2" not in text


class TestAVisit:
    """A visit in progress is neither left nor covered."""

    async def test_leaves_the_volume_alone(self, story: Story) -> None:
        story.meets()
        await story.opened()
        assert story.view.level is Level.VOLUME and story.view.strip and story.view.groups == ()
        for order in ("test", "export", "restart"):
            story.desk.take(OfficerOrdered(order=order))  # type: ignore[arg-type]
        story.desk.take(Chosen(volume=0.3, camera="other", language="en"))
        assert story.terminal.asked == [] and story.desk.choices == Choices(volume=0.3)

    async def test_that_begins_closes_the_open_screen_down_to_the_volume(self, story: Story) -> None:
        await story.opened()
        story.meets()
        assert (await story.until(lambda view: view.level is Level.VOLUME)).strip
        story.meets(False)
        await story.until(lambda view: view.level is Level.CLOSED)

    async def test_that_begins_is_not_left_by_an_order_of_the_same_moment(self, story: Story) -> None:
        await story.opened()
        story.meets()
        story.desk.take(OfficerOrdered(order="restart"))
        assert story.terminal.asked == []


class TestLeaving:
    async def test_unused_the_screen_says_that_it_closes_and_does(self, story: Story) -> None:
        await story.opened()
        story.clock.later(110)
        assert (await story.until(lambda view: view.leaves is not None)).leaves == 10
        story.desk.take(OfficerActive())
        assert (await story.until(lambda view: view.leaves is None)).level is Level.OPEN
        story.clock.later(120)
        await story.until(lambda view: view.level is Level.CLOSED)

    async def test_by_hand_closes_it_and_the_pin_is_asked_for_again(self, story: Story) -> None:
        await story.opened()
        story.desk.take(OfficerLeft())
        assert story.view.level is Level.CLOSED
        story.desk.take(OfficerAsked())
        assert story.view.level is Level.PIN

    async def test_a_new_page_finds_it_closed(self, story: Story) -> None:
        await story.opened()
        story.desk.page_opened()
        story.desk.take(OfficerOrdered(order="restart"))
        assert story.terminal.asked == []
