"""What WHIP and WHEP share (RFC 9725): the form of an answer, PATCH, and leaving. ICE is lite and every candidate
stands in the answer, so a trickled one brings nothing new; a PATCH for any ETag begins ICE anew."""

from collections.abc import Iterable

from aiohttp import web

from broker.errors import MalformedSdp, NotFound, RelayUnavailable, TooLarge, TooMany
from broker.relay.fragment import check_trickle
from signaling.auth import author
from signaling.desk import Held, Kind
from signaling.errors import PreconditionFailed, PreconditionRequired
from signaling.routes import Ask

SDP = "application/sdp"
FRAGMENT = "application/trickle-ice-sdpfrag"
MAX_SDP = 64 * 1024
PATCH_PROBLEMS = (PreconditionRequired, PreconditionFailed, MalformedSdp, RelayUnavailable, TooMany)


def offer(sdp: str) -> str:
    """The offer, if it looks like one. Raises TooLarge or MalformedSdp; the relay reads it in earnest."""
    if len(sdp) > MAX_SDP:
        raise TooLarge()
    if not sdp.startswith("v=0") or "\x00" in sdp:
        raise MalformedSdp("An SDP offer begins with v=0.", "SDP 应以 v=0 开头。")
    return sdp


def created(held: Held, location: str, answer: str, links: Iterable[str]) -> web.Response:
    """201 with the answer, where the resource is, the entity tag of its ICE session, and the ICE servers it may use."""
    headers = {"Location": location, "ETag": etag(held), "Accept-Patch": FRAGMENT}
    response = web.Response(status=201, body=answer.encode(), content_type=SDP, headers=headers)
    for link in links:
        response.headers.add("Link", link)
    return response


def etag(held: Held) -> str:
    """One tag for each ICE session of a resource."""
    return f'"{held.resource}.{held.restarts}"'


def preflight() -> web.Response:
    """204 that says what may be posted (RFC 9725, 4.2)."""
    return web.Response(status=204, headers={"Accept-Post": SDP, "Allow": "OPTIONS, POST"})


async def leave(ask: Ask, kind: Kind) -> web.Response:
    """End the caller's own resource. Raises NotFound, or RelayUnavailable: then try again."""
    held = ask.house.desk.owned(kind, ask.id("session"), ask.id("resource"), ask.caller)
    try:
        await ask.house.broker.drop(held.resource, author(ask.caller))
    except NotFound:
        ask.house.desk.forget(held.resource)
        raise
    ask.house.desk.forget(held.resource)
    return web.Response(status=200)


async def patch(ask: Ask, kind: Kind, fragment: str) -> web.Response:
    """With this ICE session's tag: trickled candidates, 204. With any: a restart, 200 and our side of the new session.

    Raises NotFound, PreconditionRequired, PreconditionFailed, MalformedSdp, TooMany or RelayUnavailable; whatever is
    raised, the session goes on as it was (RFC 9725 4.3.3).
    """
    held = ask.house.desk.owned(kind, ask.id("session"), ask.id("resource"), ask.caller)
    asked = ask.request.headers.get("If-Match")
    if asked is None:
        raise PreconditionRequired("Send If-Match with the ETag.", "请在 If-Match 中携带 ETag。")
    tags = {tag.strip() for tag in asked.split(",")}
    if tags & {"*", '"*"'}:
        return await _restart(ask, held, fragment)
    if etag(held) not in tags:
        raise PreconditionFailed()
    check_trickle(fragment)
    return web.Response(status=204)


async def _restart(ask: Ask, held: Held, fragment: str) -> web.Response:
    if len(fragment) > MAX_SDP:
        raise TooLarge()
    ask.house.desk.restarting(held, ask.house.mono())
    answer = await ask.house.broker.restart(held.resource, fragment)
    headers = {"ETag": etag(ask.house.desk.restarted(held))}
    return web.Response(body=answer.encode(), content_type=FRAGMENT, headers=headers)
