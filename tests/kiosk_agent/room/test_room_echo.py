"""The browser removes the far room's sound from what the microphone hears: the page asks for it in what is sent, and
for untouched sound only where loudness is measured."""

import pytest

from tests.support.kiosk.control import view
from tests.support.kiosk.page_kiosk import page_kiosk

pytestmark = pytest.mark.browser

ASKED = """{
    const devices = navigator.mediaDevices;
    const ask = devices.getUserMedia.bind(devices);
    window.asked = [];
    devices.getUserMedia = async (wanted) => {
        const stream = await ask(wanted);
        if (wanted.audio) asked.push([stream.getAudioTracks()[0].id, wanted.audio]);
        return stream;
    };
}"""
SENT = """() => {
    const sender = connections.flatMap((each) => each.getSenders()).find(({ track }) => track?.kind === "audio");
    return asked.filter(([id]) => id === sender.track.id).map(([, wanted]) => wanted);
}"""
HELPS = {"echoCancellation", "noiseSuppression", "autoGainControl"}


@pytest.mark.timeout(300)
async def test_what_is_sent_has_its_echo_removed_and_what_is_measured_has_not() -> None:
    async with page_kiosk(script=ASKED) as run:
        await run.control.report(view("live", tested=True))
        await run.far.until(lambda: len(run.far.sounds) > 20)
        (sent,) = await run.page.evaluate(SENT)
        assert {name for name in HELPS if sent[name] is True} == HELPS
        measured = [wanted for _, wanted in await run.page.evaluate("() => asked") if wanted != sent]
        assert measured and all(not wanted[name] for wanted in measured for name in HELPS)
