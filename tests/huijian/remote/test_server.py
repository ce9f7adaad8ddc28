"""Commands with --server: the same answers as on the server's own machine, by the real interface, with an account."""

import asyncio
import io
import json
import stat
from datetime import timedelta

import pytest

from broker.kernel.clock import in_shanghai
from huijian.remote import stored
from recorder.evidence.signing import trusted
from signaling.journal.check import check
from tests.support.control.fixtures import TEN
from tests.support.signaling.exports import recorded_visit
from tests.support.signaling.front import PASSWORD

DAY = f"{in_shanghai(TEN):%Y-%m-%d}"


class TestSignIn:
    async def test_is_kept_closed_to_others_and_used_by_later_commands(
        self, front, server, huijian, monkeypatch, place
    ):
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
        login = ("login", "--server", server, "--as", "clerk", "--password-stdin", "--json")
        answer = await asyncio.to_thread(huijian, *login)
        assert answer.code == 0, answer.err
        assert answer.json["user"] == "clerk" and stored.token_at(server) not in answer.out
        assert stat.S_IMODE(stored.file().stat().st_mode) == 0o600
        await front.visit()
        listed = await asyncio.to_thread(huijian, "admin", "slots", "list", "--day", DAY, "--server", server, "--json")
        assert listed.code == 0 and len(listed.json) == 1, listed.err
        token = stored.token_at(server)
        ended = await asyncio.to_thread(huijian, "logout", "--server", server, "--json")
        assert ended.code == 0 and ended.json["ended_there"] and stored.token_at(server) == ""
        await front.refused("not_signed_in", "GET", "/api/v1/me", token)
        again = await asyncio.to_thread(huijian, "logout", "--server", server)
        assert again.code == 1 and "There is no sign-in" in again.err

    async def test_with_a_wrong_password_keeps_nothing_and_both_languages_say_so(self, server, huijian, monkeypatch):
        monkeypatch.setattr("sys.stdin", io.StringIO("wrong\n"))
        login = ("login", "--server", server, "--as", "clerk", "--password-stdin")
        answer = await asyncio.to_thread(huijian, *login)
        assert answer.code == 1 and answer.err.count("\n") == 1 and not stored.file().exists()
        assert any("\u4e00" <= sign <= "\u9fff" for sign in answer.err)

    async def test_a_file_that_others_can_read_is_refused(self, server, huijian):
        stored.keep(server, "clerk", "usr_x")
        stored.file().chmod(0o644)
        answer = await asyncio.to_thread(huijian, "admin", "slots", "list", "--server", server)
        assert answer.code in (1, 2) and "chmod 600" in answer.err

    async def test_without_one_the_command_says_how(self, server, huijian):
        answer = await asyncio.to_thread(huijian, "admin", "sites", "list", "--server", server)
        assert answer.code == 1 and "huijian login" in answer.err

    @pytest.mark.parametrize("address", ["http://192.0.2.1:8470", "ftp://x", "https://a@b", "x"])
    async def test_goes_over_https_or_loopback_alone(self, server, huijian, monkeypatch, address):
        monkeypatch.setenv("HUIJIAN_TOKEN", "usr_x")
        for command in (("admin", "sites", "list"), ("login", "--as", "clerk", "--password-stdin")):
            monkeypatch.setattr("sys.stdin", io.StringIO("x\n"))
            assert (await asyncio.to_thread(huijian, *command, "--server", address)).code in (1, 2)

    async def test_a_server_that_does_not_answer_is_one_line(self, server, huijian, monkeypatch):
        monkeypatch.setenv("HUIJIAN_TOKEN", "usr_x")
        answer = await asyncio.to_thread(huijian, "admin", "sites", "list", "--server", "http://127.0.0.1:1")
        assert answer.code == 1 and answer.err.count("\n") == 1 and "没有应答" in answer.err


class TestThisMachine:
    async def test_a_command_that_asks_nothing_of_a_server_never_acts_here(self, there, place):
        for command in (
            ("admin", "history", "rebuild"),
            ("admin", "journal", "verify"),
            ("verify",),
            ("witness", "now"),
        ):
            answer = await there("admin", *command)
            assert answer.code == 1 and "own machine alone" in answer.err, command
        assert not (place / "data").exists()

    async def test_the_store_of_this_machine_is_not_touched(self, there, place):
        assert (await there("admin", "admin", "sites", "list")).code == 0
        assert not (place / "data").exists()


