"""Talkback (插话) to one room: it is received there, it is in the recording, and it is nowhere else."""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from broker.kernel import atomic_files
from broker.kernel.ids import Side
from tests.support import listening
from tests.support.chromium import chromium
from tests.support.installation import Installation
from tests.support.monitor.page import sign_in
from tests.support.talkback import LOUD, PITCH, TalkbackRecorder, microphone, talkback_in
from tests.support.visit import Visit, visit

pytestmark = pytest.mark.asyncio(loop_scope="session")

SPEAKS = 3.0  # seconds of talkback


async def talkback_view(here: Visit, side: Side) -> Any:
    """Return the talkback in the view of a room's terminal, which names no officers."""
    view = here.kiosks[side]._connection.views[here.session][1]
    assert view.quorum.prison.have == view.quorum.visitor.have == []
    return view.speech


class TestTalkbackToOneRoom:
    async def test_is_received_there_and_recorded_and_not_received_in_the_other(
        self, installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        recorder = TalkbackRecorder(monkeypatch)
        async with visit(installation, watching=3) as here, chromium(microphone(tmp_path / "officer.wav")) as browser:
            page = await browser.new_page(viewport={"width": 1366, "height": 768}, locale="zh-CN")
            await sign_in(page, installation, 3)
            await here.until(lambda view: view["state"] == "live")
            await page.get_by_role("button", name="对监所").click()
            await expect(page.locator(".on-air")).to_contain_text("正在插话")
            await recorder.until(here, Side.PRISON, SPEAKS)
            announced = await talkback_view(here, Side.PRISON)
            assert announced is not None and announced.by is None
            assert await talkback_view(here, Side.VISITOR) is None
            await page.keyboard.press("Escape")
            await here.until(lambda view: view["speech"] is None)
            await page.get_by_role("button", name="终止会见").click()
            await page.get_by_role("radio", name="第十七条第（十）项").check()
            await page.get_by_role("button", name="确认终止").click()
            archived = await here.archived()
            journal = await here.journal()

            near, far = recorder.samples(here, Side.PRISON), recorder.samples(here, Side.VISITOR)
            assert max(listening.levels(near, PITCH)) > LOUD and len(far) == 0
        film = installation.settings.archive_dir / archived["path"]
        whole = talkback_in(film)
        assert whole[1] - whole[0] > SPEAKS - 1.0
        self.check_entries(journal, atomic_files.read_lines(film.with_name("timeline.jsonl")), installation, whole)

    def check_entries(
        self,
        journal: list[tuple[str, dict[str, Any]]],
        timeline: list[Any],
        installation: Installation,
        whole: tuple[float, float],
    ) -> None:
        """Check author, code and time in journal and timeline; the relay's moments of talkback enclose the sound."""
        officer = installation.credentials.officers[3]
        began = {"by": officer.id, "site": "demo-bureau", "sides": ["prison"], "article": "SAY-GUIDE"}
        assert ("SpeechBegan", began) in journal
        events = [entry["event"] for entry in timeline]
        assert {"kind": "action", "what": "SpeechBegan", **began} in events
        assert any(event.get("what") == "SpeechEnded" for event in events)
        opened, shut = [event["mono"] for event in events if event["kind"] == "floor"]
        assert whole[1] - whole[0] <= shut - opened + 0.3, json.dumps(events, ensure_ascii=False)
