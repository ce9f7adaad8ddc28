"""Yunnan 27(1), terminals over HTTP: enrolled by a code, signed in by their key; forged, replayed and revoked ones are
refused, journaled and counted."""

import asyncio
import json
from datetime import timedelta

import pytest
from sqlalchemy import insert

from broker.control.store.secrets import new_token, token_hash
from broker.control.store.tables import terminals
from broker.kernel.database import writing
from broker.kernel.ids import new_id
from signaling.auth.rate_limit import Limit
from signaling.auth.session_expiry import check_all
from signaling.identity.sign_ins import CREDENTIAL
from tests.support.signaling.talk import talking
from tests.support.signing import Signer
from tests.support.terminals import enrolled

ME = "/api/v1/me"
DAY = timedelta(hours=24)


@pytest.fixture
async def signer(front):
    """The terminal of room w1, enrolled anew, with its key at hand."""
    (old,) = [terminal for terminal in await front.store.terminals() if terminal.room == "w1"]
    await front.store.revoke_terminal(old.id)
    terminal, _ = await enrolled(front.store, "w1")
    return Signer(front, terminal.id, terminal.key)


async def code_of(front, room="w1", replace=True):
    return (await front.store.open_enrolment(room, DAY, "command:test", replace)).code


async def journaled(front, kind):
    """The data of the journal's entries of a kind."""
    await front.journal.flush()
    return [json.loads(entry.data) for entry in await front.journal.entries(limit=10_000) if entry.kind == kind]


class TestEnrolment:
    async def test_by_a_code_makes_the_key_the_rooms(self, front):
        signer = Signer(front)
        answer = await signer.ask("enrolments", signer.enrolment(await code_of(front)))
        assert (answer.status, answer.data["room"], answer.data["site"]) == (201, "w1", "other-bureau")
        signer.terminal = answer.data["terminal"]
        me = await front.ask("GET", ME, await signer.token())
        assert (me.data["who"]["kind"], me.data["who"]["room"]) == ("terminal", "w1")
        (entry,) = await journaled(front, "TerminalEnrolled")
        assert entry["terminal"] == signer.terminal and entry["room"] == "w1" and entry["replaced"]

    async def test_with_a_wrong_used_or_late_code_is_refused_in_the_same_words(self, front):
        signer, code = Signer(front), await code_of(front)
        await signer.ask("enrolments", signer.enrolment(code))
        late = await code_of(front)
        front.clock.forward(DAY)
        answers = [
            await front.refused("enrolment_refused", "POST", "/api/v1/terminals/enrolments", json=body)
            for body in (Signer(front).enrolment(text) for text in (code, late, "AAAA-BBBB-CCCC-DDDD"))
        ]
        assert len({(answer.status, await answer.text()) for answer in answers}) == 1

    async def test_without_the_private_key_is_refused_and_uses_no_code(self, front):
        code = await code_of(front)
        thief, owner = Signer(front), Signer(front)
        for body in (
            thief.enrolment(code, key=owner.enrolment(code)["key"]),
            {**owner.enrolment(code), "signature": thief.enrolment(code)["signature"]},
            owner.enrolment(code, origin="https://elsewhere.example"),
        ):
            await front.refused("terminal_refused", "POST", "/api/v1/terminals/enrolments", json=body)
        assert (await owner.ask("enrolments", owner.enrolment(code))).status == 201

    async def test_of_a_key_that_is_none_is_refused(self, front):
        signer = Signer(front)
        body = signer.enrolment(await code_of(front), key="AAAA")
        await front.refused("bad_request", "POST", "/api/v1/terminals/enrolments", json=body)

    async def test_guesses_of_one_place_are_limited(self, front):
        front.context.terminal_sign_ins.enrolments = Limit(burst=3, per_minute=1)
        signer = Signer(front)
        body = signer.enrolment("AAAA-BBBB-CCCC-DDDD")
        for _ in range(3):
            await front.refused("enrolment_refused", "POST", "/api/v1/terminals/enrolments", json=body)
        await front.refused("too_many", "POST", "/api/v1/terminals/enrolments", json=body)


