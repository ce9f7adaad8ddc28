"""The files of a terminal: a plan that a second run finds done, settings that are never changed, and a unit that
systemd takes."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from kiosk_agent.deploy.installation import PLACES, Step, apply, plan
from kiosk_agent.room.policies import managed_policies
from kiosk_agent.settings import KioskSettings

PROGRAM = "/opt/huijian/.venv/bin/huijian"


def _steps(root: Path) -> dict[str, Step]:
    return {str(file.path.relative_to(root)): file.step for file in plan(root, PROGRAM)}


class TestThePlan:
    def test_writes_everything_once_and_then_nothing(self, tmp_path: Path) -> None:
        assert set(_steps(tmp_path).values()) == {Step.NEW}
        assert list(tmp_path.iterdir()) == []  # a plan writes nothing
        apply(plan(tmp_path, PROGRAM))
        settings = _steps(tmp_path).pop("etc/huijian/kiosk.toml")
        assert settings is Step.KEPT
        assert {step for name, step in _steps(tmp_path).items() if not name.endswith("kiosk.toml")} == {Step.SAME}
        before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
        apply(plan(tmp_path, PROGRAM))
        assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()} == before
        assert len(before) == len(PLACES) + 1

    def test_never_changes_settings_and_mends_what_is_ours(self, tmp_path: Path) -> None:
        apply(plan(tmp_path, PROGRAM))
        unit, settings = tmp_path / "etc/systemd/system/huijian-kiosk.service", tmp_path / "etc/huijian/kiosk.toml"
        unit.write_text("[Unit]\n", "utf-8")
        settings.write_text('server = "https://mine.example"\n', "utf-8")
        assert _steps(tmp_path)["etc/systemd/system/huijian-kiosk.service"] is Step.CHANGED
        apply(plan(tmp_path, PROGRAM))
        assert f"{PROGRAM} kiosk" in unit.read_text("utf-8") and "mine.example" in settings.read_text("utf-8")


class TestTheFiles:
    def test_of_settings_is_one_that_the_program_takes(self, tmp_path: Path) -> None:
        apply(plan(tmp_path, PROGRAM))
        settings = KioskSettings.load(tmp_path / "etc/huijian/kiosk.toml")
        assert settings.state_dir == Path("/var/lib/huijian-kiosk") and not settings.headless

    def test_of_policies_hold_those_of_the_browser(self, tmp_path: Path) -> None:
        apply(plan(tmp_path, PROGRAM))
        text = (tmp_path / "etc/chromium/policies/managed/huijian-kiosk.json").read_text("utf-8")
        assert json.loads(text) == managed_policies()

    def test_of_the_unit_is_one_that_systemd_takes(self, tmp_path: Path) -> None:
        if shutil.which("systemd-analyze") is None:
            pytest.fail("systemd-analyze is missing: apt-get install systemd", pytrace=False)
        apply(plan(tmp_path, PROGRAM))
        unit = tmp_path / "etc/systemd/system/huijian-kiosk.service"
        text = unit.read_text("utf-8")
        assert "/usr/bin/cage" in text
        unit.write_text(text.replace("/usr/bin/cage", "/bin/true"), "utf-8")  # which is on each machine
        found = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, timeout=60
        )
        assert [line for line in found.stderr.splitlines() if "huijian-kiosk" in line] == []

    def test_of_a_unit_with_a_slip_is_found_by_that_check(self, tmp_path: Path) -> None:
        unit = tmp_path / "huijian-kiosk.service"
        unit.write_text("[Service]\nExecStart=/bin/true\nWatchdog=60\n", "utf-8")
        found = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, timeout=60
        )
        assert [line for line in found.stderr.splitlines() if "huijian-kiosk" in line]
