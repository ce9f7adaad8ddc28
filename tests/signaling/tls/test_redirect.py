"""The plain port of an installation with TLS leads browsers to TLS and takes nothing else."""

from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from signaling.ingress.admission import Limits
from signaling.ingress.request_head import parse_head
from signaling.tls.redirect import location
from tests.support.signaling.ingress import request, running_entrance


def asked(target="/", host="visits.example", method="GET"):
    return parse_head(f"{method} {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())


class TestLocation:
    @pytest.mark.parametrize(
        "host, port, place",
        [
            ("visits.example", 443, "https://visits.example/monitor?a=1"),
            ("visits.example:80", 8470, "https://visits.example:8470/monitor?a=1"),
            ("10.1.2.3", 8470, "https://10.1.2.3:8470/monitor?a=1"),
            ("[2001:db8::1]:80", 443, "https://[2001:db8::1]/monitor?a=1"),
        ],
    )
    def test_is_the_same_address_at_the_port_of_tls(self, host, port, place):
        assert location(asked("/monitor?a=1", host), port) == place

    @pytest.mark.parametrize("host", ["a b", "user@evil.example", "a/b", "[::1", ""])
    def test_is_none_for_a_host_that_is_none(self, host):
        assert location(asked(host=host), 443) is None

    def test_is_none_for_what_may_carry_a_secret(self):
        assert location(asked(method="POST"), 443) is None

    def test_is_none_for_the_address_of_another_server(self):
        assert location(asked("http://evil.example/"), 443) is None


@asynccontextmanager
async def plain_port(folder, clock, made, limits=None):
    async with running_entrance(folder, clock, made, limits) as entrance:
        entrance.port = await entrance.door.redirect_listener.open("127.0.0.1", 0)
        yield entrance


class TestThePlainPort:
    async def test_redirects_and_ends_the_connection(self, tmp_path, clock, made):
        async with plain_port(tmp_path, clock, made) as entrance:
            line = await entrance.connect()
            line.send(request("GET", "/monitor"))
            answer = await line.answer()
            assert answer.status == 308
            assert answer.headers["location"] == f"https://127.0.0.1:{entrance.settings.http_port or 0}/monitor"
            assert answer.headers["connection"] == "close" and answer.headers["x-content-type-options"] == "nosniff"
            assert "strict-transport-security" not in answer.headers  # RFC 6797, 7.2
            assert await line.ended() == b""

    async def test_takes_no_credential(self, tmp_path, clock, made):
        async with plain_port(tmp_path, clock, made) as entrance:
            answer = await entrance.ask("POST", "/api/v1/sign-in", body=b"{}")
            assert answer.status == 400 and answer.data["code"] == "tls_required"
            answer = await entrance.ask("GET", "/api/v1/me", token=entrance.tokens["admin"])
            assert answer.status == 308 and b"who" not in answer.body
            assert not entrance.counts["handed_over"]

    async def test_closes_what_is_too_slow(self, tmp_path, clock, made):
        async with plain_port(tmp_path, clock, made, replace(Limits(), head_seconds=0.2)) as entrance:
            line = await entrance.connect()
            line.send(b"GET / HTTP/1.1\r\n")
            assert (await line.answer()).status == 408
