"""Migrations of the database schema: Alembic revisions that run from the installed package, without alembic.ini.

`migrate(url)` is called before anything else opens the database. Two processes may call it at once, because it runs in
one write transaction: the second finds the work done.
"""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from broker.kernel.database import engine_for, reading, storage_errors, writing
from broker.kernel.errors import StorageUnavailable

HEAD = "0026"
MIGRATING = 60.0  # seconds for which a process waits while another one brings the same database to this version


async def migrate(url: str) -> None:
    """Bring the database at `url` to this version's schema. Raises StorageUnavailable."""
    engine = engine_for(url, MIGRATING, migrates=True)
    try:
        with storage_errors("The database cannot be prepared ({error}: {line})."):
            async with reading(engine) as db:
                current = await db.run_sync(is_current)
            if not current:
                async with writing(engine) as db:
                    await db.run_sync(_upgrade)
    finally:
        await engine.dispose()


def is_current(db: Connection) -> bool:
    """Whether the database has exactly this version's schema."""
    if not inspect(db).has_table("alembic_version"):
        return False
    return db.execute(text("SELECT version_num FROM alembic_version")).scalar() == HEAD


def _upgrade(db: Connection) -> None:
    from alembic import command  # imported only where there is something to do, because it is slow to import
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config(attributes={"connection": db})
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    try:
        command.upgrade(config, HEAD)
    except CommandError as error:
        raise StorageUnavailable(f"The database is of another version ({error}).", "数据库属于其他版本。") from error
    _check_references(db)


def _check_references(db: Connection) -> None:
    """Check that every row still refers to rows that are there. Raises StorageUnavailable, which undoes the upgrade."""
    if db.dialect.name != "sqlite":
        return  # it checks at each statement
    orphans = db.execute(text("PRAGMA foreign_key_check")).fetchall()
    if orphans:
        tables = ", ".join(sorted({row[0] for row in orphans}))
        raise StorageUnavailable(
            f"The upgrade was undone: rows in {tables} would refer to rows that are gone.",
            f"升级已撤销：{tables} 中有记录引用了不存在的记录。",
        )
