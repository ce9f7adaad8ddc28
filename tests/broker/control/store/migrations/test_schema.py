"""The migrations also make what the recorder declares for itself."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from broker.control.store.migrations import migrate
from broker.kernel.database import engine_for, reading
from recorder.archive.tables import METADATA


async def test_the_recorders_tables_have_its_columns_types_and_nulls(tmp_path):
    def differences(db):
        ours = set(METADATA.tables)
        options = {
            "compare_type": True,
            "include_name": lambda name, kind, _: kind != "table" or name in ours,
            "include_object": lambda _object, _name, kind, *_: kind != "index",  # those are ours
        }
        return compare_metadata(MigrationContext.configure(db, opts=options), METADATA)

    url = f"sqlite+aiosqlite:///{tmp_path / 'huijian.sqlite'}"
    await migrate(url)
    engine = engine_for(url)
    async with reading(engine) as db:
        assert await db.run_sync(differences) == []
    await engine.dispose()
