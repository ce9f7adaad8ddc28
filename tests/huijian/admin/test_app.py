"""The commands of `huijian admin` as scripts use them: answers in JSON, secrets once, every change journaled."""

import asyncio
import io
import json
import sqlite3
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from broker.control.store.devices.codes import read_code
from broker.control.store.store import Store
from broker.kernel.errors import BadRequest, Conflict, VisitError
from huijian.demo.setup import enrol
from huijian.remote import requests as remote


async def in_store(place, work):
    async with Store(f"sqlite+aiosqlite:///{place / 'data' / 'huijian.sqlite'}") as store:
        return await work(store)


def enrolled(place, room):
    """Enrol a terminal with a key, as its own command would have it done."""
    return asyncio.run(in_store(place, lambda store: enrol(store, room)))


class TestSitesRoomsAndTerminals:
    def test_are_added_and_listed(self, huijian, sites):
        listed = huijian("admin", "sites", "list", "--json").json
        assert listed[0] == {
            "id": "first-prison",
            "kind": "prison",
            "name": "first-prison",
            "policy": "yunnan",
            "parent": None,
            "closed_at": None,
        }
        rooms = huijian("admin", "rooms", "list", "--site", "panlong", "--json").json
        assert [room["id"] for room in rooms] == ["panlong-1"]

    def test_lists_in_a_pipe_are_lines_of_tabs(self, huijian, sites):
        assert huijian("admin", "rooms", "list").out.splitlines()[0].split("\t")[0] == "first-prison-1"

    def test_a_code_for_a_spare_is_of_a_site_and_replaces_no_device(self, huijian, sites):
        made = huijian("admin", "terminals", "enrol", "panlong", "--spare", "--json").json
        assert made["site"] == "panlong" and "room" not in made and len(made["code"]) == 19
        assert huijian("admin", "terminals", "enrol", "panlong-1", "--spare").code == 1
        assert huijian("admin", "terminals", "enrol", "panlong", "--spare", "--replace").code == 2

    def test_a_code_is_shown_once_and_enrols_nothing_before_it_is_used(self, huijian, sites):
        made = huijian("admin", "terminals", "enrol", "panlong-1", "--json").json
        assert made["room"] == "panlong-1" and read_code(made["code"]) is not None
        assert huijian("admin", "terminals", "list", "--json").json == []
        again = huijian("admin", "terminals", "enrol", "panlong-1", "--json").json
        assert again["code"] != made["code"]

    def test_a_room_with_a_terminal_needs_the_word_to_replace_it(self, huijian, sites, place):
        terminal = enrolled(place, "panlong-1")
        listed = huijian("admin", "terminals", "list", "--json").json
        assert [(row["id"], row["state"], row["key_kind"]) for row in listed] == [(terminal.id, "active", "file")]
        assert len(listed[0]["fingerprint"]) == 32 and "public_key" not in listed[0]
        assert huijian("admin", "terminals", "enrol", "panlong-1").code == 1
        assert huijian("admin", "terminals", "enrol", "panlong-1", "--replace").code == 0
        assert huijian("admin", "terminals", "revoke", terminal.id).code == 0
        assert huijian("admin", "terminals", "revoke", terminal.id).code == 1

    def test_a_terminal_in_conflict_is_listed_and_readmitted(self, huijian, sites, place):
        terminal = enrolled(place, "panlong-1")
        assert huijian("admin", "terminals", "readmit", "panlong-1").code == 1
        asyncio.run(in_store(place, lambda store: store.conflict_terminal(terminal.id)))
        assert huijian("admin", "terminals", "list", "--json").json[0]["state"] == "conflicted"
        assert huijian("admin", "terminals", "readmit", "panlong-1").code == 0
        assert huijian("admin", "terminals", "list", "--json").json[0]["state"] == "active"
        assert "TerminalReadmitted" in huijian("admin", "journal", "list", "--json").out

    def test_the_rules_of_the_demonstration_are_refused_for_a_real_site(self, huijian, monkeypatch):
        add = ("admin", "sites", "add", "a", "--kind", "prison", "--name", "n", "--policy", "demo")
        assert huijian(*add).code == 1
        assert huijian(*add, "--demo").code == 0
        monkeypatch.setenv("HUIJIAN_DEMO", "true")
        assert huijian("admin", "sites", "list").code == 2

    def test_a_pack_looser_than_the_law_is_refused_with_its_article(self, huijian, place):
        from importlib import resources

        text = resources.files("config").joinpath("packs", "yunnan.toml").read_text("utf-8")
        (place / "own.toml").write_text(text.replace("value = 3\n", "value = 4\n"), "utf-8")
        add = ("admin", "sites", "add", "a", "--kind", "prison", "--name", "n", "--policy", "own.toml")
        answer = huijian(*add)
        assert answer.code == 1 and "第十四条" in answer.err
        (place / "own.toml").write_text(text.replace("value = 3\n", "value = 2\n"), "utf-8")
        assert huijian(*add, "--json").json["policy"] == str(place / "own.toml")


