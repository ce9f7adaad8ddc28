"""The night's work: each site witnesses the heads of the sites that it met in the last two days. All heads are read
before the first line is written, so that a night's lines do not witness each other. Blocks."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path

import structlog

from broker.kernel import atomic_files
from broker.kernel.clock import SHANGHAI, in_shanghai
from recorder.archive.manifest_check import is_site
from recorder.archive.paths import MANIFEST
from recorder.evidence.signing import KeyProblem, Signer
from recorder.evidence.site_chain import NAME, WITNESS, BrokenSiteChain, SiteChain, head_of, lines_of_site, open_chain
from recorder.witness.keys import witness_signer
from recorder.witness.statements import line_of, pairs, read_line

log = structlog.get_logger()
DAYS = 2
"""Days whose visits count as meetings: a visit that ended after last night's work counts tonight."""


def next_night(now: datetime, at: time) -> datetime:
    """Return the first moment after `now` at which it is `at` in Shanghai."""
    local = in_shanghai(now)
    tonight = datetime.combine(local.date(), at, tzinfo=SHANGHAI)
    return tonight if tonight > local else tonight + timedelta(days=1)


def witness_heads(root: Path, keys_dir: Path, signer: Signer, now: datetime) -> list[str]:
    """Write what the sites witness tonight; return the sites whose chains have new lines. A head that is witnessed
    already is left out. A site whose chain or key cannot be used is logged, and keeps none of the others."""
    today = in_shanghai(now).date()
    meetings = [sites for back in range(DAYS) for sites in _meetings(root, today - timedelta(days=back))]
    wanted = pairs(meetings)
    heads = {site: head for site in {of for _, of in wanted} if (head := _head(root, site))}
    written = []
    for witness in sorted({witness for witness, _ in wanted}):
        seen = {of: heads[of] for by, of in wanted if by == witness and of in heads}
        try:
            if seen and _write(root, keys_dir, signer, witness, seen, now):
                written.append(witness)
        except (BrokenSiteChain, KeyProblem, OSError) as error:
            log.error("heads not witnessed", site=witness, why=type(error).__name__)
    return written


def _meetings(root: Path, day: date) -> Iterator[tuple[str, str]]:
    """Yield both sites of each visit that began on a day. A manifest is not verified here: what it names becomes a path
    only where it can be the id of a site."""
    for path in root.glob(f"*/{day:%Y/%m/%d}/*/{MANIFEST}"):
        sides = (atomic_files.read_json(path) or {}).get("sides")
        facts = list(sides.values()) if isinstance(sides, dict) else []
        named = [side.get("site") for side in facts if isinstance(side, dict)]
        sites = [site for site in named if is_site(site)]
        if len(facts) == len(sites) == 2:
            yield sites[0], sites[1]


def _head(root: Path, site: str) -> str:
    """Return the head of a site's chain, "" where it has none that can be used."""
    try:
        lines = lines_of_site(root, site) if (root / site / NAME).exists() else []
        return head_of(lines) if lines else ""
    except (BrokenSiteChain, OSError) as error:
        log.error("head not witnessed", site=site, why=type(error).__name__)
        return ""


def _write(root: Path, keys_dir: Path, signer: Signer, witness: str, seen: dict[str, str], now: datetime) -> bool:
    """Append what a witness has seen, by site, to its chain; return whether anything was new."""
    own = witness_signer(keys_dir, root, witness)
    with open_chain(root, witness) as chain:
        earlier = _last_seen(chain, witness)
        fresh = {of: head for of, head in seen.items() if earlier.get(of) != head}
        for of, head in sorted(fresh.items()):
            chain.append(line_of(witness, of, head, now, own), signer)
    return bool(fresh)


def _last_seen(chain: SiteChain, witness: str) -> dict[str, str]:
    """Return the head that was witnessed last of each site."""
    found: dict[str, str] = {}
    for value in chain.values_of(WITNESS):
        statement, _ = read_line(witness, value, None)
        if statement is not None:
            found[statement.of] = statement.head
    return found
