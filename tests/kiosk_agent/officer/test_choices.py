"""What officers chose outlives a restart, over the defaults of kiosk.toml."""

from pathlib import Path

import pytest

from kiosk_agent.officer.choices import Choices, ChoicesFile

DEFAULTS = Choices(language="en", volume=0.5)


def test_choices_outlive_a_restart(tmp_path: Path) -> None:
    chosen = Choices(language="zh", volume=0.3, camera="USB camera")
    ChoicesFile(tmp_path / "choices.json", DEFAULTS).write(chosen)
    assert ChoicesFile(tmp_path / "choices.json", DEFAULTS).read() == chosen


@pytest.mark.parametrize("text", ["", "{}", '{"volume": 7}', '{"language": "fr"}', '{"camera": 1}'])
def test_what_is_no_choice_leaves_the_defaults(tmp_path: Path, text: str) -> None:
    (tmp_path / "choices.json").write_text(text)
    assert ChoicesFile(tmp_path / "choices.json", DEFAULTS).read() == DEFAULTS


def test_without_a_place_the_defaults_apply() -> None:
    ChoicesFile(None, DEFAULTS).write(Choices())
    assert ChoicesFile(None, DEFAULTS).read() == DEFAULTS