class TestUsers:
    ADD = ("admin", "users", "add", "li", "--name", "李", "--role", "supervisor", "--site", "panlong")

    def test_a_generated_password_is_shown_once_and_no_hash(self, huijian, sites):
        made = huijian(*self.ADD, "--generate", "--json").json
        assert len(made["password"]) >= 16
        listed = huijian("admin", "users", "list", "--json")
        assert "argon2" not in listed.out and made["password"] not in listed.out
        assert listed.json[0]["disabled"] is False

    def test_a_generated_password_can_go_into_a_file_closed_to_others(self, huijian, sites, place):
        answer = huijian(*self.ADD, "--generate", "--password-file", "new")
        assert answer.code == 0 and (place / "new").stat().st_mode & 0o777 == 0o600
        assert len((place / "new").read_text("ascii").strip()) >= 16
        assert (place / "new").read_text("ascii").strip() not in answer.out
        assert huijian("admin", "users", "passwd", "li", "--generate", "--password-file", "new").code == 1
        assert huijian("admin", "users", "passwd", "li", "--password-file", "other").code == 2

    def test_a_password_from_stdin_is_not_repeated(self, huijian, sites, monkeypatch):
        monkeypatch.setattr("sys.stdin", io.StringIO("correct horse\n"))
        answer = huijian(*self.ADD, "--password-stdin")
        assert answer.code == 0 and "horse" not in answer.out

    def test_there_is_no_option_that_takes_a_password(self, huijian, sites):
        assert huijian(*self.ADD, "--password", "correct horse").code == 2

    def test_a_short_password_is_refused(self, huijian, sites, monkeypatch):
        monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
        assert huijian(*self.ADD, "--password-stdin").code == 1

    def test_can_be_disabled_enabled_and_given_a_new_password(self, huijian, sites):
        huijian(*self.ADD, "--generate")
        assert huijian("admin", "users", "disable", "li", "--json").json["disabled"] is True
        assert huijian("admin", "users", "enable", "li", "--json").json["disabled"] is False
        assert "password" in huijian("admin", "users", "passwd", "li", "--generate", "--json").json
        assert huijian("admin", "users", "disable", "nobody").code == 1


class TestKeys:
    def test_are_shown_once_and_can_be_revoked(self, huijian):
        made = huijian("admin", "keys", "add", "预约平台", "--json").json
        assert made["key"].startswith("key_")
        assert made["key"] not in huijian("admin", "keys", "list", "--json").out
        assert huijian("admin", "keys", "revoke", made["id"]).code == 0
        assert huijian("admin", "keys", "list", "--json").json[0]["revoked_at"] is not None


