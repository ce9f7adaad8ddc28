"""Hostile requests: every answer is one that the OpenAPI document lists, and never a 500."""

import json

import pytest
from aiohttp import ClientConnectionResetError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broker.kernel.errors import StorageUnavailable
from signaling.api.messages import socket as msg
from tests.support.signaling.front import ten_slot

MANY = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
KEYS = [
    *("type", "id", "session", "side", "person", "identity", "article", "note", "camera", "user", "password"),
    *("people", "minutes", "starts_at", "ends_at", "prison_room", "visitor_room", "name", "relation", "external_id"),
]
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=30),
    st.sampled_from(
        ["prison", "visitor", "ses_x", "hold", "2026-03-02T10:00:00+08:00", "9999-12-31T23:59:59-12:00", "\ud800"]
    ),
)
JSON = st.recursive(
    VALUES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), inner, max_size=6)
    ),
    max_leaves=25,
)
BODIES = JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=80)
POSTS = [
    ("/api/v1/sign-in", None),
    ("/api/v1/slots", "booking"),
    ("/api/v1/sessions/{}/check-in", "visitor-sup"),
    ("/api/v1/sessions/{}/hold", "prison-sup"),
    ("/api/v1/sessions/{}/self-test", "p1"),
    ("/api/v1/sessions/{}/resume", "prison-sup"),
]


class TestRest:
    @pytest.mark.parametrize(("path", "caller"), POSTS)
    async def test_no_body_breaks_the_server(self, front, path, caller):
        session = await front.broker.add_slot(ten_slot(), "test")
        bodies = []

        @MANY
        @given(BODIES)
        def collect(body):
            bodies.append(body)

        collect()
        for body in bodies:
            answer = await front.ask(
                "POST", path.format(session), caller, data=body, headers={"Content-Type": "application/json"}
            )
            assert answer.status < 500, (body, answer.data)

    @pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 40_000, b'"' + b"x" * 200_000, b"1" * 200_000])
    async def test_deep_and_long_bodies(self, front, body):
        headers = {"Content-Type": "application/json"}
        await front.refused("bad_request", "POST", "/api/v1/slots", "booking", data=body, headers=headers)

    async def test_a_body_over_the_limit(self, front):
        headers = {"Content-Type": "application/json"}
        for path, caller in (("/api/v1/slots", "booking"), ("/api/v1/sign-in", None)):
            await front.refused("too_large", "POST", path, caller, data=b" " * 300_000, headers=headers)

    async def test_another_type_of_body(self, front):
        for kind in ("text/plain", "application/x-www-form-urlencoded", "application/jsonx"):
            headers = {"Content-Type": kind}
            await front.refused("unsupported_type", "POST", "/api/v1/slots", "booking", data=b"{}", headers=headers)

    async def test_the_refusal_names_what_is_wrong_without_repeating_it(self, front):
        body = {"user": "Not A Name", "password": "hunter2 " * 40, "刘某甲": 1}
        data = (await front.refused("bad_request", "POST", "/api/v1/sign-in", json=body)).data
        assert {"user", "password"} <= {one["where"] for one in data["errors"]}
        assert "hunter2" not in json.dumps(data) and "Not A Name" not in json.dumps(data)


class TestUnforeseenErrors:
    async def test_it_becomes_an_incident_number(self, front, capsys):
        front.broker.error = RuntimeError("password of 刘某甲")
        session = "ses_x"
        data = (await front.refused("internal", "GET", f"/api/v1/sessions/{session}", "admin")).data
        logged = capsys.readouterr().out
        assert data["incident"] in logged and "RuntimeError" in logged
        assert "刘某甲" not in logged + json.dumps(data, ensure_ascii=False) and "Traceback" not in logged

    async def test_a_sender_who_has_gone_is_none(self, front, capsys):
        front.broker.error = ClientConnectionResetError("Cannot write to closing transport")
        headers = {"Authorization": f"Bearer {front.tokens['admin']}"}
        async with front.client.get("/api/v1/sessions/ses_x", headers=headers) as answer:
            assert answer.status == 400
        assert "incident" not in capsys.readouterr().out

    async def test_without_a_database_it_is_503(self, front, monkeypatch):
        async def gone(*_):
            raise StorageUnavailable()

        for name in ("user_by_token", "user_named", "health"):
            monkeypatch.setattr(front.store, name, gone)
        refused = await front.refused("storage_unavailable", "GET", "/api/v1/me", "admin")
        assert int(refused.headers["Retry-After"]) > 0
        await front.refused("storage_unavailable", "POST", "/api/v1/sign-in", json={"user": "x", "password": "y"})
        await front.refused("storage_unavailable", "GET", "/healthz")


class TestMessages:
    @MANY
    @given(JSON.map(json.dumps) | st.text(max_size=60))
    def test_the_parser_accepts_or_refuses_and_does_nothing_else(self, text):
        try:
            msg.CLIENT.validate_json(text)
        except ValueError:
            return
