"""The schema, as Alembic revisions run from the installed package: no alembic.ini, no command line.

`migrate(url)` is called before anything else opens the database. Two processes may call it at once:
it runs inside one write transaction, so the second finds the work done.
"""

from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from broker.kernel.database import engine_for, reading, writing
from broker.kernel.errors import StorageUnavailable

HEAD = "0004"


async def migrate(url: str) -> None:
    """Bring the database at `url` to this version's schema. Raises StorageUnavailable."""
    engine = engine_for(url)
    try:
        async with reading(engine) as db:
            current = await db.run_sync(is_current)
        if not current:
            async with writing(engine) as db:
                await db.run_sync(_upgrade)
    except (SQLAlchemyError, OSError) as error:
        why = f"{type(error).__name__}: {_first_line(error)}"
        raise StorageUnavailable(f"The database cannot be prepared ({why}).") from error
    finally:
        await engine.dispose()


def is_current(db: Connection) -> bool:
    """Whether the database has exactly this version's schema."""
    if not inspect(db).has_table("alembic_version"):
        return False
    return db.execute(text("SELECT version_num FROM alembic_version")).scalar() == HEAD


def _upgrade(db: Connection) -> None:
    from alembic import command  # only when there is something to do: it is slow to import
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config(attributes={"connection": db})
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    try:
        command.upgrade(config, HEAD)
    except CommandError as error:
        raise StorageUnavailable(f"The database is of another version ({error}).") from error


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