class TestSecretsInFiles:
    """A code or key that is asked for as a file is on no screen, and closed to other users."""

    @pytest.mark.parametrize(
        ("command", "option", "prefix"),
        [(("terminals", "enrol", "panlong-1"), "--code-file", ""), (("keys", "add", "x"), "--key-file", "key_")],
    )
    def test_are_closed_and_not_printed(self, huijian, sites, place, command, option, prefix):
        answer = huijian("admin", *command, option, "secret", "--json")
        secret = (place / "secret").read_text().strip()
        assert answer.code == 0 and secret.startswith(prefix) and secret not in answer.out + answer.err
        assert (place / "secret").stat().st_mode & 0o777 == 0o600

    def test_replace_no_file_and_then_nothing_is_enrolled(self, huijian, sites, place):
        (place / "secret").symlink_to(place / "elsewhere")
        answer = huijian("admin", "terminals", "enrol", "panlong-1", "--code-file", "secret")
        assert answer.code == 1 and not (place / "elsewhere").exists()
        assert "EnrolmentOpened" not in huijian("admin", "journal", "list", "--json").out


class FakeServer(ThreadingHTTPServer):
    """A server that accepts every slot and lets none be cancelled."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests = []
        self.elsewhere = "/elsewhere"
        self.url = f"http://127.0.0.1:{self.server_address[1]}/"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append((self.command, self.path, self.headers["Authorization"], body["people"][0]["name"]))
        self.answer(201, {"slot": "slt_1", "session_id": "ses_1"})

    def do_GET(self):
        self.server.requests.append((self.command, self.path, self.headers["Authorization"], None))
        self.send_response(302)
        self.send_header("Location", self.server.elsewhere)
        self.end_headers()

    def do_DELETE(self):
        self.answer(409, Conflict("The visit has begun.").problem())

    def answer(self, status, body):
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_):
        """Log nothing, because the output of the test is that of the command."""


@pytest.fixture
def server():
    with FakeServer() as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


class TestSlots:
    @pytest.fixture
    def order(self, place):
        starts = datetime.now(UTC) + timedelta(hours=1)
        body = {
            "prison_room": "first-prison-1",
            "visitor_room": "panlong-1",
            "starts_at": starts.isoformat(),
            "ends_at": (starts + timedelta(minutes=40)).isoformat(),
            "minutes": 30,
            "people": [
                {"id": "in-1", "side": "prison", "name": "张某"},
                {"id": "kin-1", "side": "visitor", "name": "李某", "relation": "母亲"},
            ],
            "approved_by": "第一监狱",
            "article": "云南 第八条",
        }

        def write(**changes):
            (place / "order.json").write_text(json.dumps(body | changes), "utf-8")
            return "order.json"

        return write

    def test_are_added_listed_without_names_and_cancelled(self, huijian, sites, order):
        made = huijian("admin", "slots", "add", order(), "--json").json
        day = (datetime.now(UTC) + timedelta(hours=9)).date().isoformat()  # an hour on, in Shanghai
        listed = huijian("admin", "slots", "list", "--day", day, "--json")
        assert [slot["session"] for slot in listed.json] == [made["session_id"]]
        assert "某" not in listed.out
        assert huijian("admin", "slots", "add", order()).code == 1  # the rooms are taken
        assert huijian("admin", "slots", "cancel", made["slot"]).code == 0
        assert huijian("admin", "slots", "list", "--day", day, "--json").json == []
        assert huijian("admin", "slots", "rebookings", "--all", "--json").json == []

    def test_that_a_fault_cancels_are_booked_again_first(self, huijian, sites, order):
        made = huijian("admin", "slots", "add", order(), "--json").json
        cancel = ("admin", "slots", "cancel", made["slot"])
        assert huijian(*cancel, "--article", "END-COMPLETED", "--reason", "x").code == 1
        assert huijian(*cancel, "--article", "YN-18", "--reason", "停电").code == 0
        (request,) = huijian("admin", "slots", "rebookings", "--json").json
        assert (request["state"], request["slot"], request["cause"]) == ("open", made["slot"], "停电")
        again = huijian("admin", "slots", "add", order(rebooks=request["id"]), "--json").json
        assert huijian("admin", "slots", "rebookings", "--json").json == []
        (request,) = huijian("admin", "slots", "rebookings", "--all", "--json").json
        assert (request["state"], request["new_slot"]) == ("rebooked", again["slot"])
        assert huijian("admin", "slots", "add", order(rebooks="rbk_none")).code == 1

    @pytest.mark.parametrize(
        "change", [{"minutes": 31}, {"minutes": "x"}, {"prison_room": "nowhere"}, {"people": []}, {"odd": 1}]
    )
    def test_pass_the_checks_of_the_rest_interface(self, huijian, sites, order, change):
        answer = huijian("admin", "slots", "add", order(**change))
        assert answer.code == 1 and answer.err.count("\n") == 1

    def test_the_example_is_an_order(self, huijian, sites, monkeypatch):
        example = huijian("admin", "slots", "example").out
        monkeypatch.setattr("sys.stdin", io.StringIO(example))
        assert huijian("admin", "slots", "add", "-").code == 0

    def test_go_to_a_running_server_over_rest(self, huijian, order, server, monkeypatch):
        monkeypatch.setenv("HUIJIAN_KEY", "key_x")
        answer = huijian("admin", "slots", "add", order(), "--server", server.url, "--json")
        assert answer.json == {"slot": "slt_1", "session_id": "ses_1"}
        assert server.requests == [("POST", "/api/v1/slots", "Bearer key_x", "张某")]
        answer = huijian("admin", "slots", "cancel", "slt_taken", "--server", server.url)
        assert answer.code == 1 and answer.err == "huijian: 与现有状态冲突 The visit has begun.\n"

    def test_need_a_key_for_a_running_server(self, huijian, order, monkeypatch):
        add = ("admin", "slots", "add", order(), "--server", "http://127.0.0.1:1")
        assert "HUIJIAN_KEY" in huijian(*add).err
        monkeypatch.setenv("HUIJIAN_KEY", "key_x")
        assert "does not answer" in huijian(*add).err


class TestJournal:
    def test_has_every_change_with_its_author_and_no_secret(self, huijian, sites):
        made = huijian("admin", "terminals", "enrol", "panlong-1", "--json").json
        entries = huijian("admin", "journal", "list", "--json")
        kinds = [entry["kind"] for entry in entries.json]
        assert kinds == ["SiteAdded", "RoomAdded", "SiteAdded", "RoomAdded", "EnrolmentOpened"]
        assert all(entry["author"].startswith("command:") for entry in entries.json)
        assert made["code"] not in entries.out

    def test_is_whole_until_an_entry_is_changed(self, huijian, sites, place):
        assert huijian("admin", "journal", "verify", "--json").json["whole"] is True
        database = sqlite3.connect(place / "data" / "huijian.sqlite")
        database.execute("DROP TRIGGER journal_no_update")
        database.execute("UPDATE journal SET author = 'command:other' WHERE seq = 2")
        database.commit()
        database.close()
        answer = huijian("admin", "journal", "verify", "--json")
        assert answer.code == 4 and answer.json["broken_at"] == 2


class TestKeysOnTheWay:
    """A key goes to the server that was named and nowhere else."""

    def test_no_redirect_is_followed(self, server, monkeypatch):
        monkeypatch.setenv("HUIJIAN_KEY", "key_of-this-test")
        for elsewhere in (f"{server.url}elsewhere", "http://192.0.2.1/", "https://192.0.2.1/"):
            server.elsewhere = elsewhere
            with pytest.raises(VisitError, match="302"):
                remote.get(server.url, "/api/v1/overview")
        assert {path for _, path, _, _ in server.requests} == {"/api/v1/overview"}

    def test_no_proxy_of_the_environment_is_asked(self, server, monkeypatch):
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:1")
        monkeypatch.setenv("HUIJIAN_KEY", "key_of-this-test")
        with pytest.raises(VisitError, match="302"):
            remote.get(server.url, "/api/v1/overview")

    @pytest.mark.parametrize("url", ["http://10.20.0.5:8470", "http://huijian.example", "http://user:pw@127.0.0.1"])
    def test_none_is_sent_in_the_clear_to_another_machine(self, monkeypatch, url):
        monkeypatch.setenv("HUIJIAN_KEY", "key_of-this-test")
        with pytest.raises(BadRequest):
            remote.get(url, "/api/v1/overview")
