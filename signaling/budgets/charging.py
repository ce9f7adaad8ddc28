"""Charges every request to its author's allowance before anything is done for it. A refusal is made slowly: it comes a
second late and ends its connection, and beyond a few at once connections end without one, so that a loop over many
connections turns refusals into hardly any work."""

import asyncio
from collections import Counter
from collections.abc import Mapping

from aiohttp import web
from aiohttp.typedefs import Middleware

from broker.kernel.errors import TooMany
from signaling.budgets.allowance import FILE
from signaling.budgets.payers import author_of_connection, sent_token
from signaling.server.context import Context
from signaling.server.errors import Handler, response
from signaling.server.routes import Route
from signaling.server.taken_connection import close_after

SECONDS = 1.0
PER_PAYER = 8
"""Refusals that wait for one author at the same time."""
ALL = 256


class Refusals:
    """The refusals that are being made, by author."""

    def __init__(self) -> None:
        self._waiting: Counter[str] = Counter()

    async def refuse(self, request: web.Request, payer: str, error: TooMany) -> web.StreamResponse:
        """Answer with `error` after a while and end the connection; where too many wait, end it at once."""
        answer = response(error)
        close_after(answer)
        if self._waiting[payer] >= PER_PAYER or self._waiting.total() >= ALL:
            if request.transport is not None:
                request.transport.abort()
            return answer
        self._waiting[payer] += 1
        try:
            await asyncio.sleep(SECONDS)
        finally:
            self._waiting[payer] -= 1
            self._waiting += Counter()  # forget those that are back at zero
        return answer


def charging(context: Context, routes: Mapping[Handler, Route]) -> Middleware:
    """Return the middleware that charges. `routes`: by handler; whatever has none is a file of the page."""
    refusals = Refusals()

    @web.middleware
    async def charge(request: web.Request, handler: Handler) -> web.StreamResponse:
        payer, route = context.payers.payer(request), routes.get(request.match_info.handler)
        cost, urgent = (route.charge, route.urgent) if route is not None else (FILE, False)
        try:
            context.allowance.take(payer, cost, context.mono(), urgent)
        except TooMany as error:
            return await refusals.refuse(request, payer, error)
        answer = await handler(request)
        if not answer.prepared and not sent_token(request) and author_of_connection(request) is not None:
            close_after(answer)  # strangers' requests come over connections of their own
        return answer

    return charge
