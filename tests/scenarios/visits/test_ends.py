"""How visits end, through the front door of real processes: the word of both sides (Guangdong 31(2)), and what a fault
took away is booked again first (Yunnan 18)."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from broker.kernel.clock import SystemClock
from broker.kernel.errors import Conflict, ReasonNeeded
from broker.kernel.ids import Side
from huijian.demo.officers import OfficerClient
from tests.support.installation import Installation
from tests.support.installation import installation as run_installation
from tests.support.visit import visit

pytestmark = pytest.mark.asyncio(loop_scope="session")

CODE = "END-COMPLETED"


@pytest_asyncio.fixture(loop_scope="session")
async def demonstration() -> AsyncIterator[Installation]:
    """Run a Huijian under the demonstration's own rules."""
    async with run_installation() as running:
        yield running


async def follow_up(officer: OfficerClient, path: str) -> dict[str, Any]:
    """Return a request or an absence as an officer sees it."""
    return await officer.get(path)


class TestAnEarlyEnd:
    async def test_needs_a_word_of_each_side(self, installation: Installation) -> None:
        async with visit(installation, watching=4) as here:
            await here.live()
            prison, colleague, bureau, _ = here.officers
            await prison.end(here.session, CODE)
            await here.refused(colleague.end(here.session, CODE), Conflict.code)
            view = await here.until(lambda view: bool(view["farewell"]) and view["gate"] == "open")
            assert (view["state"], view["farewell"][0]["side"]) == ("live", "prison")
            await colleague.order(here.session, "go-on")
            here.kiosks[Side.VISITOR].say_finished(True)
            view = await here.until(lambda view: [word["side"] for word in view["farewell"]] == ["visitor"])
            assert view["farewell"][0]["room"]
            await here.until(lambda view: view["state"] == "live")
            here.kiosks[Side.VISITOR].say_finished(False)
            await here.until(lambda view: view["farewell"] == [])
            here.kiosks[Side.VISITOR].say_finished(True)
            await here.until(lambda view: bool(view["farewell"]))
            await prison.end(here.session, CODE)
            view = await here.until(lambda view: view["state"] == "ended")
            assert (view["reason"]["code"], view["rebooking"]) == ("completed", None)
            await here.refused(bureau.end(here.session, CODE), Conflict.code)

    async def test_a_word_outlives_a_restart(self, installation: Installation) -> None:
        async with visit(installation, watching=4) as here:
            await here.live()
            await here.officers[0].end(here.session, CODE)
            await installation.stored(here.session, "farewell")  # what is shown is stored a moment later
            installation.kill("control")
            await installation.answering()
            view = await here.until(lambda view: view["state"] == "held")
            assert [word["side"] for word in view["farewell"]] == ["prison"]
            await here.officers[2].end(here.session, CODE)
            await here.until(lambda view: view["reason"] is not None and view["reason"]["code"] == "completed")


class TestAFault:
    async def test_that_is_not_mended_before_the_limit_makes_one_request_which_a_slot_keeps(
        self, demonstration: Installation
    ) -> None:
        """The demonstration's limit of 20 s comes before its grace of 30 s; what the fault took is given back."""
        async with visit(demonstration, watching=4) as here:
            await here.live()
            kiosk = here.kiosks[Side.PRISON]
            await kiosk._media.close()  # its picture and sound stop, as when a cable is pulled
            await here.until(lambda view: view["state"] == "held")
            await here.officers[0].hold(here.session, "YN-16-2")
            view = await here.until(lambda view: view["rebooking"] is not None)
            assert (view["state"], view["reason"]["code"]) == ("ended", "time_limit")
            request = await follow_up(here.officers[2], f"rebookings/{view['rebooking']['id']}")
            assert (request["state"], request["cause"]["code"]) == ("open", "room_lost")
            entries = await demonstration.journal_with(here.session, lambda kind, _: kind == "RequestRebooking")
            assert [kind for kind, _ in entries].count("RequestRebooking") == 1
        start = SystemClock().now().wall + timedelta(days=1)
        await demonstration.slot(
            rebooks=request["id"], starts_at=start.isoformat(), ends_at=(start + timedelta(minutes=3)).isoformat()
        )
        again = await follow_up(here.officers[2], f"rebookings/{request['id']}")
        assert again["state"] == "rebooked" and again["new_slot"]


class TestACancellation:
    async def test_of_what_is_checked_in_needs_a_code_and_a_reason(self, installation: Installation) -> None:
        session = await installation.slot(starts_at=(SystemClock().now().wall + timedelta(minutes=1)).isoformat())
        prison, *_ = await installation.officers()
        await installation.until(prison, session, lambda view: view["state"] == "check_in")
        await prison.check_in(session, Side.PRISON)
        slot = (await prison.session(session))["slot"]
        booking = OfficerClient(installation.http, installation.server, installation.credentials.key)
        with pytest.raises(ReasonNeeded):
            await booking._request("DELETE", f"slots/{slot}")
        await booking._request("POST", f"slots/{slot}/cancel", {"article": "YN-18", "reason": "停电"})
        view = await installation.until(prison, session, lambda view: view["rebooking"] is not None)
        assert (view["reason"]["code"], view["reason"]["article"]) == ("cancelled", "YN-18")
        assert (await follow_up(prison, f"rebookings/{view['rebooking']['id']}"))["state"] == "open"
