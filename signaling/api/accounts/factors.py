"""Second factors of the caller: the list, an authenticator app that is added, what is removed, and recovery codes. An
officer who is signed in for setting one up does so here, and the sign-in then goes on as a full one."""

from datetime import timedelta

import segno
from aiohttp import web

from broker.control.store.records import User as Account
from broker.control.store.sign_in.factors import Factor, check_is_first, check_not_last
from broker.kernel.errors import BadRequest, Busy, Conflict, Forbidden, NotFound, NotSignedIn
from broker.kernel.ids import new_id
from signaling.api.accounts.changes import OFFICERS, show_password
from signaling.api.messages.accounts import (
    AddFactor,
    ConfirmTotp,
    FactorAdded,
    FactorList,
    FactorView,
    QrCode,
    RecoveryCodes,
    ShowFactor,
    TotpBegun,
)
from signaling.api.messages.sign_in import Proof
from signaling.api.sign_in import browser_of
from signaling.auth.factors import recovery, totp
from signaling.auth.factors.checks import SECRET, Aim
from signaling.auth.scope import author
from signaling.server.cookies import SESSION, set_cookie
from signaling.server.routes import Call, Table

table = Table("factors")
FACTORS = "/api/v1/me/factors"
BEGUN = "totp begun"
"""Purpose of the sealed state between the QR code and the first code."""
LIFE = timedelta(minutes=10)
REFUSED = "SecondFactorChangeRefused"
"""Journal kind of a refused change of second factors."""


@table.add("GET", FACTORS, roles=OFFICERS, zh="本人的验证方式", en="One's own second factors", enrolling=True)
async def get_factors(call: Call) -> FactorList:
    """The caller's second factors, without their secrets, and how many recovery codes are left."""
    return await _list(call)


@table.add(
    "POST",
    f"{FACTORS}/totp/begin",
    roles=OFFICERS,
    zh="开始添加身份验证器",
    en="Begin to add an authenticator app",
    problems=(Busy, Conflict),
    refused=REFUSED,
    enrolling=True,
)
async def begin_totp(call: Call, body: AddFactor) -> TotpBegun:
    """The secret of a new authenticator app and its QR code; nothing is stored before the app has shown a code."""
    account = await account_of(call)
    await check_may_add(call, account, body)
    now = call.context.now().wall
    secret = totp.new_secret()
    begun = {"user": account.id, "secret": secret, "factor": new_id("fac")}  # the same secret is one factor
    state, until = call.context.sign_ins.factors.sealing.seal_until(BEGUN, begun, now, LIFE)
    address = totp.address_of(secret, account.id)
    return TotpBegun(secret=secret, address=address, qr=qr_of(address), state=state, expires_at=until)


@table.add(
    "POST",
    f"{FACTORS}/totp",
    roles=OFFICERS,
    zh="添加身份验证器",
    en="Add an authenticator app",
    status=201,
    problems=(Conflict,),
    refused=REFUSED,
    enrolling=True,
)
async def confirm_totp(call: Call, body: ConfirmTotp) -> FactorAdded | web.Response:
    """Add the app once it shows a right code. With the first factor come ten recovery codes, which are shown once."""
    checks, now = call.context.sign_ins.factors, call.context.now().wall
    begun = checks.sealing.open_now(BEGUN, body.state, now)
    if begun is None or begun["user"] != call.user.id:
        raise BadRequest("Adding the app took too long: begin again.", "添加已超时，请重新开始。")
    secret = str(begun["secret"])
    step = totp.step_of(secret, body.code, now)
    if step < 0:
        raise Forbidden(
            "The code is wrong. Check the clock of the phone, and enter the code that it shows now.",
            "验证码错误。请检查手机时间，并输入当前显示的验证码。",
        )
    id = str(begun["factor"])
    sealed = checks.sealing.seal(f"{SECRET} {id}", {"secret": secret})
    return await added(call, Factor(id, call.user.id, "totp", body.name, sealed, step, now))


@table.add(
    "POST",
    f"{FACTORS}/{{factor}}/remove",
    roles=OFFICERS,
    zh="删除验证方式",
    en="Remove a second factor",
    problems=(Conflict,),
    refused=REFUSED,
)
async def remove_factor(call: Call, body: ShowFactor) -> FactorList:
    """Remove one of the caller's second factors by showing another one, or a recovery code. The last one of an officer
    who needs one stays; a lost one is reset by two officers (`huijian admin users reset-factors`)."""
    account, id = await account_of(call), call.id("factor")
    factors = await call.context.store.factors(account.id)
    if id not in {factor.id for factor in factors}:
        raise NotFound()
    needed = call.context.settings.needs_second_factor(account.role)
    if needed:
        check_not_last(len(factors))
    await show_factor(call, account, body.proof, without=id)
    await call.context.store.remove_factor(account.id, id, keeps_one=needed)
    call.context.journal.note("SecondFactorRemoved", None, author(call.user), {"factor": id})
    return await _list(call)


