"""A server with a certificate of a private CA is reached by naming that CA; none is believed without a check."""

import io
import ssl
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from huijian.remote import stored
from tests.support.signaling.front import PASSWORD
from tests.support.signaling.tls import write_pair


class SignIns(BaseHTTPRequestHandler):
    """Answers that every officer is signed in, and counts what it was asked."""

    asked = 0

    def do_POST(self):
        type(self).asked += 1
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(b'{"token": "usr_x"}')

    def do_GET(self):
        type(self).asked += 1
        self._answer(b'{"sites": []}')

    def _answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Write nothing: each request would be a line of the output."""


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Return the address of a server over TLS, and the file with its certificate."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    certificate, key = write_pair(tmp_path)
    SignIns.asked = 0
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with HTTPServer(("127.0.0.1", 0), SignIns) as running:
        running.socket = context.wrap_socket(running.socket, server_side=True)
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"https://127.0.0.1:{running.server_port}", certificate
        running.shutdown()
        thread.join()


@pytest.fixture
def login(huijian, monkeypatch):
    """Return a function that signs in at a server with more options."""

    def command(address, *more):
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
        return huijian("login", "--server", address, "--as", "gao", "--password-stdin", *more)

    return command


class TestAPrivateCa:
    def test_is_named_at_the_login_and_kept_with_it(self, server, login, huijian, place, monkeypatch):
        address, certificate = server
        assert login(address, "--ca-file", certificate.name).code == 0
        assert stored.ca_file_at(address) == str(certificate), "whole, for commands in other folders"
        assert login(address).code == 0 and stored.ca_file_at(address) == str(certificate)
        (place / "other").mkdir()
        monkeypatch.chdir(place / "other")
        listed = huijian("admin", "sites", "list", "--server", address, "--json")
        assert listed.code == 0 and listed.json == [], listed.err

    def test_may_come_from_the_environment_for_programs_with_a_key(self, server, huijian, monkeypatch):
        address, certificate = server
        monkeypatch.setenv("HUIJIAN_CA_FILE", str(certificate))
        monkeypatch.setenv("HUIJIAN_KEY", "key_secret_x")
        assert huijian("admin", "sites", "list", "--server", address).code == 0

    @pytest.mark.parametrize("text", [None, "no certificate", ""])
    def test_that_cannot_be_read_is_refused_and_nothing_is_asked(self, server, login, place, text):
        if text is not None:
            (place / "ca.pem").write_text(text)
        answer = login(server[0], "--ca-file", "ca.pem")
        assert answer.code == 1 and "ca.pem" in answer.err and "CA 证书" in answer.err
        assert SignIns.asked == 0 and not stored.file().exists()


class TestAServerThatIsNotTrusted:
    def test_is_sent_nothing_and_the_refusal_says_how_to_name_its_ca(self, server, login):
        answer = login(server[0])
        assert answer.code == 1 and answer.err.count("\n") == 1
        assert "--ca-file" in answer.err and "证书不受信任" in answer.err and SignIns.asked == 0

    def test_is_not_trusted_by_another_ca(self, server, login, tmp_path):
        (tmp_path / "other").mkdir()
        other, _ = write_pair(tmp_path / "other")
        answer = login(server[0], "--ca-file", str(other))
        assert answer.code == 1 and SignIns.asked == 0 and not stored.file().exists()
