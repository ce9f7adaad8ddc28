"""Sign-in over REST: tokens, cookies, journal entries and rate limits."""

import asyncio
import json
from datetime import datetime, timedelta

import pytest

from signaling.server.client_address import Proxies
from tests.support.signaling.front import PASSWORD

RIGHT = {"user": "prison-sup", "password": PASSWORD}
WRONG = {"user": "prison-sup", "password": "not the password"}
IN, OUT, ME = "/api/v1/sign-in", "/api/v1/sign-out", "/api/v1/me"


async def cookie(front, headers):
    """Sign in with these headers, and return the session's cookie as a header of the next request."""
    answer = await front.client.post(IN, json=RIGHT, headers=headers)
    return {"Cookie": f"__Host-huijian={answer.cookies['__Host-huijian'].value}"}


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
        front.journal.note_counts()
        (refused,) = await front.noted("RefusalsCounted")
        assert json.loads(refused.data)["accounts"] == {"prison-sup": 1} and "wrong-box" not in refused.data

    async def test_the_next_request_comes_over_another_connection(self, front):
        answer = await front.ask("POST", IN, json=RIGHT)
        assert answer.headers["Connection"] == "close"

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
        assert not plain.cookies["huijian"]["secure"]
        cookie = tls.cookies["__Host-huijian"]
        assert cookie["secure"] and (cookie["path"], cookie["domain"]) == ("/", "")

    async def test_the_plain_name_is_for_loopback_alone(self, front):
        for headers in ({"X-Forwarded-For": "192.0.2.1"}, {"Host": "huijian.example"}):
            answer = await front.client.post(IN, json=RIGHT, headers=headers)
            assert all(name.startswith("__Host-") for name in answer.cookies) and len(answer.cookies) == 2
        token = {"Cookie": f"huijian={front.tokens['prison-sup']}"}
        assert (await front.client.get(ME, headers=token)).status == 200
        await front.refused("not_signed_in", "GET", ME, headers=token | {"Host": "huijian.example"})
        await front.refused("not_signed_in", "GET", ME, headers=token | {"X-Forwarded-For": "192.0.2.1"})

    async def test_signing_out_deletes_the_cookie_that_was_set(self, front):
        asked = {"X-Forwarded-Proto": "https", "Host": "huijian.example", "Origin": "https://huijian.example"}
        answer = await front.ask("POST", OUT, headers=asked | await cookie(front, asked))
        gone = answer.cookies["__Host-huijian"]
        assert (gone.value, gone["secure"], gone["path"], gone["max-age"]) == ("", True, "/", "0")
        assert "huijian" not in answer.cookies

    @pytest.mark.parametrize(
        ("origin", "headers"),
        [
            ("https://huijian.example", {"Host": "huijian.example:443"}),
            ("https://huijian.example", {"Host": "HUIJIAN.example."}),
            ("https://huijian.example", {"Host": "huijian.example", "X-Forwarded-Proto": "https, http"}),
            ("https://huijian.example:8443", {"Host": "10.0.0.3:8470", "X-Forwarded-Host": "huijian.example:8443"}),
            ("https://huijian.example:8443", {"Host": "huijian.example", "X-Forwarded-Port": "8443"}),
            ("https://huijian.example:8443", {"Host": "huijian.example", "Sec-Fetch-Site": "same-origin"}),
            (
                "https://huijian.example:8443",
                {"Host": "10.0.0.3:8470", "Forwarded": 'for=192.0.2.1;proto=https;host="huijian.example:8443"'},
            ),
        ],
    )
    async def test_signing_out_works_however_a_proxy_names_the_server(self, front, origin, headers):
        signed_in = await cookie(front, headers)
        assert (await front.ask("POST", OUT, headers={"Origin": origin, **headers, **signed_in})).status == 204

    async def test_the_page_of_another_scheme_or_port_is_another_site(self, front):
        asked = {"Host": "huijian.example", "X-Forwarded-Proto": "https"}
        asked |= await cookie(front, asked)
        for origin in ("http://huijian.example", "https://huijian.example:8443"):
            await front.refused("forbidden", "POST", OUT, headers={**asked, "Origin": origin})

    async def test_a_client_that_is_no_trusted_proxy_names_no_server(self, front, monkeypatch):
        monkeypatch.setattr(Proxies, "trusts", lambda *_: False)
        forged = {"Origin": "https://evil.example", "X-Forwarded-Host": "evil.example"}
        await front.refused("forbidden", "POST", OUT, headers=forged | await cookie(front, forged))


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

    async def test_each_client_has_a_limit_of_its_own_also_where_the_proxy_names_its_port(self, front):
        for number in range(31):
            forwarded = {"X-Forwarded-For": f"[2001:db8:0:{number // 30}::1]:{50000 + number}"}
            last = await front.client.post(IN, json={**WRONG, "user": f"u{number}"}, headers=forwarded)
        assert last.status == 401
        again = {"X-Forwarded-For": "2001:db8:0:0::2"}
        assert (await front.client.post(IN, json={**WRONG, "user": "u"}, headers=again)).status == 429

    async def test_refusals_of_strangers_are_counted_and_no_rows(self, front):
        for number in range(40):
            forwarded = {"X-Forwarded-For": f"198.51.{number % 4}.{number}"}
            await front.client.post(IN, json={**WRONG, "user": f"u{number}"}, headers=forwarded)
        assert await front.noted("SignInRefused") == []
        front.journal.note_counts()
        (counted,) = await front.noted("RefusalsCounted")
        refusal = {"kind": "SignInRefused", "code": "not_signed_in", "count": 40, "prefixes": 4}
        assert json.loads(counted.data) == {"refusals": [refusal]}

    async def test_an_attack_is_one_entry_a_minute_with_the_account_and_what_was_tried(self, front):
        for number in range(40):
            await front.client.post(IN, json=WRONG, headers={"X-Forwarded-For": f"192.0.2.{number % 4}"})
        front.clock.forward(timedelta(minutes=1))
        front.context.sign_ins.write_attacks()
        first, rest = await front.noted("AccountAttacked")
        assert json.loads(first.data) == {"user": "prison-sup", "wrong": 10, "limited": 0, "places": 4}
        assert json.loads(rest.data) == {"user": "prison-sup", "wrong": 10, "limited": 20, "places": 4}
        assert front.context.sign_ins.attacks.refused == 40

    async def test_the_officers_own_device_is_let_in_beside_it_also_from_the_same_address(self, front):
        signed_in = await front.client.post(IN, json=RIGHT, headers={"X-Forwarded-For": "192.0.2.1"})
        device = {"Cookie": f"__Host-huijian-device={signed_in.cookies['__Host-huijian-device'].value}"}
        assert "prison-sup" not in device["Cookie"]
        for number in range(100):
            await front.client.post(IN, json=WRONG, headers={"X-Forwarded-For": f"192.0.2.{1 + number % 10}"})
        at_home = device | {"X-Forwarded-For": "192.0.2.1"}
        assert (await front.client.post(IN, json=WRONG, headers=at_home)).status == 401
        assert (await front.client.post(IN, json=RIGHT, headers=at_home)).status == 200
        assert (await front.client.post(IN, json=RIGHT, headers={"X-Forwarded-For": "192.0.2.1"})).status == 429

    async def test_a_device_cookie_opens_nothing_by_itself_and_counts_for_its_accounts_alone(self, front):
        signed_in = await front.client.post(IN, json=RIGHT, headers={"X-Forwarded-For": "192.0.2.1"})
        device = {"Cookie": f"__Host-huijian-device={signed_in.cookies['__Host-huijian-device'].value}"}
        await front.refused("not_signed_in", "GET", ME, headers=device)
        other = {**WRONG, "user": "visitor-sup"}
        for _ in range(6):
            last = await front.client.post(IN, json=other, headers=device | {"X-Forwarded-For": "192.0.2.9"})
        assert last.status == 429

    async def test_sign_ins_by_script_are_some_rows_and_a_count(self, front):
        for _ in range(40):
            assert (await front.client.post(IN, json=RIGHT)).status == 200
        assert len(await front.noted("SignedIn")) == 30
        front.journal.note_counts()
        (counted,) = await front.noted("RequestsCounted")
        assert json.loads(counted.data) == {"kinds": {"SignedIn": 10}}

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
