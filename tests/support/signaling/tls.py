"""The TLS process in the loop of a test, before a front door; its certificates, and lines that speak TLS to it."""

import asyncio
import socket
import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from broker.kernel.clock import SystemClock
from huijian.demo.certificate import self_signed
from signaling.tls.handshakes import HandshakeLimits
from signaling.tls.link import IngressLink
from signaling.tls.terminator import Terminator
from signaling.tls.watch import CertificateWatch
from tests.support.patience import PATIENCE
from tests.support.signaling.ingress import Line, request

HOST = "127.0.0.1"


def write_pair(folder, names=("127.0.0.1", "localhost"), expires_in=timedelta(days=50)):
    """Write a certificate that expires after `expires_in`, and its key; return their paths."""
    certificate, secret = self_signed(list(names), SystemClock().now().wall, expires_in)
    paths = folder / "server.crt", folder / "server.key"
    for path, data in zip(paths, (certificate, secret), strict=True):
        path.unlink(missing_ok=True)
        path.touch(0o600)
        path.write_bytes(data)
    return paths


def trusting(certificate):
    """Return a client's context that trusts this certificate alone."""
    context = ssl.create_default_context(cafile=str(certificate))
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


@dataclass
class Tls:
    """A running TLS process before a front door."""

    terminator: Terminator
    watch: CertificateWatch
    files: tuple
    port: int
    trusted: ssl.SSLContext
    lines: list = field(default_factory=list)

    @property
    def counts(self):
        return self.terminator.counters.counts

    async def connect(self, context=None, source=None, buffer=None):
        """Open a connection and make its handshake, from the local address `source` and with a receive buffer of
        `buffer` bytes."""
        raw = await self.plain(source, buffer)
        context = context or self.trusted
        line = Line(*await asyncio.open_connection(sock=raw, ssl=context, server_hostname=HOST, limit=2**20))
        self.lines.append(line)
        return line

    async def plain(self, source=None, buffer=None):
        """Open a connection without a handshake; return its socket."""
        raw = socket.socket()
        raw.setblocking(False)
        if buffer:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        if source:
            raw.bind((source, 0))
        await asyncio.get_running_loop().sock_connect(raw, (HOST, self.port))
        return raw

    async def ask(self, method, target, *headers, **options):
        """Send one request on a connection of its own; return the answer."""
        line = await self.connect()
        line.send(request(method, target, *headers, **options))
        answer = await line.answer(head_only=method == "HEAD")
        line.close()
        return answer


@asynccontextmanager
async def running_tls(entrance, folder, limits=None, expires_in=timedelta(days=90), most=100):
    """TLS before a running front door, with a certificate in `folder`."""
    files = write_pair(folder, expires_in=expires_in)
    watch = CertificateWatch(*files, SystemClock())
    entrance.door.intake.open()
    terminator = Terminator(
        watch, limits or HandshakeLimits(), most, lambda learn: IngressLink(entrance.settings.run_dir, learn)
    )
    terminator.start()
    try:
        await asyncio.wait_for(terminator.link.until_ready(), PATIENCE)
        tls = Tls(terminator, watch, files, await terminator.listener.open(HOST, 0), trusting(files[0]))
        yield tls
        for line in tls.lines:
            line.close()
    finally:
        await terminator.close()
