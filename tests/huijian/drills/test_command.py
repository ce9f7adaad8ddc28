"""Tests of `huijian drill`: which rooms it asks for, what it prints, its exit codes, and signed results."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from config.settings import Settings
from huijian.drills import command
from huijian.drills.tools import DrillTools

STEP = {"zh": "一步", "en": "A step", "at": "", "detail": ""}
DRILL = {
    **{"id": "ses_d", "state": "running", "failed_at": "", "failed_zh": "", "failed_en": "", "by": "user:warden"},
    **{"prison": {"site": "yn-1", "room": "p1"}, "visitor": {"site": "panlong", "room": "v1"}},
    **{"begun_at": "2026-03-02T23:30:00Z", "ended_at": None, "progress": [], "steps": [], "result": None},
}
OVER = {
    "steps": [
        {"name": "gate", "verdict": "passed", "figures": {"seconds": 1.0}, **STEP},
        {"name": "cut", "verdict": "failed", "figures": {"seconds": 2.4}, **STEP, "detail": "late"},
    ]
}
PASSED = {**DRILL, **OVER, "state": "passed"}
FAILED = {**DRILL, **OVER, "state": "failed", "failed_at": "cut", "failed_zh": "切断", "failed_en": "cut"}


class Server:
    """A pretend server of the command. `answers` are those to looks at the drill, one after another; the last one
    is repeated."""

    def __init__(self, answers):
        self.answers, self.posted, self.tokens = list(answers), [], set()

    def get(self, path):
        if path.endswith("/due"):
            return {"pairs": [{"prison": DRILL["prison"], "visitor": DRILL["visitor"]}]}
        if path.endswith("/drills"):
            return {"drills": [FAILED]}
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def serving(monkeypatch):
    """Return a function that runs a pretend server and gives it and its address."""
    monkeypatch.setenv("HUIJIAN_TOKEN", "usr_a_token_of_the_warden")
    monkeypatch.setattr(command, "LOOK", 0.001)
    running = []

    def start(*answers):
        server = Server(answers)

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self):
                self._answer(server.get(self.path))

            def do_POST(self):
                server.posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self._answer(DRILL)

            def _answer(self, value):
                server.tokens.add(self.headers.get("Authorization"))
                body = json.dumps(value).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                """Log nothing on the standard error of the tests."""

        http = HTTPServer(("127.0.0.1", 0), Answer)
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        running.append((http, thread))
        return server, f"http://127.0.0.1:{http.server_port}"

    yield start
    for http, thread in running:
        http.shutdown()
        http.server_close()
        thread.join()


class TestARun:
    def test_prints_progress_and_each_step_and_ends_with_0_where_all_passed(self, huijian, serving):
        server, address = serving({**DRILL, "progress": ["tested"]}, {**DRILL, "progress": ["tested", "left"]}, PASSED)
        answer = huijian("drill", "yn-1", "panlong", "--server", address)
        assert answer.code == 0, answer.err
        assert server.posted == [{"prison_site": "yn-1", "visitor_site": "panlong"}]
        assert server.tokens == {"Bearer usr_a_token_of_the_warden"}
        assert (
            answer.out.count("equipment tested") == 1 and "一名管理员离开" in answer.out and "seconds 2.4" in answer.out
        )

    def test_ends_with_4_and_names_the_step_that_failed(self, huijian, serving):
        _, address = serving(FAILED)
        answer = huijian("drill", "--rooms", "p1", "v1", "--server", address)
        assert answer.code == 4 and "切断" in answer.out and "late" in answer.out

    def test_prints_json_alone_for_scripts(self, huijian, serving):
        server, address = serving(PASSED)
        answer = huijian("drill", "--rooms", "p1", "v1", "--json", "--server", address)
        assert (answer.code, answer.json) == (0, [PASSED])
        assert server.posted == [{"prison_room": "p1", "visitor_room": "v1"}]

    def test_of_today_tries_what_is_due(self, huijian, serving):
        server, address = serving(PASSED)
        assert huijian("drill", "--today", "--server", address).code == 0
        assert server.posted == [{"prison_room": "p1", "visitor_room": "v1"}]

    def test_that_does_not_end_is_given_up(self, huijian, serving, monkeypatch):
        monkeypatch.setattr(command, "LONGEST", 0.01)
        _, address = serving(DRILL)
        answer = huijian("drill", "yn-1", "panlong", "--server", address)
        assert answer.code == 1 and "does not end" in answer.err

    @pytest.mark.parametrize(
        "words", [["yn-1"], ["a", "b", "c"], ["a", "b", "--today"], ["--rooms", "a", "b", "--today"]]
    )
    def test_says_how_rooms_are_named(self, huijian, serving, words):
        server, address = serving(PASSED)
        answer = huijian("drill", *words, "--server", address)
        assert answer.code == 1 and "--rooms" in answer.err and server.posted == []

    def test_without_a_server_says_so(self, huijian, place):
        answer = huijian("--data-dir", str(place / "none"), "drill", "yn-1", "panlong")
        assert answer.code == 1 and "--server" in answer.err


class TestTheList:
    def test_has_a_line_a_drill(self, huijian, serving):
        _, address = serving(PASSED)
        assert "ses_d\t2026-03-02T23:30:00Z\tfailed\tcut\tp1 ⇄ v1" in huijian("drill", "list", "--server", address).out


class TestVerify:
    @pytest.fixture
    async def file(self, place):
        """The signed result of a drill whose recording is gone."""
        settings = Settings.load()
        settings.prepare()
        await DrillTools(settings, lambda room: True).seal({"drill": "ses_d", "state": "passed", "failed_at": ""})
        return settings.drills_dir / "results" / "ses_d.json"

    async def test_proves_that_a_result_is_as_it_was_signed(self, huijian, file):
        answer = huijian("drill", "verify", str(file), "--json")
        assert (answer.code, answer.json["signature"], answer.json["recording"]) == (0, "genuine", "gone")

    async def test_finds_a_changed_one(self, huijian, file):
        file.write_text(file.read_text("utf-8").replace("passed", "failed"), "utf-8")
        answer = huijian("drill", "verify", str(file))
        assert answer.code == 4 and "does not match" in answer.out

    async def test_finds_one_of_another_key(self, huijian, file):
        for key in (file.parents[2] / "keys").iterdir():
            key.unlink()
        Settings.load().prepare()
        await DrillTools(Settings.load(), lambda room: True).seal({"drill": "ses_e"})
        assert huijian("drill", "verify", str(file)).code == 4

    async def test_refuses_what_is_no_result(self, huijian, file):
        answer = huijian("drill", "verify", str(file.with_name("none.json")))
        assert answer.code == 1 and "Traceback" not in answer.err
