"""Tests of `huijian sessions`, which shows the sessions of a running server on a terminal."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import StringIO

import pytest
from rich.console import Console

from huijian import sessions, top
from huijian.top import plain_lines
from signaling.views.overview import Overview

TRACK = {"bitrate": 900_000.0, "loss": 0.012, "jitter_ms": 3.0, "fps": 25.0}
SIDE = {"video": TRACK, "audio": {"bitrate": 32_000.0, "loss": 0.0, "jitter_ms": None, "fps": None}}
SEEN = {
    "server_time": "2026-03-02T02:10:00Z",
    "recorder": True,
    "journal": "",
    "storage": True,
    "waiting": 1,
    "workers": [
        {"name": "relay-0", "ready": True, "sessions": 1, "cpu": 0.031, "packets_in": 470.2, "packets_out": 2350.0}
        | {"memory_bytes": 48 * 2**20, "latency_p99_ms": 0.94, "carries": 33, "session_cpu": 0.0241}
        | {"overload": 0, "picture_share": 1.0}
    ],
    "sessions": [
        {
            "id": "ses_orsxg5dfon2gk43ujvwg6zdjnz",
            "state": "held",
            "reason": "room_lost",
            "prison_room": "p1",
            "visitor_room": "v1",
            "starts_at": "2026-03-02T02:00:00Z",
            "prison_quorum": {"have": 2, "need": 2},
            "visitor_quorum": {"have": 1, "need": 2},
            "gate": "shut",
            "remaining_ms": 61_001,
            "recording": "writing",
            "worker": "relay-0",
            "quality": {"prison": SIDE, "visitor": {"video": None, "audio": None}},
            "viewers": {
                "prison": {"connected": 4, "receiving": 4, "loss": 0.004, "jitter_ms": 5.2, "round_trip_ms": 31.0},
                "visitor": {"connected": 2, "receiving": 1, "loss": 0.25, "jitter_ms": 0.0, "round_trip_ms": None},
            },
        }
    ],
    "left_out": 0,
}


@pytest.fixture
def server():
    """Serve the overview; `shown` keeps the path and credential of each request."""
    shown = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            shown.append((self.path, self.headers.get("Authorization")))
            body = json.dumps(SEEN).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Log nothing on the standard error of the tests."""

    running = HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.05}).start()
    running.shown = shown
    running.url = f"http://127.0.0.1:{running.server_port}"
    yield running
    running.shutdown()
    running.server_close()


def test_the_sample_is_a_valid_overview():
    assert Overview.model_validate_json(json.dumps(SEEN))


class TestTop:
    def test_prints_the_overview_once_without_a_terminal(self, huijian, server, monkeypatch):
        monkeypatch.setenv("HUIJIAN_KEY", "obs_key")
        answer = huijian("sessions", "top", "--once", "--server", server.url)
        assert answer.code == 0
        header, session, workers, worker, service = answer.out.splitlines()
        cells = dict(zip(header.split("\t"), session.split("\t"), strict=True))
        assert cells["state"] == "held:room_lost" and cells["quorum"] == "2/2 1/2"
        assert cells["left"] == "1:02" and cells["kbit/s"] == "932 0" and cells["loss"] == "1.2% 0.0%"
        assert (cells["fps"], cells["viewers"], cells["v.loss"]) == ("25 0", "4/4 1/2", "0.4% 25.0%")
        assert (cells["v.jitter"], cells["v.rtt"]) == ("5 0", "31 -")
        cells = dict(zip(workers.split("\t"), worker.split("\t"), strict=True))
        assert (cells["cpu"], cells["p99"], cells["memory"]) == ("3%", "0.9 ms", "48 MiB")
        assert (cells["sessions"], cells["a session"], cells["left out"]) == ("1/33", "2.4%", "-")
        assert "1 waiting" in service
        assert server.shown == [("/api/v1/overview", "Bearer obs_key")]

    def test_shows_a_server_that_does_not_say_what_a_session_costs(self):
        older = {name: value for name, value in SEEN["workers"][0].items() if name not in ("carries", "session_cpu")}
        (row,) = top.worker_rows({**SEEN, "workers": [older]})
        assert (row["sessions"], row["a session"]) == ("1", "-")

    def test_says_what_an_overloaded_worker_leaves_out(self):
        (worker,) = SEEN["workers"]
        for more, words in (({"overload": 1}, "repairs"), ({"overload": 2, "picture_share": 0.4}, "pictures 60%")):
            assert top._worker({**worker, **more})["left out"] == words

    @pytest.mark.parametrize(
        ("trouble", "shown"), [("differs", "JOURNAL NOT AS SIGNED"), ("copy_fails", "copy"), ("no_checkpoint", "made")]
    )
    def test_shows_what_is_wrong_with_the_journal(self, trouble, shown):
        assert shown in list(plain_lines({**SEEN, "journal": trouble}))[-1]
        assert "journal" not in list(plain_lines(SEEN))[-1].lower()

    def test_prefers_an_officers_token(self, huijian, server, monkeypatch):
        monkeypatch.setenv("HUIJIAN_KEY", "obs_key")
        monkeypatch.setenv("HUIJIAN_TOKEN", "usr_token")
        assert huijian("sessions", "top", "--json", "--server", server.url).json == SEEN
        assert server.shown[0][1] == "Bearer usr_token"

    def test_names_the_credentials_when_none_is_set(self, huijian, server):
        answer = huijian("sessions", "top", "--server", server.url)
        assert answer.code == 1 and "HUIJIAN_KEY" in answer.err and server.shown == []

    def test_finds_the_server_of_its_settings(self, huijian, server, place, monkeypatch):
        monkeypatch.setenv("HUIJIAN_KEY", "obs_key")
        monkeypatch.setenv("HUIJIAN_RUN_DIR", str(place / "run"))
        answer = huijian("sessions", "top")
        assert answer.code == 1 and "--server" in answer.err
        (place / "run").mkdir(exist_ok=True)
        (place / "run" / "http.url").write_text(server.url + "\n")
        assert huijian("sessions", "top").code == 0

    def test_continues_while_the_server_is_away_and_ends_with_ctrl_c(self, monkeypatch):
        looks = iter([SEEN, sessions.VisitError("does not answer"), SEEN, KeyboardInterrupt()])
        monkeypatch.setattr(sessions.time, "sleep", lambda seconds: None)

        def look():
            answer = next(looks)
            if isinstance(answer, BaseException):
                raise answer
            return answer

        out = StringIO()
        sessions._watch(Console(force_terminal=True, width=200, file=out), look, 1.0)
        text = out.getvalue()
        assert "relay-0" in text and "does not answer" in text

    def test_prints_markup_in_a_name_as_text(self):
        odd = {**SEEN, "sessions": [{**SEEN["sessions"][0], "worker": "[red]x[/red]"}]}
        console = Console(width=220, record=True, file=StringIO())
        console.print(top.screen(odd))
        assert "[red]x[/red]" in console.export_text()


class TestList:
    def test_has_a_line_for_each_session(self, huijian, server, monkeypatch):
        monkeypatch.setenv("HUIJIAN_KEY", "obs_key")
        assert huijian("sessions", "list", "--server", server.url).out.startswith("ses_orsxg5dfon2gk43ujvwg6zdjnz\t")
        assert huijian("sessions", "list", "--json", "--server", server.url).json == SEEN["sessions"]
