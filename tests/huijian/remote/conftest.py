"""The tests of commands at a server share the real interface of tests/support/signaling."""

import asyncio
import io

import pytest

from tests.support.signaling.fixtures import clock, front, made, quick_passwords
from tests.support.signaling.front import PASSWORD

__all__ = ["clock", "front", "made", "quick_passwords"]


@pytest.fixture
def server(front, monkeypatch, place):
    """Return the address of the server; sign-ins are kept in a folder of this test."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(place / "config"))
    return str(front.client.make_url("")).rstrip("/")


@pytest.fixture
def there(front, server, huijian, monkeypatch):
    """Return a function that gives a command to the server as an account, in a thread as a shell would."""

    async def say(caller, *args, typed=PASSWORD):
        monkeypatch.setenv("HUIJIAN_TOKEN", front.tokens.get(caller, ""))
        monkeypatch.setenv("HUIJIAN_SERVER", server)
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{typed}\n"))
        return await asyncio.to_thread(huijian, *args)

    return say
