"""The check-in desk of a running house: tick by tick by REST, and what is written down when nobody comes."""

import asyncio
from datetime import timedelta
from typing import Any

from broker.kernel.clock import SystemClock
from broker.kernel.ids import Side
from tests.support.installation import Installation

LATE_IN = 8  # seconds until the demo pack's minute of grace is over


class TestNobodyComes:
    async def test_the_desk_says_who_lacks_what_and_a_late_visit_is_given_up_with_its_article(
        self, installation: Installation
    ) -> None:
        starts = SystemClock().now().wall - timedelta(seconds=60 - LATE_IN)
        session = await installation.slot(starts_at=starts.isoformat())
        prison, _, bureau, _ = await installation.officers()
        await prison.check_in(session, Side.PRISON)
        view = await installation.until(bureau, session, lambda v: v["state"] == "check_in")
        said = {one["code"]: one for one in view["missing"]}
        assert said["visitor_check_in"]["ticks"] == ["identity", "security", "phone", "rules"]
        assert "乙" in said["visitor_check_in"]["zh"] and "visitor_seat" in said
        assert "prison_check_in" not in said and "prison_seat" not in said
        view = await installation.until(bureau, session, lambda v: v["state"] == "ended")
        assert (view["reason"]["code"], view["reason"]["article"]) == ("no_show", "云南 第十条")
        written = await _journal(installation, session, "Forfeit")
        assert ("Forfeit", {"side": "visitor", "consequence": "visit"}) in written
        assert [kind for kind, _ in written].count("Ticked") == 3


async def _journal(installation: Installation, session: str, kind: str) -> list[tuple[str, dict[str, Any]]]:
    """What was written down, once there is such an entry: it is written in the background."""
    async with asyncio.timeout(10):
        while True:
            written = await installation.journal(session)
            if any(one == kind for one, _ in written):
                return written
            await asyncio.sleep(0.05)
