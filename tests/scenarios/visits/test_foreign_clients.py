"""WebRTC clients of other projects against the real server: Chromium as a kiosk, and FFmpeg's WHIP muxer as a kiosk."""

import asyncio
import contextlib
import sys
from pathlib import Path

import pytest

from broker.kernel.ids import Side
from kiosk_agent.webrtc.peer import ServerAccess
from kiosk_agent.webrtc.receiver import Receiver
from tests.support.chromium import chromium, peer_page, received
from tests.support.installation import SHORT_LIMIT, Installation
from tests.support.patience import PATIENCE
from tests.support.probe import complaints, lengths, probe
from tests.support.visit import grown

pytestmark = pytest.mark.asyncio(loop_scope="session")

ROOT = Path(__file__).parents[3]


class TestChromiumAsKiosk:
    async def test_it_publishes_is_received_and_receives(self, short_installation: Installation) -> None:
        session = await short_installation.slot()
        officers = await short_installation.officers()
        terminal = await short_installation.terminal_token(Side.VISITOR)
        async with short_installation.kiosk(Side.PRISON) as prison, chromium() as browser:
            page = await peer_page(browser, short_installation.server)
            published = await page.evaluate("([s, t]) => publish('out', s, t)", [session, terminal])
            assert published["status"] == 201
            watching = await page.evaluate("([s, t]) => watch('far', s, 'prison', t)", [session, terminal])
            assert watching["status"] == 201
            await short_installation.until(
                officers[0],
                session,
                lambda view: view["sides"]["visitor"]["media"] and view["sides"]["prison"]["self_test"],
            )
            await officers[2].equipment(session, Side.VISITOR)  # the staff's own test: this page has no self-test
            await short_installation.acknowledge_rules(session, Side.VISITOR)
            await officers[0].check_in(session, Side.PRISON)
            await officers[2].check_in(session, Side.VISITOR)
            await asyncio.gather(*(officer.watch(session) for officer in officers))
            assert (await received(page, "far"))["packetsReceived"] == 0
            await short_installation.until(officers[0], session, lambda view: view["state"] == "live")
            await grown(lambda: received(page, "far"), "framesDecoded", "totalAudioEnergy")
            async with asyncio.timeout(PATIENCE):
                while not (await prison.measure())["far"]["video"]["frames"]:
                    await asyncio.sleep(0.1)  # the counts of the kiosk are read on request
            await short_installation.until(officers[0], session, lambda view: view["state"] == "ended")
            for officer in officers:
                await officer.leave()
            view = await short_installation.until(
                officers[0], session, lambda view: view["recording"]["state"] == "archived"
            )
        film = short_installation.settings.archive_dir / view["recording"]["path"]
        assert complaints(film) == ""
        assert all(abs(seconds - SHORT_LIMIT) <= 0.5 for seconds in lengths(film))


class TestWhipMuxerAsKiosk:
    async def test_its_stream_is_recorded(self, short_installation: Installation) -> None:
        session = await short_installation.slot()
        officers = await short_installation.officers()
        url, token = (
            f"{short_installation.server}/whip/{session}",
            await short_installation.terminal_token(Side.VISITOR),
        )
        far = Receiver(ServerAccess(short_installation.http, short_installation.server, token), session, Side.PRISON)
        async with short_installation.kiosk(Side.PRISON):
            muxer = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.support.whip_push", url, token, "60"), cwd=ROOT
            )
            try:
                await short_installation.until(
                    officers[0], session, lambda view: all(view["sides"][side]["media"] for side in Side)
                )
                await short_installation.until(officers[0], session, lambda view: view["sides"]["prison"]["self_test"])
                await officers[2].equipment(session, Side.VISITOR)
                await short_installation.acknowledge_rules(session, Side.VISITOR)
                await officers[0].check_in(session, Side.PRISON)
                await officers[2].check_in(session, Side.VISITOR)
                await asyncio.gather(*(officer.watch(session) for officer in officers))
                view = await short_installation.until(
                    officers[0],
                    session,
                    lambda view: [lack["code"] for lack in view["missing"]] == ["visitor_subscription"],
                )
                assert view["gate"] == "shut" and view["crossed_ms"] is None, "the muxer only sends"
                assert view["sides"]["prison"]["receiving"] and not view["sides"]["visitor"]["receiving"]
                await far.start()
                await short_installation.until(officers[0], session, lambda view: view["crossed_ms"] is not None)
                await short_installation.until(officers[0], session, lambda view: view["state"] == "ended")
                for officer in officers:
                    await officer.leave()
                view = await short_installation.until(
                    officers[0], session, lambda view: view["recording"]["state"] == "archived"
                )
            finally:
                await far.close()
                with contextlib.suppress(ProcessLookupError):
                    muxer.kill()
                await muxer.wait()
        film = short_installation.settings.archive_dir / view["recording"]["path"]
        assert complaints(film) == ""
        tracks = probe(film)["streams"]
        assert [track["codec_name"] for track in tracks] == ["h264", "opus", "h264", "opus", "opus"]
        assert (tracks[2]["width"], tracks[2]["height"]) == (320, 240)


async def pushing(url: str, token: str, how: str) -> asyncio.subprocess.Process:
    """Start FFmpeg's WHIP muxer as a publisher."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.whip_push", url, token, "90", how), cwd=ROOT
    )


class TestAFilmThatCouldNotBeWatched:
    """A publisher of which no film can be made holds the gate shut, in words, until it sends what can be recorded."""

    async def test_holds_the_gate_with_its_cause_until_the_publisher_is_mended(
        self, installation: Installation
    ) -> None:
        session = await installation.slot()
        officers = await installation.officers()
        url, token = f"{installation.server}/whip/{session}", await installation.terminal_token(Side.VISITOR)
        far = Receiver(ServerAccess(installation.http, installation.server, token), session, Side.PRISON)
        async with installation.kiosk(Side.PRISON):
            muxer = await pushing(url, token, "damaged")
            try:
                await installation.until(
                    officers[0],
                    session,
                    lambda view: (
                        all(view["sides"][side]["media"] for side in Side) and view["sides"]["prison"]["self_test"]
                    ),
                )
                await far.start()
                await officers[2].equipment(session, Side.VISITOR)
                await installation.acknowledge_rules(session, Side.VISITOR)
                await officers[0].check_in(session, Side.PRISON)
                await officers[2].check_in(session, Side.VISITOR)
                await asyncio.gather(*(officer.watch(session) for officer in officers))
                view = await installation.until(
                    officers[0], session, lambda view: [lack["code"] for lack in view["missing"]] == ["visitor_film"]
                )
                assert view["gate"] == "shut" and view["crossed_ms"] is None
                assert "画面数据损坏" in view["missing"][0]["zh"] and "damaged" in view["missing"][0]["en"]
                assert view["sides"]["visitor"]["film"] == "corrupt" and view["sides"]["prison"]["film"] is None
                muxer.kill()
                await muxer.wait()
                muxer = await pushing(url, token, "copy")
                await installation.until(officers[0], session, lambda view: view["crossed_ms"] is not None)
                entries = await installation.journal_with(session, lambda kind, _: kind == "Crossed")
                journal = [kind for kind, _ in entries]
                assert journal.index("FilmUnusable") < journal.index("FilmUsable") < journal.index("Crossed")
                for officer in (officers[0], officers[2]):
                    await officer.end(session, "END-COMPLETED")
                await asyncio.gather(*(officer.leave() for officer in officers))
            finally:
                await far.close()
                with contextlib.suppress(ProcessLookupError):
                    muxer.kill()
                await muxer.wait()
