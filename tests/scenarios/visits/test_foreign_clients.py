"""Clients that nobody here wrote, against the real front door: Chromium as a kiosk, FFmpeg's WHIP muxer as another."""

import asyncio
import contextlib
import sys
from pathlib import Path

from broker.kernel.ids import Side
from kiosk_agent.webrtc.peer import ServerAccess
from kiosk_agent.webrtc.receiver import Receiver
from tests.support.chromium import chromium, peer_page, received
from tests.support.installation import Installation
from tests.support.probe import complaints, lengths, probe
from tests.support.visit import grown

ROOT = Path(__file__).parents[3]


class TestChromiumAsKiosk:
    async def test_it_publishes_is_seen_and_sees(self, installation: Installation) -> None:
        session = await installation.slot()
        officers = await installation.officers()
        terminal = installation.credentials.terminals[Side.VISITOR]
        async with installation.kiosk(Side.PRISON) as prison, chromium() as browser:
            page = await peer_page(browser, installation.server)
            published = await page.evaluate("([s, t]) => publish('out', s, t)", [session, terminal])
            assert published["status"] == 201
            watching = await page.evaluate("([s, t]) => watch('far', s, 'prison', t)", [session, terminal])
            assert watching["status"] == 201
            await installation.until(
                officers[0], session, lambda v: v["sides"]["visitor"]["media"] and v["sides"]["prison"]["self_test"]
            )
            await officers[2].equipment(session, Side.VISITOR)  # the staff's own check: a plain page tests nothing
            await officers[0].check_in(session, Side.PRISON)
            await officers[2].check_in(session, Side.VISITOR)
            for officer in officers:
                await officer.watch(session)
            assert (await received(page, "far"))["packetsReceived"] == 0
            await installation.until(officers[0], session, lambda v: v["state"] == "live")
            await grown(lambda: received(page, "far"), "framesDecoded", "totalAudioEnergy")
            async with asyncio.timeout(15):
                while not (await prison.measure())["far"]["video"]["frames"]:
                    await asyncio.sleep(0.1)  # the kiosk tells its numbers when it is asked
            await installation.until(officers[0], session, lambda v: v["state"] == "ended", timeout=60)
            for officer in officers:
                await officer.leave()
            view = await installation.until(officers[0], session, lambda v: v["recording"]["state"] == "archived")
        film = installation.settings.archive_dir / view["recording"]["path"]
        assert complaints(film) == ""
        assert all(abs(seconds - 20.0) <= 0.5 for seconds in lengths(film))


class TestWhipMuxerAsKiosk:
    async def test_its_stream_is_recorded_properly(self, installation: Installation) -> None:
        session = await installation.slot()
        officers = await installation.officers()
        url, token = f"{installation.server}/whip/{session}", installation.credentials.terminals[Side.VISITOR]
        far = Receiver(ServerAccess(installation.http, installation.server, token), session, Side.PRISON)
        async with installation.kiosk(Side.PRISON):
            muxer = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.support.whip_push", url, token, "60"), cwd=ROOT
            )
            try:
                await installation.until(
                    officers[0], session, lambda v: all(v["sides"][side]["media"] for side in Side)
                )
                await installation.until(officers[0], session, lambda v: v["sides"]["prison"]["self_test"])
                await far.start()  # the minutes begin when media crosses both ways, and the muxer only sends
                await officers[2].equipment(session, Side.VISITOR)
                await officers[0].check_in(session, Side.PRISON)
                await officers[2].check_in(session, Side.VISITOR)
                for officer in officers:
                    await officer.watch(session)
                await installation.until(officers[0], session, lambda v: v["state"] == "ended", timeout=60)
                for officer in officers:
                    await officer.leave()
                view = await installation.until(officers[0], session, lambda v: v["recording"]["state"] == "archived")
            finally:
                await far.close()
                with contextlib.suppress(ProcessLookupError):
                    muxer.kill()
                await muxer.wait()
        film = installation.settings.archive_dir / view["recording"]["path"]
        assert complaints(film) == ""
        tracks = probe(film)["streams"]
        assert [track["codec_name"] for track in tracks] == ["h264", "opus", "h264", "opus", "opus"]
        assert (tracks[2]["width"], tracks[2]["height"]) == (320, 240)
