"""The heads of the site chains in the database: where each chain ended when it was last written. They show what the
files cannot: that the newest end of a chain was cut off, or that a site is missing from the archive.

A head is never replaced by the head of a chain that does not hold it: what was cut off stays missing, whatever is
written behind the cut."""

import asyncio
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from broker.kernel.database import SQL_ERRORS, reading, storage_errors, writing
from broker.kernel.hash_chain import GENESIS, digest
from recorder.archive.tables import HEADS
from recorder.evidence import site_chain
from recorder.evidence.site_chain import BrokenSiteChain

log = structlog.get_logger()
_LINE = re.compile(r"(?:CHAIN )?\s*([a-z0-9][a-z0-9-]{0,62})\s+(\d{1,9}:[0-9a-f]{64})")


class ChainHeads:
    """The table of chain heads. Every method raises StorageUnavailable where the database does not answer."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def all(self) -> dict[str, str]:
        """Return the head of each site's chain, by site."""
        with storage_errors("The heads of the chains cannot be read."):
            async with reading(self._engine) as db:
                return {row.site: row.head for row in await db.execute(select(HEADS.c.site, HEADS.c.head))}

    async def advance(self, root: Path, site: str, now: datetime) -> bool:
        """Store where the chain of a site ends now; return False where the chain does not hold the stored head.

        Raises BrokenSiteChain, OSError.
        """
        with storage_errors("The heads of the chains cannot be kept.", errors=SQL_ERRORS):
            async with writing(self._engine) as db:  # of two processes at once, the second sees what the first stored
                kept = (await db.execute(select(HEADS.c.head).where(HEADS.c.site == site))).scalar()
                head = await asyncio.to_thread(_head, root, site, kept)
                if head is None:
                    return False
                if head != kept:
                    await db.execute(HEADS.delete().where(HEADS.c.site == site))
                    await db.execute(HEADS.insert().values(site=site, head=head, at=now))
        return True

    async def advance_all(self, root: Path, now: datetime) -> list[str]:
        """Call `advance` for every site that has or had a chain; log and return the sites whose chain was cut."""
        sites = {path.parent.name for path in root.glob(f"*/{site_chain.NAME}")} | set(await self.all())
        cut: list[str] = []
        for site in sorted(sites):
            try:
                if not await self.advance(root, site, now):
                    cut.append(site)
                    log.error("site chain does not hold its stored head", site=site)
            except (BrokenSiteChain, OSError) as error:
                cut.append(site)
                log.error("site chain unreadable", site=site, why=type(error).__name__)
        return cut


def read_heads(text: str) -> dict[str, list[str]]:
    """Return the heads in a text: its lines `CHAIN site number:hash`, as `huijian verify` prints them."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        match = _LINE.fullmatch(line.strip())
        if match is not None:
            found.setdefault(match[1], []).append(match[2])
    return found


def merged_heads(many: Iterable[Mapping[str, Iterable[str]]]) -> dict[str, set[str]]:
    """Return the heads from several sources, by site."""
    found: dict[str, set[str]] = {}
    for heads in many:
        for site, kept in heads.items():
            found.setdefault(site, set()).update(kept)
    return found


def _head(root: Path, site: str, kept: str | None) -> str | None:
    """Return where the chain ends, None where it does not hold the stored head `kept`."""
    path = root / site / site_chain.NAME
    if not path.exists():
        return None
    lines, _ = site_chain.read(path)
    if kept is not None and not _holds(lines, kept.partition(":")[2]):
        return None
    return site_chain.head_of(lines)


def _holds(lines: list[bytes], hash: str) -> bool:
    return hash == GENESIS or any(digest(line) == hash for line in reversed(lines))
