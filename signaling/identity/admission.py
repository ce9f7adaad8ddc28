"""The admission of a terminal's running program at its socket, in the control process. One program of each terminal is
connected at a time; where a second one comes, `instances` says what that means."""

import asyncio
import math
from collections.abc import Iterable

import structlog
from aiohttp import WSMsgType

from broker.kernel.errors import TerminalConflict, TooMany
from broker.kernel.tasks import Tasks
from signaling.auth.scope import Caller, Terminal, sign_in_of
from signaling.auth.session_expiry import end_sign_in
from signaling.identity.instances import ANSWER_SECONDS, Meeting, Verdict
from signaling.live.client import Client
from signaling.server.context import Context
from signaling.server.errors import Replaced, TooSlow

log = structlog.get_logger("signaling")
MOST_FRAMES = 32
"""Frames of a client that are read before its welcome."""


async def admit(context: Context, client: Client) -> None:
    """Admit a client to the hub; of a terminal, in the place of its other running programs.

    Raises TerminalConflict where another one runs, TooMany while a third one waits, TooSlow where this one is gone
    already.
    """
    terminal = client.caller
    if not isinstance(terminal, Terminal):
        return context.hub.enter(client)
    if terminal.id in context.meetings:
        raise TooMany(retry_after=int(ANSWER_SECONDS) + 1)
    context.meetings.add(terminal.id)
    try:
        await _meet(context, client, terminal)
        await context.store.supersede_instances(terminal.id, terminal.instance)
        context.hub.enter(client)
    finally:
        context.meetings.discard(terminal.id)


async def _meet(context: Context, client: Client, terminal: Terminal) -> None:
    others = [other for other in context.hub.of_author(terminal) if _another(other.caller, terminal)]
    for other in others:
        verdict = await _verdict(context, other, client)
        if verdict is Verdict.TWO:
            await _refuse_both(context, terminal, others)
            raise TerminalConflict()
        if verdict is not Verdict.NEWER:
            raise TooSlow()
        await _replace(context, other)


async def _verdict(context: Context, older: Client, newer: Client) -> Verdict:
    """Ask both for a sign of life, and wait until that is clear."""
    meeting, changed, tasks = Meeting(context.mono(), within=ANSWER_SECONDS), asyncio.Event(), Tasks()

    async def ask(client: Client, is_older: bool) -> None:
        nonlocal meeting
        await client.answers()
        meeting = meeting.answered(is_older, context.mono())
        changed.set()

    tasks.spawn(ask(older, True))
    tasks.spawn(ask(newer, False))
    tasks.spawn(_read_pongs(newer))
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            while meeting.verdict(meeting.asked_at) is Verdict.OPEN:
                await changed.wait()
                changed.clear()
    except TimeoutError:
        pass  # who has not answered by now is gone
    finally:
        await tasks.close()
    return meeting.verdict(math.inf)


async def _read_pongs(client: Client) -> None:
    """Read the socket of a client that has not been welcomed: a terminal sends nothing before that but signs of
    life."""
    for _ in range(MOST_FRAMES):
        frame = await client.ws.receive()
        if frame.type is WSMsgType.PING:
            await client.ws.pong(frame.data)
        elif frame.type is WSMsgType.PONG:
            client.ponged(frame.data)
        else:
            return


async def _refuse_both(context: Context, terminal: Terminal, others: Iterable[Client]) -> None:
    """End all that goes on under the terminal's key, and let nothing begin until an administrator has decided."""
    if await context.store.conflict_terminal(terminal.id):
        older = [other.caller.instance for other in others if isinstance(other.caller, Terminal)]
        context.terminal_sign_ins.note_conflict(terminal.id, terminal.room, *older, terminal.instance)
    for other in others:
        other.close(TerminalConflict())
        await end_sign_in(context, sign_in_of(other.caller))
    await end_sign_in(context, sign_in_of(terminal))


async def _replace(context: Context, gone: Client) -> None:
    log.info("a terminal was started again", terminal=getattr(gone.caller, "id", ""))
    gone.close(Replaced())
    await end_sign_in(context, sign_in_of(gone.caller))


def _another(caller: Caller, terminal: Terminal) -> bool:
    return isinstance(caller, Terminal) and caller.instance != terminal.instance


def check_media(context: Context, caller: Caller) -> None:
    """Check that a terminal asks for media by its running program that is connected, where one is. Raises
    TerminalConflict for another one: it has to open its socket, where both are asked."""
    if not isinstance(caller, Terminal):
        return
    connected = [client.caller for client in context.hub.of_author(caller)]
    if connected and all(_another(other, caller) for other in connected):
        raise TerminalConflict(
            "Another program of this terminal is connected: open the socket first.",
            "该终端的另一程序已连接：请先建立 WebSocket 连接。",
        )
