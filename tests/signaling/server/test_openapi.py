"""The OpenAPI document is valid and lists what the server answers, and every row refuses callers it does not name."""

import json
import re

import pytest
from openapi_spec_validator import validate

from signaling.api.messages.fields import ID_PATTERN
from signaling.auth.scope import Role, role_of
from signaling.server import pages
from signaling.server.app import ROUTES
from signaling.server.taken_connection import WRITE_BUFFER

CALLERS = {
    Role.TERMINAL: "p1",
    Role.SUPERVISOR: "prison-sup",
    Role.CLERK: "clerk",
    Role.APPROVER: "approver",
    Role.AUDITOR: "auditor",
    Role.PROCURATOR: "procurator",
    Role.ADMIN: "admin",
    Role.INTEGRATOR: "booking",
    Role.OBSERVER: "observer",
}
OPEN = {
    ("POST", "/api/v1/sign-in"),
    ("POST", "/api/v1/sign-in/challenge"),
    ("GET", "/api/v1/sign-in/providers"),
    ("GET", "/api/v1/sign-in/oidc"),
    ("GET", "/api/v1/sign-in/oidc/callback"),
    ("POST", "/api/v1/sign-in/factor"),
    ("POST", "/api/v1/invitations/redeem"),
    ("POST", "/api/v1/terminals/enrolments"),
    ("POST", "/api/v1/terminals/challenges"),
    ("POST", "/api/v1/terminals/sessions"),
    ("POST", "/api/v1/terminals/migrations"),
    ("GET", "/api/v1/openapi.json"),
    ("GET", "/healthz"),
    ("GET", "/metrics"),
    ("OPTIONS", "/whip/{session}"),
    ("OPTIONS", "/whep/{session}/{side}"),
    ("OPTIONS", "/whip/{session}/voice"),
    ("OPTIONS", "/whep/{session}/voice"),
    ("OPTIONS", "/line-tests/{session}/whip"),
    ("OPTIONS", "/line-tests/{session}/whep"),
    ("GET", "/api/v1/ws"),
}


def path_of(route):
    return route.path.replace("{side}", "prison").replace("{", "x-").replace("}", "")


pytestmark = pytest.mark.asyncio(loop_scope="module")


class TestTheDocument:
    async def test_it_is_valid_openapi_3_1(self, shared_front):
        document = (await shared_front.ask("GET", "/api/v1/openapi.json")).data
        validate(document)
        assert document["openapi"] == "3.1.0"

    async def test_it_lists_exactly_what_the_server_answers(self, shared_front):
        document = (await shared_front.ask("GET", "/api/v1/openapi.json")).data
        listed = {(m.upper(), path) for path, ms in document["paths"].items() for m in ms}
        served = {
            (route.method, route.resource.canonical)
            for route in shared_front.client.app.router.routes()
            if route.method not in ("HEAD", "*")
            and route.resource.canonical not in {*pages.PAGES, pages.VERIFIER, "/web/{path}"}
        }
        assert listed == served == {(route.method, route.path) for route in ROUTES}

    async def test_it_names_the_headers_of_refusals_and_of_conditions(self, shared_front):
        paths = (await shared_front.ask("GET", "/api/v1/openapi.json")).data["paths"]
        film = paths["/api/v1/recordings/{session}/film"]["get"]
        named = {status: list(film["responses"][status]["headers"]) for status in ("401", "416", "429", "503")}
        assert named == {
            "401": ["WWW-Authenticate"], "416": ["Content-Range"], "429": ["Retry-After"], "503": ["Retry-After"]
        }  # fmt: skip
        headers = {each["name"]: each["required"] for each in film["parameters"] if each["in"] == "header"}
        assert headers == dict.fromkeys(("If-Match", "If-None-Match", "Range", "If-Range"), False)
        restart = paths["/whip/{session}/{resource}"]["patch"]["parameters"]
        assert {each["name"]: each["required"] for each in restart if each["in"] == "header"} == {"If-Match": True}

    async def test_its_patterns_mean_the_same_in_every_language(self, shared_front):
        text = json.dumps((await shared_front.ask("GET", "/api/v1/openapi.json")).data)
        patterns = [json.loads(found) for found in re.findall(r'"pattern": (".*?(?<!\\)")', text)]
        assert ID_PATTERN in patterns and not [each for each in patterns if re.search(r"\\[sSwWdDbB]|\(\?", each)]

    async def test_it_waits_for_no_reader(self, shared_front):
        answer = await shared_front.ask("GET", "/api/v1/openapi.json")
        assert len(await answer.read()) < WRITE_BUFFER  # else a stranger who does not read it would hold a turn


class TestDefaultDeny:
    async def test_only_these_rows_are_open(self):
        assert {(route.method, route.path) for route in ROUTES if route.open} == OPEN

    @pytest.mark.parametrize("route", [r for r in ROUTES if not r.open], ids=lambda r: f"{r.method} {r.path}")
    async def test_without_a_valid_credential_every_row_is_refused(self, shared_front, route):
        for caller in (None, "usr_unknown", "trm_unknown", "key_unknown", "x", "\xff" * 20):
            answer = await shared_front.refused("not_signed_in", route.method, path_of(route), caller)
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")

    @pytest.mark.parametrize("route", [r for r in ROUTES if not r.open], ids=lambda r: f"{r.method} {r.path}")
    async def test_another_role_is_forbidden(self, shared_front, route):
        for role, caller in CALLERS.items():
            if role not in route.roles:
                await shared_front.refused("forbidden", route.method, path_of(route), caller)

    async def test_the_callers_of_this_test_have_these_roles(self, shared_front):
        for role, caller in CALLERS.items():
            token = shared_front.tokens[caller]
            assert role_of(await shared_front.context.credentials.holder(token)) is role
