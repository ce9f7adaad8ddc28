"""Long answers end where nothing is read any more, and give their place back."""

import asyncio

import pytest
from aiohttp.test_utils import make_mocked_request

from broker.control.store.records import Role
from signaling.auth.scope import User
from signaling.budgets import streams
from signaling.budgets.streams import Streams


class Unread:
    """An answer whose reader takes nothing."""

    async def write(self, data):
        await asyncio.Event().wait()


@pytest.fixture
def caller():
    return User("wang", "王五", Role.AUDITOR, "site-1", "usr_x")


class TestSlowReaders:
    async def test_one_that_takes_nothing_is_given_up_and_others_get_its_place(self, monkeypatch, caller):
        monkeypatch.setattr(streams, "STALLED_SECONDS", 0.05)
        running = Streams(lambda: 0.0)
        request = make_mocked_request("GET", "/")
        with pytest.raises(ConnectionResetError), running.running(caller, request) as stream:
            assert running.budget.playing == 1
            await stream.write(Unread(), b"film")
        assert running.budget.playing == 0 and running.callers() == []
        assert request.transport.abort.called
