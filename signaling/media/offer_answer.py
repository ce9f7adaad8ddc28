"""What all WHIP and WHEP addresses share (RFC 9725): checks of the offer, the form of the answer, PATCH, and DELETE.
ICE is lite and every candidate stands in the answer, so that a trickled one brings nothing new; a PATCH for any entity
tag restarts ICE. Where a TURN server is configured, an answer carries time-limited credentials for it."""

import hmac
from base64 import b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from aiohttp import web

from broker.ipc.relay_messages import MediaOffer
from broker.kernel import errors as err
from broker.kernel.ids import ResourceId
from broker.media.sdp_fragment import check_trickle
from config.network import read_secret
from config.settings import Settings
from signaling.auth.scope import Role, author, authority, role_of, sign_in_of
from signaling.media.resources import Held, Kind
from signaling.server.errors import PreconditionFailed, PreconditionRequired
from signaling.server.routes import Call, Refusals, Table, Verb

log = structlog.get_logger("signaling")
SDP = "application/sdp"
FRAGMENT = "application/trickle-ice-sdpfrag"
MAX_SDP = 64 * 1024
TURN_GRACE = timedelta(minutes=15)  # a visit may end after its slot, and the clocks of two machines differ
OFFER_PROBLEMS = (
    err.NoSlot,
    err.WrongRoom,
    err.TooEarly,
    err.SessionEnded,
    err.SecondSide,
    err.CodecMissing,
    err.MalformedSdp,
    err.UnsupportedOffer,
    err.RelayUnavailable,
    err.StorageUnavailable,
    err.TerminalConflict,
)
PATCH_PROBLEMS = (PreconditionRequired, PreconditionFailed, err.MalformedSdp, err.RelayUnavailable, err.TooMany)


@dataclass(frozen=True, slots=True)
class Place:
    """One kind of resource: the path where it is posted, which roles may, and titles of what ends it. `name` tells its
    rows apart in the OpenAPI document."""

    kind: Kind
    path: str
    roles: frozenset[Role]
    name: str
    zh: str
    en: str


def post(
    table: Table, path: str, roles: Iterable[Role], zh: str, en: str, refused: str, problems: Refusals = OFFER_PROBLEMS
) -> Callable[[Verb], Verb]:
    """Declare the address of an offer: SDP in, SDP out, 201."""
    return table.add(
        "POST",
        path,
        roles=roles,
        zh=zh,
        en=en,
        status=201,
        takes=SDP,
        gives=SDP,
        headers=("Location", "ETag", "Link"),
        problems=problems,
        refused=refused,
    )


def add_resource(table: Table, place: Place) -> None:
    """Add the rows that every publication and subscription has beside its POST (RFC 9725 4.2, 4.3): OPTIONS, DELETE and
    PATCH."""
    resource = f"{place.path}/{{resource}}"

    async def ask_first(call: Call) -> web.Response:
        """The same for every session, whether it exists or not. Raises NotFound for what cannot be one."""
        for name in call.request.match_info:
            call.id(name)
        return web.Response(status=204, headers={"Accept-Post": SDP, "Allow": "OPTIONS, POST"})

    async def stop(call: Call) -> web.Response:
        """End the caller's own resource. Raises NotFound, or RelayUnavailable: then try again."""
        return await _stop(call, place.kind)

    async def restart(call: Call, body: str) -> web.Response:
        """Fragment in; after a restart, fragment out."""
        return await _patch(call, place.kind, body)

    def operation(verb: Verb) -> str:
        return f"media_{verb.__name__}_{place.name}"

    table.add(
        "OPTIONS",
        place.path,
        roles=(),
        zh="可提交的内容",
        en="What may be posted",
        status=204,
        operation=operation(ask_first),
    )(ask_first)
    table.add(
        "DELETE",
        resource,
        roles=place.roles,
        zh=place.zh,
        en=place.en,
        problems=(err.RelayUnavailable,),
        operation=operation(stop),
    )(stop)
    table.add(
        "PATCH",
        resource,
        roles=place.roles,
        zh="ICE 重启，或补充候选地址（不需要）",
        en="An ICE restart, or trickled candidates (not needed)",
        takes=FRAGMENT,
        gives=FRAGMENT,
        headers=("ETag",),
        or_status=204,
        problems=PATCH_PROBLEMS,
        operation=operation(restart),
    )(restart)


