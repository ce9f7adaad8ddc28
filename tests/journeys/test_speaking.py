"""An officer speaks to one room (插话): heard there, found in the recording, and nowhere else."""

import asyncio
import json
import wave
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from av import AudioFrame
from numpy.typing import NDArray
from playwright.async_api import Page, expect

from broker.ids import Side
from broker.tapwire import PRISON_AUDIO, VISITOR_AUDIO, VOICE
from kiosk_agent.ear import Ear
from kiosk_agent.media import mono_samples
from recorder import papers
from tests.support import listening
from tests.support.chromium import chromium
from tests.support.house import House
from tests.support.visit import Visit, visit

PITCH = 3200.0
"""Neither of the two that the generated rooms have: theirs are 2400 and 2800, 3600 and 4000 (kiosk_agent/voice.py)."""
LOUD = 0.02
SPEAKS = 3.0


def microphone(path: Path) -> str:
    """A file for Chromium's pretended microphone: syllables, as its noise suppression takes a steady tone away."""
    time = np.arange(10 * 48_000) / 48_000
    syllables = np.clip(np.sin(2 * np.pi * 4 * time) * 3, 0, 1)
    tone = sum(np.sin(2 * np.pi * pitch * time) for pitch in (200, 400, 800, 1600, PITCH, PITCH)) / 8
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes((tone * syllables * 20_000).astype(np.int16).tobytes())
    return f"--use-file-for-fake-audio-capture={path}"


async def on_duty(page: Page, house: House, number: int) -> None:
    officer = house.stage.officers[number]
    await page.goto(f"{house.server}/monitor")
    await page.get_by_label("用户名").fill(officer.id)
    await page.get_by_label("密码").fill(officer.password)
    await page.get_by_role("button", name="登录").click()


class Ears:
    """What each kiosk's loudspeaker gets of officers."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._heard: dict[int, list[NDArray[np.int16]]] = defaultdict(list)
        heard = Ear.heard

        def listen(ear: Ear, frame: AudioFrame) -> None:
            self._heard[id(ear)].append(mono_samples(frame).copy())
            heard(ear, frame)

        monkeypatch.setattr(Ear, "heard", listen)

    def of(self, here: Visit, side: Side) -> NDArray[np.float32]:
        """The samples of a room, 0 to 1."""
        frames = self._heard[id(here.kiosks[side]._legs.ear)]
        return np.concatenate([np.zeros(0, np.int16), *frames]).astype(np.float32) / 32768

    async def until(self, here: Visit, side: Side, seconds: float) -> None:
        async with asyncio.timeout(15):
            while len(self.of(here, side)) < seconds * listening.RATE:
                await asyncio.sleep(0.05)


async def speech_seen_by(here: Visit, side: Side) -> Any:
    view = here.kiosks[side]._line.views[here.session][1]
    assert view.quorum.prison.have == view.quorum.visitor.have == []
    return view.speech


class TestSpeakingToOneRoom:
    async def test_is_heard_there_and_recorded_and_not_heard_in_the_other(
        self, house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ears = Ears(monkeypatch)
        async with visit(house, watching=3) as here, chromium(microphone(tmp_path / "officer.wav")) as browser:
            page = await browser.new_page(viewport={"width": 1366, "height": 768}, locale="zh-CN")
            await on_duty(page, house, 3)
            await here.until(lambda view: view["state"] == "live")
            await page.get_by_role("button", name="对监所一方").click()
            await expect(page.locator(".on-air")).to_contain_text("正在插话")
            await ears.until(here, Side.PRISON, SPEAKS)
            told = await speech_seen_by(here, Side.PRISON)
            assert told is not None and told.by is None
            assert await speech_seen_by(here, Side.VISITOR) is None
            await page.keyboard.press("Escape")
            await here.until(lambda view: view["speech"] is None)
            await page.get_by_role("button", name="终止会见").click()
            await page.get_by_role("radio", name="END-COMPLETED").check()
            await page.get_by_role("button", name="确认终止").click()
            archived = await here.archived()
            journal = await here.journal()

            near, far = ears.of(here, Side.PRISON), ears.of(here, Side.VISITOR)
            assert max(listening.levels(near, PITCH)) > LOUD and len(far) == 0
        film = house.settings.archive_dir / archived["path"]
        spoken = listening.spans([float(level > LOUD) for level in smooth(listening.loudness(film, VOICE, PITCH))])
        whole = (spoken[0][0], spoken[-1][1])
        assert whole[1] - whole[0] > SPEAKS - 1.0
        for track in (PRISON_AUDIO, VISITOR_AUDIO):
            assert max(listening.loudness(film, track, PITCH)) < LOUD / 2
        self.check_words(journal, papers.read_lines(film.with_name("timeline.jsonl")), house, whole)

    def check_words(
        self, journal: list[tuple[str, dict[str, Any]]], timeline: list[Any], house: House, whole: tuple[float, float]
    ) -> None:
        """Author, code and time, in the journal and on the timeline; the floor's moments frame what was said."""
        officer = house.stage.officers[3]
        began = {"by": officer.id, "site": "demo-bureau", "sides": ["prison"], "article": "SAY-GUIDE"}
        assert ("SpeechBegan", began) in journal
        events = [entry["event"] for entry in timeline]
        assert {"kind": "action", "what": "SpeechBegan", **began} in events
        assert any(event.get("what") == "SpeechEnded" for event in events)
        opened, shut = [event["mono"] for event in events if event["kind"] == "floor"]
        assert whole[1] - whole[0] <= shut - opened + 0.3, json.dumps(events, ensure_ascii=False)


def smooth(levels: list[float]) -> list[float]:
    """The loudest of each three tenths: syllables have pauses."""
    return [max(levels[max(at - 1, 0) : at + 2]) for at in range(len(levels))]
