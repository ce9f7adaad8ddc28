"""What the terminal's command refuses before it sends anything: a server without TLS, an identity or a token that
others can read, and a second program with the same identity."""

import json

import pytest

from kiosk_agent.identity import identity_file
from kiosk_agent.identity.identity_file import Identity
from kiosk_agent.identity.keys import FileKey

TOKEN = "trm_token-of-this-test"
SERVER = "https://huijian.example"


@pytest.fixture
def token_file(tmp_path):
    """A closed file with a token."""
    path = tmp_path / "token"
    path.write_text(TOKEN)
    path.chmod(0o600)
    return path


@pytest.fixture
def identity(tmp_path):
    """The identity file of a terminal."""
    path = tmp_path / "terminal.json"
    identity_file.write(path, Identity(SERVER, "trm_a", FileKey.new()))
    return path


class TestServer:
    @pytest.mark.parametrize("server", ["http://huijian.example", "http://10.20.0.5:8470", "http://localhost.x/", "x"])
    @pytest.mark.parametrize("command", ["enrol", "migrate"])
    def test_without_tls_beyond_this_machine_is_refused_in_both_languages(
        self, huijian, token_file, tmp_path, server, command
    ):
        option = "--code-file" if command == "enrol" else "--token-file"
        new = str(tmp_path / "new.json")
        answer = huijian("kiosk", command, "--server", server, option, str(token_file), "--identity", new)
        assert answer.code == 2
        assert "https://" in answer.err and "请" in answer.err and answer.err.count("\n") == 1
        assert TOKEN not in answer.err + answer.out

    def test_of_an_identity_without_tls_is_refused(self, huijian, identity):
        values = json.loads(identity.read_text())
        identity.write_text(json.dumps({**values, "server": "http://huijian.example"}))
        answer = huijian("kiosk", "--identity", str(identity), "--headless")
        assert answer.code == 2 and "BEGIN" not in answer.err


class TestFiles:
    @pytest.mark.parametrize("bits", [0o644, 0o640, 0o604, 0o666])
    def test_that_others_can_read_are_refused_with_what_to_do(self, huijian, identity, token_file, tmp_path, bits):
        identity.chmod(bits)
        answer = huijian("kiosk", "--identity", str(identity))
        assert answer.code == 2 and "chmod 600" in answer.err and "BEGIN" not in answer.err
        token_file.chmod(bits)
        new = str(tmp_path / "new.json")
        files = ("--token-file", str(token_file), "--identity", new)
        answer = huijian("kiosk", "migrate", "--server", SERVER, *files)
        assert answer.code == 2 and "chmod 600" in answer.err and TOKEN not in answer.err

    def test_that_are_links_are_refused(self, huijian, identity, tmp_path):
        (tmp_path / "link").symlink_to(identity)
        answer = huijian("kiosk", "--identity", str(tmp_path / "link"))
        assert answer.code == 2 and "link" in answer.err

    @pytest.mark.parametrize("text", ["", "{}", "[]", "x", '{"key": {"kind": "none"}}', '{"key": 1}'])
    def test_that_hold_no_identity_are_refused_with_what_to_do(self, huijian, identity, text):
        identity.write_text(text)
        answer = huijian("kiosk", "--identity", str(identity))
        assert answer.code == 2 and "kiosk enrol" in answer.err

    def test_that_are_not_there_are_an_error_of_one_line(self, huijian, tmp_path):
        answer = huijian("kiosk", "--identity", str(tmp_path / "none"))
        assert answer.code == 2 and answer.err.count("\n") == 1

    def test_are_never_written_over_and_no_code_is_used_for_that(self, huijian, identity, token_file):
        before = identity.read_bytes()
        files = ("--code-file", str(token_file), "--identity", str(identity))
        answer = huijian("kiosk", "enrol", "--server", SERVER, *files)
        assert answer.code == 2 and "new file" in answer.err
        assert identity.read_bytes() == before

    def test_without_an_identity_the_command_says_how_to_make_one(self, huijian):
        answer = huijian("kiosk", "--headless")
        assert answer.code == 2 and "kiosk enrol" in answer.err


class TestTwoPrograms:
    def test_with_one_identity_file_are_refused_on_the_machine_itself(self, huijian, identity):
        with identity_file.in_use(identity):
            answer = huijian("kiosk", "--identity", str(identity), "--headless")
        assert answer.code == 2 and "another program" in answer.err and "请" in answer.err
        with identity_file.in_use(identity):  # the file is free again after each
            pass
