"""The page carries out the media orders of the state machine: each attempt ends once, whatever the page does."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from broker.kernel.ids import Side
from broker.session.parts.equipment import verdicts
from config.pack_loader import load_pack
from kiosk_agent.media_executor import ObservedRoom
from kiosk_agent.room import page_media
from kiosk_agent.room.messages import (
    AgentMessage,
    CheckEquipment,
    CloseMedia,
    EquipmentChecked,
    Figures,
    MediaDown,
    MediaUp,
    OpenMedia,
    Received,
)
from kiosk_agent.room.page_media import PageMedia
from kiosk_agent.room.whip_proxy import WhipProxy
from kiosk_agent.state.events import (
    Fact,
    MediaClosed,
    MediaConnected,
    MediaKind,
    MediaLost,
    MediaSilent,
    StartMedia,
    StopMedia,
)
from signaling.api.messages.socket import Observed
from tests.support.kiosk.answerer import answering
from tests.support.kiosk.control import Control
from tests.support.patience import PATIENCE

KIND = MediaKind.PUBLICATION
START, STOP = StartMedia(KIND, "s_1", Side.PRISON, 3), StopMedia(KIND, 3)
DARK = Figures(luma=16.0, spread=0.5, change=0.1, level=0.2)


@dataclass
class Story:
    """A PageMedia with a pretend page: `sent` are the messages to it, `facts` what was reported."""

    media: PageMedia
    here: asyncio.Event
    sent: list[AgentMessage] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)


@pytest.fixture
async def story() -> AsyncIterator[Story]:
    """A page that is there, and a server that is well."""
    async with answering(Control().routes) as (_, access):
        here, sent, facts = asyncio.Event(), list[AgentMessage](), list[Fact]()
        here.set()
        yield Story(PageMedia(access, facts.append, WhipProxy(access), sent.append, here), here, sent, facts)


async def _until(found: list[AgentMessage], kind: type[AgentMessage]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not any(isinstance(message, kind) for message in found):
            await asyncio.sleep(0)


class TestAnAttempt:
    async def test_is_handed_to_the_page_and_reported_when_it_is_up(self, story: Story) -> None:
        story.media.start(START)
        assert story.sent == [OpenMedia(kind=KIND, attempt=3, path="media/publication/3")]
        story.media.handle(MediaUp(kind=KIND, attempt=3))
        assert story.facts == [MediaConnected(KIND, 3)]
        assert story.media.publications == 1

    async def test_is_lost_at_once_without_a_page(self, story: Story) -> None:
        story.here.clear()
        story.media.start(START)
        assert [type(fact) for fact in story.facts] == [MediaLost] and story.sent == []

    async def test_ends_once_when_the_page_gives_it_up_and_then_goes_away(self, story: Story) -> None:
        story.media.start(START)
        assert story.media.handle(MediaDown(kind=KIND, attempt=3, code="no_camera")) == START
        assert story.media.handle(MediaDown(kind=KIND, attempt=3)) is None
        assert story.media.page_gone() == []
        assert [type(fact) for fact in story.facts] == [MediaLost]

    async def test_words_about_an_older_one_mean_nothing(self, story: Story) -> None:
        story.media.start(START)
        story.media.handle(MediaUp(kind=KIND, attempt=2))
        story.media.handle(MediaDown(kind=KIND, attempt=2))
        assert story.facts == []

    async def test_is_lost_with_the_page(self, story: Story) -> None:
        story.media.start(START)
        assert story.media.page_gone() == [START]
        assert [type(fact) for fact in story.facts] == [MediaLost]

    async def test_is_closed_by_the_page_before_that_is_reported(self, story: Story) -> None:
        story.media.start(START)
        stopping = asyncio.create_task(story.media.stop(STOP))
        await _until(story.sent, CloseMedia)
        assert story.facts == []
        story.media.handle(MediaDown(kind=KIND, attempt=3, code="closed"))
        await stopping
        assert story.facts == [MediaClosed(KIND, 3)]

    async def test_is_closed_without_the_page_when_that_hangs(
        self, story: Story, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(page_media, "CLOSE_WITHIN", 0.01)
        story.media.start(START)
        await story.media.stop(STOP)
        assert story.facts == [MediaClosed(KIND, 3)]


class TestSilence:
    async def test_is_what_the_page_says_of_the_present_attempt(self, story: Story) -> None:
        story.media.start(StartMedia(MediaKind.SUBSCRIPTION, "s_1", Side.VISITOR, 5))
        story.media.report_silence()
        assert story.facts == []
        counts = {"packets": 9, "frames": 3, "sounds": 960, "energy": 0.1}
        story.media.handle(Received(attempt=5, quiet=2.0, **counts))
        story.media.report_silence()
        assert story.facts == [MediaSilent(MediaKind.SUBSCRIPTION, 5, 2.0)]
        story.media.handle(Received(attempt=4, quiet=9.0, **counts))
        story.media.report_silence()
        assert len(story.facts) == 1


class TestTheEquipment:
    @pytest.mark.parametrize(
        ("figures", "failed"),
        [
            ({"luma": 90.0, "change": 1.2, "level": 0.1, "speaker": True}, set()),
            ({"luma": 16.2, "change": 0.5, "level": 0.1, "speaker": True}, {"black"}),
            ({"luma": 90.0, "change": 0.0, "level": 0.1, "speaker": True}, {"frozen"}),
            ({"luma": None, "change": None, "level": 0.0, "speaker": True}, {"camera", "microphone"}),
            ({"luma": 90.0, "change": 1.2, "level": None, "speaker": False}, {"microphone", "speaker"}),
        ],
    )
    async def test_has_the_figures_of_the_page(
        self, story: Story, figures: dict[str, float | None], failed: set[str]
    ) -> None:
        testing = asyncio.create_task(story.media.self_test(False))
        await _until(story.sent, CheckEquipment)
        story.media.handle(EquipmentChecked(number=1, width=1280, rate=25.0, **figures))  # type: ignore[arg-type]
        result = await testing
        found = verdicts(result.figures, load_pack("yunnan").equipment)
        assert {check for check, verdict in found.items() if verdict == "failed"} - {"temperature"} == failed
        assert found["network"] == "passed" and (found["camera"] == "passed") is ("camera" not in failed)

    async def test_fails_without_a_page(self, story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(page_media, "PAGE_WITHIN", 0.01)
        story.here.clear()
        assert not (await story.media.self_test(False)).passed

    async def test_fails_when_the_page_goes_away_meanwhile(self, story: Story) -> None:
        testing = asyncio.create_task(story.media.self_test(False))
        await _until(story.sent, CheckEquipment)
        story.media.page_gone()
        assert "camera" in (await testing).faults


class TestWhatTheRoomSends:
    async def test_a_black_picture_is_reported(self, story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("kiosk_agent.checks.picture_monitor.BLACK_FOR", 0.0)
        reports: asyncio.Queue[Observed] = asyncio.Queue()
        room = ObservedRoom("s_1", False)
        observing = asyncio.create_task(story.media.observe(lambda: room, reports.put))
        try:
            story.media.handle(DARK)
            async with asyncio.timeout(PATIENCE):
                found = await reports.get()
            assert found.black and not found.silent and found.heads is None
        finally:
            observing.cancel()
            await asyncio.gather(observing, return_exceptions=True)

    async def test_a_page_that_says_nothing_counts_as_a_frozen_picture(
        self, story: Story, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(page_media, "FIGURES_WITHIN", 0.01)
        monkeypatch.setattr("kiosk_agent.checks.picture_monitor.FROZEN_FOR", 0.05)
        reports: asyncio.Queue[Observed] = asyncio.Queue()
        room = ObservedRoom("s_1", False)
        observing = asyncio.create_task(story.media.observe(lambda: room, reports.put))
        try:
            async with asyncio.timeout(PATIENCE):
                while not (await reports.get()).frozen:
                    pass
        finally:
            observing.cancel()
            await asyncio.gather(observing, return_exceptions=True)