class TestAdministration:
    async def test_sites_and_rooms(self, there, front):
        add = ("admin", "sites", "add", "third-prison", "--kind", "prison", "--name", "第三监狱", "--policy", "yunnan")
        added = await there("admin", *add, "--json")
        assert added.code == 0 and added.json["id"] == "third-prison", added.err
        room = ("admin", "rooms", "add", "third-1", "--site", "third-prison", "--name", "一室", "--json")
        assert (await there("admin", *room)).json["site"] == "third-prison"
        assert (await there("admin", "admin", "rooms", "list", "--site", "third-prison", "--json")).json[0][
            "id"
        ] == "third-1"
        sites = (await there("admin", "admin", "sites", "list", "--json")).json
        assert set(sites[0]) == set(added.json) and "third-prison" in {site["id"] for site in sites}
        assert [entry.author for entry in await front.noted("RoomAdded")] == ["user:admin"]

    async def test_names_of_places_and_their_closing(self, there, front):
        renamed = await there("admin", "admin", "rooms", "rename", "p1", "--name", "一号视频室", "--json")
        assert renamed.code == 0 and renamed.json["name"] == "一号视频室", renamed.err
        busy = await there("admin", "admin", "rooms", "close", "p1", "--reason", "装修")
        assert busy.code == 1 and busy.err.count("\n") == 1, "its terminal acts for it"
        room = ("admin", "rooms", "add", "p9", "--site", "first-prison", "--name", "九室", "--json")
        assert (await there("admin", *room)).code == 0
        assert (await there("admin", "admin", "rooms", "close", "p9")).code == 2, "a reason is asked for"
        closed = await there("admin", "admin", "rooms", "close", "p9", "--reason", "装修", "--json")
        assert closed.code == 0 and closed.json["closed_at"], closed.err
        opened = await there("admin", "admin", "rooms", "reopen", "p9", "--reason", "完工", "--json")
        assert opened.json["closed_at"] is None, opened.err
        site = await there("admin", "admin", "sites", "rename", "panlong", "--name", "盘龙区局", "--json")
        assert site.json["name"] == "盘龙区局", site.err
        (entry,) = await front.noted("RoomClosed")
        assert (entry.author, json.loads(entry.data)) == ("user:admin", {"room": "p9", "reason": "装修"})

    async def test_refusals_of_the_server_are_one_line_in_both_languages(self, there):
        answer = await there("auditor", "admin", "rooms", "add", "x-1", "--site", "first-prison", "--name", "x")
        assert answer.code == 1 and answer.err.count("\n") == 1
        assert any("\u4e00" <= sign <= "\u9fff" for sign in answer.err) and any(
            "a" <= sign <= "z" for sign in answer.err
        )

    async def test_keys(self, there):
        made = await there("admin", "admin", "keys", "add", "省预约平台", "--password-stdin", "--json")
        assert made.code == 0 and made.json["key"].startswith("key_"), made.err
        listed = (await there("auditor", "admin", "keys", "list", "--json")).json
        assert made.json["id"] in {key["id"] for key in listed} and made.json["key"] not in str(listed)
        revoke = ("admin", "keys", "revoke", made.json["id"], "--json")
        assert (await there("admin", *revoke)).code == 2, "a server asks for a reason"
        assert (await there("admin", *revoke, "--reason", "更换")).json["revoked"] is True
        assert (await there("admin", "admin", "keys", "add", "x", "--password-stdin", typed="wrong")).code == 1

    async def test_codes_for_terminals_and_their_register(self, there):
        code = await there("admin", "admin", "terminals", "enrol", "p1", "--replace", "--password-stdin", "--json")
        assert code.code == 0 and code.json["room"] == "p1" and code.json["code"], code.err
        terminals = (await there("admin", "admin", "terminals", "list", "--json")).json
        assert terminals and {"id", "room", "state", "fingerprint"} <= set(terminals[0])
        revoked = await there("admin", "admin", "terminals", "revoke", terminals[0]["id"], "--reason", "报废", "--json")
        assert revoked.json["revoked"] is True, revoked.err

    async def test_users(self, there, server):
        invite = ("admin", "users", "invite", "qian", "--name", "钱", "--role", "supervisor", "--site", "first-prison")
        made = await there("admin", *invite, "--password-stdin", "--json")
        assert made.code == 0 and made.json["link"].startswith(f"{server}/invitation#"), made.err
        users = {user["id"]: user for user in (await there("admin", "admin", "users", "list", "--json")).json}
        assert users["qian"]["disabled"] is False and "password_hash" not in users["qian"]
        assert (await there("admin", "admin", "users", "disable", "clerk", "--reason", "调离")).code == 0
        waits = await there("admin", "admin", "users", "enable", "clerk", "--password-stdin", "--json")
        assert waits.code == 0 and waits.json["change"].startswith("chg_"), waits.err
        pending = (await there("auditor", "admin", "users", "pending", "--json")).json
        assert [row["change"] for row in pending] == [waits.json["change"]]
        decided = await there(
            "auditor", "admin", "users", "confirm", waits.json["change"], "--password-stdin", "--json"
        )
        assert decided.code == 0 and decided.json["state"] == "confirmed", decided.err

    async def test_slots(self, there, front):
        session = await front.visit()
        slot = await front.store.slot_of_session(session)
        listed = (await there("clerk", "admin", "slots", "list", "--day", DAY, "--json")).json
        assert [(row["id"], row["session"], row["minutes"]) for row in listed] == [(slot.id, session, slot.minutes)]
        assert "刘某甲" not in str(listed)
        assert (await there("approver", "admin", "slots", "cancel", slot.id, "--json")).json["cancelled"] is True
        assert (await there("clerk", "admin", "slots", "rebookings", "--json")).json == []


