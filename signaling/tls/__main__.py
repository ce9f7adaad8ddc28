"""`python -m signaling.tls RUN_DIR HOST PORT CERTIFICATE KEY`: run the TLS process. `huijian serve` starts it; it has
no settings but these, so that a process which strangers' bytes reach first knows no database."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from broker.kernel.clock import SystemClock
from broker.kernel.lifeline import parent_gone
from broker.kernel.priority import give_way
from config.logs import configure
from config.settings import TLS_ADDRESS_FILE
from signaling.server.handed_over import raise_descriptor_limit
from signaling.tls.certificate import CertificateProblem
from signaling.tls.handshakes import HandshakeLimits
from signaling.tls.link import IngressLink
from signaling.tls.terminator import MOST, SPARE, Terminator
from signaling.tls.watch import CertificateWatch

log = structlog.get_logger()
NICENESS = 2
"""As ingress has it: leases and media go first where cores are short."""
PER_CONNECTION = 2  # descriptors: the client's, and one end of a pair


async def terminate(run_dir: Path, host: str, port: int, watch: CertificateWatch) -> None:
    """Run until SIGTERM, SIGINT or the end of the parent."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    lifeline = asyncio.create_task(parent_gone(stopping))
    most = min(MOST, max(64, (raise_descriptor_limit() - SPARE) // PER_CONNECTION))
    terminator = Terminator(watch, HandshakeLimits(), most, lambda learn: IngressLink(run_dir, learn))
    terminator.start()
    opening = asyncio.create_task(_opened(terminator, host, port))
    waiting = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait((opening, waiting), return_when=asyncio.FIRST_COMPLETED)
        if opening.done():
            with _published(run_dir, host, opening.result()):
                await stopping.wait()
    finally:
        for task in (opening, waiting, lifeline):
            task.cancel()
        await asyncio.gather(opening, waiting, lifeline, return_exceptions=True)
        await terminator.close()


async def _opened(terminator: Terminator, host: str, port: int) -> int:
    """Listen from the moment at which ingress takes connections; return the port."""
    await terminator.link.until_ready()
    return await terminator.listener.open(host, port)


@contextmanager
def _published(run_dir: Path, host: str, port: int) -> Iterator[None]:
    """Write the URL of the server to a file as long as it listens, for programs that let the system choose the port."""
    url, file = f"https://{f'[{host}]' if ':' in host else host}:{port}", run_dir / TLS_ADDRESS_FILE
    temporary = file.with_suffix(".new")
    temporary.write_text(url + "\n", encoding="ascii")
    temporary.replace(file)
    monitor = f"{url}/monitor"
    log.info("ready", monitor=monitor)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def main(run_dir: str, host: str, port: str, certificate: str, key: str) -> int:
    """Run the process; return its exit code."""
    os.umask(0o077)
    configure(os.environ.get("HUIJIAN_LOG_LEVEL", "info"))
    give_way(NICENESS)
    try:
        watch = CertificateWatch(Path(certificate), Path(key), SystemClock())
    except CertificateProblem as error:
        log.error("no certificate", why=error)
        return 2
    gc.freeze()  # modules live as long as the process: the collector need not visit them
    asyncio.run(terminate(Path(run_dir), host, int(port), watch))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
