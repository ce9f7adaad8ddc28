"""Yunnan 14 and 27(3): a visit is longer by a warden's approval made before the limit, to the packet, whatever dies
meanwhile; and by nothing else. The demonstration's limit is 20 seconds."""

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
from tests.support.installation import Installation
from tests.support.visit import Visit, visit

LIMIT, LATE = 20.0, 0.25
FAMILY = {"article": "YN-14-FAMILY", "reason": "家中亲属去世"}


async def warden(installation: Installation) -> OfficerClient:
    """The approver of the prison, signed in."""
    password = secrets.token_urlsafe(16)
    await installation.store.add_user("demo-warden", "监狱长", Role.APPROVER, password, PLACES[Side.PRISON].site)
    return await OfficerClient.sign_in(installation.http, installation.server, "demo-warden", password)


async def begun(here: Visit) -> float:
    """Wait until the visit is live; the monotonic second of the first crossing."""
    await here.until(lambda view: view["state"] == "live" and view["crossed_ms"] is not None)
    await here.sees_far_room(Side.PRISON)
    return next(float(data["mono"]) for kind, data in await here.journal() if kind == "Crossed")


async def approve(by: OfficerClient, here: Visit, seconds: int, id: str = "apr_1") -> None:
    """Approve so many seconds more."""
    await by.order(here.session, "extensions", id=id, seconds=seconds, **FAMILY)


async def crosses_at(here: Visit, moment: float) -> bool:
    """Whether something newly decoded comes over after this moment."""
    await here.silence(moment - monotonic())
    return await here.sees_far_room(Side.VISITOR) and await here.last_packet() > moment


def manifest_of(installation: Installation, archived: dict[str, Any]) -> dict[str, Any]:
    """The signed manifest of an archived recording."""
    film = installation.settings.archive_dir / archived["path"]
    return dict(json.loads(film.with_name("manifest.json").read_text("utf-8")))


class TestALongerVisit:
    async def test_goes_on_to_the_new_limit_and_ends_there_though_the_broker_hangs(
        self, installation: Installation
    ) -> None:
        async with visit(installation, watching=4) as here:
            by, crossed = await warden(installation), await begun(here)
            with pytest.raises(VisitError):
                await approve(here.officers[0], here, 10)  # a supervisor is no warden
            await approve(by, here, 10)
            await approve(by, here, 10)  # the same object again
            with pytest.raises(VisitError):
                await approve(by, here, 10, id="apr_2")  # once a visit
            view = await here.until(lambda view: len(view["extensions"]) == 1)
            assert view["extensions"][0]["by"]["id"] == "demo-warden"
            assert await crosses_at(here, crossed + LIMIT + 2)
            await here.silence(crossed + LIMIT + 9 - monotonic())
            installation.stop("control")  # its last lease would run on beyond the new limit
            try:
                await here.silence(crossed + LIMIT + 12 - monotonic())
                assert await here.last_packet_before(crossed + LIMIT + 10 + LATE)
            finally:
                installation.cont("control")
            ended = await here.until(lambda view: view["state"] == "ended")
            assert ended["reason"]["code"] == "time_limit"
            archived = await here.archived()
            assert abs(max(archived["seconds"]) - (LIMIT + 10)) < 3
            (longer,) = manifest_of(installation, archived)["extensions"]
            assert (longer["by"], longer["article"], longer["added"]) == ("demo-warden", "YN-14-FAMILY", 10)
            kinds = [kind for kind, _ in await here.journal()]
            assert kinds.count("ExtensionApproved") == kinds.count("LimitMoved") == 1

    async def test_without_an_approval_ends_at_the_old_one(self, installation: Installation) -> None:
        async with visit(installation, watching=4) as here:
            by, crossed = await warden(installation), await begun(here)
            await here.until(lambda view: view["state"] == "ended", timeout=60)
            assert await here.last_packet_before(crossed + LIMIT + LATE)
            await here.refused(approve(by, here, 10), "session_ended")


class TestWhenSomethingDies:
    """After the approval and before the old limit."""

    @pytest.mark.parametrize("process", ["control", "relay-0", "recorder"])
    async def test_the_approval_still_holds_and_not_for_a_second_more(
        self, installation: Installation, process: str
    ) -> None:
        async with visit(installation, watching=4) as here:
            by, crossed = await warden(installation), await begun(here)
            await approve(by, here, 20)
            await here.until(lambda view: len(view["extensions"]) == 1)
            installation.kill(process)
            if process == "control":
                await installation.answering()
            await here.until(lambda view: view["state"] == "held")
            if process == "relay-0":  # the page of an officer asks anew by itself, this program does not
                await here.until(lambda view: all(side["media"] for side in view["sides"].values()))
                for officer in here.officers:
                    await officer.leave()
                    await officer.watch(here.session)
            await here.until(lambda view: view["state"] == "live", timeout=60)
            assert await crosses_at(here, crossed + LIMIT + 2)
            ended = await here.until(lambda view: view["state"] == "ended", timeout=60)
            assert ended["reason"]["code"] == "time_limit" and len(ended["extensions"]) == 1
            assert await here.last_packet_before(crossed + LIMIT + 20 + LATE)
