"""Terminals as their sockets show them: reports are kept and written down, and orders reach a running program once."""

import json
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from broker.control.store.devices.reports import Kept
from broker.kernel.errors import StorageUnavailable
from tests.support.signaling.talk import talking
from tests.support.terminals import signed_in

LIFE = timedelta(hours=1)


def report(**changes):
    made = {"type": "terminal_report", "version": "1.2.3", "shows": "page", "page_alive": True}
    return made | {"started_at": "2026-03-02T00:00:00Z", "temperature": 51.5} | changes


async def id_of(front, room):
    (terminal,) = [one for one in await front.store.terminals() if one.room == room]
    return terminal.id


@asynccontextmanager
async def reported(front, **changes):
    """A socket of the terminal of p1 that has sent a report."""
    async with talking(front, "p1") as talk:
        await talk.send(**report(**changes))
        await talk.send(type="end", id=1, session="ses_none", article="YN-17-8")
        await talk.receive("error")
        yield talk


class TestReports:
    async def test_are_known_at_once_and_written_down_a_minute_apart(self, front):
        p1 = await id_of(front, "p1")
        async with reported(front):
            seen = (await front.context.fleet.seen())[p1]
            assert seen.connected and seen.report.temperature == 51.5 and seen.at == front.clock.now().wall
            await front.context.fleet.round()
            assert (await front.store.kept_reports())[p1].report["temperature"] == 51.5
        async with reported(front, temperature=60.0):
            await front.context.fleet.round()  # it was written when it left
            front.clock.forward(timedelta(seconds=10))
        assert (await front.context.fleet.seen())[p1].report.temperature == 60.0

    async def test_that_come_more_often_are_not_written_more_often(self, front):
        p1 = await id_of(front, "p1")
        async with reported(front) as talk:
            await front.context.fleet.round()
            for seconds, expected in ((59, 51.5), (1, 70.0)):
                front.clock.forward(timedelta(seconds=seconds))
                await talk.send(**report(temperature=70.0))
                await talk.send(type="end", id=1, session="ses_none", article="YN-17-8")
                await talk.receive("error")
                await front.context.fleet.round()
                assert (await front.store.kept_reports())[p1].report["temperature"] == expected

    async def test_stay_when_the_terminal_has_left(self, front):
        p1 = await id_of(front, "p1")
        async with reported(front):
            front.clock.forward(timedelta(seconds=30))
            left_at = front.clock.now().wall
        while front.context.hub.terminals():
            await front.context.fleet.round()
        await front.context.fleet.round()
        front.clock.forward(timedelta(hours=1))
        seen = (await front.context.fleet.seen())[p1]
        assert (seen.connected, seen.at, seen.report.version) == (False, left_at, "1.2.3")
        assert (await front.store.kept_reports())[p1].seen_at == left_at

    async def test_of_another_version_are_not_read(self, front):
        p1 = await id_of(front, "p1")
        now = front.clock.now().wall
        await front.store.keep_reports({p1: Kept(now, now, {"shows": "hologram"})})
        seen = (await front.context.fleet.seen())[p1]
        assert (seen.report, seen.at) == (None, now)

    @pytest.mark.parametrize("caller", ["prison-sup", "admin"])
    async def test_are_refused_from_other_callers(self, front, caller):
        async with talking(front, caller) as talk:
            await talk.send(**report())
            assert (await talk.receive("error")).problem.code == "forbidden"

    @pytest.mark.parametrize(
        "broken",
        [
            {"version": "x" * 41},
            {"temperature": 1e9},
            {"done": [f"tor_{n}" for n in range(9)]},
            {"devices": [{"kind": "camera"}] * 9},
            {"devices": [{"kind": "camera", "name": "a\u202eb"}]},
            {"shows": "else"},
            {"room": "p1"},
        ],
    )
    async def test_have_limits(self, front, broken):
        async with talking(front, "p1") as talk:
            await talk.send(**report(**broken))
            assert (await talk.receive("error")).problem.code in ("bad_request", "text_not_allowed")
        assert (await front.context.fleet.seen())[await id_of(front, "p1")].report is None

    async def test_that_change_all_the_time_are_limited(self, front):
        async with talking(front, "p1") as talk:
            for number in range(20):
                await talk.send(**report(disk=number))
            assert (await talk.receive("error")).problem.code == "too_many"
        assert (await front.context.fleet.seen())[await id_of(front, "p1")].report.disk < 13

    async def test_wait_while_the_database_does_not_answer(self, front, monkeypatch):
        async def fails(*_):
            raise StorageUnavailable()

        p1 = await id_of(front, "p1")
        async with reported(front):
            with monkeypatch.context() as patch:
                patch.setattr(front.store, "keep_reports", fails)
                await front.context.fleet.round()
            await front.context.fleet.round()
            assert (await front.store.kept_reports())[p1].report["temperature"] == 51.5


