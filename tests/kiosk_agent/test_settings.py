"""The settings of a terminal: what the file may say, what follows from it, and what is refused with what to do."""

from pathlib import Path

import pytest

from kiosk_agent.settings import KioskSettings, KioskSettingsError


def _load(folder: Path, text: str) -> KioskSettings:
    file = folder / "kiosk.toml"
    file.write_text(text, "utf-8")
    return KioskSettings.load(file)


class TestTheFile:
    def test_gives_every_place_below_the_state_folder_that_it_does_not_name(self, tmp_path: Path) -> None:
        settings = _load(tmp_path, 'state_dir = "/var/lib/k"\nlog_dir = "/var/log/k"\nchromium_flags = ["--a", "--b"]')
        assert settings.identity_file == Path("/var/lib/k/terminal.json")
        assert settings.pin == Path("/var/lib/k/officer.pin")
        assert settings.logs == Path("/var/log/k")
        assert settings.chromium_flags == ("--a", "--b")

    def test_that_is_not_there_by_default_leaves_nothing_on_the_disk(self, tmp_path: Path) -> None:
        settings = KioskSettings.load(default=tmp_path / "none.toml")
        assert (settings.identity_file, settings.pin, settings.logs, settings.state_dir) == (None,) * 4

    def test_of_the_default_place_is_read_without_being_named(self, tmp_path: Path) -> None:
        (tmp_path / "kiosk.toml").write_text('language = "en"', "utf-8")
        assert KioskSettings.load(default=tmp_path / "kiosk.toml").language == "en"

    def test_that_was_named_must_be_there(self, tmp_path: Path) -> None:
        with pytest.raises(KioskSettingsError, match="无法读取"):
            KioskSettings.load(tmp_path / "none.toml")


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        ("content", "where", "zh"),
        [
            ("servr = 'https://a.example'", "servr", "没有这一项"),
            ("server = 'http://a.example'", "server", "https"),
            ("identity = 'terminal.json'", "identity", "绝对路径"),
            ("headless = 'yes'", "headless", "true 或 false"),
            ("headless = 1", "headless", "true 或 false"),
            ("source = 7", "source", "加引号"),
            ("chromium_flags = '--a'", "chromium_flags", "列表"),
            ("volume = 0.0", "volume", "0.1 至 1"),
            ("volume = 'loud'", "volume", "数字"),
            ("language = 'fr'", "language", "zh"),
            ("log_level = 'all'", "log_level", "debug"),
            ("= 1", "kiosk.toml", "不是 TOML"),
        ],
    )
    def test_names_the_setting_and_says_what_to_do_in_both_languages(
        self, tmp_path: Path, content: str, where: str, zh: str
    ) -> None:
        with pytest.raises(KioskSettingsError) as refused:
            _load(tmp_path, content)
        text = str(refused.value)
        assert where in text and zh in text and "\n" not in text

    def test_that_is_not_utf8_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "kiosk.toml").write_bytes('source = "甲"'.encode("gb18030"))
        with pytest.raises(KioskSettingsError, match="UTF-8"):
            KioskSettings.load(tmp_path / "kiosk.toml")
