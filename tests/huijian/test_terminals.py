"""Tests of `huijian terminals`, which shows and orders the terminals of a running server."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

TERMINAL = {
    "id": "trm_orsxg5dfon2gk43ujvwg6zdjnz",
    "site": "first-prison",
    "site_name": "第一监狱",
    "room": "p1",
    "room_name": "一号",
    "home": "p1",
    "duty": "own_room",
    "state": "active",
    "connected": False,
    "last_seen": "2026-03-02T02:10:00Z",
    "reported_at": "2026-03-02T02:09:00Z",
    "version": "1.2.3",
    "temperature": 51.5,
    "disk": 80000,
    "test": {
        "at": "2026-03-02T00:10:00Z",
        "passed": False,
        "faults": [],
        "checks": [
            {"code": "black", "verdict": "failed", "measured": "5 Y", "zh": "开灯", "en": "Switch the light on"},
            {"code": "hum", "verdict": "not_checked", "measured": "", "zh": "", "en": ""},
        ],
    },
    "waiting": [{"id": "tor_1", "order": "restart", "created_at": "2026-03-02T02:00:00Z"}],
    "next_visit": {"session": "ses_1", "state": "scheduled", "starts_at": "2026-03-02T03:00:00Z"},
    "troubles": [{"code": "offline", "zh": "未连接", "en": "Not connected"}],
}


TEST = {
    "id": "t1",
    "terminal": TERMINAL["id"],
    "at": "2026-03-02T00:10:00Z",
    "cause": "opening",
    "session": None,
    "passed": False,
    "figures": {"loss_up": 0.012, "round_trip": 31.0},
    "checks": [
        {"code": "black", "verdict": "failed", "measured": "5 Y", "zh": "开灯", "en": "Switch the light on"},
        {"code": "line", "verdict": "not_checked", "measured": "", "zh": "", "en": ""},
    ],
}


@pytest.fixture
def server(monkeypatch):
    """Serve one terminal; `asked` keeps method, path, credential and body of each request."""
    asked = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            listed = {"tests": [TEST]} if "/rooms/" in self.path else {"terminals": [TERMINAL]}
            self._answer(TERMINAL if "trm_" in self.path else listed)

        def do_POST(self):
            self._answer(TERMINAL)

        def _answer(self, found):
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length).decode()
            asked.append((self.command, self.path, self.headers.get("Authorization"), body))
            data = json.dumps(found).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args):
            pass

    monkeypatch.setenv("HUIJIAN_TOKEN", "usr_secret_secret")
    http = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=http.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{http.server_port}", asked
    http.shutdown()
    thread.join()
    http.server_close()


class TestLooking:
    def test_the_history_of_a_room_has_a_line_for_each_test_with_what_failed(self, huijian, server):
        address, asked = server
        answer = huijian("terminals", "history", "p1", "--limit", "20", "--server", address, "--json")
        assert answer.code == 0, answer.err
        assert json.loads(answer.out) == [TEST]
        answer = huijian("terminals", "history", "p1", "--limit", "20", "--server", address)
        assert "opening" in answer.out and "black" in answer.out and "31.0" in answer.out
        assert asked[0][1] == "/api/v1/rooms/p1/tests?limit=20"

    def test_the_list_has_a_line_for_each_terminal_with_its_trouble(self, huijian, server):
        address, asked = server
        answer = huijian("terminals", "list", "--site", "first-prison", "--server", address)
        assert answer.code == 0, answer.err
        cells = answer.out.strip().split("\t")
        assert cells[:3] == [TERMINAL["id"], "first-prison", "p1"]
        assert "offline" in cells and "failed" in cells and "51.5" in cells
        assert asked == [("GET", "/api/v1/terminals?site=first-prison", "Bearer usr_secret_secret", "")]

    def test_the_list_for_scripts_is_what_the_server_has(self, huijian, server):
        answer = huijian("terminals", "list", "--json", "--server", server[0])
        assert json.loads(answer.out) == [TERMINAL]

    def test_one_terminal_is_shown_with_its_checks_and_the_orders_that_wait(self, huijian, server):
        answer = huijian("terminals", "show", TERMINAL["id"], "--server", server[0])
        assert "check black: failed 5 Y Switch the light on\n" in answer.out
        assert "check hum: not_checked\n" in answer.out
        assert "waits: restart since 2026-03-02T02:00:00Z" in answer.out


class TestOrders:
    @pytest.mark.parametrize(
        ("words", "path", "body"),
        [
            (("test",), "test", None),
            (("restart",), "restart", None),
            (("assign", "p1", "--reason", "主机故障"), "assign", {"room": "p1", "reason": "主机故障"}),
            (("release", "--reason", "已修复"), "release", {"reason": "已修复"}),
            (("readmit", "--reason", "已查明"), "readmit", {"reason": "已查明"}),
        ],
    )
    def test_go_to_the_server_with_the_officers_token(self, huijian, server, words, path, body):
        address, asked = server
        verb, *rest = words
        answer = huijian("terminals", verb, TERMINAL["id"], *rest, "--server", address)
        assert answer.code == 0, answer.err
        ((method, asked_path, credential, sent),) = asked
        assert (method, asked_path) == ("POST", f"/api/v1/terminals/{TERMINAL['id']}/{path}")
        assert credential == "Bearer usr_secret_secret"
        assert (json.loads(sent) if sent else None) == body

    def test_to_move_a_room_need_a_reason(self, huijian, server):
        answer = huijian("terminals", "assign", TERMINAL["id"], "p1", "--server", server[0])
        assert answer.code == 2 and "--reason" in answer.err and server[1] == []


class TestHelp:
    def test_says_which_credential_and_who_may_order_what(self, huijian):
        answer = huijian("terminals", "--help")
        for word in ("HUIJIAN_TOKEN", "observer", "Approvers", "assign", "restart"):
            assert word in answer.out
