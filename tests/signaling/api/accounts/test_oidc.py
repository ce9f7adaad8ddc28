"""Sign-in by an identity service that really answers: the link, the sign-in with the second factor behind it, and every
answer that must not count."""

import asyncio
import json
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import OctKey, RSAKey

from broker.authority.persons import ChangeKind
from broker.control.rules.account_changes import KINDS
from broker.control.store.records import ChangeState
from config.access.sign_in import IdentityProvider, SignInRules
from signaling.auth.oidc import provider
from signaling.auth.oidc.provider import LARGEST, Provider
from tests.support.signaling.front import PASSWORD
from tests.support.signaling.oidc_provider import CLIENT, SECRET, oidc_provider
from tests.support.signaling.second_factor import BY_FACTOR, enrolled

BEGIN, CALLBACK, OWN = "/api/v1/sign-in/oidc", "/api/v1/sign-in/oidc/callback", "/api/v1/me/identity"
WORD = {"password": PASSWORD}


@pytest.fixture
async def service(front, tmp_path):
    """The identity service, which the application has as its own."""
    file = tmp_path / "secret"
    file.write_text(SECRET)
    file.chmod(0o600)
    async with oidc_provider(lambda: front.clock.now().wall) as running:
        settings = IdentityProvider(
            issuer=running.issuer, client_id=CLIENT, client_secret_file=file, public_url="https://huijian.example"
        )
        context = front.context
        context.settings = context.settings.model_copy(update={"sign_in": SignInRules(oidc=settings)})
        context.provider = Provider(settings, front.clock)
        yield running


async def returned(front, cookie, query):
    headers = {"Cookie": f"huijian-identity={cookie}"} if cookie else {}
    answer = await front.ask("GET", CALLBACK, params=query, headers=headers, allow_redirects=False)
    front.client.session.cookie_jar.clear()
    return answer


def outcome(answer):
    """Return the fragment of the page to which the browser is sent."""
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).fragment).items()}


async def linked(front, service, caller="prison-sup", **body):
    begun = await front.ask("POST", f"{OWN}/begin", caller, json=WORD | body)
    cookie = begun.cookies["huijian-identity"].value
    front.client.session.cookie_jar.clear()
    return outcome(await returned(front, cookie, service.approve(begun.data["address"])))


async def begun(front):
    answer = await front.ask("GET", BEGIN, allow_redirects=False)
    front.client.session.cookie_jar.clear()
    return answer.cookies["huijian-identity"], answer.headers["Location"]


async def signs_in(front, service):
    cookie, address = await begun(front)
    return await returned(front, cookie.value, service.approve(address))


class TestSigningIn:
    async def test_opens_the_account_that_was_linked(self, front, service):
        assert await linked(front, service) == {"identity": "linked"}
        assert (await front.ask("GET", OWN, "prison-sup")).data["linked"] is True
        answer = await signs_in(front, service)
        assert answer.status == 303 and answer.headers["Location"] == "/monitor"
        token = answer.cookies["huijian"].value
        assert (await front.ask("GET", "/api/v1/me", token)).data["who"]["id"] == "prison-sup"
        assert "person-1" not in "".join(entry.data for entry in await front.noted("IdentityLinked"))

    async def test_stands_for_the_password_and_not_for_the_second_factor(self, front, service):
        app, token = await enrolled(front)
        assert await linked(front, service, token, proof=await app.proof()) == {"identity": "linked"}
        answer = await signs_in(front, service)
        assert "huijian" not in answer.cookies
        step = outcome(answer)
        assert step["methods"] == "recovery,totp"
        body = {"ticket": step["factor"], "proof": await app.proof()}
        assert (await front.ask("POST", BY_FACTOR, json=body)).status == 200

    async def test_of_an_officer_without_the_factor_that_the_role_needs_is_for_setting_it_up(self, front, service):
        await linked(front, service, "auditor")  # with a token from before the upgrade
        answer = await signs_in(front, service)
        assert answer.headers["Location"] == "/account"
        token = answer.cookies["huijian"].value
        await front.refused("second_factor_missing", "GET", "/api/v1/slots", token)

    async def test_makes_no_account_and_opens_none_that_is_barred_or_no_longer_linked(self, front, service):
        before = len(await front.store.users())
        assert outcome(await signs_in(front, service)) == {"identity": "identity_refused"}
        assert len(await front.store.users()) == before
        await linked(front, service)
        assert (await front.ask("POST", f"{OWN}/unlink", "prison-sup", json=WORD)).status == 204
        assert outcome(await signs_in(front, service)) == {"identity": "identity_refused"}
        await linked(front, service)
        await front.store.disable_user("prison-sup")
        assert outcome(await signs_in(front, service)) == {"identity": "identity_refused"}

    async def test_of_many_officers_of_one_place_at_the_change_of_shifts_is_not_limited(self, front, service):
        await linked(front, service)
        for _ in range(25):
            assert "huijian" in (await signs_in(front, service)).cookies

    async def test_at_a_service_whose_name_ends_in_a_slash(self, front, service):
        service.slash = "/"
        assert await linked(front, service) == {"identity": "linked"}
        assert "huijian" in (await signs_in(front, service)).cookies

    async def test_is_offered_where_there_is_a_service(self, front, service):
        (offered,) = (await front.ask("GET", "/api/v1/sign-in/providers")).data["providers"]
        assert offered == {"name": "统一身份认证", "name_en": "Identity service", "path": BEGIN}


