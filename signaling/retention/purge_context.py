"""What a purge needs of other parts, on the command line and over HTTP alike: the policies of the sites, a clock that
can be trusted, the journal."""

from datetime import datetime
from typing import Any, Protocol

from broker.booking.packs import pack_named
from broker.control.journal import reader
from broker.control.journal.journal import Journal
from broker.control.store.records import Role
from broker.control.store.store import Store
from broker.kernel.clock import discipline, in_shanghai
from broker.kernel.errors import Conflict
from config.settings import Settings
from recorder.evidence.signing import installed, trusted
from recorder.retention.clock_trust import Doubt, believe, doubt, mark_clock, marks, started
from recorder.retention.dating import date_recordings
from recorder.retention.hold_repair import repair
from recorder.retention.holds import Chains, Holds
from recorder.retention.plan import Scope, newest
from recorder.retention.policy_changes import extend_due_dates
from recorder.retention.purge import Outcome, Purge
from recorder.retention.rules import clock_went_back

OFFICERS = (Role.AUDITOR, Role.ADMIN)
TOMBSTONE = "RecordingPurged"


class Installation(Protocol):
    """The parts of an installation that a purge works with."""

    @property
    def settings(self) -> Settings:
        """Return the settings of the installation."""
        ...

    @property
    def store(self) -> Store:
        """Return its store, whose clock is the one by which recordings are due."""
        ...

    @property
    def journal(self) -> Journal:
        """Return the journal in which tombstones stand."""
        ...


class JournalTombstones:
    """The tombstones of deleted recordings, as entries of the journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def known(self, session: str) -> bool:
        """Whether the journal has the tombstone of a session."""
        after = 0
        while entries := await self._journal.entries(session, after):
            if any(entry.kind == TOMBSTONE for entry in entries):
                return True
            after = entries[-1].seq
        return False

    async def write(self, session: str, author: str, data: dict[str, Any]) -> None:
        """Write a tombstone and wait for the disk. Raises StorageUnavailable."""
        self._journal.note(TOMBSTONE, session, author, data)
        await self._journal.flush()


def purge_of(installation: Installation) -> Purge:
    """Return the purge of this installation's archive. Raises KeyProblem."""
    chains, tombstones = chains_of(installation), JournalTombstones(installation.journal)
    engine, clock = installation.store.engine, installation.store.clock
    return Purge(engine, chains.root, clock, chains.signer, tombstones, chains.keys)


async def note_end(installation: Installation, author: str, outcome: Outcome, facts: dict[str, Any]) -> None:
    """Journal what a purge has done, and return when that is on disk."""
    counts = {"deleted": outcome.deleted, "bytes": outcome.bytes, "withdrawn": outcome.withdrawn}
    named = {"kept": outcome.kept, "failed": outcome.failed}
    installation.journal.note("PurgeEnded", None, author, {**facts, **counts, **named})
    await installation.journal.flush()


async def scope_at(installation: Installation, site: str | None, as_of: datetime | None = None) -> Scope:
    """Return the scope of a plan now. Raises Conflict where this machine's clock is not trusted."""
    engine, now = installation.store.engine, installation.store.clock.now()
    await mark_clock(engine, installation.store.clock)
    found = await doubted(installation)
    if found is not None:
        raise Conflict(*_texts(found))
    witnessed = await _witnessed(installation)
    if clock_went_back(now.wall, witnessed):
        raise Conflict(f"The clock is behind what was written at {witnessed}.", "系统时间早于已有记录。")
    months = await update_due_dates(installation.store, installation.journal)
    await settle(installation, months, witnessed)
    moment = now.wall if as_of is None else min(as_of, now.wall)
    return Scope(moment, site, months, witnessed, await holds_of(installation).facts())


def holds_of(installation: Installation) -> Holds:
    """Return the legal holds of this installation, in its database and in the chains of its archive. Raises
    KeyProblem."""
    return Holds(installation.store.engine, chains_of(installation))


def chains_of(installation: Installation) -> Chains:
    """Return the chains of this installation's archive, with its keys. Raises KeyProblem."""
    settings = installation.settings
    signer = installed(settings.keys_dir, settings.archive_dir, settings.archive_signing)
    return Chains(settings.archive_dir, signer, trusted(settings.keys_dir, settings.archive_signing))


