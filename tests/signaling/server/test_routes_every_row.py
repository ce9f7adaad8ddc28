"""Every row of the table under random paths, queries, headers and bodies, with the credential that it asks for, and the
socket under random messages: nothing that a stranger or a known person sends is an incident. The broker is the real
one, without a relay and a recorder."""

import asyncio
import json
import random
import re
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from urllib.parse import quote

import pytest
import pytest_asyncio
from aiohttp import WSMsgType
from aiohttp.test_utils import TestClient

from broker.control.broker import Broker
from broker.control.journal.journal import Journal
from broker.control.store.store import Store
from broker.kernel.agreed_time import AgreedClock
from broker.kernel.clock import SystemClock
from config.settings import Settings
from signaling.api.messages.socket import CLIENT, MAX_FRAME, SUBPROTOCOL
from signaling.auth.rate_limit import Limit
from signaling.budgets.allowance import BUDGETS, Allowance, Budget
from signaling.server import pages
from signaling.server.app import CONTEXT, ROUTES, build_app
from signaling.server.encoded import REVALIDATE
from signaling.server.errors import PROBLEM_TYPE
from tests.signaling.server.test_openapi import CALLERS
from tests.support.http.bodies import HOSTILE, RAW, Bodies
from tests.support.http.server import ConnectionServer
from tests.support.patience import PATIENCE
from tests.support.signaling import fixtures
from tests.support.signaling.front import OFFER, PASSWORD, ten_slot

pytestmark = pytest.mark.asyncio(loop_scope="module")
ROUNDS = 6  # of all rows; sixty found nothing more
MESSAGES = 400
HOSTILES = (0, 0, 3, 10, 30)  # of a hundred values
HEADERS = {
    "Range": ("bytes=0-", "bytes=-", "bytes=5-2", "bytes=" + "9" * 5000, "x"),
    "If-Match": ("*", '"x"', "", ",,,"),
    "If-None-Match": ("*", '"x"', "W/", "\u00e9"),
    "If-Modified-Since": ("Mon, 31 Feb 99999 00:00:00 GMT", "0", "x"),
    "X-Forwarded-For": ("::1", "[", ",,,", "1.2.3.4:x", "unknown"),
    "X-Forwarded-Host": ("[", "a:b:c", "\u00e9", "@"),
    "X-Forwarded-Port": ("9" * 5000, "-1", "\u00b2", "0"),
    "X-Forwarded-Proto": ("https", "https,http", "\u00e9"),
    "Forwarded": ('for="', "for=;", "host=[;proto=https", "\\"),
    "Origin": ("null", "http://[", "http://\u00e9", "https://x:99999"),
    "Cookie": ("huijian=", 'huijian="', "=;=", "huijian=usr_x; huijian=usr_y"),
    "Content-Encoding": ("gzip", "identity", "", "br, gzip"),
    "Expect": ("100-continue", "x"),
}


