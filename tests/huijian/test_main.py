"""Tests of the command line: help without heavy imports, one line for an error, an exit code for each kind of error."""

import os
import subprocess
import sys

import pytest

from huijian import main
from huijian.options import settings_of

HEAVY = ("av", "aiohttp", "aiortc", "alembic", "cv2", "numpy", "pydantic", "sqlalchemy", "playwright")


class TestHelp:
    def test_is_there_for_everything_without_arguments(self, huijian):
        for group in ((), ("admin",), ("admin", "users")):
            assert "Usage" in huijian(*group).out
        assert huijian("--help").code == 0

    def test_imports_nothing_heavy(self):
        code = (
            "import sys; from huijian.__main__ import run; run(['--help']); "
            f"print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stderr.strip() == "[]"
        assert all(name in done.stdout for name in ("serve", "demo", "kiosk", "admin", "verify"))

    def test_shows_examples(self, huijian):
        assert "Example" in huijian("admin", "sites", "add", "--help").out


class TestErrors:
    @pytest.mark.parametrize(
        ("args", "code"),
        [
            (("nonsense",), 2),
            (("admin", "sites", "add"), 2),
            (("admin", "sites", "add", "a", "--kind", "castle", "--name", "n", "--policy", "yunnan"), 2),
            (("admin", "sites", "add", "A!", "--kind", "prison", "--name", "n", "--policy", "yunnan"), 1),
            (("admin", "sites", "add", "a", "--kind", "prison", "--name", "n", "--policy", "sichuan"), 1),
            (("admin", "rooms", "add", "r", "--site", "nowhere", "--name", "n"), 1),
            (("admin", "terminals", "enrol", "nowhere"), 1),
            (("admin", "slots", "add", "missing.json"), 1),
            (("--config", "missing.toml", "admin", "sites", "list"), 2),
        ],
    )
    def test_are_one_line_on_stderr(self, huijian, args, code):
        answer = huijian(*args)
        assert answer.code == code
        assert answer.out == ""
        assert answer.err.startswith("huijian: ") and answer.err.count("\n") == 1

    def test_inside_huijian_are_one_line_too(self, huijian, monkeypatch):
        monkeypatch.setattr("huijian.admin.places.say_all", lambda *_: 1 / 0)
        answer = huijian("admin", "sites", "list")
        assert answer.code == 70
        assert answer.err.count("\n") == 1 and "ZeroDivisionError" in answer.err

    def test_a_database_that_does_not_answer_has_its_own_code(self, huijian, place):
        (place / "data").mkdir(mode=0o700)
        (place / "data" / "huijian.sqlite").write_text("not a database" * 100)
        assert huijian("admin", "sites", "list").code == 3

    def test_a_broken_setting_is_named(self, huijian, monkeypatch):
        monkeypatch.setenv("HUIJIAN_HTTP_PORT", "high")
        answer = huijian("admin", "sites", "list")
        assert answer.code == 2 and "http_port" in answer.err


class TestDataFolder:
    def test_follows_the_option_the_environment_and_the_file(self, huijian, place, monkeypatch):
        huijian("--data-dir", "one", "admin", "sites", "list")
        assert (place / "one" / "huijian.sqlite").is_file()
        monkeypatch.setenv("HUIJIAN_DATA_DIR", "two")
        huijian("admin", "sites", "list")
        assert (place / "two" / "huijian.sqlite").is_file()
        monkeypatch.delenv("HUIJIAN_DATA_DIR")
        (place / "huijian.toml").write_text('data_dir = "three"\n')
        huijian("admin", "sites", "list")
        assert (place / "three" / "huijian.sqlite").is_file()

    @pytest.mark.parametrize(
        "name",
        ["what?x=1", "p%20c", "%(here)s", "a#b&c=d", 'it\'s "one"', "会见 数据", "new\nline\\", ":memory:", "y" * 120],
    )
    def test_may_have_any_name(self, huijian, place, name):
        add = ("admin", "sites", "add", "a", "--kind", "prison", "--name", "n", "--policy", "yunnan")
        assert huijian("--data-dir", f"./{name}", *add).code == 0
        assert (place / name / "huijian.sqlite").is_file()
        assert {path.name for path in place.iterdir()} == {name}
        assert huijian("--data-dir", place / name, "admin", "sites", "list", "--json").json[0]["id"] == "a"

    @pytest.mark.parametrize("name", ["~nobody-of-this-name/x", "z" * 300, "circle", os.fsdecode(b"\xd6\xd0")])
    def test_that_is_nowhere_is_named_in_one_line(self, huijian, place, name):
        (place / "circle").symlink_to("circle")
        answer = huijian("--data-dir", name, "admin", "sites", "list")
        assert answer.code == 2 and answer.err.count("\n") == 1

    def test_is_closed_to_other_accounts(self, huijian, place):
        huijian("admin", "sites", "list")
        assert (place / "data").stat().st_mode & 0o077 == 0


class TestCommandsOfOtherModules:
    def test_get_settings_and_keep_their_own_options(self, place):
        def made(settings, count: int = 1) -> int:
            """Return the count of the option."""
            assert settings.data_dir == place / "data"
            return count

        from typer import Typer

        app = Typer()
        app.command()(main._with_settings(made))
        assert app(["--count", "4"], standalone_mode=False) == 4

    def test_settings_ignore_options_that_were_not_given(self, place):
        class Context:
            obj = None

        assert settings_of(Context(), http_port=None).http_port == 8470
        assert settings_of(Context(), http_port=1).http_port == 1
