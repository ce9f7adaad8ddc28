"""Second factors over HTTP: enrolment at the first sign-in, the second step, and what may be changed by which proof."""

import asyncio
import json
import string
from datetime import timedelta

import pytest

from broker.control.store.sign_in.factors import Factor
from signaling.auth.factors import totp
from signaling.server.app import ROUTES
from tests.support.signaling.front import OFFER, PASSWORD
from tests.support.signaling.second_factor import BY_FACTOR, FACTORS, IN, App, add_app, enrolled, ticket_of

OWN = {"password": PASSWORD}


async def signs_in(front, user="auditor"):
    answer = await front.ask("POST", IN, json={"user": user, "password": PASSWORD})
    front.client.session.cookie_jar.clear()
    return answer.data


async def second_step(front, ticket, headers=None, **proof):
    answer = await front.ask("POST", BY_FACTOR, json={"ticket": ticket, "proof": proof}, headers=headers or {})
    front.client.session.cookie_jar.clear()
    return answer


class TestTheFirstSignIn:
    @pytest.mark.parametrize("user", ["auditor", "approver", "admin", "prison-admin"])
    async def test_of_a_role_that_needs_a_factor_is_for_setting_one_up_and_nothing_else(self, front, user):
        data = await signs_in(front, user)
        token = data["token"]
        assert data["must_enrol"] is True
        assert (await front.ask("GET", "/api/v1/me", token)).data["who"]["must_enrol"] is True
        for method, path in (("GET", "/api/v1/slots"), ("GET", "/api/v1/overview"), ("GET", "/api/v1/me/sessions")):
            await front.refused("second_factor_missing", method, path, token)
        listed = (await front.ask("GET", FACTORS, token)).data
        assert listed == {"required": True, "factors": [], "recovery_codes_left": 0}

    async def test_opens_no_socket_and_reads_no_metrics(self, front):
        token = (await signs_in(front))["token"]
        headers = {"Authorization": f"Bearer {token}"}
        async with front.client.ws_connect("/api/v1/ws", protocols=["huijian.v1"], headers=headers) as socket:
            await socket.receive()
            assert socket.close_code == 4003
        assert (await front.client.get("/metrics", headers=headers)).status == 403

    async def test_refuses_every_other_row(self, front):
        token = (await signs_in(front, "admin"))["token"]
        for route in (row for row in ROUTES if "admin" in row.roles and not row.enrolling):
            path = route.path.replace("{side}", "prison").replace("{", "x-").replace("}", "")
            await front.refused("second_factor_missing", route.method, path, token, data=OFFER)

    async def test_becomes_a_full_one_by_the_first_code_and_gives_ten_recovery_codes(self, front):
        other = (await signs_in(front))["token"]
        app, token = await enrolled(front)
        assert len(app.codes) == 10
        assert (await front.ask("GET", "/api/v1/slots", token)).status == 200
        await front.refused("not_signed_in", "GET", "/api/v1/me", other)
        listed = (await front.ask("GET", FACTORS, token)).data
        assert [(each["kind"], each["name"]) for each in listed["factors"]] == [("totp", "手机")]
        assert listed["recovery_codes_left"] == 10
        (added,) = await front.noted("SecondFactorAdded")
        assert added.author == "user:auditor" and app.secret not in added.data

    async def test_lasts_half_an_hour_for_setting_up_and_is_no_usual_place(self, front):
        answer = await front.client.post(IN, json={"user": "auditor", "password": PASSWORD})
        assert set(answer.cookies) == {"huijian"}  # and no cookie of a known device
        token = (await answer.json())["token"]
        front.client.session.cookie_jar.clear()
        front.clock.forward(timedelta(minutes=30))
        await front.refused("not_signed_in", "GET", FACTORS, token)

    async def test_of_a_supervisor_needs_none_and_one_may_be_added(self, front):
        data = await signs_in(front, "prison-sup")
        assert data["must_enrol"] is False
        app = await add_app(front, data["token"], "prison-sup", **OWN)
        assert len(app.codes) == 10
        ticket = await ticket_of(front, "prison-sup")
        assert (await second_step(front, ticket, code=app.next_code())).status == 200

    async def test_wrong_and_late_codes_add_nothing(self, front):
        token = (await signs_in(front))["token"]
        begun = (await front.ask("POST", f"{FACTORS}/totp/begin", token, json={})).data
        assert begun["secret"] in begun["address"] and begun["qr"]["path"].startswith("M")
        confirm = {"state": begun["state"], "name": "手机"}
        wrong = f"{(int(totp.code_at(begun['secret'], front.clock.now().wall)) + 1) % 10**6:06}"
        await front.refused("forbidden", "POST", f"{FACTORS}/totp", token, json=confirm | {"code": wrong})
        front.clock.forward(timedelta(minutes=10))
        right = totp.code_at(begun["secret"], front.clock.now().wall)
        await front.refused("bad_request", "POST", f"{FACTORS}/totp", token, json=confirm | {"code": right})
        assert (await front.ask("GET", FACTORS, token)).data["factors"] == []

    async def test_a_state_of_another_account_is_refused(self, front):
        mine, other = (await signs_in(front))["token"], (await signs_in(front, "admin"))["token"]
        begun = (await front.ask("POST", f"{FACTORS}/totp/begin", other, json={})).data
        code = totp.code_at(begun["secret"], front.clock.now().wall)
        body = {"state": begun["state"], "code": code, "name": "手机"}
        await front.refused("bad_request", "POST", f"{FACTORS}/totp", mine, json=body)

    async def test_ends_when_another_sign_in_of_the_account_sets_a_factor_up(self, front):
        token = (await signs_in(front))["token"]
        begun = (await front.ask("POST", f"{FACTORS}/totp/begin", token, json={})).data
        await add_app(front, "auditor", "auditor", **OWN)  # a full sign-in from before the upgrade
        code = totp.code_at(begun["secret"], front.clock.now().wall)
        body = {"state": begun["state"], "code": code, "name": "手机"}
        await front.refused("not_signed_in", "POST", f"{FACTORS}/totp", token, json=body)

    async def test_adds_no_factor_to_an_account_that_has_one_by_now(self, front):
        token = (await signs_in(front))["token"]
        begun = (await front.ask("POST", f"{FACTORS}/totp/begin", token, json={})).data
        await front.store.add_factor(Factor("fac_1", "auditor", "totp", "x", "sealed", 1, front.clock.now().wall))
        code = totp.code_at(begun["secret"], front.clock.now().wall)
        body = {"state": begun["state"], "code": code, "name": "手机"}
        await front.refused("conflict", "POST", f"{FACTORS}/totp", token, json=body)
        await front.refused("conflict", "POST", f"{FACTORS}/totp/begin", token, json={})
        assert [factor.id for factor in await front.store.factors("auditor")] == ["fac_1"]


