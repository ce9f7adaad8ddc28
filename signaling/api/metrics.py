"""The service about itself: Prometheus metrics and the overview for operators, the machine's clock, health, and the
OpenAPI document."""

from collections import Counter
from datetime import timedelta
from typing import Literal

from aiohttp import web

from broker.control.rules.clock_watch import ClockStatus
from broker.drills.result import DrillState
from broker.kernel.errors import Conflict, CredentialTooNew, Forbidden, NotSignedIn, StorageUnavailable, VisitError
from signaling.api.messages.sign_in import ClockView, Health
from signaling.api.terminals.routes import in_use
from signaling.auth.scope import OFFICERS, Role, User, author, may_see, role_of, scope
from signaling.auth.second_officer import check_permit
from signaling.budgets.allowance import LIST
from signaling.server.client_address import is_local
from signaling.server.context import Context
from signaling.server.routes import Call, Table, check_enrolled
from signaling.tls.watch import WARN_BEFORE
from signaling.views import prometheus
from signaling.views.moment import moment_of
from signaling.views.overview import Overview, overview

table = Table("watching")
service = Table("meta")
READERS = frozenset({Role.OBSERVER, Role.ADMIN})
TEXT = "text/plain"
ALARMED = timedelta(days=31)
"""Time for which a change of an account that did without a second officer's word raises an alarm."""


@table.add(
    "GET",
    "/metrics",
    cost=LIST,
    roles=(),
    zh="运行指标（Prometheus）",
    en="Numbers for Prometheus",
    problems=(NotSignedIn, Forbidden),
    gives=TEXT,
)
async def get_metrics(call: Call) -> web.Response:
    """Metrics for observers and the province's admins, and for programs on this machine where the settings allow it."""
    await _check_reader(call)
    context = call.context
    moment = prometheus.Moment(
        figures=context.broker.figures(),
        lives=tuple(live for live in context.broker.sessions() if not live.session.slot.drill),
        journal=prometheus.journal_moment(context.journal, context.mono()),
        sockets=context.hub.kinds(),
        version=context.version,
        ingress=_with_own(context),
        allowance_refused=context.allowance.refused,
        playing=context.streams.budget.playing,
        account_changes=await _account_changes(call),
        terminals_conflicted=await _conflicted(call),
        drills=await _drills(call),
        fleet=await _fleet(call),
    )
    body = prometheus.exposition(moment)
    return web.Response(body=body, headers={"Content-Type": f"{TEXT}; version=0.0.4; charset=utf-8"})


async def _account_changes(call: Call) -> dict[str, int]:
    """Count what waits for a second officer's word, and what did without one."""
    store, now = call.context.store, call.context.now().wall
    try:
        return {"waiting": len(await store.account_changes()), "forced": await store.forced_since(now - ALARMED)}
    except VisitError:
        return {}  # the other numbers say that the database does not answer


async def _conflicted(call: Call) -> int | None:
    """Count the terminals whose key was used in two places."""
    try:
        return await call.context.store.conflicted_terminals()
    except VisitError:
        return None


async def _drills(call: Call) -> dict[str, int]:
    """Count the drills of the last day by state."""
    context = call.context
    try:
        drills = await context.store.drills_since(context.now().wall - timedelta(days=1))
    except VisitError:
        return {}
    return dict.fromkeys(map(str, DrillState), 0) | Counter(str(drill.state) for drill in drills)


async def _fleet(call: Call) -> list[prometheus.TerminalMoment]:
    """Return the terminals in use, as far as metrics go; none where the database does not answer."""
    try:
        views = await in_use(call.context, None)
    except VisitError:
        return []
    now = call.context.now().wall
    return [
        prometheus.TerminalMoment(
            site=view.site,
            connected=view.connected,
            acts=view.room is not None,
            failed=view.test is not None and not view.test.passed,
            age=(now - view.reported_at).total_seconds() if view.room and view.reported_at else None,
            temperature=view.temperature if view.connected else None,
        )
        for view in views
    ]


