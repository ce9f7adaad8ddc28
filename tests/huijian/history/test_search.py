"""`huijian visits search` asks a running server, with the auditor's token, and prints what it found."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

PLACE = {"site": "first-prison", "site_name": "第一监狱", "room": "p1", "room_name": "一室"}
VISIT = {
    "session": "ses_a",
    "starts_at": "2026-03-02T02:00:00Z",
    "state": "archived",
    "prison": PLACE,
    "visitor": PLACE | {"site": "panlong", "room": "v1"},
    "ending": {"code": "completed"},
    "seconds": 1800.0,
    "interventions": [{"kind": "warning", "article": "YN-16-1", "count": 2}],
    "alerts": 1,
}


@pytest.fixture
def server():
    asked = []

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self):
            sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append((self.path, self.headers.get("Authorization"), sent))
            body = json.dumps({"visits": [VISIT], "next": None, "found": 1, "more": False}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Log nothing on the standard error of the tests."""

    running = HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.05}).start()
    yield f"http://127.0.0.1:{running.server_port}", asked
    running.shutdown()
    running.server_close()


def test_words_are_sent_in_a_body_and_visits_become_a_table(huijian, server, monkeypatch):
    monkeypatch.setenv("HUIJIAN_TOKEN", "usr_token")
    url, asked = server
    answer = huijian("visits", "search", "--inmate", "刘", "--watched-by", "li", "--limit", "5", "--server", url)
    assert answer.code == 0
    (row,) = answer.out.splitlines()
    session, _, state, prison, visitor, ending, seconds, interventions, alerts = row.split("\t")
    assert (session, state, prison, visitor) == ("ses_a", "archived", "first-prison/p1", "panlong/v1")
    assert (ending, float(seconds), interventions, alerts) == ("completed", 1800.0, "2", "1")
    asked_for = {"inmate": "刘", "watched_by": "li", "order": "newest", "limit": 5}
    assert asked == [("/api/v1/visits/search", "Bearer usr_token", asked_for)]


def test_scripts_get_the_whole_answer(huijian, server, monkeypatch):
    monkeypatch.setenv("HUIJIAN_TOKEN", "usr_token")
    answer = huijian("visits", "search", "--server", server[0], "--json")
    assert answer.json["found"] == 1 and answer.json["visits"][0]["session"] == "ses_a"
