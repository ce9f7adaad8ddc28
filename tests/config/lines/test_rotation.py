"""A log file is bounded, closed to others, and a full disk or a lost folder does not end the process."""

import logging
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from config.lines.rotation import RotatingFile
from config.logs import configure


class TestTheFile:
    def test_is_followed_by_a_new_one_when_it_is_full_and_the_oldest_goes(self, tmp_path: Path) -> None:
        log = RotatingFile(tmp_path / "logs" / "kiosk.log", largest=20, files=3)
        for number in range(10):
            log.write(f"line {number} of ten\n")
        log.flush()
        kept = sorted(path.name for path in (tmp_path / "logs").iterdir())
        assert kept == ["kiosk.log", "kiosk.log.1", "kiosk.log.2"]
        text = "".join((tmp_path / "logs" / name).read_text("utf-8") for name in reversed(kept))
        assert text.endswith("line 8 of ten\nline 9 of ten\n") and "line 0" not in text

    def test_is_continued_by_the_next_start_and_closed_to_others(self, tmp_path: Path) -> None:
        for text in ("first\n", "second\n"):
            log = RotatingFile(tmp_path / "kiosk.log")
            log.write(text)
            log.flush()
        assert (tmp_path / "kiosk.log").read_text("utf-8") == "first\nsecond\n"
        assert stat.S_IMODE((tmp_path / "kiosk.log").stat().st_mode) == 0o600

    def test_is_never_written_through_a_link(self, tmp_path: Path) -> None:
        (tmp_path / "kiosk.log").symlink_to(tmp_path / "elsewhere")
        with pytest.raises(OSError):
            RotatingFile(tmp_path / "kiosk.log")


@pytest.fixture
def _as_before() -> Iterator[None]:
    yield
    structlog.reset_defaults()
    logging.basicConfig(force=True, handlers=[])


@pytest.mark.usefixtures("_as_before")
def test_lines_go_to_standard_error_and_into_the_file_without_what_must_not_be_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure("info", file=RotatingFile(tmp_path / "kiosk.log"))
    logging.getLogger("kiosk_agent.agent").warning("phase", extra={"now": "live", "person": "张三"})
    for written in (capsys.readouterr().err, (tmp_path / "kiosk.log").read_text("utf-8")):
        assert "phase" in written and "live" in written and "张三" not in written