class TestRefusals:
    @pytest.mark.parametrize(
        "wrong",
        [
            {"iss": "https://evil.example"},
            {"aud": "another"},
            {"nonce": "another"},
            {"nonce": None},
            {"sub": ""},
            {"sub": 7},
            {"aud": [CLIENT, "another"]},
            {"exp": 1},
            {"iat": 1e12},
            {"auth_time": None},
            {"auth_time": True},
            {"auth_time": "now"},
            {"auth_time": 1e12},
        ],
    )
    async def test_an_answer_with_a_wrong_claim_opens_nothing(self, front, service, wrong):
        await linked(front, service)
        service.wrong = wrong
        answer = await signs_in(front, service)
        assert outcome(answer) == {"identity": "identity_refused"} and "huijian" not in answer.cookies

    async def test_an_answer_for_a_person_who_was_signed_in_there_before_opens_nothing(self, front, service):
        """The officer who sat at this computer before, where the service passes `prompt` over."""
        await linked(front, service)
        service.wrong = {"auth_time": int(front.clock.now().wall.timestamp())}
        front.clock.forward(timedelta(minutes=2))
        answer = await signs_in(front, service)
        assert outcome(answer) == {"identity": "identity_refused"} and "huijian" not in answer.cookies

    async def test_an_answer_of_another_key_or_of_none_opens_nothing(self, front, service):
        await linked(front, service)
        service.signing_key = RSAKey.generate_key(2048, {"kid": "one"})
        assert outcome(await signs_in(front, service)) == {"identity": "identity_refused"}
        service.signing_key, service.algorithm = OctKey.import_key("k" * 32), "HS256"
        assert outcome(await signs_in(front, service)) == {"identity": "identity_refused"}

    async def test_the_way_back_belongs_to_the_browser_that_went(self, front, service):
        await linked(front, service)
        cookie, address = await begun(front)
        query = service.approve(address)
        for stolen in ("", "x" * 40, (await begun(front))[0].value):
            assert outcome(await returned(front, stolen, query)) == {"identity": "identity_refused"}
        assert (cookie["samesite"], cookie["httponly"]) == ("Lax", True)

    async def test_a_code_counts_once_and_not_late(self, front, service):
        await linked(front, service)
        cookie, address = await begun(front)
        query = service.approve(address)
        assert "huijian" in (await returned(front, cookie.value, query)).cookies
        assert outcome(await returned(front, cookie.value, query)) == {"identity": "identity_refused"}
        cookie, address = await begun(front)
        front.clock.forward(timedelta(minutes=10))
        assert outcome(await returned(front, cookie.value, service.approve(address))) == {
            "identity": "identity_refused"
        }

    async def test_one_person_is_one_account(self, front, service):
        await linked(front, service)
        assert await linked(front, service, "visitor-sup") == {"identity": "conflict"}

    async def test_a_link_needs_the_password_and_the_second_factor(self, front, service):
        await front.refused("forbidden", "POST", f"{OWN}/begin", "prison-sup", json={"password": "wrong"})
        _, token = await enrolled(front)
        await front.refused("forbidden", "POST", f"{OWN}/begin", token, json=WORD)

    async def test_a_service_that_is_down_is_told_in_words(self, front, service):
        cookie, address = await begun(front)
        query = service.approve(address)
        service.down = True
        assert outcome(await returned(front, cookie.value, query)) == {"identity": "provider_unavailable"}
        front.clock.forward(timedelta(minutes=5))
        await front.refused("provider_unavailable", "GET", BEGIN, allow_redirects=False)

    async def test_without_a_service_there_is_nothing(self, front):
        assert (await front.ask("GET", "/api/v1/sign-in/providers")).data == {"providers": []}
        await front.refused("not_found", "GET", BEGIN)
        await front.refused("not_found", "GET", CALLBACK)

    async def test_ways_from_one_place_are_limited(self, front, service):
        statuses = [(await front.client.get(BEGIN, allow_redirects=False)).status for _ in range(22)]
        assert statuses == [303] * 20 + [429] * 2

    async def test_ways_back_that_nobody_went_are_limited(self, front, service):
        cookie, address = await begun(front)
        await returned(front, cookie.value, service.approve(address))
        statuses = [(await returned(front, cookie.value, {"code": "x", "state": "x"})).status for _ in range(21)]
        assert statuses == [303] * 19 + [429] * 2


