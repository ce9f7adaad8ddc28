"""`huijian serve`: migrate the database, then start and supervise recorder, relay workers and control process."""

import asyncio
import json
import signal

import structlog

from broker.live.migrations import migrate
from config.logs import configure
from config.settings import Settings
from huijian.children import Child, Nursery

log = structlog.get_logger()


def environment(settings: Settings) -> dict[str, str]:
    """The settings as environment variables, so that every child means the same."""
    values = settings.model_dump(mode="json")
    return {
        f"HUIJIAN_{name.upper()}": value if isinstance(value, str) else json.dumps(value)
        for name, value in values.items()
        if value is not None
    }


def children(settings: Settings) -> list[Child]:
    """Who belongs to one Huijian, in the order of starting; the recorder first, as nothing crosses without it."""
    environ = environment(settings)
    relays = [
        Child(f"relay-{number}", ("broker.relay", *_relay_arguments(settings, number)), environ)
        for number in range(settings.relay_workers)
    ]
    return [Child("recorder", ("recorder",), environ), *relays, Child("control", ("huijian.control",), environ)]


def _relay_arguments(settings: Settings, number: int) -> tuple[str, ...]:
    port = settings.relay_port + number if settings.relay_port else 0
    run_dir = str(settings.run_dir)
    return f"relay-{number}", run_dir, settings.relay_host, str(port), *settings.relay_public_addresses


def serve(settings: Settings) -> None:
    """Run until SIGINT or SIGTERM. Raises SettingsError or StorageUnavailable before anything is started."""
    configure(settings.log_level)
    settings.prepare()
    asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    await migrate(settings.database_url)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    nursery = Nursery()
    try:
        for child in children(settings):
            nursery.start(child)
        await stopping.wait()
        log.info("stopping")
    finally:
        await nursery.stop()
