"""The terminal's own history of tests is bounded, outlives a restart, and a damaged file is an empty one."""

from pathlib import Path

import pytest

from kiosk_agent.officer.history import KEPT, EquipmentHistory, KeptTest


def test_the_newest_come_first_and_the_oldest_give_way(tmp_path: Path) -> None:
    history = EquipmentHistory(tmp_path / "tests.json")
    for number in range(KEPT + 10):
        history.add(KeptTest(f"{number}", {"level": float(number)}, ("camera",)))
    history.write()
    again = EquipmentHistory(tmp_path / "tests.json").tests
    assert again == history.tests and len(again) == KEPT
    assert again[0].figures == {"level": KEPT + 9} and again[0].faults == ("camera",)


@pytest.mark.parametrize("text", ["", "[]", '{"tests": 7}', '{"tests": [{"at": 1}]}'])
def test_a_damaged_file_is_an_empty_one(tmp_path: Path, text: str) -> None:
    (tmp_path / "tests.json").write_text(text)
    assert EquipmentHistory(tmp_path / "tests.json").tests == ()


def test_without_a_place_nothing_is_written() -> None:
    history = EquipmentHistory(None)
    history.add(KeptTest("now", {}))
    history.write()
    assert len(history.tests) == 1
