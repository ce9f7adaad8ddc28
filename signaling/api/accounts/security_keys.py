"""Security keys of the caller (WebAuthn): a key that is added, and the challenge for one that is shown for a change."""

import secrets

from aiohttp import web

from broker.control.store.sign_in.factors import Factor
from broker.kernel.errors import BadRequest, Busy, Conflict, Forbidden
from broker.kernel.ids import new_id
from signaling.api.accounts.changes import OFFICERS
from signaling.api.accounts.factors import FACTORS, LIFE, REFUSED, account_of, added, check_may_add
from signaling.api.messages.accounts import AddFactor, ConfirmKey, FactorAdded
from signaling.api.messages.sign_in import KeyChallenge
from signaling.api.sign_in import page_of
from signaling.auth.factors import security_key
from signaling.auth.factors.checks import SECRET, Aim
from signaling.auth.factors.security_key import Place
from signaling.server.routes import Call, Table

table = Table("security_keys")
BEGUN = "key begun"
"""Purpose of the sealed state between the challenge and the new key's answer."""


@table.add(
    "POST",
    f"{FACTORS}/webauthn/begin",
    roles=OFFICERS,
    zh="开始添加安全密钥",
    en="Begin to add a security key",
    problems=(Busy, Conflict),
    refused=REFUSED,
    enrolling=True,
)
async def begin_key(call: Call, body: AddFactor) -> KeyChallenge:
    """What the page passes to a new security key; nothing is stored before the key has answered."""
    account, place, context = await account_of(call), _place(call), call.context
    await check_may_add(call, account, body)
    checks, challenge = context.sign_ins.factors, secrets.token_urlsafe(32)
    begun = {"user": account.id, "challenge": challenge}
    state, _ = checks.sealing.seal_until(BEGUN, begun, context.now().wall, LIFE)
    have = await checks.keys_of(account.id)
    options = security_key.creation_options(place, account.id, account.name, challenge, have)
    return KeyChallenge(options=options, state=state)


@table.add(
    "POST",
    f"{FACTORS}/webauthn",
    roles=OFFICERS,
    zh="添加安全密钥",
    en="Add a security key",
    status=201,
    problems=(Conflict,),
    refused=REFUSED,
    enrolling=True,
)
async def confirm_key(call: Call, body: ConfirmKey) -> FactorAdded | web.Response:
    """Add the key by its answer. With the first factor come ten recovery codes, which are shown once."""
    checks, now = call.context.sign_ins.factors, call.context.now().wall
    begun = checks.sealing.open_now(BEGUN, body.state, now)
    if begun is None or begun["user"] != call.user.id:
        raise BadRequest("Adding the key took too long: begin again.", "添加已超时，请重新开始。")
    made = security_key.created(_place(call), begun["challenge"], body.id, body.client_data, body.attestation)
    if made is None:
        raise Forbidden("The key's answer is not right: begin again.", "安全密钥的应答无效，请重新开始。")
    key, count = made
    if key.id in await checks.keys_of(call.user.id):
        raise Conflict("This key was added before.", "该安全密钥已添加。")
    id = new_id("fac")
    sealed = checks.sealing.seal(f"{SECRET} {id}", key.to_json())
    return await added(call, Factor(id, call.user.id, "webauthn", body.name, sealed, count, now))


@table.add(
    "POST",
    f"{FACTORS}/challenge",
    roles=OFFICERS,
    zh="用安全密钥确认更改",
    en="Ask a security key for a change",
    problems=(Conflict,),
)
async def key_challenge(call: Call) -> KeyChallenge:
    """What the page passes to the caller's security keys before a change."""
    checks = call.context.sign_ins.factors
    options, state = await checks.challenge(await account_of(call), page_of(call), Aim.CHANGE)
    return KeyChallenge(options=options, state=state)


def _place(call: Call) -> Place:
    """Return the page that a key is bound to. Raises Conflict for programs, and where the server has no name."""
    place = page_of(call)
    if place is None or not place.has_name:
        raise Conflict(
            "Security keys are added on a page of this server that was asked for by its name.",
            "安全密钥须在以域名（而非 IP 地址）打开的本系统页面上添加。",
        )
    return place