class TestTheSecondStep:
    async def test_follows_the_password_and_gives_the_token(self, front):
        app, _ = await enrolled(front)
        asked = await front.refused("second_factor_needed", "POST", IN, json={"user": "auditor", "password": PASSWORD})
        assert asked.data["methods"] == ["recovery", "totp"] and "Set-Cookie" not in asked.headers
        answer = await second_step(front, asked.data["ticket"], code=app.next_code())
        assert answer.status == 200 and answer.data["must_enrol"] is False and len(answer.cookies) == 2
        assert (await front.ask("GET", "/api/v1/slots", answer.data["token"])).status == 200
        assert json.loads((await front.noted("SignedIn"))[-1].data) == {"factor": "totp"}

    async def test_takes_a_code_once_also_from_two_at_the_same_time(self, front):
        app, _ = await enrolled(front)
        first, second = await ticket_of(front, "auditor"), await ticket_of(front, "auditor")
        code = app.next_code()
        answers = await asyncio.gather(*(second_step(front, ticket, code=code) for ticket in (first, second)))
        assert sorted(answer.status for answer in answers) == [200, 401]
        await front.refused("not_signed_in", "POST", BY_FACTOR, json={"ticket": second, "proof": {"code": code}})

    async def test_does_not_take_the_code_by_which_the_app_was_added(self, front):
        app, _ = await enrolled(front)
        ticket = await ticket_of(front, "auditor")
        assert (await second_step(front, ticket, code=app.code())).status == 401

    async def test_takes_the_code_of_one_step_before_but_none_older_than_the_last_one(self, front):
        app, _ = await enrolled(front)
        old = app.next_code()
        ticket = await ticket_of(front, "auditor")
        new = app.next_code()
        assert (await second_step(front, ticket, code=old)).status == 200
        assert (await second_step(front, await ticket_of(front, "auditor"), code=new)).status == 200
        assert (await second_step(front, await ticket_of(front, "auditor"), code=old)).status == 401

    async def test_takes_each_recovery_code_once_and_says_how_many_are_left(self, front):
        app, token = await enrolled(front)
        code = app.codes[3].upper().replace("-", " ")
        assert (await second_step(front, await ticket_of(front, "auditor"), recovery=code)).status == 200
        assert (await second_step(front, await ticket_of(front, "auditor"), recovery=code)).status == 401
        assert (await front.ask("GET", FACTORS, token)).data["recovery_codes_left"] == 9
        (used,) = await front.noted("RecoveryCodeUsed")
        assert json.loads(used.data) == {"left": 9}

    async def test_needs_a_ticket_of_this_server_that_is_not_too_old_and_was_not_used(self, front):
        app, _ = await enrolled(front)
        for ticket in ("A" * 60, "x" * 16):
            assert (await second_step(front, ticket, code=app.next_code())).status == 401
        ticket = await ticket_of(front, "auditor")
        assert (await second_step(front, ticket, code=app.next_code())).status == 200
        assert (await second_step(front, ticket, code=app.next_code())).status == 401
        late = await ticket_of(front, "auditor")
        front.clock.forward(timedelta(minutes=5))
        assert (await second_step(front, late, code=app.next_code())).status == 401

    async def test_counts_a_ticket_once_however_it_is_spelled(self, front):
        app, _ = await enrolled(front)
        ticket = await ticket_of(front, "auditor")
        if len(ticket) % 4 == 0:  # the last letter has no bit to spare
            front.clock.forward(timedelta(milliseconds=1))
            ticket = await ticket_of(front, "auditor")
        letters = f"{string.ascii_uppercase}{string.ascii_lowercase}{string.digits}-_"
        other = ticket[:-1] + letters[letters.index(ticket[-1]) + 1]
        assert (await second_step(front, other, code=app.next_code())).status == 200
        assert (await second_step(front, ticket, code=app.next_code())).status == 401

    async def test_a_new_password_and_a_barred_account_make_tickets_worthless(self, front):
        app, _ = await enrolled(front)
        ticket = await ticket_of(front, "auditor")
        await front.store.set_password("auditor", "another long secret")
        assert (await second_step(front, ticket, code=app.next_code())).status == 401
        ticket = await ticket_of(front, "auditor", "another long secret")
        await front.store.disable_user("auditor")
        assert (await second_step(front, ticket, code=app.next_code())).status == 401

    @pytest.mark.parametrize("proof", [{}, {"code": "12345"}, {"code": "1234567"}, {"code": "123456", "recovery": "x"}])
    async def test_a_proof_is_exactly_one_of_the_kinds(self, front, proof):
        await front.refused("bad_request", "POST", BY_FACTOR, json={"ticket": "A" * 60, "proof": proof})

    async def test_no_answer_and_no_entry_has_a_secret(self, front):
        app, token = await enrolled(front)
        await second_step(front, await ticket_of(front, "auditor"), code=app.next_code())
        await second_step(front, await ticket_of(front, "auditor"), recovery=app.codes[0])
        listed = await (await front.ask("GET", FACTORS, token)).text()
        kinds = ("SignedIn", "SecondFactorAdded", "RecoveryCodesMade", "RecoveryCodeUsed")
        written = listed + "".join([entry.data for kind in kinds for entry in await front.noted(kind)])
        assert app.secret not in written and not any(code in written for code in app.codes)
        (stored,) = await front.store.factors("auditor")
        assert app.secret not in stored.secret and app.secret not in repr(stored)