class Sender:
    """A client of the application that sends random requests of one seed."""

    def __init__(self, client, store, tokens, ids, now, seed):
        self.client, self.store, self.tokens, self.ids = client, store, tokens, ids
        self.dice, self.now = random.Random(seed), now
        self.document = client.app[CONTEXT].openapi

    def hints(self):
        """Values that make sense, so that many requests come further than their form."""
        starts = self.now + timedelta(hours=self.dice.randrange(1, 400))
        people = [
            {"id": f"in-{self.dice.randrange(9)}", "side": "prison", "name": "甲"},
            {"id": f"kin-{self.dice.randrange(9)}", "side": "visitor", "name": "乙", "relation": "母亲"},
        ]
        return {
            "prison_room": ("p1", "p2"),
            "visitor_room": ("v1", "v2"),
            "starts_at": (starts.isoformat(),),
            "ends_at": ((starts + timedelta(minutes=40)).isoformat(),),
            "minutes": (30, 10),
            "people": (people,),
            "approved_by": ("监狱审批",),
            "article": ("YN-18", "YN-17-2", "云南 第八条"),
            "language": ("zh",),
            "session": self.ids[1::2],
            "person": ("in-1", "kin-1"),
            "rebooks": (None,),
            "second_approval": (None,),
            "user": ("prison-sup", "nobody"),
            "password": (PASSWORD, "wrong password"),
            "reason": ("停电",),
            "day": (str(self.now.date()),),
        }

    def bodies(self, document=None):
        """Random bodies, as hostile as chance has it."""
        return Bodies(self.dice, document or self.document, self.hints(), self.dice.choice(HOSTILES))

    def path(self, route, operation):
        """A path and query for a row."""
        path, bodies, query = re.sub(r"\{(\w+)\}", self._part, route.path), self.bodies(), []
        for parameter in operation.get("parameters", ()):
            if parameter["in"] == "query" and self.dice.random() < 0.8:
                value = bodies.member(parameter["name"], parameter["schema"])
                query.append(f"{parameter['name']}={_quoted(value)}")
        if self.dice.random() < 0.1:
            query.append(self.dice.choice(("a=%ff", "%ff=1", "=", "&&", "day=%00", "a=1&a=2", "%ed%a0%80=1")))
        return path + ("?" + "&".join(query) if query else "")

    def _part(self, found):
        if self.dice.random() < 0.2:
            return _quoted(self.dice.choice(HOSTILE)) or "x"
        places = {"session": self.ids[1::2], "slot": self.ids[::2], "side": ("prison", "visitor")}
        return self.dice.choice(places.get(found[1], self.ids))

    def caller(self, route):
        """A caller whom the row names, and seldom another one."""
        named = [CALLERS[role] for role in route.roles if role in CALLERS] or [None]
        caller = self.dice.choice(named) if self.dice.random() < 0.95 else self.dice.choice([*CALLERS.values(), None])
        return "visitor-sup" if caller == "prison-sup" and self.dice.random() < 0.5 else caller

    async def send(self, route):
        """Send one request for a row; return what it was, and the answer."""
        operation = self.document["paths"][route.path][route.method.lower()]
        path, caller, body = self.path(route, operation), self.caller(route), self._body(route, operation)
        headers = {"Authorization": f"Bearer {self.tokens[caller]}"} if caller else {}
        if body is not None:
            headers["Content-Type"] = route.body if isinstance(route.body, str) else "application/json"
        if self.dice.random() < 0.2:
            name = self.dice.choice(list(HEADERS))
            headers[name] = self.dice.choice(HEADERS[name])
        async with asyncio.timeout(PATIENCE):
            answer = await self.client.request(route.method, exactly(self.client, path), headers=headers, data=body)
            await answer.read()
        if answer.status == 401 and caller in fixtures.USERS:  # it has signed out
            self.tokens[caller] = await self.store.issue_user_token(caller, timedelta(hours=12))
        return (route.method, path[:200], caller, headers, (body or b"")[:500]), answer

    def _body(self, route, operation):
        if route.body is None:
            return None
        if isinstance(route.body, str):
            return OFFER.encode() if self.dice.random() < 0.5 else self.dice.choice(RAW)
        return self.bodies().raw(operation["requestBody"]["content"]["application/json"]["schema"])


def exactly(client, path):
    """Return the URL of a path that is sent as it is, however it is spelled."""
    return type(client.make_url("/"))(path, encoded=True)


def _quoted(value):
    text = value if isinstance(value, str) else json.dumps(value)
    return quote(text[:1500].encode("utf-8", "surrogatepass"), safe="")


def _message(data):
    return data.decode("utf-8", "replace")[:MAX_FRAME]


async def _until_silent(socket):
    """Yield the texts that come, until none comes for a moment or the socket is closed."""
    with suppress(TimeoutError):
        while not socket.closed:
            frame = await socket.receive(timeout=0.3)
            if frame.type is WSMsgType.TEXT:
                yield frame.data


