"""What the agent of a terminal is made to do by the settings of `huijian kiosk`."""

import pytest

from huijian.kiosk.run import Rehearsal, kiosk_config
from kiosk_agent.identity.identity_file import Identity
from kiosk_agent.identity.keys import FileKey
from kiosk_agent.settings import KioskSettings

MINE = Identity("https://huijian.example", "trm_a", FileKey.new())


class TestThePolicies:
    """They are the machine's, and hold for every browser on it."""

    def test_are_not_installed_before_the_terminal_runs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        installed: list[bool] = []
        monkeypatch.setattr("huijian.kiosk.run.install_policies", lambda: installed.append(True))
        assert kiosk_config(KioskSettings(chromium="/bin/true"), MINE, Rehearsal()).browser is not None
        assert installed == []


class TestTheLine:
    @pytest.mark.parametrize(
        ("settings", "tested"),
        [
            (KioskSettings(headless=True), True),
            (KioskSettings(headless=True, source="file:room.mp4"), True),
            (KioskSettings(headless=True, source="generated"), False),
        ],
    )
    def test_is_tested_by_every_terminal_but_a_made_up_one(self, settings: KioskSettings, tested: bool) -> None:
        assert kiosk_config(settings, MINE, Rehearsal()).tests_line is tested

    def test_is_tested_by_a_terminal_with_a_page(self) -> None:
        settings = KioskSettings(chromium="/bin/true")
        assert kiosk_config(settings, MINE, Rehearsal()).tests_line
