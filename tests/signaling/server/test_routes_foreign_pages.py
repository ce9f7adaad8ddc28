"""A page of another site changes nothing here, although the officer's browser has the cookie of a sign-in: at every
address of the table that changes something, whatever a browser lets such a page send. Nor does it have anything read:
what is read is journaled in the officer's name."""

from datetime import timedelta

import pytest

from signaling.auth.credentials import SAFE
from signaling.server.app import ROUTES
from tests.signaling.server.test_openapi import CALLERS
from tests.signaling.server.test_routes_existence import BODIES, NOWHERE
from tests.support.signaling.fixtures import USERS

pytestmark = pytest.mark.asyncio(loop_scope="module")
CHANGING = [route for route in ROUTES if route.method not in SAFE and not route.open]
READING = [route for route in ROUTES if route.method in SAFE and not route.open]
OPEN = [route for route in ROUTES if route.method not in SAFE and route.open]
PAGES = {
    "one that names no origin": {},
    "one in a sandbox or a file": {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
    "one of another site": {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
    "one of a sibling host": {"Origin": "http://evil.127.0.0.1", "Sec-Fetch-Site": "same-site"},
    "one of another port": {"Origin": "http://127.0.0.1:1", "Sec-Fetch-Site": "same-site"},
    "one whose name begins like the server's": {"Origin": "{own}.evil.example", "Sec-Fetch-Site": "cross-site"},
    "one that is said to be the server's own": {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
}
FORMS = {
    "application/x-www-form-urlencoded": b"user=li&password=x",
    "multipart/form-data; boundary=x": b'--x\r\nContent-Disposition: form-data; name="user"\r\n\r\nli\r\n--x--\r\n',
    "text/plain": b'{"user": "li", "password": "=x"}',
}
"""What a form of any page may send without asking the server first (Fetch, "CORS-safelisted request-header")."""


def path_of(route):
    """The address with ids that are nowhere: what is refused here is so before anything is looked for."""
    return "/".join(NOWHERE if part.startswith("{") else part for part in route.path.split("/"))


def officer_of(route):
    """An officer whom the row names, None where it is for terminals and programs."""
    named = sorted(CALLERS[role] for role in route.roles)
    return next((caller for caller in named if caller in USERS), None)


async def send(front, route, headers, cookie, body=None):
    """Send a request with a cookie, as a browser on this machine does; return its status and problem."""
    asked = {name: value.format(own=own(front)) for name, value in headers.items()}
    if body is not None:
        sent = {"data": body}
    elif isinstance(route.body, str):
        sent, asked["Content-Type"] = {"data": b"v=0\r\n"}, route.body
    else:
        sent = {"json": BODIES.get(route.path.rpartition("/")[2], {})}
    asked["Cookie"] = f"huijian={cookie}"
    async with front.client.request(route.method, path_of(route), headers=asked, **sent) as answer:
        assert not {name for name in answer.headers if name.startswith("Access-Control-")}, route.path
        text = await answer.text()
        return answer.status, (await answer.json(content_type=None) if text else {})


def own(front):
    return str(front.client.make_url("/")).rstrip("/")


async def signed_in(front, officer):
    return await front.store.issue_user_token(officer, timedelta(hours=12))


class TestAForeignPage:
    @pytest.mark.parametrize("page", PAGES)
    async def test_changes_nothing_at_any_address(self, shared_front, page):
        for route in CHANGING:
            if officer := officer_of(route):
                status, problem = await send(shared_front, route, PAGES[page], shared_front.tokens[officer])
                assert (status, problem["code"]) == (403, "forbidden"), (route.path, problem)
                assert "another origin" in problem["detail_en"], route.path

    async def test_is_told_apart_from_the_servers_own(self, shared_front):
        for route in CHANGING:
            if officer := officer_of(route):
                token = await signed_in(shared_front, officer)
                _, problem = await send(shared_front, route, {"Origin": "{own}"}, token)
                assert "another origin" not in problem.get("detail_en", ""), route.path

    @pytest.mark.parametrize("site", ["cross-site", "same-site"])
    async def test_has_nothing_read_in_an_officers_name(self, shared_front, site):
        for route in READING:
            if officer := officer_of(route):
                token = await signed_in(shared_front, officer)
                status, problem = await send(shared_front, route, {"Sec-Fetch-Site": site}, token)
                assert (status, problem["code"]) == (403, "forbidden"), (route.path, problem)
                assert "another origin" in problem["detail_en"], route.path

    @pytest.mark.parametrize("site", ["same-origin", "none"])
    async def test_is_told_apart_from_an_address_that_was_typed(self, shared_front, site):
        headers = {"Sec-Fetch-Site": site, "Cookie": f"huijian={await signed_in(shared_front, 'auditor')}"}
        assert (await shared_front.ask("GET", "/api/v1/me", headers=headers)).status == 200

    async def test_gets_no_leave_to_send_more_than_forms_do(self, shared_front):
        asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
        asked |= {"Access-Control-Request-Headers": "content-type, authorization"}
        for route in ROUTES:
            async with shared_front.client.options(path_of(route), headers=asked) as answer:
                assert not {name for name in answer.headers if name.startswith("Access-Control-Allow")}, route.path


class TestAForm:
    @pytest.mark.parametrize("kind", FORMS)
    async def test_is_no_body_of_any_address_also_from_the_servers_own_page(self, shared_front, kind):
        for route in CHANGING:
            officer = officer_of(route)
            if officer and route.body is not None:
                headers = {"Origin": "{own}", "Content-Type": kind}
                token = await signed_in(shared_front, officer)
                status, problem = await send(shared_front, route, headers, token, FORMS[kind])
                assert (status, problem["code"]) == (415, "unsupported_type"), route.path

    @pytest.mark.parametrize("kind", FORMS)
    async def test_signs_no_browser_in_to_an_account_of_its_sender(self, shared_front, kind):
        for route in OPEN:
            headers = {"Origin": "https://evil.example", "Content-Type": kind}
            status, problem = await send(shared_front, route, headers, "", FORMS[kind])
            assert (status, problem["code"]) == (415, "unsupported_type"), route.path


class TestTokensThatAreNoOfficers:
    async def test_are_no_cookies_at_any_address(self, shared_front):
        for caller in ("p1", "booking", "observer"):
            for route in CHANGING:
                status, problem = await send(shared_front, route, {"Origin": "{own}"}, shared_front.tokens[caller])
                assert (status, problem["code"]) == (401, "not_signed_in"), (route.path, caller)
