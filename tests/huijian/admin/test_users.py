"""Invitations and lost second factors on the command line."""

import asyncio
import json

import pytest

from broker.control.store.sign_in.factors import Factor
from broker.control.store.store import Store

LI = ("admin", "users", "invite", "li", "--name", "李", "--role", "supervisor", "--site", "panlong")


@pytest.fixture
def store(huijian, sites, place):
    """Return a function that runs work with the store of the commands."""

    def run(work):
        async def opened():
            async with Store(f"sqlite+aiosqlite:///{place / 'data' / 'huijian.sqlite'}") as store:
                return await work(store)

        return asyncio.run(opened())

    return run


class TestInvitations:
    def test_give_a_link_once_for_an_officer_without_a_password(self, huijian, sites, store):
        made = huijian(*LI, "--pages", "https://huijian.example/", "--json")
        assert made.code == 0 and made.json["link"].startswith("https://huijian.example/invitation#inv_")
        assert store(lambda store: store.user_named("li")).password_hash == ""
        token = made.json["link"].partition("#")[2]
        assert store(lambda store: store.redeem_invitation(token, "quiet mountain river")).id == "li"
        assert huijian(*LI, "--again").code == 1  # the officer has a password now

    def test_write_the_link_into_a_closed_file_and_replace_a_lost_one(self, huijian, sites, store, tmp_path):
        file = tmp_path / "li.link"
        made = huijian(*LI, "--link-file", str(file), "--json")
        assert "link" not in made.json and file.stat().st_mode & 0o777 == 0o600
        again = huijian(*LI, "--again", "--json").json["link"].partition("#")[2]
        first = file.read_text().strip().partition("#")[2]
        with pytest.raises(Exception, match="not valid"):
            store(lambda store: store.redeem_invitation(first, "quiet mountain river"))
        assert store(lambda store: store.redeem_invitation(again, "quiet mountain river")).id == "li"

    def test_are_made_again_only_for_an_officer_who_was_invited(self, huijian, sites):
        refused = huijian(*LI, "--again", "--json")
        assert refused.code == 1 and "invitation#" not in refused.out
        assert "OfficerInvited" not in huijian("admin", "journal", "list", "--json").out


class TestLostFactors:
    def test_of_the_only_auditor_are_reset_at_once_so_that_nobody_is_locked_out(self, huijian, sites, store):
        add = ("admin", "users", "add", "shen", "--name", "沈", "--role", "auditor", "--generate", "--json")
        password = huijian(*add).json["password"]

        async def lose(store):
            await store.add_factor(Factor("fac_1", "shen", "totp", "x", "sealed", 1, store.clock.now().wall))

        store(lose)
        assert huijian("admin", "users", "reset-factors", "shen", "--json").json == {"id": "shen"}
        assert store(lambda store: store.factors("shen")) == []
        journal = huijian("admin", "journal", "list", "--json").out
        assert "SecondFactorsReset" in journal and password not in journal
        assert json.loads(huijian("admin", "users", "list", "--json").out)[0]["id"] == "shen"
