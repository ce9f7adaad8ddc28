"""Hostile first requests through real sockets: each gets an answer or is closed, and nothing unforeseen happens."""

import asyncio
import logging

import pytest
from hypothesis import given, settings

from signaling.ingress.admission import Limits
from tests.signaling.ingress.test_request_head import written
from tests.support.signaling.ingress import running_entrance


@pytest.fixture
async def entrance(tmp_path, clock, made):
    """A front door that loses its patience soon."""
    limits = Limits(first_byte_seconds=0.5, head_seconds=0.5, body_seconds=0.5)
    async with running_entrance(tmp_path, clock, made, limits) as running:
        yield running


async def test_each_request_is_answered_or_closed(entrance, caplog, capsys):
    bodies, unforeseen = [], []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: unforeseen.append(context))

    @settings(max_examples=300, deadline=None, database=None)
    @given(written())
    def collect(data):
        bodies.append(data)

    collect()

    async def send(data):
        line = await entrance.connect()
        line.send(data.replace(b"usr_12345678", entrance.tokens["admin"].encode()))
        line.writer.write_eof()
        return await line.ended()

    with caplog.at_level(logging.WARNING):
        for start in range(0, len(bodies), 20):
            for answer in await asyncio.gather(*map(send, bodies[start : start + 20])):
                assert answer == b"" or answer.startswith(b"HTTP/1."), answer[:80]
                assert b" 500 " not in answer[:20]
    assert unforeseen == [] and "Traceback" not in caplog.text + capsys.readouterr().err
    assert (await entrance.ask("GET", "/healthz")).status == 200
    await entrance.until(lambda: len(entrance.door.dispatch.reader) == 0)