async def repaired_holds(installation: Installation) -> Holds:
    """Return the legal holds, after bringing database and chains into agreement; what differed is journaled."""
    holds = holds_of(installation)
    for found in await repair(installation.store.engine, holds, installation.store.clock.now().wall):
        installation.journal.note("HoldRepaired", found.session, "command", {"kind": found.kind, "hold": found.hold})
    await installation.journal.flush()
    return holds


async def settle(installation: Installation, months: dict[str, int], latest: datetime | None) -> None:
    """Bring the legal holds in database and chains into agreement, and date recordings that were made with a wrong
    clock, where this one is right; both are journaled."""
    await repaired_holds(installation)
    now = installation.store.clock.now()
    for dated in await date_recordings(
        installation.store.engine, chains_of(installation), now, discipline(), months, latest
    ):
        facts = {"since": dated.since.isoformat(), "why": dated.why}
        installation.journal.note("RecordingDated", dated.session, "command:purge", facts)
    await installation.journal.flush()


async def doubted(installation: Installation) -> Doubt | None:
    """Return why this machine's clock is not trusted, None where it is."""
    engine, now = installation.store.engine, installation.store.clock.now()
    began = started(now)
    noted = [await reader.last_before(engine, began), await newest(engine, began)]
    before = max((moment for moment in noted if moment is not None), default=None)
    return doubt(await marks(engine, now), before, now, discipline())


async def believe_clock(installation: Installation, by: str) -> dict[str, Any]:
    """Trust the clock because officer `by` has compared it, and journal that. Raises Conflict where it is behind."""
    now, found, witnessed = installation.store.clock.now(), await doubted(installation), await _witnessed(installation)
    if clock_went_back(now.wall, witnessed):
        raise Conflict(f"The clock is behind what was written at {witnessed}.", "系统时间早于已有记录。")
    await believe(installation.store.engine, installation.store.clock, by)
    moved = None if found is None else round(found.moved.total_seconds())
    facts = {"clock": now.wall.isoformat(), "seconds": moved, "restarted": found is not None and found.restarted}
    installation.journal.note("ClockBelieved", None, f"user:{by}", facts)
    await installation.journal.flush()
    await settle(installation, await update_due_dates(installation.store, installation.journal), witnessed)
    return {**facts, "clock": f"{in_shanghai(now.wall):%Y-%m-%d %H:%M:%S} (Asia/Shanghai)"}


def _texts(found: Doubt) -> tuple[str, str]:
    how = "compare it with another clock, then run `huijian purge clock --as USER`"
    if found.restarted:
        return (
            f"This machine was restarted and its clock is {found.moved} ahead of the last record, which no time source "
            f"confirms: {how}.",
            "重新启动后系统时间与此前记录相差过大，请核对时间后由审计员或系统管理员确认（purge clock）。",
        )
    return (
        f"The clock was moved by {found.moved} while this machine ran: {how}.",
        "系统时间在运行中被改动，请核对后由审计员或系统管理员确认（purge clock）。",
    )


async def update_due_dates(store: Store, journal: Journal) -> dict[str, int]:
    """Return the months in each site's policy today, after writing the later due dates that follow from them."""
    months = {str(site.id): pack_named(site.policy).retention_months for site in await store.sites()}
    moved = await extend_due_dates(store.engine, months, store.clock.now().wall)
    if moved:
        journal.note("RetentionLengthened", None, "policy", {"recordings": moved})
        await journal.flush()
    return months


async def rules_of(installation: Installation) -> dict[str, str]:
    """Return the rule by which each site's recordings are deleted, in words for the tombstone."""
    rules: dict[str, str] = {}
    for site in await installation.store.sites():
        policy = pack_named(site.policy)
        months = f"{policy.retention_months} months"
        rules[site.id] = f"{policy.articles['retention_months']}; {policy.name} {policy.version}; {months}"
    return rules


async def _witnessed(installation: Installation) -> datetime | None:
    last, _ = await reader.head(installation.store.engine)
    entries = await reader.entries(installation.store.engine, after=last - 1, limit=1)
    moments = [datetime.fromisoformat(entry.at) for entry in entries]
    ended = await newest(installation.store.engine)
    return max([*moments, *([ended] if ended else [])], default=None)