@asynccontextmanager
async def running(folder, made):
    """The application over a real broker, with three visits that begin soon."""
    clock = AgreedClock(SystemClock())
    settings = Settings(data_dir=folder, http_port=0)
    settings.prepare()
    file, tokens = made
    url = f"sqlite+aiosqlite:///{folder / 'h.sqlite'}"
    (folder / "h.sqlite").write_bytes(file.read_bytes())
    async with (
        Store(url, clock) as store,
        Journal(store.engine, clock) as journal,
        Broker(store, journal, clock, settings.run_dir, 1) as broker,
    ):
        now, ids, tokens = clock.now().wall, [], dict(tokens)
        for user in fixtures.USERS:  # those of the fixture have run out by this clock
            tokens[user] = await store.issue_user_token(user, timedelta(hours=12))
        for number in range(3):
            starts = now + timedelta(minutes=5 + 60 * number)
            slot = ten_slot(starts_at=starts, ends_at=starts + timedelta(minutes=40))
            await broker.add_slot(slot, "test")
            ids += [slot.id, slot.session]
        app = build_app(broker=broker, store=store, journal=journal, settings=settings, clock=clock, version="0.0.test")
        # What is within every allowance is looked at here; the allowances have tests of their own.
        app[CONTEXT].allowance = Allowance({kind: Budget(1e9, 1e9) for kind in BUDGETS})
        app[CONTEXT].changes = app[CONTEXT].terminal_changes = Limit(burst=10**9, per_minute=10**9)
        async with TestClient(ConnectionServer(app)) as client:
            yield Sender(client, store, tokens, tuple(ids), now, seed=11)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sender(tmp_path_factory, made):
    """The sender of all tests of this module, on one application."""
    async with running(tmp_path_factory.mktemp("rows"), made) as started:
        yield started


KEEPS = frozenset({"no-store", REVALIDATE})
"""What answers say of caches: nothing with a person's data in it is kept, and documents are asked for again."""


class TestRandomRequests:
    async def test_are_answered_or_refused_and_never_an_incident(self, sender):
        statuses = set()
        for _ in range(ROUNDS):
            for route in ROUTES:
                if route.path.endswith("/ws"):
                    continue
                sent, answer = await sender.send(route)
                statuses.add(answer.status)
                assert answer.status != 500, (sent, await answer.text())
                assert answer.status < 400 or route.method == "HEAD" or answer.content_type == PROBLEM_TYPE, sent
                assert "Server" not in answer.headers, sent
                assert pages.HEADERS.keys() <= answer.headers.keys(), sent
                assert answer.headers["Cache-Control"] in KEEPS, sent
        assert {200, 201, 204, 400, 401, 403, 404, 409, 422} <= statuses


class TestRandomMessages:
    @pytest.mark.parametrize("caller", ["prison-sup", "visitor-sup", "p1", "v1"])
    async def test_are_acknowledged_or_refused_and_never_an_incident(self, sender, caller):
        schema = CLIENT.json_schema()
        document = {"components": {"schemas": schema["$defs"]}}
        answered = 0
        for _ in range(MESSAGES // 20):
            headers = {"Authorization": f"Bearer {sender.tokens[caller]}"}
            async with sender.client.ws_connect("/api/v1/ws", protocols=[SUBPROTOCOL], headers=headers) as socket:
                for _ in range(20):
                    if not socket.closed:
                        await socket.send_str(_message(sender.bodies(document).raw(schema)))
                async for text in _until_silent(socket):
                    answered += 1
                    assert json.loads(text).get("problem", {}).get("code") != "internal", text
                await socket.close()
                assert socket.close_code != 1011
        assert answered > MESSAGES / 4


class TestAnswersAreTheSameForStrangers:
    async def test_no_answer_names_the_programs_that_answer(self, sender):
        for path in ("/", "/healthz", "/nowhere", "/api/v1/me", "/web/monitor.js", "/%ff", "/web/" + "a" * 300 + ".js"):
            answer = await sender.client.get(exactly(sender.client, path))
            assert "Server" not in answer.headers and answer.headers["X-Content-Type-Options"] == "nosniff"