class TestGuessing:
    async def test_from_one_place_gets_five_and_then_one_in_two_minutes(self, front):
        app, _ = await enrolled(front)
        ticket = await ticket_of(front, "auditor")
        statuses = [(await second_step(front, ticket, code=f"{number:06}")).status for number in range(7)]
        assert statuses == [401] * 5 + [429] * 2
        front.clock.forward(timedelta(minutes=2))
        ticket = await ticket_of(front, "auditor")
        assert (await second_step(front, ticket, code=app.code())).status == 200

    @pytest.mark.parametrize("addresses", [1, 2, 1000])
    async def test_from_elsewhere_gets_ten_and_never_locks_the_officers_own_device_out(self, front, addresses):
        app, _ = await enrolled(front)
        home = {"X-Forwarded-For": "198.51.100.7"}
        ticket = await ticket_of(front, "auditor", headers=home)
        first = await second_step(front, ticket, home, code=app.next_code())
        device = home | {"Cookie": f"__Host-huijian-device={first.cookies['__Host-huijian-device'].value}"}
        ticket = await ticket_of(front, "auditor", headers=home)
        statuses = []
        for number in range(max(addresses, 40)):
            place = number % addresses
            headers = {"X-Forwarded-For": f"203.{place // 250}.{place % 250}.9"}
            statuses.append((await second_step(front, ticket, headers, code=f"{number:06}")).status)
        wrong = statuses.count(401)
        assert wrong == (5 if addresses == 1 else 10) and statuses.count(429) == len(statuses) - wrong
        ticket = await ticket_of(front, "auditor", headers=device)
        assert (await second_step(front, ticket, device, code=app.next_code())).status == 200
        ticket = await ticket_of(front, "auditor", headers=home)  # the usual address, by another browser
        assert (await second_step(front, ticket, home, recovery=app.codes[0])).status == 200

    async def test_of_recovery_codes_has_the_same_limits(self, front):
        app, _ = await enrolled(front)
        ticket = await ticket_of(front, "auditor")
        statuses = [(await second_step(front, ticket, recovery=f"abcd-efgh-{number}")).status for number in range(7)]
        assert statuses == [401] * 5 + [429] * 2
        assert (await second_step(front, ticket, recovery=app.codes[0])).status == 429

    async def test_is_journaled_with_the_account_and_seen_as_an_attack(self, front):
        await enrolled(front)
        ticket = await ticket_of(front, "auditor")
        for number in range(12):
            await second_step(front, ticket, code=f"{number:06}")
        refused = await front.noted("SecondFactorRefused")
        assert len(refused) == 12 and {entry.author for entry in refused} == {"user:auditor"}
        assert json.loads(refused[0].data) == {"kind": "totp", "why": "wrong"}
        (attack,) = await front.noted("AccountAttacked")
        assert json.loads(attack.data)["user"] == "auditor"


