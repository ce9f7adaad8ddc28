"""What the terminal's command refuses before it sends anything: a server without TLS, a token that others can read."""

import pytest

TOKEN = "trm_token-of-this-test"


@pytest.fixture
def token_file(tmp_path):
    """A closed file with a token."""
    path = tmp_path / "token"
    path.write_text(TOKEN)
    path.chmod(0o600)
    return path


class TestServer:
    @pytest.mark.parametrize("server", ["http://huijian.example", "http://10.20.0.5:8470", "http://localhost.x/", "x"])
    def test_without_tls_beyond_this_machine_is_refused_in_both_languages(self, huijian, token_file, server):
        answer = huijian("kiosk", "--server", server, "--token-file", str(token_file), "--headless")
        assert answer.code == 2
        assert "https://" in answer.err and "请" in answer.err and answer.err.count("\n") == 1
        assert TOKEN not in answer.err + answer.out


class TestTokenFile:
    @pytest.mark.parametrize("bits", [0o644, 0o640, 0o604, 0o666])
    def test_that_others_can_read_is_refused_with_what_to_do(self, huijian, token_file, bits):
        token_file.chmod(bits)
        answer = huijian("kiosk", "--server", "https://huijian.example", "--token-file", str(token_file))
        assert answer.code == 2 and "chmod 600" in answer.err and TOKEN not in answer.err

    def test_that_is_a_link_is_refused(self, huijian, token_file, tmp_path):
        (tmp_path / "link").symlink_to(token_file)
        answer = huijian("kiosk", "--server", "https://huijian.example", "--token-file", str(tmp_path / "link"))
        assert answer.code == 2 and "link" in answer.err

    def test_that_is_not_there_is_an_error_of_one_line(self, huijian, tmp_path):
        answer = huijian("kiosk", "--server", "https://huijian.example", "--token-file", str(tmp_path / "none"))
        assert answer.code == 1 and answer.err.count("\n") == 1
