"""The running program signs in at each connect and before its credential ends, against the real server."""

import asyncio

import aiohttp
import pytest

from broker.kernel.errors import EnrolmentRefused, TerminalRefused
from huijian.demo.synthetic.sources import generated_sources
from kiosk_agent.agent import Kiosk, KioskConfig
from kiosk_agent.identity import enrolment
from kiosk_agent.identity.enrolment import NoAnswer
from kiosk_agent.identity.identity_file import Identity
from kiosk_agent.identity.keys import FileKey
from kiosk_agent.identity.sign_in import TerminalCredential
from kiosk_agent.webrtc.peer import ServerAccess
from tests.support.patience import PATIENCE
from tests.support.terminals import LASTING, enrolled


@pytest.fixture
async def http():
    async with aiohttp.ClientSession() as client:
        yield client


@pytest.fixture
async def identity(front):
    """The identity of a terminal in a room of its own."""
    await front.store.add_room("own", "panlong", "室")
    terminal, _ = await enrolled(front.store, "own")
    return terminal.identity(str(front.client.make_url("/")))


class TestEnrolment:
    async def test_with_a_code_gives_an_identity_that_signs_in(self, front, http):
        await front.store.add_room("own", "panlong", "室")
        server, key = str(front.client.make_url("/")), FileKey.new()
        code = (await front.store.open_enrolment("own", LASTING, "command:test")).code
        answer = await enrolment.enrol(http, server, code, key)
        assert (answer.room, answer.site) == ("own", "panlong")
        credential = TerminalCredential(http, server, Identity(server, answer.terminal, key))
        await credential.sign_in()
        assert (await front.ask("GET", "/api/v1/me", credential.token)).data["who"]["room"] == "own"

    async def test_with_a_wrong_code_is_refused_in_words(self, front, http):
        with pytest.raises(EnrolmentRefused):
            await enrolment.enrol(http, str(front.client.make_url("/")), "AAAA-BBBB-CCCC-DDDD", FileKey.new())

    async def test_without_a_server_says_so(self, http):
        with pytest.raises(NoAnswer):
            await enrolment.enrol(http, "http://127.0.0.1:1", "AAAA-BBBB-CCCC-DDDD", FileKey.new())


class TestSignIn:
    async def test_gives_the_headers_of_each_request_their_present_credential(self, front, http, identity):
        access = ServerAccess(http, identity.server, TerminalCredential(http, identity.server, identity))
        tokens = set()
        for _ in range(2):
            await access.sign_in()
            tokens.add(access.headers["Authorization"])
        assert len(tokens) == 2
        assert "trs_" not in repr(access) and "PRIVATE" not in repr(access)

    async def test_is_done_again_before_the_credential_ends(self, front, http, identity, monkeypatch):
        credential = TerminalCredential(http, identity.server, identity)
        renewed, first = asyncio.Event(), []
        sign_in = credential.sign_in

        async def noted():
            await sign_in()
            first.append(credential.token)
            if len(first) == 3:
                renewed.set()

        monkeypatch.setattr(credential, "sign_in", noted)
        keeping = asyncio.create_task(credential.keep())
        await credential.sign_in()
        assert credential._seconds == 600
        credential._seconds = 0.02  # of the first one: the rest of the story is the same at any length
        sleep = asyncio.sleep
        monkeypatch.setattr("kiosk_agent.identity.sign_in.asyncio.sleep", lambda _: sleep(0.01))
        async with asyncio.timeout(PATIENCE):
            await renewed.wait()
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        assert len(set(first)) == len(first)

    async def test_asks_for_another_challenge_where_the_server_has_another_secret_by_now(
        self,
        front,
        http,
        identity,
        monkeypatch,
    ):
        credential = TerminalCredential(http, identity.server, identity)
        sign_ins, asked = front.context.terminal_sign_ins, []
        challenge = sign_ins.challenge

        def stale(terminal, sender):
            asked.append(terminal)
            nonce = challenge(terminal, sender)
            return nonce if len(asked) > 1 else nonce[:-6] + "AAAAAA"

        monkeypatch.setattr(sign_ins, "challenge", stale)
        await credential.sign_in()
        assert len(asked) == 2 and credential.token

    async def test_with_another_key_is_refused(self, front, http, identity):
        forged = Identity(identity.server, identity.terminal, FileKey.new())
        with pytest.raises(TerminalRefused):
            await TerminalCredential(http, identity.server, forged).sign_in()


class TestKiosk:
    async def test_signs_in_by_itself_and_is_welcomed(self, front, http, identity):
        ending = asyncio.Event()
        kiosk = Kiosk(
            KioskConfig(identity.server, identity, source="generated", extra_sources={"generated": generated_sources}),
            http,
            lambda _: None,
        )
        running = asyncio.create_task(kiosk.run(ending))
        async with asyncio.timeout(PATIENCE):
            while not front.context.hub.kinds()["terminal"]:
                await asyncio.sleep(0.01)  # another task's socket sets no event here
        (caller,) = front.context.hub.callers()
        assert (caller.room, caller.id) == ("own", identity.terminal)
        ending.set()
        await asyncio.wait_for(running, PATIENCE)
