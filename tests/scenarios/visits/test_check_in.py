"""Check-in at the desk by REST, tick by tick, and the journal of a visit to which one side does not come."""

from datetime import timedelta

import pytest

from broker.kernel.clock import SystemClock
from broker.kernel.ids import Side
from tests.support.installation import Installation

pytestmark = pytest.mark.asyncio(loop_scope="session")

PEOPLE = [
    {"id": "inmate-2", "side": "prison", "name": "丙"},
    {"id": "kin-2", "side": "visitor", "name": "丁", "relation": "母亲"},
]
"""People of whom other tests hold no visits, as these people forfeit one."""
LATE_IN = 8  # seconds until the demo pack's minute of grace is over


class TestNoShow:
    async def test_the_view_names_what_is_missing_and_a_late_visit_ends_with_its_article(
        self, installation: Installation
    ) -> None:
        starts = SystemClock().now().wall - timedelta(seconds=60 - LATE_IN)
        session = await installation.slot(starts_at=starts.isoformat(), people=PEOPLE)
        prison, _, bureau, _ = await installation.officers()
        await prison.check_in(session, Side.PRISON)
        view = await installation.until(bureau, session, lambda view: view["state"] == "check_in")
        missing = {lack["code"]: lack for lack in view["missing"]}
        assert missing["visitor_check_in"]["ticks"] == ["identity", "security", "phone", "rules"]
        assert "丁" in missing["visitor_check_in"]["zh"] and "visitor_seat" in missing
        assert "prison_check_in" not in missing and "prison_seat" not in missing
        view = await installation.until(bureau, session, lambda view: view["state"] == "ended")
        assert (view["reason"]["code"], view["reason"]["article"]) == ("no_show", "云南 第十条")
        journal = await installation.journal_with(session, lambda kind, _: kind == "NoteAbsence")
        assert ("NoteAbsence", {"side": "visitor"}) in journal
        view = await installation.until(bureau, session, lambda view: view["absence"] is not None)
        note = await bureau.get(f"absences/{view['absence']['id']}")
        assert (note["state"], note["decided"], [person["name"] for person in note["people"]]) == ("noted", [], ["丁"])
        assert [kind for kind, _ in journal].count("Ticked") == 3