class TestOrders:
    async def test_reach_a_connected_terminal_and_are_done_when_it_says_so(self, front):
        p1 = await id_of(front, "p1")
        async with talking(front, "p1") as talk:
            order = await front.store.add_terminal_order(p1, "test", "user:admin", LIFE)
            front.context.fleet.deliver()
            got = await talk.receive("terminal_order")
            assert (got.id, got.order) == (order.id, "test")
            await talk.send(**report(done=[order.id]))
            while await front.store.waiting_orders():
                await front.context.fleet.round()
            await front.context.fleet.round()  # it waits for the one that is under way
        (entry,) = await front.noted("TerminalOrderDone")
        assert (entry.author, json.loads(entry.data)) == (f"terminal:{p1}", {"id": order.id, "order": "test"})

    async def test_wait_for_a_terminal_that_is_off_line_and_come_once_a_socket(self, front):
        order = await front.store.add_terminal_order(await id_of(front, "p1"), "test", "user:admin", LIFE)
        for _ in range(2):  # the line broke before it could answer
            async with talking(front, "p1") as talk:
                assert (await talk.receive("terminal_order")).id == order.id
                await front.context.fleet.round()
                await talk.send(type="end", id=1, session="ses_none", article="YN-17-8")
                assert (await talk.receive()).type == "error"

    async def test_that_are_too_old_are_not_given(self, front):
        await front.store.add_terminal_order(await id_of(front, "p1"), "restart", "user:admin", LIFE)
        front.clock.forward(LIFE)
        assert await front.store.waiting_orders() == []

    async def test_of_another_terminal_are_not_done_by_what_this_one_says(self, front):
        order = await front.store.add_terminal_order(await id_of(front, "p2"), "test", "user:admin", LIFE)
        async with reported(front, done=[order.id]):
            await front.context.fleet.round()
        assert [waiting.id for waiting in await front.store.waiting_orders()] == [order.id]

    async def test_to_restart_are_done_where_another_program_comes_back(self, front):
        p1 = await id_of(front, "p1")
        await front.store.add_terminal_order(p1, "restart", "user:admin", LIFE)
        async with talking(front, "p1") as talk:
            await talk.receive("terminal_order")
        while front.context.hub.terminals():
            await front.context.fleet.round()
        await front.context.fleet.round()
        async with talking(front, await signed_in(front.store, p1)) as talk:
            while await front.store.waiting_orders():
                await front.context.fleet.round()
            await talk.send(type="end", id=1, session="ses_none", article="YN-17-8")
            assert (await talk.receive()).type == "error"

    async def test_of_the_same_kind_are_one(self, front):
        p1 = await id_of(front, "p1")
        first = await front.store.add_terminal_order(p1, "test", "user:admin", LIFE)
        again = await front.store.add_terminal_order(p1, "test", "user:other", LIFE)
        other = await front.store.add_terminal_order(p1, "restart", "user:admin", LIFE)
        assert again == first and other.id != first.id
