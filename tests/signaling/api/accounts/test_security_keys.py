"""Security keys over HTTP, by a key in software: what is asked, and which answers count."""

from datetime import timedelta

import pytest

from tests.support.signaling.front import PASSWORD
from tests.support.signaling.second_factor import BY_FACTOR, FACTORS, IN, add_app, ticket_of
from tests.support.signaling.security_key import SoftKey

PAGE = {"Host": "huijian.example", "Origin": "https://huijian.example", "X-Forwarded-Proto": "https"}
CHALLENGE = "/api/v1/sign-in/challenge"


def soft_key(**changes):
    return SoftKey(**{"origin": PAGE["Origin"], "host": PAGE["Host"]} | changes)


async def begun(front, caller, **body):
    return (await front.ask("POST", f"{FACTORS}/webauthn/begin", caller, json=body, headers=PAGE)).data


async def confirm(front, caller, made, headers=PAGE):
    return await front.ask("POST", f"{FACTORS}/webauthn", caller, json=made | {"name": "钥匙"}, headers=headers)


async def enrolled(front, user="auditor", **changes):
    """Sign in an officer without a second factor, add a key, and return it with the token."""
    token = (await front.ask("POST", IN, json={"user": user, "password": PASSWORD})).data["token"]
    front.client.session.cookie_jar.clear()
    key = soft_key(**changes)
    assert (await confirm(front, token, key.create(await begun(front, token)))).status == 201
    return key, token


async def asked(front, ticket, headers=PAGE):
    return (await front.ask("POST", CHALLENGE, json={"ticket": ticket}, headers=headers)).data


async def second_step(front, ticket, proof, headers=PAGE):
    answer = await front.ask("POST", BY_FACTOR, json={"ticket": ticket, "proof": proof}, headers=headers)
    front.client.session.cookie_jar.clear()
    return answer.status


class TestAdding:
    async def test_makes_the_sign_in_a_full_one_and_gives_recovery_codes(self, front):
        token = (await front.ask("POST", IN, json={"user": "auditor", "password": PASSWORD})).data["token"]
        front.client.session.cookie_jar.clear()
        options = await begun(front, token)
        assert options["options"]["rp"]["id"] == "huijian.example"
        answer = await confirm(front, token, soft_key().create(options))
        assert answer.status == 201 and len(answer.data["recovery_codes"]) == 10
        assert (await front.ask("GET", "/api/v1/slots", token)).status == 200

    @pytest.mark.parametrize(
        "changes", [{"origin": "https://evil.example"}, {"host": "evil.example"}, {"origin": "http://huijian.example"}]
    )
    async def test_by_another_page_or_name_is_refused(self, front, changes):
        token = (await front.ask("POST", IN, json={"user": "auditor", "password": PASSWORD})).data["token"]
        front.client.session.cookie_jar.clear()
        made = soft_key(**changes).create(await begun(front, token))
        assert (await confirm(front, token, made)).status == 403

    @pytest.mark.parametrize("headers", [{}, {**PAGE, "Host": "192.0.2.7", "Origin": "https://192.0.2.7"}])
    async def test_by_a_program_or_at_an_address_is_refused_in_words(self, front, headers):
        body = {"password": PASSWORD}
        await front.refused("conflict", "POST", f"{FACTORS}/webauthn/begin", "prison-sup", json=body, headers=headers)

    async def test_twice_or_late_or_malformed_is_refused(self, front):
        key, token = await enrolled(front)
        challenge = await front.ask("POST", f"{FACTORS}/challenge", token, headers=PAGE)
        options = await begun(front, token, password=PASSWORD, proof=key.answer(challenge.data))
        assert options["options"]["excludeCredentials"]
        assert (await confirm(front, token, key.create(options))).status == 409
        made = soft_key().create(options)
        assert (await confirm(front, token, made | {"attestation": "AAAA"})).status == 403
        assert (await confirm(front, token, made | {"client_data": "e30"})).status == 403
        front.clock.forward(timedelta(minutes=10))
        assert (await confirm(front, token, made)).status == 400