class TestSignIn:
    async def test_gives_a_credential_for_minutes_which_is_renewed(self, front, signer):
        first = await signer.token()
        front.clock.forward(CREDENTIAL / 2)
        second = await signer.token()
        assert first != second
        front.clock.forward(CREDENTIAL / 2)
        await front.refused("not_signed_in", "GET", ME, first)
        assert (await front.ask("GET", ME, second)).status == 200
        front.clock.forward(CREDENTIAL)
        await front.refused("not_signed_in", "GET", ME, second)

    async def test_what_goes_on_goes_on_over_renewals_and_ends_without_them(self, front, signer):
        async with talking(front, await signer.token()) as talk:
            for _ in range(3):
                front.clock.forward(CREDENTIAL * 0.75)
                await signer.token()
                await check_all(front.context)
            assert front.context.hub.kinds()["terminal"] == 1
            front.clock.forward(CREDENTIAL)
            await check_all(front.context)
            assert await talk.closed() == 4001

    async def test_a_challenge_is_given_for_every_id_in_the_same_form(self, front, signer):
        enrolled_one = await signer.ask("challenges", {"terminal": signer.terminal})
        unknown = await signer.ask("challenges", {"terminal": "trm_nobody"})
        assert enrolled_one.status == unknown.status == 200
        assert {name: len(str(value)) for name, value in enrolled_one.data.items()} == {
            name: len(str(value)) for name, value in unknown.data.items()
        }

    async def test_of_one_place_are_limited(self, front, signer):
        front.context.terminal_sign_ins.sign_ins = Limit(burst=2, per_minute=1)
        await signer.token()
        refused = await front.refused(
            "too_many", "POST", "/api/v1/terminals/challenges", json={"terminal": signer.terminal}
        )
        assert refused.headers["Retry-After"]


class TestForgedKeys:
    async def test_are_refused_journaled_and_counted_and_the_terminal_goes_on(self, front, signer):
        forger = Signer(front, signer.terminal)
        for _ in range(5):
            assert (await forger.sign_in()).data["code"] == "terminal_refused"
        (entry,) = await journaled(front, "TerminalRefused")
        assert (entry["reason"], entry["room"], entry["count"]) == ("forged", "w1", 1)
        assert front.context.terminal_sign_ins.counters()["terminals_refused_forged"] == 5
        assert await signer.token()

    async def test_of_terminals_that_there_are_not_are_refused_in_the_same_words_and_leave_no_entry(
        self, front, signer
    ):
        enrolled_one = await Signer(front, signer.terminal).sign_in()
        before = len(await journaled(front, "TerminalRefused"))
        unknown = await Signer(front, "trm_nobody").sign_in()
        assert (enrolled_one.status, enrolled_one.data) == (unknown.status, unknown.data)
        assert len(await journaled(front, "TerminalRefused")) == before

    @pytest.mark.parametrize("sign", ["\x00", "\n", "\x1b", " ", "\x7f", "\x85", "\xa0", "/", "@", "#"])
    async def test_an_origin_has_no_sign_that_readers_take_differently(self, front, sign):
        body = {"terminal": "trm_a", "instance": "i" * 16, "nonce": "n" * 16, "signature": "AAAA"}
        body["origin"] = f"https://huijian{sign}.example"
        refused = await front.refused("bad_request", "POST", "/api/v1/terminals/sessions", json=body)
        assert refused.data["errors"] == [{"where": "origin", "what": "string_pattern_mismatch"}]

    @pytest.mark.parametrize("origin", ["https://elsewhere.example", "http://127.0.0.1:1", "http://localhost"])
    async def test_a_signature_that_was_made_for_another_server_is_refused(self, front, signer, origin):
        """A terminal that was led to another server signs for that one: it cannot pass the signature on to us."""
        assert (await signer.sign_in(origin=origin)).data["code"] == "terminal_refused"

    async def test_a_signature_for_another_program_or_terminal_is_refused(self, front, signer):
        other, _ = await enrolled(front.store, "q1")
        assert (await signer.sign_in(instance="b" * 32)).data["code"] == "terminal_refused"
        assert (await signer.sign_in(terminal=other.id)).data["code"] == "challenge_refused"


