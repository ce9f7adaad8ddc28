"""The check behind `huijian admin journal verify`: the journal in a database, live or copied, against the checkpoints
in the archive and in copies of them. It writes nothing, and makes neither folders nor keys."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import typer
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from broker.control.journal import reader
from broker.control.journal.comparison import Comparison, Result
from broker.kernel.clock import SystemClock
from broker.kernel.database import engine_for, read_only_engine
from broker.kernel.errors import StorageUnavailable
from config.settings import Settings
from recorder.evidence.checkpoint_check import (
    CheckpointFault,
    Source,
    compare_sources,
    kept_beside,
    read_source,
)
from recorder.evidence.checkpoints import FOLDER, NAME, Checkpoint
from recorder.evidence.signing import KeyProblem, Keys, beside, public_key, trusted

GIVEN, INSTALLED, ARCHIVED = "given", "installation", "archive"
_WALK = 2_000  # entries at a time: some megabytes


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to check and by which keys; None and () stand for what the settings name."""

    copies: tuple[Path, ...] = ()
    archive: Path | None = None
    keys: tuple[Path, ...] = ()
    database: Path | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """The outcome of a check at the moment `at`. `checkpoints`: all genuine ones, by number; `keys`: where the trusted
    keys are from."""

    result: Result
    sources: tuple[Source, ...]
    checkpoints: dict[int, Checkpoint]
    keys: str
    at: datetime

    @property
    def newest(self) -> Checkpoint | None:
        """The newest checkpoint that fits, None where none does."""
        fitting = [point for point in self.checkpoints.values() if point.seq <= self.result.covered]
        return max(fitting, key=lambda point: point.number, default=None)

    @property
    def unseen(self) -> float | None:
        """Seconds since the newest checkpoint that fits: of what was written since, a removed end would not be missed.
        None where there is no checkpoint: then of all that was ever written."""
        newest = self.newest
        return None if newest is None else max(0.0, (self.at - datetime.fromisoformat(newest.at)).total_seconds())

    @property
    def faults(self) -> list[CheckpointFault]:
        """What is wrong with the checkpoints themselves."""
        return [fault for source in self.sources for fault in source.faults]

    @property
    def whole(self) -> bool:
        """Whether journal and checkpoints are whole."""
        return self.result.whole and not self.faults


def check(settings: Settings, wanted: Wanted) -> Checked:
    """Read the checkpoints and walk along the journal. Raises StorageUnavailable, and BadParameter for a file that
    cannot be read."""
    archive = wanted.archive or (settings.archive_dir if wanted.database is None else None)
    here = wanted.database is None and (archive is None or archive.resolve() == settings.archive_dir)
    keys, whose = _keys(settings, wanted.keys, archive, here)
    sources = _sources(archive, wanted.copies, keys)
    if here:
        if not any(source.archive for source in sources):
            sources.insert(0, Source(str(settings.archive_dir / FOLDER / NAME), archive=True))
        compare_sources(sources, kept_beside(settings.keys_dir))
    else:
        compare_sources(sources)
    points = {point.digest: point for source in sources for point in source.checkpoints.values()}
    result = asyncio.run(_walk(settings, wanted.database, Comparison(points.values())))
    numbered = {point.number: point for point in points.values()}
    useful = tuple(source for source in sources if source.checkpoints or source.faults)
    return Checked(result, useful, numbered, whose, SystemClock().now().wall)


def _keys(settings: Settings, paths: tuple[Path, ...], archive: Path | None, here: bool) -> tuple[Keys, str]:
    """Return the trusted keys and where they are from; an installation that has none yet has no checkpoints either."""
    try:
        if paths:
            return Keys(public_key(path) for path in paths), GIVEN
        if here:
            with suppress(KeyProblem):
                return trusted(settings.keys_dir, settings.archive_signing), INSTALLED
        return (beside(archive) if archive is not None else Keys([])), ARCHIVED
    except KeyProblem as error:
        raise typer.BadParameter(str(error)) from error


def _sources(archive: Path | None, copies: tuple[Path, ...], keys: Keys) -> list[Source]:
    found: list[Source] = []
    try:
        if archive is not None and (archive / FOLDER / NAME).exists():
            found.append(read_source(archive / FOLDER / NAME, keys, archive=True))
        found += [read_source(path, keys) for path in copies]
    except OSError as error:
        raise typer.BadParameter(f"{error.filename}: {error.strerror}") from error
    for path, source in zip(copies, found[len(found) - len(copies) :], strict=True):
        if not source.checkpoints and not source.faults:
            raise typer.BadParameter(f"{path}: there is no checkpoint in it. 其中没有检查点")
    return found


async def _walk(settings: Settings, database: Path | None, comparison: Comparison) -> Result:
    engine = _engine(settings, database)
    try:
        return await reader.compare(engine, comparison, batch=_WALK)
    finally:
        await engine.dispose()


def _engine(settings: Settings, database: Path | None) -> AsyncEngine:
    """Return an engine for the database; a missing one is not created. Raises StorageUnavailable."""
    name = make_url(settings.database_url)
    path = database or (Path(name.database or "") if name.get_backend_name() == "sqlite" else None)
    if path is not None and not path.is_file():
        raise StorageUnavailable(f"There is no database {path}.", f"没有数据库 {path}。")
    return engine_for(settings.database_url) if database is None else read_only_engine(database)
