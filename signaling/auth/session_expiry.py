"""Sign-ins end: tokens expire, officers are barred, terminals revoked, often by another process. Every few seconds the
watchman asks the door again about each credential behind a socket or a picture, and shows the rest out."""

import asyncio

import structlog

from broker.kernel.errors import NotFound, NotSignedIn, VisitError
from signaling.server.context import Context
from signaling.server.errors import translate

log = structlog.get_logger("signaling")
ROUND_SECONDS = 15.0


async def walk(house: Context) -> None:
    """Until cancelled. A database that does not answer shows nobody out: the leases take care of media."""
    while True:
        await asyncio.sleep(ROUND_SECONDS)
        try:
            house.note_skipped()
            await round_once(house)
        except Exception as error:
            translate(error)  # logged as an incident; the next round comes all the same


async def round_once(house: Context) -> None:
    """Ask once about everybody."""
    for token in house.hub.tokens() | house.desk.tokens():
        try:
            await house.door.holder(token)
        except NotSignedIn:
            await turn_out(house, token)
        except VisitError as error:
            log.warning("credentials not checked", code=error.code)
            return


async def turn_out(house: Context, token: str) -> None:
    """End the sockets and the media of one sign-in. What cannot be reached now is tried again in the next round."""
    for client in house.hub.of_token(token):
        client.end(NotSignedIn())
    for held in house.desk.of_token(token):
        try:
            await house.broker.drop(held.resource, held.who)
        except NotFound:
            log.info("nothing to drop", resource=held.resource)  # it ended by itself meanwhile
        except VisitError as error:
            log.warning("media of a sign-in that has ended not dropped", resource=held.resource, code=error.code)
            continue
        house.desk.forget(held.resource)
