"""The page measures the microphone only once it really hears it, and opens it only while something needs it."""

import pytest

from tests.support.kiosk.control import view
from tests.support.kiosk.page_kiosk import page_kiosk
from tests.support.patience import PATIENCE

pytestmark = pytest.mark.browser

SLOW = """{
    const devices = navigator.mediaDevices;
    const ask = devices.getUserMedia.bind(devices);
    window.opened = [];
    devices.getUserMedia = async (wanted) => {
        if (wanted.audio?.echoCancellation === false) await new Promise((done) => setTimeout(done, 3000));
        const stream = await ask(wanted);
        opened.push(...stream.getTracks());
        return stream;
    };
}"""
"""Script for a sound system that takes longer to start than a test of pictures lasts."""
MUTE = """{
    const devices = navigator.mediaDevices;
    const ask = devices.getUserMedia.bind(devices);
    let measured = 0;
    devices.getUserMedia = async (wanted) => {
        if (wanted.audio?.echoCancellation !== false || measured++ > 0) return ask(wanted);
        return new AudioContext().createMediaStreamDestination().stream;
    };
}"""
"""Script for a first measuring stream that gives nothing, while the microphone itself works."""
CLOSED = "() => opened.length > 0 && opened.every((track) => track.readyState === 'ended')"


@pytest.mark.timeout(300)
async def test_a_microphone_that_opens_late_is_heard_in_the_test_of_the_equipment() -> None:
    async with page_kiosk(script=SLOW) as run:
        await run.control.report(view("check_in"))
        await run.control.until(1)
        (test,) = [message for message in run.control.messages if message["type"] == "self_test"]
        assert test["figures"]["level"] > -80


@pytest.mark.timeout(300)
async def test_a_measuring_stream_that_gives_nothing_is_opened_again() -> None:
    async with page_kiosk(script=MUTE) as run:
        await run.control.report(view("check_in"))
        await run.control.until(1)
        (test,) = [message for message in run.control.messages if message["type"] == "self_test"]
        assert test["figures"]["level"] > -80


@pytest.mark.timeout(300)
async def test_no_device_stays_open_after_a_visit() -> None:
    async with page_kiosk(script=SLOW) as run:
        await run.control.report(view("live", tested=True))
        await run.far.until(lambda: len(run.far.sounds) > 20)
        await run.control.report(view("ended", tested=True))
        await run.page.wait_for_function(CLOSED, timeout=PATIENCE * 1000)
