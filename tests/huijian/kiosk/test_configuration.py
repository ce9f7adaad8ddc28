"""`huijian kiosk config` shows and checks kiosk.toml, and the options of the other commands beat it."""

import pytest

from huijian.kiosk.configuration import chosen
from kiosk_agent.identity import identity_file
from kiosk_agent.identity.identity_file import Identity
from kiosk_agent.identity.keys import FileKey

SERVER = "https://huijian.example"


@pytest.fixture
def file(tmp_path):
    """A kiosk.toml whose terminal is enrolled and has a PIN; its browser is a program that every machine has."""
    identity_file.write(tmp_path / "terminal.json", Identity(SERVER, "trm_a", FileKey.new()))
    (tmp_path / "officer.pin").touch()
    path = tmp_path / "kiosk.toml"
    path.write_text(f'server = "{SERVER}"\nstate_dir = "{tmp_path}"\nchromium = "/bin/sh"\nvolume = 0.5\n', "utf-8")
    return path


class TestOptions:
    def test_beat_the_file_where_they_were_given(self, file):
        settings = chosen(file, {"headless": True, "chromium": None, "source": "generated"})
        assert (settings.headless, settings.source, settings.chromium) == (True, "generated", "/bin/sh")

    def test_of_the_run_are_laid_over_the_file(self, huijian, file, tmp_path):
        answer = huijian("kiosk", "--config", str(file), "--identity", str(tmp_path / "other.json"), "--headless")
        assert answer.code == 2 and "other.json" in answer.err and "无法读取" in answer.err

    def test_of_an_enrolment_may_be_left_to_the_file(self, huijian, file, tmp_path):
        answer = huijian("kiosk", "enrol", "--config", str(file))
        assert answer.code == 2 and "terminal.json is there already" in answer.err
        answer = huijian("kiosk", "enrol", "--identity", str(tmp_path / "new.json"))
        assert answer.code == 2 and "--server" in answer.err and "请" in answer.err


class TestTheCheck:
    def test_finds_nothing_where_all_is_there(self, huijian, file):
        answer = huijian("kiosk", "config", "--check", str(file), "--json")
        assert answer.code == 0
        assert [row["what"] for row in answer.json if row["good"]] == [
            *("identity", "chromium", "state_dir", "log_dir", "pin_file")
        ]

    @pytest.mark.parametrize(
        ("change", "what", "todo"),
        [
            (lambda path: (path.parent / "terminal.json").unlink(), "identity", "无法读取"),
            (lambda path: (path.parent / "terminal.json").chmod(0o644), "identity", "chmod 600"),
            (lambda path: (path.parent / "officer.pin").unlink(), "pin_file", "huijian kiosk pin"),
            (lambda path: path.write_text(path.read_text().replace("/bin/sh", "/none")), "chromium", "apt-get"),
            (lambda path: path.write_text(path.read_text().replace(SERVER, f"{SERVER}.x")), "identity", "不同"),
        ],
    )
    def test_says_what_is_missing_and_what_to_do_and_ends_with_4(self, huijian, file, change, what, todo):
        change(file)
        answer = huijian("kiosk", "config", "--check", str(file), "--json")
        assert answer.code == 4
        (row,) = (row for row in answer.json if not row["good"])
        assert row["what"] == what and todo in row["todo"]

    def test_of_a_file_with_a_slip_is_one_line_and_ends_with_2(self, huijian, file):
        file.write_text("volum = 0.5")
        answer = huijian("kiosk", "config", "--check", str(file))
        assert answer.code == 2 and "volum" in answer.err and answer.err.count("\n") == 1

    def test_without_check_the_settings_are_shown_as_they_apply(self, huijian, file):
        answer = huijian("kiosk", "config", str(file), "--json")
        assert answer.code == 0 and answer.json["volume"] == 0.5 and answer.json["language"] == "zh"


def test_an_identity_of_another_server_than_the_file_names_is_refused(huijian, file):
    file.write_text(file.read_text().replace(SERVER, f"{SERVER}.x"))
    answer = huijian("kiosk", "--config", str(file))
    assert answer.code == 2 and "another server" in answer.err and "请改正" in answer.err
