"""The database: its transactions, its moments, and the errors that callers see."""

import asyncio
import sqlite3
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, select
from sqlalchemy.exc import IntegrityError, OperationalError, StatementError

from broker.kernel.database import SQL_ERRORS, Moment, engine_for, reading, storage_errors, writing
from broker.kernel.errors import Conflict, NotFound, StorageUnavailable

MOMENTS = Table("moments", MetaData(), Column("id", Integer, primary_key=True), Column("at", Moment))
SHANGHAI = timezone(timedelta(hours=8))
NINE = datetime(2026, 3, 2, 9, 0, tzinfo=SHANGHAI)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "db.sqlite"


@pytest.fixture
async def engine(path):
    engine = engine_for(f"sqlite+aiosqlite:///{path}", busy_seconds=0.1)
    async with writing(engine) as db:
        await db.run_sync(MOMENTS.metadata.create_all)
    yield engine
    await engine.dispose()


class TestTransactions:
    async def test_a_writer_holds_the_lock_from_its_first_moment(self, engine):
        async with writing(engine):
            with pytest.raises(OperationalError, match="locked"):
                async with writing(engine):
                    pass

    async def test_readers_see_what_was_there_when_they_began(self, engine):
        async with reading(engine) as db:
            assert (await db.execute(select(MOMENTS))).all() == []
            async with writing(engine) as other:
                await other.execute(MOMENTS.insert().values(id=1, at=NINE))
            assert (await db.execute(select(MOMENTS))).all() == []

    async def test_an_exception_takes_all_of_it_back(self, engine):
        with pytest.raises(NotFound):
            async with writing(engine) as db:
                await db.execute(MOMENTS.insert().values(id=1, at=NINE))
                raise NotFound
        async with reading(engine) as db:
            assert (await db.execute(select(MOMENTS))).all() == []

    async def test_what_is_committed_survives_a_power_cut(self, engine):
        async with reading(engine) as db:
            pragmas = [
                (await db.exec_driver_sql(f"PRAGMA {name}")).scalar() for name in ("journal_mode", "synchronous")
            ]
            assert pragmas == ["wal", 2]
            assert (await db.exec_driver_sql("PRAGMA foreign_keys")).scalar() == 1

    async def test_a_cancelled_one_gives_the_lock_back_although_its_rows_are_still_held(self, engine):
        """A statement that was cancelled may have rows left. Its cursor lives as long as anything refers to it, such as
        the frames of the exception, and SQLite keeps a closed connection's transaction open for as long."""
        async with engine.connect() as connection:
            driver = (await connection.get_raw_connection()).driver_connection
            await driver.execute("BEGIN IMMEDIATE")
            left = await driver.execute(
                "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n"
            )
            assert await left.fetchone() == (1,)
            await connection.invalidate()
        async with writing(engine) as db:
            await db.execute(MOMENTS.insert().values(at=NINE))
        del left


class TestTheFirstConnection:
    async def test_waits_while_another_process_writes_to_a_file_without_a_write_ahead_log(self, path):
        """SQLite calls no busy handler there: of several processes that began with a new file some were refused."""
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        engine = engine_for(f"sqlite+aiosqlite:///{path}")
        connecting = asyncio.create_task(_mode(engine))
        await asyncio.wait([connecting], timeout=0.2)
        other.execute("ROLLBACK")
        other.close()
        assert await connecting == "wal"
        await engine.dispose()


async def _mode(engine):
    async with reading(engine) as db:
        return (await db.exec_driver_sql("PRAGMA journal_mode")).scalar()


class TestMoments:
    async def test_go_in_as_utc_and_come_out_aware(self, engine, path):
        async with writing(engine) as db:
            await db.execute(MOMENTS.insert().values([{"id": 1, "at": NINE}, {"id": 2, "at": None}]))
        async with reading(engine) as db:
            rows = (await db.execute(select(MOMENTS.c.at).order_by(MOMENTS.c.id))).scalars().all()
        assert rows == [NINE, None] and rows[0].tzinfo is UTC
        stored = sqlite3.connect(path).execute("SELECT at FROM moments WHERE id = 1").fetchone()
        assert stored == ("2026-03-02 01:00:00.000000",)

    async def test_without_a_zone_are_refused(self, engine):
        with pytest.raises(StatementError, match="without a time zone"):
            async with writing(engine) as db:
                await db.execute(MOMENTS.insert().values(id=1, at=datetime(2026, 3, 2)))


class TestStorageErrors:
    """Errors of a database become the errors that `signaling` translates."""

    SQL = OperationalError("SELECT 1", {}, sqlite3.OperationalError("locked\nand more"))
    BROKEN = IntegrityError("INSERT", {}, sqlite3.IntegrityError("unique"))

    @pytest.mark.parametrize("error", [SQL, BROKEN, ConnectionRefusedError("no")])
    def test_an_error_of_the_database_makes_the_storage_unavailable(self, error):
        with (
            pytest.raises(StorageUnavailable, match="not answer") as raised,
            storage_errors("It does not answer."),
        ):
            raise error
        assert raised.value.__cause__ is error

    def test_the_detail_may_name_the_error(self):
        with pytest.raises(StorageUnavailable) as raised, storage_errors("No answer ({error}: {line})."):
            raise OSError("refused\nsecond line")
        assert raised.value.detail_en == "No answer (OSError: refused)."

    def test_a_broken_constraint_is_a_conflict_where_the_caller_wants_it(self):
        with pytest.raises(Conflict, match="taken"), storage_errors("No answer.", "It is taken."):
            raise self.BROKEN
        with pytest.raises(StorageUnavailable), storage_errors("No answer.", "It is taken."):
            raise self.SQL

    def test_errors_of_files_pass_where_the_block_reads_files(self):
        with pytest.raises(FileNotFoundError), storage_errors("No answer.", errors=SQL_ERRORS):
            raise FileNotFoundError

    @pytest.mark.parametrize("error", [NotFound("no"), ValueError("no"), KeyboardInterrupt()])
    def test_other_errors_pass_unchanged(self, error):
        with pytest.raises(type(error)), storage_errors("No answer."):
            raise error
