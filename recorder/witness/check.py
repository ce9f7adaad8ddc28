"""The check of witnessed heads: every head that a site has witnessed is in the chain it is of, and every statement is
the witness's own. By it a chain is found that was rewritten whole, with all its signatures, by the key of the archive.
A site with a key and without any statement has lost those that it made. Blocks.

What it cannot find: that a chain was rewritten together with those of all its witnesses, where these lost the
statements about it and kept others, or were given new ones by a holder of their keys; and that all were rewritten,
where the public keys of the witnesses were removed with their statements, and none was kept elsewhere. Heads on paper,
in the database, or kept elsewhere (`--heads`) still show that."""

from collections.abc import Iterable, Iterator, Mapping
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
    count, damages = 0, _silent(root, chains, witnesses)
    lost: dict[tuple[str, str], list[Statement]] = {}
    for site, lines in chains.items():
        for statement, why in _statements(site, lines, keys, witnesses.get(site)):
            count += 1
            if why or statement is None:
                damages.append(Damage(root / site / NAME, "witness", why))
            elif statement.hash not in hashes.get(statement.of, ()):
                lost.setdefault((statement.of, site), []).append(statement)
    return count, [*damages, *_rewritten(root, lost)]


def _silent(root: Path, chains: Mapping[str, list[bytes]], witnesses: Iterable[str]) -> list[Damage]:
    """Return a damage for each site that has no statement, though it has a key, which is made for the first one."""
    why = "the site has a key as a witness, and its chain has no statement: they were left out"
    return [
        Damage(root / site / NAME, "rewritten", why)
        for site in sorted(witnesses)
        if not any(lines_of_kinds(chains.get(site, ()), (WITNESS,)))
    ]


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