class TestReplayedChallenges:
    async def test_are_refused_journaled_and_give_nothing(self, front, signer):
        body = signer.signed(await signer.nonce())
        assert (await signer.ask("sessions", body)).status == 200
        for _ in range(2):
            assert (await signer.ask("sessions", body)).data["code"] == "challenge_refused"
        (entry,) = await journaled(front, "TerminalRefused")
        assert entry["reason"] == "replayed"

    async def test_two_at_the_same_moment_lead_to_one_credential(self, front, signer):
        body = signer.signed(await signer.nonce())
        answers = await asyncio.gather(*(signer.ask("sessions", body) for _ in range(6)))
        assert sorted(answer.status for answer in answers) == [200, *[403] * 5]

    async def test_are_too_old_after_a_minute(self, front, signer):
        nonce = await signer.nonce()
        front.clock.forward(timedelta(seconds=61))
        assert (await signer.ask("sessions", signer.signed(nonce))).data["code"] == "challenge_refused"

    async def test_that_were_given_to_another_terminal_are_refused(self, front, signer):
        nonce = await Signer(front, "trm_other").nonce()
        assert (await signer.ask("sessions", signer.signed(nonce))).data["code"] == "challenge_refused"


class TestRevokedTerminals:
    async def test_are_refused_journaled_and_what_went_on_ends(self, front, signer):
        token = await signer.token()
        async with talking(front, token) as talk:
            await front.store.revoke_terminal(signer.terminal)
            await check_all(front.context)
            assert await talk.closed() == 4001
        await front.refused("not_signed_in", "GET", ME, token)
        assert (await signer.sign_in()).data["code"] == "terminal_revoked"
        (entry,) = await journaled(front, "TerminalRefused")
        assert (entry["reason"], entry["room"]) == ("revoked", "w1")


class TestTokensOfTheVersionBefore:
    @pytest.fixture
    async def token(self, front):
        """The token of a terminal in room w1 that a former version has enrolled."""
        (old,) = [terminal for terminal in await front.store.terminals() if terminal.room == "w1"]
        await front.store.revoke_terminal(old.id)
        token, at = new_token("trm"), front.clock.now().wall
        async with writing(front.store.engine) as db:
            values = {"id": new_id("trm"), "site": "other-bureau", "room": "w1", "home": "w1"}
            values |= {"token_hash": token_hash(token), "enrolled_at": at}
            await db.execute(insert(terminals).values(values))
        return token

    async def test_open_nothing(self, front, token):
        await front.refused("not_signed_in", "GET", ME, token)
        async with talking(front, token, greet=False) as talk:
            assert await talk.closed() == 4001

    async def test_are_exchanged_for_a_key_once(self, front, token):
        signer = Signer(front)
        answer = await signer.ask("migrations", signer.migration(token))
        assert (answer.status, answer.data["room"]) == (201, "w1")
        signer.terminal = answer.data["terminal"]
        assert (await front.ask("GET", ME, await signer.token())).data["who"]["room"] == "w1"
        thief = Signer(front)
        assert (await thief.ask("migrations", thief.migration(token))).data["code"] == "enrolment_refused"
        await front.refused("not_signed_in", "GET", ME, token)
        (entry,) = await journaled(front, "TerminalMigrated")
        assert entry["terminal"] == signer.terminal

    async def test_need_the_proof_of_the_new_key(self, front, token):
        signer = Signer(front)
        body = {**signer.migration(token), "signature": Signer(front).migration(token)["signature"]}
        assert (await signer.ask("migrations", body)).data["code"] == "terminal_refused"
        assert (await signer.ask("migrations", signer.migration(token))).status == 201
