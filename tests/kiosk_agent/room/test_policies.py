"""The browser's policies: nothing but the agent's own page, and no way to anything else."""

import json
from pathlib import Path

from kiosk_agent.room.policies import FILE, install_policies, managed_policies


def test_only_the_loopback_origin_may_be_opened_and_have_camera_and_microphone() -> None:
    found = managed_policies()
    assert found["URLBlocklist"] == ["*"] and found["URLAllowlist"] == ["127.0.0.1"]
    assert not found["VideoCaptureAllowed"] and not found["AudioCaptureAllowed"]
    assert found["VideoCaptureAllowedUrls"] == found["AudioCaptureAllowedUrls"] == ["http://127.0.0.1:*"]


def test_tools_printing_files_and_downloads_are_off() -> None:
    found = managed_policies()
    assert found["DeveloperToolsAvailability"] == 2 and found["DownloadRestrictions"] == 3
    assert not found["PrintingEnabled"] and not found["AllowFileSelectionDialogs"]
    assert found["IncognitoModeAvailability"] == 1


def test_they_are_written_once(tmp_path: Path) -> None:
    folder = tmp_path / "managed"
    assert install_policies(folder)
    written = (folder / FILE).stat().st_mtime_ns
    assert json.loads((folder / FILE).read_text("utf-8")) == managed_policies()
    assert install_policies(folder)
    assert (folder / FILE).stat().st_mtime_ns == written


def test_older_ones_are_replaced(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("{}", "utf-8")
    assert install_policies(tmp_path)
    assert json.loads((tmp_path / FILE).read_text("utf-8")) == managed_policies()


def test_a_folder_that_cannot_be_made_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert not install_policies(tmp_path / "file" / "managed")
