"""The folder of the demonstration, with everything in it: database, archive, keys, sockets. Made-up sites in a real
folder would stop the real service, which refuses them, so the demonstration enters only folders that it has made."""

from pathlib import Path

from sqlalchemy import inspect, select
from sqlalchemy.engine import make_url

from broker.control.store.tables import sites
from broker.kernel.database import engine_for, reading, storage_errors
from config.pack_loader import PackError, load_pack
from config.settings import DEFAULT_DATA, DEMO_MARK, Settings, SettingsError, places
from huijian.options import Options

OWN = Path("demo-data")
"""The folder that is used where none is named, beside `data`, the one of `serve`."""


def demo_settings(options: Options) -> Settings:
    """Return the settings of a demonstration: those of this machine, with all places in the demonstration's folder,
    and free ports for the media. Raises SettingsError."""
    found = Settings.load(options.config, **({"data_dir": options.data_dir} if options.data_dir else {}))
    named = options.data_dir is not None or found.data_dir != DEFAULT_DATA.resolve()
    data = found.data_dir if named else OWN.resolve()
    return Settings.load(options.config, data_dir=data, **places(data), relay_port=0)


async def take_folder(settings: Settings) -> None:
    """Make the folder the demonstration's, or find that it is. Raises SettingsError, before anything is written, where
    it holds anything else; StorageUnavailable where its database cannot be read."""
    data = settings.data_dir
    mark = data / DEMO_MARK
    try:
        strange = not mark.is_file() and data.exists() and next(data.iterdir(), None) is not None
    except OSError as error:
        raise SettingsError(f"{data}: {error.strerror}") from error
    if strange:
        raise SettingsError(
            f"{data} was not made by the demonstration, whose made-up sites would stop the service there: "
            f"use another --data-dir, or none, which is ./{OWN}. "
            f"{data} 不是演示目录，请换一个 --data-dir，或不写（即 ./{OWN}）。"
        )
    real = await _real_site(settings.database_url)
    if real is not None:
        raise SettingsError(
            f"{data} holds {real}, a site that is not the demonstration's: use another --data-dir. "
            f"{data} 中有非演示单位 {real}，请换一个 --data-dir。"
        )
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        mark.touch(mode=0o600)
    except OSError as error:
        raise SettingsError(f"cannot create {mark}: {error.strerror}") from error


async def _real_site(url: str) -> str | None:
    """Return a site under rules other than the demonstration's, None where there is none."""
    if not Path(make_url(url).database or "").is_file():
        return None
    engine = engine_for(url)
    try:
        with storage_errors("The database cannot be read."):
            async with reading(engine) as db:
                if not await db.run_sync(lambda connection: inspect(connection).has_table(sites.name)):
                    return None
                rows = (await db.execute(select(sites.c.id, sites.c.policy).order_by(sites.c.id))).all()
    finally:
        await engine.dispose()
    return next((row.id for row in rows if not _is_demo(row.policy)), None)


def _is_demo(policy: str) -> bool:
    try:
        return load_pack(policy).demo
    except PackError:
        return False
