"""The end of sign-ins: tokens expire, officers are barred and terminals revoked, often by another process. Every second
the credentials behind all sockets, media resources and long answers are checked again, and what has lost its own, or
changed its role or site, is ended: within two seconds of the change nothing goes on under it."""

import asyncio
from collections.abc import Iterable

import structlog

from broker.kernel.errors import NotFound, NotSignedIn, VisitError
from broker.kernel.ids import ResourceId
from signaling.auth.scope import Caller, authority
from signaling.server.context import Context
from signaling.server.errors import translate

log = structlog.get_logger("signaling")
ROUND_SECONDS = 1.0


async def run(context: Context) -> None:
    """Check all sign-ins periodically until cancelled. A database that does not answer ends nothing: media stops by its
    leases."""
    while True:
        await asyncio.sleep(ROUND_SECONDS)
        try:
            await check_all(context)
        except Exception as error:
            translate(error)  # logged as an incident; the next round comes all the same


async def check_all(context: Context) -> None:
    """Check every credential in use once, and end what has lost it."""
    in_use = _in_use(context)
    try:
        holders = await context.credentials.holders(token for token, _ in in_use)
    except VisitError as error:
        log.warning("credentials not checked", code=error.code)
        return
    now = {token: authority(holder) for token, holder in holders.items()}
    lost = {token for token, held in in_use if now.get(token) != held}
    context.payers.forget(lost)
    await asyncio.gather(*(end_sign_in(context, token) for token in lost))


def _in_use(context: Context) -> set[tuple[str, str]]:
    """Return each token that something goes on under, with what its holder was when that began."""
    callers: Iterable[Caller] = (*context.hub.callers(), *context.streams.callers())
    return {(caller.token, authority(caller)) for caller in callers} | context.resources.holders()


async def end_sign_in(context: Context, token: str) -> None:
    """End the sockets, the media and the long answers of one sign-in. What fails now is tried again in the next
    round."""
    context.streams.end(token)
    for client in context.hub.of_token(token):
        client.close(NotSignedIn())
    await asyncio.gather(*(_drop(context, held.resource) for held in context.resources.of_token(token)))


async def _drop(context: Context, resource: ResourceId) -> None:
    try:
        await context.broker.drop(resource)
    except NotFound:
        log.info("nothing to drop", resource=resource)  # it ended by itself meanwhile
    except VisitError as error:
        log.warning("media of a sign-in that has ended not dropped", resource=resource, code=error.code)
        return
    context.resources.forget(resource)