class TestAuditors:
    async def test_the_journal_and_its_export(self, there, front, place):
        session = await front.visit()
        for number in range(3):
            front.context.journal.note("SlotApproved", session, "user:approver", {"number": number})
        await front.context.journal.flush()
        listed = (await there("auditor", "admin", "journal", "list", "--session", session, "--json")).json
        assert [row["data"]["number"] for row in listed] == [0, 1, 2], "and not the looks at the journal"
        export = ("admin", "journal", "export", "--from", DAY, "--reason", "法院调取", "--json")
        made = await there("auditor", *export)
        assert made.code == 0, made.err
        file = place / made.json["file"]
        settings = front.context.settings
        assert check(file, trusted(settings.keys_dir, settings.archive_signing)).findings == []
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert (await there("prison-sup", *export, "--out", "other.zip")).code == 1 and not (
            place / "other.zip"
        ).exists()

    async def test_holds(self, there, front):
        session = await recorded_visit(front)
        held = await there("auditor", "hold", "add", session, "--reason", "调取", "--json")
        assert held.code == 0 and held.json == {"hold": 1, "session": session, "by": "auditor"}, held.err
        assert [row["session"] for row in (await there("auditor", "hold", "list", "--json")).json] == [session]
        lifted = await there("auditor", "hold", "lift", session, "--reason", "结案", "--json")
        assert lifted.json == {"lifted": 1, "session": session}, lifted.err
        assert (await there("auditor", "hold", "add", "--site", "first-prison", "--reason", "x")).code == 2

    async def test_a_ledger_with_its_signature(self, there, front, place):
        await front.visit()
        made = await there("auditor", "ledger", "first-prison", "--day", DAY, "--json")
        assert made.code == 0 and made.json["visits"] == 1, made.err
        assert (place / f"{made.json['file']}.sig.json").exists()
        public = await there("auditor", "ledger", "first-prison", "--day", DAY, "--format", "zip", "--public", "--json")
        assert public.code == 0 and public.json["file"].endswith("-public.zip"), public.err

    async def test_packages(self, there, front):
        session = await recorded_visit(front)
        asked = await there(
            "auditor", "export", "request", session, "--receiver", "某法院", "--reason", "举证", "--json"
        )
        assert asked.code == 0 and asked.json["state"] == "requested" and asked.json["by"] == "auditor", asked.err
        listed = (await there("admin", "export", "list", "--json")).json
        assert [row["id"] for row in listed] == [asked.json["id"]] and set(listed[0]) == set(asked.json)
        refused = await there("admin", "export", "refuse", asked.json["id"], "--reason", "缺少依据", "--json")
        assert refused.json["state"] == "refused" and refused.json["decided_by"] == "admin", refused.err

    async def test_a_plan_of_a_purge(self, there):
        plan = await there("auditor", "purge", "--json")
        assert plan.code == 0 and plan.json["recordings"] == 0, plan.err
        assert "Nothing was deleted" in (await there("auditor", "purge")).out
        assert (await there("auditor", "purge", "issue")).code == 1

    async def test_visits_are_searched_with_the_sign_in(self, there, front):
        await front.visit()
        found = await there("auditor", "visits", "search", "--inmate", "刘", "--json")
        assert found.code == 0, found.err


async def test_a_token_that_is_over_says_so(front, server, huijian):
    stored.keep(server, "clerk", await front.store.issue_user_token("clerk", timedelta(seconds=-1)))
    answer = await asyncio.to_thread(huijian, "admin", "slots", "list", "--server", server)
    assert answer.code == 1 and answer.err.count("\n") == 1


def test_help_teaches_it(huijian):
    answer = huijian("admin", "sites", "list", "--help")
    assert "--server" in answer.out and "login" in answer.out
    assert "login" in huijian("--help").out and "HUIJIAN_SERVER" in huijian("--help").out
