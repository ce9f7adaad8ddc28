"""What WHIP and WHEP share (RFC 9725): the form of an answer, PATCH, and leaving. ICE is lite and every candidate
stands in the answer, so a trickled one brings nothing new; a PATCH for any ETag begins ICE anew."""

from collections.abc import Iterable
from dataclasses import dataclass

from aiohttp import web

from broker.kernel.errors import MalformedSdp, NotFound, RelayUnavailable, TooLarge, TooMany
from broker.relay.negotiation.trickle import check_trickle
from signaling.auth.scope import Role, author
from signaling.media.resources import Held, Kind
from signaling.server.errors import PreconditionFailed, PreconditionRequired
from signaling.server.routes import Ask, Table

SDP = "application/sdp"
FRAGMENT = "application/trickle-ice-sdpfrag"
MAX_SDP = 64 * 1024
PATCH_PROBLEMS = (PreconditionRequired, PreconditionFailed, MalformedSdp, RelayUnavailable, TooMany)


@dataclass(frozen=True, slots=True)
class Place:
    """Where one kind of thing is posted (`path`), who may, and what ending it is called."""

    kind: Kind
    path: str
    who: frozenset[Role]
    name: str
    zh: str
    en: str


def add_resource(table: Table, place: Place) -> None:
    """The rows that every publication and subscription has beside its POST (RFC 9725 4.2, 4.3): OPTIONS, DELETE and
    PATCH. `name` tells them apart in the OpenAPI document."""
    resource = f"{place.path}/{{resource}}"

    async def ask_first(ask: Ask) -> web.Response:
        """The same for every session, whether it exists or not."""
        return preflight()

    async def stop(ask: Ask) -> web.Response:
        """End one's own resource."""
        return await leave(ask, place.kind)

    async def restart(ask: Ask, body: str) -> web.Response:
        """Fragment in; after a restart, fragment out."""
        return await patch(ask, place.kind, body)

    for verb in (ask_first, stop, restart):
        verb.__name__ = f"{verb.__name__}_{place.name}"
    table.add("OPTIONS", place.path, who=(), zh="可提交的内容", en="What may be posted", status=204)(ask_first)
    table.add("DELETE", resource, who=place.who, zh=place.zh, en=place.en, problems=(RelayUnavailable,))(stop)
    table.add(
        "PATCH",
        resource,
        who=place.who,
        zh="ICE 重启，或补充候选地址（不需要）",
        en="An ICE restart, or trickled candidates (not needed)",
        takes=FRAGMENT,
        gives=FRAGMENT,
        headers=("ETag",),
        or_status=204,
        problems=PATCH_PROBLEMS,
    )(restart)


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
