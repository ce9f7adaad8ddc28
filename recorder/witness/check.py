"""The check of witnessed heads: every head that a site has witnessed is in the chain it is of, and every statement is
the witness's own. By it a chain is found that was rewritten whole, with all its signatures, by the key of the archive.
Blocks.

What it cannot find: that all chains of sites that ever met were rewritten together, statements included, by a holder
of the keys of all those witnesses. Heads on paper, in the database, or kept elsewhere (`--heads`) still show that."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from broker.kernel.hash_chain import digest
from recorder.evidence.report import Damage
from recorder.evidence.signing import Keys, PublicKey
from recorder.evidence.site_chain import NAME, WITNESS, lines_of_kinds, read
from recorder.evidence.site_chain_check import genuine_line
from recorder.witness.statements import Statement, read_line


def check_witnesses(root: Path, keys: Keys, witnesses: Mapping[str, PublicKey]) -> tuple[int, list[Damage]]:
    """Return how many statements were checked, and what is wrong. `keys`: those of the archive; `witnesses`: the public
    key of each site."""
    chains = {path.parent.name: read(path)[0] for path in sorted(root.glob(f"*/{NAME}"))}
    hashes = {site: {digest(line) for line in lines} for site, lines in chains.items()}
    count, damages = 0, []
    lost: dict[tuple[str, str], list[Statement]] = {}
    for site, lines in chains.items():
        for statement, why in _statements(site, lines, keys, witnesses.get(site)):
            count += 1
            if why or statement is None:
                damages.append(Damage(root / site / NAME, "witness", why))
            elif statement.hash not in hashes.get(statement.of, ()):
                lost.setdefault((statement.of, site), []).append(statement)
    return count, [*damages, *_rewritten(root, lost)]


def _statements(
    site: str, lines: list[bytes], keys: Keys, key: PublicKey | None
) -> Iterator[tuple[Statement | None, str]]:
    for line in lines_of_kinds(lines, (WITNESS,)):
        value, why = genuine_line(line, keys)
        if value is None or why:
            continue  # reported where the chain is walked
        yield read_line(site, value, key)


def _rewritten(root: Path, lost: Mapping[tuple[str, str], list[Statement]]) -> Iterator[Damage]:
    """Yield one damage for each chain and witness, with the first head that it no longer holds."""
    for (of, witness), statements in sorted(lost.items()):
        first = min(statements, key=lambda statement: statement.at)
        more = f", and {len(statements) - 1} later ones" if len(statements) > 1 else ""
        why = f"{witness} witnessed the head {first.head} at {first.at}{more}; the chain does not hold it"
        yield Damage(root / of / NAME, "rewritten", why)
