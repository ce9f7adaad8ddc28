"""`huijian serve`: migrate the database, then start and supervise recorder, relay workers, control process and
ingress."""

import asyncio
import json
import signal
import socket

import structlog

from broker.control.capacity.machine_cost import measure_once
from broker.control.store.migrations import migrate
from broker.control.store.store import Store
from config.logs import configure
from config.pack_loader import load_pack
from config.settings import DEMO_MARK, Settings, SettingsError
from huijian.admin.first_steps import first_steps
from huijian.demo.certificate import with_demo_certificate
from huijian.instance_lock import only_one
from huijian.supervisor import Child, NotRunning, ProcessSupervisor
from signaling.tls.certificate import load

log = structlog.get_logger()


LOCAL_HOST = "127.0.0.1"
GIVES_BACK = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "131072"}
"""What makes glibc (mallopt(3)) give the memory of answers back to the system: by itself it learns from a flood of them
to keep large blocks, and the process stays at its largest."""


def environment(settings: Settings) -> dict[str, str]:
    """Return the settings as environment variables, so that every child has the same."""
    values = settings.model_dump(mode="json")
    return {
        f"HUIJIAN_{name.upper()}": value if isinstance(value, str) else json.dumps(value)
        for name, value in values.items()
        if value is not None
    }


def children(settings: Settings) -> list[Child]:
    """Return the processes of one service in the order of starting; the recorder first, as no media crosses without
    it."""
    environ = environment(settings)
    # What strangers' datagrams reach has no use for the database, whose address may hold a password.
    relay_environ = {"HUIJIAN_LOG_LEVEL": settings.log_level}
    relays = [
        Child(f"relay-{number}", ("broker.relay", *_relay_arguments(settings, number)), relay_environ)
        for number in range(settings.relay_workers)
    ]
    return [
        Child("recorder", ("recorder",), environ),
        *relays,
        Child("control", ("huijian.control",), environ),
        Child("ingress", ("signaling.ingress",), {**environ, **GIVES_BACK}),
        *_tls(settings),  # what strangers reach first is the last to come and the first to go
    ]


def _tls(settings: Settings) -> list[Child]:
    """Return the TLS process, where there is a certificate. What has the key has no use for the database either."""
    if settings.tls_certificate is None or settings.tls_key is None:
        return []
    files = str(settings.tls_certificate), str(settings.tls_key)
    arguments = str(settings.run_dir), settings.http_host, str(settings.http_port), *files
    return [Child("tls", ("signaling.tls", *arguments), {"HUIJIAN_LOG_LEVEL": settings.log_level, **GIVES_BACK})]


def _relay_arguments(settings: Settings, number: int) -> tuple[str, ...]:
    port = settings.relay_port + number if settings.relay_port else 0
    run_dir = str(settings.run_dir)
    return f"relay-{number}", run_dir, settings.relay_host, str(port), *settings.relay_public_addresses


def serve(settings: Settings, own_certificate: bool = False) -> None:
    """Run until SIGINT or SIGTERM; with `own_certificate`, a demonstration makes its own. Raises SettingsError,
    Conflict, StorageUnavailable or OSError before anything is started, and NotRunning when a part of the service does
    not come up."""
    configure(settings.log_level)
    if not own_certificate:
        settings.check_reachable()
    settings.prepare()
    with only_one(settings.data_dir) as lock:
        if own_certificate:
            settings = with_demo_certificate(settings)
        asyncio.run(_serve(settings, lock))


async def check(settings: Settings) -> None:
    """Migrate the database and check what would make the processes end at their start. Raises SettingsError,
    CertificateProblem or OSError."""
    if not settings.demo and (settings.data_dir / DEMO_MARK).exists():
        raise SettingsError(
            f"{settings.data_dir} was made by the demonstration: start with --demo, or use another --data-dir. "
            f"{settings.data_dir} 是演示目录：请加 --demo，或换一个 --data-dir。"
        )
    await migrate(settings.database_url)
    if not settings.demo:
        async with Store(settings.database_url) as store:
            demo_sites = [site.id for site in await store.sites() if load_pack(site.policy).demo]
        if demo_sites:
            raise SettingsError(
                f"{demo_sites[0]} is a site of the demonstration: start with --demo, or use another --data-dir"
            )
    _check_certificate(settings)
    _check_ports(settings)


def _check_ports(settings: Settings) -> None:
    """Check that every port can be bound. Raises OSError that names the port."""
    for port in (settings.http_port, settings.http_redirect_port):
        if port:
            _check_port(settings.http_host, port, socket.SOCK_STREAM)
    if settings.local_port:
        _check_port(LOCAL_HOST, settings.local_port, socket.SOCK_STREAM)
    for number in range(settings.relay_workers if settings.relay_port else 0):
        for host in settings.relay_host.split(","):
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                _check_port(host, settings.relay_port + number, kind)


def _check_certificate(settings: Settings) -> None:
    """Check that certificate and key can be used. Raises CertificateProblem."""
    if settings.tls_certificate is not None and settings.tls_key is not None:
        load(settings.tls_certificate, settings.tls_key)


def _check_port(host: str, port: int, kind: socket.SocketKind) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, kind) as probe:
        if kind is socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            where = f"{host} port {port} ({'TCP' if kind is socket.SOCK_STREAM else 'UDP'})"
            raise OSError(error.errno, error.strerror, where) from error


async def _prepare(settings: Settings) -> None:
    """Check the settings, and meanwhile have the cost of a session measured, where that was not done on this machine:
    before anything runs that it would delay, or that would disturb it. Raises what `check` raises."""
    measuring = asyncio.create_task(measure_once(settings.data_dir))
    try:
        await check(settings)
        found = await measuring
        log.info("cost of a session", cores=round(found.cores, 4), final=found.final)
    finally:
        measuring.cancel()
        await asyncio.gather(measuring, return_exceptions=True)


async def _serve(settings: Settings, lock: int) -> None:
    await _prepare(settings)
    if settings.http_port and (steps := await first_steps(settings)):
        print(steps, flush=True)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    processes = ProcessSupervisor(lock)
    stop, broken = asyncio.create_task(stopping.wait()), asyncio.create_task(processes.given_up())
    try:
        for child in children(settings):
            processes.start(child)
        await asyncio.wait((stop, broken), return_when=asyncio.FIRST_COMPLETED)
        log.info("stopping")
        if not stopping.is_set():
            raise NotRunning(f"{broken.result()} does not start; the log above says why")
    finally:
        for task in (stop, broken):
            task.cancel()
        await processes.stop()
