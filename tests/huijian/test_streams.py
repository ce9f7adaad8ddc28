"""Commands in terminals of any encoding, and answers that cannot be printed after the command has taken effect."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ADD = ("admin", "sites", "add", "first-prison", "--kind", "prison", "--name", "第一监狱 𠮷", "--policy", "yunnan")
LIST = ("admin", "sites", "list", "--json")


@pytest.fixture
def command(tmp_path):
    """Return a function that runs a command in a process of its own and returns it when it has ended."""

    def run(*args, stdin=b"", stdout=subprocess.PIPE, **environment):
        bare = {name: value for name, value in os.environ.items() if not name.startswith(("HUIJIAN_", "PYTHONIO"))}
        return subprocess.run(
            [sys.executable, "-m", "huijian", "--data-dir", str(tmp_path / "data"), *args],
            env={**bare, "PYTHONPATH": str(ROOT), **environment},
            cwd=tmp_path,
            input=stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
            check=False,
        )

    return run


class TestEncodings:
    @pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "gbk", "latin-1", "ascii"])
    def test_a_command_that_has_taken_effect_says_so_in_every_encoding(self, command, encoding):
        done = command(*ADD, PYTHONIOENCODING=encoding)
        assert done.returncode == 0, done.stderr
        assert b"first-prison" in done.stdout
        assert done.stdout.decode(encoding).splitlines()[2] == (
            "name: 第一监狱 𠮷"
            if encoding in ("utf-8", "gb18030")
            else "name: 第一监狱 \\U00020bb7"
            if encoding == "gbk"
            else "name: \\u7b2c\\u4e00\\u76d1\\u72f1 \\U00020bb7"
        )

    @pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "gbk", "latin-1", "ascii"])
    def test_json_stays_json_in_every_encoding(self, command, encoding):
        assert command(*ADD).returncode == 0
        listed = json.loads(command(*LIST, PYTHONIOENCODING=encoding).stdout.decode(encoding))
        assert listed[0]["name"] == "第一监狱 𠮷"

    @pytest.mark.parametrize("encoding", ["latin-1", "ascii"])
    def test_help_is_printed_in_every_encoding(self, command, encoding):
        assert b"serve" in command("--help", PYTHONIOENCODING=encoding).stdout

    def test_without_any_encoding_names_are_text_all_the_same(self, command):
        bare = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
        assert command(*ADD, **bare).returncode == 0
        assert json.loads(command(*LIST).stdout)[0]["name"] == "第一监狱 𠮷"

    def test_bytes_that_are_no_text_are_refused_in_one_line(self, command):
        args = [*ADD]
        args[7] = os.fsdecode(b"\xff\xfe")
        done = command(*args, LC_ALL="C.UTF-8")
        assert done.returncode == 2
        assert b"UTF-8" in done.stderr and done.stderr.count(b"\n") == 1

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
    def test_a_password_from_a_pipe_is_the_one_that_the_page_sends(self, command, encoding):
        command(*ADD)
        user = ("admin", "users", "add", "li", "--name", "李", "--role", "auditor")
        assert command(*user, "--password-stdin", stdin="口令不短于十二位的一句话\n".encode(encoding)).returncode == 0
        held = ("hold", "add", "ses_nothing", "--reason", "调取", "--as", "li", "--password-stdin")
        answer = command(*held, stdin="口令不短于十二位的一句话\n".encode())
        assert b"wrong" not in answer.stderr and answer.returncode == 1

    def test_settings_in_another_encoding_are_named(self, command, tmp_path):
        (tmp_path / "huijian.toml").write_bytes("# 端口\nhttp_port = 1\n".encode("gb18030"))
        done = command(*LIST)
        assert done.returncode == 2 and b"UTF-8" in done.stderr


class TestAnswersThatAreLost:
    def listed(self, command):
        return [site["id"] for site in json.loads(command(*LIST).stdout)]

    def test_a_full_disk_makes_no_failure_of_what_is_done(self, command):
        with open("/dev/full", "wb") as full:
            done = command(*ADD, stdout=full)
        assert done.returncode == 0
        assert b"done, but the answer could not be printed" in done.stderr
        assert self.listed(command) == ["first-prison"]

    def test_a_reader_that_has_gone_makes_none_either(self, command):
        reading, writing = os.pipe()
        os.close(reading)
        with open(writing, "wb") as gone:
            done = command(*ADD, stdout=gone)
        assert done.returncode == 0
        assert self.listed(command) == ["first-prison"]

    def test_an_answer_that_is_the_only_effect_is_a_failure(self, command):
        command(*ADD)
        with open("/dev/full", "wb") as full:
            done = command(*LIST, stdout=full)
        assert done.returncode == 1
        assert b"No space left" in done.stderr and done.stderr.count(b"\n") == 1

    def test_no_standard_output_at_all_is_none(self, command, tmp_path):
        words = (sys.executable, "-m", "huijian", "--data-dir", tmp_path / "data", *ADD[:7], "n", *ADD[8:])
        script = " ".join(["exec", *map(str, words), ">&-"])
        done = subprocess.run(
            ["sh", "-c", script], env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=tmp_path, check=False
        )
        assert done.returncode == 0
        assert self.listed(command) == ["first-prison"]
