"""The cast of the wall: all simulated terminals and officers, connected to a running service, with their visits."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
import structlog

from broker.kernel.ids import Side
from broker.kernel.tasks import Tasks
from huijian.demo.officers import OfficerClient
from huijian.demo.wall.clips import Clip, picture_clip, sound_clip
from huijian.demo.wall.officers import simulated_officer
from huijian.demo.wall.places import Entered, officers_of
from huijian.demo.wall.rooms import SimulatedRoom
from huijian.demo.wall.visits import EndlessVisits, end_all
from kiosk_agent.http_client import http_client

log = structlog.get_logger()
STEP, SHORTEST = 2, 8  # minutes by which each first visit is shorter than the one before it, and of the shortest
STOPPING = 5.0  # seconds in which the visits are ended in order


@asynccontextmanager
async def cast(server: str, entered: Entered, yours: int, minutes: int) -> AsyncIterator[list[EndlessVisits]]:
    """Have rooms and officers hold their visits; yield these, and end them afterwards."""
    clips = await asyncio.to_thread(_clips, entered)
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(http_client())
        programs = {each.id: simulated_officer(http, server, each) for each in entered.programs}
        for officer in programs.values():
            stack.push_async_callback(officer.leave)
        await _free_rooms(programs, entered)
        visits = [_visit(http, server, entered, number, programs, yours, minutes) for number in range(len(clips))]
        for number, visit in enumerate(visits):
            visit.rooms = _rooms(http, server, entered, number, visit, clips[number])
            for room in visit.rooms.values():
                stack.push_async_callback(room.close)
                room.start()
        tasks = Tasks()
        stack.push_async_callback(_end, visits)
        stack.push_async_callback(tasks.close)
        for visit in visits:
            tasks.spawn(visit.run())
        yield visits


def _clips(entered: Entered) -> list[dict[Side, tuple[Clip, Clip]]]:
    """Return picture and sound of each side of each visit. The voice of a side is the same everywhere."""
    voices = {side: sound_clip(side) for side in Side}
    people = [{Side.PRISON: 1, Side.VISITOR: len(party.kin)} for party in entered.parties]
    return [
        {side: (picture_clip(side, number, seats[side]), voices[side]) for side in Side}
        for number, seats in enumerate(people)
    ]


async def _free_rooms(programs: dict[str, OfficerClient], entered: Entered) -> None:
    """End what a wall has left that was killed."""
    first = officers_of(0, Side.PRISON)[0]
    await end_all(programs[first])


def _visit(
    http: aiohttp.ClientSession,
    server: str,
    entered: Entered,
    number: int,
    programs: dict[str, OfficerClient],
    yours: int,
    minutes: int,
) -> EndlessVisits:
    officers = {side: [programs[id] for id in officers_of(number, side)] for side in Side}
    if number < yours:
        officers[Side.PRISON] = officers[Side.PRISON][:1]
    first = max(min(minutes, SHORTEST), minutes - STEP * number)  # they do not all end at once
    return EndlessVisits(
        http, server, entered.key, entered.places[number], entered.parties[number], officers, first, minutes
    )


def _rooms(
    http: aiohttp.ClientSession,
    server: str,
    entered: Entered,
    number: int,
    visit: EndlessVisits,
    clips: dict[Side, tuple[Clip, Clip]],
) -> dict[Side, SimulatedRoom]:
    return {
        side: SimulatedRoom(http, terminal.identity(server), *clips[side], visit.changed)
        for side, terminal in entered.terminals[number].items()
    }


async def _end(visits: Sequence[EndlessVisits]) -> None:
    """End all visits in order, in so far as the service still answers."""
    try:
        async with asyncio.timeout(STOPPING):
            await asyncio.gather(*(visit.end() for visit in visits))
    except (TimeoutError, aiohttp.ClientError) as error:
        log.info("the visits are not ended", error=type(error).__name__)
