"""Yunnan 23: in a visit in sign language (`csl`) the picture goes before the sound, keeps its rate, and silence is no
alarm; in one that is spoken it is the other way round."""

import asyncio
from typing import Any

import pytest

from tests.support.kiosk.control import view
from tests.support.kiosk.page_kiosk import PageKiosk, page_kiosk
from tests.support.patience import PATIENCE

pytestmark = pytest.mark.browser

FRAMES, KBITS = 25, 300
SENDERS = """() => Object.fromEntries(connections.flatMap((connection) => connection.getSenders())
    .filter(({ track }) => track).map((sender) => [sender.track.kind, {
        ...sender.getParameters().encodings[0], ...sender.track.getSettings(), hint: sender.track.contentHint,
        degradation: sender.getParameters().degradationPreference }]))"""
HUSH = """{
    const devices = navigator.mediaDevices;
    const ask = devices.getUserMedia.bind(devices);
    const volumes = [];
    window.hush = () => volumes.forEach((volume) => { volume.gain.value = 0; });
    devices.getUserMedia = async (wanted) => {
        const stream = await ask(wanted);
        if (!wanted.audio) return stream;
        const context = new AudioContext();
        const volume = new GainNode(context);
        const end = context.createMediaStreamDestination();
        context.createMediaStreamSource(stream).connect(volume).connect(end);
        volumes.push(volume);
        return end.stream;
    };
}"""
"""Script for a microphone that `hush` makes silent."""


async def _senders(run: PageKiosk, signed: bool) -> dict[str, dict[str, Any]]:
    needs = {"frames": FRAMES, "kbits": KBITS, "flash": False} if signed else None
    await run.control.report({**view("live", tested=True), "signed": needs})
    await run.far.until(lambda: len(run.far.pictures) > 5)
    await run.page.evaluate("() => hush()")
    return dict(await run.page.evaluate(SENDERS))


@pytest.mark.timeout(300)
async def test_the_picture_goes_first_at_its_rate_and_silence_is_no_alarm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kiosk_agent.checks.picture_monitor.SILENT_FOR", 0.0)
    async with page_kiosk(script=HUSH) as run:
        sent = await _senders(run, signed=True)
        assert (sent["video"]["priority"], sent["audio"]["priority"]) == ("high", "low")
        assert (sent["video"]["networkPriority"], sent["audio"]["networkPriority"]) == ("high", "low")
        assert (sent["video"]["degradation"], sent["video"]["hint"]) == ("maintain-framerate", "motion")
        assert sent["video"]["maxBitrate"] >= 1000 * KBITS
        assert "maxFramerate" not in sent["video"] or sent["video"]["maxFramerate"] >= FRAMES
        assert await run.page.locator("body.signing").count() == 1
        async with asyncio.timeout(PATIENCE):  # three looks at a silent microphone
            while (await run.kiosk.measure())["far"]["video"]["frames"] < 3 * FRAMES:
                await asyncio.sleep(0.1)
        assert not any(message.get("silent") for message in run.control.messages)


@pytest.mark.timeout(300)
async def test_a_spoken_visit_has_sound_first_and_its_silence_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kiosk_agent.checks.picture_monitor.SILENT_FOR", 0.0)
    async with page_kiosk(script=HUSH) as run:
        sent = await _senders(run, signed=False)
        assert (sent["video"]["priority"], sent["audio"]["priority"]) == ("low", "high")
        assert (sent["video"]["networkPriority"], sent["audio"]["networkPriority"]) == ("low", "high")
        assert (sent["video"]["degradation"], sent["video"]["hint"]) == ("balanced", "")
        await run.observed(silent=True)
        # 704×576 or better is sent where the line and the machine allow it.
        assert sent["video"]["width"] >= 704 and sent["video"]["height"] >= 576
        assert sent["video"].get("scaleResolutionDownBy", 1) == 1
        assert sent["video"]["maxBitrate"] >= 1_500_000
