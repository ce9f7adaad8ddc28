"""Sign-in by the provincial identity service: it stands for the password, never for the second factor, and opens only
accounts that an officer has linked to it. A browser carries the sealed attempt in a cookie of its own."""

from dataclasses import asdict, fields
from datetime import timedelta
from urllib.parse import urlencode

from aiohttp import web

from broker.kernel.errors import (
    Busy,
    Conflict,
    IdentityRefused,
    NotFound,
    ProviderUnavailable,
    SecondFactorNeeded,
)
from signaling.api.accounts.changes import OFFICERS, show_password
from signaling.api.accounts.factors import account_of, check_may_add
from signaling.api.messages.accounts import (
    AddFactor,
    IdentityView,
    OidcBegun,
    OidcReturn,
    ProviderList,
    ProviderView,
    Word,
)
from signaling.api.sign_in import answer_to, browser_of
from signaling.auth.oidc.provider import Attempt, Provider
from signaling.auth.scope import Role, author
from signaling.auth.sign_ins import Success
from signaling.server.client_address import address
from signaling.server.cookies import IDENTITY, delete_cookie, read_cookie, set_cookie
from signaling.server.routes import Call, Table
from signaling.server.taken_connection import close_after

table = Table("oidc")
BEGIN, OWN = "/api/v1/sign-in/oidc", "/api/v1/me/identity"
LIFE = timedelta(minutes=10)
ATTEMPT = "identity attempt"
"""Purpose of the sealed cookie."""
ACCOUNT = "/account"
HOMES = {Role.SUPERVISOR: "/monitor", Role.APPROVER: "/monitor", Role.AUDITOR: "/audit", Role.ADMIN: "/admin"}


@table.add("GET", "/api/v1/sign-in/providers", roles=(), zh="其他登录方式", en="Identity services")
async def get_providers(call: Call) -> ProviderList:
    """The identity services by which officers may sign in beside the password."""
    found = call.context.settings.sign_in.oidc
    view = [ProviderView(name=found.name, name_en=found.name_en, path=BEGIN)] if found is not None else []
    return ProviderList(providers=view)


@table.add(
    "GET",
    BEGIN,
    roles=(),
    zh="以统一身份认证登录",
    en="Sign in by the identity service",
    status=303,
    problems=(NotFound, ProviderUnavailable),
)
async def begin_oidc(call: Call) -> web.Response:
    """Send the browser to the identity service."""
    call.context.sign_ins.pay_for_provider(address(call.request))
    attempt = Attempt.new(call.context.now().wall)
    answer = _redirect(await _provider(call).address_for(attempt))
    _set_attempt(call, answer, attempt)
    return answer


@table.add(
    "GET",
    f"{BEGIN}/callback",
    roles=(),
    zh="统一身份认证返回",
    en="The way back from the identity service",
    status=303,
    problems=(NotFound,),
)
async def return_from_oidc(call: Call, query: OidcReturn) -> web.Response:
    """Check the service's answer, and send the browser on: to its page, to the second step, or to what went wrong. The
    way back was paid for by the way there; without that it is paid for now."""
    provider, attempt = _provider(call), _attempt_of(call)
    if attempt is None:
        call.context.sign_ins.pay_for_provider(address(call.request))
    try:
        answer = await _returned(call, query, provider, attempt)
    except SecondFactorNeeded as needed:
        step = {"factor": needed.extra["ticket"], "methods": ",".join(needed.extra["methods"])}
        answer = _redirect(f"{ACCOUNT}#{urlencode(step)}")
    except (IdentityRefused, ProviderUnavailable, Conflict) as error:
        call.context.note_refusal("IdentityRefused", call.request, None, error)
        answer = _redirect(f"{ACCOUNT}#{urlencode({'identity': error.code})}")
    delete_cookie(answer, call.request, IDENTITY)
    return answer


