"""The service about itself: Prometheus metrics and the overview for operators, health, and the OpenAPI document."""

from aiohttp import web

from broker.kernel.errors import Forbidden, NotSignedIn, StorageUnavailable, VisitError
from signaling.api.messages.sign_in import Health
from signaling.auth.scope import OFFICERS, Role, User, may_see, role_of, scope
from signaling.server.client_address import is_local
from signaling.server.routes import Call, Table
from signaling.views import prometheus
from signaling.views.moment import moment_of
from signaling.views.overview import Overview, overview

table = Table("watching")
service = Table("meta")
READERS = frozenset({Role.OBSERVER, Role.ADMIN})
TEXT = "text/plain"


@table.add(
    "GET",
    "/metrics",
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
        lives=tuple(context.broker.sessions()),
        journal_healthy=context.journal.healthy(context.mono()),
        journal_backlog=context.journal.backlog,
        sockets=context.hub.kinds(),
        version=context.version,
    )
    body = prometheus.exposition(moment)
    return web.Response(body=body, headers={"Content-Type": f"{TEXT}; version=0.0.4; charset=utf-8"})


async def _check_reader(call: Call) -> None:
    """Check that the caller may read all numbers; a credential that is sent is checked also from this machine. Raises
    NotSignedIn or Forbidden."""
    caller = await call.context.credentials.caller_or_none(call.request)
    if caller is not None:
        if role_of(caller) not in READERS or (isinstance(caller, User) and scope(caller) is not None):
            raise Forbidden()  # a site's admin, too: the numbers are of all sites
    elif not (call.context.settings.metrics_on_loopback and is_local(call.request)):
        raise NotSignedIn()


@table.add("GET", "/api/v1/overview", roles=OFFICERS | {Role.OBSERVER}, zh="运行概况", en="The service at one look")
async def get_overview(call: Call) -> Overview:
    """All workers, and the sessions that the caller may see; ids and numbers, no names."""
    context, now = call.context, call.context.now()
    seen = [live for live in context.broker.sessions() if may_see(call.caller, live.session.slot)]
    return overview(context.broker.figures(), ((live, moment_of(live, now)) for live in seen), now)


@service.add("GET", "/api/v1/openapi.json", roles=(), zh="接口文档", en="This document", gives="application/json")
async def openapi(call: Call) -> web.Response:
    """The OpenAPI document, made from the table of routes."""
    return web.json_response(dict(call.context.openapi))


@service.add("GET", "/healthz", roles=(), zh="健康检查", en="Health")
async def healthz(call: Call) -> Health:
    """200 while new visits can be served; otherwise a problem that names what is missing."""
    context = call.context
    journal = context.journal.healthy(context.mono())
    try:
        await context.store.health()
    except VisitError:
        raise StorageUnavailable(database=False, journal=journal) from None
    if not journal:
        raise StorageUnavailable("The journal cannot be written.", "日志无法写入。", database=True, journal=False)
    return Health(ok=True, version=context.version)
