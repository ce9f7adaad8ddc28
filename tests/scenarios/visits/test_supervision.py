"""Yunnan 25, Guangdong 27: media crosses only while two supervisors of each site really watch."""

import asyncio
from contextlib import AsyncExitStack

from broker.kernel import atomic_files
from broker.kernel.clock import monotonic
from broker.kernel.ids import Side
from huijian.demo.setup import PLACES
from recorder.archive.paths import MANIFEST
from tests.support.installation import Installation
from tests.support.visit import Visit, quorum_of, visit


class TestTwoSupervisorsOfEachSite:
    async def test_three_watch_in_vain_the_fourth_opens_and_one_who_leaves_shuts(
        self, installation: Installation
    ) -> None:
        async with visit(installation, watching=3) as here:
            await installation.until(here.officers[0], here.session, lambda v: quorum_of(v) == (2, 1))
            assert await here.packets_over() == 0
            view = await installation.view(here.session, here.officers[0])
            assert view["gate"] == "shut" and [one["code"] for one in view["missing"]] == ["visitor_quorum"]

            await here.officers[3].watch(here.session)
            await here.until(lambda v: v["state"] == "live")
            await here.sees_far_room(Side.PRISON)
            await here.sees_far_room(Side.VISITOR)

            left_at = monotonic()
            await here.officers[3].leave()
            view = await here.until(lambda v: v["state"] == "held")
            assert view["reason"]["code"] == "quorum_lost"
            shut = await here.shut_at()
            assert shut - left_at < 2.0
            assert await here.last_packet_before(shut + 0.25)

    async def test_a_supervisor_holds_resumes_and_ends_with_an_article(self, installation: Installation) -> None:
        async with visit(installation, watching=4) as here:
            await here.until(lambda v: v["state"] == "live")
            prison, visitor = here.officers[0], here.officers[2]
            await prison.hold(here.session, "YN-16-4")
            await here.until(lambda v: v["state"] == "held" and v["reason"]["article"] == "YN-16-4")
            await here.refused(visitor.resume(here.session), "conflict")
            await prison.resume(here.session)
            await here.until(lambda v: v["state"] == "live")
            await visitor.end(here.session, "YN-17-8")
            view = await here.until(lambda v: v["state"] == "ended")
            assert view["reason"]["code"] == "ended_by_supervisor"
            archived = await here.archived()
            assert archived["lost"] == 0
            self._each_is_covered(installation, archived["path"])

    def _each_is_covered(self, installation: Installation, film: str) -> None:
        """Yunnan 26(3): who watched when stands in the manifest, for each officer of both sites."""
        written = atomic_files.read_json((installation.settings.archive_dir / film).with_name(MANIFEST)) or {}
        told = written["coverage"]
        assert {(one["user"], one["site"]) for one in told["officers"]} == {
            (officer.id, PLACES[officer.side].site) for officer in installation.credentials.officers
        }
        assert all(one["seconds"] > 0.8 * told["seconds"] for one in told["officers"])
        assert {side: one["short_seconds"] < 1.0 for side, one in told["sides"].items()} == {
            "prison": True,
            "visitor": True,
        }


class TestFailClosed:
    async def test_nothing_crosses_when_the_control_process_is_killed(self, installation: Installation) -> None:
        """The gate is a lease of three seconds; afterwards the session is taken up again."""
        async with visit(installation, watching=4) as here:
            await here.until(lambda v: v["state"] == "live")
            await here.sees_far_room(Side.PRISON)
            stopped = installation.pid("control")
            killed_at = monotonic()
            installation.kill("control")
            await here.silence(8.0 - (monotonic() - killed_at))
            assert await here.last_packet_before(killed_at + 3.05)
            await installation.answering()
            assert installation.pid("control") != stopped
            await here.until(lambda v: v["state"] == "live")
            await here.sees_far_room(Side.PRISON)

    async def test_a_killed_recorder_holds_the_visit_and_a_new_one_goes_on(self, installation: Installation) -> None:
        async with visit(installation, watching=4) as here:
            await here.until(lambda v: v["state"] == "live")
            killed_at = monotonic()
            installation.kill("recorder")
            await here.until(lambda v: v["state"] == "held" and v["reason"]["code"] == "recorder_lost")
            assert await here.shut_at() - killed_at < 2.0
            await here.until(lambda v: v["state"] == "live")
            await here.officers[0].end(here.session, "YN-17-8")
            archived = await here.archived()
            assert len(archived["seconds"]) == 5

    async def test_a_recorder_that_hangs_holds_the_visit_until_it_goes_on(self, installation: Installation) -> None:
        async with visit(installation, watching=4) as here:
            await here.until(lambda v: v["state"] == "live")
            stopped_at = monotonic()
            installation.stop("recorder")
            try:
                await here.until(lambda v: v["state"] == "held" and v["reason"]["code"] == "recorder_lost")
            finally:
                installation.cont("recorder")
            await here.until(lambda v: v["state"] == "live")
            shut = [data["mono"] for kind, data in await here.journal() if kind == "GateShut"]
            assert shut[-1] - stopped_at < 2.5
            await here.officers[0].end(here.session, "YN-17-8")
            assert len((await here.archived())["seconds"]) >= 4


class TestLimit:
    async def test_the_cut_is_punctual_though_both_cores_are_busy(self, installation: Installation) -> None:
        async with AsyncExitStack() as stack:
            here: Visit = await stack.enter_async_context(visit(installation, watching=4))
            await here.until(lambda v: v["state"] == "live")
            await stack.enter_async_context(here.busy_cores(2))
            await here.until(lambda v: v["state"] == "ended", timeout=60)
            crossed = next(data["mono"] for kind, data in await here.journal() if kind == "Crossed")
            over = await here.last_packet()
            assert over <= crossed + 20.0 + 0.25
            await asyncio.wait_for(here.archived(), 60)
