"""A terminal tests its room before any visit (Yunnan 12), the line through the real relay included, and the result is
in the room's history."""

import asyncio

import pytest

from broker.control.store.devices.equipment_tests import EquipmentTest
from broker.kernel.ids import Side
from config.articles.equipment import Cause
from huijian.demo.setup import PLACES
from tests.support.installation import Installation
from tests.support.patience import PATIENCE

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def _newest(installation: Installation, before: set[str]) -> EquipmentTest:
    """Return the room's next test that is not one of those `before`."""
    async with asyncio.timeout(2 * PATIENCE):
        while True:
            for test in await installation.store.equipment_tests(PLACES[Side.PRISON].room):
                if test.id not in before:
                    return test
            await asyncio.sleep(0.1)


async def test_a_terminal_that_starts_tests_its_room_and_its_line_without_a_slot(installation: Installation) -> None:
    room = PLACES[Side.PRISON].room
    before = {test.id for test in await installation.store.equipment_tests(room)}
    async with installation.kiosk(Side.PRISON, tests_line=True):
        test = await _newest(installation, before)
    assert (test.cause, test.session, test.room) == (Cause.OPENING, None, room)
    assert test.figures.keys() >= {"loss_up", "loss_down", "jitter", "round_trip", "up", "down", "width", "level"}
    assert test.figures["loss_up"] < 0.5 and test.figures["down"] > 50, (
        "nothing is lost on loopback but by a busy machine"
    )
    assert test.parts["camera"] == "passed" and test.parts["line"] in ("passed", "failed")
    officer = (await installation.officers())[0]
    headers = {"Authorization": f"Bearer {officer.token}"}
    async with installation.http.get(f"{installation.server}/api/v1/rooms/{room}/tests", headers=headers) as answer:
        listed = (await answer.json())["tests"]
    assert listed[0]["id"] == test.id
