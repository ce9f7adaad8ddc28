"""For those who watch the service run: Prometheus, and `huijian sessions top`."""

from aiohttp import web

from broker.kernel.errors import Forbidden, NotSignedIn
from signaling.auth.scope import OFFICERS, Role, User, may_see, role_of, scope
from signaling.server.loopback import is_nearby
from signaling.server.routes import Ask, Table
from signaling.views import prometheus
from signaling.views.overview import Overview, overview

table = Table()
READERS = frozenset({Role.OBSERVER, Role.ADMIN})
TEXT = "text/plain"


@table.add(
    "GET",
    "/metrics",
    who=(),
    zh="运行指标（Prometheus）",
    en="Numbers for Prometheus",
    problems=(NotSignedIn, Forbidden),
    gives=TEXT,
)
async def get_metrics(ask: Ask) -> web.Response:
    """For observers and the province's admins, and for programs on this machine itself where the settings let them."""
    await _check_reader(ask)
    house = ask.house
    moment = prometheus.Moment(
        figures=house.broker.figures(),
        lives=tuple(house.broker.sessions()),
        journal_healthy=house.journal.healthy(house.mono()),
        journal_backlog=house.journal.backlog,
        sockets=house.hub.kinds(),
        version=house.version,
    )
    body = prometheus.exposition(moment)
    return web.Response(body=body, headers={"Content-Type": f"{TEXT}; version=0.0.4; charset=utf-8"})


async def _check_reader(ask: Ask) -> None:
    """Raises NotSignedIn or Forbidden. A credential that is shown is checked wherever it comes from."""
    who = await ask.house.door.known(ask.request)
    if who is not None:
        if role_of(who) not in READERS or (isinstance(who, User) and scope(who) is not None):
            raise Forbidden()  # a site's admin, too: the numbers are of all sites
    elif not (ask.house.settings.metrics_on_loopback and is_nearby(ask.request)):
        raise NotSignedIn()


@table.add("GET", "/api/v1/overview", who=OFFICERS | {Role.OBSERVER}, zh="运行概况", en="The service at one look")
async def get_overview(ask: Ask) -> Overview:
    """Sessions that the caller may see, all workers; ids and numbers, no names."""
    house = ask.house
    seen = [live for live in house.broker.sessions() if may_see(ask.caller, live.session.slot)]
    return overview(house.broker.figures(), ((live, house.scene(live)) for live in seen), house.now())
