"""The service about itself."""

from aiohttp import web

from broker.kernel.errors import StorageUnavailable, VisitError
from signaling.api import bodies
from signaling.server.routes import Ask, Table

table = Table()


@table.add("GET", "/api/v1/openapi.json", who=(), zh="接口文档", en="This document", gives="application/json")
async def openapi(ask: Ask) -> web.Response:
    """Generated from the same table as the addresses."""
    return web.json_response(dict(ask.house.openapi))


@table.add("GET", "/healthz", who=(), zh="健康检查", en="Health")
async def healthz(ask: Ask) -> bodies.Health:
    """200 while new visits can be served; a problem that says what is missing otherwise."""
    house = ask.house
    journal = house.journal.healthy(house.mono())
    try:
        await house.store.health()
    except VisitError:
        raise StorageUnavailable(database=False, journal=journal) from None
    if not journal:
        raise StorageUnavailable("The journal cannot be written.", "日志无法写入。", database=True, journal=False)
    return bodies.Health(ok=True, version=house.version)