class TestTheSecondStep:
    async def test_takes_the_answer_of_the_officers_key(self, front):
        key, _ = await enrolled(front)
        ticket = await ticket_of(front, "auditor")
        challenge = await asked(front, ticket)
        assert [each["id"] for each in challenge["options"]["allowCredentials"]]
        assert await second_step(front, ticket, key.answer(challenge)) == 200

    async def test_takes_no_other_key_no_other_page_and_no_other_challenge(self, front):
        key, _ = await enrolled(front)
        ticket = await ticket_of(front, "auditor")
        first, second = await asked(front, ticket), await asked(front, ticket)
        assert await second_step(front, ticket, soft_key(id=key.id).answer(first)) == 401
        swapped = key.answer(await asked(front, ticket))
        swapped["webauthn"]["state"] = second["state"]
        assert await second_step(front, ticket, swapped) == 401
        assert await second_step(front, ticket, key.answer(await asked(front, ticket)), {}) == 401
        far = SoftKey("https://evil.example", "huijian.example", 9, key.id, key.private)
        assert await second_step(front, ticket, far.answer(await asked(front, ticket))) == 401

    async def test_takes_an_answer_once_and_no_count_from_before(self, front):
        key, _ = await enrolled(front)
        proof = key.answer(await asked(front, await ticket_of(front, "auditor")))
        assert await second_step(front, await ticket_of(front, "auditor"), proof) == 200
        assert await second_step(front, await ticket_of(front, "auditor"), proof) == 401
        copied = SoftKey(key.origin, key.host, 0, key.id, key.private)  # of a key whose count was 1
        ticket = await ticket_of(front, "auditor")
        assert await second_step(front, ticket, copied.answer(await asked(front, ticket))) == 401

    async def test_of_one_account_does_not_count_for_another(self, front):
        await enrolled(front)
        other, _ = await enrolled(front, "admin")
        ticket = await ticket_of(front, "auditor")
        proof = other.answer(await asked(front, await ticket_of(front, "admin")))
        assert await second_step(front, ticket, proof) == 401

    async def test_at_another_name_of_the_server_is_refused_in_words(self, front):
        await enrolled(front)
        ticket = await ticket_of(front, "auditor")
        other = {"Host": "other.example", "Origin": "https://other.example", "X-Forwarded-Proto": "https"}
        await front.refused("conflict", "POST", CHALLENGE, json={"ticket": ticket}, headers=other)
        await front.refused("not_signed_in", "POST", CHALLENGE, json={"ticket": "A" * 60}, headers=PAGE)

    async def test_of_an_officer_without_a_key_has_no_challenge(self, front):
        token = (await front.ask("POST", IN, json={"user": "auditor", "password": PASSWORD})).data["token"]
        front.client.session.cookie_jar.clear()
        await add_app(front, token, "auditor")
        ticket = await ticket_of(front, "auditor")
        await front.refused("conflict", "POST", CHALLENGE, json={"ticket": ticket}, headers=PAGE)


async def test_a_key_removes_an_app_and_not_itself(front):
    key, token = await enrolled(front)
    challenge = (await front.ask("POST", f"{FACTORS}/challenge", token, headers=PAGE)).data
    app = await add_app(front, token, "auditor", password=PASSWORD, proof=key.answer(challenge), headers=PAGE)
    own = next(each.id for each in await front.store.factors("auditor") if each.kind == "webauthn")
    challenge = (await front.ask("POST", f"{FACTORS}/challenge", token, headers=PAGE)).data
    body = {"proof": key.answer(challenge)}
    await front.refused("forbidden", "POST", f"{FACTORS}/{own}/remove", token, json=body, headers=PAGE)
    challenge = (await front.ask("POST", f"{FACTORS}/challenge", token, headers=PAGE)).data
    body = {"proof": key.answer(challenge)}
    remove = f"{FACTORS}/{app.factor}/remove"
    assert (await front.ask("POST", remove, token, json=body, headers=PAGE)).status == 200


async def test_an_answer_for_a_change_is_none_for_a_sign_in_and_the_other_way_round(front):
    key, token = await enrolled(front)
    ticket = await ticket_of(front, "auditor")
    challenge = (await front.ask("POST", f"{FACTORS}/challenge", token, headers=PAGE)).data
    assert await second_step(front, ticket, key.answer(challenge)) == 401
    body = {"proof": key.answer(await asked(front, ticket))}
    await front.refused("forbidden", "POST", "/api/v1/me/recovery-codes", token, json=body, headers=PAGE)
