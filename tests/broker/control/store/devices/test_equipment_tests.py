"""The history of equipment tests in the store: once each, newest first, and for as long as the rules say."""

from dataclasses import replace
from datetime import timedelta

import pytest

from broker.control.store.devices.equipment_tests import REPEATED, EquipmentTest
from broker.kernel.clock import SystemClock
from broker.kernel.ids import RoomId, SessionId, TerminalId
from config.articles.equipment import Cause

NOW = SystemClock().now().wall
TEST = EquipmentTest(
    "tst_1", RoomId("p1"), TerminalId("trm_1"), NOW, Cause.VISIT, None, False, {"camera": "failed"}, {"width": 0.0}
)


async def test_a_test_is_stored_once_and_read_as_it_was(places):
    store = places
    assert await store.add_equipment_test(TEST, NOW - timedelta(days=1))
    assert not await store.add_equipment_test(replace(TEST, passed=True), NOW - timedelta(days=1))
    assert await store.equipment_tests("p1") == [TEST]


async def test_what_is_older_than_the_rules_say_goes_with_the_next_test(places):
    store = places
    await store.add_equipment_test(replace(TEST, id="tst_0", at=NOW - timedelta(days=400)), NOW - timedelta(days=500))
    await store.add_equipment_test(TEST, NOW - timedelta(days=372))
    assert [test.id for test in await store.equipment_tests("p1")] == ["tst_1"]


@pytest.mark.parametrize(
    "change",
    [
        {"at": NOW + REPEATED},
        {"passed": True},
        {"cause": Cause.DEMAND},
        {"session": SessionId("ses_1")},
        {"parts": {"camera": "passed"}},
        {"terminal": TerminalId("trm_2")},
    ],
    ids=lambda change: next(iter(change)),
)
def test_only_the_same_failure_of_the_same_visit_soon_after_is_a_repetition(change):
    soon = replace(TEST, at=NOW + timedelta(seconds=15))
    assert soon.repeats(TEST)
    assert not replace(soon, **change).repeats(TEST)
