"""Real relay worker process with a minimal WHIP and WHEP server before it, without tokens and without a broker, for
tests of the relay alone."""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from msgspec import to_builtins

from broker.ipc.client import Client
from broker.ipc.relay_messages import (
    RELAY,
    AdmitSession,
    DropResource,
    GetStatus,
    LeaseGate,
    MediaReply,
    Publish,
    RestartIce,
    Subscribe,
)
from broker.kernel.clock import monotonic
from broker.kernel.errors import VisitError
from tests.support.ipc import FactLog, Members
from tests.support.patience import PATIENCE


class RelayFront:
    """Worker process, the IPC client to it, the facts that it reported, and the server's URL."""

    def __init__(self, run_dir: Path, host: str = "127.0.0.1", public: tuple[str, ...] = ()) -> None:
        self.run_dir, self.host, self.public = run_dir, host, public
        self.program: tuple[str, ...] = ("-m", "broker.relay")
        self.log = FactLog()
        self.link = Client(run_dir / "relay-0.sock", RELAY)
        self.offers: list[str] = []
        self.running: asyncio.Task[None] | None = None
        self.port = 0
        self.proxy_port: int | None = None
        """Port of a proxy before the worker to which clients are sent, None for the worker's own."""
        self.url = ""
        self.process: asyncio.subprocess.Process | None = None

    @property
    def facts(self) -> list[tuple[str, Members]]:
        """Every fact of the worker so far: its name and its members."""
        return self.log.facts

    async def fact(self, name: str, timeout: float = PATIENCE, after: int = 0, **members: Any) -> Members:
        """Wait for a fact with these members, at or after index `after` of `facts`; return all its members."""
        return await self.log.wait_for(
            name, after, lambda found: all(found.get(key) == value for key, value in members.items()), timeout
        )

    async def start_worker(self) -> None:
        """Start the worker process and wait until it answers."""
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, *self.program, "relay-0", str(self.run_dir), self.host, "0", *self.public,
            stdin=asyncio.subprocess.PIPE,
        )  # fmt: skip
        await asyncio.wait_for(self.log.up.wait(), PATIENCE)

    async def stop_worker(self) -> None:
        """End the worker process in order."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.terminate()
        await asyncio.wait_for(self.process.wait(), PATIENCE)

    async def admit(self, session: str, tap: int = 1, picture_floor: int = 0) -> None:
        """Admit a session to the worker; `port` is then the worker's port."""
        self.port = (await self.link.call(AdmitSession(session=session, tap=tap, picture_floor=picture_floor))).port

    async def admit_line_test(self, session: str) -> None:
        """Admit the test of a line, which the paths `/line-tests/{session}/whip` and `whep` lead to."""
        self.port = (await self.link.call(AdmitSession(session=session, tap=1, line_test=True))).port

    async def lease(
        self, session: str, seconds: float = 3.0, deadline: float = 60.0, limit: float = 60.0, **more: Any
    ) -> float:
        """Give one lease that begins now; return when that is (monotonic s)."""
        now = monotonic()
        await self.link.call(
            LeaseGate(session=session, until=now + seconds, deadline=now + deadline, limit=limit, **more)
        )
        return now

    async def _post(self, request: web.Request) -> web.Response:
        sdp = await request.text()
        self.offers.append(sdp)
        session = request.match_info["session"]
        side = request.match_info.get("side") or request.headers["Authorization"].split()[1]
        try:
            if request.path.startswith("/line-tests/"):
                answer = await self._join_line_test(session, sdp, request.path.endswith("/whip"))
            elif request.path.startswith("/whip/"):
                answer = await self.link.call(Publish(session=session, side=side, sdp=sdp))
            else:
                client = request.headers["Authorization"].split()[1]
                gated = client in ("prison", "visitor")
                answer = await self.link.call(
                    Subscribe(session=session, side=side, sdp=sdp, subscriber=client, gated=gated)
                )
        except VisitError as error:
            return web.json_response(error.problem(), status=error.http_status, content_type="application/problem+json")
        location = f"{request.path}/{answer.resource}"
        return web.Response(
            status=201,
            text=self._candidates(answer.sdp),
            content_type="application/sdp",
            headers={"Location": location},
        )

    async def _join_line_test(self, session: str, sdp: str, sends: bool) -> MediaReply:
        if sends:
            return await self.link.call(Publish(session=session, side="prison", sdp=sdp))
        return await self.link.call(
            Subscribe(session=session, side="prison", sdp=sdp, subscriber="terminal", gated=False)
        )

    def _candidates(self, sdp: str) -> str:
        if self.proxy_port is None:
            return sdp
        lines = [line for line in sdp.splitlines() if not (line.startswith("a=candidate") and " tcp " in line)]
        through = f" {self.proxy_port} typ host"
        return "".join(f"{line.replace(f' {self.port} typ host', through)}\r\n" for line in lines)

    async def _patch(self, request: web.Request) -> web.Response:
        session, resource = request.match_info["session"], request.match_info["resource"]
        answer = await self.link.call(RestartIce(session=session, resource=resource, fragment=await request.text()))
        return web.Response(text=answer.fragment, content_type="application/trickle-ice-sdpfrag")

    async def _delete(self, request: web.Request) -> web.Response:
        await self.link.call(
            DropResource(session=request.match_info["session"], resource=request.match_info["resource"])
        )
        return web.Response()

    def cut(self) -> None:
        """Close the IPC connection, as the death of the control process does."""
        assert self.running is not None
        self.running.cancel()

    async def status(self) -> Members:
        """Return the counts of the worker."""
        return dict(to_builtins(await self.link.call(GetStatus())))

    def app(self) -> web.Application:
        """Return the WHIP and WHEP server."""
        app = web.Application()
        app.router.add_get("/peer.html", _page)
        app.router.add_post("/whip/{session}", self._post)
        app.router.add_post("/whep/{session}/{side}", self._post)
        app.router.add_post("/line-tests/{session}/{way}", self._post)
        app.router.add_delete("/line-tests/{session}/{way}/{resource}", self._delete)
        app.router.add_patch("/whip/{session}/{resource}", self._patch)
        app.router.add_patch("/whep/{session}/{side}/{resource}", self._patch)
        app.router.add_delete("/whip/{session}/{resource}", self._delete)
        app.router.add_delete("/whep/{session}/{side}/{resource}", self._delete)
        return app


async def _page(_: web.Request) -> web.FileResponse:
    """Serve `peer.html`, the page with which a browser is a peer."""
    return web.FileResponse(Path(__file__).with_name("peer.html"))


@asynccontextmanager
async def relay_front(
    host: str = "127.0.0.1", *public: str, program: tuple[str, ...] = ()
) -> AsyncIterator[RelayFront]:
    """Run a worker with its server until the block ends."""
    with tempfile.TemporaryDirectory(prefix="hj") as folder:
        front = RelayFront(Path(folder), host, public)
        front.program = program or front.program
        front.running = running = asyncio.create_task(front.link.run(front.log))
        runner = web.AppRunner(front.app(), shutdown_timeout=1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        front.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            await front.start_worker()
            yield front
        finally:
            await front.stop_worker()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await runner.cleanup()
