"""Ids that are tricks: dots that lead out of a folder, slashes, NUL and signs that are encoded, too many signs. At
every address with an id, for the people whom the row names, each is answered as an id that is nowhere."""

import re

import pytest
import pytest_asyncio

from signaling.server.app import ROUTES
from tests.signaling.server.test_openapi import CALLERS
from tests.signaling.server.test_routes_every_row import exactly
from tests.signaling.server.test_routes_existence import BODIES, KINDS, NOWHERE
from tests.support.signaling.fixtures import USERS
from tests.support.signaling.front import OFFER

pytestmark = pytest.mark.asyncio(loop_scope="module")
TRICKS = {
    "dots": "..%2f..%2f..%2fetc%2fpasswd",
    "dots that are encoded twice": "%252e%252e%252fetc",
    "backslashes and an overlong encoding": "..%5c%c0%ae%c0%af",
    "NUL behind a name": "ses_a%00.mp4",
    "a line of a head": "ses_a%0d%0aSet-Cookie:%20huijian=x",
    "a surrogate, a mark that turns the text around, another width": "%ed%a0%80%e2%80%ae%ef%bc%8e",
    "SQL": "'%20or%20'1'='1",
    "sixty-five signs": "a" * 65,
}
OVERLONG = ("a" * 5000, "%2e" * 5000, "%00" * 5000)
"""Ids longer than the line of a request may be: some of them are refused before a route is looked for."""
WITH_ID = [route for route in ROUTES if "{" in route.path and not route.open]


def caller_of(route):
    """A caller whom the row names, an officer where there is one."""
    named = sorted(CALLERS[role] for role in route.roles)
    return next((caller for caller in named if caller in USERS), named[0])


async def answered(front, route, id):
    """Ask with an id in the place of all ids of an address; return status, headers and text."""
    path = re.sub(r"\{(\w+)\}", lambda found: KINDS.get(found[1], id), route.path)
    headers, sent = {"Authorization": f"Bearer {front.tokens[caller_of(route)]}"}, {}
    if isinstance(route.body, str):
        sent, headers["Content-Type"], headers["If-Match"] = {"data": OFFER}, route.body, "*"
    elif route.body is not None:
        sent = {"json": BODIES.get(route.path.rpartition("/")[2], {})}
    async with front.client.request(route.method, exactly(front.client, path), headers=headers, **sent) as answer:
        kept = {name: value for name, value in answer.headers.items() if name != "Date"}
        return answer.status, kept, await answer.text()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def nowhere(shared_front):
    """The status with which each address answers to an id that is nowhere."""
    return {route.operation: (await answered(shared_front, route, NOWHERE))[0] for route in WITH_ID}


def is_nothing(answer):
    """Whether an answer is a refusal that repeats nothing of what was asked."""
    status, headers, text = answer
    return 400 <= status < 500 and "Set-Cookie" not in headers and not re.search("etc|ses_a|or '1|%2e|aaaa", text)


@pytest.mark.parametrize("trick", TRICKS)
async def test_an_id_that_is_a_trick_is_one_that_is_nowhere(shared_front, nowhere, trick):
    for route in WITH_ID:
        answer = await answered(shared_front, route, TRICKS[trick])
        assert is_nothing(answer) and answer[0] in (404, nowhere[route.operation]), (route.path, answer)


@pytest.mark.parametrize("id", OVERLONG, ids=lambda id: id[:3])
async def test_an_id_of_thousands_of_signs_is_nowhere_or_no_request(shared_front, id):
    for route in WITH_ID[::4]:
        answer = await answered(shared_front, route, id)
        assert is_nothing(answer) and answer[0] in (400, 404), (route.path, answer)
