"""Sign-in over REST: tokens, cookies, journal entries and rate limits."""

import asyncio
import json
from datetime import datetime, timedelta

import pytest

from tests.support.signaling.front import PASSWORD

RIGHT = {"user": "prison-sup", "password": PASSWORD}
WRONG = {"user": "prison-sup", "password": "not the password"}
IN, OUT, ME = "/api/v1/sign-in", "/api/v1/sign-out", "/api/v1/me"


def own(front):
    return {"Origin": str(front.client.make_url("/")).rstrip("/")}


class TestSignIn:
    async def test_the_right_password_gives_a_token_for_twelve_hours(self, front):
        data = (await front.ask("POST", IN, json=RIGHT)).data
        assert data["user"] == {
            "id": "prison-sup",
            "name": "prison-sup 名",
            "role": "supervisor",
            "site": "first-prison",
        }
        assert datetime.fromisoformat(data["expires_at"]) == front.clock.now().wall + timedelta(hours=12)
        me = await front.ask("GET", ME, data["token"])
        assert me.data["who"]["id"] == "prison-sup"
        front.clock.forward(timedelta(hours=12, seconds=1))
        await front.refused("not_signed_in", "GET", ME, data["token"])

    async def test_an_unknown_user_and_a_wrong_password_look_the_same(self, front):
        wrong = await front.refused("not_signed_in", "POST", IN, json=WRONG)
        unknown = await front.refused("not_signed_in", "POST", IN, json={**WRONG, "user": "nobody"})
        assert wrong.data == unknown.data

    async def test_a_barred_user_stays_outside(self, front):
        await front.store.disable_user("prison-sup")
        await front.refused("not_signed_in", "POST", IN, json=RIGHT)

    async def test_it_is_journaled_with_the_account_and_never_with_a_name_that_is_none(self, front):
        await front.ask("POST", IN, json=RIGHT)
        await front.refused("not_signed_in", "POST", IN, json=WRONG)
        await front.refused("not_signed_in", "POST", IN, json={**WRONG, "user": "my-secret-in-the-wrong-box"})
        assert [one.author for one in await front.noted("SignedIn")] == ["user:prison-sup"]
        account, unknown = await front.noted("SignInRefused")
        assert json.loads(account.data)["user"] == "prison-sup"
        assert "user" not in json.loads(unknown.data) and "wrong-box" not in unknown.data

    @pytest.mark.parametrize(
        ("caller", "kind"), [("p1", "terminal"), ("booking", "integrator"), ("auditor", "user"), ("prison-sup", "user")]
    )
    async def test_each_caller_can_ask_for_its_identity(self, front, caller, kind):
        data = (await front.ask("GET", ME, caller)).data["who"]
        assert data["kind"] == kind
        assert data["sessions_per_supervisor"] == (2 if caller == "prison-sup" else None)


class TestBehindAProxy:
    async def test_the_cookie_is_for_tls_alone_where_the_browser_speaks_tls_to_a_proxy(self, front):
        plain = await front.client.post(IN, json=RIGHT)
        tls = await front.client.post(IN, json=RIGHT, headers={"X-Forwarded-Proto": "https"})
        assert not plain.cookies["huijian"]["secure"] and tls.cookies["huijian"]["secure"]


class TestTheLimit:
    async def test_guessing_for_one_user_is_stopped_also_from_many_connections(self, front):
        answers = await asyncio.gather(*(front.client.post(IN, json=WRONG) for _ in range(12)))
        assert sorted(one.status for one in answers) == [401] * 5 + [429] * 7
        refused = await front.refused("too_many", "POST", IN, json=RIGHT)
        wait = int(refused.headers["Retry-After"])
        front.clock.forward(timedelta(seconds=wait))
        assert (await front.ask("POST", IN, json=RIGHT)).status == 200

    async def test_guessing_users_from_one_address_is_stopped(self, front):
        statuses = [(await front.client.post(IN, json={**WRONG, "user": f"u{number}"})).status for number in range(32)]
        assert statuses == [401] * 30 + [429] * 2

    async def test_guesses_from_elsewhere_do_not_lock_an_officer_out(self, front):
        for number in range(20):
            await front.client.post(IN, json=WRONG, headers={"X-Forwarded-For": f"192.0.2.{number % 5}"})
        answer = await front.client.post(IN, json=RIGHT, headers={"X-Forwarded-For": "198.51.100.7"})
        assert answer.status == 200

    async def test_behind_a_trusted_proxy_addresses_are_limited_one_by_one(self, front):
        for number in range(31):
            forwarded = {"X-Forwarded-For": f"10.9.9.9, 192.0.2.{1 + number // 30}"}
            last = await front.client.post(IN, json={**WRONG, "user": f"u{number}"}, headers=forwarded)
        assert last.status == 401

    async def test_refusals_that_are_not_journaled_are_counted(self, front):
        for number in range(40):
            await front.client.post(IN, json={**WRONG, "user": f"u{number}"})
        front.context.note_skipped()
        (skipped,) = await front.noted("RefusalsSkipped")
        assert json.loads(skipped.data) == {"kind": "SignInRefused", "count": 10}

    async def test_a_right_password_uses_up_no_limit(self, front):
        for _ in range(40):
            assert (await front.client.post(IN, json=RIGHT)).status == 200


class TestTheCookie:
    async def cookie(self, front):
        answer = await front.ask("POST", IN, json=RIGHT)
        return answer.cookies["huijian"]

    async def test_scripts_and_other_origins_cannot_read_it(self, front):
        cookie = await self.cookie(front)
        assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", "/")

    async def test_it_reads_from_anywhere_but_changes_only_from_the_servers_pages(self, front):
        await self.cookie(front)
        assert (await front.ask("GET", ME)).status == 200
        await front.refused("forbidden", "POST", OUT)
        for origin in ("https://evil.example", "null", "http://[", f"{own(front)['Origin']}.evil.example"):
            await front.refused("forbidden", "POST", OUT, headers={"Origin": origin})
        assert (await front.ask("POST", OUT, headers=own(front))).status == 204

    async def test_a_bearer_token_needs_no_origin_and_beats_the_cookie(self, front):
        await self.cookie(front)
        data = (await front.ask("GET", ME, "visitor-sup")).data
        assert data["who"]["id"] == "visitor-sup"
        await front.refused("not_signed_in", "GET", ME, "usr_wrong_wrong")
        await front.refused("not_signed_in", "GET", ME, headers={"Authorization": "Basic cDpw"})

    async def test_a_terminals_token_is_no_cookie(self, front):
        front.client.session.cookie_jar.update_cookies({"huijian": front.tokens["p1"]})
        await front.refused("not_signed_in", "GET", ME)

    async def test_signing_out_ends_the_token(self, front):
        token = (await self.cookie(front)).value
        answer = await front.ask("POST", OUT, headers=own(front))
        assert answer.cookies["huijian"].value == ""
        await front.refused("not_signed_in", "GET", ME, token)
