"""One key in two places: both running programs are refused until an administrator decides, with an entry in the journal
and an alarm. Restarts and broken lines are no second place."""

import asyncio
import json
from datetime import timedelta

import pytest
from aiohttp import WSMsgType

from broker.control.store.records import TerminalState
from signaling.api.messages.socket import SUBPROTOCOL
from signaling.auth.session_expiry import check_all
from signaling.identity import admission
from tests.support.patience import PATIENCE
from tests.support.signaling.front import OFFER
from tests.support.signaling.talk import WS, talking
from tests.support.signing import Signer
from tests.support.terminals import enrolled

SDP = {"data": OFFER, "headers": {"Content-Type": "application/sdp"}}


@pytest.fixture
async def signer(front):
    """The terminal of room p1, enrolled anew, with its key at hand."""
    (old,) = [terminal for terminal in await front.store.terminals() if terminal.room == "p1"]
    await front.store.revoke_terminal(old.id)
    terminal, _ = await enrolled(front.store, "p1")
    return Signer(front, terminal.id, terminal.key)


@pytest.fixture
def short(monkeypatch):
    """A time for signs of life that is over soon: nothing answers in these tests that could be late."""
    monkeypatch.setattr(admission, "ANSWER_SECONDS", 0.2)


async def state(front, signer):
    return (await front.store.terminal(signer.terminal)).state


async def conflicts(front):
    await front.journal.flush()
    entries = await front.journal.entries(limit=10_000)
    return [json.loads(entry.data) for entry in entries if entry.kind == "TerminalConflict"]


async def deaf(front, token):
    """A socket whose other end reads nothing and answers nothing, like that of a machine without power."""
    headers = {"Authorization": f"Bearer {token}"}
    ws = await front.client.ws_connect(WS, protocols=(SUBPROTOCOL,), headers=headers, autoping=False)
    while (await ws.receive(timeout=PATIENCE)).type is WSMsgType.TEXT:
        if front.context.hub.kinds()["terminal"]:
            break
    return ws


class TestCopiedKeys:
    async def test_that_are_used_at_once_are_both_refused_until_an_administrator_decides(self, front, signer):
        copy = signer.copy()
        async with talking(front, await signer.token()) as first:
            reading = asyncio.create_task(first.closed())
            async with talking(front, await copy.token(), greet=False) as second:
                assert await second.closed() == 4013
            assert await reading == 4013
        assert await state(front, signer) is TerminalState.CONFLICTED
        for each in (signer, copy, signer.copy()):
            assert (await each.sign_in()).data["code"] == "terminal_conflict"
        (entry,) = await conflicts(front)
        assert entry["room"] == "p1" and sorted(entry["instances"]) == sorted([signer.instance[:8], copy.instance[:8]])
        metrics = await (await front.ask("GET", "/metrics", "observer")).text()
        assert "huijian_terminals_conflicted 1.0" in metrics
        await front.store.readmit_terminal("p1")
        async with talking(front, await signer.token()):
            assert await state(front, signer) is TerminalState.ACTIVE

    async def test_one_that_is_still_there_after_an_administrator_has_decided_is_found_again(self, front, signer):
        copy = signer.copy()
        await front.store.conflict_terminal(signer.terminal)
        await front.store.readmit_terminal("p1")
        async with talking(front, await signer.token()) as first:
            reading = asyncio.create_task(first.closed())
            async with talking(front, await copy.token(), greet=False) as second:
                assert await second.closed() == 4013
            assert await reading == 4013

    async def test_their_media_end_too(self, front, signer):
        session = await front.visit()
        front.at(timedelta(minutes=-10))
        token, copy = await signer.token(), signer.copy()
        async with talking(front, token) as first:
            reading = asyncio.create_task(first.closed())
            assert (await front.ask("POST", f"/whip/{session}", token, **SDP)).status == 201
            async with talking(front, await copy.token(), greet=False) as second:
                await second.closed()
            await reading
        assert len(front.broker.dropped) == 1 and not front.context.resources.holders()

    async def test_a_second_program_gets_no_media_beside_the_socket_of_the_first(self, front, signer):
        session = await front.visit()
        front.at(timedelta(minutes=-10))
        copy = signer.copy()
        async with talking(front, await signer.token()):
            await front.refused("terminal_conflict", "POST", f"/whip/{session}", await copy.token(), **SDP)
            await front.refused("terminal_conflict", "POST", f"/whep/{session}/visitor", await copy.token(), **SDP)

    async def test_one_that_was_away_while_the_other_came_is_found_when_it_signs_again(self, front, signer):
        copy = signer.copy()
        async with talking(front, await signer.token()):
            pass
        front.clock.forward(timedelta(seconds=5))
        async with talking(front, await copy.token()) as there:
            front.clock.forward(timedelta(seconds=5))
            assert (await signer.sign_in()).data["code"] == "terminal_conflict"
            await check_all(front.context)
            assert await there.closed() == 4013
        assert len(await conflicts(front)) == 1


class TestNoFalseAlarm:
    async def test_a_program_that_connects_again_replaces_its_own_socket(self, front, signer):
        async with talking(front, await signer.token()) as first, talking(front, await signer.token()):
            assert await first.closed() == 4009
        assert await state(front, signer) is TerminalState.ACTIVE

    async def test_a_terminal_that_was_started_again_is_welcome_at_once(self, front, signer):
        for _ in range(3):
            signer = signer.copy()
            async with talking(front, await signer.token()) as talk:
                assert talk.welcome.who.room == "p1"
        assert await state(front, signer) is TerminalState.ACTIVE

    async def test_a_socket_that_is_left_by_a_power_cut_gives_its_place_away(self, front, signer, short):
        left = await deaf(front, await signer.token())
        again = signer.copy()
        async with talking(front, await again.token()) as talk:
            assert talk.welcome.who.room == "p1"
            assert [caller.instance for caller in front.context.hub.callers()] == [again.instance]
        await left.close()
        assert await state(front, signer) is TerminalState.ACTIVE and await conflicts(front) == []

    async def test_the_last_bytes_of_a_program_that_has_ended_take_no_place(self, front, signer, short):
        async with talking(front, await signer.token()) as first:
            reading = asyncio.create_task(first.receive("session"))
            headers = {"Authorization": f"Bearer {await signer.copy().token()}"}
            late = await front.client.ws_connect(WS, protocols=(SUBPROTOCOL,), headers=headers, autoping=False)
            frame = await late.receive(timeout=PATIENCE)
            assert frame.type is WSMsgType.PING  # the question, to which nothing answers
            assert (await late.receive(timeout=PATIENCE)).data == 4008
            await late.close()
            assert [caller.instance for caller in front.context.hub.callers()] == [signer.instance]
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        assert await state(front, signer) is TerminalState.ACTIVE

    async def test_a_control_process_that_was_started_again_knows_of_no_former_program(self, front, signer):
        token = await signer.token()
        async with talking(front, token):
            pass
        async with talking(front, token) as talk:  # after the restart, with the credential from before
            assert talk.welcome.who.room == "p1"
        assert await state(front, signer) is TerminalState.ACTIVE
