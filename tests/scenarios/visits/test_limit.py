"""Yunnan 14 and 27(3): a visit ends at its limit, to the packet. A warden's approval before the limit makes it longer,
whatever process dies meanwhile, and nothing else does."""

import json
import secrets
from typing import Any

import pytest

from broker.control.store.records import Role
from broker.kernel.clock import monotonic
from broker.kernel.errors import VisitError
from broker.kernel.ids import Side
from huijian.demo.officers import OfficerClient
from huijian.demo.setup import PLACES
from tests.support.installation import SHORT_EXTENSION, SHORT_LIMIT, Installation
from tests.support.patience import FLIGHT
from tests.support.visit import Visit, visit

pytestmark = pytest.mark.asyncio(loop_scope="session")

FAMILY = {"article": "YN-14-FAMILY", "reason": "家中亲属去世"}


async def warden(installation: Installation) -> OfficerClient:
    """Add an approver of the prison and sign in; the id is new, as tests share the installation."""
    name, password = f"demo-warden-{secrets.token_hex(4)}", secrets.token_urlsafe(16)
    await installation.add_officer(name, "监狱长", Role.APPROVER, password, PLACES[Side.PRISON].site)
    return await OfficerClient.sign_in(installation.http, installation.server, name, password)


async def approve(by: OfficerClient, here: Visit, seconds: float, number: int = 1) -> None:
    """Approve an extension by so many seconds, under an id of its own for each `number`."""
    await by.order(here.session, "extensions", id=f"apr_{here.session}_{number}", seconds=int(seconds), **FAMILY)


async def crosses_at(here: Visit, moment: float) -> bool:
    """Whether newly decoded media crosses after this moment."""
    await here.silence(moment - monotonic())
    return await here.sees_far_room(Side.VISITOR) and await here.last_packet() > moment


async def ends_at_its_limit(here: Visit) -> dict[str, Any]:
    """Wait for the end, which must be by the limit; return the last view."""
    ended = await here.until(lambda view: view["state"] == "ended")
    assert ended["reason"]["code"] == "time_limit"
    return ended


def manifest_of(installation: Installation, archived: dict[str, Any]) -> dict[str, Any]:
    """Return the signed manifest of an archived recording."""
    film = installation.settings.archive_dir / archived["path"]
    return dict(json.loads(film.with_name("manifest.json").read_text("utf-8")))


class TestLimit:
    async def test_the_cut_is_punctual_with_both_cores_busy_and_final(self, short_installation: Installation) -> None:
        async with visit(short_installation, watching=4) as here:
            by, crossed = await warden(short_installation), await here.live()
            async with here.busy_cores(2):
                await ends_at_its_limit(here)
                assert await here.last_packet_before(crossed + SHORT_LIMIT + FLIGHT)
                await here.archived(60)
            await here.refused(approve(by, here, 10), "session_ended")


class TestExtension:
    async def test_the_visit_ends_at_the_new_limit_although_the_control_process_hangs(
        self, short_installation: Installation
    ) -> None:
        async with visit(short_installation, watching=4) as here:
            by, crossed = await warden(short_installation), await here.live()
            with pytest.raises(VisitError):
                await approve(here.officers[0], here, 5)  # a supervisor is no approver
            await approve(by, here, 5)
            await approve(by, here, 5)  # the same approval again
            with pytest.raises(VisitError):
                await approve(by, here, 5, number=2)  # the pack allows one approval in a visit
            view = await here.until(lambda view: len(view["extensions"]) == 1)
            approver = view["extensions"][0]["by"]["id"]
            assert approver.startswith("demo-warden")
            assert await crosses_at(here, crossed + SHORT_LIMIT + 1)
            await here.silence(crossed + SHORT_LIMIT + 4 - monotonic())
            short_installation.stop("control")  # its last lease would run on beyond the new limit
            try:
                await here.silence(crossed + SHORT_LIMIT + 7 - monotonic())
                assert await here.last_packet_before(crossed + SHORT_LIMIT + 5 + FLIGHT)
            finally:
                short_installation.cont("control")
            await ends_at_its_limit(here)
            archived = await here.archived()
            assert abs(max(archived["seconds"]) - (SHORT_LIMIT + 5)) < 3
            (longer,) = manifest_of(short_installation, archived)["extensions"]
            assert (longer["by"], longer["article"], longer["added"]) == (approver, "YN-14-FAMILY", 5)
            kinds = [kind for kind, _ in await here.journal()]
            assert kinds.count("ExtensionApproved") == kinds.count("LimitMoved") == 1

    @pytest.mark.timeout(180)
    async def test_an_approval_survives_the_death_of_each_process_and_is_not_exceeded(
        self, short_installation: Installation
    ) -> None:
        async with visit(short_installation, watching=4) as here:
            by, crossed = await warden(short_installation), await here.live()
            await approve(by, here, SHORT_EXTENSION)
            await here.until(lambda view: len(view["extensions"]) == 1)
            for process in ("recorder", "relay-0", "control"):
                await self._killed_and_resumed(here, process)
            assert await crosses_at(here, crossed + SHORT_LIMIT + 2)
            ended = await ends_at_its_limit(here)
            assert len(ended["extensions"]) == 1
            assert await here.last_packet_before(crossed + SHORT_LIMIT + SHORT_EXTENSION + FLIGHT)

    async def _killed_and_resumed(self, here: Visit, process: str) -> None:
        """Kill a process; wait until the visit is on hold, and until both rooms receive each other again. Before that
        the next process must not die: a room that has lost its subscription needs the server to make it anew."""
        here.installation.kill(process)
        if process == "control":
            await here.installation.answering()
        await here.until(lambda view: view["state"] == "held")
        if process == "relay-0":  # an officer's page subscribes again by itself, this program does not
            await here.until(lambda view: all(side["media"] for side in view["sides"].values()))
            for officer in here.officers:
                await officer.leave()
            await here.watch(here.officers)
        await here.until(lambda view: view["state"] == "live")
        for side in Side:
            await here.sees_far_room(side)  # a room notices a dead relay by silence while live
