"""The end of sign-ins: tokens expire, officers are barred and terminals revoked, often by another process. Every few
seconds the credential behind each socket and each media resource is checked again, and what has lost it is ended."""

import asyncio

import structlog

from broker.kernel.errors import NotFound, NotSignedIn, VisitError
from signaling.server.context import Context
from signaling.server.errors import translate

log = structlog.get_logger("signaling")
ROUND_SECONDS = 15.0


async def run(context: Context) -> None:
    """Check all sign-ins periodically until cancelled. A database that does not answer ends nothing: media stops by its
    leases."""
    while True:
        await asyncio.sleep(ROUND_SECONDS)
        try:
            context.note_skipped()
            await check_all(context)
        except Exception as error:
            translate(error)  # logged as an incident; the next round comes all the same


async def check_all(context: Context) -> None:
    """Check every credential in use once."""
    for token in context.hub.tokens() | context.resources.tokens():
        try:
            await context.credentials.holder(token)
        except NotSignedIn:
            await end_sign_in(context, token)
        except VisitError as error:
            log.warning("credentials not checked", code=error.code)
            return


async def end_sign_in(context: Context, token: str) -> None:
    """End the sockets and the media of one sign-in. What fails now is tried again in the next round."""
    for client in context.hub.of_token(token):
        client.close(NotSignedIn())
    for held in context.resources.of_token(token):
        try:
            await context.broker.drop(held.resource)
        except NotFound:
            log.info("nothing to drop", resource=held.resource)  # it ended by itself meanwhile
        except VisitError as error:
            log.warning("media of a sign-in that has ended not dropped", resource=held.resource, code=error.code)
            continue
        context.resources.forget(held.resource)