def checked(sdp: str) -> str:
    """Return the offer, if it looks like one; the relay parses it. Raises TooLarge or MalformedSdp."""
    if len(sdp) > MAX_SDP:
        raise err.TooLarge()
    if not sdp.startswith("v=0") or "\x00" in sdp:
        raise err.MalformedSdp("An SDP offer begins with v=0.", "SDP 应以 v=0 开头。")
    return sdp


async def negotiate(
    call: Call, kind: Kind, side: str, offer: MediaOffer, ends_at: datetime, page: str = ""
) -> web.Response:
    """Let the broker answer an offer and remember the resource. Return 201 with the answer, the resource's address, the
    entity tag of its ICE session, and the TURN servers that it may use until the slot ends."""
    maker = author(call.caller)
    reply = await call.context.broker.negotiate(offer, maker)
    caller = call.caller
    observes = role_of(caller) is Role.PROCURATOR
    granted = (sign_in_of(caller), authority(caller))
    held = Held(reply.resource, kind, offer.session, side, maker, *granted, page=page, observes=observes)
    call.context.resources.add(held)
    headers = {"Location": f"{call.request.path}/{held.resource}", "ETag": etag(held), "Accept-Patch": FRAGMENT}
    response = web.Response(status=201, body=reply.sdp.encode(), content_type=SDP, headers=headers)
    for link in turn_links(call.context.settings, held.resource, ends_at):
        response.headers.add("Link", link)
    return response


def etag(held: Held) -> str:
    """Return the entity tag of a resource: another one for each ICE session."""
    return f'"{held.resource}.{held.restarts}"'


async def _stop(call: Call, kind: Kind) -> web.Response:
    resources = call.context.resources
    held = resources.owned(kind, call.id("session"), call.id("resource"), call.caller)
    try:
        await call.context.broker.drop(held.resource)
    except err.NotFound:
        resources.forget(held.resource)
        raise
    resources.forget(held.resource)
    return web.Response(status=200)


async def _patch(call: Call, kind: Kind, fragment: str) -> web.Response:
    """Answer a PATCH: with this ICE session's tag it trickles candidates, 204; with `*` it restarts ICE, 200 and the
    server's side of the new session.

    Raises NotFound, PreconditionRequired, PreconditionFailed, MalformedSdp, TooMany or RelayUnavailable; whatever is
    raised, the session goes on as it was (RFC 9725 4.3.3).
    """
    held = call.context.resources.owned(kind, call.id("session"), call.id("resource"), call.caller)
    condition = call.request.headers.get("If-Match")
    if condition is None:
        raise PreconditionRequired("Send If-Match with the ETag.", "请在 If-Match 中携带 ETag。")
    tags = {tag.strip() for tag in condition.split(",")}
    if tags & {"*", '"*"'}:
        return await _restart(call, held, fragment)
    if etag(held) not in tags:
        raise PreconditionFailed()
    check_trickle(fragment)
    return web.Response(status=204)


async def _restart(call: Call, held: Held, fragment: str) -> web.Response:
    if len(fragment) > MAX_SDP:
        raise err.TooLarge()
    call.context.resources.check_restart(held, call.context.mono())
    answer = await call.context.broker.restart(held.resource, fragment)
    headers = {"ETag": etag(call.context.resources.restarted(held))}
    return web.Response(body=answer.encode(), content_type=FRAGMENT, headers=headers)


# ---- TURN ----------------------------------------------------------------------------------------------------------


def turn_links(settings: Settings, resource: ResourceId, ends_at: datetime) -> list[str]:
    """Return one Link value for each TURN address (RFC 9725 4.6); none where none is configured, or its secret cannot
    be read now."""
    if settings.turn_secret_file is None:
        return []
    try:
        secret = read_secret(settings.turn_secret_file)
    except ValueError:
        log.error("no TURN credentials: the secret cannot be read")
        return []
    name, password = turn_credentials(secret, resource, ends_at + TURN_GRACE)
    parameters = f'rel="ice-server"; username="{name}"; credential="{password}"; credential-type="password"'
    return [f"<{url}>; {parameters}" for url in settings.turn_urls]


def turn_credentials(secret: bytes, holder: str, until: datetime) -> tuple[str, str]:
    """Return user name and password that are valid until then (draft-uberti-behave-turn-rest-00).

    coturn shares only a secret with Huijian: the name holds the time until which it is valid, the password is the
    name's keyed digest. `holder` is the resource, whose id thus appears in the log of the TURN server.
    """
    name = f"{int(until.timestamp())}:{holder}"
    return name, b64encode(hmac.digest(secret, name.encode(), "sha1")).decode()