@table.add(
    "POST",
    "/api/v1/me/recovery-codes",
    roles=OFFICERS,
    zh="重新生成恢复码",
    en="Make new recovery codes",
    problems=(Conflict,),
    refused=REFUSED,
)
async def renew_recovery_codes(call: Call, body: ShowFactor) -> RecoveryCodes:
    """Ten new recovery codes, shown once; those before them count no more."""
    account = await account_of(call)
    if not await call.context.store.factors(account.id):
        raise Conflict("Add an authenticator app first.", "请先添加身份验证器。")
    await show_factor(call, account, body.proof)
    return RecoveryCodes(codes=await _new_recovery_codes(call, account.id))


async def added(call: Call, factor: Factor) -> web.Response:
    """Store a new factor of the caller, journal it, and let a sign-in that was for this go on as a full one."""
    context, user = call.context, call.user
    is_first = await context.store.add_factor(factor, first=user.must_enrol)
    context.journal.note("SecondFactorAdded", None, author(user), {"factor": factor.id, "kind": factor.kind})
    codes = await _new_recovery_codes(call, user.id) if is_first else None
    body = FactorAdded(factor=_view(factor), recovery_codes=codes)
    answer = web.Response(status=201, body=body.model_dump_json().encode(), content_type="application/json")
    if user.must_enrol:
        span, idle = context.sign_ins.span_of(user.role)
        await context.store.lift_enrolment(user.id, user.token, span, idle)
        set_cookie(answer, call.request, SESSION, user.token, span, context.settings.cookie_secure)
    else:
        await context.store.end_enrolments(user.id)
    return answer


async def show_factor(call: Call, account: Account, proof: Proof, without: str = "") -> None:
    """Check a second factor of the caller's. Raises Forbidden or TooMany."""
    try:
        await call.context.sign_ins.check_factor(account, proof, browser_of(call), Aim.CHANGE, without)
    except NotSignedIn as error:
        raise Forbidden(error.detail_en, error.detail_zh) from None


def qr_of(text: str) -> QrCode:
    """Return the QR code of a text as the outline of its dark squares, which a page draws as SVG."""
    rows = list(segno.make(text, error="m").matrix)
    squares = ((x, y) for y, row in enumerate(rows) for x, dark in enumerate(row) if dark)
    return QrCode(size=len(rows), path="".join(f"M{x} {y}h1v1h-1z" for x, y in squares))


async def check_may_add(call: Call, account: Account, body: AddFactor) -> None:
    """Check that the caller, and no finder of an open page, adds a factor: by the password, and by a factor where there
    is one. Who is signed in for setting one up has shown the password just now, and sets up the first one alone. Raises
    Conflict, Forbidden, TooMany or Busy."""
    factors = await call.context.store.factors(account.id)
    if call.user.must_enrol:
        return check_is_first(len(factors))
    await show_password(call, body.password)
    if factors:
        if body.proof is None:
            raise Forbidden("Show a second factor that you have.", "请先用已有的方式完成两步验证。")
        await show_factor(call, account, body.proof)


async def _new_recovery_codes(call: Call, user: str) -> list[str]:
    codes = recovery.new_codes()
    await call.context.store.set_recovery_codes(user, call.context.sign_ins.factors.recovery_hashes(user, codes))
    call.context.journal.note("RecoveryCodesMade", None, f"user:{user}", {"codes": len(codes)})
    return codes


async def account_of(call: Call) -> Account:
    """Return the caller's account as it is stored. Raises NotSignedIn."""
    found = await call.context.store.user_named(call.user.id)
    if found is None:
        raise NotSignedIn()
    return found


async def _list(call: Call) -> FactorList:
    store, user = call.context.store, call.user
    return FactorList(
        required=call.context.settings.needs_second_factor(user.role),
        factors=[_view(factor) for factor in await store.factors(user.id)],
        recovery_codes_left=await store.recovery_codes_left(user.id),
    )


def _view(factor: Factor) -> FactorView:
    return FactorView(
        id=factor.id, kind=factor.kind, name=factor.name, created_at=factor.created_at, used_at=factor.used_at
    )
