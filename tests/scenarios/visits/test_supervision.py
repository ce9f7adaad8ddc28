"""Yunnan 25, Guangdong 27: media crosses only while two supervisors of each site really watch, and only while it is
recorded and controlled."""

import pytest

from broker.kernel import atomic_files
from broker.kernel.clock import monotonic
from broker.kernel.ids import Side
from broker.relay.gate import MAX_LEASE
from huijian.demo.setup import PLACES
from recorder.archive.paths import MANIFEST
from tests.support.installation import Installation
from tests.support.patience import FLIGHT
from tests.support.visit import held_for, quorum_of, visit

pytestmark = pytest.mark.asyncio(loop_scope="session")


class TestQuorum:
    async def test_three_officers_do_not_open_the_gate_and_a_fourth_who_leaves_shuts_it(
        self, installation: Installation
    ) -> None:
        async with visit(installation, watching=3) as here:
            await here.until(lambda view: quorum_of(view) == (2, 1))
            assert await here.packets_over() == 0
            view = await installation.view(here.session, here.officers[0])
            assert view["gate"] == "shut" and [lack["code"] for lack in view["missing"]] == ["visitor_quorum"]

            await here.officers[3].watch(here.session)
            await here.live()
            await here.sees_far_room(Side.PRISON)
            await here.sees_far_room(Side.VISITOR)

            before = monotonic()
            await here.officers[3].leave()
            left_at = monotonic()
            await here.until(held_for("quorum_lost"))
            shut = await here.shut_after(before)
            assert shut - left_at < 2.0
            assert await here.last_packet_before(shut + FLIGHT)

    async def test_a_page_that_falls_silent_with_its_socket_open_shuts_the_gate_within_two_seconds(
        self, installation: Installation
    ) -> None:
        """Its media connections go on, and so do their receiver reports: only the page says nothing any more."""
        async with visit(installation, watching=4) as here:
            await here.live()
            page = here.officers[3].presence
            page.frozen = True
            await here.until(held_for("quorum_lost"))
            shut = await here.shut_after(page.sent_at)
            print(f"a silent page: shut {shut - page.sent_at:.3f} s after its last report")
            assert shut - page.sent_at < 2.0
            assert await here.last_packet_before(shut + FLIGHT)
            page.frozen = False
            await here.until(lambda view: view["state"] == "live")

    async def test_a_supervisor_holds_resumes_and_ends_with_an_article(self, installation: Installation) -> None:
        async with visit(installation, watching=4) as here:
            await here.live()
            prison, visitor = here.officers[0], here.officers[2]
            await prison.hold(here.session, "YN-16-4")
            await here.until(lambda view: view["reason"] is not None and view["reason"]["article"] == "YN-16-4")
            await here.refused(visitor.resume(here.session), "conflict")
            await prison.resume(here.session)
            await here.until(lambda view: view["state"] == "live")
            await visitor.end(here.session, "YN-17-8")
            view = await here.until(lambda view: view["state"] == "ended")
            assert view["reason"]["code"] == "ended_by_supervisor"
            archived = await here.archived()
            assert archived["lost"] == 0
            self._check_coverage(installation, archived["path"])

    def _check_coverage(self, installation: Installation, film: str) -> None:
        """Check that the manifest says for each officer of both sites when they watched (Yunnan 26(3))."""
        manifest = atomic_files.read_json((installation.settings.archive_dir / film).with_name(MANIFEST)) or {}
        coverage = manifest["coverage"]
        assert {(each["user"], each["site"]) for each in coverage["officers"]} == {
            (officer.id, PLACES[officer.side].site) for officer in installation.credentials.officers
        }
        assert all(each["seconds"] > 0.8 * coverage["seconds"] for each in coverage["officers"])
        assert {side: each["short_seconds"] < 1.0 for side, each in coverage["sides"].items()} == {
            "prison": True,
            "visitor": True,
        }


class TestFailClosed:
    async def test_nothing_crosses_when_the_control_process_is_killed(self, installation: Installation) -> None:
        """The gate is a lease of three seconds; the restarted process resumes the session."""
        async with visit(installation, watching=4) as here:
            await here.live()
            await here.sees_far_room(Side.PRISON)
            pid = installation.pid("control")
            installation.kill("control")
            killed_at = monotonic()  # no lease was given later
            await here.silence(5.0 - (monotonic() - killed_at))  # officers come back only when `answering` says where
            assert await here.last_packet_before(killed_at + MAX_LEASE + FLIGHT)
            await installation.answering()
            assert installation.pid("control") != pid
            await here.until(lambda view: view["state"] == "live")
            await here.sees_far_room(Side.PRISON)

    async def test_a_killed_recorder_holds_the_visit_and_a_new_one_continues(self, installation: Installation) -> None:
        async with visit(installation, watching=4) as here:
            await here.live()
            before = monotonic()
            installation.kill("recorder")
            killed_at = monotonic()
            await here.until(held_for("recorder_lost"))
            assert await here.shut_after(before) - killed_at < 2.0
            await here.until(lambda view: view["state"] == "live")
            await here.officers[0].end(here.session, "YN-17-8")
            archived = await here.archived()
            assert len(archived["seconds"]) == 5

    async def test_a_recorder_that_hangs_holds_the_visit_until_it_continues(self, installation: Installation) -> None:
        async with visit(installation, watching=4) as here:
            await here.live()
            before = monotonic()
            installation.stop("recorder")
            stopped_at = monotonic()
            try:
                await here.until(held_for("recorder_lost"))
            finally:
                installation.cont("recorder")
            await here.until(lambda view: view["state"] == "live")
            assert await here.shut_after(before) - stopped_at < 2.5
            await here.officers[0].end(here.session, "YN-17-8")
            assert len((await here.archived())["seconds"]) >= 4