class TestChanges:
    async def test_another_app_needs_the_password_and_a_code(self, front):
        app, token = await enrolled(front)
        begin = f"{FACTORS}/totp/begin"
        await front.refused("forbidden", "POST", begin, token, json={})
        await front.refused("forbidden", "POST", begin, token, json=OWN)
        await front.refused("forbidden", "POST", begin, token, json={"password": "wrong", "proof": await app.proof()})
        await front.refused("forbidden", "POST", begin, token, json=OWN | {"proof": {"code": "000000"}})
        second = await add_app(front, token, "auditor", **OWN, proof=await app.proof())
        assert second.codes == [] and second.factor != app.factor

    async def test_an_app_is_added_once(self, front):
        begun = (await front.ask("POST", f"{FACTORS}/totp/begin", "prison-sup", json=OWN)).data
        app = App(front, "prison-sup", begun["secret"], "")
        body = {"state": begun["state"], "name": "手机"}
        first = await front.ask("POST", f"{FACTORS}/totp", "prison-sup", json=body | {"code": app.code()})
        assert first.status == 201
        again = body | {"code": app.next_code()}
        await front.refused("conflict", "POST", f"{FACTORS}/totp", "prison-sup", json=again)
        assert len(await front.store.factors("prison-sup")) == 1

    async def test_a_factor_is_removed_by_another_one_and_the_last_one_stays(self, front):
        app, token = await enrolled(front)
        remove = f"{FACTORS}/{app.factor}/remove"
        await front.refused("conflict", "POST", remove, token, json={"proof": {"recovery": app.codes[0]}})
        second = await add_app(front, token, "auditor", **OWN, proof=await app.proof())
        await front.refused("forbidden", "POST", remove, token, json={"proof": await app.proof()})
        listed = (await front.ask("POST", remove, token, json={"proof": await second.proof()})).data
        assert [each["id"] for each in listed["factors"]] == [second.factor]
        (entry,) = await front.noted("SecondFactorRemoved")
        assert json.loads(entry.data) == {"factor": app.factor}

    async def test_a_supervisor_may_remove_the_last_one_with_a_recovery_code(self, front):
        app = await add_app(front, "prison-sup", "prison-sup", **OWN)
        proof = {"proof": {"recovery": app.codes[0]}}
        assert (await front.ask("POST", f"{FACTORS}/{app.factor}/remove", "prison-sup", json=proof)).status == 200
        assert (await signs_in(front, "prison-sup"))["must_enrol"] is False

    async def test_those_of_others_do_not_exist(self, front):
        app, _ = await enrolled(front)
        other = await add_app(front, "prison-sup", "prison-sup", **OWN)
        body = {"proof": await other.proof()}
        await front.refused("not_found", "POST", f"{FACTORS}/{app.factor}/remove", "prison-sup", json=body)

    async def test_new_recovery_codes_replace_those_before_them(self, front):
        app, token = await enrolled(front)
        renew = "/api/v1/me/recovery-codes"
        await front.refused("forbidden", "POST", renew, token, json={"proof": {"code": "000000"}})
        codes = (await front.ask("POST", renew, token, json={"proof": await app.proof()})).data["codes"]
        assert len(set(codes) | set(app.codes)) == 20
        assert (await second_step(front, await ticket_of(front, "auditor"), recovery=app.codes[0])).status == 401
        assert (await second_step(front, await ticket_of(front, "auditor"), recovery=codes[0])).status == 200

    async def test_without_a_factor_there_are_no_recovery_codes(self, front):
        body = {"proof": {"code": "123456"}}
        await front.refused("conflict", "POST", "/api/v1/me/recovery-codes", "prison-sup", json=body)

    async def test_no_more_than_eight_are_kept(self, front):
        app = await add_app(front, "prison-sup", "prison-sup", **OWN)
        for number in range(7):
            await add_app(front, "prison-sup", "prison-sup", **OWN, proof={"recovery": app.codes[number]})
        begin = OWN | {"proof": {"recovery": app.codes[7]}}
        begun = (await front.ask("POST", f"{FACTORS}/totp/begin", "prison-sup", json=begin)).data
        code = App(front, "", begun["secret"], "").code()
        body = {"state": begun["state"], "code": code, "name": "x"}
        await front.refused("conflict", "POST", f"{FACTORS}/totp", "prison-sup", json=body)
