"""A server for tests whose connections are those of the product, without the ingress process before them."""

import asyncio

from aiohttp import web
from aiohttp.test_utils import TestServer

from signaling.server.connection import Connection


class _Connections(web.Server):
    def __call__(self):
        return Connection(self, loop=self._loop, **self._kwargs)


class _Runner(web.AppRunner):
    async def _make_server(self):
        made = await super()._make_server()
        return _Connections(
            made.request_handler,
            request_factory=made.request_factory,
            loop=asyncio.get_running_loop(),
            **made._kwargs,
        )


class ConnectionServer(TestServer):
    """Serves an application as `TestServer` does, by `signaling.server.connection`."""

    async def _make_runner(self, **options):
        return _Runner(self.app, **{"access_log": None, "auto_decompress": False, **options})
