"""Commands at a server that could let one person act as another: new passwords by a link, one's own password, the way
out when no second officer is left, and terminals whose key was used in two places."""

import json
import stat
from datetime import timedelta

import pytest

from tests.support.signaling.front import PASSWORD, settle


class TestANewPassword:
    async def test_is_set_by_its_officer_through_a_link_once_a_second_officer_has_confirmed_it(
        self, there, server, place
    ):
        passwd = ("admin", "users", "passwd", "clerk", "--link-file", "clerk.link", "--password-stdin", "--json")
        made = await there("admin", *passwd)
        assert made.code == 0 and made.json["change"].startswith("chg_") and "link" not in made.json, made.err
        link = place / "clerk.link"
        assert link.read_text().startswith(f"{server}/invitation#") and stat.S_IMODE(link.stat().st_mode) == 0o600
        done = await there("auditor", "admin", "users", "confirm", made.json["change"], "--password-stdin", "--json")
        assert done.code == 0 and done.json["kind"] == "password", done.err

    @pytest.mark.parametrize("option", [("--generate",), ("--generate", "--password-file", "x")])
    async def test_is_never_one_that_another_person_has_made(self, there, place, option):
        answer = await there("admin", "admin", "users", "passwd", "clerk", *option)
        assert answer.code == 2 and "--link-file" in answer.err and not (place / "x").exists()

    async def test_asks_for_the_own_password(self, there):
        passwd = ("admin", "users", "passwd", "clerk", "--password-stdin")
        assert (await there("admin", *passwd, typed="wrong")).code == 1


class TestOnesOwnPassword:
    async def test_takes_the_present_one_and_ends_the_sign_in(self, front, there):
        own = ("admin", "users", "own-passwd", "--password-stdin", "--json")
        wrong = await there("clerk", *own, typed=f"wrong\n{PASSWORD}-2")
        assert wrong.code == 1 and wrong.err.count("\n") == 1
        done = await there("clerk", *own, typed=f"{PASSWORD}\n{PASSWORD}-2")
        assert done.code == 0 and done.json == {"id": "clerk"} and "重新登录" in done.err, done.err
        await front.refused("not_signed_in", "GET", "/api/v1/me", "clerk")
        assert [entry.author for entry in await front.noted("OwnPasswordSet")] == ["user:clerk"]


class TestWithoutASecondOfficer:
    async def test_a_change_takes_effect_after_the_long_wait_alone(self, front, there):
        asked = await there("admin", "admin", "users", "reset-factors", "clerk", "--password-stdin", "--json")
        force = (
            "admin",
            "users",
            "force",
            asked.json["change"],
            "--reason",
            "无人可确认",
            "--password-stdin",
            "--json",
        )
        early = await there("admin", *force)
        assert early.code == 1 and early.err.startswith("huijian: "), early.err
        front.clock.forward(timedelta(days=8))
        front.tokens = {**front.tokens, "admin": await front.store.issue_user_token("admin", timedelta(hours=1))}
        done = await there("admin", *force)
        assert done.code == 0 and done.json["state"] == "forced" and "告警" in done.err, done.err
        (entry,) = await front.noted("AccountChangeForced")
        assert entry.author == "user:admin" and json.loads(entry.data)["reason"] == "无人可确认"


class TestATerminalWhoseKeyWasUsedInTwoPlaces:
    async def test_is_admitted_again_by_its_room_with_a_reason(self, front, there):
        readmit = ("admin", "terminals", "readmit", "p1")
        none = await there("admin", *readmit, "--reason", "已查明")
        assert none.code == 1 and "没有待处理的终端身份冲突" in none.err
        (terminal,) = [each for each in await front.store.terminals() if each.room == "p1"]
        await front.store.conflict_terminal(terminal.id)
        await settle(front.store)
        assert (await there("admin", *readmit)).code == 2, "a server asks for a reason"
        done = await there("admin", *readmit, "--reason", "已查明并销毁", "--json")
        assert done.code == 0 and done.json == {"id": terminal.id, "room": "p1", "readmitted": True}, done.err
        (entry,) = await front.noted("TerminalReadmitted")
        assert entry.author == "user:admin" and json.loads(entry.data)["reason"] == "已查明并销毁"