@table.add("GET", OWN, roles=OFFICERS, zh="本人的统一身份", en="One's own identity")
async def get_identity(call: Call) -> IdentityView:
    """Whether the caller's account is linked to a person of the identity service."""
    found = call.context.settings.sign_in.oidc
    linked = found is not None and await call.context.store.has_identity(call.user.id)
    return IdentityView(name=found.name if found else None, name_en=found.name_en if found else None, linked=linked)


@table.add(
    "POST",
    f"{OWN}/begin",
    roles=OFFICERS,
    zh="关联统一身份",
    en="Link one's own identity",
    problems=(NotFound, ProviderUnavailable, Busy),
    refused="IdentityRefused",
)
async def begin_link(call: Call, body: AddFactor) -> OidcBegun | web.Response:
    """The address at the service to which the page sends the browser; asked for as a new second factor is."""
    await check_may_add(call, await account_of(call), body)
    attempt = Attempt.new(call.context.now().wall, call.user.id)
    begun = OidcBegun(address=await _provider(call).address_for(attempt))
    answer = web.Response(body=begun.model_dump_json().encode(), content_type="application/json")
    _set_attempt(call, answer, attempt)
    return answer


@table.add(
    "POST", f"{OWN}/unlink", roles=OFFICERS, zh="取消关联统一身份", en="Undo the link", status=204, problems=(Busy,)
)
async def unlink(call: Call, body: Word) -> web.Response:
    """Undo the link of the caller's account."""
    await show_password(call, body.password)
    if await call.context.store.unlink_identity(call.user.id):
        call.context.journal.note("IdentityUnlinked", None, author(call.user), {})
    return web.Response(status=204)


async def _returned(call: Call, query: OidcReturn, provider: Provider, attempt: Attempt | None) -> web.Response:
    context, now = call.context, call.context.now().wall
    if attempt is None or query.code is None or query.state != attempt.state:
        raise IdentityRefused()
    subject, issuer = await provider.subject_of(query.code, attempt, now), provider.settings.issuer
    if attempt.user:
        await _check_same_holder(call, attempt)
        await context.store.link_identity(issuer, subject, attempt.user)
        context.journal.note("IdentityLinked", None, f"user:{attempt.user}", {})
        return _redirect(f"{ACCOUNT}#{urlencode({'identity': 'linked'})}")
    account = await context.store.user_of_identity(issuer, subject)
    if account:  # many officers of one place sign in at the change of shifts
        context.sign_ins.give_back_for_provider(address(call.request))
    success: Success = await context.sign_ins.sign_in_by_identity(account, browser_of(call))
    home = ACCOUNT if success.user.must_enrol else HOMES.get(success.user.role, ACCOUNT)
    answer = _redirect(home)
    answer_to(call, success, answer)
    return answer


async def _check_same_holder(call: Call, attempt: Attempt) -> None:
    """Check that an account still stands on what it stood on when its link was begun. Raises IdentityRefused."""
    account = await call.context.store.user_named(attempt.user)
    if account is None or account.disabled or (account.since and account.since.timestamp() > attempt.began):
        raise IdentityRefused()


def _provider(call: Call) -> Provider:
    provider = call.context.provider
    if provider is None:
        raise NotFound()
    return provider


def _attempt_of(call: Call) -> Attempt | None:
    """Return the attempt that the browser's cookie carries, which counts once; None where there is none."""
    checks, now = call.context.sign_ins.factors, call.context.now().wall
    sealed = checks.sealing.open_now(ATTEMPT, read_cookie(call.request, IDENTITY), now)
    if sealed is None or not checks.count_once(sealed["state"]):
        return None
    return Attempt(**{member.name: sealed[member.name] for member in fields(Attempt)})


def _set_attempt(call: Call, answer: web.Response, attempt: Attempt) -> None:
    context = call.context
    sealed, _ = context.sign_ins.factors.sealing.seal_until(ATTEMPT, asdict(attempt), context.now().wall, LIFE)
    set_cookie(answer, call.request, IDENTITY, sealed, LIFE, context.settings.cookie_secure, returns=True)


def _redirect(location: str) -> web.Response:
    answer = web.Response(status=303, headers={"Location": location})
    close_after(answer)
    return answer
