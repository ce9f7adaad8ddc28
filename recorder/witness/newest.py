"""The newest statements of witnesses about one site, and those of the site about others. A ledger keeps them on paper,
so that a chain that was rewritten together with those of all its witnesses is still found. Blocks."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
import structlog

from recorder.evidence.signing import SIGNATURE, KeyProblem, PublicKey
from recorder.evidence.site_chain import NAME, WITNESS, lines_of_kinds, read
from recorder.witness.keys import PUBLIC, witness_keys
from recorder.witness.statements import Statement, read_line

log = structlog.get_logger()


class Witnessed(msgspec.Struct, frozen=True):
    """A head that a site has witnessed, with the signature of that site's own key; `key` and `signature` are "" where
    the key is kept elsewhere. `head`: `number:hash`; `at`: ISO 8601."""

    witness: str
    of: str
    head: str
    at: str
    key: str = ""
    signature: str = ""

    @property
    def line(self) -> str:
        """The head as `huijian verify --heads` takes it, which a code on paper reads."""
        return f"CHAIN {self.of} {self.head}"


def newest_of(root: Path, site: str) -> list[Witnessed]:
    """Return the newest genuine statement of each witness about a site, and of the site about each other one, the
    newest first; those about the site stand before. Raises OSError."""
    found: dict[tuple[str, str], Witnessed] = {}
    keys = _keys(root)
    for path in sorted(root.glob(f"*/{NAME}")):
        for witnessed in _of_chain(path, keys):
            pair = (witnessed.witness, witnessed.of)
            if site in pair and (pair not in found or witnessed.at >= found[pair].at):
                found[pair] = witnessed
    newest = sorted(found.values(), key=lambda witnessed: witnessed.at, reverse=True)
    return sorted(newest, key=lambda witnessed: witnessed.of != site)


def _keys(root: Path) -> Mapping[str, PublicKey]:
    try:
        return witness_keys(root / PUBLIC)
    except KeyProblem as error:
        log.error("keys of witnesses cannot be read", why=type(error).__name__)
        return {}


def _of_chain(path: Path, keys: Mapping[str, PublicKey]) -> Iterator[Witnessed]:
    """Yield what the site of a chain has witnessed. What is not genuine is left out and logged; `huijian verify` says
    more of it."""
    witness = path.parent.name
    for line in lines_of_kinds(read(path)[0], (WITNESS,)):
        try:
            value = json.loads(line)
        except ValueError:
            continue
        statement, why = read_line(witness, value, keys.get(witness))
        if statement is None or why:
            log.warning("a statement of a witness is not genuine", site=witness)
            continue
        yield _with_signature(statement, value["statement"].get(SIGNATURE) or {})


def _with_signature(statement: Statement, signature: Mapping[str, str]) -> Witnessed:
    return Witnessed(*statement, key=str(signature.get("key", "")), signature=str(signature.get("value", "")))