def _with_own(context: Context) -> dict[str, float]:
    """Return the counters of ingress, with the terminals that control itself has refused; none while ingress has not
    reported."""
    if not context.ingress:
        return {}
    own = context.terminal_sign_ins.counters()
    return context.ingress | {name: context.ingress.get(name, 0) + count for name, count in own.items()}


async def _check_reader(call: Call) -> None:
    """Check that the caller may read all numbers; a credential that is sent is checked also from this machine. Raises
    NotSignedIn or Forbidden."""
    caller = await call.context.identify(call.request)
    if caller is not None:
        check_enrolled(caller)
        if role_of(caller) not in READERS or (isinstance(caller, User) and scope(caller) is not None):
            raise Forbidden()  # a site's admin, too: the numbers are of all sites
    elif not (call.context.settings.metrics_on_loopback and is_local(call.request)):
        raise NotSignedIn()


@table.add(
    "GET", "/api/v1/overview", cost=LIST, roles=OFFICERS | {Role.OBSERVER}, zh="运行概况", en="The service at one look"
)
async def get_overview(call: Call) -> Overview:
    """All workers, and the sessions that the caller may see; ids and numbers, no names."""
    context, now = call.context, call.context.now()
    seen = [live for live in context.broker.sessions() if may_see(call.caller, live.session.slot)]
    moments = ((live, moment_of(live, now)) for live in seen)
    return overview(context.broker.figures(), moments, now, context.journal.checkpoints.trouble)


@table.add(
    "GET",
    "/api/v1/clock",
    roles=OFFICERS | {Role.OBSERVER},
    zh="本机时钟",
    en="This machine's clock",
)
async def get_clock(call: Call) -> ClockView:
    """The time by which visits go, the machine's own, and by how much that was moved."""
    return _clock_view(call.context.broker.clock_watch.status())


@table.add(
    "POST",
    "/api/v1/clock/agree",
    roles=(Role.ADMIN,),
    zh="确认本机时钟",
    en="Agree on this machine's clock",
    problems=(Conflict, CredentialTooNew),
    refused="ClockRefused",
)
async def agree_clock(call: Call) -> ClockView:
    """An admin of the province has compared the clock with another one: visits go by it from now on."""
    if scope(call.user) is not None:
        raise Forbidden()  # a site's admin, too: the clock is that of all sites
    await check_permit(call.context, call.user.id)
    return _clock_view(call.context.broker.clock_watch.agree(author(call.user)))


def _clock_view(status: ClockStatus) -> ClockView:
    moved = None if status.moved is None else round(status.moved.total_seconds(), 3)
    return ClockView(agreed=status.agreed, machine=status.machine, moved_seconds=moved, steps=status.steps)


@service.add("GET", "/api/v1/openapi.json", roles=(), zh="接口文档", en="This document", gives="application/json")
async def openapi(call: Call) -> web.Response:
    """The OpenAPI document, made from the table of routes."""
    return call.context.openapi_file.answer(call.request)


@service.add("GET", "/healthz", roles=(), zh="健康检查", en="Health")
async def healthz(call: Call) -> Health:
    """200 while new visits can be served; otherwise a problem that names what is missing."""
    await check_health(call.context)
    return health(call.context)


def health(context: Context) -> Health:
    """Return the health of a service that can serve, with what needs an operator soon."""
    expires, now = context.ingress.get("tls_expires"), context.now().wall.timestamp()
    warnings: list[Literal["certificate_expires", "certificate_refused"]] = []
    if expires is not None and expires - now < WARN_BEFORE.total_seconds():
        warnings.append("certificate_expires")
    if context.ingress.get("tls_refused_pair"):
        warnings.append("certificate_refused")
    return Health(ok=True, version=context.version, warnings=tuple(warnings))


async def check_health(context: Context) -> None:
    """Check that new visits can be served. Raises StorageUnavailable with what is missing."""
    journal = context.journal.healthy(context.mono())
    try:
        await context.store.health()
    except VisitError:
        raise StorageUnavailable(database=False, journal=journal) from None
    if not journal:
        raise StorageUnavailable("The journal cannot be written.", "日志无法写入。", database=True, journal=False)
