"""Answers of a server that are kept in files: whole or not at all."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from broker.kernel.errors import VisitError
from huijian.remote import requests


class Answers(BaseHTTPRequestHandler):
    """Announces 1000 bytes, and sends as many as the path says."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"x" * int(self.path[1:]))

    def log_message(self, *_):
        """Write nothing: each request would be a line of the output."""


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("HUIJIAN_KEY", "key_secret_x")
    with HTTPServer(("127.0.0.1", 0), Answers) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


class TestDownloads:
    def test_are_kept_whole_and_closed_to_others(self, server, tmp_path):
        requests.download(server, "/1000", tmp_path / "file")
        assert (tmp_path / "file").stat().st_size == 1000
        assert (tmp_path / "file").stat().st_mode & 0o077 == 0

    def test_that_break_off_leave_no_file_and_say_so(self, server, tmp_path):
        with pytest.raises(VisitError, match="broke off after 400 of 1000 bytes"):
            requests.download(server, "/400", tmp_path / "file")
        assert not (tmp_path / "file").exists()
