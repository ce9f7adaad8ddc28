"""The officer's PIN: what is taken for one, and that its file is closed and holds a hash alone."""

import stat
from pathlib import Path

import pytest

from config.private_files import NotPrivate
from kiosk_agent.officer import pin

RIGHT = "482915"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The file of a PIN that is set."""
    pin.write(tmp_path / "officer.pin", RIGHT)
    return tmp_path / "officer.pin"


class TestANewPin:
    @pytest.mark.parametrize("weak", ["", "12345", "1234567890123", "abcdef", "48291５", "111111", "123456", "987654"])
    def test_that_is_short_long_no_number_or_guessed_first_is_refused_in_both_languages(
        self, tmp_path: Path, weak: str
    ) -> None:
        with pytest.raises(pin.WeakPin, match=r"位数字|请勿使用"):
            pin.write(tmp_path / "officer.pin", weak)
        assert list(tmp_path.iterdir()) == []

    def test_replaces_the_older_one(self, file: Path) -> None:
        pin.write(file, "730164")
        assert pin.fits(file, "730164") and not pin.fits(file, RIGHT)
        assert [path.name for path in file.parent.iterdir()] == ["officer.pin"]


class TestTheFile:
    def test_holds_a_hash_and_is_closed_to_others(self, file: Path) -> None:
        assert RIGHT not in file.read_text("utf-8")
        assert "argon2id" in file.read_text("utf-8")
        assert stat.S_IMODE(file.stat().st_mode) == 0o600

    def test_fits_the_right_pin_alone(self, file: Path) -> None:
        assert pin.fits(file, RIGHT)
        assert not any(pin.fits(file, wrong) for wrong in ("482916", "", RIGHT + "0"))

    def test_that_others_can_read_is_not_believed(self, file: Path) -> None:
        file.chmod(0o644)
        with pytest.raises(NotPrivate):
            pin.fits(file, RIGHT)

    def test_that_holds_no_hash_fits_nothing(self, file: Path) -> None:
        file.write_text("482915", "utf-8")
        assert not pin.fits(file, RIGHT)