class TestTheDescription:
    async def test_is_asked_for_once_in_five_minutes(self, front, service):
        for _ in range(3):
            await begun(front)
        assert service.described == 1
        front.clock.forward(timedelta(minutes=5))
        await begun(front)
        assert service.described == 2

    async def test_of_a_service_that_is_down_is_asked_for_again_after_ten_seconds(self, front, service):
        service.down = True
        for _ in range(3):
            await front.refused("provider_unavailable", "GET", BEGIN, allow_redirects=False)
        assert service.described == 1
        service.down = False
        front.clock.forward(timedelta(seconds=10))
        await begun(front)

    async def test_that_takes_long_keeps_no_other_sign_in_waiting(self, front, service, monkeypatch):
        monkeypatch.setattr(provider, "TURN_SECONDS", 0.01)
        service.open.clear()
        first = asyncio.create_task(front.ask("GET", BEGIN, allow_redirects=False))
        while not service.described:
            await asyncio.sleep(0.01)
        await front.refused("provider_unavailable", "GET", BEGIN, allow_redirects=False)
        service.open.set()
        assert (await first).status == 303 and service.described == 1

    async def test_that_is_too_long_is_not_read_to_its_end(self, front, service):
        service.padding = "x" * LARGEST
        await front.refused("provider_unavailable", "GET", BEGIN, allow_redirects=False)


class TestALink:
    @pytest.mark.parametrize("kind", [ChangeKind.PASSWORD, ChangeKind.FACTORS, ChangeKind.ENABLE])
    async def test_ends_with_a_change_that_gives_the_account_anew(self, front, service, kind):
        await linked(front, service)
        asked = {"password": "another long secret"} if kind is ChangeKind.PASSWORD else {}
        made = await front.store.change_account(kind, "prison-sup", author="command:root", **asked)
        body = {"password": PASSWORD}
        confirm = f"/api/v1/account-changes/{made.change.id}/confirm"
        assert (
            made.state is ChangeState.WAITING and (await front.ask("POST", confirm, "auditor", json=body)).status == 200
        )
        assert outcome(await signs_in(front, service)) == {"identity": "identity_refused"}
        (entry,) = await front.noted(KINDS[kind])
        assert json.loads(entry.data)["identity_unlinked"] is True

    async def test_ends_when_the_account_is_barred(self, front, service):
        await linked(front, service)
        assert await front.store.disable_user("prison-sup")
        await front.store.disable_user("prison-sup", disabled=False)
        assert outcome(await signs_in(front, service)) == {"identity": "identity_refused"}

    async def test_outlives_a_new_password_of_the_officers_own(self, front, service):
        await linked(front, service)
        await front.store.change_own_password("prison-sup", "another long secret")
        assert "huijian" in (await signs_in(front, service)).cookies

    async def test_that_was_begun_before_a_new_password_is_not_made(self, front, service):
        begun = await front.ask("POST", f"{OWN}/begin", "prison-sup", json=WORD)
        front.client.session.cookie_jar.clear()
        front.clock.forward(timedelta(seconds=1))
        await front.store.set_password("prison-sup", "another long secret")
        cookie, query = begun.cookies["huijian-identity"].value, service.approve(begun.data["address"])
        assert outcome(await returned(front, cookie, query)) == {"identity": "identity_refused"}
        assert not await front.store.has_identity("prison-sup")
