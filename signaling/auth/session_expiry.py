"""The end of sign-ins: tokens expire, officers are barred and terminals revoked, often by another process. Every second
the credentials behind all sockets, media resources and long answers are checked again, and what has lost its own, or
changed its role or site, is ended: within two seconds of the change nothing goes on under it."""

import asyncio
from collections.abc import Collection, Iterable

import structlog

from broker.control.store.records import TerminalState
from broker.control.store.store import HASHES, batched
from broker.kernel.errors import (
    NotFound,
    NotSignedIn,
    TerminalConflict,
    TerminalReassigned,
    TerminalRevoked,
    VisitError,
)
from broker.kernel.ids import ResourceId
from signaling.auth.scope import Caller, User, authority, sign_in_of
from signaling.server.context import Context
from signaling.server.errors import translate

log = structlog.get_logger("signaling")
ROUND_SECONDS = 1.0
NOTE_SECONDS = 20.0
"""Seconds between two notes of which sign-ins are in use; the shortest idle time is a minute."""


async def run(context: Context) -> None:
    """Check all sign-ins periodically until cancelled. A database that does not answer ends nothing: media stops by its
    leases."""
    noted = context.mono()
    while True:
        await asyncio.sleep(ROUND_SECONDS)
        try:
            await check_all(context)
            await check_observers(context)
            if context.mono() - noted >= NOTE_SECONDS:
                noted = context.mono()
                await note_use(context)
        except Exception as error:
            translate(error)  # logged as an incident; the next round comes all the same


async def note_use(context: Context) -> None:
    """Note the sign-ins of officers that were used since the last time, among them those of media and films: what is
    watched is used. A page that is open is not, where a sign-in ends without use: it may stand open in an empty room.
    Raises StorageUnavailable; the next time tries again."""
    tokens = sorted(context.used | _watching(context) | _open_pages(context))
    for some in batched(tokens, HASHES):
        await context.store.touch_sign_ins(some)
    context.used.difference_update(tokens)


async def check_all(context: Context) -> None:
    """Check every credential in use once, and end what has lost it."""
    in_use = _in_use(context)
    try:
        holders = await context.credentials.holders(sign_in for sign_in, _ in in_use)
    except VisitError as error:
        log.warning("credentials not checked", code=error.code)
        return
    now = {sign_in: authority(holder) for sign_in, holder in holders.items()}
    lost = {sign_in for sign_in, held in in_use if now.get(sign_in) != held}
    context.payers.forget(lost)
    await asyncio.gather(*(_end(context, sign_in, sign_in in holders) for sign_in in lost))


def _watching(context: Context) -> set[str]:
    """Return the tokens of officers under which media or long answers go on."""
    streams = {sign_in_of(caller) for caller in context.streams.callers()}
    media = {sign_in for sign_in, _ in context.resources.holders()}
    return {sign_in for sign_in in streams | media if " " not in sign_in}


def _open_pages(context: Context) -> set[str]:
    """Return the tokens of officers with an open socket whose sign-ins end by their hours alone."""
    officers = (caller for caller in context.hub.callers() if isinstance(caller, User))
    return {officer.token for officer in officers if not context.sign_ins.span_of(officer.role)[1]}


async def check_observers(context: Context) -> None:
    """End what procurators watch of visits whose inspection has ended, or began to be watched while it ended. A
    database that does not answer ends nothing; the next round asks again."""
    for maker, session in context.resources.observing():
        try:
            goes_on = await context.store.inspects(session, maker.removeprefix("user:"))
        except VisitError as error:
            log.warning("inspections not checked", code=error.code)
            return
        if not goes_on:
            await end_media(context, maker, session)


def _in_use(context: Context) -> set[tuple[str, str]]:
    """Return each sign-in that something goes on under, with what its holder was when that began."""
    callers: Iterable[Caller] = (*context.hub.callers(), *context.streams.callers())
    return {(sign_in_of(caller), authority(caller)) for caller in callers} | context.resources.holders()


async def _end(context: Context, sign_in: str, held: bool) -> None:
    await end_sign_in(context, sign_in, await _reason(context, sign_in, held))


async def _reason(context: Context, sign_in: str, held: bool) -> VisitError:
    """Why a sign-in has ended, as far as its holder is told: a terminal learns what an administrator has to do. One
    that still holds its sign-in acts for another room now."""
    id, of_terminal, _ = sign_in.partition(" ")
    if not of_terminal:
        return NotSignedIn()
    if held:
        return TerminalReassigned()
    try:
        terminal = await context.store.terminal(id)
    except VisitError:
        return NotSignedIn()
    if terminal is not None and terminal.state is TerminalState.CONFLICTED:
        return TerminalConflict()
    return TerminalRevoked() if terminal is None or terminal.state is TerminalState.REVOKED else NotSignedIn()


async def end_sign_in(context: Context, sign_in: str, reason: VisitError | None = None) -> None:
    """End the sockets, the media and the long answers of one sign-in. What fails now is tried again in the next
    round."""
    context.streams.end(sign_in)
    for client in context.hub.of_sign_in(sign_in):
        client.close(reason or NotSignedIn())
    await asyncio.gather(*(_drop(context, held.resource) for held in context.resources.of_sign_in(sign_in)))


async def end_media(context: Context, maker: str, session: str) -> None:
    """End what a caller sends or receives of one session."""
    await asyncio.gather(*(_drop(context, held.resource) for held in context.resources.of_maker(maker, session)))


async def end_terminals(context: Context, terminals: Collection[str]) -> None:
    """End sockets and media of terminals that act for another room from now on, or for none; each signs in anew by
    itself."""
    holders = {sign_in for sign_in, _ in context.resources.holders()}
    connected = {f"{terminal.id} {terminal.instance}" for terminal, _ in context.hub.terminals()}
    mine = [sign_in for sign_in in holders | connected if " " in sign_in and sign_in.partition(" ")[0] in terminals]
    await asyncio.gather(*(end_sign_in(context, sign_in, TerminalReassigned()) for sign_in in mine))


async def _drop(context: Context, resource: ResourceId) -> None:
    try:
        await context.broker.drop(resource)
    except NotFound:
        log.info("nothing to drop", resource=resource)  # it ended by itself meanwhile
    except VisitError as error:
        log.warning("media of a sign-in that has ended not dropped", resource=resource, code=error.code)
        return
    context.resources.forget(resource)
